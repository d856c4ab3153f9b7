"""The package of cards as it is handed over: readable by its insurer alone (docs/files/cards.md).

    rempart-cards-v1 LF
    {"amc", "delivery", "key"}, JSON on one line LF
    age ciphertext of a ZIP, to the end

Each package has an age identity of its own, HPKE-sealed (RFC 9180: X25519, HKDF-SHA256, AES-256-GCM) to the insurer's notice key as `key`
and then forgotten. The ZIP is encrypted as it is made: no readable byte of it reaches a disk here.
"""

import base64
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec
import pyrage
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from rempart.foundation.errors import BadInput

MAGIC = b"rempart-cards-v1\n"
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_INFO = b"rempart-cards-key-v1"
_LONGEST = 4_096


class BadPackage(BadInput):
    code = "cards-package"
    french = "Ce paquet de cartes ne s'ouvre pas avec cette clé, ou n'est pas entier."
    english = "This package of cards does not open with this key, or is not whole."


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    amc: str
    delivery: str
    key: str


class Readable(Protocol):
    """What age reads from."""

    def read(self, size: int, /) -> bytes:
        """That many bytes, fewer at the end."""


def write_package(archive: Readable, out: BinaryIO, notice_key: bytes, amc: str, delivery: str) -> None:
    """Encrypt an archive to an insurer's raw X25519 public key, as it is read. Raises whatever reading raises."""
    identity = pyrage.x25519.Identity.generate()
    key = _SUITE.encrypt(
        str(identity).encode(), X25519PublicKey.from_public_bytes(notice_key), info=_info(amc, delivery)
    )
    head = _Head(amc, delivery, base64.b64encode(key).decode())
    out.write(MAGIC + msgspec.json.encode(head) + b"\n")
    pyrage.encrypt_io(archive, out, [identity.to_public()])


def open_package(package: Path, target: Path, private_key: bytes) -> str:
    """The insurer's side: write the ZIP, answer the n° AMC. Raises BadPackage, after which nothing is left at `target`."""
    part = target.with_name(target.name + ".part")
    try:
        with package.open("rb") as file, part.open("wb") as out:
            part.chmod(0o600)
            head = _read_head(file)
            sealed = base64.b64decode(head.key, validate=True)
            identity = _SUITE.decrypt(
                sealed, X25519PrivateKey.from_private_bytes(private_key), info=_info(head.amc, head.delivery)
            )
            _decrypt(file, out, pyrage.x25519.Identity.from_str(identity.decode()))
        part.replace(target)
    except (InvalidTag, ValueError, msgspec.MsgspecError, pyrage.IdentityError):
        raise BadPackage from None
    finally:
        part.unlink(missing_ok=True)
    return head.amc


def _read_head(file: BinaryIO) -> _Head:
    if file.readline(len(MAGIC)) != MAGIC:
        raise BadPackage("first line")
    return msgspec.json.decode(file.readline(_LONGEST), type=_Head)


def _decrypt(file: BinaryIO, out: BinaryIO, identity: pyrage.x25519.Identity) -> None:
    # A ciphertext cut or altered after its first piece comes as an OSError.
    try:
        pyrage.decrypt_io(file, out, [identity])
    except (pyrage.DecryptError, OSError) as error:
        raise BadPackage(type(error).__name__) from None


def _info(amc: str, delivery: str) -> bytes:
    return b"\0".join((_INFO, amc.encode(), delivery.encode()))
