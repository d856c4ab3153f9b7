"""The board as an Atom feed (RFC 4287) and as JSON, for machines."""

import json
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from rempart.foundation.clock import instant
from rempart.status.levels import history, level_now, overall
from rempart.status.model import LEVELS, NAMES, Announcement, Board, Service

_ATOM = "http://www.w3.org/2005/Atom"
ET.register_namespace("", _ATOM)


def atom(board: Board, origin: str, language: str, now: int) -> bytes:
    """One entry an announcement, one more for each of its updates; newest first. `language`: "fr" or "en"."""
    french = language != "en"
    feed = ET.Element(
        f"{{{_ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": "fr" if french else "en"}
    )
    address = f"{origin}/etat"
    _put(feed, "id", address)
    _put(feed, "title", "Rempart : état des services" if french else "Rempart: status of the services")
    ET.SubElement(feed, f"{{{_ATOM}}}link", href=address)
    ET.SubElement(feed, f"{{{_ATOM}}}link", rel="self", href=f"{address}.{'' if french else 'en.'}atom")
    entries = sorted(_entries(board, french=french), key=lambda entry: (entry[1], entry[0]), reverse=True)
    _put(feed, "updated", _when(entries[0][1] if entries else now))
    _put(ET.SubElement(feed, f"{{{_ATOM}}}author"), "name", "Rempart")
    for number, at, title, words in entries:
        entry = ET.SubElement(feed, f"{{{_ATOM}}}entry")
        _put(entry, "id", f"{address}#{number}")
        _put(entry, "title", title)
        _put(entry, "updated", _when(at))
        ET.SubElement(entry, f"{{{_ATOM}}}link", href=f"{address}#{number.split('-')[0]}")
        _put(entry, "content", words)
    written: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _entries(board: Board, *, french: bool) -> Iterator[tuple[str, int, str, str]]:
    for announced in board.announcements:
        title = title_of(announced, french=french)
        yield f"a{announced.id}", announced.started, title, announced.french if french else announced.english
        for k, update in enumerate(announced.updates, 1):
            yield f"a{announced.id}-{k}", update.at, title, update.french if french else update.english


def title_of(announced: Announcement, *, french: bool) -> str:
    """Which services, and how they are."""
    side = 0 if french else 1
    return f"{', '.join(NAMES[s][side] for s in announced.services)} : {LEVELS[announced.level][side]}"


def as_json(board: Board, now: int) -> bytes:
    """`services`: level by name, and the days' worst; `announcements`: what stands or stood."""
    shown = {
        "at": _when(now),
        "observed": _when(board.observed) if board.observed else None,
        "level": overall(board, now).name.lower(),
        "services": [
            {
                "id": service.value,
                "level": level_now(board, service, now).name.lower(),
                "days": [
                    {"date": day.date.isoformat(), "level": day.worst.name.lower(), "minutes": day.troubled // 60_000_000}
                    for day in history(board, service, now) if day.known
                ],
            }
            for service in Service
        ],
        "announcements": [
            {
                "id": a.id, "started": _when(a.started), "ended": _when(a.ended) if a.ended else None,
                "level": a.level.name.lower(), "services": [s.value for s in a.services],
                "french": a.french, "english": a.english,
                "updates": [{"at": _when(u.at), "french": u.french, "english": u.english} for u in a.updates],
            }
            for a in board.announcements
        ],
    }  # fmt: skip
    return json.dumps(shown, ensure_ascii=False, indent=1).encode()


def _put(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, f"{{{_ATOM}}}{name}").text = text


def _when(micros: int) -> str:
    return instant(micros).isoformat(timespec="seconds").replace("+00:00", "Z")
