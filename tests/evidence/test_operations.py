"""The count of the key store's operations: its chain, and what it says against the ledger."""

import base64
from itertools import pairwise

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from rempart.evidence.operations import (
    VERSION,
    OperationsBroken,
    Record,
    check_chain,
    hash_of,
    sign_line,
)
from rempart.evidence.signed_lines import Line

KEY = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
FIRST = Record(
    VERSION, 1, 1, "aa", "start", {}, {}, 0, 0, 0, 0, 0, 0, 0, 0, "", base64.b64encode(PUBLIC).decode()
)  # fmt: skip


def chain(*records: Record, key: Ed25519PrivateKey = KEY) -> list[bytes]:
    """These records, numbered and linked."""
    lines: list[bytes] = []
    for number, record in enumerate(records, start=1):
        previous = hash_of(lines[-1]) if lines else ""
        lines.append(sign_line(msgspec.structs.replace(record, sequence=number, previous=previous), key))
    return lines


def grown(
    record: Record, answered: int = 0, refused: int = 0, failed: int = 0, failed_leaves: int = 0
) -> Record:
    """After so many rights checks, all ended."""
    asked, leaves = answered + refused + failed, answered + failed_leaves
    made = record.counts.get("capsule-1", 0) + asked
    return msgspec.structs.replace(
        record, kind="count", counts={"capsule-1": made, "codes": made + 7}, disclosed={"capsule-1": made},
        asked=record.asked + asked, answered=record.answered + answered, refused=record.refused + refused,
        failed=record.failed + failed, leaves=record.leaves + leaves, size=record.size + leaves,
    )  # fmt: skip


STEPS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)).map(
        lambda s: (*s[:3], min(s[2], s[3]))
    ),
    min_size=1,
    max_size=6,
)


def honest(steps: list[tuple[int, int, int, int]]) -> list[Record]:
    records = [FIRST]
    for step in steps:
        records.append(grown(records[-1], *step))
    return records


@given(STEPS)
def test_an_honest_chain_agrees(steps: list[tuple[int, int, int, int]]) -> None:
    statement = check_chain(chain(*honest(steps)), PUBLIC)
    assert (statement.faults, statement.records) == ((), len(steps) + 1)
    assert statement.derivations == statement.last.asked


@given(STEPS, st.integers(1, 5))
def test_an_operation_that_the_ledger_does_not_know_is_said(
    steps: list[tuple[int, int, int, int]], more: int
) -> None:
    *before, last = honest(steps)
    counts = last.counts | {"capsule-1": last.counts["capsule-1"] + more}
    [fault] = check_chain(chain(*before, msgspec.structs.replace(last, counts=counts)), PUBLIC).faults
    assert f"{last.asked + more} operations" in fault


@given(STEPS, st.integers(1, 5))
def test_an_answer_without_its_leaf_and_a_leaf_without_an_answer_are_said(
    steps: list[tuple[int, int, int, int]], wrong: int
) -> None:
    *before, last = honest(steps)
    for leaves in (last.answered - wrong, last.asked - last.refused + wrong):
        changed = msgspec.structs.replace(last, leaves=leaves)
        # Alone: a total that goes back is refused before.
        statement = check_chain(chain(FIRST, changed) if leaves >= 0 else chain(*before, last), PUBLIC)
        assert bool(statement.faults) == (leaves >= 0)


def test_leaves_that_are_gone_are_said() -> None:
    records = honest([(5, 0, 0, 0)])
    assert check_chain(chain(*records), PUBLIC, size=5).faults == ()
    assert check_chain(chain(*records), PUBLIC, size=9).faults == ()
    assert check_chain(chain(*records), PUBLIC, size=4).faults
    assert check_chain(chain(*records[:-1], msgspec.structs.replace(records[-1], missing=2)), PUBLIC).faults


@given(STEPS, st.data())
def test_no_record_can_be_left_out_changed_or_put_in(
    steps: list[tuple[int, int, int, int]], data: st.DataObject
) -> None:
    lines = chain(*honest(steps))
    at = data.draw(st.integers(0, len(lines) - 1))
    broken = [
        [*lines[:at], lines[at].replace(b'"asked":', b'"asked":1', 1), *lines[at + 1 :]],
        [*lines[: at + 1], *lines[at:]],
        [*lines[:at], *lines[at + 1 :]] if at < len(lines) - 1 else [],
        lines[::-1] if len(lines) > 1 else [],
    ]
    for attempt in broken:
        with pytest.raises(OperationsBroken):
            check_chain(attempt, PUBLIC)


def test_another_key_another_form_and_a_total_that_goes_back_are_refused() -> None:
    records = honest([(5, 1, 1, 1), (3, 0, 0, 0)])
    with pytest.raises(OperationsBroken):
        check_chain(chain(*records, key=Ed25519PrivateKey.generate()), PUBLIC)
    lines = chain(*records)
    with pytest.raises(OperationsBroken):
        check_chain([line.replace(b'{"record"', b'{ "record"') for line in lines], PUBLIC)
    for before, after in pairwise(records[::-1]):
        with pytest.raises(OperationsBroken):
            check_chain(chain(before, after), PUBLIC)
    with pytest.raises(OperationsBroken):
        check_chain([], PUBLIC)
    unsigned = msgspec.json.encode(Line(FIRST, ""))
    with pytest.raises(OperationsBroken):
        check_chain([unsigned], PUBLIC)
