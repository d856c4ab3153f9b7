"""The SQL call: whatever the order of requests, nobody is told of more than the line, in any 60 minutes and any 24 hours."""

import re
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rempart.evidence.audit import audit_ledger
from rempart.foundation.clock import DAY, HOUR, MINUTE, SECOND
from rempart.foundation.vocabulary import Assurance, Lane, Profession
from rempart.vault.lines import MONTH, MOST_A_MONTH, MOST_UNITS, MOST_WIDENINGS
from rempart.vault.policy import (
    CONFIRMED,
    LEASE,
    LINES,
    SURPLUS,
    UNDER_WAY,
    UNKNOWN_SHARE,
    WIDENING,
    WIDENINGS_A_DAY,
    YOUNG,
    costs,
    editor_limits,
)
from tests.conftest import A_MONDAY, Database

ROOT = Path(__file__).parents[2]
OWNER = "SET ROLE rempart_owner"
ROOMY = [10_000] * 12
"""Hour, day, line of account, device, establishment, editor."""
NOBODY = uuid.UUID(int=0)


@dataclass
class Counter:
    """One establishment, one account on one device, and an insurer of a hundred people, as the tables hold them."""

    connection: psycopg.Connection[Any]
    session: uuid.UUID
    account: uuid.UUID
    device: uuid.UUID
    establishment: uuid.UUID

    def ask(
        self,
        person: str,
        *,
        at: int = A_MONDAY,
        limits: list[int] = ROOMY,
        lane: Lane = Lane.CARD,
        insurer: int = 1,
        pace: int = 10_000,
        editor: uuid.UUID = NOBODY,
        connection: psycopg.Connection[Any] | None = None,
    ) -> tuple[int, int]:
        """Status and cost of one look-up."""
        return self.ask_entry(person, at, limits, lane, insurer, pace, editor, connection)[:2]

    def confirm(self, at: int, upto: int = 10_000) -> None:
        """A passkey confirmed that a person is there."""
        self.connection.execute(
            "UPDATE vault.session SET stepped = %s, stepped_upto = %s WHERE id = %s", (at, upto, self.session)
        )

    def ask_entry(
        self,
        person: str,
        at: int = A_MONDAY,
        limits: list[int] = ROOMY,
        lane: Lane = Lane.CARD,
        insurer: int = 1,
        pace: int = 10_000,
        editor: uuid.UUID = NOBODY,
        connection: psycopg.Connection[Any] | None = None,
    ) -> tuple[int, int, int]:
        """Status, cost and ledger index of one look-up."""
        told, absent = costs(lane)
        row = (
            (connection or self.connection)
            .execute(
                "SELECT status, cost, index FROM vault.disclose(%s, %s::uuid[], %s::uuid[], %s::int2[], %s::int2[], '{1}'::int2[],"
                " '{1}'::int2[], 1, %s::uuid[], %s::uuid[], %s::int[], %s::int[], %s::int[], %s::int[], %s::bigint[], %s::bytea[],"
                " '{7}'::int2[], '{5}'::int2[])",
                (
                    at,
                    [self.session],
                    [editor],
                    [insurer],
                    [int(lane)],
                    [tag(person)],
                    [tag(person)],
                    [told],
                    [absent],
                    limits,
                    [pace],
                    [DAY],
                    [b"s" * 16],
                ),
            )
            .fetchone()
        )
        assert row is not None
        return row[0], row[1], row[2]


TOLD, ABSENT, EXHAUSTED, CONTAINED, SESSION_OVER, STEP_UP = 1, 2, 3, 4, 5, 6


def scarce(*places: int, units: int) -> list[int]:
    """Roomy limits but for these."""
    return [units if place in places else limit for place, limit in enumerate(ROOMY)]


def tag(person: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, f"tag {person}")


def furnish(database: Database) -> Counter:
    ids = [uuid.uuid4() for _ in range(4)]
    session, account, device, establishment = ids
    with database.connect() as owner:
        owner.execute(
            "INSERT INTO vault.insurer (number, amc, name, signing_key, notice_key, generation, epoch)"
            " VALUES (1, '99000001', 'x', '', '', 1, 1) ON CONFLICT DO NOTHING"
        )
        owner.execute(
            "INSERT INTO vault.establishment VALUES (%s, %s, 'pharmacy')",
            (establishment, str(establishment)[:9]),
        )
        owner.execute("INSERT INTO vault.account VALUES (%s, %s, 'active', 0)", (account, str(account)))
        owner.execute(
            "INSERT INTO vault.membership VALUES (%s, %s, NULL, 'titulaire', 0)", (account, establishment)
        )
        owner.execute(
            "INSERT INTO vault.device VALUES (%s, %s, %s, 0)", (device, device.bytes * 2, b"\4" * 65)
        )
        owner.execute(
            "INSERT INTO vault.binding VALUES (%s, %s, '', 'passkey', 0, %s)", (account, device, 2**60)
        )
        owner.execute(
            "INSERT INTO vault.session VALUES (%s, %s, %s, %s, %s, 'titulaire', 2, 0, 0, %s)",
            (session, session.bytes * 2, account, device, establishment, 2**60),
        )
        for kind, key in ((1, account), (2, device), (3, establishment)):
            owner.execute("INSERT INTO vault.meter (key, kind) VALUES (%s, %s)", (key, kind))
        owner.execute(
            "CREATE TABLE IF NOT EXISTS capsule.i1_g1"
            " (tag uuid PRIMARY KEY, subject uuid, sealed bytea, notice_ref bytea, source_line int)"
        )
        owner.execute("GRANT SELECT ON capsule.i1_g1 TO rempart_vault")
        with owner.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO capsule.i1_g1 VALUES (%s, %s, 'sealed', 'ref', 1) ON CONFLICT DO NOTHING",
                [(tag(f"known {k}"), uuid.uuid5(uuid.NAMESPACE_OID, f"subject {k}")) for k in range(100)],
            )
    return Counter(database.connect("rempart_vault"), session, account, device, establishment)


@pytest.fixture(scope="module")
def shared(module_database: Database) -> Database:
    return module_database


@pytest.fixture
def counter(shared: Database) -> Iterator[Counter]:
    furnished = furnish(shared)
    furnished.connection.autocommit = True
    yield furnished
    furnished.connection.close()


def ledger_size(counter: Counter) -> int:
    row = counter.connection.execute("SELECT size FROM evidence.log").fetchone()
    assert row is not None
    return int(row[0])


def test_a_person_costs_one_a_miss_five_and_the_narrow_lane_ten_times(counter: Counter) -> None:
    assert counter.ask("known 1") == (TOLD, 1)
    assert counter.ask("nobody") == (ABSENT, 5)
    assert counter.ask("known 2", lane=Lane.VITALE) == (TOLD, 10)
    assert counter.ask("nobody", lane=Lane.VITALE) == (ABSENT, 50)
    assert counter.ask("known 3", insurer=0) == (ABSENT, 5)


def test_somebody_already_told_of_costs_nothing_until_the_window_ends(counter: Counter) -> None:
    assert counter.ask("known 1") == (TOLD, 1)
    assert counter.ask("known 1", at=A_MONDAY + DAY - SECOND) == (TOLD, 0)
    assert counter.ask("known 1", at=A_MONDAY + DAY) == (TOLD, 1)


def test_a_clock_turned_back_gives_no_budget_back(counter: Counter) -> None:
    line = scarce(0, 3, 6, units=10)
    spent = [counter.ask(f"known {k}", limits=line)[1] for k in range(6)]
    assert spent == [1] * 6
    assert counter.ask("known 6", limits=line)[0] == EXHAUSTED
    assert counter.ask("known 6", limits=line, at=A_MONDAY - 3 * DAY)[0] == EXHAUSTED


def test_exhaustion_is_the_same_for_the_known_the_unknown_and_the_already_told(counter: Counter) -> None:
    line = scarce(0, 3, 6, units=8)
    for k in range(4):
        assert counter.ask(f"known {k}", limits=line)[0] == TOLD
    before = ledger_size(counter)
    answers = {counter.ask(person, limits=line) for person in ("known 0", "known 50", "nobody")}
    answers.add(counter.ask("nobody", limits=line, insurer=0))
    assert answers == {(EXHAUSTED, 0)}
    assert ledger_size(counter) == before


@pytest.mark.parametrize(
    "place",
    range(9),
    ids=[f"{who}/{window}" for who in ("account", "device", "house") for window in ("hour", "day", "line")],
)
def test_each_of_the_nine_limits_holds_alone(counter: Counter, place: int) -> None:
    counter.confirm(A_MONDAY)
    statuses = [counter.ask(f"known {k}", limits=scarce(place, units=7))[0] for k in range(5)]
    assert statuses == [TOLD, TOLD, TOLD, EXHAUSTED, EXHAUSTED]


def test_a_switch_stops_its_scope_and_no_other(shared: Database, counter: Counter) -> None:
    other = furnish(shared)
    other.connection.autocommit = True
    throw = "INSERT INTO vault.switch VALUES ('account', %s, 'test', 0, %s)"
    counter.connection.execute(throw, (str(counter.account), A_MONDAY + HOUR))
    assert counter.ask("known 1")[0] == CONTAINED
    assert other.ask("known 1")[0] == TOLD
    assert counter.ask("known 1", at=A_MONDAY + HOUR)[0] == TOLD
    counter.connection.execute("DELETE FROM vault.switch")
    other.connection.close()


@pytest.mark.parametrize(
    "fall",
    [
        "UPDATE vault.session SET expires = 0 WHERE id = %(session)s",
        "UPDATE vault.binding SET fresh_until = 0 WHERE device = %(device)s",
        "DELETE FROM vault.binding WHERE device = %(device)s",
        "UPDATE vault.account SET status = 'suspended' WHERE id = %(account)s",
        "UPDATE vault.establishment SET status = 'suspended' WHERE id = %(establishment)s",
        "DELETE FROM vault.membership WHERE account = %(account)s",
    ],
    ids=[
        "signed out",
        "device lapsed",
        "device removed",
        "account suspended",
        "establishment suspended",
        "member removed",
    ],
)
def test_whoever_no_longer_stands_is_told_nothing_at_once(counter: Counter, fall: str) -> None:
    assert counter.ask("known 1")[0] == TOLD
    counter.connection.execute(
        fall, {name: getattr(counter, name) for name in ("session", "device", "account", "establishment")}
    )
    before = ledger_size(counter)
    assert counter.ask("known 2") == (SESSION_OVER, 0)
    assert ledger_size(counter) == before


def test_many_requests_racing_for_the_last_unit_never_pass_the_line(
    shared: Database, counter: Counter
) -> None:
    line = scarce(0, 3, 6, units=20)
    told: list[int] = []

    def race(thread: int) -> None:
        with shared.connect("rempart_vault") as connection:
            connection.autocommit = True
            told.extend(
                counter.ask(f"known {thread * 10 + k}", limits=line, connection=connection)[1]
                for k in range(8)
            )

    threads = [threading.Thread(target=race, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A person costs 1 and room for 5 is required: the sixteenth is the last.
    assert sum(told) == 16
    row = counter.connection.execute(
        "SELECT hour[1], day[1] FROM vault.meter WHERE key = %s", (counter.account,)
    ).fetchone()
    assert row == (16, 16)


def test_indexes_have_no_gap_whatever_races(shared: Database, counter: Counter) -> None:
    others = [furnish(shared) for _ in range(4)]

    def ask(one: Counter) -> None:
        one.connection.autocommit = True
        for k in range(20):
            one.ask(f"known {k}")
        one.connection.close()

    threads = [threading.Thread(target=ask, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row = counter.connection.execute(
        "SELECT count(*), coalesce(max(index), -1) + 1, (SELECT size FROM evidence.log), (SELECT count(*) FROM evidence.entry)"
        " FROM evidence.leaf"
    ).fetchone()
    assert row is not None
    assert len(set(row)) == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(-MINUTE, 3 * HOUR), st.booleans()), min_size=5, max_size=40
    )
)
def test_no_hour_and_no_day_ever_holds_more_than_the_line(
    shared: Database, steps: list[tuple[int, int, bool]]
) -> None:
    counter = furnish(shared)
    counter.connection.autocommit = True
    hour, day = 12, 30
    limits = [hour, day, *ROOMY[2:]]
    now, spent = A_MONDAY, []
    for person, step, miss in steps:
        now += step
        status, cost = counter.ask("nobody" if miss else f"known {person}", at=now, limits=limits)
        if status in {TOLD, ABSENT}:
            spent.append((now, cost))
    counter.connection.close()
    for start, _ in spent:
        assert sum(cost for at, cost in spent if start <= at < start + HOUR) <= hour
        assert sum(cost for at, cost in spent if start <= at < start + DAY) <= day


def test_the_documented_table_is_the_policy() -> None:
    rows = re.findall(r"^\| (\w+) \| (.+) \|$", (ROOT / "docs/meters.md").read_text(), re.MULTILINE)
    documented = {name: cells.split(" | ") for name, cells in rows if name in set(Profession)}
    assert documented.keys() == {str(profession) for profession in LINES}
    for profession, line in LINES.items():
        window = (
            f"{line.told_window // HOUR} h" if line.told_window <= DAY else f"{line.told_window // DAY} d"
        )
        limits = line.limits(Assurance.PASSKEY)
        assert limits[:3] == limits[3:6]
        assert documented[profession] == [*map(str, limits[3:9]), str(line.pace), window]


def test_the_documented_figures_are_the_policys() -> None:
    text = (ROOT / "docs/meters.md").read_text()
    hour, day, line = editor_limits(0)
    more = [b - a for a, b in zip(editor_limits(0), editor_limits(1), strict=True)]
    for said in (
        f"{hour} units and {more[0]} an establishment served in an hour, {day} and {more[1]} in a day, {line} and {more[2]} in a",
        {1: "its own units and one more"}[SURPLUS],
        f"opens {CONFIRMED} units",
        f"{YOUNG} units in all",
        f"{WIDENING} units",
        f"{WIDENINGS_A_DAY} times a day",
        f"blocks of {LEASE}",
        {4: "Four look-ups of one device"}[UNDER_WAY],
        {50: "a fiftieth of the platform's"}[UNKNOWN_SHARE],
        f"{MOST_UNITS} units at once, {MOST_WIDENINGS} times a day, {MOST_A_MONTH:,} units in {MONTH // DAY} days",
    ):
        assert said in text


def test_a_password_opens_half_the_line_of_a_passkey() -> None:
    for line in LINES.values():
        passkey, password = line.limits(Assurance.PASSKEY), line.limits(Assurance.PASSWORD_TOTP)
        assert password[:6] == [limit // 2 for limit in passkey[:6]]
        assert password[6:] == passkey[6:]


def test_what_the_call_writes_opens_as_the_ledger_says(database: Database) -> None:
    """The bytes that PostgreSQL hashed are those of docs/ledger.md: an audit with openings recomputes every commitment."""
    counter = furnish(database)
    counter.connection.autocommit = True
    for person, lane in (
        ("known 1", Lane.CARD),
        ("nobody", Lane.CARD),
        ("known 2", Lane.VITALE),
        ("known 1", Lane.CARD),
    ):
        counter.ask(person, lane=lane)
    counter.ask("nobody", insurer=0)
    counter.connection.close()
    with database.connect("rempart_operator") as operator:
        operator.autocommit = True
        report = audit_ledger(operator, batch=2)
    assert (report.size, report.openings) == (5, 5)
