"""Capsules: what is stored of a person, sealed under a key that exists only while someone presents that person's card.

A presentation becomes a message of length-prefixed fields under a purpose label; HMAC-SHA-256 in the key store turns it into a secret;
HKDF-Expand (RFC 5869 §2.3) turns the secret into a 16-byte tag, where the capsule is found, and a 32-byte key, which opens it.
Without the key store neither can be computed; with it, and the database, everything can be enumerated (docs/security-model.md).
"""

import secrets
from datetime import date

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from rempart.foundation.vocabulary import Lane
from rempart.vault.keystore import Prf

SCHEMA = 1
_INFO = b"rempart-capsule-v1"


class Departure(msgspec.Struct, frozen=True, array_like=True):
    """A domain that departs from the product: dates as proleptic ordinals, 0 for none. `opens` = -1: not covered for this person."""

    domain: int
    opens: int
    waits_until: int


class SealedContract(msgspec.Struct, frozen=True, array_like=True):
    """One contract of the person with that insurer. Dates are proleptic Gregorian ordinals (date.toordinal), 0 for none."""

    product: str
    valid_from: int
    valid_to: int
    responsible: bool
    suspended_from: int
    suspended_reason: int
    """0 none, 1 non-payment, 2 fraud, 3 other."""
    departures: list[Departure]
    canary: bool = False
    """Somebody who does not exist, placed by the insurer. One byte either way: whoever holds the row alone sees no difference."""


CapsuleContent = list[SealedContract]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(CapsuleContent).decode


def _fields(label: bytes, *fields: bytes) -> bytes:
    # Length prefixes make the encoding injective: no two presentations share a message.
    return label + b"".join([len(field).to_bytes(2, "big") + field for field in fields])


def card_message(epoch: int, amc: str, adherent: str, birth_date: date, rank: int) -> bytes:
    """The PRF message of the *card* lane."""
    return _fields(
        b"rempart-card-v1",
        epoch.to_bytes(4, "big"),
        amc.encode(),
        adherent.encode(),
        birth_date.isoformat().encode(),
        rank.to_bytes(1, "big"),
    )


def vitale_message(epoch: int, amc: str, nir: str, birth_date: date, rank: int) -> bytes:
    """The PRF message of the *vitale* lane."""
    return _fields(
        b"rempart-vitale-v1",
        epoch.to_bytes(4, "big"),
        amc.encode(),
        nir.encode(),
        birth_date.isoformat().encode(),
        rank.to_bytes(1, "big"),
    )


def secret_message(epoch: int, amc: str, secret: bytes, birth_date: date, rank: int) -> bytes:
    """The PRF message of the *secret* lane: the card's secret (16 bytes) and, as in every lane, birth date and rank, which the same
    DataMatrix says: nothing stored has to say how old the person is.
    """
    return _fields(
        b"rempart-secret-v1",
        epoch.to_bytes(4, "big"),
        amc.encode(),
        secret,
        birth_date.isoformat().encode(),
        rank.to_bytes(1, "big"),
    )


def derive(prk: bytes) -> tuple[bytes, bytes]:
    """The tag (16 bytes) and the capsule's key (32 bytes) of a presentation's secret."""
    okm = HKDFExpand(algorithm=hashes.SHA256(), length=48, info=_INFO).derive(prk)
    return okm[:16], okm[16:]


def card_secret(prf: Prf, amc: str, member_ref: str, serial: int) -> bytes:
    """The secret (16 bytes) of the card of that serial (1 to 2^32 - 1), `prf` being that of the purpose `card`. Computed anew at each load
    and at each printing, kept nowhere.
    """
    message = _fields(b"rempart-card-secret-v1", amc.encode(), member_ref.encode(), serial.to_bytes(4, "big"))
    return prf(message)[:16]


def subject(prf: Prf, amc: str, member_ref: str) -> bytes:
    """The pseudonym (16 bytes) of a person for one insurer: the same in all its capsules and from load to load."""
    return prf(_fields(b"rempart-subject-v1", amc.encode(), member_ref.encode()))[:16]


def associated_data(insurer: int, lane: Lane, epoch: int) -> bytes:
    """What a capsule is bound to: moved to another insurer, lane, schema or epoch, it does not open."""
    return b"rempart-capsule" + bytes((SCHEMA, lane)) + insurer.to_bytes(2, "big") + epoch.to_bytes(4, "big")


def is_canary(contents: CapsuleContent) -> bool:
    """Is this nobody, placed to be found by whoever looks people up one after the other?"""
    return any(contract.canary for contract in contents)


def encode_content(contracts: CapsuleContent) -> bytes:
    """The payload's bytes."""
    return _encode(contracts)


def seal(key: bytes, aad: bytes, content: bytes) -> bytes:
    """AES-256-GCM with a stored random nonce: nonce (12 bytes) ‖ ciphertext ‖ tag. The same key reseals at each load."""
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(key).encrypt(nonce, content, aad)


def open_capsule(key: bytes, aad: bytes, sealed: bytes) -> CapsuleContent:
    """The contracts inside. Raises InvalidTag when the capsule is not of this key or place."""
    return _decode(AESGCM(key).decrypt(sealed[:12], sealed[12:], aad))
