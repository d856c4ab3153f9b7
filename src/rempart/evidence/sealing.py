"""The sealer's count of its operations on the key store, held against what insurers delivered (docs/ledger.md).

Pure: lines in, a statement out. The sealer counts and writes (`rempart.sealer.counting`); anybody with the lines, the key's public half and
the deliveries can check them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rempart.evidence import signed_lines
from rempart.evidence.operations import CAPSULE
from rempart.evidence.signed_lines import OperationsBroken, hash_of

VERSION = 1
_LABEL = b"rempart-sealing-v1\x00"


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one attempt at one delivery asked of the key store."""

    version: int
    sequence: int
    """From 1."""
    at: int
    """The sealer's clock, µs."""
    delivery: str
    """Hexadecimal."""
    whole: bool
    """Was the file worked through? Else what an attempt that ended early had done."""
    counts: dict[str, int]
    """Operations by purpose."""
    sealed: int
    """Capsules made of lines."""
    probed: int
    """Cards asked for, each of which is looked for once."""
    previous: str
    """SHA-256 of the line before, hexadecimal; "" for the first."""


@dataclass(frozen=True)
class Statement:
    """What the chain says. `faults`: where operations and deliveries disagree; empty when they agree."""

    records: int
    operations: Mapping[str, int]
    sealed: int
    probed: int
    faults: tuple[str, ...]


def sign_line(record: Record, key: Ed25519PrivateKey) -> bytes:
    """The line, without its end."""
    return signed_lines.sign(_LABEL, record, key)


def read_line(line: bytes, public: bytes) -> Record:
    """The record of a line that this key signed. Raises OperationsBroken."""
    return signed_lines.read(_LABEL, Record, line, public)


def check_sealing(lines: Iterable[bytes], public: bytes, delivered: Mapping[str, int]) -> Statement:
    """Every signature, every link; each derivation against a line's capsule or a card asked for; each delivery against its records.

    `delivered`: each delivery by its id in hexadecimal, and how many capsules the platform has of it: 0 of all but members' files that are
    loaded or wait. A file may have fewer than were counted: whoever is in it twice is set aside, and it may have been begun again.
    Raises OperationsBroken.
    """
    records, previous = list[Record](), ""
    for number, line in enumerate(lines, start=1):
        record = read_line(line, public)
        if record.version != VERSION or record.sequence != number or record.previous != previous:
            raise OperationsBroken(f"the sealer's record {number} does not follow the one before")
        records.append(record)
        previous = hash_of(line)
    operations = Counter[str]()
    for record in records:
        operations.update(record.counts)
    sealed, probed = sum(r.sealed for r in records), sum(r.probed for r in records)
    faults = (*_records_faults(records), *_deliveries_faults(records, delivered))
    return Statement(len(records), dict(sorted(operations.items())), sealed, probed, faults)


def _records_faults(records: list[Record]) -> Iterable[str]:
    for record in records:
        made = sum(n for purpose, n in record.counts.items() if purpose.startswith(CAPSULE))
        if made != record.sealed + record.probed:
            yield (
                f"the sealer's record {record.sequence}: {made} capsule operations,"
                f" {record.sealed} capsules and {record.probed} cards"
            )


def _deliveries_faults(records: list[Record], delivered: Mapping[str, int]) -> Iterable[str]:
    counted = Counter[str]()
    for record in records:
        counted[record.delivery] += record.sealed
    for delivery in sorted(counted.keys() - delivered.keys()):
        yield f"the sealer counted for the delivery {delivery}, which the platform does not know"
    for delivery, known in sorted(delivered.items()):
        if counted[delivery] < known:
            yield f"the delivery {delivery}: {known} capsules, {counted[delivery]} counted"
