"""The manifest that comes with each file (docs/files/members.md)."""

import re
from datetime import UTC, datetime

import msgspec

from rempart.foundation.errors import BadInput
from rempart.foundation.identifiers import check_amc_number
from rempart.intake.errors import BadManifest
from rempart.intake.model import Kind

LONGEST = 4_096
"""Bytes of a manifest at most."""
MANY = 100_000_000
"""Lines of a file at most: a line number fits an integer of 32 bits with room to spare."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the insurer says of its file, and signs."""

    format: int
    amc: str
    kind: Kind
    sequence: int
    lines: int
    sha256: str
    created: str

    @property
    def created_at(self) -> int:
        """Microseconds since 1970 UTC."""
        return int(datetime.fromisoformat(self.created).timestamp() * 1_000_000)


def read_manifest(text: bytes) -> Manifest:
    """A manifest from its JSON. Raises BadManifest, naming the field."""
    if len(text) > LONGEST:
        raise BadManifest("size")
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadManifest(str(error) if isinstance(error, msgspec.ValidationError) else "JSON") from None
    _check(manifest)
    return manifest


def write_manifest(manifest: Manifest) -> bytes:
    """Its JSON, on one line."""
    return msgspec.json.encode(manifest)


def make_manifest(amc: str, kind: Kind, sequence: int, lines: int, sha256: str, now: int) -> Manifest:
    """A checked manifest; `now` in microseconds. Raises BadManifest."""
    created = datetime.fromtimestamp(now // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    manifest = Manifest(1, amc, kind, sequence, lines, sha256, created)
    _check(manifest)
    return manifest


def _check(manifest: Manifest) -> None:
    if manifest.format != 1:
        raise BadManifest("format")
    try:
        check_amc_number(manifest.amc)
    except BadInput:
        raise BadManifest("amc") from None
    if not 1 <= manifest.sequence < 2**53:
        raise BadManifest("sequence")
    if not 0 <= manifest.lines <= MANY:
        raise BadManifest("lines")
    if _DIGEST.fullmatch(manifest.sha256) is None:
        raise BadManifest("sha256")
    try:
        created = datetime.fromisoformat(manifest.created)
    except ValueError:
        raise BadManifest("created") from None
    if created.tzinfo is None or not 2000 <= created.year < 2200:
        raise BadManifest("created")
