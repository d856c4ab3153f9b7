"""The credit line: looked up and not yet followed by a claim. Whatever the order of requests, crashes, claims, cancellations, touches,
nobody is told of more than the line and what claims paid for."""

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from rempart.foundation.clock import DAY, HOUR, MINUTE
from rempart.foundation.vocabulary import Lane
from rempart.vault.policy import CLAIM_DELAY, SURPLUS, YOUNG
from tests.conftest import A_MONDAY, Database
from tests.vault.test_meters import ABSENT, EXHAUSTED, NOBODY, STEP_UP, TOLD, Counter, furnish, scarce

LINE = 20
STATEFUL_LINE = 70
"""Room for a miss by NIR, and for two people before it."""


@pytest.fixture(scope="module")
def shared(module_database: Database) -> Database:
    return module_database


@pytest.fixture
def counter(shared: Database) -> Iterator[Counter]:
    furnished = furnish(shared)
    furnished.connection.autocommit = True
    yield furnished
    furnished.connection.close()


def claim(connection: psycopg.Connection[Any], index: int, at: int) -> None:
    """As the cashier does when it accepts an invoice."""
    connection.execute(
        "INSERT INTO vault.claim (index, at) VALUES (%s, %s)"
        " ON CONFLICT (index) DO UPDATE SET at = EXCLUDED.at, cancelled = NULL, noted = false",
        (index, at),
    )


def cancel(connection: psycopg.Connection[Any], index: int, at: int) -> None:
    connection.execute("UPDATE vault.claim SET cancelled = %s, noted = false WHERE index = %s", (at, index))


def earn(connection: psycopg.Connection[Any], at: int) -> None:
    """A round of rempart.vault.earning."""
    keys: set[uuid.UUID] = set()
    for call, arguments in (
        ("keys FROM vault.note_claims(%s, %s, %s, -1, 2000)", (at, CLAIM_DELAY, SURPLUS)),
        ("keys FROM vault.count_credits(%s, 2000)", (at,)),
        ("vault.unreckoned(%s)", (at,)),
    ):
        row = connection.execute(f"SELECT {call}", arguments).fetchone()
        assert row is not None
        keys |= set(row[0])
    connection.execute("SELECT vault.reckon(%s, %s, %s)", (at, sorted(keys), YOUNG))


def look_up(
    counter: Counter, person: str, at: int, units: int = LINE, lane: Lane = Lane.CARD
) -> tuple[int, int, int]:
    """One look-up on a device whose line is this long; confirmed, so that exhaustion is said as such."""
    return counter.ask_entry(person, at, scarce(5, units=units), lane)


def test_an_idle_line_is_spent_once(counter: Counter) -> None:
    """A live session of somebody who invoices nothing, at any pace, for 28 days."""
    counter.confirm(A_MONDAY)
    told = sum(look_up(counter, f"known {k}", A_MONDAY + k * 6 * HOUR)[0] == TOLD for k in range(100))
    assert told == LINE - 4


def test_a_claim_gives_back_after_a_day_and_not_before(shared: Database, counter: Counter) -> None:
    counter.confirm(A_MONDAY)
    indexes = [look_up(counter, f"known {k}", A_MONDAY)[2] for k in range(LINE - 4)]
    assert look_up(counter, "known 50", A_MONDAY)[0] == EXHAUSTED
    with shared.connect("rempart_cashier") as cashier:
        for index in indexes[:6]:
            claim(cashier, index, A_MONDAY + HOUR)
    earn(counter.connection, A_MONDAY + 24 * HOUR)
    assert look_up(counter, "known 51", A_MONDAY + 24 * HOUR)[0] == STEP_UP
    earn(counter.connection, A_MONDAY + 25 * HOUR)
    statuses = [look_up(counter, f"known {k}", A_MONDAY + 25 * HOUR)[0] for k in range(60, 77)]
    # Six claims, twice each.
    assert statuses.count(TOLD) == 12


def test_one_look_up_claimed_many_times_pays_once(shared: Database, counter: Counter) -> None:
    indexes = [look_up(counter, "known 1", A_MONDAY + k * MINUTE)[2] for k in range(5)]
    with shared.connect("rempart_cashier") as cashier:
        for index in indexes:
            claim(cashier, index, A_MONDAY + HOUR)
    earn(counter.connection, A_MONDAY + 2 * DAY)
    assert earned(counter, counter.device) == 1 + SURPLUS


def test_a_claim_cancelled_takes_back_what_it_gave(shared: Database, counter: Counter) -> None:
    """Invoice what was looked up so that the line refills, then cancel."""
    indexes = [look_up(counter, f"known {k}", A_MONDAY)[2] for k in range(6)]
    with shared.connect("rempart_cashier") as cashier:
        for index in indexes:
            claim(cashier, index, A_MONDAY)
    earn(counter.connection, A_MONDAY + DAY)
    assert earned(counter, counter.device) == 12
    with shared.connect("rempart_cashier") as cashier:
        for index in indexes:
            cancel(cashier, index, A_MONDAY + DAY)
    earn(counter.connection, A_MONDAY + DAY)
    assert earned(counter, counter.device) == 0
    assert earned(counter, counter.account) == earned(counter, counter.establishment) == 0


def test_a_miss_and_an_invented_index_earn_nothing(shared: Database, counter: Counter) -> None:
    status, _, index = look_up(counter, "nobody", A_MONDAY)
    assert status == ABSENT
    with shared.connect("rempart_cashier") as cashier:
        claim(cashier, index, A_MONDAY)
        claim(cashier, 2**40, A_MONDAY)
    earn(counter.connection, A_MONDAY + 2 * DAY)
    assert earned(counter, counter.device) == 0


def test_a_young_device_earns_no_more_than_its_youth_allows(shared: Database, counter: Counter) -> None:
    """Fake claims by the hundred: everything that was looked up is invoiced."""
    for day in range(10):
        with shared.connect("rempart_cashier") as cashier:
            for k in range(10):
                index = counter.ask_entry(f"known {day * 10 + k}", A_MONDAY + day * DAY)[2]
                claim(cashier, index, A_MONDAY + day * DAY)
        earn(counter.connection, A_MONDAY + day * DAY)
    earn(counter.connection, A_MONDAY + 11 * DAY)
    assert earned(counter, counter.device) == YOUNG
    assert flight(counter) == 0


def test_a_burst_of_claims_counts_as_median_days(shared: Database, counter: Counter) -> None:
    """A device with a past of four claims a day; then one day of forty."""
    past = [(day, 4 * (1 + SURPLUS)) for day in range(-50, -5)]
    write_past(shared, counter.device, past)
    earn(counter.connection, A_MONDAY)
    ordinary = earned(counter, counter.device)
    with shared.connect("rempart_cashier") as cashier:
        for k in range(40):
            claim(cashier, counter.ask_entry(f"known {k}", A_MONDAY)[2], A_MONDAY)
    earn(counter.connection, A_MONDAY + DAY)
    assert earned(counter, counter.device) - ordinary <= 4 * (1 + SURPLUS)
    assert flight(counter) == 4 * (1 + SURPLUS)


def test_what_was_earned_fades_with_what_was_asked(shared: Database, counter: Counter) -> None:
    with shared.connect("rempart_cashier") as cashier:
        for k in range(6):
            claim(cashier, counter.ask_entry(f"known {k}", A_MONDAY)[2], A_MONDAY)
    earn(counter.connection, A_MONDAY + DAY)
    assert earned(counter, counter.device) == 12
    for later in (33 * DAY, 80 * DAY):
        row = counter.connection.execute(
            "SELECT vault.spent(earned, %s / 345600000000 - earned_slot), vault.spent(month, %s / 345600000000 - month_slot)"
            " FROM vault.meter WHERE key = %s",
            (A_MONDAY + later, A_MONDAY + later, counter.device),
        ).fetchone()
        assert row == (0, 0)


def test_a_robot_meets_the_pace_and_a_person_passes_it(counter: Counter) -> None:
    asked = [counter.ask(f"known {k}", at=A_MONDAY, pace=10)[0] for k in range(12)]
    assert asked == [TOLD] * 10 + [STEP_UP] * 2
    assert counter.ask("known 20", at=A_MONDAY + 50 * MINUTE, pace=10)[0] == STEP_UP
    counter.confirm(A_MONDAY + 50 * MINUTE, upto=12)
    asked = [counter.ask(f"known {k}", at=A_MONDAY + 51 * MINUTE, pace=10)[0] for k in range(20, 24)]
    assert asked == [TOLD] * 2 + [STEP_UP] * 2
    assert counter.ask("known 24", at=A_MONDAY + 111 * MINUTE, pace=0)[0] == STEP_UP


def test_a_step_up_tells_nothing_of_the_person_asked_for(counter: Counter) -> None:
    for k in range(10):
        counter.ask(f"known {k}", pace=10)
    assert {counter.ask(who, pace=10) for who in ("known 0", "known 50", "nobody")} == {(STEP_UP, 0)}


def test_a_password_session_is_exhausted_where_a_passkey_is_asked(counter: Counter) -> None:
    counter.connection.execute("UPDATE vault.session SET assurance = 1 WHERE id = %s", (counter.session,))
    statuses = [counter.ask(f"known {k}", pace=3)[0] for k in range(4)]
    assert statuses == [TOLD] * 3 + [EXHAUSTED]


def test_a_switch_that_asks_for_a_person_is_content_with_one(counter: Counter) -> None:
    counter.connection.execute(
        "INSERT INTO vault.switch (scope, key, reason, thrown, until, hold) VALUES ('device', %s, 'test', %s, NULL, 'step-up')",
        (str(counter.device), A_MONDAY),
    )
    try:
        assert counter.ask("known 1", at=A_MONDAY)[0] == STEP_UP
        counter.confirm(A_MONDAY + MINUTE)
        assert counter.ask("known 1", at=A_MONDAY + 2 * MINUTE)[0] == TOLD
    finally:
        counter.connection.execute("DELETE FROM vault.switch WHERE key = %s", (str(counter.device),))


def test_an_editors_line_counts_over_its_establishments(shared: Database) -> None:
    """A compromised editor: many devices of many establishments, one line."""
    editor = uuid.uuid4()
    with shared.connect() as owner:
        owner.execute(
            "INSERT INTO vault.editor VALUES (%s, %s, %s, %s, 'active', 0)",
            (editor, str(editor), editor.bytes * 2, b"\4" * 65),
        )
        owner.execute("INSERT INTO vault.meter (key, kind) VALUES (%s, 4)", (editor,))
    counters = [furnish(shared) for _ in range(4)]
    statuses = []
    for counter in counters:
        counter.connection.autocommit = True
        counter.confirm(A_MONDAY)
        statuses += [
            counter.ask(f"known {k}", editor=editor, limits=scarce(11, units=LINE))[0] for k in range(8)
        ]
    assert statuses.count(TOLD) == LINE - 4
    assert counters[3].ask("known 90", editor=NOBODY)[0] == TOLD
    for counter in counters:
        counter.connection.close()


def earned(counter: Counter, key: uuid.UUID) -> int:
    row = counter.connection.execute(
        "SELECT (SELECT sum(x) FROM unnest(earned) AS x) FROM vault.meter WHERE key = %s", (key,)
    ).fetchone()
    assert row is not None
    return int(row[0])


def flight(counter: Counter) -> int:
    row = counter.connection.execute(
        "SELECT flight FROM vault.meter WHERE key = %s", (counter.device,)
    ).fetchone()
    assert row is not None
    return int(row[0])


def write_past(shared: Database, key: uuid.UUID, days: list[tuple[int, int]]) -> None:
    today = A_MONDAY // DAY
    with shared.connect() as owner, owner.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO vault.earned_day VALUES (%s, %s, %s)",
            [(key, today + day, units) for day, units in days],
        )


class Line(RuleBasedStateMachine):
    """Requests, crashes, claims, cancellations, rounds and time, in any order; after each step the line is compared with a plain count."""

    database: Database

    @initialize()
    def begin(self) -> None:
        self.counter = furnish(self.database)
        self.counter.connection.autocommit = True
        self.cashier = self.database.connect("rempart_cashier")
        self.cashier.autocommit = True
        self.now = A_MONDAY
        self.asked: list[tuple[int, int, int, int]] = []
        """at, cost, index, person"""
        self.claims: dict[int, int] = {}
        self.counter.confirm(self.now)

    def teardown(self) -> None:
        self.counter.connection.close()
        self.cashier.close()

    @rule(
        person=st.integers(0, 60),
        kind=st.sampled_from(["card", "card", "card", "vitale", "miss", "miss by vitale"]),
        crash=st.integers(0, 9),
    )
    def ask(self, person: int, kind: str, crash: int) -> None:
        name = "nobody" if "miss" in kind else f"known {person}"
        lane = Lane.VITALE if "vitale" in kind else Lane.CARD
        if crash == 0:
            # The vault dies before the commit: nothing was told, nothing is counted.
            with self.counter.connection.transaction(force_rollback=True):
                look_up(self.counter, name, self.now, STATEFUL_LINE, lane)
            return
        status, cost, index = look_up(self.counter, name, self.now, STATEFUL_LINE, lane)
        if status in {TOLD, ABSENT}:
            self.asked.append((self.now, cost, index, person if status == TOLD else -1))

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def claim(self, data: st.DataObject) -> None:
        _, _, index, _ = data.draw(st.sampled_from(self.asked))
        claim(self.cashier, index, self.now)
        self.claims[index] = self.now

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        index = data.draw(st.sampled_from(sorted(self.claims)))
        cancel(self.cashier, index, self.now)

    @rule()
    def earn(self) -> None:
        earn(self.counter.connection, self.now)

    @rule(step=st.sampled_from([MINUTE, 6 * HOUR, DAY, DAY, 4 * DAY, -HOUR, -5 * DAY]))
    def wait(self, step: int) -> None:
        self.now += step

    @invariant()
    def never_more_than_the_line_and_what_claims_paid_for(self) -> None:
        if not hasattr(self, "asked"):
            return
        for start, *_ in self.asked:
            spent = sum(cost for at, cost, *_ in self.asked if start <= at < start + 28 * DAY)
            assert spent <= STATEFUL_LINE + self.paid_for(start - 4 * DAY)

    def paid_for(self, since: int) -> int:
        """At the most: of each person as many charges as look-ups that became claims, the dearest ones, and one unit more for each."""
        charges: dict[int, list[int]] = {}
        claims: dict[int, int] = {}
        for at, cost, index, person in self.asked:
            if person >= 0 and cost and at >= since:
                charges.setdefault(person, []).append(cost)
            if person >= 0 and index in self.claims:
                claims[person] = claims.get(person, 0) + 1
        return sum(
            sum(cost + SURPLUS for cost in sorted(charges.get(person, []))[-count:])
            for person, count in claims.items()
        )


def test_no_interleaving_ever_releases_more_than_the_line(shared: Database) -> None:
    Line.database = shared
    run_state_machine_as_test(
        Line,
        settings=settings(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_seldom_used_key_cannot_raise_its_own_median(shared: Database, counter: Counter) -> None:
    """One old claim, then a day of sixty invented invoices: the median of two days would be anything."""
    write_past(shared, counter.device, [(-40, 1), (-1, 60)])
    earn(counter.connection, A_MONDAY)
    assert earned(counter, counter.device) <= YOUNG
    assert flight(counter) == 0


def test_one_invoiced_nir_does_not_open_ten_look_ups_by_card(shared: Database, counter: Counter) -> None:
    """The narrow lane is dear going in; what its claim brings is one person beyond its own cost, as by card."""
    index = counter.ask_entry("known 1", A_MONDAY, lane=Lane.VITALE)[2]
    with shared.connect("rempart_cashier") as cashier:
        claim(cashier, index, A_MONDAY)
    earn(counter.connection, A_MONDAY + DAY)
    assert earned(counter, counter.device) == 10 + SURPLUS
    counter.confirm(A_MONDAY + DAY)
    statuses = [look_up(counter, f"known {k}", A_MONDAY + DAY)[0] for k in range(2, 60)]
    assert statuses.count(TOLD) == LINE - 4 + SURPLUS


def test_claims_are_forgotten_after_sixty_days_whatever_they_earned(
    shared: Database, counter: Counter
) -> None:
    """Told of, absent, cancelled, and of nobody's look-up."""
    known, missed, undone = (look_up(counter, who, A_MONDAY)[2] for who in ("known 1", "nobody", "known 2"))
    with shared.connect("rempart_cashier") as cashier:
        for index in (known, missed, undone, 2**41):
            claim(cashier, index, A_MONDAY)
        cancel(cashier, undone, A_MONDAY)
    earn(counter.connection, A_MONDAY + DAY)
    kept = "SELECT (SELECT count(*) FROM vault.claim WHERE index = ANY (%s)), (SELECT count(*) FROM vault.credit WHERE index = ANY (%s))"
    indexes = [known, missed, undone, 2**41]
    for at, left in ((59 * DAY, (4, 1)), (62 * DAY, (0, 0))):
        while forget(counter, A_MONDAY + at, at_once=2):
            pass
        assert counter.connection.execute(kept, (indexes, indexes)).fetchone() == left


def forget(counter: Counter, at: int, *, at_once: int) -> bool:
    row = counter.connection.execute("SELECT vault.forget_old(%s, %s)", (at, at_once)).fetchone()
    assert row is not None
    return bool(row[0])


def test_claims_by_the_thousand_are_noted_and_counted_a_part_at_a_time(
    shared: Database, counter: Counter
) -> None:
    indexes = [counter.ask_entry(f"known {k}", A_MONDAY)[2] for k in range(7)]
    with shared.connect("rempart_cashier") as cashier:
        for index in indexes:
            claim(cashier, index, A_MONDAY)
    after, parts = indexes[0] - 1, 0
    while after is not None:
        row = counter.connection.execute(
            "SELECT last FROM vault.note_claims(%s, %s, %s, %s, 3)", (A_MONDAY, CLAIM_DELAY, SURPLUS, after)
        ).fetchone()
        assert row is not None
        after, parts = row[0], parts + 1
    assert parts == 3
    more, parts = True, 0
    while more:
        row = counter.connection.execute(
            "SELECT more FROM vault.count_credits(%s, 3)", (A_MONDAY + DAY,)
        ).fetchone()
        assert row is not None
        more, parts = row[0], parts + 1
    assert parts >= 3
    row = counter.connection.execute(
        "SELECT units FROM vault.earned_day WHERE key = %s", (counter.device,)
    ).fetchone()
    assert row == (7 * (1 + SURPLUS),)


@pytest.mark.parametrize("reckoned", ["after", "before"])
def test_a_clock_turned_back_brings_back_nothing_that_faded(
    shared: Database, counter: Counter, reckoned: str
) -> None:
    """What was earned 32 days ago faded with what was asked then. A clock turned back must not bring back the one without the other:
    neither when the vault reckons by that clock, nor when it reckoned before."""
    back = A_MONDAY + 28 * DAY
    with shared.connect("rempart_cashier") as cashier:
        for k in range(6):
            claim(cashier, counter.ask_entry(f"known {k}", A_MONDAY)[2], A_MONDAY)
    earn(counter.connection, A_MONDAY + DAY)
    earn(counter.connection, back)
    assert earned(counter, counter.device) == 6 * (1 + SURPLUS)
    later = A_MONDAY + 31 * DAY
    counter.confirm(later)
    statuses = [look_up(counter, f"known {k}", later)[0] for k in range(20, 50)]
    assert statuses.count(TOLD) == LINE - 4
    if reckoned == "after":
        earn(counter.connection, later)
        earn(counter.connection, back)
        counter.connection.execute("SELECT vault.reckon(%s, %s, %s)", (back, [counter.device], YOUNG))
    counter.confirm(back)
    assert [look_up(counter, f"known {k}", back)[0] for k in range(50, 70)] == [EXHAUSTED] * 20
