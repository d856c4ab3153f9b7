"""May this checkpoint be cosigned? C2SP tlog-witness, add-checkpoint, check by check in the order of the text. Pure.

The question is always the same: does this log begin with all that this witness cosigned of it? A shrink and a fork have no proof.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rempart.evidence.errors import NoteMalformed, NoteRefused, ProofRefused
from rempart.evidence.merkle import EMPTY_ROOT, HASH_SIZE, MAX_SIZE, verify_consistency
from rempart.evidence.note import Checkpoint, VerifierKey, from_base64, open_note, parse_note
from rempart.witness.errors import LogKeyRefused, LogUnknown, NotConsistent, OldSizeConflict, RequestMalformed

MAX_PROOF = 63
"""Lines of a consistency proof (C2SP)."""
_OLD = re.compile(rb"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class Submission:
    """One add-checkpoint request, read and not yet believed."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes
    checkpoint: Checkpoint
    """What the note says, unverified."""


@dataclass(frozen=True)
class Seen:
    """The last checkpoint cosigned of a log. Before the first: nothing, of which every log is a continuation."""

    size: int = 0
    root: bytes = EMPTY_ROOT


def read_submission(body: bytes) -> Submission:
    """Raises `RequestMalformed` for anything that is not an add-checkpoint body, to the byte."""
    head, separator, note = body.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    old = _OLD.fullmatch(first)
    if not separator or old is None or int(old[1]) > MAX_SIZE or len(lines) > MAX_PROOF:
        raise RequestMalformed("an old size, up to 63 hashes and an empty line are expected")
    try:
        proof = tuple(from_base64(line.decode("ascii"), "proof") for line in lines)
        checkpoint = Checkpoint.parse(parse_note(note).text)
    except (NoteMalformed, UnicodeDecodeError) as error:
        raise RequestMalformed(str(error)) from error
    if any(len(value) != HASH_SIZE for value in proof):
        raise RequestMalformed(f"a hash has {HASH_SIZE} bytes")
    return Submission(int(old[1]), proof, note, checkpoint)


def require_signed(submission: Submission, logs: Mapping[str, Sequence[VerifierKey]]) -> None:
    """The log is known and one of its keys signed. Raises `LogUnknown`, `LogKeyRefused`."""
    keys = logs.get(submission.checkpoint.origin)
    if not keys:
        raise LogUnknown(f"no log is trusted under the name {submission.checkpoint.origin[:200]}")
    try:
        open_note(submission.note, keys)
    except NoteRefused as error:
        raise LogKeyRefused(str(error)) from error


def require_growth(submission: Submission, seen: Seen) -> None:
    """The log only grew since `seen`. Raises `RequestMalformed`, `OldSizeConflict`, `NotConsistent`."""
    old, new = submission.old, submission.checkpoint
    if old > new.size:
        raise RequestMalformed(f"the old size {old} is beyond the checkpoint's {new.size}")
    if old != seen.size or (old == new.size and old and new.root != seen.root):
        raise OldSizeConflict(seen.size)
    if old == 0:
        # Nothing was cosigned yet: there is nothing to prove, and a proof of it would say nothing.
        if submission.proof or (new.size == 0 and new.root != EMPTY_ROOT):
            raise NotConsistent("from nothing, the proof is empty")
        return
    try:
        verify_consistency(old, seen.root, new.size, new.root, submission.proof)
    except ProofRefused as error:
        raise NotConsistent(str(error)) from error
