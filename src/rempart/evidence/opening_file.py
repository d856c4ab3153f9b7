"""The day's openings, as one insurer is handed them (docs/files/openings.md): sealed to its notice key, checked against the public log.

Newline-delimited JSON: a header in clear, then sealed parts. The data key is HPKE-wrapped to the insurer (RFC 9180: X25519, HKDF-SHA256,
AES-256-GCM) and then forgotten; a part is AES-256-GCM under it, bound to the header and to its number. Writer and reader share this module.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from rempart.evidence.errors import LeafMissing, LeafRewritten, OpeningsMalformed
from rempart.evidence.note import Checkpoint, VerifierKey, open_checkpoint
from rempart.evidence.opening import Opening, verify_opening

VERSION = 1
ROWS = 300
"""Leaves of a full part: about 160 KB of file, so that one travels in one frame between two processes."""
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_INFO = b"rempart-openings-key-v1"
_LABEL = b"rempart-openings-v1\x00"
T = TypeVar("T")


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="line"):
    """One line."""


class Header(Line, frozen=True, tag="openings"):
    """The first line, in clear: whose, of which day, which leaves may be in it, how many are."""

    version: int
    origin: str
    """The log's."""
    amc: str
    insurer: int
    """The number by which the openings name the insurer."""
    day: str
    first: int
    until: int
    """Every leaf of this insurer from index `first` on and before `until` is in this file."""
    rows: int
    parts: int
    checkpoint: str
    """The signed note under which they all stand: its size is at least `until`."""
    wrapped: str
    """The data key, HPKE-wrapped, base64."""


class Sealed(Line, frozen=True, tag="part"):
    """A part: base64 of AES-256-GCM with nonce = number on 12 bytes, bound to the header's bytes."""

    number: int
    content: str


class Leaf(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """One leaf inside a part. `notice_ref`: the insurer's own reference as intake sealed it (docs/intake.md); empty for an absence."""

    index: int
    salt: bytes
    opening: bytes
    notice_ref: bytes


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """What is sealed: leaves in index order, and the wrapped keys of the loads that their references name."""

    leaves: list[Leaf]
    load_keys: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class Told:
    """A leaf of the insurer's, found to be what the log commits to."""

    index: int
    opening: Opening
    notice_ref: bytes


def parts_of(rows: int) -> int:
    """How many parts so many leaves make."""
    return -(-rows // ROWS)


# ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Sealer:
    """Seals one file: its header line, then its parts."""

    header: bytes
    _key: AESGCM = field(repr=False)

    @classmethod
    def fresh(cls, header: Header, key: bytes, notice_key: bytes) -> "Sealer":
        """`key`: 32 fresh random bytes; `notice_key`: the insurer's raw X25519 public key. `header.wrapped` is filled in here."""
        public = X25519PublicKey.from_public_bytes(notice_key)
        wrapped = _SUITE.encrypt(key, public, info=_INFO + header.amc.encode())
        whole = msgspec.structs.replace(header, wrapped=base64.b64encode(wrapped).decode())
        return cls(msgspec.json.encode(whole) + b"\n", AESGCM(key))

    def seal(self, number: int, part: Part) -> bytes:
        """The line of one part, numbered from 1."""
        sealed = self._key.encrypt(
            number.to_bytes(12, "big"), msgspec.msgpack.encode(part), _associated(self.header)
        )
        return msgspec.json.encode(Sealed(number, base64.b64encode(sealed).decode())) + b"\n"


# ── reading: the insurer's side ─────────────────────────────────────────────────────────────────────────────


@dataclass
class OpeningsReader:
    """Reads one file from its first line to its last, with the insurer's notice key and a copy of the public log.

    `commitments(first, until)` gives the log's entries in index order from a folder that was verified (`tiles.verify_folder`, a mirror);
    `size` is how many it has. After the last line, everything that the header promises was found true.
    """

    private_key: bytes = field(repr=False)
    log_key: VerifierKey
    commitments: Callable[[int, int], Iterable[bytes]]
    size: int
    header: Header | None = None
    load_keys: dict[int, bytes] = field(default_factory=dict, repr=False)
    _rows: int = 0
    _last: int = -1

    def read(self, lines: Iterable[bytes]) -> Iterator[Told]:
        """Each leaf, checked. Raises `OpeningsMalformed`, `LeafRewritten`, `LeafMissing`, `NoteRefused`, `OpeningMalformed`."""
        stream = iter(lines)
        first = next(stream, b"")
        self.header = self._checked(first)
        key = AESGCM(self._unwrapped(self.header))
        log = enumerate(self.commitments(self.header.first, self.header.until), start=self.header.first)
        parts = 0
        for parts, content in enumerate(stream, start=1):
            part = _opened(key, content, parts, first)
            self.load_keys |= part.load_keys
            for leaf in part.leaves:
                yield self._told(leaf, log)
        if parts != self.header.parts or self._rows != self.header.rows:
            raise OpeningsMalformed("leaves are missing")

    def _checked(self, content: bytes) -> Header:
        header = _decoded(content, Header)
        if header.version != VERSION or header.origin != self.log_key.name or header.first > header.until:
            raise OpeningsMalformed("header")
        signed: Checkpoint = open_checkpoint(header.checkpoint.encode(), self.log_key)
        if header.until > signed.size:
            raise OpeningsMalformed("the leaves are beyond the checkpoint")
        if signed.size > self.size:
            raise LeafMissing(
                f"the copy of the log has {self.size} leaves, the file needs {signed.size}: update it"
            )
        return header

    def _unwrapped(self, header: Header) -> bytes:
        try:
            private = X25519PrivateKey.from_private_bytes(self.private_key)
            wrapped = base64.b64decode(header.wrapped, validate=True)
            return _SUITE.decrypt(wrapped, private, info=_INFO + header.amc.encode())
        except (InvalidTag, ValueError):
            raise OpeningsMalformed("it does not open with this key") from None

    def _told(self, leaf: Leaf, log: Iterator[tuple[int, bytes]]) -> Told:
        assert self.header is not None
        if not max(self.header.first, self._last + 1) <= leaf.index < self.header.until:
            raise OpeningsMalformed(f"leaf {leaf.index} is out of its order")
        commitment = next(found for index, found in log if index == leaf.index)
        try:
            opening = verify_opening(commitment, leaf.salt, leaf.opening)
        except LeafRewritten as error:
            raise LeafRewritten(
                f"the opening of leaf {leaf.index} is not the one committed to", index=leaf.index
            ) from error
        if opening.insurer != self.header.insurer:
            raise OpeningsMalformed(f"leaf {leaf.index} is another insurer's")
        self._rows, self._last = self._rows + 1, leaf.index
        return Told(leaf.index, opening, leaf.notice_ref)


def _opened(key: AESGCM, content: bytes, number: int, header: bytes) -> Part:
    sealed = _decoded(content, Sealed)
    try:
        plain = key.decrypt(
            number.to_bytes(12, "big"), base64.b64decode(sealed.content, validate=True), _associated(header)
        )
        return msgspec.msgpack.decode(plain, type=Part)
    except (InvalidTag, ValueError, msgspec.MsgspecError):
        raise OpeningsMalformed(f"part {number} was changed or is of another file") from None


def _decoded(content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise OpeningsMalformed("line") from None


def _associated(header: bytes) -> bytes:
    return _LABEL + hashlib.sha256(header).digest()


def loads_of(references: Sequence[bytes]) -> list[int]:
    """The loads that these references name in their first four bytes (docs/intake.md)."""
    return sorted({int.from_bytes(reference[:4], "big") for reference in references if reference})
