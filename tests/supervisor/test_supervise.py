"""The supervisor with real processes: order, restarts, drains, and nothing left behind."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from rempart.database.embedded import EmbeddedCluster
from rempart.foundation.clock import system_clock
from rempart.supervisor.errors import AlreadyRunning, BadFolder, NotReady
from rempart.supervisor.home import Home
from rempart.supervisor.state import PlatformState, read_state
from rempart.supervisor.supervise import Process, Supervisor
from tests.supervisor.children import Nursery


@pytest.fixture
def nursery(tmp_path: Path) -> Nursery:
    return Nursery(tmp_path)


def supervisor(nursery: Nursery, table: list[Process], **changes: object) -> Supervisor:
    given = {"database": None, "drain_seconds": 5.0, "ready_seconds": 10.0} | changes
    return Supervisor(table, nursery.folder / "state.json", system_clock, **given)


def state(nursery: Nursery) -> PlatformState:
    found = read_state(nursery.folder / "state.json")
    assert found is not None
    return found


async def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


def alive(pid: int | None) -> bool:
    assert pid is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_processes_start_in_order_and_drain_in_theirs(nursery):
    table = [nursery.child("vault", 3), nursery.child("front", 1), nursery.child("worker", 2)]
    running = supervisor(nursery, table)
    seen: list[PlatformState] = []

    def ready() -> None:
        seen.append(state(nursery))
        os.kill(os.getpid(), signal.SIGTERM)

    asyncio.run(running.run(ready))
    assert nursery.diary() == [
        "vault starts", "front starts", "worker starts",
        "front asked to stop", "worker asked to stop", "vault asked to stop",
    ]  # fmt: skip
    assert seen[0].condition == "ready"
    assert [(line.name, line.condition, line.pid) for line in seen[0].processes] == [
        (name, "ready", nursery.pid(name)) for name in ("vault", "front", "worker")
    ]
    assert state(nursery).condition == "stopped"
    assert not any(alive(line.pid) for line in seen[0].processes)


def test_a_process_that_is_killed_is_started_again_and_counted(nursery):
    running = supervisor(nursery, [nursery.child("vault", 2), nursery.child("front", 1)])

    async def story() -> None:
        task = asyncio.create_task(running.run(lambda: None))
        await until(lambda: nursery.pid("front") is not None)
        await until(lambda: state(nursery).condition == "ready")
        first, vault = nursery.pid("front"), nursery.pid("vault")
        os.kill(first, signal.SIGKILL)
        await until(lambda: nursery.pid("front") not in {None, first})
        await until(lambda: state(nursery).processes[1].condition == "ready")
        assert [line.restarts for line in state(nursery).processes] == [0, 1]
        assert state(nursery).processes[1].pid == nursery.pid("front")
        assert nursery.pid("vault") == vault
        running.stop()
        await task

    asyncio.run(story())


def test_half_a_platform_is_none(nursery):
    table = [nursery.child("vault", 3), nursery.child("front", 1, "ends"), nursery.child("worker", 2)]
    with pytest.raises(NotReady, match="front ended with 7: the disk is full"):
        asyncio.run(supervisor(nursery, table).run(lambda: pytest.fail("it said that it was ready")))
    assert nursery.diary() == ["vault starts", "vault asked to stop"]
    assert state(nursery).condition == "stopped"


def test_a_process_that_is_never_ready_stops_the_start(nursery):
    table = [nursery.child("vault", 1, "never ready")]
    with pytest.raises(NotReady, match="vault is not ready"):
        asyncio.run(supervisor(nursery, table, ready_seconds=0.5).run(lambda: None))


def test_a_process_that_does_not_drain_is_killed_in_bounded_time(nursery):
    running = supervisor(
        nursery, [nursery.child("vault", 2), nursery.child("front", 1, "stubborn")], drain_seconds=0.3
    )
    asyncio.run(running.run(running.stop))
    assert nursery.diary()[2:] == ["front asked to stop", "vault asked to stop"]
    assert not alive(nursery.pid("front"))


def test_asked_twice_it_does_not_wait(nursery):
    running = supervisor(nursery, [nursery.child("front", 1, "stubborn")], drain_seconds=60.0)

    def twice() -> None:
        running.stop()
        running.stop()

    started = time.monotonic()
    asyncio.run(running.run(twice))
    assert time.monotonic() - started < 30
    assert not alive(nursery.pid("front"))


def test_asked_to_stop_while_it_starts(nursery):
    running = supervisor(
        nursery, [nursery.child("vault", 1), nursery.child("front", 2, "never ready")], ready_seconds=60.0
    )

    async def story() -> None:
        task = asyncio.create_task(running.run(lambda: pytest.fail("it said that it was ready")))
        await until(lambda: (nursery.folder / "diary").exists() and "front starts" in nursery.diary())
        running.stop()
        await task

    asyncio.run(story())
    assert sorted(nursery.diary()[2:]) == ["front asked to stop", "vault asked to stop"]


def test_kill_9_of_the_database_brings_everything_back(nursery):
    cluster = EmbeddedCluster(nursery.folder / "pg", shared_buffers="16MB")
    cluster.start()
    running = supervisor(nursery, [nursery.child("vault", 2), nursery.child("front", 1)], database=cluster)

    async def story() -> None:
        task = asyncio.create_task(running.run(lambda: None))
        await until(lambda: (nursery.folder / "state.json").exists() and state(nursery).condition == "ready")
        vault = nursery.pid("vault")
        os.kill(cluster.pid, signal.SIGKILL)
        await until(lambda: nursery.pid("vault") not in {None, vault})
        await until(lambda: state(nursery).condition == "ready")
        assert (state(nursery).processes[0].name, state(nursery).processes[0].restarts) == ("database", 1)
        with psycopg.connect(cluster.superuser_dsn()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        running.stop()
        await task

    asyncio.run(story())
    assert cluster.pid is None


def test_one_supervisor_a_folder(tmp_path):
    home = Home.at(tmp_path / "var")
    home.prepare()
    assert not home.is_held()
    with home.held():
        assert home.is_held()
        with pytest.raises(AlreadyRunning), home.held():
            pass
    assert not home.is_held()


def test_folders_are_closed_again(tmp_path):
    home = Home.at(tmp_path / "var")
    home.prepare()
    home.secrets.chmod(0o755)
    home.prepare()
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in home.folder.iterdir()} == dict.fromkeys(
        ("secrets", "keys", "config", "run", "logs", "spool", "audit", "outbox"), "0o700"
    )


def test_a_folder_whose_sockets_could_not_be_named_is_refused(tmp_path):
    with pytest.raises(BadFolder, match="shorter"):
        Home.at(tmp_path / ("d" * 90))
