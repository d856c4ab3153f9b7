"""The spool, where doors and commands lay files down, and the sealer's own folder, where a file is copied before it is believed.

A file in the spool is `<delivery>.bin`, announced by `<delivery>.json` (docs/api.md); what became of it is told in `<delivery>.status`. The
copy is made while the bytes are hashed: what was verified is what is read, whatever a door does to its own file meanwhile. The folder is
the doors' to write: no link in it is followed and only regular files are opened; a door reads and writes nothing through the sealer.
"""

import contextlib
import hashlib
import logging
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from rempart.intake.envelope import MAGIC
from rempart.intake.manifest import LONGEST

_NAME = re.compile(r"[0-9a-f]{32}")
_BLOCK = 1 << 20
_LONGEST_NOTE = 16_384
_STATUS_KEPT_DAYS = 30
_log = logging.getLogger(__name__)


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
        found = [path for path in self.folder.glob("*.json") if _NAME.fullmatch(path.stem) and _is_file(path)]
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
        return sorted(path.stem for path in told if b'"state":"waiting"' in (_read_whole(path) or b""))

    def clear_arrival(self, delivery: str) -> None:
        """Once a delivery is in the database: remove it from the spool. Bytes first: a note without bytes is cleared, bytes without a note
        may be a file that is still arriving.
        """
        for suffix in (".bin", ".json"):
            _remove(self.folder / f"{delivery}{suffix}")

    def forget(self, delivery: str) -> None:
        """The file served: remove the own copy."""
        for suffix in (".bin", ".json"):
            (self.own / f"{delivery}{suffix}").unlink(missing_ok=True)

    def tell(self, delivery: str, status: dict[str, object]) -> None:
        """Write `<delivery>.status`, whole or not at all."""
        try:
            _write(self.folder / f"{delivery}.status", msgspec.json.encode(status))
        except IsADirectoryError:
            _log.error("delivery %s cannot be told: a folder stands in its place", delivery)

    def prune(self, now_seconds: float) -> None:
        """Remove what was told more than 30 days ago."""
        for path in self.folder.glob("*.status"):
            if _modified(path) < now_seconds - _STATUS_KEPT_DAYS * 86_400:
                _remove(path)

    def _read_note(self, path: Path, delivery: str) -> Note | None:
        text = _read_whole(path, _LONGEST_NOTE + 1)
        if text is None:
            return None
        try:
            note = msgspec.json.decode(text, type=Note)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Note(delivery)
        # Longer than any note, or with what no table can hold: nothing of it is taken over.
        if len(text) > _LONGEST_NOTE or "\0" in note.sender + note.filename:
            return Note(delivery)
        return msgspec.structs.replace(note, delivery=delivery)


def _open_regular(path: Path) -> BinaryIO:
    """Raises FileNotFoundError for whatever is no regular file: a link is not followed, a pipe not waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise FileNotFoundError(path.name) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(path.name)
    return os.fdopen(descriptor, "rb")


def _read_whole(path: Path, most: int = -1) -> bytes | None:
    try:
        with _open_regular(path) as file:
            return file.read(most)
    except FileNotFoundError:
        return None


def _copy(source: Path, target: Path) -> None:
    with _open_regular(source) as file, target.open("wb") as out:
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
    # What lies there is a half of ours, or a trap: never written into.
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
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


def _is_file(path: Path) -> bool:
    """A link to a file counts, and is cleared: it opens nothing. A folder does not: nobody can clear it but who made it."""
    try:
        return not stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError, IsADirectoryError):
        path.unlink()


def _modified(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0
