"""The processes: started in order, each once the one before is ready; restarted when they crash; drained in the reverse of their use.

Rules. At start, a process that ends or is not ready in time stops everything again: half a platform is none. Later, a process that ends is
started again, after a pause that doubles with each crash and is forgotten once it has run for a while. If the database ends, whatever
stands on it is drained, the database is started (which recovers it) and they follow. When asked to stop, each process in the drain order
may finish what it has in flight for a bounded time, then it is killed; the database is last. A second request to stop does not wait.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rempart.database.embedded import die_with_parent
from rempart.foundation.clock import Clock
from rempart.foundation.errors import RempartError
from rempart.supervisor.errors import NotReady
from rempart.supervisor.state import Condition, PlatformState, ProcessState, write_state

Probe = Callable[[], Awaitable[bool]]
"""Is the process ready? Raises nothing but `Outage`, which is no."""

FIRST_PAUSE, LONGEST_PAUSE, STABLE_SECONDS = 0.5, 30.0, 60.0
PROBE_SECONDS = 2.0
_LOG_LIMIT = 50 * 1024 * 1024
# Whatever else the starter's environment holds is not the processes' business.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "SOFTHSM2_CONF")
_log = logging.getLogger("rempart.supervisor")


class Database(Protocol):
    """The cluster that we run ourselves, if any."""

    @property
    def pid(self) -> int | None:
        """None when it does not run."""

    def start(self) -> None:
        """Returns when it answers."""

    def stop(self) -> None:
        """Returns when it has ended."""


@dataclass(frozen=True)
class Process:
    """A line of the process table. `drains`: place in the drain order, the lowest first. `before` runs before each start.

    `descriptors` are inherited: a drill's clock, nothing else.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    probe: Probe
    drains: int
    before: Callable[[], Awaitable[None]] | None = None
    descriptors: tuple[int, ...] = ()


@dataclass
class _Running:
    process: Process
    child: asyncio.subprocess.Process | None = None
    condition: Condition = "stopped"
    since: int = 0
    restarts: int = 0
    pause: float = FIRST_PAUSE
    started_at: float = 0.0
    task: "asyncio.Task[None] | None" = field(default=None, repr=False)


class Supervisor:
    """Runs a process table. Give it a started database, or none."""

    def __init__(
        self,
        table: Sequence[Process],
        state_file: Path,
        clock: Clock,
        *,
        database: Database | None,
        drain_seconds: float,
        ready_seconds: float,
    ) -> None:
        self._table = [_Running(process) for process in table]
        self._state_file, self._clock, self._database = state_file, clock, database
        self._drain_seconds, self._ready_seconds = drain_seconds, ready_seconds
        self._stop, self._hurry = asyncio.Event(), asyncio.Event()
        self._condition: Condition = "starting"
        self._since = clock()
        self._database_restarts = 0

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Start, say so, supervise until `stop` or a signal, drain. Raises `NotReady` when the start fails."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop)
        try:
            if not await self._start_all():
                return
            self._become("ready")
            on_ready()
            await self._supervise()
        finally:
            self._become("stopping")
            await self._drain_all()
            self._become("stopped")
            for name in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(name)

    def stop(self) -> None:
        """Ask for a drain; asked twice, for an end."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    # ── start ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _start_all(self) -> bool:
        for running in self._table:
            await self._spawn(running)
            if not await self._await_first_ready(running):
                return False
        return True

    async def _spawn(self, running: _Running) -> None:
        process = running.process
        if process.before is not None:
            await process.before()
        _rotate(process.log)
        with process.log.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which then drains in order.
            running.child = await asyncio.create_subprocess_exec(
                *die_with_parent(), *process.command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}, start_new_session=True,
                pass_fds=process.descriptors,
            )  # fmt: skip
        running.started_at = asyncio.get_running_loop().time()
        self._note(running, "starting")

    async def _await_first_ready(self, running: _Running) -> bool:
        """False when a stop was asked for meanwhile. Raises `NotReady`."""
        deadline = running.started_at + self._ready_seconds
        assert running.child is not None
        while not self._stop.is_set():
            if running.child.returncode is not None:
                raise NotReady(
                    f"{running.process.name} ended with {running.child.returncode}: {_last_words(running.process.log)}"
                )
            if await _is_ready(running.process):
                self._note(running, "ready")
                return True
            if asyncio.get_running_loop().time() > deadline:
                raise NotReady(
                    f"{running.process.name} is not ready after {self._ready_seconds:.0f} s; see {running.process.log}"
                )
            await asyncio.sleep(0.05)
        return False

    # ── supervise ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _supervise(self) -> None:
        while not self._stop.is_set():
            tasks = [asyncio.create_task(self._keep(running)) for running in self._table]
            tasks.append(asyncio.create_task(self._watch_database()))
            stopping = asyncio.create_task(self._stop.wait())
            # Nothing in here ends by itself but the watch, when the database does.
            done, _ = await asyncio.wait((*tasks, stopping), return_when=asyncio.FIRST_COMPLETED)
            for task in (*tasks, stopping):
                task.cancel()
            await asyncio.gather(*tasks, stopping, return_exceptions=True)
            for task in done - {stopping}:
                task.result()
            if not self._stop.is_set():
                await self._recover_database()

    async def _keep(self, running: _Running) -> None:
        while True:
            assert running.child is not None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(running.child.wait(), PROBE_SECONDS)
            if running.child.returncode is None:
                self._note(running, "ready" if await _is_ready(running.process) else "unready")
                continue
            if asyncio.get_running_loop().time() - running.started_at > STABLE_SECONDS:
                running.pause = FIRST_PAUSE
            running.restarts += 1
            _log.error("%s ended with %d", running.process.name, running.child.returncode)
            self._note(running, "restarting")
            await self._start_again(running)

    async def _start_again(self, running: _Running) -> None:
        while True:
            await asyncio.sleep(running.pause)
            running.pause = min(2 * running.pause, LONGEST_PAUSE)
            try:
                await self._spawn(running)
            except (RempartError, OSError) as error:
                # What it needs is not there yet: another process that is being started again, too.
                _log.error(
                    "%s cannot start: %s; next try in %.1f s",
                    running.process.name,
                    type(error).__name__,
                    running.pause,
                )
            else:
                return

    async def _watch_database(self) -> None:
        while self._database is None or self._database.pid is not None:  # noqa: ASYNC110 (a process table, nobody signals it)
            await asyncio.sleep(0.2)

    async def _recover_database(self) -> None:
        assert self._database is not None
        _log.error("the database ended: draining, then starting it again")
        self._database_restarts += 1
        self._become("restarting")
        await self._drain_processes()
        # On this thread, although it blocks: the kernel ties the server's life to the thread that starts it.
        self._database.start()
        if await self._start_all():
            self._become("ready")

    # ── drain ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _drain_all(self) -> None:
        await self._drain_processes()
        if self._database is not None:
            try:
                self._database.stop()
            except RempartError as error:
                _log.error("the database: %s", error)

    async def _drain_processes(self) -> None:
        for running in sorted(self._table, key=lambda line: line.process.drains):
            await self._drain(running)

    async def _drain(self, running: _Running) -> None:
        child = running.child
        if child is not None and child.returncode is None:
            self._note(running, "stopping")
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
            waiting, hurrying = asyncio.create_task(child.wait()), asyncio.create_task(self._hurry.wait())
            await asyncio.wait(
                (waiting, hurrying), timeout=self._drain_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            hurrying.cancel()
            if child.returncode is None:
                _log.error("%s did not finish in time: killed", running.process.name)
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
            await waiting
        running.child = None
        self._note(running, "stopped")

    # ── state ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _note(self, running: _Running, condition: Condition) -> None:
        if running.condition != condition:
            running.condition, running.since = condition, self._clock()
            _log.info("%s: %s", running.process.name, condition)
        self._write()

    def _become(self, condition: Condition) -> None:
        self._condition, self._since = condition, self._clock()
        self._write()

    def _write(self) -> None:
        processes = []
        if self._database is not None:
            pid = self._database.pid
            processes.append(
                ProcessState(
                    "database", "ready" if pid else "stopped", pid, self._since, self._database_restarts
                )
            )
        for line in self._table:
            pid = line.child.pid if line.child is not None and line.child.returncode is None else None
            processes.append(ProcessState(line.process.name, line.condition, pid, line.since, line.restarts))
        write_state(PlatformState(os.getpid(), self._condition, self._since, processes), self._state_file)


async def _is_ready(process: Process) -> bool:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return await process.probe()
    except (RempartError, OSError, TimeoutError):
        return False


def _rotate(log: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))


def _last_words(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 600))
        return file.read().decode(errors="replace").strip()
