"""A front of one's own: a real process on a free port, its log in a file, stopped by SIGTERM."""

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rempart.foundation.settings import FrontSettings, write_settings

DEADLINE = 20.0
"""Seconds after which waiting for something is a failure."""


@dataclass(frozen=True)
class FrontProcess:
    settings: FrontSettings
    process: "subprocess.Popen[bytes]"
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.settings.port, timeout=DEADLINE)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """One request on a connection of its own."""
        connection = self.connect()
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def terminate(self) -> int:
        """SIGTERM, and its exit code."""
        self.process.terminate()
        return self.process.wait(DEADLINE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Poll until it holds; fail at the deadline."""
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {DEADLINE} s")
        time.sleep(0.01)


@contextmanager
def running_front(
    folder: Path, *, dsn: str, origin: str = "", run_folder: Path | None = None, **limits: Any
) -> Iterator[FrontProcess]:
    """Start it, wait until it answers, and end it. `limits`: other fields of FrontSettings."""
    port = urlsplit(origin).port or free_port()
    settings = FrontSettings(
        mode="demo",
        dsn=dsn,
        run_folder=run_folder or folder,
        origin=origin or f"http://localhost:{port}",
        spool_folder=folder / "spool",
        offline_file=folder / "offline-cards.json",
        port=port,
        **limits,
    )
    settings.spool_folder.mkdir()
    write_settings(settings, folder / "front.toml")
    log_file = folder / "front.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "rempart.front", "--config", str(folder / "front.toml")],
            stdout=log,
            stderr=log,
        )
    front = FrontProcess(settings, process, log_file)
    try:
        wait_until(lambda: _answers(front), "the front answers")
        yield front
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(front: FrontProcess) -> bool:
    assert front.process.poll() is None, front.log
    try:
        return front.ask("GET", "/health/live")[0].status == 200
    except ConnectionRefusedError:
        return False
