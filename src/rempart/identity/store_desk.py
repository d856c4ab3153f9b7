"""All the SQL of dossiers at the desk: role rempart_desk, psycopg. What was declared is sealed here; its keys are the vault's."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

MOST = 200
"""Dossiers shown at once."""
OPEN = ("received", "proposed")


@dataclass(frozen=True, slots=True)
class Document:
    """One that the applicant joined: what it is said to be, what its first bytes say it is, bytes."""

    document: int
    about: str
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class Dossier:
    """A dossier as the desk sees it from outside, and what a clerk has added to it. µs; nothing proposed: `proposal` is 0."""

    id: UUID
    finess: str
    siret: str
    profession: str
    state: str
    received: int
    decided: int
    address: str
    digest: str
    doubts: list[str]
    proposal: int
    proposed: int
    proposed_by: str
    until: int
    approved: int

    @property
    def is_open(self) -> bool:
        """Has nobody decided?"""
        return self.state in OPEN


_DOSSIER = """
SELECT d.id, d.finess, d.siret, d.profession, d.state, d.received, coalesce(d.decided, 0) AS decided, coalesce(r.address, '') AS address,
  coalesce(r.digest, '') AS digest, coalesce(r.doubts, '{}') AS doubts, coalesce(r.proposal, 0) AS proposal,
  coalesce(r.proposed, 0) AS proposed, coalesce(r.proposed_by, '') AS proposed_by, coalesce(r.until, 0) AS until,
  coalesce(r.approved, 0) AS approved
FROM identity.dossier d LEFT JOIN identity.review r ON r.dossier = d.id
WHERE d.state <> 'unfinished'
"""


def dossiers(c: "psycopg.Connection[Any]", *, decided: bool) -> list[Dossier]:
    """Those that wait, the oldest first; or the last that were decided."""
    which = (
        "AND d.state IN ('enrolled', 'refused') ORDER BY d.decided DESC"
        if decided
        else "AND d.state IN ('received', 'proposed') ORDER BY d.received, d.id"
    )
    with c.cursor(row_factory=class_row(Dossier)) as cursor:
        return cursor.execute(f"{_DOSSIER} {which} LIMIT {MOST}").fetchall()


def waiting(c: "psycopg.Connection[Any]") -> int:
    """How many wait, all told."""
    row = c.execute(
        "SELECT count(*) FROM identity.dossier WHERE state IN ('received', 'proposed')"
    ).fetchone()
    return int(row[0]) if row else 0


def dossier(c: "psycopg.Connection[Any]", number: UUID) -> Dossier | None:
    """One; None where there is none, or it is unfinished."""
    with c.cursor(row_factory=class_row(Dossier)) as cursor:
        return cursor.execute(f"{_DOSSIER} AND d.id = %s", (number,)).fetchone()


def documents(c: "psycopg.Connection[Any]", number: UUID) -> list[Document]:
    """What was joined to it."""
    with c.cursor(row_factory=class_row(Document)) as cursor:
        return cursor.execute(
            "SELECT document, about, kind, size FROM identity.dossier_document WHERE dossier = %s ORDER BY document",
            (number,),
        ).fetchall()


def pieces(c: "psycopg.Connection[Any]", number: UUID, document: int) -> list[bytes]:
    """A document's pieces in their order, sealed."""
    rows = c.execute(
        "SELECT sealed FROM identity.dossier_piece WHERE dossier = %s AND document = %s ORDER BY piece",
        (number, document),
    )
    return [bytes(row[0]) for row in rows]


# ── what a clerk does ────────────────────────────────────────────────────────────────────────────────────────────────


def note_proposed(
    c: "psycopg.Connection[Any]",
    number: UUID,
    address: str,
    digest: str,
    doubts: list[str],
    proposal: tuple[int, int],
    by: str,
    at: int,
) -> None:
    """It waits for a second person; `proposal`: its number and until when."""
    c.execute(
        "INSERT INTO identity.review AS r (dossier, address, digest, doubts, proposal, until, proposed, proposed_by)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (dossier) DO UPDATE SET address = excluded.address,"
        " digest = excluded.digest, doubts = excluded.doubts, proposal = excluded.proposal, until = excluded.until,"
        " proposed = excluded.proposed, proposed_by = excluded.proposed_by, approved = NULL",
        (number, address, digest, doubts, *proposal, at, by),
    )
    c.execute(
        "UPDATE identity.dossier SET state = 'proposed' WHERE id = %s AND state = 'received'", (number,)
    )


def note_approved(c: "psycopg.Connection[Any]", proposal: int, at: int) -> None:
    """The proposal of this number was approved, if it is a dossier's."""
    c.execute("UPDATE identity.review SET approved = %s WHERE proposal = %s", (at, proposal))


def note_withdrawn(c: "psycopg.Connection[Any]", proposal: int) -> None:
    """It waits for nobody any more: it may be proposed anew."""
    row = c.execute(
        "DELETE FROM identity.review WHERE proposal = %s RETURNING dossier", (proposal,)
    ).fetchone()
    if row is not None:
        c.execute("UPDATE identity.dossier SET state = 'received' WHERE id = %s AND state = 'proposed'", row)


def decide(c: "psycopg.Connection[Any]", number: UUID, state: str, at: int) -> bool:
    """`enrolled` or `refused`, once. False where somebody decided meanwhile."""
    done = c.execute(
        "UPDATE identity.dossier SET state = %s, decided = %s WHERE id = %s AND state IN ('received', 'proposed')",
        (state, at, number),
    )
    return done.rowcount == 1
