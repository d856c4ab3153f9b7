"""The sealer's side of the key store's count: what each attempt at a delivery asked of it, in a signed chain beside the key store.

Written before what was sealed is swapped in: a capsule that the vault can find was counted. What cannot be recorded is not swapped.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rempart.evidence.sealing import VERSION, Record, read_line, sign_line
from rempart.evidence.signed_lines import hash_of
from rempart.foundation.clock import Clock
from rempart.vault.keystore import KeyRing, operations_key
from rempart.vault.operations import append_line, lines_after


@dataclass(slots=True)
class _Attempt:
    counts: Counter[str] = field(default_factory=Counter)
    sealed: int = 0
    probed: int = 0


class SealingCount:
    """The count of one sealer. Raises OperationsBroken when the chain's end is not this key store's, Outage when it cannot be read."""

    def __init__(self, key_store: Path, ring: KeyRing, clock: Clock) -> None:
        self._place = key_store.with_name(f"{key_store.name}.sealing")
        self._signer, self._clock = operations_key(ring), clock
        self._attempts: dict[str, _Attempt] = {}
        last = lines_after(self._place, -1)
        self._sequence, self._hash = 0, ""
        if last:
            record = read_line(last[0], self._signer.public_key().public_bytes_raw())
            self._sequence, self._hash = record.sequence, hash_of(last[0])

    def add(self, delivery: str, counts: Mapping[str, int], *, sealed: int = 0, probed: int = 0) -> None:
        """Done for a delivery, not recorded yet."""
        attempt = self._attempts.setdefault(delivery, _Attempt())
        attempt.counts.update(counts)
        attempt.sealed += sealed
        attempt.probed += probed

    def record(self, delivery: str, *, whole: bool) -> None:
        """Write what was done for a delivery since its last record, if anything was. Raises Outage; it is then kept for the next time."""
        attempt = self._attempts.get(delivery)
        if attempt is None:
            return
        record = Record(
            version=VERSION,
            sequence=self._sequence + 1,
            at=self._clock(),
            delivery=delivery,
            whole=whole,
            counts=dict(sorted(attempt.counts.items())),
            sealed=attempt.sealed,
            probed=attempt.probed,
            previous=self._hash,
        )
        line = sign_line(record, self._signer)
        append_line(self._place, line)
        self._sequence, self._hash = record.sequence, hash_of(line)
        del self._attempts[delivery]
