"""A platform of one's own, for demo, benches and drills: started in a folder, used through its doors, drained at the end."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rempart.database.embedded import die_with_parent
from rempart.foundation.errors import Outage
from rempart.supervisor.home import Home
from rempart.supervisor.state import read_state


class PlatformDidNotStart(Outage):
    """`rempart up` ended or took too long."""

    code = "platform"
    french = "La plate-forme n'a pas démarré."
    english = "The platform did not start."


@dataclass(frozen=True)
class Platform:
    """A running platform: where it lies, how to reach its front."""

    home: Home
    origin: str
    port: int
    desk_origin: str = ""


@contextlib.contextmanager
def running_platform(
    folder: Path,
    *,
    port: int = 0,
    more: str = "",
    seconds: float = 90,
    clock_fd: int | None = None,
    without: Sequence[str] = (),
    desk: bool = False,
) -> Iterator[Platform]:
    """Start `rempart up` in the folder and wait until it is ready; drain it on the way out. Port 0: any free one.

    `more`: further lines of supervisor.toml. `clock_fd`: the descriptor of a drill's clock. `without`: processes that it does without;
    whoever plays a day in minutes does without the sentinel, which would rightly hold every counter. `desk`: the operator's door too.
    """
    home = Home.at(folder)
    folder.mkdir(parents=True, exist_ok=True)
    chosen = port or _free_port()
    origin = f"http://localhost:{chosen}"
    desk_port = _free_port() if desk else 0
    desk_origin = f"http://desk.localhost:{desk_port}" if desk else ""
    home.settings.write_text(
        f'mode = "demo"\norigin = "{origin}"\nport = {chosen}\ndesk_origin = "{desk_origin}"\ndesk_port = {desk_port}\n{more}'
    )
    command = [sys.executable, "-m", "rempart.cli", "up", "--folder", str(folder)]
    command += [word for name in without for word in ("--without", name)]
    command += [] if clock_fd is None else ["--clock-fd", str(clock_fd)]
    output = folder / "up.log"
    with output.open("wb") as log:
        supervisor = subprocess.Popen(
            [*die_with_parent(), *command], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            pass_fds=() if clock_fd is None else (clock_fd,),
        )  # fmt: skip
    try:
        _wait_until_ready(home, supervisor, output, seconds)
        yield Platform(home, origin, chosen, desk_origin)
    finally:
        supervisor.terminate()
        try:
            supervisor.wait(timeout=60)
        except subprocess.TimeoutExpired:
            supervisor.kill()
            supervisor.wait()


def _wait_until_ready(
    home: Home, supervisor: "subprocess.Popen[bytes]", output: Path, seconds: float
) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = read_state(home.state)
        if state is not None and state.condition == "ready" and state.supervisor == supervisor.pid:
            return
        if supervisor.poll() is not None:
            break
        time.sleep(0.1)
    raise PlatformDidNotStart(output.read_text(errors="replace")[-2000:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
