"""The claims' daily work, as the worker does it: at its hour, on the banks' days, letters to the former contact too."""

import base64
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from rempart.claims.target import is_target_day, next_target_day
from rempart.foundation.clock import DAY, HOUR, PARIS, SECOND, paris_date
from rempart.foundation.settings import WorkerSettings
from rempart.worker import money
from tests.conftest import Database, TestClock
from tests.settlement.conftest import DEBTOR
from tests.settlement.filling import fill


@pytest.fixture
def settings(database: Database, tmp_path: Path, clock: TestClock) -> WorkerSettings:
    key = X25519PrivateKey.generate()
    file = tmp_path / "settlement.key"
    file.write_text(base64.b64encode(key.private_bytes_raw()).decode() + "\n")
    with database.connect() as owner:
        fill(owner, 80, key.public_key(), clock())
    return WorkerSettings(
        mode="demo", dsn=database.dsn("worker"), run_folder=tmp_path, state_folder=tmp_path, log_origin="rempart.example/ledger",
        settlement_key=file, outbox_folder=tmp_path / "outbox", debtor_name="REMPART", debtor_iban=DEBTOR,
    )  # fmt: skip


def at(clock: TestClock, *moment: int) -> None:
    clock.now = int(datetime(*moment, tzinfo=PARIS).timestamp()) * SECOND


def runs(database: Database) -> list[str]:
    with database.connect() as owner:
        return [str(row[0]) for row in owner.execute("SELECT day FROM claims.run ORDER BY day")]


def test_the_day_is_settled_once_from_its_hour_on_and_not_on_a_sunday(
    settings: WorkerSettings, database: Database, clock: TestClock
) -> None:
    for moment in ((2026, 1, 11, 9), (2026, 1, 12, 5), (2026, 1, 12, 6), (2026, 1, 12, 18)):
        at(clock, *moment)
        money.settle_when_due(settings, clock)
        assert runs(database) == ([] if moment < (2026, 1, 12, 6) else ["2026-01-12"])


def test_a_worker_without_the_settlement_key_settles_nothing(
    settings: WorkerSettings, database: Database, clock: TestClock
) -> None:
    at(clock, 2026, 1, 12, 9)
    money.settle_when_due(replace(settings, settlement_key=None), clock)
    assert runs(database) == []


def test_a_run_cut_short_goes_on_before_the_hour(
    settings: WorkerSettings, database: Database, clock: TestClock
) -> None:
    at(clock, 2026, 1, 12, 9)
    with database.connect("worker") as c:
        c.execute(
            "INSERT INTO claims.run (id, day, state, opened, until_due, until_journal)"
            " VALUES (gen_random_uuid(), '2026-01-12', 'netting', %s, 100, 100)",
            (clock(),),
        )
    at(clock, 2026, 1, 13, 2)
    money.settle_when_due(settings, clock)
    with database.connect() as owner:
        states = owner.execute("SELECT day::text, state, payments FROM claims.run ORDER BY day").fetchall()
    assert states == [("2026-01-12", "ordered", 2)]


def test_the_former_contact_hears_of_the_rib_that_follows(
    settings: WorkerSettings, database: Database, clock: TestClock, tmp_path: Path
) -> None:
    with database.connect() as owner:
        row = owner.execute("SELECT id FROM identity.establishment LIMIT 1").fetchone()
        assert row is not None
    with database.connect("operator") as operator:
        operator.execute(
            "INSERT INTO identity.contact VALUES (%(e)s, 'ancienne@pharmacie.example', 1, %(then)s),"
            " (%(e)s, 'nouvelle@pharmacie.example', %(then)s, NULL),"
            " (%(e)s, 'oubliee@pharmacie.example', 0, 1)",
            {"e": row[0], "then": clock() - HOUR},
        )
    facts = {
        "rib-asked": {"asked": clock(), "effective": clock() + 2 * DAY, "needs_second": True},
        "rib-cancelled": {"asked": clock(), "effective": clock() + 2 * DAY},
        "indu": {"invoice": "F1", "cents": 1250, "care_date": "2026-01-05", "amc": "99000001", "not_before": "2026-02-05"},
        "payment-rejected": {"statement": "RP20260105-000001", "cents": 900, "reason": "AC04", "rib_refused": True},
    }  # fmt: skip
    with database.connect() as owner:
        for kind, told in facts.items():
            owner.execute(
                "INSERT INTO claims.letter (id, establishment, kind, at, facts) VALUES (gen_random_uuid(), %s, %s, %s, %s)",
                (row[0], kind, clock(), json.dumps(told)),
            )
    for _ in range(2):
        money.write_waiting_letters(settings, clock)
    letters = sorted((tmp_path / "outbox/letters").glob("*.json"))
    assert sorted(json.loads(file.read_text())["kind"] for file in letters) == sorted(facts)
    for file in letters:
        assert json.loads(file.read_text())["to"] == [
            "nouvelle@pharmacie.example",
            "ancienne@pharmacie.example",
        ]
        assert file.with_suffix(".pdf").read_bytes().startswith(b"%PDF-")


def test_what_time_ends_and_yesterdays_flows_run_as_the_workers_role(
    settings: WorkerSettings, database: Database, clock: TestClock
) -> None:
    clock.advance(DAY)
    money.end_what_has_had_its_time(settings, clock)
    for _ in range(2):
        money.make_yesterdays_flows(settings, clock)
    with database.connect() as owner:
        made = owner.execute("SELECT day, count(*) FROM claims.flow GROUP BY day").fetchall()
    assert made == [(paris_date(clock() - DAY), 84)]


@pytest.mark.parametrize(
    ("day", "open_"),
    [
     ("2026-04-03", False), ("2026-04-06", False), ("2026-05-01", False), ("2026-05-14", True), ("2026-12-25", False),
     ("2027-03-26", False), ("2026-11-21", False), ("2026-11-24", True)],
)  # fmt: skip
def test_banks_settle_on_targets_days(day: str, open_: bool) -> None:
    wanted = datetime.fromisoformat(day).date()
    assert is_target_day(wanted) is open_
    assert is_target_day(next_target_day(wanted, 2))
