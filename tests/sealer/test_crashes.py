"""Kill −9 at each write: the old generation stays until the swap, the new one is whole after it, and a restart goes on from there."""

import json
import multiprocessing
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rempart.intake.model import Kind
from rempart.intake.package import open_package
from rempart.sealer import spool as spool_module
from rempart.sealer import store
from rempart.sealer.counting import SealingCount
from rempart.sealer.load import Workshop
from rempart.sealer.spool import Spool
from rempart.sealer.watch import Round
from rempart.sealer.workers import Access, Gang
from rempart.vault.keystore import FileKeyStore
from tests.sealer.conftest import Zone, delta, full, member
from tests.sealer.test_cards import asked_for, published, request

OLD = [member(n) for n in range(1, 41)]
NEW = [member(n) for n in range(2, 42)]


def die_at(
    write: int, access: Access, keys: FileKeyStore, folders: tuple[Path, Path], now: int, count: Path
) -> None:
    """A sealer that kills itself at its n-th write: a statement, a COPY's end, or a file's."""
    left = [write]

    def tick() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def before(kind: type, name: str) -> None:
        real = getattr(kind, name)

        def wrapped(*arguments: Any, **options: Any) -> Any:
            query = arguments[1] if name == "execute" else ""
            said = query if isinstance(query, str) else query.as_string()
            if not said.startswith(("SELECT", "SET")):
                tick()
            return real(*arguments, **options)

        setattr(kind, name, wrapped)

    for kind, name in (
        (psycopg.Cursor, "execute"), (psycopg.Cursor, "copy"), (Path, "rename"), (Path, "unlink"), (spool_module.os, "fsync"),
    ):  # fmt: skip
        before(kind, name)  # type: ignore[arg-type]
    with store.connect(access.dsn, "doomed") as connection:
        workshop = Workshop(
            mode="demo", origin="", clock=lambda: now, keys=keys, connection=connection,
            second=lambda: store.connect(access.dsn, "doomed-index"), gang=Gang(access, keys, 1),
            count=SealingCount(folders[1].with_name("keys"), keys.ring, lambda: now),
            cards_folder=folders[1].with_name("cards"),
        )  # fmt: skip
        rounds = Round(workshop, Spool(*folders), grace_seconds=0.0)
        rounds.begin()
        rounds.step()
    count.write_text(json.dumps(write - left[0]))


@pytest.fixture(scope="module")
def forkserver() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["tests.sealer.test_crashes", "tests.sealer.conftest", "rempart.sealer.watch"]
    )
    return context


def doomed(zone: Zone, forkserver: Any, write: int) -> int | None:
    """Let a sealer die at that write; None when it did, else how many writes it made."""
    count = zone.folder / "writes"
    count.unlink(missing_ok=True)
    access = zone.workshop.gang._access
    process = forkserver.Process(
        target=die_at,
        args=(write, access, zone.keys, (zone.spool.folder, zone.spool.own), zone.clock(), count),
    )
    process.start()
    process.join(60)
    if process.exitcode == 0:
        return int(json.loads(count.read_text()))
    assert process.exitcode == -signal.SIGKILL
    return None


@pytest.mark.parametrize("kind", [Kind.FULL, Kind.DELTA])
def test_kill_9_at_each_write_of_a_load(zone: Zone, forkserver: Any, kind: Kind) -> None:
    zone.load(full(*OLD))
    write, swapped, made = 0, 0, None
    before, after = OLD, NEW
    while made is None:
        write += 1
        sequence = write + 1
        (gone,), (came,) = set(before) - set(after), set(after) - set(before)
        content = full(*after) if kind is Kind.FULL else delta(gone.leaves(), came)
        delivery = zone.send(content, kind, sequence)
        made = doomed(zone, forkserver, write)
        # Whatever died: all of the old, or all of the new.
        seen = (bool(zone.look(gone)), bool(zone.look(came)), zone.insurer().sequence)
        assert seen in {(True, False, write), (False, True, sequence)}, f"write {write}"
        swapped += made is None and seen[2] == sequence
        # The next sealer goes on from there, once and only once.
        zone.rounds.begin()
        zone.rounds.step()
        assert zone.told(delivery)["state"] == "loaded", f"write {write}: {zone.told(delivery)}"
        assert zone.look(gone) is None
        assert zone.look(came)
        assert zone.look(after[1])
        assert (zone.insurer().sequence, zone.insurer().persons) == (sequence, 40)
        assert list(zone.spool.own.iterdir()) == []
        assert [path for path in zone.spool.folder.iterdir() if path.suffix in {".bin", ".json"}] == []
        zone.rounds.tidy()
        assert len(zone.tables()) == 1, f"write {write}"
        before, after = after, before
    assert write > 20, "every write was visited"
    assert swapped >= 2, "also the writes after the swap"


def test_kill_9_at_each_write_of_a_request_for_cards(zone: Zone, forkserver: Any) -> None:
    folder = zone.spool.own.with_name("cards")
    zone.rounds.workshop = replace(zone.workshop, cards_folder=folder)
    zone.load(full(member(1, card="1"), optional=("card",)))
    write, made = 0, None
    while made is None:
        write += 1
        zone.clock.advance(1_000_000)
        delivery = zone.send(request(asked_for(1)), Kind.CARDS)
        made = doomed(zone, forkserver, write)
        zone.rounds.begin()
        zone.rounds.step()
        assert zone.told(delivery)["state"] == "loaded", f"write {write}: {zone.told(delivery)}"
        # One whole package, and no half of one.
        (package,) = folder.iterdir()
        assert open_package(
            package,
            zone.folder / "z.zip",
            zone.insurers["99000001"].notice.private_bytes_raw(),
            published(zone),
        )
        package.unlink()
    assert write > 10, "every write was visited"


def test_a_file_that_kills_its_sealer_each_time_is_set_aside(zone: Zone, forkserver: Any) -> None:
    zone.load(full(*OLD))
    delivery = zone.send(full(*NEW), Kind.FULL, 2)
    assert doomed(zone, forkserver, 25) is None
    for attempt in range(1, 4):
        zone.owner.execute(
            "UPDATE intake.delivery SET state = 'checking', attempts = %s WHERE id = %s", (attempt, delivery)
        )
    zone.rounds.step()
    assert zone.told(delivery)["code"] == "tried-too-often"
    assert zone.look(OLD[0])


def test_nobody_sees_half_a_file_while_loads_go_on(zone: Zone) -> None:
    zone.load(full(*OLD))
    torn: list[object] = []
    looks = 0
    stop = threading.Event()

    def look() -> None:
        nonlocal looks
        statement = "SELECT generation FROM vault.insurer WHERE number = 1"
        with zone.database.connect("vault") as vault:
            while not stop.is_set():
                (generation,) = vault.execute(statement).fetchone() or (0,)
                try:
                    row = vault.execute(
                        f"SELECT count(*) FILTER (WHERE slot = 0) FROM capsule.i1_g{generation}"
                    ).fetchone()
                except psycopg.errors.UndefinedTable:
                    continue  # dropped after two more loads: the grace period is zero here
                looks += 1
                if row != (40,):
                    torn.append(row)

    looker = threading.Thread(target=look)
    looker.start()
    deadline = time.monotonic() + 20
    sequence = 1
    while (sequence < 8 or looks < 50) and time.monotonic() < deadline:
        sequence += 1
        lines = OLD if sequence % 2 else NEW
        content, kind = (
            (full(*lines), Kind.FULL) if sequence % 4 < 2 else (delta(*lines[:1], *OLD[5:9]), Kind.DELTA)
        )
        if kind is Kind.DELTA:
            gone, came = (OLD[0], NEW[-1]) if lines is NEW else (NEW[-1], OLD[0])
            content = delta(gone.leaves(), came)
        assert zone.load(content, kind, sequence)["state"] == "loaded"
    stop.set()
    looker.join()
    assert torn == []
    assert looks >= 50


def test_an_old_generation_still_read_is_dropped_later(zone: Zone) -> None:
    zone.load(full(*OLD))
    old = zone.tables()
    with zone.database.connect("vault") as vault, vault.transaction():
        vault.execute(f"SELECT 1 FROM capsule.{old[0]} LIMIT 1")
        assert zone.load(full(*NEW), sequence=2)["state"] == "loaded"
        assert set(old) < set(zone.tables())
    zone.rounds.tidy()
    assert not set(old) & set(zone.tables())
