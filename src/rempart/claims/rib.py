"""A RIB: which accounts are taken, and how one is closed so that the settlement run alone reads it, in its own row alone.

Sealed by HPKE (RFC 9180) to the settlement key. `info` names the establishment and the row: a blob that is moved to another row does not
open. Its length tells nothing: every IBAN is padded to the longest.
"""

import hashlib
from typing import Literal
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from rempart.claims.credit_transfer import SEPA_COUNTRIES
from rempart.foundation.errors import BadInput, Refusal
from rempart.foundation.identifiers import BadIban, Iban, check_iban

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_LABEL = b"rempart-rib-v1\x00"
_LONGEST = 34
"""Characters of an IBAN (ISO 13616)."""
EXAMPLES = frozenset({"FR7630006000011234567890189", "FR1420041010050500013M02606"})
"""Printed as examples everywhere, hence nobody's."""
SYNTHETIC_BANK = "00000"
"""A French bank code that is never attributed: the demonstration's accounts are there."""


class RibOutsideSepa(BadInput):
    """An IBAN of a country that SEPA transfers do not reach."""

    code = "rib-outside-sepa"
    french = "Ce compte est hors de la zone SEPA : donnez l'IBAN d'un compte de la zone SEPA."
    english = "This account is outside SEPA: give the IBAN of an account inside it."


class RealRib(Refusal):
    """A demonstration holds no real account."""

    code = "rib-not-synthetic"
    french = "Une démonstration n'accepte que des comptes d'exemple (code banque 00000) : ne saisissez pas un vrai RIB."
    english = "A demonstration takes example accounts only (bank code 00000): do not type a real one."


class SyntheticRib(Refusal):
    """Production pays on no example."""

    code = "rib-synthetic"
    french = "Cet IBAN est un exemple : donnez celui de votre compte professionnel."
    english = "This IBAN is an example: give that of your business account."


class RibUnreadable(Refusal):
    """Sealed to another key, moved from another row, or altered."""

    code = "rib-unreadable"
    french = "Le RIB enregistré ne s'ouvre pas : enregistrez-le à nouveau."
    english = "The account on record does not open: record it again."


def check_rib(text: str, mode: Literal["demo", "production"]) -> Iban:
    """An IBAN that may be paid on, compact. Raises BadIban, RibOutsideSepa, RealRib, SyntheticRib."""
    iban = check_iban(text)
    if iban[:2] not in SEPA_COUNTRIES:
        raise RibOutsideSepa
    if mode == "demo" and not is_synthetic_rib(iban):
        raise RealRib
    if mode == "production" and is_synthetic_rib(iban):
        raise SyntheticRib
    return iban


def is_synthetic_rib(iban: str) -> bool:
    """Nobody's account."""
    return iban in EXAMPLES or (iban[:2] == "FR" and iban[4:9] == SYNTHETIC_BANK)


def seal_rib(public: X25519PublicKey, establishment: UUID, rib: UUID, iban: Iban) -> bytes:
    """Close an IBAN for this row of this establishment."""
    return _SUITE.encrypt(iban.ljust(_LONGEST).encode(), public, info=_info(establishment, rib))


def digest_of_rib(iban: Iban) -> bytes:
    """What the vault marks (rempart.vaultdoor.messages.MarkRib): it never hears the number itself."""
    return hashlib.sha256(b"rempart-rib-mark-v1\0" + iban.encode()).digest()


def open_rib(private: X25519PrivateKey, establishment: UUID, rib: UUID, sealed: bytes) -> Iban:
    """Read it again, in the settlement run. Raises RibUnreadable."""
    try:
        return check_iban(_SUITE.decrypt(sealed, private, info=_info(establishment, rib)).decode().strip())
    except (InvalidTag, ValueError, BadIban):
        raise RibUnreadable(str(rib)) from None


def _info(establishment: UUID, rib: UUID) -> bytes:
    return _LABEL + establishment.bytes + rib.bytes
