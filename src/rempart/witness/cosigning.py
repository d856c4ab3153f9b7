"""The act of a witness: judge, remember, cosign; in this order, and one at a time."""

from collections.abc import Sequence

from rempart.evidence.cosignature import Cosigner, add_cosignatures
from rempart.evidence.note import VerifierKey
from rempart.foundation.clock import SECOND, Clock
from rempart.witness.judging import Seen, read_submission, require_growth, require_signed
from rempart.witness.memory import Memory, Remembered


class Witness:
    """One witness: its key, the logs that it trusts, what it remembers."""

    def __init__(self, key: Cosigner, logs: Sequence[VerifierKey], memory: Memory, clock: Clock) -> None:
        self._key, self._memory, self._clock = key, memory, clock
        self._logs: dict[str, list[VerifierKey]] = {}
        for log in logs:
            self._logs.setdefault(log.name, []).append(log)

    def add_checkpoint(self, body: bytes) -> str:
        """The cosignature line over the checkpoint submitted. Raises `NotCosigned`, `StateUnusable`; then nothing has changed."""
        submission = read_submission(body)
        require_signed(submission, self._logs)
        new = submission.checkpoint
        # Nothing is awaited from here to the disk: of two submissions at once, the second is judged by what the first left.
        before = self._memory.of(new.origin)
        require_growth(submission, Seen(before.size, before.root) if before else Seen())
        now = self._clock()
        line = self._key.cosign(new.text(), now // SECOND)
        self._memory.keep(new.origin, Remembered(new.size, new.root, self._kept(submission.note, line), now))
        return line

    def last(self, origin: str) -> Remembered | None:
        """The last checkpoint cosigned of a log."""
        return self._memory.of(origin)

    def _kept(self, note: bytes, line: str) -> str:
        # Of the signatures submitted, the log's own are kept: others' lines are no business of this witness.
        text, _, signatures = note.decode().rpartition("\n\n")
        origin = text.partition("\n")[0]
        own = [f"{each}\n" for each in signatures.splitlines() if each.startswith(f"\u2014 {origin} ")]
        return add_cosignatures(f"{text}\n\n{''.join(own)}", [line])
