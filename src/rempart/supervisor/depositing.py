"""Laying an insurer's file down for the sealer, and what to encrypt it to."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from rempart.supervisor.errors import NotRunning
from rempart.supervisor.home import Home

_BLOCK = 1 << 20


def lay_down(spool: Path, file: Path, sender: str, now: int, manifest: str = "") -> str:
    """Bytes first, then the note whose arrival is the delivery. Returns the delivery's number. `manifest`: of a plain file."""
    delivery = secrets.token_hex(16)
    note = {"delivery": delivery, "sender": sender, "filename": file.name, "received": now}
    if manifest:
        note["manifest"] = manifest
    with file.open("rb") as source, _new(spool / f"{delivery}.part") as target:
        while block := source.read(_BLOCK):
            target.write(block)
    (spool / f"{delivery}.part").rename(spool / f"{delivery}.bin")
    with _new(spool / f"{delivery}.new") as target:
        target.write(msgspec.json.encode(note))
    (spool / f"{delivery}.new").rename(spool / f"{delivery}.json")
    return delivery


def intake_recipient(home: Home) -> str:
    """The intake key's public half (age1…), asked of the vault's zone by a process of its own. Raises NotRunning."""
    command = [
        sys.executable,
        "-m",
        "rempart.sealer",
        "recipient",
        "--config",
        str(home.config_file("sealer")),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotRunning(done.stderr.strip())
    return done.stdout.strip()


@contextmanager
def _new(path: Path) -> Iterator[BinaryIO]:
    """A new file, of the owner only, on disk when this ends."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
