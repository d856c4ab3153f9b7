"""All the SQL of the room. The door reads with asyncpg, worker, operator and desk with psycopg (autocommit)."""

from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg
import psycopg

from rempart.foundation.clock import DAY
from rempart.status.model import (
    Announcement,
    Audience,
    Board,
    Change,
    Level,
    Message,
    Service,
    Update,
    Weight,
)

Connection = psycopg.Connection[Any]
ANNOUNCED = 30 * DAY
"""How long the portal says above every page that the answers about an incident are there."""

# What a board shows: changes since a time, and the last one before it; announcements of that time.
_CHANGES = """
SELECT service, since, level FROM status.change c
 WHERE since >= {0} OR since = (SELECT max(b.since) FROM status.change b WHERE b.service = c.service AND b.since < {0})
 ORDER BY since, service
"""
_ANNOUNCEMENTS = """
SELECT id, started, ended, level, services, french, english FROM status.announcement
 WHERE ended = 0 OR ended >= {0} ORDER BY started DESC, id DESC LIMIT 500
"""
_UPDATES = """
SELECT u.announcement, u.at, u.french, u.english FROM status.announcement_update u
  JOIN status.announcement a ON a.id = u.announcement
 WHERE a.ended = 0 OR a.ended >= {0} ORDER BY u.at, u.id
"""
_OBSERVED = "SELECT at FROM status.observed WHERE id = 1"


def _board(
    observed: int, changes: Iterable[Any], announcements: Iterable[Any], updates: Iterable[Any]
) -> Board:
    said: dict[int, list[Update]] = {}
    for number, *update in updates:
        said.setdefault(number, []).append(Update(*update))
    known = set(Service)
    return Board(
        observed,
        # A service of a former version is shown no more.
        [Change(Service(service), since, Level(level)) for service, since, level in changes if service in known],
        [
            Announcement(number, started, ended, Level(level), tuple(Service(s) for s in services if s in known),
                         french, english, tuple(said.get(number, ())))
            for number, started, ended, level, services, french, english in announcements
        ],
    )  # fmt: skip


# ── the door (asyncpg, role rempart_door, row-level security) ────────────────────────────────────────────────────────


async def read_board(connection: asyncpg.Connection, since: int) -> Board:
    """All that is shown of the time from `since` on."""
    return _board(
        await connection.fetchval(_OBSERVED),
        await connection.fetch(_CHANGES.format("$1::bigint"), since),
        await connection.fetch(_ANNOUNCEMENTS.format("$1::bigint"), since),
        await connection.fetch(_UPDATES.format("$1::bigint"), since),
    )


async def read_messages(
    connection: asyncpg.Connection, now: int, establishment: str, profession: str
) -> list[Message]:
    """Those that stand for this establishment and profession, both from a reply of the vault; newest first. In a transaction."""
    await connection.execute(
        "SELECT set_config('rempart.establishment', $1, true), set_config('rempart.profession', $2, true)",
        establishment, profession,
    )  # fmt: skip
    rows = await connection.fetch(
        "SELECT id, at, until, weight, audience, key, french, english FROM status.message"
        " WHERE at <= $1 AND until > $1 ORDER BY at DESC, id DESC LIMIT 20",
        now,
    )
    published = await connection.fetch(
        "SELECT incident, issue, at, title FROM incident.publication WHERE at <= $1 AND at > $2 ORDER BY at DESC LIMIT 5",
        now, now - ANNOUNCED,
    )  # fmt: skip
    return [*(_announced(*row) for row in published), *(_message(row) for row in rows)]


def _announced(incident: int, issue: int, at: int, title: str) -> Message:
    """Below 0, so that no message that somebody wrote has its number; another issue is read anew."""
    return Message(
        -(incident * 1_000 + issue),
        at,
        at + ANNOUNCED,
        Weight.WARNING,
        Audience.ALL,
        "",
        f"Incident de sécurité : {title}. La réponse exacte pour vous :",
        f"Security incident: {title}. The exact answer for you:",
        answers=True,
    )


def _message(row: Sequence[Any]) -> Message:
    number, at, until, weight, audience, key, french, english = row
    return Message(number, at, until, Weight(weight), Audience(audience), key, french, english)


# ── the worker ───────────────────────────────────────────────────────────────────────────────────────────────────────


def levels_known(c: Connection) -> dict[Service, Level]:
    """What was last seen of each service."""
    rows = c.execute(
        "SELECT DISTINCT ON (service) service, level FROM status.change ORDER BY service, since DESC"
    )
    known = set(Service)
    return {Service(service): Level(level) for service, level in rows if service in known}


def write_changes(c: Connection, changes: Iterable[Change], now: int, forget_before: int) -> None:
    """What was seen now, and that somebody looked. Older history goes, but for the last level before it."""
    with c.transaction():
        for change in changes:
            c.execute(
                "INSERT INTO status.change (service, since, level) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                (change.service, change.since, change.level),
            )
        c.execute("UPDATE status.observed SET at = %s WHERE id = 1", (now,))
        c.execute(
            "DELETE FROM status.change c WHERE since < %s AND EXISTS ("
            "SELECT FROM status.change l WHERE l.service = c.service AND l.since > c.since AND l.since < %s)",
            (forget_before, forget_before),
        )


def standing_holds(c: Connection, now: int) -> list[tuple[str, str]]:
    """Scope and hold of each switch that stands."""
    rows = c.execute("SELECT scope, hold FROM vault.switch WHERE until IS NULL OR until > %s", (now,))
    return [(scope, hold) for scope, hold in rows]


# ── the operator and the desk ─────────────────────────────────────────────────────────────────────────────────────────────────────


def operators_board(c: Connection, since: int) -> Board:
    """The same as the door's."""
    row = c.execute(_OBSERVED).fetchone()
    return _board(
        row[0] if row else 0,
        c.execute(_CHANGES.format("%(since)s"), {"since": since}),
        c.execute(_ANNOUNCEMENTS.format("%(since)s"), {"since": since}),
        c.execute(_UPDATES.format("%(since)s"), {"since": since}),
    )


def add_announcement(
    c: Connection, now: int, level: Level, services: Sequence[Service], french: str, english: str
) -> int:
    """Its number."""
    row = c.execute(
        "INSERT INTO status.announcement (started, level, services, french, english) VALUES (%s, %s, %s, %s, %s) RETURNING id",
        (now, level, list(services), french, english),
    ).fetchone()
    assert row is not None
    return int(row[0])


def end_announcement(c: Connection, number: int, now: int) -> bool:
    """False when none of this number stands."""
    return (
        c.execute(
            "UPDATE status.announcement SET ended = %s WHERE id = %s AND ended = 0", (now, number)
        ).rowcount
        == 1
    )


def stands(c: Connection, number: int) -> bool:
    """Is there an announcement of this number that has not ended?"""
    return (
        c.execute("SELECT FROM status.announcement WHERE id = %s AND ended = 0", (number,)).fetchone()
        is not None
    )


def add_update(c: Connection, number: int, now: int, french: str, english: str) -> None:
    """Said later of an announcement."""
    c.execute(
        "INSERT INTO status.announcement_update (announcement, at, french, english) VALUES (%s, %s, %s, %s)",
        (number, now, french, english),
    )


def add_message(c: Connection, message: Message) -> int:
    """Its number; that of `message` is of no account."""
    row = c.execute(
        "INSERT INTO status.message (at, until, weight, audience, key, french, english)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id",
        (
            message.at,
            message.until,
            message.weight,
            message.audience,
            message.key,
            message.french,
            message.english,
        ),
    ).fetchone()
    assert row is not None
    return int(row[0])


def end_message(c: Connection, number: int, now: int) -> bool:
    """False when none of this number stands."""
    return (
        c.execute(
            "UPDATE status.message SET until = %s WHERE id = %s AND until > %s", (now, number, now)
        ).rowcount
        == 1
    )


def messages(c: Connection, now: int) -> list[Message]:
    """Those that stand, newest first."""
    rows = c.execute(
        "SELECT id, at, until, weight, audience, key, french, english FROM status.message WHERE until > %s ORDER BY at DESC, id DESC",
        (now,),
    )
    return [_message(row) for row in rows]


def finess_of(c: Connection, told: Iterable[Message]) -> dict[str, str]:
    """Of the establishments whom these messages are for, by id."""
    houses = [message.key for message in told if message.audience is Audience.ESTABLISHMENT]
    rows = c.execute(
        "SELECT id::text, finess FROM identity.establishment WHERE id = ANY (%s::uuid[])", (houses,)
    )
    return dict(rows.fetchall())


def said_since(c: Connection, since: int) -> int:
    """Announcements, updates and messages from then on."""
    row = c.execute(
        "SELECT (SELECT count(*) FROM status.announcement WHERE started > %(since)s)"
        " + (SELECT count(*) FROM status.announcement_update WHERE at > %(since)s)"
        " + (SELECT count(*) FROM status.message WHERE at > %(since)s)",
        {"since": since},
    ).fetchone()
    assert row is not None
    return int(row[0])


def establishment_by_finess(c: Connection, finess: str) -> str | None:
    """Its id."""
    row = c.execute(
        "SELECT e.id::text FROM identity.establishment e LEFT JOIN vault.establishment v ON v.id = e.id WHERE e.finess = %s"
        " ORDER BY v.stage > 0, CASE WHEN v.stage > 0 THEN -v.opens ELSE v.opens END LIMIT 1",
        (finess,),
    ).fetchone()
    return row[0] if row else None
