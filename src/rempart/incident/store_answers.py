"""All the SQL of published answers: written as rempart_operator or rempart_desk (psycopg), read as rempart_cashier (asyncpg), which row
security shows the answers of one party alone. Counts and ids of establishments and groups; nobody's name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from rempart.incident.scope_hit import Hit
from rempart.incident.store_case import Connection

SHOWN = 20
"""Incidents on the page, the newest first."""


@dataclass(frozen=True, slots=True)
class PublicWords:
    """What is said to every professional, in both languages. Instants in µs; `told`: what an answer can have said at most."""

    title: str
    aware: int
    nature_fr: str
    nature_en: str
    measures_fr: str
    measures_en: str
    contact_fr: str
    contact_en: str
    told_fr: str
    told_en: str


@dataclass(frozen=True, slots=True)
class PartyAnswer:
    """One party's own answer. `own`: kinds of its people's data that may have been seen (scope_professionals.Kind), of `people` at most."""

    party: UUID
    hit: Hit
    own: tuple[str, ...]
    people: int


@dataclass(frozen=True, slots=True)
class Published:
    """One incident as it is shown. `since`, `until`: the interval examined; `at`: when it was counted, over `size` leaves."""

    incident: int
    issue: int
    at: int
    since: int
    until: int
    size: int
    words: PublicWords


_WORDS = ", ".join(PublicWords.__slots__)
_COUNTS = ", ".join(Hit.__slots__)


# ── the operator and the desk ─────────────────────────────────────────────────────────────────────────────────────────────────────


def replace_answers(c: Connection, shown: Published, answers: Sequence[PartyAnswer]) -> None:
    """These and no others, in the caller's transaction."""
    remove_answers(c, shown.incident)
    names = ("incident", "issue", "at", "since", "until", "size", *PublicWords.__slots__)
    values = [getattr(shown, name, None) for name in names[:6]]
    values += [getattr(shown.words, name) for name in PublicWords.__slots__]
    c.execute(
        f"INSERT INTO incident.publication ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})".encode(),  # noqa: S608
        values,
    )
    counts = [[getattr(each.hit, name) for each in answers] for name in Hit.__slots__]
    c.execute(
        f"INSERT INTO incident.answer (incident, party, {_COUNTS}, own, people)"  # noqa: S608 (names of ours)
        " SELECT %s, party, a, b, c, d, e, string_to_array(own, ','), people"
        " FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::int[], %s::int[], %s::int[], %s::text[], %s::int[])"
        " AS u (party, a, b, c, d, e, own, people)".encode(),
        (
            shown.incident, [each.party for each in answers], *counts,
            [",".join(each.own) for each in answers], [each.people for each in answers],
        ),
    )  # fmt: skip


def remove_answers(c: Connection, incident: int) -> bool:
    """Nothing of it is left for anybody to read, in the caller's transaction. False: it was not published."""
    c.execute("DELETE FROM incident.answer WHERE incident = %s", (incident,))
    return c.execute("DELETE FROM incident.publication WHERE incident = %s", (incident,)).rowcount > 0


def houses_and_seats(c: Connection, parties: Sequence[UUID]) -> tuple[int, int]:
    """How many of these are establishments where care is given, and how many an insurer's seat; the others are groups."""
    row = c.execute(
        "SELECT count(*) FILTER (WHERE profession <> 'insurer'), count(*) FILTER (WHERE profession = 'insurer')"
        " FROM vault.establishment WHERE id = ANY (%s)",
        (list(parties),),
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def published(c: Connection, incident: int) -> Published | None:
    """As everybody reads it now; None where it is not published."""
    row = c.execute(
        f"SELECT incident, issue, at, since, until, size, {_WORDS} FROM incident.publication WHERE incident = %s".encode(),  # noqa: S608
        (incident,),
    ).fetchone()
    return None if row is None else _published(*row)


def answers_of(c: Connection, incident: int) -> set[PartyAnswer]:
    """Every party's, as published; as rempart_operator."""
    rows = c.execute(
        f"SELECT party, {_COUNTS}, own, people FROM incident.answer WHERE incident = %s".encode(),  # noqa: S608
        (incident,),
    ).fetchall()
    return {PartyAnswer(party, Hit(*counts), tuple(own), people) for party, *counts, own, people in rows}


# ── the cashier ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def shown(c: asyncpg.Connection) -> list[Published]:
    """The published ones, newest first."""
    rows = await c.fetch(
        f"SELECT incident, issue, at, since, until, size, {_WORDS} FROM incident.publication ORDER BY at DESC LIMIT {SHOWN}"  # noqa: S608
    )
    return [_published(*row) for row in rows]


async def own_answers(c: asyncpg.Connection) -> dict[tuple[int, UUID], PartyAnswer]:
    """Whatever row security shows: (incident, party) → its answer. Who is not in it was not touched."""
    rows: list[Any] = await c.fetch(
        f"SELECT incident, party, {_COUNTS}, own, people FROM incident.answer WHERE incident IN"  # noqa: S608
        f" (SELECT incident FROM incident.publication ORDER BY at DESC LIMIT {SHOWN})"
    )
    return {
        (row["incident"], row["party"]): PartyAnswer(
            row["party"],
            Hit(*(row[name] for name in Hit.__slots__)),
            tuple(row["own"]),
            row["people"],
        )
        for row in rows
    }


def _published(
    incident: int, issue: int, at: int, since: int, until: int, size: int, *words: Any
) -> Published:
    return Published(incident, issue, at, since, until, size, PublicWords(*words))
