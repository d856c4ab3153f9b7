"""What a witness says of a checkpoint: C2SP tlog-cosignature with Ed25519 (cosignature/v1), to the byte.

A cosignature is a signature line of the note. Its key has another type than a log's (0x04 for 0x01), so that neither can pass for
the other. It says: as of this second, this is the largest consistent tree that the witness has seen of this log.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rempart.evidence.errors import NoteMalformed, NoteRefused
from rempart.evidence.note import (
    Checkpoint,
    Signature,
    VerifierKey,
    check_ed25519,
    key_id,
    open_checkpoint,
    parse_note,
    read_vkey,
    to_base64,
    vkey,
)

COSIGNATURE_V1 = b"\x04"
"""The signature type byte of a timestamped Ed25519 cosignature."""
_SIZE = 8 + 64
_DASH = "\u2014 "


@dataclass(frozen=True)
class WitnessKey:
    """Whose cosignature is expected: a name and an Ed25519 public key (32 bytes)."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        VerifierKey(self.name, self.public)  # the same rules for the name and the key

    @property
    def key_id(self) -> bytes:
        """SHA-256(name ‖ 0x0A ‖ 0x04 ‖ public key)[:4]."""
        return key_id(self.name, COSIGNATURE_V1, self.public)

    def text(self) -> str:
        """The verifier key ("vkey") in its usual text form."""
        return vkey(self.name, COSIGNATURE_V1, self.public)

    @classmethod
    def parse(cls, text: str) -> "WitnessKey":
        """Read a vkey of type 0x04. Raises `NoteMalformed`."""
        return cls(*read_vkey(text, COSIGNATURE_V1))

    def check(self, text: str, value: bytes) -> int:
        """The second at which this witness cosigned the note text. Raises `NoteRefused`."""
        if len(value) != _SIZE:
            raise NoteRefused(f"a cosignature has {_SIZE} bytes, not {len(value)}")
        second = int.from_bytes(value[:8], "big")
        if second >= 2**63:
            raise NoteRefused(f"the cosignature of {self.name} is of no time")
        check_ed25519(self.name, self.public, signed_message(text, second), value[8:])
        return second


@dataclass(frozen=True)
class Cosigner:
    """A witness's private key. It cosigns nothing that was not compared with what it cosigned before (rempart.witness)."""

    name: str
    private: Ed25519PrivateKey

    def key(self) -> WitnessKey:
        """The public half."""
        return WitnessKey(self.name, self.private.public_key().public_bytes_raw())

    def cosign(self, text: str, second: int) -> str:
        """The signature line over a checkpoint's note text, with its newline. `second`: POSIX time."""
        signature = self.private.sign(signed_message(text, second))
        return f"{_DASH}{self.name} {to_base64(self.key().key_id + second.to_bytes(8, 'big') + signature)}\n"


@dataclass(frozen=True)
class Cosignature:
    """One witness's word, verified: who, when (POSIX second), and the line that says it, with its newline."""

    witness: WitnessKey
    second: int
    line: str


@dataclass(frozen=True)
class CosignedCheckpoint:
    """A checkpoint that the log signed, and the witnesses verified to have cosigned it. Made by `open_cosigned` only."""

    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]

    def require(self, count: int) -> None:
        """Raises `NoteRefused` unless so many different witnesses cosigned."""
        if len(self.cosignatures) < count:
            raise NoteRefused(
                f"{len(self.cosignatures)} of the expected witnesses cosigned, {count} are needed"
            )


def signed_message(text: str, second: int) -> bytes:
    """What an Ed25519 cosigner signs: two lines, then the whole note text."""
    return f"cosignature/v1\ntime {second}\n{text}".encode()


def open_cosigned(note: bytes, log: VerifierKey, witnesses: Sequence[WitnessKey]) -> CosignedCheckpoint:
    """Read a checkpoint that the log signed, with the cosignatures of these witnesses.

    Lines of other keys are ignored. A wrong line of a known key refuses the whole note. Raises `NoteMalformed`, `NoteRefused`.
    """
    checkpoint = open_checkpoint(note, log)
    return CosignedCheckpoint(checkpoint, read_cosignatures(note, witnesses))


def read_cosignatures(note: bytes, witnesses: Sequence[WitnessKey]) -> tuple[Cosignature, ...]:
    """The verified cosignatures of these witnesses on a note, the latest of each. Raises `NoteMalformed`, `NoteRefused`."""
    parsed = parse_note(note)
    known = {(key.name, key.key_id): key for key in witnesses}
    found: dict[bytes, Cosignature] = {}
    for signature in parsed.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        second = key.check(parsed.text, signature.value)
        # By public key: one witness under two names is still one.
        before = found.get(key.public)
        if before is None or before.second < second:
            found[key.public] = Cosignature(key, second, _line(signature))
    return tuple(found.values())


def add_cosignatures(note: str, lines: Sequence[str]) -> str:
    """The note with further signature lines. Raises `NoteMalformed` when one is no signature line."""
    added = note + "".join(lines)
    if len(parse_note(added.encode()).signatures) != len(parse_note(note.encode()).signatures) + len(lines):
        raise NoteMalformed("a cosignature is one line")
    return added


def _line(signature: Signature) -> str:
    return f"{_DASH}{signature.name} {to_base64(signature.key_id + signature.value)}\n"
