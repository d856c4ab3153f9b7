"""A dossier's pieces, closed one by one: nobody at the doors reads one again, nor whoever has the database (docs/onboarding.md). Pure.

AES-256-GCM under a fresh key a piece, bound to its place (dossier, document, piece); the key is wrapped to the vault's zone
(rempart.vaultdoor.dossier), which gives it to an operator's desk once it has journaled who asks.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rempart.vaultdoor.dossier import PieceUnreadable, Place, wrap_key

_NONCE = bytes(12)
"""A key closes one piece, once: its nonce need not differ."""


class SealedPiece(NamedTuple):
    """Two halves: who reads one never reads the other."""

    wrapped: bytes
    sealed: bytes


def seal_piece(public: X25519PublicKey, place: Place, plain: bytes, key: bytes) -> SealedPiece:
    """Close a piece under a key that was made for it alone (32 random bytes)."""
    return SealedPiece(wrap_key(public, place, key), AESGCM(key).encrypt(_NONCE, plain, place.bound))


def open_document(dossier: UUID, document: int, sealed: Sequence[bytes], keys: Sequence[bytes]) -> bytes:
    """A document whole, from its pieces in their order and the keys that the vault gave. Raises PieceUnreadable."""
    if len(sealed) != len(keys) or not sealed:
        raise PieceUnreadable
    try:
        return b"".join(
            AESGCM(key).decrypt(_NONCE, piece, Place(dossier, document, number).bound)
            for number, (piece, key) in enumerate(zip(sealed, keys, strict=True))
        )
    except (InvalidTag, ValueError):
        raise PieceUnreadable from None
