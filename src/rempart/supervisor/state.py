"""The state file: what the supervisor knows of its processes, replaced whole at each change."""

from pathlib import Path
from typing import Literal

import msgspec

Condition = Literal["starting", "ready", "unready", "restarting", "stopping", "stopped"]


class ProcessState(msgspec.Struct, frozen=True):
    """One process. `since` in µs; `restarts` counts crashes since the supervisor started."""

    name: str
    condition: Condition
    pid: int | None
    since: int
    restarts: int


class PlatformState(msgspec.Struct, frozen=True):
    """The supervisor and its processes, in the order of their start."""

    supervisor: int
    condition: Condition
    since: int
    processes: list[ProcessState]


def write_state(state: PlatformState, path: Path) -> None:
    """Replace the file in one step: a reader sees the old or the new one."""
    staged = path.with_name(f".{path.name}.part")
    staged.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=1) + b"\n")
    staged.replace(path)


def read_state(path: Path) -> PlatformState | None:
    """The state, or None where none was written."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=PlatformState)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
