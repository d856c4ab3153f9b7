"""Engagements are verified by what the platform publishes, with somebody else's library."""

import json
from datetime import date

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey
from stdnum.iso7064 import mod_37_36

from rempart.foundation.vocabulary import Domain
from rempart.vault.disclose import age_on, guaranteed
from rempart.vault.engagement import CLAIMS_INFO, ClaimsEnvelope, EngagementSigner, number_of
from rempart.vaultdoor.messages import Contract, Decision

KEY = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)


def signer(claims: x25519.X25519PrivateKey) -> tuple[EngagementSigner, ClaimsEnvelope]:
    envelope = ClaimsEnvelope.fresh(claims.public_key().public_bytes_raw())
    return EngagementSigner(
        KEY, lambda m: m.ljust(32, b"\0")[:32], envelope, "https://tp.example", "tp.example/ledger"
    ), envelope


def test_the_published_key_verifies_a_receipt() -> None:
    signing, _ = signer(x25519.X25519PrivateKey.generate())
    receipt = signing.receipt(index=5, commitment=bytes(32), at=1_700_000_000_000_000, terms={"jti": "X"})
    token = jws.deserialize_compact(receipt, ECKey.import_key(signing.jwk))
    claims = json.loads(token.payload)
    assert claims["jti"] == "X"
    assert claims["log"]["index"] == 5
    assert token.headers()["kid"] == signing.jwk["kid"]


def test_only_the_claims_zone_reads_the_pseudonym_and_the_age() -> None:
    claims = x25519.X25519PrivateKey.generate()
    signing, envelope = signer(claims)
    sealed = signing.sealed_beneficiary(3, b"p" * 16, 47, b"leaf")
    kid, _, text = sealed.partition(".")
    assert kid == envelope.kid
    key = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM).decrypt(
        envelope.wrapped, claims, info=CLAIMS_INFO
    )
    import base64

    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert AESGCM(key).decrypt(raw[:12], raw[12:], b"leaf") == (b"\0\3" + b"p" * 16)[:16] + b"\x2f"


def test_a_newborn_and_the_oldest_are_sealed_to_the_same_length() -> None:
    signing, _ = signer(x25519.X25519PrivateKey.generate())
    assert len({len(signing.sealed_beneficiary(3, b"p" * 16, age, b"leaf")) for age in (0, 9, 150)}) == 1


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        ("1980-06-15", "2026-06-14", 45),
        ("1980-06-15", "2026-06-15", 46),
        ("2024-02-29", "2025-02-28", 0),
        ("2024-02-29", "2025-03-01", 1),
        ("2026-05-02", "2026-05-01", 0),
        ("1870-01-01", "2026-05-01", 150),
    ],
)
def test_the_age_is_in_whole_years_on_the_care_date(born: str, day: str, age: int) -> None:
    assert age_on(date.fromisoformat(day), date.fromisoformat(born)) == age


def test_an_engagement_says_what_each_open_contract_guarantees() -> None:
    """And nothing of a closed one."""
    opened = Contract("P1", True, "", "2025-01-01", "", True, "100 % BR", False)
    closed = Contract("P2", False, "ended", "2025-01-01", "2025-12-31", True, "", False)
    cell = {
        "rate_basis": "br-with-amo",
        "percent": 100,
        "amount_cents": None,
        "per": "",
        "formula": "100 % BR",
    }
    terms = guaranteed(
        Decision(True, True, [opened, closed]), {"P1": {"PHAR": cell}, "P2": {"PHAR": cell}}, Domain.PHAR
    )
    assert terms == [
        {
            "product": "P1",
            "formula": "100 % BR",
            "responsible": True,
            "pec": False,
            "guarantee": {"basis": "br-with-amo", "percent": 100, "amount_cents": None, "per": None},
        }
    ]


@given(st.integers(0, 2**40 - 1), st.integers(0, 2**40 - 1))
def test_numbers_are_unique_and_carry_a_check(one: int, other: int) -> None:
    assert (number_of(one) == number_of(other)) is (one == other)
    assert mod_37_36.is_valid(number_of(one).replace("-", ""))


@given(st.integers(0, 2**40 - 1), st.integers(0, 7), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_one_mistyped_character_is_seen(index: int, position: int, typed: str) -> None:
    number = number_of(index).replace("-", "")
    mistyped = number[:position] + typed + number[position + 1 :]
    assert mod_37_36.is_valid(mistyped) is (mistyped == number)
