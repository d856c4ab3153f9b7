"""Whatever is submitted, in whatever order, what a witness has cosigned is one log that only grew."""

from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rempart.evidence.merkle import leaf_hash
from rempart.evidence.note import SignerKey
from rempart.witness.errors import NotCosigned, RequestMalformed
from rempart.witness.judging import Seen, read_submission, require_growth, require_signed
from tests.witness.test_attacks import KEY, Log

STEP = st.tuples(
    st.booleans(),  # the honest leaves, or others
    st.integers(0, 12),  # up to which size
    st.integers(0, 12),  # from which old size
    st.booleans(),  # with the proof that the submitter can make, or with none
)


def tree(honest: bool, size: int) -> Log:
    """Two logs that part at the fourth leaf."""
    return Log([leaf_hash(f"{n}{'' if honest or n < 4 else 'x'}".encode()) for n in range(size)])


@settings(max_examples=300, deadline=None)
@given(st.lists(STEP, max_size=12))
@example([(True, 6, 0, True), (False, 9, 6, True)])
@example([(True, 6, 0, True), (True, 3, 6, False), (True, 3, 3, True)])
def test_what_was_cosigned_is_one_log_that_only_grew(steps: list[tuple[bool, int, int, bool]]) -> None:
    seen, cosigned = Seen(), list[Log]()
    for honest, size, old, proving in steps:
        log = tree(honest, size)
        proof = log.proof(old) if proving and old <= size else []
        submission = read_submission(log.submission(old, proof))
        require_signed(submission, {KEY.name: [KEY.verifier()]})
        try:
            require_growth(submission, seen)
        except NotCosigned:
            continue
        seen = Seen(submission.checkpoint.size, submission.checkpoint.root)
        cosigned.append(log)
    for before, after in pairwise(cosigned):
        assert after.leaves[: len(before.leaves)] == before.leaves


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400) | st.text(alphabet="old 0123456789\nA=—example", max_size=200).map(str.encode))
def test_any_bytes_are_a_submission_or_malformed(body: bytes) -> None:
    try:
        read = read_submission(body)
    except RequestMalformed:
        return
    assert len(read.proof) <= 63


def test_an_honest_log_of_any_size_is_cosigned_from_any_size() -> None:
    for size in range(13):
        for old in range(size + 1):
            before, log = tree(True, old), tree(True, size)
            require_growth(read_submission(log.submission(old)), Seen(old, before.checkpoint.root))


def test_a_key_of_another_name_signs_for_no_log() -> None:
    other = SignerKey("rempart.example/other", Ed25519PrivateKey.generate())
    log = Log(tree(True, 3).leaves, other)
    with pytest.raises(NotCosigned):
        require_signed(read_submission(log.submission(0)), {KEY.name: [KEY.verifier()]})
