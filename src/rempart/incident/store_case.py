"""All the SQL of incidents, their acts and their packages, as rempart_operator. psycopg, autocommit; instants are passed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from rempart.foundation.clock import paris_date
from rempart.incident.case import Act, Incident, IncidentUnknown, Verb, incident_of
from rempart.incident.notices.making import Package
from rempart.incident.notices.rendering import Insurer, Place

Connection = psycopg.Connection[Any]
_LOCK = 7_002_151
"""The advisory lock of whoever adds to an incident: with the incident's number as the second half."""


@dataclass(frozen=True, slots=True)
class Handed:
    """One package that was handed over. `acknowledged` 0: not yet."""

    insurer: int
    amc: str
    name: str
    issue: int
    persons: int
    content: bytes
    bytes: int
    made: int
    acknowledged: int
    fetched: int = 0
    """When its insurer took the last part of it; 0: not yet."""


@dataclass(frozen=True, slots=True)
class Laid:
    """What the worker sees of one: enough to recall it. `acknowledged` 0: not yet."""

    insurer: int
    amc: str
    name: str
    issue: int
    made: int
    acknowledged: int


# ── incidents and acts ───────────────────────────────────────────────────────────────────────────────────────────────


def open_incident(c: Connection, at: int, actor: str, title: str, aware: int) -> int:
    """The number of the new one."""
    with c.transaction():
        row = c.execute("INSERT INTO incident.incident (opened) VALUES (%s) RETURNING id", (at,)).fetchone()
        assert row is not None
        number = int(row[0])
        add_act(c, number, at, actor, Verb.OPEN, title, str(aware))
    return number


def hold(c: Connection, incident: int) -> None:
    """Nobody else adds to this incident until the caller's transaction ends."""
    c.execute("SELECT pg_advisory_xact_lock(%s, %s)", (_LOCK, incident))


def add_act(c: Connection, incident: int, at: int, actor: str, verb: Verb, key: str, value: str) -> None:
    """One more line of the incident's journal."""
    with c.transaction():
        hold(c, incident)
        c.execute(
            "INSERT INTO incident.act (incident, number, at, actor, act, key, value)"
            " SELECT %s, 1 + coalesce(max(number), 0), %s, %s, %s, %s, %s FROM incident.act WHERE incident = %s",
            (incident, at, actor, verb.value, key, value, incident),
        )


def acts(c: Connection, incident: int) -> list[Act]:
    """In their order. Raises IncidentUnknown."""
    rows = c.execute(
        "SELECT number, at, actor, act, key, value FROM incident.act WHERE incident = %s ORDER BY number",
        (incident,),
    )
    found = [Act(number, at, actor, Verb(verb), key, value) for number, at, actor, verb, key, value in rows]
    if not found:
        raise IncidentUnknown(str(incident))
    return found


def read_incident(c: Connection, incident: int) -> Incident:
    """As its acts say. Raises IncidentUnknown."""
    return incident_of(incident, acts(c, incident))


def latest(c: Connection) -> int:
    """The incident opened last. Raises IncidentUnknown."""
    row = c.execute("SELECT max(id) FROM incident.incident").fetchone()
    if row is None or row[0] is None:
        raise IncidentUnknown("none was opened")
    return int(row[0])


def incidents(c: Connection) -> list[Incident]:
    """All, newest first."""
    rows = c.execute("SELECT id FROM incident.incident ORDER BY id DESC").fetchall()
    return [read_incident(c, number) for (number,) in rows]


# ── whom it is told to ───────────────────────────────────────────────────────────────────────────────────────────────


def insurers(c: Connection) -> tuple[Insurer, ...]:
    """Every one that is known."""
    rows = c.execute("SELECT number, amc, name, notice_key FROM vault.insurer ORDER BY number")
    return tuple(Insurer(number, amc, name, bytes(key)) for number, amc, name, key in rows)


def places(c: Connection, wanted: Sequence[UUID]) -> list[Place]:
    """The establishments of these ids that have a name."""
    rows = c.execute(
        "SELECT id::text, coalesce(finess, ''), name, town FROM identity.establishment WHERE id = ANY (%s) ORDER BY name, id",
        (list(wanted),),
    )
    return [Place(*row) for row in rows]


def load_keys(c: Connection, insurer: int, loads: Sequence[int]) -> dict[int, bytes]:
    """The wrapped data key of each of these loads."""
    rows = c.execute(
        "SELECT number, wrapped FROM intake.load WHERE insurer = %s AND number = ANY (%s)",
        (insurer, list(loads)),
    )
    return {number: bytes(wrapped) for number, wrapped in rows}


def seats(c: Connection) -> frozenset[str]:
    """The n° AMC of each insurer that has a seat here."""
    rows = c.execute("SELECT amc FROM identity.establishment WHERE amc IS NOT NULL")
    return frozenset(amc for (amc,) in rows)


# ── packages ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def handed_over(c: Connection, incident: int) -> list[Handed]:
    """Every package of an incident, by insurer, then by issue."""
    with c.cursor(row_factory=class_row(Handed)) as cursor:
        return cursor.execute(
            "SELECT p.insurer, i.amc, i.name, p.issue, p.rows AS persons, p.content, p.bytes, p.made,"
            " coalesce(p.acknowledged, 0) AS acknowledged, coalesce(p.fetched, 0) AS fetched"
            " FROM incident.package p JOIN vault.insurer i ON i.number = p.insurer WHERE p.incident = %s ORDER BY p.insurer, p.issue",
            (incident,),
        ).fetchall()


def laid(c: Connection, incident: int) -> list[Laid]:
    """The same, as little of each as recalling takes."""
    with c.cursor(row_factory=class_row(Laid)) as cursor:
        return cursor.execute(
            "SELECT p.insurer, i.amc, i.name, p.issue, p.made, coalesce(p.acknowledged, 0) AS acknowledged"
            " FROM incident.package p JOIN vault.insurer i ON i.number = p.insurer WHERE p.incident = %s ORDER BY p.insurer, p.issue",
            (incident,),
        ).fetchall()


def sealed(c: Connection, incident: int, insurer: int, issue: int) -> bytes:
    """A package as it lies on its insurer's desk, which alone can open it; nothing once it was erased."""
    rows = c.execute(
        "SELECT t.content FROM incident.package_part t JOIN incident.package p ON p.id = t.package"
        " WHERE (p.incident, p.insurer, p.issue) = (%s, %s, %s) ORDER BY t.number",
        (incident, insurer, issue),
    ).fetchall()
    return b"".join(content for (content,) in rows)


def hand_over(c: Connection, identifier: UUID, incident: int, package: Package, at: int, actor: str) -> bool:
    """Lay one package on its insurer's desk, and journal it: whole or not at all. False: this issue was handed over already."""
    insurer = package.insurer.number
    with c.transaction():
        hold(c, incident)
        added = c.execute(
            "INSERT INTO incident.package (id, incident, insurer, issue, day, rows, content, parts, bytes, digest, made)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (incident, insurer, issue) DO NOTHING",
            (
                identifier, incident, insurer, package.issue, paris_date(at), package.persons, package.content, len(package.lines),
                package.bytes,
                package.digest, at,
            ),
        )  # fmt: skip
        if added.rowcount == 0:
            return False
        with c.cursor() as cursor:
            # Not COPY: it does not work under row security.
            cursor.executemany(
                "INSERT INTO incident.package_part (package, number, insurer, content) VALUES (%s, %s, %s, %s)",
                [(identifier, number, insurer, line) for number, line in enumerate(package.lines, start=1)],
            )
        add_act(c, incident, at, actor, Verb.HAND_OVER, str(insurer), str(package.issue))
    return True
