"""Letters that wait, written to the outbox: a PDF, and beside it the contacts it goes to. Role rempart_worker; all its SQL is here.

A contact that was replaced lately is written to as well: whoever takes an account over changes the contact first, and the former one must
hear of the RIB that follows. Each letter is written under its own id, so that one written twice is the same file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import class_row

from rempart.claims.durable import write_durably
from rempart.claims.letters import (
    Heading,
    InduLetter,
    InduLine,
    RejectedPaymentLetter,
    RibLetter,
    indu_letter,
    rejected_payment_letter,
    rib_letter,
)
from rempart.claims.target import next_target_day
from rempart.foundation.clock import DAY, PARIS, Clock

FORMER = 90 * DAY
"""How long a contact that was replaced is still told."""
PAGE = 100


@dataclass(frozen=True, slots=True)
class _Waiting:
    id: UUID
    establishment: UUID
    kind: str
    at: int
    facts: dict[str, Any]
    finess: str
    name: str
    town: str


def write_letters(c: "psycopg.Connection[Any]", outbox: Path, operator: str, clock: Clock) -> int:
    """Write every letter that waits; how many. `c`: autocommit. A letter is marked once its files are durable."""
    written = 0
    while waiting := _waiting(c):
        for letter in waiting:
            folder = outbox / "letters"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            told = {"kind": letter.kind, "finess": letter.finess, "to": _contacts(c, letter)}
            write_durably(folder / f"{letter.id}.json", msgspec.json.encode(told) + b"\n")
            write_durably(folder / f"{letter.id}.pdf", _typeset(letter, operator))
            c.execute("UPDATE claims.letter SET written = %s WHERE id = %s", (clock(), letter.id))
        written += len(waiting)
    return written


def _typeset(letter: _Waiting, operator: str) -> bytes:
    heading = Heading(operator, letter.name, letter.finess, letter.town, letter.at)
    return _KINDS[letter.kind](heading, letter.facts)


def _rib(event: Literal["asked", "in-force", "cancelled"]) -> Callable[[Heading, dict[str, Any]], bytes]:
    def made(heading: Heading, facts: dict[str, Any]) -> bytes:
        second = bool(facts.get("needs_second", False))
        return rib_letter(
            RibLetter(heading, event, facts["asked"], facts["effective"], second, facts.get("sent", 0))
        )

    return made


def _indu(heading: Heading, facts: dict[str, Any]) -> bytes:
    line = InduLine(
        facts["invoice"], facts["cents"], "facture annulée après son paiement", date.fromisoformat(facts["care_date"]), facts["amc"],
    )  # fmt: skip
    return indu_letter(InduLetter(heading, (line,), date.fromisoformat(facts["not_before"])))


def _rejected(heading: Heading, facts: dict[str, Any]) -> bytes:
    number = facts["statement"]
    day = datetime.strptime(number[2:10], "%Y%m%d").replace(tzinfo=PARIS).date()
    return rejected_payment_letter(
        RejectedPaymentLetter(heading, number, facts["cents"], next_target_day(day), facts["reason"])
    )


_KINDS: dict[str, Callable[[Heading, dict[str, Any]], bytes]] = {
    "rib-asked": _rib("asked"),
    "rib-in-force": _rib("in-force"),
    "rib-cancelled": _rib("cancelled"),
    "indu": _indu,
    "payment-rejected": _rejected,
}


def _waiting(c: "psycopg.Connection[Any]") -> list[_Waiting]:
    """An establishment that has no name yet gets its letters when it has one."""
    with c.cursor(row_factory=class_row(_Waiting)) as cursor:
        return cursor.execute(
            """SELECT l.id, l.establishment, l.kind, l.at, l.facts, e.finess, e.name, e.town
               FROM claims.letter l JOIN identity.establishment e ON e.id = l.establishment
               WHERE l.written IS NULL ORDER BY l.at, l.id LIMIT %s""",
            (PAGE,),
        ).fetchall()


def _contacts(c: "psycopg.Connection[Any]", letter: _Waiting) -> list[str]:
    """Those of record, and those that were until lately."""
    found = c.execute(
        """SELECT contact FROM identity.contact WHERE establishment = %s AND (until IS NULL OR until > %s) ORDER BY since DESC""",
        (letter.establishment, letter.at - FORMER),
    )
    return [str(row[0]) for row in found]
