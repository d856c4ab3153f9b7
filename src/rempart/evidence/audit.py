"""The database's ledger against itself: no gap, no leaf rewritten, every signed root still the root of the
leaves.

It reads in one snapshot, as a stream, and writes nothing. A role that may read `evidence.entry` also checks
every entry against its commitment; a role that may read the leaves only checks all the rest. A periodic audit
goes on from the frontier that the former one left, which must be kept where the database's owner cannot
write.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, LiteralString

import psycopg
from psycopg.pq import TransactionStatus

from rempart.evidence.errors import LeafMissing, LeafRewritten, LedgerUnreadable, RootMismatch
from rempart.evidence.merkle import Frontier, leaf_hash
from rempart.evidence.note import Checkpoint, VerifierKey, open_checkpoint, parse_note
from rempart.evidence.opening import LABEL, OPENING_SQL
from rempart.evidence.pruning import require_sound_horizon

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class AuditReport:
    """What was checked. `frontier` is where the next audit may go on from."""

    size: int
    """Leaves in the log."""
    root: bytes
    """Of all leaves, signed or not yet."""
    leaves: int
    """Read by this audit: all, or those since the frontier given."""
    openings: int
    """Entries compared with their commitment; 0 for a role that may not read them."""
    pruned: int
    """Entries gone below the recorded horizon: their leaves were checked."""
    checkpoints: int
    """Whose root was recomputed."""
    signed_size: int
    """Of the latest checkpoint; the leaves beyond wait for the next one. 0 before the first."""
    frontier: Frontier


def audit_ledger(
    connection: Connection, *, batch: int, since: Frontier | None = None, key: VerifierKey | None = None
) -> AuditReport:
    """Check the whole ledger, or what follows the frontier of an older audit. `batch`: rows in memory at
    once.

    The connection must be outside any transaction. With `key`, each checkpoint's signature is verified too.
    Raises `LeafMissing`, `LeafRewritten`, `RootMismatch` at the first mismatch, with its index;
    `NoteMalformed`, `NoteRefused`; `LedgerUnreadable` when the database does not answer.
    """
    if connection.info.transaction_status != TransactionStatus.IDLE:
        raise ValueError("the audit takes its own snapshot: the connection must be outside any transaction")
    frontier = since.copy() if since is not None else Frontier()
    pruned = 0
    with _snapshot(connection):
        head, signed_size = _require_head(connection, frontier.size)
        start = frontier.size
        with_openings = _may_read_entries(connection)
        horizon = require_sound_horizon(connection, head).index if with_openings else 0
        signed = _SignedRoots(connection, start, key, batch)
        for first, rows in _stream_leaves(connection, start, with_openings=with_openings, batch=batch):
            if first + len(rows) > head:
                raise LeafMissing(f"the log says {head} leaves, there are more", index=head)
            pruned += _require_commitments(first, rows, with_openings=with_openings, horizon=horizon)
            signed.follow(frontier, [leaf_hash(row[1]) for row in rows])
        _require_count(connection, frontier.size, head, with_openings=with_openings)
        signed.follow(frontier, [])
    read = frontier.size - start
    return AuditReport(
        head,
        frontier.root(),
        read,
        read - pruned if with_openings else 0,
        pruned,
        signed.compared,
        signed_size,
        frontier,
    )


@contextmanager
def _snapshot(connection: Connection) -> Iterator[None]:
    try:
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    except psycopg.Error as error:
        raise LedgerUnreadable(f"the database does not answer: {type(error).__name__}") from error


def _require_head(connection: Connection, known: int) -> tuple[int, int]:
    row = connection.execute(
        "SELECT l.size, (SELECT max(c.size) FROM evidence.checkpoint c) FROM evidence.log l WHERE l.id = 1"
    ).fetchone()
    if row is None:
        raise LeafMissing("the log has no head")
    head, signed = int(row[0]), int(row[1] or 0)
    if head < max(known, signed):
        raise LeafMissing(
            f"the log is shorter than it was: {head} leaves after {max(known, signed)}", index=head
        )
    return head, signed


def _may_read_entries(connection: Connection) -> bool:
    row = connection.execute("SELECT has_table_privilege('evidence.entry', 'SELECT')").fetchone()
    return row is not None and bool(row[0])


_LEAVES: LiteralString = (
    "SELECT l.index, l.commitment FROM evidence.leaf l WHERE l.index >= %s ORDER BY l.index"
)
_LEAVES_AND_OPENINGS: LiteralString = (
    "SELECT l.index, l.commitment, e.salt, " + OPENING_SQL + " FROM evidence.leaf l"  # noqa: S608 (constants of ours)
    " LEFT JOIN evidence.entry e ON e.index = l.index WHERE l.index >= %s ORDER BY l.index"
)


def _stream_leaves(
    connection: Connection, start: int, *, with_openings: bool, batch: int
) -> Iterator[tuple[int, Sequence[tuple[Any, ...]]]]:
    # A cursor on the server: memory is one batch. Every batch is gapless, and begins where the one before
    # ended.
    expected = start
    with connection.cursor("evidence_leaves", binary=True) as cursor:
        cursor.execute(_LEAVES_AND_OPENINGS if with_openings else _LEAVES, (start,))
        while rows := cursor.fetchmany(batch):
            for index, row in enumerate(rows, start=expected):
                if row[0] != index:
                    raise LeafMissing(f"leaf {index} is missing: {row[0]} comes next", index=index)
            yield expected, rows
            expected += len(rows)


def _require_commitments(
    first: int, rows: Sequence[tuple[Any, ...]], *, with_openings: bool, horizon: int
) -> int:
    """Every entry is what its leaf commits to; below the horizon it may be gone. How many are."""
    pruned = 0
    for index, row in enumerate(rows, start=first):
        if len(row[1]) != 32:
            raise LeafRewritten(f"leaf {index} is not a commitment of 32 bytes", index=index)
        if not with_openings:
            continue
        salt, opening = row[2], row[3]
        if salt is None or opening is None:
            if index < horizon:
                pruned += 1
                continue
            raise LeafRewritten(f"the entry of leaf {index} is missing", index=index)
        if sha256(LABEL + salt + opening).digest() != row[1]:
            raise LeafRewritten(f"the entry of leaf {index} is not what the leaf commits to", index=index)
    return pruned


def _require_count(connection: Connection, read: int, head: int, *, with_openings: bool) -> None:
    if read != head:
        raise LeafMissing(f"the log says {head} leaves, there are {read}", index=read)
    if with_openings:
        row = connection.execute("SELECT index FROM evidence.entry ORDER BY index DESC LIMIT 1").fetchone()
        below = connection.execute("SELECT index FROM evidence.entry WHERE index < 0 LIMIT 1").fetchone()
        if below is not None or (row is not None and row[0] >= head):
            raise LeafMissing(f"an entry has no leaf: the log says {head} leaves", index=head)


class _SignedRoots:
    """The checkpoints from a size on, in order, each compared when the leaves reach its size."""

    def __init__(self, connection: Connection, start: int, key: VerifierKey | None, batch: int) -> None:
        self._key = key
        self.compared = 0
        self._rows = self._read(connection, start, batch)
        self._next = next(self._rows, None)

    @staticmethod
    def _read(connection: Connection, start: int, batch: int) -> Iterator[tuple[int, bytes, bytes, str]]:
        with connection.cursor("evidence_checkpoints", binary=True) as cursor:
            cursor.execute(
                "SELECT size, root, frontier, note FROM evidence.checkpoint WHERE size >= %s ORDER BY size",
                (start,),
            )
            while rows := cursor.fetchmany(batch):
                yield from rows

    def follow(self, frontier: Frontier, hashes: list[bytes]) -> None:
        """Append the leaf hashes; stop at each checkpoint on the way and compare."""
        start, end = frontier.size, frontier.size + len(hashes)
        while self._next is not None and self._next[0] <= end:
            frontier.extend(hashes[frontier.size - start : self._next[0] - start])
            self._compare(frontier, *self._next)
            self._next = next(self._rows, None)
        frontier.extend(hashes[frontier.size - start :])

    def _compare(self, frontier: Frontier, size: int, root: bytes, stored: bytes, note: str) -> None:
        data = note.encode()
        # Without a key the note is only compared with the row beside it: any key may have signed it.
        said = Checkpoint.parse(parse_note(data).text)
        if self._key:
            # The log may have had another name before (docs/ledger.md, a restored backup): the key is the same.
            said = open_checkpoint(data, VerifierKey(said.origin, self._key.public))
        if (said.size, said.root) != (size, root):
            raise RootMismatch(f"the checkpoint of {size} leaves is not what its note says")
        if root != frontier.root() or stored != frontier.serialise():
            raise RootMismatch(f"the first {size} leaves do not hash to the root signed for them")
        self.compared += 1
