"""Small real processes for the supervisor: each writes what happens to it in one shared diary and says that it is ready by a file."""

import sys
from dataclasses import dataclass
from pathlib import Path

from rempart.supervisor.supervise import Process

SCRIPT = """
import os, signal, sys, time
name, folder, manner = sys.argv[1:]
def note(what):
    with open(folder + "/diary", "a") as diary:
        diary.write(f"{name} {what}\\n")
if manner == "ends":
    print("the disk is full", file=sys.stderr)
    sys.exit(7)
def leave(*_):
    note("asked to stop")
    if manner != "stubborn":
        sys.exit(0)
signal.signal(signal.SIGTERM, leave)
note("starts")
if manner != "never ready":
    open(f"{folder}/{name}.ready", "w").write(str(os.getpid()))
while True:
    time.sleep(60)
"""


@dataclass(frozen=True)
class Nursery:
    """Where the children live and write."""

    folder: Path

    def child(self, name: str, drains: int, manner: str = "good") -> Process:
        (self.folder / f"{name}.ready").unlink(missing_ok=True)

        async def ready() -> bool:
            return self.pid(name) is not None

        async def forget() -> None:
            (self.folder / f"{name}.ready").unlink(missing_ok=True)

        command = (sys.executable, "-c", SCRIPT, name, str(self.folder), manner)
        return Process(name, command, self.folder / f"{name}.log", ready, drains, forget)

    def pid(self, name: str) -> int | None:
        """The pid that the child wrote once ready."""
        try:
            return int((self.folder / f"{name}.ready").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def diary(self) -> list[str]:
        return (self.folder / "diary").read_text().splitlines()
