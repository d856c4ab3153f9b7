"""A demonstration's own witnesses: processes beside the platform, so that the whole chain is played. They prove nothing to anybody:
whoever has this machine has them too. Production names witnesses that others run.
"""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rempart.cli.witness import begin_witness
from rempart.evidence.cosignature import WitnessKey
from rempart.evidence.keyfile import read_witness_key
from rempart.foundation.settings import (
    DEVELOPMENT_MARKER,
    SupervisorSettings,
    WitnessSettings,
    load_settings,
    write_settings,
)
from rempart.supervisor.errors import ProvisioningFailed
from rempart.supervisor.home import Home
from rempart.supervisor.supervise import Probe

_SECONDS = 60


@dataclass(frozen=True)
class LocalWitness:
    """One of them: its process's name, its folder, its key, the port of this start."""

    name: str
    folder: Path
    key: WitnessKey
    port: int


def prepare(home: Home, settings: SupervisorSettings) -> list[LocalWitness]:
    """Make those that are missing; none in production. Their settings files of former starts go."""
    for file in home.config.glob("witness-*.toml"):
        file.unlink()
    count = settings.local_witnesses if settings.mode == "demo" else 0
    return [_prepare(home, number) for number in range(1, count + 1)]


def named(settings: SupervisorSettings, local: Sequence[LocalWitness]) -> SupervisorSettings:
    """The settings, with these among the vault's witnesses."""
    lines = (f"{each.key.text()} http://127.0.0.1:{each.port}" for each in local)
    return replace(settings, witnesses=(*settings.witnesses, *lines))


def let_them_trust(home: Home, settings: SupervisorSettings, local: Sequence[LocalWitness]) -> None:
    """Tell each the ledger's key, which the vault alone knows; write its settings for this start."""
    if not local:
        return
    log = _log_key(home, settings.log_origin)
    for each in local:
        key_file, state_file = each.folder / "witness.key", each.folder / "state.json"
        write_settings(
            WitnessSettings("demo", key_file, state_file, (log,), port=each.port), home.config_file(each.name)
        )


def names(home: Home) -> list[str]:
    """The processes of this start."""
    return sorted(file.stem for file in home.config.glob("witness-*.toml"))


def answers(home: Home, name: str) -> Probe:
    """Does it answer?"""

    async def probe() -> bool:
        settings = load_settings(WitnessSettings, home.config_file(name))
        reader, writer = await asyncio.open_connection(settings.host, settings.port)
        try:
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return (await reader.readline()).split(b" ")[1:2] == [b"200"]
        finally:
            writer.close()

    return probe


def _prepare(home: Home, number: int) -> LocalWitness:
    name = f"witness-{number}"
    folder, port = home.folder / name, _free_port()
    if not (folder / "witness.key").exists():
        begin_witness(folder, f"{name}.rempart.example", (), port, mode="demo", remark=DEVELOPMENT_MARKER)
    return LocalWitness(name, folder, read_witness_key(folder / "witness.key").key(), port)


def _log_key(home: Home, origin: str) -> str:
    pinned = home.audit / "ledger.vkey"
    known = pinned.read_text().strip() if pinned.exists() else ""
    if known.startswith(f"{origin}+"):
        return known
    command = [sys.executable, "-m", "rempart.vault", "log-key", "--config", str(home.config_file("vault"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode != 0:
        raise ProvisioningFailed(f"the ledger's key: {done.stderr.strip()[-400:]}")
    return done.stdout.strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
