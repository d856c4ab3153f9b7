"""kill -9 at any write: the run goes on where it was, the bank gets the same bytes once, everybody is paid once."""

import base64
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rempart.claims.journal import check_balanced
from rempart.claims.settlement import OrderChanged, Progress, SettlementBusy, alone, settle
from tests.settlement.conftest import DEBTOR, Till

RUNNER = Path(__file__).with_name("killed_run.py")
PAID = """SELECT establishment::text, cents, end_to_end, state FROM claims.payment ORDER BY end_to_end"""
BOOKED = """SELECT kind, debit, credit, insurer, establishment::text, sum(cents)::bigint FROM claims.journal
            GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 4, 5"""
CALLED = "SELECT insurer, reference, cents FROM claims.call_for_funds ORDER BY insurer"


class Runs:
    """Runs of the settlement in processes of their own; see killed_run."""

    def __init__(self, till: Till) -> None:
        key = base64.b64encode(till.payer.key.private_bytes_raw()).decode()
        given = {
            "dsn": till.database.dsn("worker"),
            "key": key,
            "now": till.clock(),
            "debtor": DEBTOR,
            "batch": 4,
            "part": 4,
        }
        command = [sys.executable, str(RUNNER), json.dumps(given)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def one(self, outbox: Path, die_at: int) -> tuple[int, int]:
        """Its exit status, and the points it passed if it lived."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"outbox": str(outbox), "die_at": die_at}) + "\n")
        self.process.stdin.flush()
        status, points = self.process.stdout.readline().split()
        return int(status), int(points)


@pytest.fixture
def runs(till: Till) -> Iterator[Runs]:
    started = Runs(till)
    yield started
    started.process.communicate(timeout=10)


def state(till: Till) -> tuple[Any, ...]:
    return tuple(till.rows(query) for query in (PAID, BOOKED, CALLED))


AS_BEFORE = """
SET session_replication_role = replica;
UPDATE claims.due SET payment = NULL;
DELETE FROM claims.payment;
DELETE FROM claims.order_file;
DELETE FROM claims.call_for_funds;
DELETE FROM claims.run;
DELETE FROM claims.journal WHERE kind <> 'acceptance';
"""
"""As its superuser alone could: the journal refuses it to everybody else."""


def test_killed_at_every_write_the_run_pays_everybody_once(till: Till, runs: Runs, tmp_path: Path) -> None:
    till.fill(320)
    status, points = runs.one(tmp_path / "whole", 0)
    expected, files = state(till), read(tmp_path / "whole/bank")
    assert (status, len(expected[0]), len(files)) == (0, 8, 2)
    assert points > 60
    for die_at in range(1, points + 1):
        till.do(AS_BEFORE)
        outbox, taken = tmp_path / f"death-{die_at}", tmp_path / f"taken-{die_at}"
        assert runs.one(outbox, die_at)[0] == -signal.SIGKILL, die_at
        taken.mkdir()
        for name in read(outbox / "bank"):
            # The bank's courier takes what it finds, at once: it must never find it again.
            (outbox / "bank" / name).rename(taken / name)
        no_statement_before_its_order(till, taken)
        assert runs.one(outbox, 0)[0] == 0, die_at
        assert state(till) == expected, die_at
        assert sorted([*read(taken).items(), *read(outbox / "bank").items()]) == sorted(files.items()), die_at
        with till.worker() as worker:
            check_balanced(worker)


def read(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()} if folder.exists() else {}


def no_statement_before_its_order(till: Till, taken: Path) -> None:
    orders = b"".join(read(taken).values())
    for (statement,) in till.rows("SELECT statement FROM claims.payment WHERE statement IS NOT NULL"):
        assert statement.encode() in orders


def test_two_runs_at_once_are_one(till: Till) -> None:
    till.fill(40)
    with till.worker() as first, till.worker() as second:
        with alone(first), pytest.raises(SettlementBusy):
            settle(second, till.payer, till.clock)
        assert settle(second, till.payer, till.clock).payments == 1


def test_an_order_changed_on_disk_is_not_handed_over(till: Till, tmp_path: Path) -> None:
    till.fill(40)
    outbox = tmp_path / "outbox"

    class Stop(Exception):
        pass

    def stop_before_the_rename(progress: Progress) -> None:
        if progress.step == "recorded":
            raise Stop

    with till.worker() as c, pytest.raises(Stop):
        settle(c, till.payer, till.clock, stop_before_the_rename)
    (staged,) = (outbox / "staged").iterdir()
    staged.write_bytes(staged.read_bytes().replace(b"FR", b"DE"))
    with till.worker() as c, pytest.raises(OrderChanged):
        settle(c, till.payer, till.clock)
    assert till.files() == {}
    assert [file.name for file in (outbox / "staged").iterdir()] == [staged.name]
