"""The key store's own count of its operations, held against the ledger: disclose operations = leaves, or it is said (docs/ledger.md).

A signed chain of records: each holds the hash of the line before, and totals since the first. Pure: lines in, a statement out. The vault's
process counts and writes (`rempart.vault.operations`); anybody with the lines and the key's public half can check them.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rempart.evidence import signed_lines
from rempart.evidence.signed_lines import OperationsBroken as OperationsBroken  # noqa: PLC0414 (whoever reads the count finds it here)
from rempart.evidence.signed_lines import hash_of as hash_of  # noqa: PLC0414 (the same)

VERSION = 1
_LABEL = b"rempart-operations-v1\x00"
CAPSULE = "capsule-"
"""What the purposes that open capsules begin with, one an epoch."""

ASSUMPTIONS = (
    (
        "The count is made by the vault's process, around each operation that it asks of the key store. Whoever has the file and its"
        " passphrase, or the token and its PIN, can ask elsewhere and is not counted; an HSM's own audit log is the check on that."
    ),
    (
        "That a request was refused after its key was derived, and so has no leaf, is the vault's word; their number bounds what a lying"
        " vault could have opened without a leaf."
    ),
    (
        "The sealer, another process, derives keys to seal insurers' files and to look for cards asked for, never to answer: it counts its"
        " own, in a chain of its own (docs/ledger.md); what it did since its last record when it was killed is not counted."
    ),
    (
        "What a vault that was killed did since its last record is not counted: at most the limit told in docs/ledger.md each time."
        " The leaves of such moments are told apart."
    ),
    "One vault writes this ledger.",
)


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Totals since the chain began, at one instant."""

    version: int
    sequence: int
    """From 1."""
    at: int
    """The vault's clock, µs."""
    run: str
    """Which start of the vault: random, hexadecimal."""
    kind: Literal["start", "count", "stop"]
    counts: dict[str, int]
    """Operations by purpose, whoever asked for them."""
    disclosed: dict[str, int]
    """Of the capsule purposes, those that a rights check asked for: once an epoch in use, each."""
    asked: int
    """Rights checks that derived a key."""
    answered: int
    refused: int
    failed: int
    """Neither answered nor refused: the database or the vault failed meanwhile. There may be a leaf."""
    leaves: int
    """Appended while the vault was counting."""
    unseen: int
    """Leaves found at a start that no record tells of: from before the count, or after a killed vault's last record."""
    missing: int
    """Leaves that a start found gone: the ledger was shorter than when it was last counted."""
    size: int
    """Of the ledger."""
    previous: str
    """SHA-256 of the line before, hexadecimal; "" for the first."""
    key: str
    """The public half of the key that signs, base64."""


@dataclass(frozen=True)
class Statement:
    """What a chain says at its end. `faults`: where operations and ledger disagree; empty when they agree."""

    last: Record
    records: int
    faults: tuple[str, ...]

    @property
    def derivations(self) -> int:
        """Operations that derived a capsule's key."""
        return sum(n for purpose, n in self.last.counts.items() if purpose.startswith(CAPSULE))


def sign_line(record: Record, key: Ed25519PrivateKey) -> bytes:
    """The line, without its end."""
    return signed_lines.sign(_LABEL, record, key)


def read_line(line: bytes, public: bytes) -> Record:
    """The record of a line that this key signed. Raises OperationsBroken."""
    record = signed_lines.read(_LABEL, Record, line, public)
    if base64.b64decode(record.key) != public:
        raise OperationsBroken("a record is not in its one form")
    return record


def check_chain(lines: Iterable[bytes], public: bytes, *, size: int | None = None) -> Statement:
    """Every signature, every link, no total that went back; then what the last record says against the ledger.

    With `size`, the ledger's size now: it is at least what was counted. Raises OperationsBroken.
    """
    last: Record | None = None
    previous, records = "", 0
    for records, line in enumerate(lines, start=1):
        record = read_line(line, public)
        if record.version != VERSION or record.sequence != records or record.previous != previous:
            raise OperationsBroken(f"record {records} does not follow the one before")
        if last is not None:
            _require_forward(last, record)
        last, previous = record, hash_of(line)
    if last is None:
        raise OperationsBroken("it holds no record")
    faults = faults_of(last)
    if size is not None and size < last.size:
        faults = (*faults, f"the ledger has {size} leaves, it had {last.size} when they were last counted")
    return Statement(last, records, faults)


def faults_of(record: Record) -> tuple[str, ...]:
    """Where operations and leaves disagree. What is in flight at the record widens the bounds, and nothing else does."""
    faults = []
    for purpose in sorted(p for p in record.counts.keys() | record.disclosed.keys() if p.startswith(CAPSULE)):
        made, known = record.counts.get(purpose, 0), record.disclosed.get(purpose, 0)
        if made != known:
            faults.append(f"{purpose}: {made} operations, {known} of them by rights checks")
    least, most = record.answered, record.asked - record.refused
    if not least <= record.leaves <= most:
        faults.append(f"{record.leaves} leaves; the answers and what failed make {least} to {most}")
    if record.missing:
        faults.append(f"{record.missing} leaves that were counted are gone")
    return tuple(faults)


def _require_forward(before: Record, after: Record) -> None:
    totals = ("asked", "answered", "refused", "failed", "leaves", "unseen", "missing")
    back = [name for name in totals if getattr(after, name) < getattr(before, name)]
    for name in ("counts", "disclosed"):
        now = getattr(after, name)
        back += [f"{name} {p}" for p, n in getattr(before, name).items() if now.get(p, 0) < n]
    if back:
        raise OperationsBroken(f"record {after.sequence}: {back[0]} went back")
