"""A witness of one's own: a real process on a free port, its log in a file."""

import http.client
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rempart.cli.witness import begin_witness
from rempart.evidence.cosignature import WitnessKey
from tests.front.process import free_port, wait_until


@dataclass
class WitnessProcess:
    folder: Path
    key: WitnessKey
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def line(self) -> str:
        """As a vault's settings name it."""
        return f"{self.key.text()} http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def start(self) -> None:
        command = [sys.executable, "-m", "rempart.witness", "--config", str(self.folder / "witness.toml")]
        with (self.folder / "witness.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._answers, "the witness answers")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)
        self.process = None

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "witness.log").read_text()
        try:
            return self.ask("GET", "/health")[0].status == 200
        except OSError:
            return False


def make_witness(folder: Path, name: str, *logs: str) -> WitnessProcess:
    """Not started."""
    port = free_port()
    return WitnessProcess(
        folder, WitnessKey.parse(begin_witness(folder, name, logs, port, mode="demo")), port
    )


@contextmanager
def running_witness(folder: Path, name: str, *logs: str) -> Iterator[WitnessProcess]:
    witness = make_witness(folder, name, *logs)
    witness.start()
    try:
        yield witness
    finally:
        witness.stop()
