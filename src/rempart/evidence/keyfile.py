"""A private signing key in a file of its own, as Go's sumdb and C2SP tools write it.

One line, `PRIVATE+KEY+<name>+<key id>+<base64 of type ‖ seed>`; lines that begin with # are remarks.
"""

import os
import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rempart.evidence.cosignature import COSIGNATURE_V1, Cosigner
from rempart.evidence.errors import NoteMalformed
from rempart.evidence.note import ED25519, SignerKey, from_base64, key_id, to_base64

_LINE = re.compile(r"PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+(\S+)", re.ASCII)


def make_person_key(path: Path, name: str, seed: bytes, remark: str = "") -> SignerKey:
    """A new key that signs notes (type 0x01), in a file that nobody else may read. Raises `FileExistsError`, `NoteMalformed`."""
    key = SignerKey(name, Ed25519PrivateKey.from_private_bytes(seed))
    _write(path, name, ED25519, seed, key.verifier().public, remark)
    return key


def make_witness_key(path: Path, name: str, seed: bytes, remark: str = "") -> Cosigner:
    """A new key that cosigns checkpoints (type 0x04), likewise."""
    key = Cosigner(name, Ed25519PrivateKey.from_private_bytes(seed))
    _write(path, name, COSIGNATURE_V1, seed, key.key().public, remark)
    return key


def read_person_key(path: Path) -> SignerKey:
    """Raises `OSError`, `NoteMalformed`."""
    return SignerKey(*_read(path, ED25519))


def read_witness_key(path: Path) -> Cosigner:
    """Raises `OSError`, `NoteMalformed`."""
    return Cosigner(*_read(path, COSIGNATURE_V1))


def _write(path: Path, name: str, algorithm: bytes, seed: bytes, public: bytes, remark: str) -> None:
    line = f"PRIVATE+KEY+{name}+{key_id(name, algorithm, public).hex()}+{to_base64(algorithm + seed)}\n"
    # A key that is there is never replaced: whoever trusts it could not be told.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{remark}\n{line}" if remark else line)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path, algorithm: bytes) -> tuple[str, Ed25519PrivateKey]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    found = _LINE.fullmatch(lines[0]) if len(lines) == 1 else None
    if found is None:
        raise NoteMalformed(f"{path.name} holds no private key")
    name, written, encoded = found.groups()
    data = from_base64(encoded, "private key")
    if data[:1] != algorithm or len(data) != 33:
        raise NoteMalformed(f"{path.name} holds a private key of another type")
    private = Ed25519PrivateKey.from_private_bytes(data[1:])
    if key_id(name, algorithm, private.public_key().public_bytes_raw()).hex() != written:
        raise NoteMalformed(f"{path.name}: the key's id is not this key's")
    return name, private
