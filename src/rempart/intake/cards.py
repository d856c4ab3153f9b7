"""Requests for cards: for whom, and what is printed besides what Rempart puts there (docs/files/cards.md). Nothing of it is kept."""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from rempart.foundation.vocabulary import Domain
from rempart.intake.checks import SERIAL
from rempart.intake.lines import Chunk
from rempart.intake.model import Reject

MOST_CARDS = 20_000
"""Cards of one request: some minutes of work, during which other files wait."""
_LETTER = "A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ"
SHAPES = {
    "adherent": re.compile(r"[0-9A-Za-z][0-9A-Za-z ./_\-]{0,19}"),
    "member_ref": re.compile(r"[0-9A-Za-z][0-9A-Za-z ./_\-]{0,31}"),
    "card": re.compile(SERIAL),
    "birth_rank": re.compile(r"[1-9]"),
    # A name has no digit: no number comes onto the card by this way.
    "beneficiary": re.compile(rf"[{_LETTER}][{_LETTER}\u0300-\u036f'’ .\-]{{0,79}}"),
    "convention": re.compile(r"[0-9A-Za-zÀ-ÿ .,'/\-]{0,20}"),
    "csr": re.compile(r"[0-9A-Za-z .\-]{0,12}"),
    "responsible": re.compile(r"[01]"),
}
_CELL = re.compile(r"([A-Z]{3,4}) ([0-9A-Za-zÀ-ÿ %€.,+/'()\-]{1,30})")
_DATE = re.compile(r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]")
_OLDEST = date(1880, 1, 1)
# The first 13 characters of a NIR, wherever they stand: with or without its key, in one go or in the groups people write.
_NIR = re.compile(
    r"(?<![0-9A-Z])[1-8][ .\-]?[0-9]{2}[ .\-]?[0-9]{2}[ .\-]?(?:[0-9]{2}|2[AB])[ .\-]?[0-9]{3}[ .\-]?[0-9]{3}"
)
_PRINTED = ("adherent", "member_ref", "convention", "csr", "guarantees")


class CardOrder(NamedTuple):
    """One card to make. It prints without its content."""

    line: int
    member_ref: str
    serial: int
    adherent: str
    birth_date: date
    rank: int
    beneficiary: str
    valid_from: date
    valid_to: date | None
    convention: str
    csr: str
    responsible: bool
    guarantees: tuple[tuple[str, str], ...]
    """Domain and what is printed below it."""

    def __repr__(self) -> str:
        return f"CardOrder(line={self.line})"


def read_cards(
    chunk: Chunk, columns: list[str], amc: str, today: date
) -> tuple[list[CardOrder], list[Reject]]:
    """The cards that a chunk asks for, and the lines that ask for none, each field in error once."""
    orders, rejects = [], []
    for number, raw in enumerate(chunk.data.split(b"\n")[:-1], start=chunk.first_line):
        line = cut_line(raw, columns)
        if isinstance(line, str):
            rejects.append(Reject(number, "", line))
            continue
        found = dict(reversed(list(_judge(line, amc, today))))
        rejects += [Reject(number, field, code) for field, code in found.items()]
        if not found:
            orders.append(_order(number, line))
    return orders, sorted(rejects)


def cut_line(raw: bytes, columns: list[str]) -> dict[str, str] | str:
    """The fields of a line by their columns; or the code of what keeps it from being read."""
    try:
        values = raw.decode().split(";")
    except UnicodeDecodeError:
        return "line-text"
    if len(values) != len(columns) or raw.endswith(b"\r"):
        return "line-form"
    return dict(zip(columns, values, strict=True))


def _judge(line: dict[str, str], amc: str, today: date) -> Iterator[tuple[str, str]]:
    """(field, code) of what is off; of one field, the first says it best."""
    if line["amc"] != amc:
        yield "amc", "amc-differs"
    for field in _PRINTED:
        if _NIR.search(line[field].upper()) is not None:
            yield field, "nir-on-card"
    for field, shape in SHAPES.items():
        if shape.fullmatch(line[field]) is None:
            yield field, "format" if line[field] else "missing"
    yield from judge_dates(line, today)
    if line["guarantees"] and _cells(line["guarantees"]) is None:
        yield "guarantees", "guarantees"


def judge_dates(line: dict[str, str], today: date) -> Iterable[tuple[str, str]]:
    """The same of its birth date and, where it has one, of its period."""
    days = {field: day_of(line.get(field, "")) for field in ("birth_date", "valid_from", "valid_to")}
    for field, day in days.items():
        if field in line and day is None and (line[field] or field != "valid_to"):
            yield field, "date" if line[field] else "missing"
    birth, start, end = days.values()
    if birth is not None and not _OLDEST <= birth <= today:
        yield "birth_date", "date-range"
    if start is not None and end is not None and end < start:
        yield "valid_to", "period"


def day_of(text: str) -> date | None:
    """An ISO date that exists, or None."""
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def _cells(text: str) -> tuple[tuple[str, str], ...] | None:
    """`PHAR 100 %|OPTI PEC`: each domain once."""
    cells = [_CELL.fullmatch(cell) for cell in text.split("|")] if text else []
    said = tuple((cell[1], cell[2]) for cell in cells if cell is not None and cell[1] in set(Domain))
    return said if len({domain for domain, _ in said}) == len(cells) else None


def _order(number: int, line: dict[str, str]) -> CardOrder:
    start, cells = day_of(line["valid_from"]), _cells(line["guarantees"])
    birth = day_of(line["birth_date"])
    assert birth is not None
    assert start is not None
    assert cells is not None
    return CardOrder(
        line=number,
        member_ref=line["member_ref"],
        serial=int(line["card"]),
        adherent=line["adherent"],
        birth_date=birth,
        rank=int(line["birth_rank"]),
        beneficiary=line["beneficiary"],
        valid_from=start,
        valid_to=day_of(line["valid_to"]),
        convention=line["convention"],
        csr=line["csr"],
        responsible=line["responsible"] == "1",
        guarantees=cells,
    )
