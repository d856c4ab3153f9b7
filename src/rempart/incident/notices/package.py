"""An insurer's package: sealed to its notice key, signed by the platform (docs/files/incident.md). Writer and reader share this module.

Newline-delimited JSON, as the day's openings are: a header in clear, sealed parts, and last the platform's JWS over all of it. The data
key is HPKE-wrapped to the insurer (RFC 9180: X25519, HKDF-SHA256, AES-256-GCM) and then forgotten; a part is AES-256-GCM under it, bound to
the header and its number. The reader verifies the signature before it opens a part.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from rempart.client.receipt import verified_statement
from rempart.incident.exposure import Exposed
from rempart.incident.notices.errors import BadIncidentPackage
from rempart.intake.notice import UnreadableReference, open_reference, unwrap_load_key
from rempart.vaultdoor.messages import INCIDENT_STATEMENT, IncidentStatement

VERSION = 1
PIECE = 96 * 1024
"""Bytes of a full part before sealing: it travels in one frame between two processes."""
MANIFEST = "manifest.json"
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_INFO = b"rempart-incident-key-v1"
_LABEL = b"rempart-incident-v1\x00"
T = TypeVar("T")
Sign = Callable[[IncidentStatement], str]
"""Makes the platform's compact JWS, of kind INCIDENT_STATEMENT (`vault.incidents.state_package`)."""


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="line"):
    """One line."""


class Header(Line, frozen=True, tag="incident"):
    """The first line, in clear: whose, which incident, which issue, how many parts."""

    version: int
    amc: str
    insurer: int
    incident: int
    issue: int
    made: int
    persons: int
    parts: int
    wrapped: str
    """The data key, HPKE-wrapped, base64."""


class Sealed(Line, frozen=True, tag="part"):
    """base64 of AES-256-GCM with nonce = number on 12 bytes, bound to the header's bytes."""

    number: int
    content: str


class Signature(Line, frozen=True, tag="signature"):
    """The last line: the platform's JWS (RFC 7515), which names the file's SHA-256 up to here."""

    statement: str


class Answer(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One answer that told of a member. `index`: its leaf in the ledger; `at` in µs; ids are uuid bytes."""

    index: int
    at: int
    lane: int
    domain: int
    answer_class: int
    establishment: bytes
    account: bytes
    device: bytes
    editor: bytes


class Member(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One exposed person. `notice_ref`: the insurer's own reference, as intake sealed it (docs/intake.md)."""

    notice_ref: bytes
    generation: int
    subject: bytes
    answers: list[Answer]


class Members(msgspec.Struct, frozen=True, tag="members", forbid_unknown_fields=True):
    """A part of members, and the wrapped keys of the loads that their references name."""

    members: list[Member]
    load_keys: dict[int, bytes]


class Piece(msgspec.Struct, frozen=True, tag="piece", forbid_unknown_fields=True):
    """A piece of a document; pieces of one follow each other."""

    name: str
    content: bytes


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document in the manifest."""

    name: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the package holds: manifest.json, the first document of each."""

    version: int
    amc: str
    insurer: str
    incident: int
    title: str
    issue: int
    made: int
    templates: str
    """SHA-256 of the templates that it was rendered from."""
    ledger_size: int
    persons: int
    answers: int
    members_sha256: str
    documents: list[Listed]
    figures: dict[str, Any]


@dataclass(frozen=True)
class Contents:
    """What is to be sealed. `documents`: name → bytes; `load_keys`: of every load that a reference names."""

    amc: str
    insurer: int
    name: str
    incident: int
    title: str
    issue: int
    made: int
    templates: str
    ledger_size: int
    figures: dict[str, Any]
    documents: dict[str, bytes] = field(repr=False)
    exposed: Sequence[Exposed] = field(repr=False)
    load_keys: dict[int, bytes] = field(repr=False)


# ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────


def seal_package(contents: Contents, key: bytes, notice_key: bytes, sign: Sign) -> list[bytes]:
    """The lines of a package. `key`: 32 fresh random bytes; `notice_key`: the insurer's raw X25519 public key."""
    members = [member_of(person) for person in contents.exposed]
    manifest = msgspec.json.format(msgspec.json.encode(_manifest(contents, members)), indent=1)
    documents = {MANIFEST: manifest + b"\n"} | contents.documents
    parts: list[Piece | Members] = list(_pieces(documents))
    parts += _member_parts(members, contents.load_keys)
    sealer = AESGCM(key)
    header = msgspec.json.encode(_header(contents, len(parts), key, notice_key)) + b"\n"
    lines = [header, *(_seal(sealer, number, part, header) for number, part in enumerate(parts, start=1))]
    digest = hashlib.sha256(b"".join(lines)).hexdigest()
    statement = sign(IncidentStatement(contents.amc, contents.incident, contents.issue, digest))
    return [*lines, msgspec.json.encode(Signature(statement)) + b"\n"]


def member_of(person: Exposed) -> Member:
    """As it is handed over."""
    return Member(
        person.notice_ref, person.generation, person.subject.bytes,
        [
            Answer(t.index, t.at, t.lane, t.domain, t.answer_class, t.establishment.bytes, t.account.bytes, t.device.bytes, t.editor.bytes)
            for t in person.answers
        ],
    )  # fmt: skip


def digest_of(members: Sequence[Member]) -> str:
    """SHA-256 of the members, one after the other, in MessagePack."""
    whole = hashlib.sha256()
    for member in members:
        whole.update(msgspec.msgpack.encode(member))
    return whole.hexdigest()


def _header(contents: Contents, parts: int, key: bytes, notice_key: bytes) -> Header:
    wrapped = _SUITE.encrypt(
        key, X25519PublicKey.from_public_bytes(notice_key), info=_INFO + contents.amc.encode()
    )
    return Header(
        VERSION, contents.amc, contents.insurer, contents.incident, contents.issue, contents.made, len(contents.exposed), parts,
        base64.b64encode(wrapped).decode(),
    )  # fmt: skip


def _manifest(contents: Contents, members: Sequence[Member]) -> Manifest:
    listed = [
        Listed(name, len(content), hashlib.sha256(content).hexdigest())
        for name, content in contents.documents.items()
    ]
    return Manifest(
        VERSION, contents.amc, contents.name, contents.incident, contents.title, contents.issue, contents.made, contents.templates,
        contents.ledger_size, len(members), sum(len(member.answers) for member in members), digest_of(members), listed, contents.figures,
    )  # fmt: skip


def _pieces(documents: dict[str, bytes]) -> Iterator[Piece]:
    for name, content in documents.items():
        for start in range(0, max(len(content), 1), PIECE):
            yield Piece(name, content[start : start + PIECE])


def _member_parts(members: Iterable[Member], load_keys: dict[int, bytes]) -> Iterator[Members]:
    waiting: list[Member] = []
    size = 0
    for member in members:
        waiting.append(member)
        size += len(member.notice_ref) + 40 + 90 * len(member.answers)
        if size >= PIECE:
            yield _members(waiting, load_keys)
            waiting, size = [], 0
    if waiting:
        yield _members(waiting, load_keys)


def _members(members: list[Member], load_keys: dict[int, bytes]) -> Members:
    loads = sorted({load_of(member.notice_ref) for member in members if member.notice_ref})
    return Members(members, {load: load_keys[load] for load in loads if load in load_keys})


def load_of(notice_ref: bytes) -> int:
    """The load that a reference names in its first four bytes (docs/intake.md)."""
    return int.from_bytes(notice_ref[:4], "big")


def _seal(sealer: AESGCM, number: int, part: Piece | Members, header: bytes) -> bytes:
    sealed = sealer.encrypt(number.to_bytes(12, "big"), msgspec.msgpack.encode(part), _associated(header))
    return msgspec.json.encode(Sealed(number, base64.b64encode(sealed).decode())) + b"\n"


def _associated(header: bytes) -> bytes:
    return _LABEL + hashlib.sha256(header).digest()


# ── reading: the insurer's side ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Opened:
    """A package that was found whole, the platform's and ours. `load_keys` are still wrapped."""

    header: Header
    manifest: Manifest
    documents: dict[str, bytes] = field(repr=False)
    members: list[Member] = field(repr=False)
    load_keys: dict[int, bytes] = field(repr=False)


def open_package(content: bytes, private_key: bytes, jwks: dict[str, Any]) -> Opened:
    """Verify the signature by a key of the platform's published set, then open. Raises BadIncidentPackage."""
    lines = content.splitlines(keepends=True)
    if len(lines) < 3:
        raise BadIncidentPackage("it is cut short")
    header, parts = _decoded(lines[0], Header), lines[1:-1]
    _verify(header, lines, jwks)
    if header.version != VERSION or header.parts != len(parts):
        raise BadIncidentPackage("header")
    key = AESGCM(_unwrapped(header, private_key))
    documents: dict[str, bytearray] = {}
    members: list[Member] = []
    load_keys: dict[int, bytes] = {}
    for number, line in enumerate(parts, start=1):
        part = _opened(key, line, number, lines[0])
        if isinstance(part, Piece):
            documents.setdefault(part.name, bytearray()).extend(part.content)
        else:
            members += part.members
            load_keys |= part.load_keys
    whole = {name: bytes(text) for name, text in documents.items()}
    manifest = _checked(header, whole, members)
    return Opened(header, manifest, whole, members, load_keys)


def references(opened: Opened, private_key: bytes) -> Iterator[tuple[str, Member]]:
    """Each member with the insurer's own reference. Raises UnreadableReference."""
    keys: dict[int, bytes] = {}
    amc = opened.header.amc
    for member in opened.members:
        load = load_of(member.notice_ref)
        if not member.notice_ref:
            yield "", member
            continue
        if load not in keys:
            if load not in opened.load_keys:
                raise UnreadableReference(f"no key for load {load}")
            keys[load] = unwrap_load_key(opened.load_keys[load], private_key, amc)
        yield open_reference(member.notice_ref, keys[load], amc), member


def _verify(header: Header, lines: list[bytes], jwks: dict[str, Any]) -> None:
    signature = _decoded(lines[-1], Signature)
    digest = hashlib.sha256(b"".join(lines[:-1])).hexdigest()
    try:
        said = verified_statement(signature.statement, jwks, INCIDENT_STATEMENT)
    except ValueError:
        raise BadIncidentPackage("signature") from None
    expected = IncidentStatement(header.amc, header.incident, header.issue, digest)
    if {name: said.get(name) for name in expected.__struct_fields__} != msgspec.structs.asdict(expected):
        raise BadIncidentPackage("it is not the file that was signed")


def _unwrapped(header: Header, private_key: bytes) -> bytes:
    try:
        private = X25519PrivateKey.from_private_bytes(private_key)
        wrapped = base64.b64decode(header.wrapped, validate=True)
        return _SUITE.decrypt(wrapped, private, info=_INFO + header.amc.encode())
    except (InvalidTag, ValueError):
        raise BadIncidentPackage("it does not open with this key") from None


def _opened(key: AESGCM, line: bytes, number: int, header: bytes) -> Piece | Members:
    sealed = _decoded(line, Sealed)
    try:
        plain = key.decrypt(
            number.to_bytes(12, "big"), base64.b64decode(sealed.content, validate=True), _associated(header)
        )
        return msgspec.msgpack.decode(plain, type=Piece | Members)
    except (InvalidTag, ValueError, msgspec.MsgspecError):
        raise BadIncidentPackage(f"part {number}") from None


def _checked(header: Header, documents: dict[str, bytes], members: list[Member]) -> Manifest:
    manifest = _decoded(documents.get(MANIFEST, b""), Manifest)
    found = {name: hashlib.sha256(text).hexdigest() for name, text in documents.items() if name != MANIFEST}
    if found != {each.name: each.sha256 for each in manifest.documents}:
        raise BadIncidentPackage("the documents are not those of the manifest")
    if manifest.members_sha256 != digest_of(members) or not (
        header.persons == manifest.persons == len(members)
    ):
        raise BadIncidentPackage("the members are not those of the manifest")
    return manifest


def _decoded(content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BadIncidentPackage("line") from None
