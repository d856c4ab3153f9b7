"""The two keys of a practice software, on P-256. In a file, or wherever a `Signer` keeps it: a TPM, an HSM, the editor's own server."""

import base64
import hashlib
import os
from pathlib import Path
from typing import Protocol, Self

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

_ECDSA = ec.ECDSA(hashes.SHA256())
_PRIVATE = 0o077
"""What nobody but the owner may do with a key's file."""


class Signer(Protocol):
    """Whatever holds a P-256 private key."""

    @property
    def public(self) -> dict[str, str]:
        """{"x": …, "y": …}: the point's coordinates, base64url without padding."""

    def sign(self, message: bytes) -> bytes:
        """ECDSA with SHA-256 over the message: r ‖ s, 64 bytes. Called once a request, with a text of some 600 bytes."""


class FileKey:
    """A key in this process's memory, and in a PEM file that only its owner may read."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        if not isinstance(private.curve, ec.SECP256R1):
            raise TypeError("a P-256 key is expected")
        self._private = private
        numbers = private.public_key().public_numbers()
        self.public = {"x": b64url(numbers.x.to_bytes(32, "big")), "y": b64url(numbers.y.to_bytes(32, "big"))}

    @classmethod
    def generate(cls) -> Self:
        """A new key."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def load(cls, path: Path, passphrase: bytes | None = None) -> Self:
        """From a file that `save` wrote. Raises PermissionError when others may read it."""
        # On Windows these bits say nothing: the folder's own rights do.
        if os.name == "posix" and path.stat().st_mode & _PRIVATE:
            raise PermissionError(f"{path}: others may read this key (chmod 600)")
        private = serialization.load_pem_private_key(path.read_bytes(), passphrase)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise TypeError("a P-256 key is expected")
        return cls(private)

    @classmethod
    def load_or_create(cls, path: Path, passphrase: bytes | None = None) -> Self:
        """The key of this file; a new one, kept there, where there is none."""
        if path.exists():
            return cls.load(path, passphrase)
        key = cls.generate()
        key.save(path, passphrase)
        return key

    def save(self, path: Path, passphrase: bytes | None = None) -> None:
        """PKCS #8 in PEM, mode 600. Raises FileExistsError: a key is never overwritten."""
        kept = (
            serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        )
        pem = self._private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, kept)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)

    @property
    def public_pem(self) -> str:
        """SubjectPublicKeyInfo: what the operator of the platform is given."""
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._private.public_key().public_bytes(serialization.Encoding.PEM, spki).decode()

    def sign(self, message: bytes) -> bytes:
        """r ‖ s."""
        r, s = decode_dss_signature(self._private.sign(message, _ECDSA))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class DeviceKey(FileKey):
    """One an installation. It never leaves the establishment."""


class EditorKey(FileKey):
    """One an editor. Whoever holds it speaks in the editor's name: better on the editor's server, behind a `Signer`, than in every shop."""


def keyid(signer: Signer) -> str:
    """The RFC 7638 thumbprint of the public key, base64url: how signatures name it."""
    jwk = f'{{"crv":"P-256","kty":"EC","x":"{signer.public["x"]}","y":"{signer.public["y"]}"}}'
    return b64url(hashlib.sha256(jwk.encode()).digest())


def b64url(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
