"""How the key of a dossier's piece is wrapped, so that the vault alone unwraps it, in its own place alone (docs/onboarding.md).

HPKE (RFC 9180) to the dossier key; `info` names dossier, document and piece: what is moved to another place does not open. Pure.
"""

from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from rempart.foundation.errors import Refusal

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_KEY, _PIECE = b"rempart-dossier-key-v1\x00", b"rempart-dossier-piece-v1\x00"


class PieceUnreadable(Refusal):
    """Sealed to another key, moved from another place, or altered."""

    code = "dossier-unreadable"
    french = "Ce document ne s'ouvre pas : il a été altéré ou déplacé."
    english = "This document does not open: it was altered or moved."


class Place(NamedTuple):
    """Where a piece belongs. Document 0 is the declaration, in one piece."""

    dossier: UUID
    document: int
    piece: int

    @property
    def bound(self) -> bytes:
        """What its ciphertext is bound to (additional data)."""
        return _PIECE + self._name

    @property
    def info(self) -> bytes:
        """What its wrapped key is bound to."""
        return _KEY + self._name

    @property
    def _name(self) -> bytes:
        return self.dossier.bytes + bytes((self.document, self.piece))


def wrap_key(public: X25519PublicKey, place: Place, key: bytes) -> bytes:
    """Close a piece's key to the vault's zone."""
    return _SUITE.encrypt(key, public, info=place.info)


def unwrap_key(private: X25519PrivateKey, place: Place, wrapped: bytes) -> bytes:
    """Open it there. Raises PieceUnreadable."""
    try:
        return _SUITE.decrypt(wrapped, private, info=place.info)
    except (InvalidTag, ValueError):
        raise PieceUnreadable from None
