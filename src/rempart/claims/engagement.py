"""The engagement read back: a compact JWS that the vault signed (RFC 7515, ES256), and the pseudonym inside it, for the claims zone alone.

An engagement is honoured when its signature holds, when it names this platform and this establishment, and when the ledger has its leaf:
a stolen signing key alone makes none. What it guarantees is in it whole, so that nothing that happens to the contract afterwards matters.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from rempart.foundation.errors import Refusal
from rempart.foundation.vocabulary import Domain

CLAIMS_INFO = b"rempart-claims-envelope-v1"
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_ECDSA = ec.ECDSA(hashes.SHA256())


class EngagementInvalid(Refusal):
    """Not an engagement of this platform: another form, another issuer, a signature that does not hold, a leaf the ledger has not."""

    code = "engagement-invalid"
    french = "Ce n'est pas un engagement de la plateforme : reprenez celui de la vérification des droits, sans le modifier."
    english = "This is no engagement of the platform: take the one of the rights check, unchanged."


class EngagementElsewhere(Refusal):
    """Given to another establishment."""

    code = "engagement-elsewhere"
    french = "Cet engagement a été donné à un autre établissement : vérifiez les droits depuis le vôtre."
    english = "This engagement was given to another establishment: check the rights from yours."


class EngagementOld(Refusal):
    """A quote tells what is left of a ceiling, a prise en charge reserves it: both stand on a look-up that was metered lately."""

    code = "engagement-old"
    french = "Cette vérification des droits est trop ancienne pour un devis ou une prise en charge : vérifiez à nouveau les droits."
    english = "This rights check is too old for a quote or a prise en charge: check the rights again."


class GuaranteeTerms(msgspec.Struct, frozen=True):
    """A product's cell of the grid for the domain, as the products' file has it (docs/files/products.md)."""

    basis: str
    percent: int | None = None
    amount_cents: int | None = None
    per: str | None = None


class ContractTerms(msgspec.Struct, frozen=True):
    """One open contract, in the order in which they pay."""

    product: str
    formula: str
    responsible: bool
    pec: bool
    guarantee: GuaranteeTerms


class _Promise(msgspec.Struct, frozen=True):
    origin: str
    index: int
    leaf: str
    at: int


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    iat: int
    log: _Promise
    jti: str
    sub: str
    amc: str
    domain: Domain
    date: date
    contracts: list[ContractTerms]
    psn: str
    most: int | None = None


@dataclass(frozen=True)
class SignedEngagement:
    """An engagement whose signature holds, for this establishment. The pseudonym is still closed."""

    number: str
    index: int
    """Of its leaf."""
    at: int
    """When it was told, by the ledger, µs."""
    leaf: bytes
    establishment: str
    amc: str
    domain: Domain
    care_date: date
    contracts: tuple[ContractTerms, ...]
    kid: str
    """Which data key closes the pseudonym."""
    closed: bytes
    most: int | None = None


@dataclass(frozen=True)
class Engagement:
    """What was guaranteed, and about whom: the beneficiary is 16 bytes that differ from insurer to insurer, and an age in years."""

    number: str
    index: int
    amc: str
    domain: Domain
    care_date: date
    contracts: tuple[ContractTerms, ...]
    pseudonym: bytes
    age: int
    most: int | None = None
    """Cents that its invoices are honoured up to, together: of an offline card. None: no bound but its terms."""


class EngagementReader:
    """Holds the claims zone's private key and the vault's public ones."""

    def __init__(self, private: x25519.X25519PrivateKey, issuer: str) -> None:
        self._private, self._issuer = private, issuer
        self._keys: dict[str, ec.EllipticCurvePublicKey] = {}
        self._ciphers: dict[str, AESGCM] = {}

    def trust(self, jwks: Sequence[Mapping[str, Any]]) -> None:
        """These keys, and no others, sign engagements (RFC 7517; P-256)."""
        self._keys = {jwk["kid"]: _public_key(jwk) for jwk in jwks}

    def knows(self, receipt: str) -> bool:
        """Is the key that it names known? If not, the vault may have a new one."""
        return _header(receipt).get("kid") in self._keys

    def verify(self, receipt: str, establishment: str) -> SignedEngagement:
        """Prove signature, issuer and establishment. Raises EngagementInvalid, EngagementElsewhere."""
        key = self._keys.get(str(_header(receipt).get("kid")))
        if key is None:
            raise EngagementInvalid("kid")
        signed, _, signature = receipt.rpartition(".")
        raw = _unb64(signature)
        if len(raw) != 64:
            raise EngagementInvalid("signature")
        der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        try:
            key.verify(der, signed.encode(), _ECDSA)
            claims = msgspec.json.decode(_unb64(signed.partition(".")[2]), type=_Claims)
        except (InvalidSignature, msgspec.MsgspecError) as error:
            # An absence has a receipt too, but no terms: it guarantees nothing.
            raise EngagementInvalid("signature" if isinstance(error, InvalidSignature) else "terms") from None
        if claims.iss != self._issuer or not claims.contracts:
            raise EngagementInvalid("iss")
        if claims.sub != establishment:
            raise EngagementElsewhere
        kid, _, closed = claims.psn.partition(".")
        return SignedEngagement(
            number=claims.jti, index=claims.log.index, at=claims.log.at, leaf=_unb64(claims.log.leaf), establishment=claims.sub,
            amc=claims.amc, domain=claims.domain, care_date=claims.date, contracts=tuple(claims.contracts), kid=kid, closed=_unb64(closed),
            most=claims.most,
        )  # fmt: skip

    def open(self, signed: SignedEngagement, commitment: bytes | None, wrapped: bytes | None) -> Engagement:
        """Open the pseudonym. `commitment`: of the ledger's leaf at that index; `wrapped`: the data key `kid`, None when there is none.

        Raises EngagementInvalid when the ledger's leaf is not the one that was signed.
        """
        if (
            commitment is None
            or hashlib.sha256(b"\x00" + commitment).digest() != signed.leaf
            or wrapped is None
        ):
            raise EngagementInvalid("ledger")
        cipher = self._ciphers.get(signed.kid)
        try:
            if cipher is None:
                cipher = AESGCM(_SUITE.decrypt(wrapped, self._private, info=CLAIMS_INFO))
                self._ciphers[signed.kid] = cipher
            opened = cipher.decrypt(signed.closed[:12], signed.closed[12:], commitment)
        except (InvalidTag, ValueError) as error:
            raise EngagementInvalid("psn") from error
        if len(opened) != 17:
            raise EngagementInvalid("psn")
        return Engagement(
            number=signed.number, index=signed.index, amc=signed.amc, domain=signed.domain, care_date=signed.care_date,
            contracts=signed.contracts, pseudonym=opened[:16], age=opened[16], most=signed.most,
        )  # fmt: skip


def _header(receipt: str) -> dict[str, Any]:
    if receipt.count(".") != 2:
        raise EngagementInvalid("form")
    try:
        header = msgspec.json.decode(_unb64(receipt.partition(".")[0]))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise EngagementInvalid("form") from None
    # The algorithm is ours, never the token's to choose (RFC 8725 §3.1).
    if (
        not isinstance(header, dict)
        or header.get("alg") != "ES256"
        or header.get("typ") != "rempart-receipt+jwt"
    ):
        raise EngagementInvalid("form")
    return header


def _public_key(jwk: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    point = b"\x04" + _unb64(jwk["x"]) + _unb64(jwk["y"])
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


def _unb64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise EngagementInvalid("form") from None
