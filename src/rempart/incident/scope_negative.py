"""Nobody else: that whoever is not in a scope was not told of by what is in question, how that was checked, and what it rests on.

A `Negative` exists only when the check it names found nothing wrong; everything else raises, with the first leaf concerned. Two depths.
*Counted*: every index of the interval has its entry, so none was removed. *Recomputed*: besides, every entry of the interval, in
question or not, is what its leaf commits to, and all these leaves hash to the signed root; so none was altered to look like another's.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from rempart.evidence.errors import LeafMissing, LeafRewritten, RootMismatch
from rempart.evidence.merkle import HASH_SIZE, leaf_hash, root
from rempart.evidence.operations import CAPSULE, OperationsBroken, faults_of, hash_of, read_line
from rempart.evidence.pruning import latest_horizon
from rempart.evidence.tiles import SPAN, WIDTH
from rempart.foundation.clock import HOUR, instant
from rempart.incident.errors import AskedTooFarBack, CountBroken, LedgerMoved
from rempart.incident.exposure import Question, Scope
from rempart.incident.scope_proofs import Published, split_tile
from rempart.incident.scope_store import (
    Connection,
    Run,
    entry_at,
    first_without_entry,
    last_operation,
    ledger_size,
    nth_entry,
    one_snapshot,
    operation_line,
    operation_lines,
    read_runs,
    read_tiles,
)

TURNED_BACK = HOUR
"""How far the vault's clock may have been turned back without an answer in question lying outside the indexes that are read."""
AT_MOST_LINES = 20_000
"""Records of the key store's count whose signatures are all verified: a week's."""


class Depth(StrEnum):
    """How much was checked."""

    COUNTED = "counted"
    RECOMPUTED = "recomputed"


@dataclass(frozen=True, slots=True)
class Operations:
    """The key store's own count between two of its records that enclose the indexes read (docs/ledger.md)."""

    since: int
    """The records' times, µs."""
    until: int
    made: int
    """Operations that derived a capsule's key."""
    disclosed: int
    """Of these, by a rights check."""
    asked: int
    answered: int
    refused: int
    failed: int
    leaves: int
    unseen: int
    """Leaves that no record tells of: a vault was killed, and what it derived in its last seconds is not counted."""
    uncounted: int
    """Leaves of the interval younger than the last record."""
    verified: int
    """Records whose signature and place in the chain were verified."""
    key_given: bool
    """False: the public key was read from the count itself."""


@dataclass(frozen=True, slots=True)
class Negative:
    """What was checked, and found sound. Made by `state_negative` only."""

    question: Question
    depth: Depth
    origin: str
    first: int
    until: int
    """Every entry with an index in [first, until) was read."""
    size: int
    signed: int
    """Leaves that the checkpoint covers; those beyond are read, and not signed yet."""
    root: bytes
    cosigned: tuple[tuple[str, int], ...]
    """Each witness whose cosignature was verified, and its second (POSIX)."""
    told: int
    absent: int
    """Entries in question."""
    whole: bool
    """The whole ledger was read: nothing rests on the vault's clock."""
    operations: Operations | None
    """None: there is no count."""


Progress = Callable[[int, int], object]
"""Leaves read so far, of how many."""


def state_negative(
    c: Connection,
    scope: Scope,
    published: Published,
    depth: Depth = Depth.RECOMPUTED,
    *,
    whole: bool = False,
    operations_key: bytes = b"",
    progress: Progress = lambda _done, _all: None,
) -> Negative:
    """State that nobody but the scope's persons was told of by what is in question.

    `whole`: read the whole ledger, not the interval alone. `operations_key`: the public key of the key store's count; without it, the one
    that the count names. Raises LeafMissing, LeafRewritten, RootMismatch, LedgerMoved, AskedTooFarBack, OperationsBroken, CountBroken.
    """
    with one_snapshot(c):
        size, now, horizon = scope.size, ledger_size(c), latest_horizon(c)
        if now < max(size, published.checkpoint.size):
            raise LeafMissing(f"the log says {now} leaves, it had more", index=now)
        if horizon.cutoff > scope.question.since:
            raise AskedTooFarBack(instant(horizon.cutoff).isoformat(timespec="seconds"))
        first, until = (horizon.index, size) if whole else _around(c, scope.question, horizon.index, size)
        told, absent = sum(len(person.answers) for person in scope.exposed), scope.absences
        _require_inside(scope, first, until)
        _require_every_entry(c, first, until)
        if depth is Depth.RECOMPUTED:
            _require_recomputed(c, scope, published, first, until, progress)
        operations = _operations(c, first, until, operations_key, every=depth is Depth.RECOMPUTED)
    return Negative(
        scope.question, depth, published.checkpoint.origin, first, until, size, published.checkpoint.size, published.checkpoint.root,
        tuple((each.witness.name, each.second) for each in published.cosignatures), told, absent, whole, operations,
    )  # fmt: skip


# ── which indexes ────────────────────────────────────────────────────────────────────────────────────────────────────


def _around(c: Connection, question: Question, horizon: int, size: int) -> tuple[int, int]:
    """From an entry surely before the interval to one surely after it, both included, so that neither edge can be moved unseen."""
    low = _last_before(c, question.since - TURNED_BACK, horizon, size)
    high = _last_before(c, question.until + TURNED_BACK, horizon, size)
    # The first entry that is surely after, if there is one.
    return max(low, horizon), min(size, high + 2)


def _last_before(c: Connection, at: int, low: int, size: int) -> int:
    """The last index whose entry is before this time, as if times only grew; one below `low` when there is none."""
    known, open_ = low - 1, size
    while open_ - known > 1:
        middle = (known + open_) // 2
        found = entry_at(c, middle)
        if found is not None and found[0] < open_ and found[1] < at:
            known = found[0]
        else:
            open_ = middle
    return known


# ── the entries ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _require_inside(scope: Scope, first: int, until: int) -> None:
    for person in scope.exposed:
        for told in person.answers:
            if not first <= told.index < until:
                raise LedgerMoved(f"leaf {told.index} is in question, and outside of {first} to {until - 1}")


def _require_every_entry(c: Connection, first: int, until: int) -> None:
    if first < until and nth_entry(c, first, until - first) != until - 1:
        gone = first_without_entry(c, first, until)
        raise LeafMissing(f"the entry of leaf {gone} is missing", index=gone)


def _require_recomputed(
    c: Connection, scope: Scope, published: Published, first: int, until: int, progress: Progress
) -> None:
    signed, hashes = published.checkpoint, _Roots(c, published.checkpoint.size)
    told = absent = 0
    for run in read_runs(c, scope.question, first, until):
        if run.wrong is not None:
            raise LeafRewritten(
                f"the entry of leaf {run.wrong} is not what the leaf commits to", index=run.wrong
            )
        told, absent = told + run.told, absent + run.absent
        hashes.take(run)
        progress(min((run.tile + 1) * WIDTH, until) - first, until - first)
    if hashes.root() != signed.root:
        raise RootMismatch(f"the leaves from {first} to {until - 1} do not hash to the root that was signed")
    found = sum(len(person.answers) for person in scope.exposed)
    if (told, absent) != (found, scope.absences):
        raise LedgerMoved(f"{told} told and {absent} absent were read, the scope has {found} and {scope.absences}")  # fmt: skip


class _Roots:
    """The tree's root from the tiles that were read, and from what is stored of all others: one wrong hash gives another root."""

    def __init__(self, c: Connection, size: int) -> None:
        self._c, self._size = c, size
        self._read: dict[int, bytes] = {}

    def take(self, run: Run) -> None:
        """A tile's leaves, whole. Raises LeafMissing."""
        width = min(WIDTH, self._size - run.tile * WIDTH)
        if width > 0:
            # What is not signed yet lies behind.
            hashes = split_tile(0, run.tile, run.commitments[: width * HASH_SIZE], self._size)
            self._read[run.tile] = root(map(leaf_hash, hashes))

    def root(self) -> bytes:
        """Of all leaves signed. Raises LeafMissing."""
        full = self._size >> SPAN
        row: list[bytes] = []
        for number, data in read_tiles(self._c, 1, range(-(-full // WIDTH)), self._size):
            row += split_tile(1, number, data, self._size)
        for tile in self._read.keys() & set(range(full)):
            row[tile] = self._read[tile]
        if self._size % WIDTH:
            row.append(self._read.get(full) or self._edge(full))
        return root(row)

    def _edge(self, number: int) -> bytes:
        [(_, data)] = read_tiles(self._c, 0, [number], self._size)
        return root(split_tile(0, number, data, self._size))


# ── the key store's count ────────────────────────────────────────────────────────────────────────────────────────────


def _operations(c: Connection, first: int, until: int, key: bytes, *, every: bool) -> Operations | None:
    """What the count says between its last record before the indexes read and the first one after. Raises OperationsBroken, CountBroken."""
    last = last_operation(c)
    if last == 0:
        return None
    public = key or base64.b64decode(msgspec.json.decode(operation_line(c, 1))["record"]["key"])
    low = _sequence(c, last, first, public)
    high = min(last, _sequence(c, last, until - 1, public) + 1)
    begin, end = (read_line(operation_line(c, number), public) for number in (low, high))
    verified = 2
    if every and high - low < AT_MOST_LINES:
        verified = _require_chain(operation_lines(c, low, high), public)
    if faults := faults_of(end):
        raise CountBroken("; ".join(faults))
    return Operations(
        since=begin.at,
        until=end.at,
        made=_derivations(end.counts) - _derivations(begin.counts),
        disclosed=_derivations(end.disclosed) - _derivations(begin.disclosed),
        asked=end.asked - begin.asked,
        answered=end.answered - begin.answered,
        refused=end.refused - begin.refused,
        failed=end.failed - begin.failed,
        leaves=end.leaves - begin.leaves,
        unseen=end.unseen - begin.unseen,
        uncounted=max(0, until - end.size),
        verified=verified,
        key_given=bool(key),
    )


def _derivations(counts: Mapping[str, int]) -> int:
    return sum(n for purpose, n in counts.items() if purpose.startswith(CAPSULE))


def _sequence(c: Connection, last: int, size: int, public: bytes) -> int:
    """The last record whose ledger was no longer than this; the first one when all were."""
    low, high = 1, last + 1
    while high - low > 1:
        middle = (low + high) // 2
        if read_line(operation_line(c, middle), public).size <= size:
            low = middle
        else:
            high = middle
    return low


def _require_chain(lines: Sequence[bytes], public: bytes) -> int:
    previous = ""
    for number, line in enumerate(lines):
        record = read_line(line, public)
        if number and record.previous != previous:
            raise OperationsBroken(f"record {record.sequence} does not follow the one before")
        previous = hash_of(line)
    return len(lines)
