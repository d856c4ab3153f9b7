"""The spool, where doors and commands lay files down, and the sealer's own folder, where a file is copied before it is believed.

A file in the spool is `<delivery>.bin`, announced by `<delivery>.json` (docs/api.md); what became of it is told in `<delivery>.status`. The
copy is made while the bytes are hashed: what was verified is what is read, whatever a door does to its own file meanwhile.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from rempart.intake.envelope import MAGIC
from rempart.intake.manifest import LONGEST

_NAME = re.compile(r"[0-9a-f]{32}")
_BLOCK = 1 << 20
_LONGEST_NOTE = 16_384
_STATUS_KEPT_DAYS = 30


class Note(msgspec.Struct, frozen=True):
    """`<delivery>.json`, as a door or a command wrote it. Nothing in it is believed without a signature."""

    delivery: str
    sender: str = "upload"
    """`upload`, or who ran the command on this machine."""
    amc: str = ""
    filename: str = ""
    method: str = ""
    target: str = ""
    content_digest: str = ""
    signature_input: str = ""
    signature: str = ""
    received: int = 0
    manifest: str = ""
    """Of a plain file (demo only): its manifest, JSON."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A file in the sealer's own folder. `digest`: SHA-256 of all its bytes; `body_digest`: of those after an envelope's three lines."""

    note: Note
    path: Path
    digest: bytes
    body_digest: bytes


@dataclass(frozen=True, slots=True)
class Spool:
    """`folder`: shared with the doors. `own`: nobody else's, 0700."""

    folder: Path
    own: Path

    def prepare(self) -> None:
        """Make the own folder; forget halves of copies."""
        self.own.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.own.chmod(0o700)
        for half in self.own.glob("*.part"):
            half.unlink()

    def arrivals(self) -> list[str]:
        """Deliveries announced and not yet taken, oldest first."""
        found = [path for path in self.folder.glob("*.json") if _NAME.fullmatch(path.stem)]
        return [path.stem for path in sorted(found, key=lambda path: (_modified(path), path.name))]

    def take(self, delivery: str) -> Taken | None:
        """Copy a delivery into the own folder, durably; None when there is no such file or note. May be repeated after a crash."""
        note = self._read_note(self.folder / f"{delivery}.json", delivery)
        if note is None:
            return None
        part, path = self.own / f"{delivery}.part", self.own / f"{delivery}.bin"
        try:
            _copy(self.folder / f"{delivery}.bin", part)
        except FileNotFoundError:
            return None
        _write(self.own / f"{delivery}.json", msgspec.json.encode(note))
        part.rename(path)
        _sync_folder(self.own)
        return self.taken(delivery)

    def taken(self, delivery: str) -> Taken | None:
        """A delivery that lies in the own folder, hashed anew."""
        path = self.own / f"{delivery}.bin"
        note = self._read_note(self.own / f"{delivery}.json", delivery)
        if note is None or not path.exists():
            return None
        return Taken(note, path, *_digests(path))

    def held(self) -> list[str]:
        """Deliveries of which a copy lies in the own folder."""
        return sorted(path.stem for path in self.own.glob("*.json") if _NAME.fullmatch(path.stem))

    def told_waiting(self) -> list[str]:
        """Deliveries last told as waiting."""
        told = (path for path in self.folder.glob("*.status") if _NAME.fullmatch(path.stem))
        return sorted(path.stem for path in told if b'"state":"waiting"' in path.read_bytes())

    def clear_arrival(self, delivery: str) -> None:
        """Once a delivery is in the database: remove it from the spool. Bytes first: a note without bytes is cleared, bytes without a note
        may be a file that is still arriving.
        """
        for suffix in (".bin", ".json"):
            (self.folder / f"{delivery}{suffix}").unlink(missing_ok=True)

    def forget(self, delivery: str) -> None:
        """The file served: remove the own copy."""
        for suffix in (".bin", ".json"):
            (self.own / f"{delivery}{suffix}").unlink(missing_ok=True)

    def tell(self, delivery: str, status: dict[str, object]) -> None:
        """Write `<delivery>.status`, whole or not at all."""
        _write(self.folder / f"{delivery}.status", msgspec.json.encode(status))

    def prune(self, now_seconds: float) -> None:
        """Remove what was told more than 30 days ago."""
        for path in self.folder.glob("*.status"):
            if _modified(path) < now_seconds - _STATUS_KEPT_DAYS * 86_400:
                path.unlink(missing_ok=True)

    def _read_note(self, path: Path, delivery: str) -> Note | None:
        try:
            if path.stat().st_size > _LONGEST_NOTE:
                return Note(delivery)
            note = msgspec.json.decode(path.read_bytes(), type=Note)
        except FileNotFoundError:
            return None
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Note(delivery)
        return msgspec.structs.replace(note, delivery=delivery)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as file, target.open("wb") as out:
        os.fchmod(out.fileno(), 0o600)
        for block in _blocks(file.fileno()):
            out.write(block)
        out.flush()
        os.fsync(out.fileno())


def _digests(path: Path) -> tuple[bytes, bytes]:
    whole = hashlib.sha256()
    with path.open("rb") as file:
        head = file.read(len(MAGIC))
        # Of an envelope, what is signed is the ciphertext: all that follows the third line.
        start = head
        if head == MAGIC:
            start += file.readline(LONGEST + 1) + file.readline(90)
        whole.update(start)
        body = hashlib.sha256(b"" if head == MAGIC else start)
        while block := file.read(_BLOCK):
            whole.update(block)
            body.update(block)
    return whole.digest(), body.digest()


def _blocks(descriptor: int) -> Iterator[bytes]:
    while block := os.read(descriptor, _BLOCK):
        yield block


def _write(path: Path, content: bytes) -> None:
    new = path.with_name(f".{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
