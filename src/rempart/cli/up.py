"""`rempart up`, `status` and `down`: the platform on this machine."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from rempart.cli import local_witnesses
from rempart.foundation.clock import SECOND, in_paris, system_clock
from rempart.foundation.clockline import read_clock
from rempart.foundation.errors import Outage
from rempart.foundation.logs import configure_logs
from rempart.foundation.settings import DeskSettings, FrontSettings, SupervisorSettings, load_settings
from rempart.supervisor.errors import NotRunning
from rempart.supervisor.home import Home
from rempart.supervisor.provision import (
    make_key_store,
    name_verifier_key,
    open_cluster,
    provision,
    read_supervisor_settings,
)
from rempart.supervisor.state import PlatformState, read_state
from rempart.supervisor.supervise import Probe, Process, Supervisor

if TYPE_CHECKING:
    from rempart.vaultdoor.messages import Healthy

Folder = Annotated[Path, typer.Option("--folder", help="the platform's folder")]
VAR = Path("var")
WITNESS_LATE = 60 * SECOND
ALIVE_SECONDS = 15.0
"""Worker and sentinel, which have no socket, touch a file every few seconds; this old, they are taken for dead."""


def up(
    folder: Folder = VAR,
    port: Annotated[int, typer.Option(help="the front's port; 0: as in supervisor.toml")] = 0,
    clock_fd: Annotated[int | None, typer.Option("--clock-fd", hidden=True)] = None,
    without: Annotated[list[str] | None, typer.Option("--without", hidden=True)] = None,
) -> None:
    """Provision on the first start, then run every process of the platform until SIGTERM or Ctrl-C, which drains them."""
    # The two hidden options are a drill's: the descriptor of its clock, and the processes that it does without.
    configure_logs("supervisor")
    home = Home.at(folder)
    home.prepare()
    settings = read_supervisor_settings(home)
    if port:
        settings = _on_port(settings, port)
    read_clock(clock_fd, settings.mode)
    with home.held():
        cluster = open_cluster(home, settings)
        try:
            if cluster is not None:
                cluster.start()
            # A drill that does without witnesses has none named to its vault either.
            local = [] if "witnesses" in (without or ()) else local_witnesses.prepare(home, settings)
            provision(home, local_witnesses.named(settings, local), cluster, system_clock)
            make_key_store(home)
            local_witnesses.let_them_trust(home, settings, local)
            table = [line for line in process_table(home) if line.name not in (without or ())]
            supervisor = Supervisor(
                [with_clock(line, clock_fd) for line in table], home.state, system_clock, database=cluster,
                drain_seconds=settings.drain_seconds, ready_seconds=settings.ready_seconds,
            )  # fmt: skip
            asyncio.run(supervisor.run(lambda: print(f"Rempart is ready: {settings.origin}", flush=True)))
        finally:
            if cluster is not None:
                cluster.stop()


def status(
    folder: Folder = VAR, as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False
) -> None:
    """Each process's state, pid and health. Exit code 0 when all is ready, 3 when nothing runs, else 1."""
    home = Home.at(folder)
    running = home.is_held()
    state = read_state(home.state)
    health = asyncio.run(_ask_health(home)) if running else {}
    audit, ledger = _last_audit(home), asyncio.run(_ask_ledger(home)) if running else None
    sound = audit is None or bool(audit.get("sound"))
    ready = running and state is not None and state.condition == "ready" and all(health.values()) and sound
    ready = ready and not (ledger is not None and (ledger.restored or ledger.operations))
    if as_json:
        told = msgspec.to_builtins(state) if state is not None and running else {"processes": []}
        print(
            json.dumps(
                {
                    "running": running,
                    "ready": ready,
                    **told,
                    "health": health,
                    "audit": audit,
                    "ledger": _told(ledger),
                },
                indent=2,
            )
        )
    elif running and state is not None:
        _print_status(state, health, audit)
        _print_witnesses(ledger)
    else:
        print(f"Rempart does not run in {home.folder}.")
    raise typer.Exit(0 if ready else 1 if running else 3)


def down(
    folder: Folder = VAR, seconds: Annotated[float, typer.Option(help="how long to wait for the end")] = 90.0
) -> None:
    """Ask the platform in this folder to drain and stop; wait until it has."""
    home = Home.at(folder)
    state = read_state(home.state)
    if state is None or not home.is_held():
        raise NotRunning(str(home.folder))
    os.kill(state.supervisor, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while home.is_held():
        if time.monotonic() > deadline:
            print("It is still draining.", file=sys.stderr)
            raise typer.Exit(1)
        time.sleep(0.1)


def process_table(home: Home) -> list[Process]:
    """The platform's processes in the order of their start. The front drains first, the vault last, then whoever watches it."""
    return [
        *(_witness(home, name) for name in local_witnesses.names(home)),
        _process(home, "vault", drains=4, probe=_answers_health(home.run / "probe.sock")),
        _process(home, "sealer", drains=3, probe=_sealer_is_ready(home)),
        _process(home, "cashier", drains=2, probe=_answers_health(home.run / "claims-probe.sock")),
        _process(home, "front", drains=1, probe=_front_is_ready(home)),
        _process(home, "worker", drains=2, probe=_is_alive(home, "worker"), before=_before_worker(home)),
        _process(
            home, "sentinel", drains=3, probe=_is_alive(home, "sentinel"), before=_before_sentinel(home)
        ),
        *_desk(home),
    ]


def with_clock(process: Process, descriptor: int | None) -> Process:
    """The same process, reading the clock behind this descriptor; None: the machine's."""
    if descriptor is None:
        return process
    command = (*process.command, "--clock-fd", str(descriptor))
    return replace(process, command=command, descriptors=(descriptor,))


def _process(
    home: Home, name: str, *, drains: int, probe: Probe, before: Callable[[], Awaitable[None]] | None = None
) -> Process:
    command = (sys.executable, "-m", f"rempart.{name}", "--config", str(home.config_file(name)))
    return Process(name, command, home.log_file(name), probe, drains, before)


def _desk(home: Home) -> list[Process]:
    """The operator's own door, where one is configured."""
    file = home.config_file("desk")
    return [_process(home, "desk", drains=1, probe=_desk_is_ready(home))] if file.exists() else []


def _witness(home: Home, name: str) -> Process:
    command = (sys.executable, "-m", "rempart.witness", "--config", str(home.config_file(name)))
    return Process(name, command, home.log_file(name), local_witnesses.answers(home, name), drains=5)


def _answers_health(socket: Path) -> Probe:
    from rempart.vaultdoor.client import VaultClient
    from rempart.vaultdoor.messages import Health, Healthy

    async def probe() -> bool:
        client = VaultClient(socket, timeout=2.0)
        try:
            reply = await client.call(Health())
        finally:
            await client.close()
        return isinstance(reply, Healthy) and reply.ready

    return probe


def _front_is_ready(home: Home) -> Probe:
    return _says_ready(lambda: load_settings(FrontSettings, home.config_file("front")))


def _desk_is_ready(home: Home) -> Probe:
    return _says_ready(lambda: load_settings(DeskSettings, home.config_file("desk")))


def _says_ready(read: Callable[[], FrontSettings | DeskSettings]) -> Probe:
    async def probe() -> bool:
        settings = read()
        reader, writer = await asyncio.open_connection(settings.host, settings.port)
        try:
            writer.write(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return (await reader.readline()).split(b" ")[1:2] == [b"200"]
        finally:
            writer.close()

    return probe


def _sealer_is_ready(home: Home) -> Probe:
    async def probe() -> bool:
        reader, writer = await asyncio.open_unix_connection(str(home.run / "sealer.sock"))
        try:
            return await reader.readline() == b'{"ready": true}\n'
        finally:
            writer.close()

    return probe


def _is_alive(home: Home, name: str) -> Probe:
    async def probe() -> bool:
        return time.time() - (home.run / f"{name}.alive").stat().st_mtime < ALIVE_SECONDS

    return probe


def _before_sentinel(home: Home) -> Callable[[], Awaitable[None]]:
    """The sign of life of one that was killed goes."""

    async def prepare() -> None:
        (home.run / "sentinel.alive").unlink(missing_ok=True)

    return prepare


def _before_worker(home: Home) -> Callable[[], Awaitable[None]]:
    """The sign of life of a worker that was killed goes; the vault says with which key it signs the ledger."""
    from rempart.vaultdoor.client import VaultClient
    from rempart.vaultdoor.messages import Checkpoint, SignedCheckpoint

    async def prepare() -> None:
        (home.run / "worker.alive").unlink(missing_ok=True)
        client = VaultClient(home.run / "operator.sock", timeout=5.0)
        try:
            reply = await client.call(Checkpoint())
        finally:
            await client.close()
        if isinstance(reply, SignedCheckpoint) and reply.verifier_key:
            name_verifier_key(home, reply.verifier_key)

    return prepare


async def _ask_health(home: Home) -> dict[str, bool]:
    async def ask(process: Process) -> bool:
        try:
            async with asyncio.timeout(3):
                return await process.probe()
        except Exception:  # noqa: BLE001 (whatever it is, the answer is no)
            return False

    table = process_table(home)
    return dict(zip((process.name for process in table), await asyncio.gather(*map(ask, table)), strict=True))


async def _ask_ledger(home: Home) -> "Healthy | None":
    """What the vault says of its ledger and its witnesses; None when it does not answer."""
    from rempart.vaultdoor.client import VaultClient
    from rempart.vaultdoor.messages import Health, Healthy

    client = VaultClient(home.run / "operator.sock", timeout=3.0)
    try:
        reply = await client.call(Health())
    except Outage:
        return None
    finally:
        await client.close()
    return reply if isinstance(reply, Healthy) else None


def _told(ledger: "Healthy | None") -> dict[str, object] | None:
    if ledger is None:
        return None
    witnesses = [msgspec.structs.asdict(each) for each in ledger.witnesses]
    return {
        "size": ledger.ledger_size,
        "heard": ledger.heard,
        "restored": ledger.restored,
        "operations": ledger.operations,
        "witnesses": witnesses,
    }


def _print_witnesses(ledger: "Healthy | None") -> None:
    if ledger is None:
        return
    console = Console()
    for each in ledger.witnesses:
        behind = f"{each.age / SECOND:.0f} s behind" if each.age else "level"
        loud = "LATE: " if each.age > WITNESS_LATE else ""
        console.print(
            f"witness {each.name}: {loud}{behind}, {max(each.size, 0)} leaves {each.trouble}".rstrip()
        )
    if not ledger.heard:
        console.print("NO WITNESS HAS ANSWERED: nothing is disclosed until one does")
    if ledger.operations:
        console.print(
            f"OPERATIONS THAT THE LEDGER DOES NOT KNOW: {ledger.operations} (rempart evidence operations)"
        )
    if ledger.restored:
        console.print(
            "THE LEDGER IS NOT WHAT ITS WITNESSES SAW: closed until two people release it (docs/ledger.md)"
        )


def _last_audit(home: Home) -> dict[str, object] | None:
    try:
        found = json.loads((home.audit / "last.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _print_status(state: PlatformState, health: dict[str, bool], audit: dict[str, object] | None) -> None:
    table = Table("process", "state", "pid", "since", "crashes", "healthy")
    table.add_row("supervisor", state.condition, str(state.supervisor), _when(state.since), "", "")
    for line in state.processes:
        healthy = {True: "yes", False: "no", None: ""}[health.get(line.name)]
        table.add_row(
            line.name, line.condition, str(line.pid or ""), _when(line.since), str(line.restarts), healthy
        )
    console = Console()
    console.print(table)
    if audit is not None:
        told = "sound" if audit.get("sound") else f"NOT SOUND: {audit.get('error')}"
        console.print(
            f"ledger: {told}, {audit.get('size')} leaves, audited {_when(int(str(audit.get('at', 0))))}"
        )


def _when(micros: int) -> str:
    return in_paris(micros) if micros else "not yet"


def _on_port(settings: SupervisorSettings, port: int) -> SupervisorSettings:
    default = SupervisorSettings(mode="demo")
    origin = f"http://localhost:{port}" if settings.origin == default.origin else settings.origin
    moved = replace(settings, port=port, origin=origin)
    if settings.desk_origin != default.desk_origin or settings.desk_port != default.desk_port:
        return moved
    return replace(moved, desk_port=port + 10, desk_origin=f"http://desk.localhost:{port + 10}")
