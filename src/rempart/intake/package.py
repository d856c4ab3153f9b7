"""The package of cards as it is handed over: readable by its insurer alone, made by the platform alone (docs/files/cards.md).

    rempart-cards-v2 LF
    compact JWS, spaces up to 1,024 bytes LF
    age ciphertext of a ZIP, to the end

Each package has an age identity of its own, HPKE-sealed (RFC 9180: X25519, HKDF-SHA256, AES-256-GCM) to the insurer's notice key and then
forgotten. The ZIP is encrypted as it is made: no readable byte of it reaches a disk here. The JWS (RFC 7515) is the platform's statement
of for whom, for which request, with which sealed key, and the SHA-256 of the ciphertext: nothing is opened before it is verified.
"""

import base64
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import msgspec
import pyrage
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from rempart.client.receipt import verified_statement
from rempart.foundation.errors import BadInput

MAGIC = b"rempart-cards-v2\n"
STATEMENT = "rempart-cards+jwt"
"""The JWS's `typ`."""
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_INFO = b"rempart-cards-key-v1"
_ROOM = 1_024
"""Bytes kept for the JWS: it is written last, when the ciphertext is known, and stands first, where it is read before anything else."""


class BadPackage(BadInput):
    code = "cards-package"
    french = "Ce paquet de cartes ne s'ouvre pas avec cette clé, ou n'est pas entier."
    english = "This package of cards does not open with this key, or is not whole."


class ForgedPackage(BadInput):
    code = "cards-forged"
    french = "Ce paquet de cartes n'est pas signé par la plateforme, ou a été modifié : ne l'ouvrez pas, prévenez-la."
    english = "This package of cards is not signed by the platform, or was altered: do not open it, and tell the platform."


class Head(msgspec.Struct, frozen=True):
    """What the platform states of a package. `key`: the age identity, sealed, base64; `sha256`: of the ciphertext, in hexadecimal."""

    amc: str
    delivery: str
    key: str
    sha256: str


Sign = Callable[[Head], str]
"""Makes the platform's compact JWS, of kind STATEMENT, over a head."""


class Readable(Protocol):
    """What age reads from."""

    def read(self, size: int, /) -> bytes:
        """That many bytes, fewer at the end."""


def write_package(
    archive: Readable, out: BinaryIO, notice_key: bytes, amc: str, delivery: str, sign: Sign
) -> None:
    """Encrypt an archive to an insurer's raw X25519 public key, as it is read; then sign. Raises whatever reading raises.

    `out` is at its start, and can be gone back in.
    """
    identity = pyrage.x25519.Identity.generate()
    key = _SUITE.encrypt(
        str(identity).encode(), X25519PublicKey.from_public_bytes(notice_key), info=_info(amc, delivery)
    )
    out.write(MAGIC + b" " * _ROOM + b"\n")
    hashed = _Hashed(out)
    pyrage.encrypt_io(archive, hashed, [identity.to_public()])
    statement = sign(Head(amc, delivery, base64.b64encode(key).decode(), hashed.digest.hexdigest())).encode()
    if len(statement) > _ROOM:
        raise ValueError("the statement is longer than its room")
    out.seek(len(MAGIC))
    out.write(statement)


class _Hashed:
    """A file that is written, and its SHA-256."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._out.write(data)

    def flush(self) -> None:
        self._out.flush()


def open_package(package: Path, target: Path, private_key: bytes, jwks: dict[str, Any]) -> Head:
    """The insurer's side: write the ZIP, answer what the platform states of it. `jwks`: the platform's published keys.

    Raises ForgedPackage, before anything is opened or written; BadPackage, after which nothing is left at `target`.
    """
    with package.open("rb") as file:
        head = _verified(file, jwks)
        _open(file, head, target, private_key)
    return head


def _verified(file: io.BufferedReader, jwks: dict[str, Any]) -> Head:
    """The head, once the platform's signature and the ciphertext's digest hold. The file is at the ciphertext then."""
    if file.readline(len(MAGIC)) != MAGIC:
        raise BadPackage("first line")
    try:
        statement = file.read(_ROOM + 1).decode("ascii").rstrip(" \n")
        head = msgspec.convert(verified_statement(statement, jwks, STATEMENT), Head)
    except (ValueError, msgspec.ValidationError):
        raise ForgedPackage("signature") from None
    begin = file.tell()
    if hashlib.file_digest(file, "sha256").hexdigest() != head.sha256:
        raise ForgedPackage("sha256")
    file.seek(begin)
    return head


def _open(file: BinaryIO, head: Head, target: Path, private_key: bytes) -> None:
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb") as out:
            part.chmod(0o600)
            sealed = base64.b64decode(head.key, validate=True)
            identity = _SUITE.decrypt(
                sealed, X25519PrivateKey.from_private_bytes(private_key), info=_info(head.amc, head.delivery)
            )
            _decrypt(file, out, pyrage.x25519.Identity.from_str(identity.decode()))
        part.replace(target)
    except (InvalidTag, ValueError, pyrage.IdentityError):
        raise BadPackage from None
    finally:
        part.unlink(missing_ok=True)


def _decrypt(file: BinaryIO, out: BinaryIO, identity: pyrage.x25519.Identity) -> None:
    # A ciphertext cut or altered after its first piece comes as an OSError.
    try:
        pyrage.decrypt_io(file, out, [identity])
    except (pyrage.DecryptError, OSError) as error:
        raise BadPackage(type(error).__name__) from None


def _info(amc: str, delivery: str) -> bytes:
    return b"\0".join((_INFO, amc.encode(), delivery.encode()))
