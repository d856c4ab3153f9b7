"""A file that is there whole or not at all, whatever is killed: written aside, flushed to the disk, renamed, its folder flushed."""

import os
from pathlib import Path


def write_durably(path: Path, content: bytes) -> None:
    """Of mode 0600. Raises OSError."""
    unfinished = path.with_suffix(f"{path.suffix}.part")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """What was renamed into it or out of it stays so."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
