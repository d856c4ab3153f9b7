"""The envelope: what an insurer signs and encrypts, verified before a byte of it is parsed (docs/files/envelope.md).

    rempart-envelope-v1 LF
    manifest, JSON on one line LF
    signature, base64 LF
    age ciphertext of the (possibly compressed) CSV, to the end

Signed, with Ed25519 (RFC 8032): the label `rempart-insurer-file-v1`, 0x00, the manifest's length on four bytes, the manifest, and the
SHA-256 of the ciphertext. The manifest says the SHA-256 of the plain CSV: nothing can be taken from one file and put into another.
"""

import base64
import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyrage
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from rempart.intake.compression import Expander
from rempart.intake.errors import BadEnvelope, BadSignature, NotForUs
from rempart.intake.manifest import LONGEST, Manifest, make_manifest, read_manifest, write_manifest
from rempart.intake.model import Kind

MAGIC = b"rempart-envelope-v1\n"
LABEL = b"rempart-insurer-file-v1"
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Envelope:
    """The readable part of an envelope: claimed, not yet verified. `begins` is the offset of the ciphertext."""

    manifest: Manifest
    manifest_bytes: bytes
    signature: bytes
    begins: int


def read_envelope(file: BinaryIO) -> Envelope:
    """The first three lines; the file is left at the ciphertext. Raises BadEnvelope, BadManifest."""
    if file.readline(len(MAGIC) + 1) != MAGIC:
        raise BadEnvelope("first line")
    manifest, signature = file.readline(LONGEST + 1), file.readline(90)
    if not manifest.endswith(b"\n"):
        raise BadEnvelope("manifest")
    try:
        raw = base64.b64decode(signature.removesuffix(b"\n"), validate=True)
    except ValueError:
        raise BadEnvelope("signature") from None
    if len(raw) != 64 or not signature.endswith(b"\n"):
        raise BadEnvelope("signature")
    return Envelope(
        read_manifest(manifest[:-1]), manifest[:-1], raw, len(MAGIC) + len(manifest) + len(signature)
    )


def signed_message(manifest: bytes, ciphertext_digest: bytes) -> bytes:
    """What the insurer signs."""
    return LABEL + b"\0" + len(manifest).to_bytes(4, "big") + manifest + ciphertext_digest


def verify_envelope(envelope: Envelope, ciphertext_digest: bytes, signing_key: bytes) -> Manifest:
    """The manifest, now the insurer's word. `signing_key`: raw Ed25519 public key. Raises BadSignature."""
    try:
        Ed25519PublicKey.from_public_bytes(signing_key).verify(
            envelope.signature, signed_message(envelope.manifest_bytes, ciphertext_digest)
        )
    except (InvalidSignature, ValueError):
        raise BadSignature from None
    return envelope.manifest


def open_envelope(file: BinaryIO, intake_identity: str, take: Callable[[bytes], object]) -> None:
    """Decrypt from the file's position on, giving the bytes to `take` as they come. Every piece given is authentic (age authenticates each
    64 KiB); that the end is the end shows only when this returns. Raises NotForUs, and whatever `take` raises.
    """
    sink = _Sink(take)
    try:
        pyrage.decrypt_io(file, sink, [pyrage.x25519.Identity.from_str(intake_identity)])
    except (pyrage.DecryptError, pyrage.IdentityError, OSError) as error:
        raise NotForUs(type(error).__name__) from None
    sink.give()


def seal_file(
    source: Path,
    target: Path,
    amc: str,
    kind: Kind,
    sequence: int,
    signing_key: Ed25519PrivateKey,
    recipient: str,
    now: int,
) -> Manifest:
    """The insurer's side: sign and encrypt a CSV (plain, .gz or .zst) for the platform whose intake key is `recipient` (age1…).

    Raises BadManifest, BadCompression, NotForUs for a recipient that is none; nothing is left at `target` then.
    """
    digest, lines = _measure(source)
    manifest = make_manifest(amc, kind, sequence, max(lines - 1, 0), digest, now)
    text = write_manifest(manifest)
    cipher, whole = target.with_name(target.name + ".age.part"), target.with_name(target.name + ".part")
    try:
        with source.open("rb") as plain, cipher.open("wb") as out:
            pyrage.encrypt_io(plain, out, [pyrage.x25519.Recipient.from_str(recipient)])
        with cipher.open("rb") as file:
            signature = signing_key.sign(signed_message(text, hashlib.file_digest(file, "sha256").digest()))
        with cipher.open("rb") as file, whole.open("wb") as out:
            out.write(MAGIC + text + b"\n" + base64.b64encode(signature) + b"\n")
            shutil.copyfileobj(file, out, _BLOCK)
        whole.replace(target)
    except pyrage.RecipientError as error:
        raise NotForUs(type(error).__name__) from None
    finally:
        cipher.unlink(missing_ok=True)
        whole.unlink(missing_ok=True)
    return manifest


def _measure(source: Path) -> tuple[str, int]:
    """SHA-256 and lines of the plain CSV; a last line without LF counts."""
    digest, lines, last = hashlib.sha256(), 0, b"\n"
    expander = Expander()
    with source.open("rb") as file:
        for piece in _pieces(file, expander):
            digest.update(piece)
            lines += piece.count(b"\n")
            last = piece[-1:] or last
    return digest.hexdigest(), lines + (last != b"\n")


def _pieces(file: BinaryIO, expander: Expander) -> Iterator[bytes]:
    while block := file.read(_BLOCK):
        yield from expander.feed(block)
    yield from expander.finish()


class _Sink:
    """What age writes into: gathers its small pieces into blocks."""

    def __init__(self, take: Callable[[bytes], object]) -> None:
        self._take = take
        self._block = bytearray()

    def write(self, piece: bytes) -> int:
        self._block += piece
        if len(self._block) >= _BLOCK:
            self.give()
        return len(piece)

    def flush(self) -> None:
        """age may ask; a block is given when it is full."""

    def give(self) -> None:
        """Give what is left."""
        block, self._block = bytes(self._block), bytearray()
        self._take(block)
