"""C2SP signed notes and log checkpoints with Ed25519 (c2sp.org/signed-note, c2sp.org/tlog-checkpoint), to the
byte.

A verifier key is written `name+8 hex digits+base64(0x01 ‖ public key)`, as Go's sumdb and every C2SP tool
read it. A text is handed out only once a signature of the expected key has been verified (`open_note`,
`open_checkpoint`).
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from rempart.evidence.errors import NoteMalformed, NoteRefused, RootMismatch
from rempart.evidence.merkle import HASH_SIZE, MAX_SIZE, Frontier

ED25519 = b"\x01"
"""The signature type byte of C2SP signed-note."""
MAX_NOTE = 1_000_000
"""Bytes. A checkpoint is below 1 kB; sixteen post-quantum signatures are below 100 kB."""
MAX_SIGNATURES = 100

_DASH = "\u2014 "  # em dash, space
_VERIFIER_KEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+(\S+)", re.ASCII)
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True)
class VerifierKey:
    """Whose signature is expected: a name and an Ed25519 public key (32 bytes)."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        _require_name(self.name)
        if len(self.public) != 32:
            raise NoteMalformed(f"an Ed25519 public key has 32 bytes, not {len(self.public)}")

    @property
    def key_id(self) -> bytes:
        """SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)[:4]."""
        return key_id(self.name, ED25519, self.public)

    def text(self) -> str:
        """The verifier key ("vkey") in its usual text form."""
        return vkey(self.name, ED25519, self.public)

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read a vkey.

        Raises `NoteMalformed` for another form, another algorithm, or a key id that is not this key's.
        """
        return cls(*read_vkey(text, ED25519))

    def check(self, message: bytes, signature: bytes) -> None:
        """RFC 8032. Raises `NoteRefused`."""
        check_ed25519(self.name, self.public, message, signature)


@dataclass(frozen=True)
class SignerKey:
    """Signs notes under a name."""

    name: str
    private: Ed25519PrivateKey

    def __post_init__(self) -> None:
        _require_name(self.name)

    def verifier(self) -> VerifierKey:
        """The public half."""
        return VerifierKey(self.name, self.private.public_key().public_bytes_raw())


@dataclass(frozen=True)
class Signature:
    """One signature line: a key's name, its id (4 bytes), what it made."""

    name: str
    key_id: bytes
    value: bytes


@dataclass(frozen=True)
class UnverifiedNote:
    """A well-formed note. Its text means nothing until a trusted key's signature is verified."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True)
class Note:
    """A note's text, and the keys that were verified to have signed it. Made by `open_note` only."""

    text: str
    signed_by: tuple[VerifierKey, ...]


@dataclass(frozen=True)
class Checkpoint:
    """What a log says of itself: its origin, its size (leaves), its root (32 bytes).

    Extension lines are discouraged by C2SP.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The note text of C2SP tlog-checkpoint."""
        return "".join(
            f"{line}\n" for line in (self.origin, str(self.size), to_base64(self.root), *self.extensions)
        )

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read a note text. Raises `NoteMalformed` unless it is that of a checkpoint, to the byte."""
        lines = text.split("\n")
        if lines.pop() != "" or len(lines) < 3 or not all(lines):
            raise NoteMalformed("a checkpoint is three lines or more, none empty")
        origin, size, encoded, *extensions = lines
        if _SIZE.fullmatch(size) is None or int(size) > MAX_SIZE:
            raise NoteMalformed("the checkpoint's size is not a decimal number")
        root = from_base64(encoded, "root")
        if len(root) != HASH_SIZE:
            raise NoteMalformed(f"the checkpoint's root has {len(root)} bytes, not {HASH_SIZE}")
        return cls(origin, int(size), root, tuple(extensions))


def key_id(name: str, algorithm: bytes, public: bytes) -> bytes:
    """SHA-256(name ‖ 0x0A ‖ algorithm ‖ public key)[:4], of a key of any type."""
    return sha256(name.encode() + b"\n" + algorithm + public).digest()[:4]


def vkey(name: str, algorithm: bytes, public: bytes) -> str:
    """A verifier key of any type, in its text form."""
    return f"{name}+{key_id(name, algorithm, public).hex()}+{to_base64(algorithm + public)}"


def read_vkey(text: str, algorithm: bytes) -> tuple[str, bytes]:
    """Name and public key of a vkey of this type, whose key id is right. Raises `NoteMalformed`."""
    found = _VERIFIER_KEY.fullmatch(text)
    if found is None:
        raise NoteMalformed("a verifier key reads name+key id+base64")
    name, written, encoded = found.groups()
    data = from_base64(encoded, "verifier key")
    if data[:1] != algorithm:
        raise NoteMalformed(f"the verifier key is of type {data[:1].hex()}, not {algorithm.hex()}")
    computed = key_id(name, algorithm, data[1:]).hex()
    if computed != written:
        raise NoteMalformed(f"the verifier key's id is {computed}, not {written}")
    return name, data[1:]


def check_ed25519(name: str, public: bytes, message: bytes, signature: bytes) -> None:
    """RFC 8032. Raises `NoteRefused`, naming whose signature is wrong."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise NoteRefused(f"the signature of {name} is wrong") from error


def sign_note(text: str, signers: Sequence[SignerKey]) -> bytes:
    """The note: the text, an empty line, a signature line a signer, UTF-8.

    Raises `NoteMalformed` for a text that no note can hold.
    """
    _require_text(text)
    if not signers:
        raise NoteMalformed("a note has a signature")
    message = text.encode()
    lines = [
        f"{_DASH}{key.name} {to_base64(key.verifier().key_id + key.private.sign(message))}\n"
        for key in signers
    ]
    return (text + "\n" + "".join(lines)).encode()


def sign_checkpoint(checkpoint: Checkpoint, signer: SignerKey) -> bytes:
    """The signed checkpoint of a log.

    The caller signs no size below, and no root beside, what it signed before.
    """
    if Checkpoint.parse(checkpoint.text()) != checkpoint:
        raise NoteMalformed("the checkpoint holds a line break or an empty line")
    return sign_note(checkpoint.text(), (signer,))


def parse_note(data: bytes) -> UnverifiedNote:
    """Read a note's parts without verifying anything. Raises `NoteMalformed`."""
    if len(data) > MAX_NOTE:
        raise NoteMalformed(f"a note of {len(data)} bytes is too long")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoteMalformed("the note is not UTF-8") from error
    # The text ends at the last empty line: it may hold empty lines itself.
    split = whole.rfind("\n\n")
    if split < 0:
        raise NoteMalformed("no empty line separates text and signatures")
    text, lines = whole[: split + 1], whole[split + 2 :].split("\n")
    _require_text(text)
    if lines.pop() != "" or not lines:
        raise NoteMalformed("a note ends with signature lines, each ended by a newline")
    if len(lines) > MAX_SIGNATURES:
        raise NoteMalformed(f"{len(lines)} signatures are too many")
    return UnverifiedNote(text, tuple(_parse_signature(line) for line in lines))


def open_note(data: bytes, keys: Sequence[VerifierKey]) -> Note:
    """Read a note signed by at least one of the keys.

    Signatures of unknown keys are ignored, as C2SP demands. A wrong signature of a known key refuses the
    whole note. Raises `NoteMalformed`, `NoteRefused`.
    """
    note = parse_note(data)
    known = {(key.name, key.key_id): key for key in keys}
    signed_by: list[VerifierKey] = []
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        key.check(note.text.encode(), signature.value)
        if key not in signed_by:
            signed_by.append(key)
    if not signed_by:
        raise NoteRefused("no expected key signed the note")
    return Note(note.text, tuple(signed_by))


def open_checkpoint(data: bytes, key: VerifierKey) -> Checkpoint:
    """Read a checkpoint that the log's key signed; its origin is the key's name.

    Raises `NoteMalformed`, `NoteRefused`.
    """
    checkpoint = Checkpoint.parse(open_note(data, (key,)).text)
    if checkpoint.origin != key.name:
        raise NoteRefused(f"the checkpoint is of {checkpoint.origin}, the key of {key.name}")
    return checkpoint


def open_frontier(frontier: bytes, note: bytes, key: VerifierKey) -> Frontier:
    """The frontier stored beside a checkpoint, once the checkpoint's signature vouches for it.

    A log that restarts from here signs nothing inconsistent with what it signed before, whoever wrote to its
    database meanwhile. Raises `NoteMalformed`, `NoteRefused`, `FrontierMalformed`, `RootMismatch`.
    """
    checkpoint = open_checkpoint(note, key)
    restored = Frontier.restore(frontier)
    if (restored.size, restored.root()) != (checkpoint.size, checkpoint.root):
        raise RootMismatch(f"the frontier stored is not that of the checkpoint of {checkpoint.size} leaves")
    return restored


def _parse_signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise NoteMalformed("a signature line reads — name base64")
    _require_name(name)
    value = from_base64(encoded, "signature")
    if len(value) < 5:
        raise NoteMalformed("a signature is a key id and at least one byte")
    return Signature(name, value[:4], value[4:])


def _require_name(name: str) -> None:
    if not name or "+" in name or any(char.isspace() for char in name) or _CONTROL.search(name):
        raise NoteMalformed("a key's name holds no space, no plus sign and is not empty")


def _require_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteMalformed("a note's text ends with a newline")
    if _CONTROL.search(text):
        raise NoteMalformed("a note holds no control character but newline")


def to_base64(data: bytes) -> str:
    """RFC 4648 §4, with padding."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def from_base64(text: str, what: str) -> bytes:
    """Canonical RFC 4648 §4 only. Raises `NoteMalformed`, naming what was read."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise NoteMalformed(f"the {what} is not base64") from error
    # RFC 4648 §3.5: unused bits are zero; otherwise several texts would carry the same bytes.
    if to_base64(data) != text:
        raise NoteMalformed(f"the {what} is not canonical base64")
    return data
