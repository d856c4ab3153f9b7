"""Requests for offline cards: for whom; and for their end: which (docs/offline-card.md). Nothing of a request is kept."""

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple
from uuid import UUID

from rempart.intake.cards import SHAPES, cut_line, day_of, judge_dates
from rempart.intake.lines import Chunk
from rempart.intake.model import Reject

_NUMBER = re.compile(r"[A-Za-z0-9_-]{22}")


class OfflineOrder(NamedTuple):
    """One offline card to make: what its holder's card shows. It prints without its content."""

    line: int
    member_ref: str
    adherent: str
    birth_date: date
    rank: int

    def __repr__(self) -> str:
        return f"OfflineOrder(line={self.line})"


def read_offline(
    chunk: Chunk, columns: list[str], amc: str, today: date
) -> tuple[list[OfflineOrder], list[Reject]]:
    """Who is to have an offline card, and the lines that ask for none, each field in error once."""
    orders: list[OfflineOrder] = []
    rejects: list[Reject] = []
    for number, line in _lines(chunk, columns, rejects):
        found = dict(reversed(list(_judge(line, amc, today))))
        rejects += [Reject(number, field, code) for field, code in found.items()]
        birth = day_of(line["birth_date"])
        if not found and birth is not None:
            orders.append(
                OfflineOrder(number, line["member_ref"], line["adherent"], birth, int(line["birth_rank"]))
            )
    return orders, sorted(rejects)


def read_revoked(chunk: Chunk, columns: list[str], amc: str) -> tuple[dict[UUID, int], list[Reject]]:
    """The numbers of the cards to revoke, each with its line."""
    cards: dict[UUID, int] = {}
    rejects: list[Reject] = []
    for number, line in _lines(chunk, columns, rejects):
        card = read_number(line["card"])
        if line["amc"] != amc:
            rejects.append(Reject(number, "amc", "amc-differs"))
        elif card is None:
            rejects.append(Reject(number, "card", "format" if line["card"] else "missing"))
        else:
            cards[card] = number
    return cards, sorted(rejects)


def write_number(card: UUID) -> str:
    """A card's number as the card and the list of a package write it: base64url, 22 letters."""
    return base64.urlsafe_b64encode(card.bytes).rstrip(b"=").decode()


def read_number(text: str) -> UUID | None:
    """The same, read; None when it is none."""
    if _NUMBER.fullmatch(text) is None:
        return None
    try:
        return UUID(bytes=base64.urlsafe_b64decode(text + "=="))
    except (binascii.Error, ValueError):
        return None


def _lines(chunk: Chunk, columns: list[str], rejects: list[Reject]) -> Iterator[tuple[int, dict[str, str]]]:
    for number, raw in enumerate(chunk.data.split(b"\n")[:-1], start=chunk.first_line):
        line = cut_line(raw, columns)
        if isinstance(line, str):
            rejects.append(Reject(number, "", line))
        else:
            yield number, line


def _judge(line: dict[str, str], amc: str, today: date) -> Iterator[tuple[str, str]]:
    if line["amc"] != amc:
        yield "amc", "amc-differs"
    for field in ("member_ref", "adherent", "birth_rank"):
        if SHAPES[field].fullmatch(line[field]) is None:
            yield field, "format" if line[field] else "missing"
    yield from judge_dates(line, today)
