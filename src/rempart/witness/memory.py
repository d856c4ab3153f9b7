"""What a witness remembers of each log, in one file: replaced whole, on the disk before anything is cosigned.

A witness whose file is lost must not go on: it would cosign a shorter log. So the file is made by `init`, and a missing one is an
outage, never an empty memory.
"""

import os
from pathlib import Path

import msgspec

from rempart.witness.errors import StateUnusable


class Remembered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last checkpoint cosigned of one log. `note` carries this witness's own cosignature."""

    size: int
    root: bytes
    note: str
    at: int
    """µs."""


_Logs = dict[str, Remembered]


class Memory:
    """Read once, at the start; written at each cosignature."""

    def __init__(self, path: Path, logs: _Logs) -> None:
        self._path, self._logs = path, logs

    @classmethod
    def begin(cls, path: Path) -> "Memory":
        """The empty memory of a new witness. Raises `StateUnusable` where there is one already."""
        if path.exists():
            raise StateUnusable(f"{path} is there already")
        memory = cls(path, {})
        memory._write({})
        return memory

    @classmethod
    def read(cls, path: Path) -> "Memory":
        """Raises `StateUnusable`."""
        try:
            return cls(path, msgspec.json.decode(path.read_bytes(), type=_Logs))
        except (OSError, msgspec.DecodeError) as error:
            raise StateUnusable(f"{path}: {type(error).__name__}") from error

    def of(self, origin: str) -> Remembered | None:
        """The last one cosigned of this log."""
        return self._logs.get(origin)

    def all(self) -> _Logs:
        """Every log, by its name."""
        return dict(self._logs)

    def keep(self, origin: str, remembered: Remembered) -> None:
        """On the disk when it returns. Raises `StateUnusable`; then nothing may be cosigned."""
        logs = {**self._logs, origin: remembered}
        self._write(logs)
        self._logs = logs

    def _write(self, logs: _Logs) -> None:
        staged = self._path.with_name(f".{self._path.name}.part")
        try:
            with staged.open("wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(logs), indent=1) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            staged.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise StateUnusable(f"{self._path}: {error.strerror}") from error
