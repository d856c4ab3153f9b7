"""All the SQL of dossiers but the vault's: the cashier takes them in (asyncpg), commands list them and the worker erases them (psycopg).

Clear columns name nobody. What the desk reads of one is its own errand's (rempart.desk).
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import asyncpg
import psycopg

from rempart.foundation.clock import DAY, HOUR
from rempart.identity.checks import NOWHERE, Elsewhere
from rempart.identity.dossier import State
from rempart.identity.sealed_dossier import SealedPiece
from rempart.vaultdoor.dossier import Place

UNFINISHED = HOUR
"""What nobody finished goes after that."""
READABLE = 30 * DAY
"""After the decision: what was declared, the documents and the account go."""
KEPT = 180 * DAY
"""After it was received, where nobody decided, or after the decision: the rest goes too."""

# ── the cashier (asyncpg, role rempart_cashier) ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Opening:
    """A dossier as it begins. `rib`, `rib_sealed`, `rib_mark`: the account, sealed to the settlement run for this id."""

    id: uuid.UUID
    finess: str
    siret: str
    profession: str
    opened: int
    code: bytes
    rib: uuid.UUID
    rib_sealed: bytes
    rib_mark: bytes


class Announcement(NamedTuple):
    about: str
    kind: str
    size: int


async def take_turn(c: asyncpg.Connection) -> None:
    """One dossier is counted and opened at a time."""
    await c.execute("SELECT pg_advisory_xact_lock(hashtextextended('dossier', 7))")


async def waiting(c: asyncpg.Connection, now: int) -> tuple[int, int]:
    """How many wait, for a decision or to be erased since nobody finished them, and how many are being filled in."""
    row = await c.fetchrow(
        "SELECT count(*) FILTER (WHERE state <> 'unfinished' OR opened <= $1), count(*) FILTER (WHERE state = 'unfinished' AND opened > $1)"
        " FROM identity.dossier WHERE state IN ('received', 'proposed', 'unfinished')",
        now - UNFINISHED,
    )
    return int(row[0]), int(row[1])


async def begin(c: asyncpg.Connection, dossier: Opening, documents: Sequence[Announcement]) -> None:
    """A new one, and what will follow."""
    d = dossier
    await c.execute(
        "INSERT INTO identity.dossier (id, finess, siret, profession, opened, code, rib, rib_sealed, rib_mark)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        d.id, d.finess, d.siret, d.profession, d.opened, d.code, d.rib, d.rib_sealed, d.rib_mark,
    )  # fmt: skip
    await c.executemany(
        "INSERT INTO identity.dossier_document (dossier, document, about, kind, size) VALUES ($1, $2, $3, $4, $5)",
        [(d.id, number, *each) for number, each in enumerate(documents, start=1)],
    )


async def unfinished(c: asyncpg.Connection, code: bytes, now: int) -> uuid.UUID | None:
    """The dossier of this code that waits for more; None where there is none, or its hour is over."""
    found: uuid.UUID | None = await c.fetchval(
        "SELECT id FROM identity.dossier WHERE code = $1 AND state = 'unfinished' AND opened > $2",
        code,
        now - UNFINISHED,
    )
    return found


async def announced(c: asyncpg.Connection, dossier: uuid.UUID, document: int) -> Announcement | None:
    """What is to be there."""
    row = await c.fetchrow(
        "SELECT about, kind, size FROM identity.dossier_document WHERE dossier = $1 AND document = $2",
        dossier,
        document,
    )
    return Announcement(*row) if row is not None else None


async def add_piece(c: asyncpg.Connection, place: Place, size: int, piece: SealedPiece) -> None:
    """Keep a piece; the first of its place stays."""
    await c.execute(
        "INSERT INTO identity.dossier_piece (dossier, document, piece, size, wrapped, sealed) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT DO NOTHING",
        *place, size, piece.wrapped, piece.sealed,
    )  # fmt: skip


async def finish(c: asyncpg.Connection, code: bytes, now: int) -> bool:
    """It is received; False where it is not whole, or there is none."""
    return bool(await c.fetchval("SELECT identity.finish_dossier($1, $2)", code, now))


async def state_of(c: asyncpg.Connection, code: bytes) -> tuple[State, int] | None:
    """How far it is, and since when; None where there is none of this code, or it was never sent."""
    row = await c.fetchrow(
        "SELECT state, received FROM identity.dossier WHERE code = $1 AND state <> 'unfinished'", code
    )
    return (State(row["state"]), int(row["received"])) if row is not None else None


# ── commands and the desk (psycopg, roles rempart_operator and rempart_desk) ─────────────────────────────────────────


@dataclass(frozen=True)
class Listed:
    """What is clear of a dossier. `documents`: (about, kind, size)."""

    id: uuid.UUID
    finess: str
    siret: str
    profession: str
    state: State
    received: int
    decided: int
    documents: tuple[Announcement, ...]


def listed(c: "psycopg.Connection[Any]", *, undecided: bool) -> list[Listed]:
    """Those that were sent, the oldest first: at most a thousand."""
    rows = c.execute(
        "SELECT d.id, d.finess, d.siret, d.profession, d.state, d.received, coalesce(d.decided, 0),"
        " coalesce((SELECT array_agg(t.about || '|' || t.kind || '|' || t.size ORDER BY t.document)"
        "   FROM identity.dossier_document t WHERE t.dossier = d.id), '{}')"
        " FROM identity.dossier d WHERE d.state <> 'unfinished' AND (NOT %s OR d.state IN ('received', 'proposed'))"
        " ORDER BY d.received, d.id LIMIT 1000",
        (undecided,),
    )
    return [
        Listed(
            number,
            finess,
            siret,
            profession,
            State(state),
            received,
            decided,
            tuple(map(_document, documents)),
        )
        for number, finess, siret, profession, state, received, decided, documents in rows
    ]


def _document(text: str) -> Announcement:
    about, kind, size = text.split("|")
    return Announcement(about, kind, int(size))


def elsewhere_of(c: "psycopg.Connection[Any]", dossier: uuid.UUID) -> Elsewhere:
    """Is its RIB another establishment's, or in another FINESS's dossier; its SIRET; has another its FINESS; has the vault enrolled it?"""
    row = c.execute(
        "SELECT rib, siret, finess, enrolled FROM identity.dossier_elsewhere(%s)", (dossier,)
    ).fetchone()
    return Elsewhere(*map(bool, row)) if row is not None else NOWHERE


def finess_waits(c: "psycopg.Connection[Any]", finess: str) -> bool:
    """Has a dossier this FINESS, which waits, or was refused? Of an application on paper: beside it, one of them may be an impostor's."""
    row = c.execute(
        "SELECT EXISTS (SELECT FROM identity.dossier WHERE finess = %s AND state IN ('received', 'proposed', 'refused'))",
        (finess,),
    ).fetchone()
    return bool(row and row[0])


def clearable(
    c: "psycopg.Connection[Any]", since: int, until: int, finess: str = "", profession: str = ""
) -> list[uuid.UUID]:
    """Those that came from `since` until before `until`, and that nobody proposed or decided, the oldest first."""
    rows = c.execute(
        "SELECT id FROM identity.dossier WHERE state = 'received' AND received >= %s AND received < %s"
        " AND (%s = '' OR finess = %s) AND (%s = '' OR profession = %s) ORDER BY received, id",
        (since, until, finess, finess, profession, profession),
    )
    return [row[0] for row in rows]


def clearable_among(c: "psycopg.Connection[Any]", dossiers: Sequence[uuid.UUID]) -> int:
    """How many of these nobody proposed or decided."""
    row = c.execute(
        "SELECT count(*) FROM identity.dossier WHERE id = ANY (%s) AND state = 'received'", (list(dossiers),)
    ).fetchone()
    return int(row[0]) if row else 0


def clear(c: "psycopg.Connection[Any]", dossiers: Sequence[uuid.UUID], at: int) -> int:
    """They are decided unread, and erased but for what their follow-up codes ask. How many; what somebody took up meanwhile stays."""
    row = c.execute("SELECT identity.clear_dossiers(%s, %s)", (list(dossiers), at)).fetchone()
    return int(row[0]) if row else 0


# ── the worker (psycopg, role rempart_worker) ────────────────────────────────────────────────────────────────────────


def erase(c: "psycopg.Connection[Any]", now: int) -> int:
    """What has had its time goes. How many dossiers lost something."""
    with c.transaction():
        gone = c.execute(
            "DELETE FROM identity.dossier WHERE (state = 'unfinished' AND opened <= %s) OR coalesce(decided, received) <= %s",
            (now - UNFINISHED, now - KEPT),
        ).rowcount
        read = "SELECT id FROM identity.dossier WHERE decided <= %s"
        c.execute(f"DELETE FROM identity.dossier_document WHERE dossier IN ({read})", (now - READABLE,))  # noqa: S608 (a constant of ours)
        # With its pieces goes its account: one that has none any more is left alone, hour after hour.
        emptied = c.execute(
            f"WITH gone AS (DELETE FROM identity.dossier_piece WHERE dossier IN ({read}) RETURNING dossier),"  # noqa: S608
            " emptied AS (UPDATE identity.dossier SET rib_sealed = NULL, rib_mark = NULL"
            " WHERE id IN (SELECT dossier FROM gone) RETURNING id)"
            " SELECT count(*) FROM emptied",
            (now - READABLE,),
        ).fetchone()
    return gone + int(emptied[0] if emptied else 0)
