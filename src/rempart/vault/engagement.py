"""The engagement: a short number and a compact JWS (RFC 7515, ES256). An engaged invoice within its terms is paid, never rejected.

The same JWS is the signed promise of inclusion: leaf hash, index and time. An absence gets a receipt too, with the promise alone, so that
every answer costs one signature and nobody can tell them apart by time.
"""

import hashlib
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from stdnum.iso7064 import mod_37_36

from rempart.vault.keystore import Prf
from rempart.vault.published import PublishedKey, b64url

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U to misread."""
CLAIMS_INFO = b"rempart-claims-envelope-v1"


def number_of(index: int) -> str:
    """The numéro d'engagement of a ledger entry: eight characters of base 32 and an ISO 7064 mod 37,36 check character.

    Unique because the index is; written `XXXX-XXXX-X`.
    """
    digits = ""
    for _ in range(8):
        index, digit = divmod(index, 32)
        digits = _ALPHABET[digit] + digits
    if index:
        raise OverflowError("a ledger index beyond 2^40")
    return f"{digits[:4]}-{digits[4:]}-{mod_37_36.calc_check_digit(digits)}"


@dataclass(frozen=True, slots=True)
class ClaimsEnvelope:
    """A data key for the beneficiary in an engagement, HPKE-wrapped (RFC 9180) to the claims zone. A new one at each start of the vault."""

    kid: str
    wrapped: bytes
    cipher: AESGCM

    @classmethod
    def fresh(cls, claims_public: bytes) -> "ClaimsEnvelope":
        """A new random data key for the claims zone's X25519 public key (raw)."""
        key = AESGCM.generate_key(256)
        suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
        wrapped = suite.encrypt(
            key, x25519.X25519PublicKey.from_public_bytes(claims_public), info=CLAIMS_INFO
        )
        return cls(secrets.token_hex(4), wrapped, AESGCM(key))

    def seal(self, content: bytes, bound_to: bytes) -> str:
        """`kid.base64url`: readable by the claims zone alone, bound to one ledger leaf."""
        nonce = secrets.token_bytes(12)
        return f"{self.kid}.{b64url(nonce + self.cipher.encrypt(nonce, content, bound_to))}"


class EngagementSigner:
    """Signs receipts with the engagement key; publishes its public half."""

    def __init__(
        self, pkcs8: bytes, pseudonym: Prf, envelope: ClaimsEnvelope, issuer: str, log_origin: str
    ) -> None:
        self._key, self._pseudonym, self._envelope = PublishedKey(pkcs8), pseudonym, envelope
        self._issuer, self._log_origin = issuer, log_origin
        self.jwk = self._key.jwk
        self._header = self._key.header("rempart-receipt+jwt")

    def sealed_beneficiary(self, insurer: int, subject: bytes, age: int, leaf: bytes) -> str:
        """The claims pseudonym of a person for one insurer (16 bytes) and the age in whole years (1 byte), for the claims zone alone."""
        pseudonym = self._pseudonym(insurer.to_bytes(2, "big") + subject)[:16]
        return self._envelope.seal(pseudonym + age.to_bytes(1, "big"), leaf)

    def receipt(self, *, index: int, commitment: bytes, at: int, terms: dict[str, object]) -> str:
        """The compact JWS. `at` in µs; `terms` is empty for an absence. The promise names log, index, leaf hash and time."""
        leaf = hashlib.sha256(b"\x00" + commitment).digest()
        claims = {
            "iss": self._issuer,
            "iat": at // 1_000_000,
            "log": {"origin": self._log_origin, "index": index, "leaf": b64url(leaf), "at": at},
            **terms,
        }
        return self._key.sign(self._header, claims)
