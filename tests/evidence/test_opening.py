"""The 104 bytes of a leaf's opening, and the commitment to them."""

from dataclasses import replace
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rempart.evidence.errors import LeafRewritten, OpeningMalformed
from rempart.evidence.opening import (
    OPENING_SIZE,
    Opening,
    Outcome,
    commit,
    decode_opening,
    encode_opening,
    verify_opening,
)

TOLD = Opening(
    at=1_767_225_600_000_000,
    account=UUID(int=0xA1),
    device=UUID(int=0xB2),
    establishment=UUID(int=0xC3),
    insurer=84,
    lane=1,
    domain=7,
    answer_class=1,
    outcome=Outcome.TOLD,
    cost=1,
    subject=UUID(int=0xD4),
    editor=UUID(int=0xE5),
)
ABSENT = replace(TOLD, outcome=Outcome.ABSENT, cost=5, subject=None)
SALT = bytes(range(16))

UUIDS = st.uuids(allow_nil=False)


@st.composite
def openings(draw: st.DrawFn) -> Opening:
    told = draw(st.booleans())
    return Opening(
        at=draw(st.integers(0, 2**63 - 1)),
        account=draw(UUIDS),
        device=draw(UUIDS),
        establishment=draw(UUIDS),
        insurer=draw(st.integers(1, 2**15 - 1)),
        lane=draw(st.integers(1, 3)),
        domain=draw(st.integers(1, 12)),
        answer_class=1,
        outcome=Outcome.TOLD if told else Outcome.ABSENT,
        cost=draw(st.integers(0, 2**31 - 1)),
        subject=draw(UUIDS) if told else None,
        editor=draw(st.none() | UUIDS),
    )


def test_the_bytes_are_the_documented_ones() -> None:
    expected = (
        "0002"
        "0006474846204000"
        "000000000000000000000000000000a1"
        "000000000000000000000000000000b2"
        "000000000000000000000000000000c3"
        "0054"
        "0001"
        "0007"
        "0001"
        "0001"
        "00000001"
        "000000000000000000000000000000d4"
        "000000000000000000000000000000e5"
    )
    assert encode_opening(TOLD).hex() == expected
    assert OPENING_SIZE == 104
    assert encode_opening(ABSENT)[72:88] == bytes(16)
    assert encode_opening(replace(TOLD, editor=None))[88:] == bytes(16)
    assert (
        commit(SALT, encode_opening(TOLD))
        == sha256(b"rempart-leaf-v1" + b"\x00" + SALT + bytes.fromhex(expected)).digest()
    )


@given(openings())
def test_an_opening_comes_back(opening: Opening) -> None:
    data = encode_opening(opening)
    assert decode_opening(data) == opening
    assert verify_opening(commit(SALT, data), SALT, data) == opening


@given(openings(), st.integers(0, OPENING_SIZE * 8 - 1))
def test_any_single_bit_changed_in_an_opening_is_refused(opening: Opening, bit: int) -> None:
    data = bytearray(encode_opening(opening))
    commitment = commit(SALT, bytes(data))
    data[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(LeafRewritten):
        verify_opening(commitment, SALT, bytes(data))


def test_another_salt_is_refused() -> None:
    data = encode_opening(TOLD)
    with pytest.raises(LeafRewritten):
        verify_opening(commit(SALT, data), SALT[::-1], data)
    with pytest.raises(OpeningMalformed):
        commit(SALT[:-1], data)
    with pytest.raises(OpeningMalformed):
        commit(SALT, data + b"\x00")


@pytest.mark.parametrize(
    "opening",
    [
        replace(TOLD, subject=None),
        replace(TOLD, subject=UUID(int=0)),
        replace(ABSENT, subject=UUID(int=1)),
        replace(ABSENT, subject=UUID(int=0)),
        replace(TOLD, lane=5),
        replace(TOLD, editor=UUID(int=0)),
        replace(TOLD, domain=0),
        replace(TOLD, domain=13),
        replace(TOLD, answer_class=2),
        replace(TOLD, insurer=0),
        replace(TOLD, insurer=-1),
        replace(TOLD, insurer=2**15),
        replace(TOLD, at=2**63),
        replace(TOLD, at=-1),
        replace(TOLD, cost=-1),
        replace(TOLD, cost=2**31),
    ],
)
def test_values_outside_the_closed_lists_are_refused(opening: Opening) -> None:
    with pytest.raises(OpeningMalformed):
        encode_opening(opening)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(104),
        encode_opening(TOLD)[:88],
        encode_opening(TOLD)[:-1],
        encode_opening(TOLD) + b"\x00",
        b"\x00\x01" + encode_opening(TOLD)[2:],
    ],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(OpeningMalformed):
        decode_opening(data)
