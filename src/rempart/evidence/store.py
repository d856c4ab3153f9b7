"""What the operator's commands read of the ledger in the database.

All of it read-only; the audit keeps its own statements beside its rules.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from rempart.evidence.errors import LeafMissing, LeafRewritten, LedgerUnreadable, OpeningMalformed
from rempart.evidence.opening import OPENING_SQL, Opening, verify_opening
from rempart.evidence.witnesses import QUORUM, RECENT

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Entry:
    """One answer as committed: its opening was checked against the commitment in the log."""

    index: int
    commitment: bytes
    opening: Opening


@contextmanager
def reading(dsn: str) -> Iterator[Connection]:
    """A read-only connection to the ledger.

    Raises `LedgerUnreadable` for whatever the database answers instead.
    """
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.read_only = True
            yield connection
    except psycopg.Error as error:
        raise LedgerUnreadable(f"the database does not answer: {type(error).__name__}") from error


def latest_checkpoint(connection: Connection) -> bytes:
    """The published note: of the recent checkpoints the one that witnesses cosigned, the newest of these, with their lines.

    Raises `LeafMissing` before the first.
    """
    row = connection.execute(
        "SELECT c.note, coalesce(string_agg(k.line, '' ORDER BY k.witness), '') FROM"
        " (SELECT size, note FROM evidence.checkpoint ORDER BY size DESC LIMIT %s) c LEFT JOIN evidence.cosignature k USING (size)"
        " GROUP BY c.size, c.note ORDER BY least(count(k.line), %s) DESC, c.size DESC LIMIT 1",
        (RECENT, QUORUM),
    ).fetchone()
    if row is None:
        raise LeafMissing("the ledger has no checkpoint yet")
    return f"{row[0]}{row[1]}".encode()


def stream_commitments(connection: Connection, *, batch: int) -> Iterator[bytes]:
    """Every leaf's commitment in index order, from 0. Raises `LeafMissing` at a gap."""
    expected = 0
    with (
        connection.transaction(),
        connection.cursor("evidence_export", binary=True) as cursor,
    ):
        cursor.execute("SELECT index, commitment FROM evidence.leaf ORDER BY index")
        while rows := cursor.fetchmany(batch):
            for index, commitment in rows:
                if index != expected:
                    raise LeafMissing(f"leaf {expected} is missing: {index} comes next", index=expected)
                yield commitment
                expected += 1


def read_entry(connection: Connection, index: int) -> Entry:
    """One entry, checked against its leaf. Raises `LeafMissing`, `LeafRewritten`."""
    row = connection.execute(
        "SELECT l.commitment, e.salt, " + OPENING_SQL + " FROM evidence.leaf l"  # noqa: S608 (constants of ours)
        " LEFT JOIN evidence.entry e ON e.index = l.index WHERE l.index = %s",
        (index,),
    ).fetchone()
    if row is None:
        raise LeafMissing(f"the ledger has no leaf {index}", index=index)
    commitment, salt, opening = row
    if salt is None or opening is None:
        raise LeafRewritten(f"the entry of leaf {index} is missing", index=index)
    try:
        return Entry(index, commitment, verify_opening(commitment, salt, opening))
    except (LeafRewritten, OpeningMalformed) as error:
        raise LeafRewritten(
            f"the entry of leaf {index} is not what the leaf commits to", index=index
        ) from error
