"""Time to effect, in a platform of real processes: from the operator's word to the last answer that leaves."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rempart.cli.counter import Counter, DoorRefused
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import Done, ThrowSwitch
from tests.authenticator import expect
from tests.browser.platform import Platform, running_platform
from tests.conftest import Database, TestCluster
from tests.vault.test_attacks_on_disclosure import KNOWN


@pytest.fixture(scope="module")
def platform(cluster: TestCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    database = cluster.fresh_database()
    with running_platform(database, tmp_path_factory.mktemp("p")) as started:
        yield started
    cluster.drop(database)


@pytest.fixture
def counter(platform: Platform) -> Iterator[Counter]:
    _, code = platform.enrol(platform.enrol_pharmacy("Pharmacie du Rempart"))
    signed_in = Counter(platform.origin)
    signed_in.activate(code)
    yield signed_in
    signed_in.close()


class Robot(threading.Thread):
    """Asks for one person again and again, which costs nothing, until it is refused."""

    def __init__(self, counter: Counter) -> None:
        super().__init__()
        self.counter, self.told, self.refused = counter, 0, ""
        self.begun = threading.Event()
        self.ended = 0.0

    def run(self) -> None:
        try:
            while True:
                self.counter.check(KNOWN)
                self.told += 1
                self.begun.set()
        except DoorRefused as refused:
            self.refused, self.ended = refused.detail, time.monotonic()


async def contain(folder: Path, call: ThrowSwitch) -> Done:
    client = VaultClient(folder / "operator.sock")
    try:
        return expect(Done, await client.call(call))
    finally:
        await client.close()


def leaves(database: Database) -> int:
    with database.connect() as owner:
        row = owner.execute("SELECT size FROM evidence.log").fetchone()
    assert row is not None
    return int(row[0])


def test_a_robot_in_full_flight_is_held_within_a_second_of_the_decision(
    platform: Platform, counter: Counter
) -> None:
    robot = Robot(counter)
    robot.start()
    assert robot.begun.wait(10)
    decided = time.monotonic()
    asyncio.run(contain(platform.run_folder, ThrowSwitch("lane", "card", "exercise", True)))
    robot.join(10)
    assert robot.refused == "423"
    assert robot.ended - decided < 1
    # What it was told has its leaf, and at most one answer more, which did not leave.
    assert robot.told <= leaves(platform.database) <= robot.told + 1
