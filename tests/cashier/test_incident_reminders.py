"""Packages that nobody acknowledged: recalled by the worker, once in its time, under its own name; replaced ones do not stay for ever."""

import asyncio
import logging
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psycopg
import pytest

from rempart.claims.expiry import forget_acknowledged
from rempart.claims.messages import (
    KEPT,
    AcknowledgeBody,
    FilePartBody,
    IncidentPage,
    IncidentView,
    PageBody,
)
from rempart.foundation.clock import DAY, HOUR, SECOND
from rempart.foundation.errors import Outage
from rempart.foundation.settings import WorkerSettings
from rempart.foundation.vocabulary import Domain, Lane
from rempart.incident import store_case as store
from rempart.incident.case import Verb
from rempart.incident.exposure import Exposed, Question, Scope, Told
from rempart.incident.handing_over import plan, send
from rempart.incident.notices.errors import BadTemplate
from rempart.incident.notices.rendering import Telling
from rempart.incident.notices.templates import Templates
from rempart.incident.reminding import due, recall
from rempart.vault.incidents import MOST_RECALLED, WORKER
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import Done, Paper, Recall, Refused, Stated, StatePackage, TellInsurer
from rempart.worker.incidents import ACTOR, recall_packages
from tests.authenticator import expect
from tests.cashier.clerks import clerk
from tests.cashier.conftest import Insurer, Professional, Trade

PAGE = "/claims/insurer/incidents"


@dataclass
class Waiting:
    """An incident of which two insurers have a package; the first has people here, the second has none."""

    trade: Trade
    number: int
    one: Insurer
    silent: Insurer
    people: Professional
    settings: WorkerSettings

    def hand_over(self, persons: int = 1) -> None:
        """A new issue for each, once more persons are known."""
        now, thief = self.trade.clock(), uuid.uuid4()
        told = (Told(0, now, Lane.CARD, Domain.PHAR.code, 1, thief, thief, thief, uuid.UUID(int=0)),)
        exposed = tuple(
            Exposed(insurer.number, uuid.uuid4(), b"", 1, told)
            for insurer in (self.one, self.silent)
            for _ in range(persons)
        )
        scope = Scope(Question(now - DAY, now + 1, devices=frozenset({thief})), 1, exposed, 0)
        with self.trade.database.connect("operator") as c:
            incident, insurers = store.read_incident(c, self.number), store.insurers(c)
            telling = Telling.of(incident, scope, insurers, "Rempart essai", now, Templates.read())
            for planned in plan(telling, store.handed_over(c, self.number)):
                assert send(c, telling, planned, self.sign, self.trade.clock, "essai") is not None

    def sign(self, said: object) -> str:
        return expect(Stated, self.trade.operate(StatePackage(said))).statement  # type: ignore[arg-type]

    def work(self) -> None:
        """The worker's hourly job, beside the vault that it asks."""
        self.trade.runner.run(asyncio.to_thread(recall_packages, self.settings, self.trade.clock))

    def ask(self, incident: int) -> Done | Refused:
        """What the worker asks of the vault, by itself."""

        async def once() -> Done | Refused:
            client = VaultClient(self.settings.run_folder / "worker.sock")
            try:
                reply = await client.call(Recall(self.one.amc, incident))
            finally:
                await client.close()
            assert isinstance(reply, Done | Refused)
            return reply

        return self.trade.runner.run(once())

    def notices(self) -> int:
        """How many the people of the first insurer have been sent."""
        query = (
            "SELECT count(*) FROM vault.notice n JOIN vault.account a ON a.id = n.account"
            " WHERE n.kind = 'incident:remind' AND a.login = %s"
        )
        return int(self.trade.rows(query, self.people.login)[0][0])

    def reminders(self) -> list[tuple[str, str]]:
        """Who, for which insurer, in the incident's journal."""
        with self.trade.database.connect("operator") as c:
            return [(act.actor, act.key) for act in store.acts(c, self.number) if act.verb is Verb.REMIND]

    def due(self) -> list[str]:
        with self.trade.database.connect("operator") as c:
            return [package.amc for package in due(c, self.number, 24, self.trade.clock())]

    def listed(self) -> list[IncidentView]:
        """The first insurer's, of this incident, by issue."""
        items = self.people.ask(IncidentPage, PAGE, PageBody()).items
        return sorted((each for each in items if each.incident == self.number), key=lambda each: each.issue)

    def acknowledge(self, package: IncidentView) -> None:
        self.people.step_up()
        self.people.ask(IncidentView, f"{PAGE}/acknowledge", AcknowledgeBody(package.id, package.digest))

    def parts(self) -> list[int]:
        """How many parts of each issue of the first insurer are kept."""
        query = (
            "SELECT (SELECT count(*) FROM incident.package_part WHERE package = p.id) FROM incident.package p"
            " WHERE p.incident = %s AND p.insurer = %s ORDER BY p.issue"
        )
        return [int(row[0]) for row in self.trade.rows(query, self.number, self.one.number)]


@pytest.fixture
def waiting(trade: Trade, tmp_path: Path) -> Iterator[Waiting]:
    one, silent = trade.insurer(), trade.insurer()
    people = clerk(trade, one)
    with trade.database.connect("operator") as c:
        number = store.open_incident(c, trade.clock(), "essai", "Session volée", trade.clock())
    settings = WorkerSettings(
        mode="demo", dsn=trade.database.dsn("worker"), run_folder=trade.cashier.settings.run_folder, state_folder=tmp_path,
        log_origin="x",
    )  # fmt: skip
    made = Waiting(trade, number, one, silent, people, settings)
    made.hand_over()
    yield made
    # The next test's worker has nothing of this one to say.
    with trade.database.connect() as owner:
        owner.execute(
            "UPDATE incident.package SET acknowledged = %s WHERE acknowledged IS NULL", (trade.clock(),)
        )
        owner.execute(
            "INSERT INTO incident.act SELECT i.id, 1000 + row_number() OVER (), 0, 'essai', 'waive', d, 'essai'"
            " FROM incident.incident i, unnest(%s::text[]) d WHERE i.id = %s",
            ([duty.key for duty in Templates.read().clocks.duty], number),
        )


def test_the_worker_recalls_once_in_its_time_and_again_a_day_later(
    waiting: Waiting, caplog: pytest.LogCaptureFixture
) -> None:
    waiting.trade.clock.advance(23 * HOUR)
    waiting.work()
    assert (waiting.notices(), waiting.reminders()) == (0, [])
    waiting.trade.clock.advance(HOUR)
    caplog.clear()
    waiting.work()
    assert waiting.notices() == 1
    assert waiting.reminders() == [(ACTOR, str(waiting.one.number))]
    assert f"package 1 of {waiting.one.amc} recalled" in caplog.text
    # The second has nobody to tell: it is said every hour, and stays due.
    assert f"{waiting.silent.amc} has no seat to tell" in caplog.text
    assert waiting.due() == [waiting.silent.amc]
    for _ in range(3):
        waiting.trade.clock.advance(HOUR)
        caplog.clear()
        waiting.work()
        assert waiting.notices() == 1
        # Recalled and still there: an error, not a remark.
        loud = [line.getMessage() for line in caplog.records if line.levelno >= logging.ERROR]
        assert any(f"package 1 of {waiting.one.amc} not acknowledged" in line for line in loud)
    waiting.trade.clock.advance(21 * HOUR)
    waiting.work()
    assert waiting.notices() == 2
    journal = waiting.trade.rows(
        "SELECT actor FROM vault.journal WHERE act = 'incident:remind' AND object = %s", waiting.one.amc
    )
    assert journal == [(WORKER,), (WORKER,)]


def test_what_is_acknowledged_is_recalled_by_nobody(
    waiting: Waiting, caplog: pytest.LogCaptureFixture
) -> None:
    waiting.acknowledge(waiting.listed()[0])
    waiting.trade.clock.advance(30 * HOUR)
    waiting.work()
    assert waiting.notices() == 0
    assert f"of {waiting.one.amc}" not in caplog.text


def test_command_and_worker_at_once_tell_nobody_twice(waiting: Waiting) -> None:
    """The worker waits for the command's lock, then reads anew what is due."""
    trade = waiting.trade
    trade.clock.advance(25 * HOUR)
    with trade.database.connect("operator") as c, ThreadPoolExecutor(1) as aside:
        with c.transaction():
            store.hold(c, waiting.number)
            working = aside.submit(waiting.work)
            with trade.database.connect() as owner:
                while not owner.execute(
                    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                ).fetchone():
                    assert not working.done()
            for insurer in (waiting.one, waiting.silent):
                store.add_act(
                    c, waiting.number, trade.clock(), "essai", Verb.REMIND, str(insurer.number), "1"
                )
        working.result(timeout=20)
    assert waiting.notices() == 0
    assert waiting.reminders() == [("essai", str(waiting.one.number)), ("essai", str(waiting.silent.number))]


def test_told_and_killed_before_it_is_noted_the_next_turn_notes_it_and_tells_nobody_again(
    waiting: Waiting,
) -> None:
    """Within the hour the vault has told them already, whatever the worker remembers."""
    trade = waiting.trade
    trade.clock.advance(25 * HOUR)

    # Taken over, the worker can ask as often as it likes.
    for _ in range(5):
        expect(Done, waiting.ask(waiting.number))
    assert waiting.notices() == 1
    waiting.work()
    assert waiting.notices() == 1
    assert waiting.reminders() == [(ACTOR, str(waiting.one.number))]


def test_a_worker_taken_over_does_not_drown_an_insurer_in_reminders_of_incidents_that_never_were(
    waiting: Waiting,
) -> None:
    waiting.trade.clock.advance(25 * HOUR)
    replies = [waiting.ask(number) for number in range(1_000, 1_060)]
    assert sum(isinstance(reply, Done) for reply in replies) == MOST_RECALLED == waiting.notices()
    # What waits is not lost for that: it stays due, and is told an hour later.
    with pytest.raises(Outage):
        waiting.work()
    assert waiting.one.amc in waiting.due()
    waiting.trade.clock.advance(HOUR)
    waiting.work()
    assert waiting.reminders() == [(ACTOR, str(waiting.one.number))]


def test_a_vault_that_does_not_answer_leaves_it_due(waiting: Waiting, tmp_path: Path) -> None:
    waiting.trade.clock.advance(25 * HOUR)
    lost = WorkerSettings(**{**_fields(waiting.settings), "run_folder": tmp_path})
    with pytest.raises(Outage):
        recall_packages(lost, waiting.trade.clock)
    assert waiting.reminders() == []
    assert waiting.due() == [waiting.one.amc, waiting.silent.amc]


def _fields(settings: WorkerSettings) -> dict[str, object]:
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__}


def test_a_clock_that_lapses_is_said_every_hour_and_one_that_cannot_be_read_is_no_silence(
    waiting: Waiting, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    waiting.trade.clock.advance(19 * HOUR)
    waiting.work()
    said = {(line.levelno, line.getMessage()) for line in caplog.records}
    soon = f"incident {waiting.number}: nis2-early is about to lapse (NIS 2 art. 23(4)(a))"
    assert (logging.ERROR, soon) in said
    caplog.clear()
    waiting.trade.clock.advance(6 * HOUR)
    waiting.work()
    said = {(line.levelno, line.getMessage()) for line in caplog.records}
    assert (logging.CRITICAL, soon.replace("about to lapse", "late")) in said
    # Another's duty is no alarm of ours.
    assert "dora" not in caplog.text
    (tmp_path / "clocks.toml").write_text("duty = 3")
    with pytest.raises(BadTemplate):
        recall_packages(
            WorkerSettings(**{**_fields(waiting.settings), "templates_folder": tmp_path}), waiting.trade.clock
        )


def test_the_worker_adds_that_one_line_and_no_other_and_reads_no_package(waiting: Waiting) -> None:
    trade = waiting.trade
    add = "INSERT INTO incident.act (incident, number, at, actor, act, key, value) VALUES (%s, 900, 0, %s, %s, '1', '1')"
    with psycopg.connect(trade.database.dsn("worker"), autocommit=True) as worker:
        for actor, act in ((ACTOR, "done"), (ACTOR, "hand-over"), (ACTOR, "publish"), ("essai", "remind")):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                worker.execute(add.encode(), (waiting.number, actor, act))
        for statement in (
            "UPDATE incident.act SET value = ''", "DELETE FROM incident.act", "SELECT content FROM incident.package_part",
            "SELECT digest FROM incident.package", "UPDATE incident.package SET acknowledged = 1",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                worker.execute(statement.encode())
        # What nobody acknowledged, it cannot remove either.
        own = "package IN (SELECT id FROM incident.package WHERE incident = %s)"
        removed = worker.execute(f"DELETE FROM incident.package_part WHERE {own}".encode(), (waiting.number,))
        assert removed.rowcount == 0
    assert waiting.parts()[0] > 0


def test_a_worker_taken_over_silences_no_reminder_and_closes_no_journal(waiting: Waiting) -> None:
    add = (
        "INSERT INTO incident.act (incident, number, at, actor, act, key, value)"
        " VALUES (%s, %s, %s, 'worker', 'remind', %s, %s)"
    )
    one = str(waiting.one.number)
    with psycopg.connect(waiting.trade.database.dsn("worker"), autocommit=True) as worker:
        # No number after it, a line that nobody can read, a line that fills the disk.
        for number, key, value in ((2**31 - 1, one, "1"), (900, "x", "1"), (900, one, "9" * 1000)):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                worker.execute(add.encode(), (waiting.number, number, 0, key, value))
        # That it was told on a day to come.
        worker.execute(add.encode(), (waiting.number, 1_000_000, 2**62, one, "1"))
    waiting.trade.clock.advance(25 * HOUR)
    assert waiting.one.amc in waiting.due()
    with waiting.trade.database.connect("operator") as c:
        store.add_act(c, waiting.number, waiting.trade.clock(), "essai", Verb.WAIVE, "x", "y")
        assert store.acts(c, waiting.number)[-1].number == 1_000_001


def test_no_other_call_of_the_operators_is_the_workers(waiting: Waiting) -> None:
    async def ask() -> object:
        client = VaultClient(waiting.settings.run_folder / "worker.sock")
        try:
            return await client.call(TellInsurer(waiting.one.amc, "incident:remind", "incident 1"))
        except Outage:
            return None
        finally:
            await client.close()

    assert not isinstance(waiting.trade.runner.run(ask()), Done)
    assert waiting.notices() == 0


def test_a_command_says_what_is_due_and_recalls_under_its_own_name(waiting: Waiting) -> None:
    trade = waiting.trade
    trade.clock.advance(25 * HOUR)

    def tell(amc: str) -> bool:
        return isinstance(trade.operate(TellInsurer(amc, "incident:remind", "incident")), Done)

    with trade.database.connect("operator") as c:
        done = recall(c, waiting.number, 24, trade.clock, tell, "garde")
    assert [(each.package.amc, each.told) for each in done] == [
        (waiting.one.amc, True),
        (waiting.silent.amc, False),
    ]
    assert waiting.reminders() == [("garde", str(waiting.one.number))]
    waiting.work()
    assert waiting.notices() == 1


# ── replaced issues ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_issue_that_nobody_acknowledged_goes_a_week_after_the_newer_one_was(waiting: Waiting) -> None:
    trade = waiting.trade
    trade.clock.advance(SECOND)
    waiting.hand_over(persons=2)
    first, second = waiting.listed()
    assert (first.replaced, second.replaced) == (0, 0)
    waiting.acknowledge(second)
    first, second = waiting.listed()
    assert first.replaced == second.acknowledged > 0
    assert (first.acknowledged, second.replaced) == (0, 0)
    acknowledged = second.acknowledged
    with trade.database.connect("worker") as worker:
        forget_acknowledged(worker, acknowledged + KEPT - 1)
        assert all(waiting.parts())
        expect(Paper, waiting.people.errand(f"{PAGE}/download", FilePartBody(first.id, 1)))
        forget_acknowledged(worker, acknowledged + KEPT)
    assert waiting.parts() == [0, 0]
    trade.clock.advance(KEPT)
    waiting.people.wake()
    first, second = waiting.listed()
    # The rows stay, with digest and instants.
    assert (first.parts, second.parts, len(first.digest)) == (0, 0, 64)
    assert waiting.people.refused(f"{PAGE}/download", FilePartBody(first.id, 1)).code == "package-replaced"
    assert waiting.people.refused(f"{PAGE}/download", FilePartBody(second.id, 1)).code == "flow-acknowledged"


def test_a_newer_issue_that_nobody_acknowledged_removes_nothing(waiting: Waiting) -> None:
    trade = waiting.trade
    waiting.acknowledge(waiting.listed()[0])
    trade.clock.advance(SECOND)
    waiting.hand_over(persons=2)
    with trade.database.connect("worker") as worker:
        forget_acknowledged(worker, trade.clock() + 2 * KEPT)
    gone, kept = waiting.parts()
    assert gone == 0 < kept


def test_another_insurers_acknowledgement_removes_nothing_of_ones_own(waiting: Waiting) -> None:
    trade = waiting.trade
    rival = clerk(trade, waiting.silent)
    [package] = [
        each for each in rival.ask(IncidentPage, PAGE, PageBody()).items if each.incident == waiting.number
    ]
    rival.step_up()
    rival.ask(IncidentView, f"{PAGE}/acknowledge", AcknowledgeBody(package.id, package.digest))
    with trade.database.connect("worker") as worker:
        forget_acknowledged(worker, trade.clock() + 2 * KEPT)
    assert waiting.parts()[0] > 0
    assert msgspec.json.encode(waiting.listed()[0].replaced) == b"0"
