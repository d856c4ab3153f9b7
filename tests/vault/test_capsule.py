"""A capsule opens for one presentation, in one place, and for nothing else."""

from datetime import date

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from rempart.foundation.vocabulary import Lane
from rempart.vault import capsule
from rempart.vault.capsule import Departure, SealedContract
from rempart.vault.keystore import FileKeyStore, KeyRing

RING = KeyRing(1, {"capsule-1": b"c" * 32, "subject": b"s" * 32}, b"", b"", "", b"")
STORE = FileKeyStore(RING)
CONTENT = [SealedContract("P-CONFORT", date(2025, 1, 1).toordinal(), 0, True, 0, 0, [Departure(6, -1, 0)])]
BORN = date(1984, 2, 29)


def test_a_presentation_opens_its_capsule() -> None:
    tag, key = capsule.derive(STORE.prf("capsule-1")(capsule.card_message(1, "99000001", "A1", BORN, 1)))
    aad = capsule.associated_data(7, Lane.CARD, 1)
    sealed = capsule.seal(key, aad, capsule.encode_content(CONTENT))
    assert len(tag) == 16
    assert capsule.open_capsule(key, aad, sealed) == CONTENT


@pytest.mark.parametrize(
    "elsewhere",
    [
        capsule.associated_data(8, Lane.CARD, 1),
        capsule.associated_data(7, Lane.VITALE, 1),
        capsule.associated_data(7, Lane.CARD, 2),
    ],
    ids=["another insurer", "another lane", "another epoch"],
)
def test_a_capsule_moved_elsewhere_does_not_open(elsewhere: bytes) -> None:
    key = bytes(32)
    sealed = capsule.seal(key, capsule.associated_data(7, Lane.CARD, 1), capsule.encode_content(CONTENT))
    with pytest.raises(InvalidTag):
        capsule.open_capsule(key, elsewhere, sealed)


def test_a_capsule_altered_by_one_bit_does_not_open() -> None:
    aad = capsule.associated_data(7, Lane.CARD, 1)
    sealed = capsule.seal(bytes(32), aad, capsule.encode_content(CONTENT))
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(InvalidTag):
            capsule.open_capsule(bytes(32), aad, bytes(altered))


def test_the_same_key_reseals_with_another_nonce() -> None:
    aad = capsule.associated_data(7, Lane.CARD, 1)
    assert capsule.seal(bytes(32), aad, b"x") != capsule.seal(bytes(32), aad, b"x")


text = st.text(st.characters(min_codepoint=48, max_codepoint=90), max_size=20)


@given(text, text, text, text)
def test_no_two_presentations_share_a_message(
    amc: str, adherent: str, other_amc: str, other_adherent: str
) -> None:
    same = (amc, adherent) == (other_amc, other_adherent)
    assert (
        capsule.card_message(1, amc, adherent, BORN, 1)
        == capsule.card_message(1, other_amc, other_adherent, BORN, 1)
    ) is same


def test_lanes_epochs_dates_and_ranks_never_meet() -> None:
    messages = [
        capsule.card_message(1, "99000001", "184029900000012", BORN, 1),
        capsule.vitale_message(1, "99000001", "184029900000012", BORN, 1),
        capsule.card_message(2, "99000001", "184029900000012", BORN, 1),
        capsule.card_message(1, "99000001", "184029900000012", date(1984, 2, 28), 1),
        capsule.card_message(1, "99000001", "184029900000012", BORN, 2),
    ]
    assert len({capsule.derive(STORE.prf("capsule-1")(message))[0] for message in messages}) == len(messages)


def test_a_subject_is_the_same_from_load_to_load_and_differs_between_insurers() -> None:
    prf = STORE.prf("subject")
    assert capsule.subject(prf, "99000001", "M-1") == capsule.subject(prf, "99000001", "M-1")
    assert capsule.subject(prf, "99000001", "M-1") != capsule.subject(prf, "99000002", "M-1")


def test_the_key_store_knows_no_other_purpose() -> None:
    with pytest.raises(KeyError):
        STORE.prf("capsule-2")
