"""What somebody who took the sentinel over would try."""

import msgspec
import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from rempart.foundation.clock import MINUTE
from rempart.foundation.errors import Outage
from rempart.vault.containment import MOST_AN_HOUR
from rempart.vaultdoor.messages import (
    Contain,
    Done,
    Journal,
    ListSwitches,
    Message,
    Refused,
    Switches,
    ThrowSwitch,
)
from tests.authenticator import expect
from tests.conftest import A_MONDAY
from tests.sentinel.conftest import Post, account, device, house

STEP_UP = Contain("device", str(device(1)), "step-up", "a rule", 60)


@pytest.mark.parametrize(
    ("scope", "key"), [("platform", ""), ("insurer", "1"), ("lane", "1"), ("profession", "pharmacy")]
)
def test_a_sentinel_cannot_throw_the_platforms_switch_nor_any_large_one(
    post: Post, scope: str, key: str
) -> None:
    with pytest.raises(Outage):
        post.say(Contain(scope, key, "closed", "a rule", 0))  # type: ignore[arg-type]
    assert post.switches() == set()
    assert expect(Done, post.say(STEP_UP)) == Done()


@pytest.mark.parametrize(
    "message",
    [
        ThrowSwitch("device", str(device(1)), "over", on=False),
        ThrowSwitch("platform", "", "mine", on=True),
        Journal(10),
    ],
)
def test_a_sentinel_cannot_release_nor_speak_as_the_operator(post: Post, message: Message) -> None:
    post.say(STEP_UP)
    with pytest.raises(Outage):
        post.say(message)  # type: ignore[arg-type]
    assert post.switches() == {("device", device(1), "step-up")}


def test_a_sentinel_cannot_soften_or_shorten_what_the_operator_closed(post: Post) -> None:
    expect(Done, post.operate(ThrowSwitch("device", str(device(1)), "a call", on=True)))
    for hold, minutes in (("closed", 1), ("step-up", 1)):
        expect(Done, post.say(Contain("device", str(device(1)), hold, "a rule", minutes)))  # type: ignore[arg-type]
    by = "SELECT hold, until FROM vault.switch WHERE thrown_by = %s"
    assert post.town.owner.execute(by, ("operator",)).fetchall() == [("closed", None)]
    # What it asked for stands beside, and outlives what was shorter.
    assert post.town.owner.execute(by, ("sentinel",)).rowcount == 2


def test_a_longer_hold_is_not_shortened_and_a_past_one_is_replaced(post: Post) -> None:
    until = "SELECT until FROM vault.switch"
    post.say(STEP_UP)
    post.say(msgspec.structs.replace(STEP_UP, minutes=5))
    assert post.town.owner.execute(until).fetchone() == (A_MONDAY + 60 * MINUTE,)
    post.clock.advance(61 * MINUTE)
    post.say(msgspec.structs.replace(STEP_UP, minutes=5))
    assert post.town.owner.execute(until).fetchone() == (A_MONDAY + 66 * MINUTE,)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key": "99000001"}, "bad-input"),
        ({"key": str(device(99))}, "not-found"),
        ({"scope": "account", "key": str(device(1))}, "not-found"),
        ({"scope": "editor", "key": str(device(1))}, "not-found"),
        ({"minutes": -1}, "bad-input"),
        # Until somebody undoes it: a device or an account that is closed, and nothing else.
        ({"minutes": 0}, "bad-input"),
        ({"scope": "establishment", "key": str(house(1)), "hold": "closed", "minutes": 0}, "bad-input"),
        ({"minutes": 40_321}, "bad-input"),
        ({"reason": ""}, "bad-input"),
        ({"reason": "x" * 201}, "bad-input"),
    ],
)
def test_what_is_no_containment_is_refused(post: Post, change: dict[str, str], code: str) -> None:
    assert expect(Refused, post.say(msgspec.structs.replace(STEP_UP, **change))).code == code
    assert post.switches() == set()


def test_every_small_scope_can_be_held(post: Post) -> None:
    for scope, key in (("device", device(1)), ("account", account(1)), ("establishment", house(1))):
        expect(Done, post.say(Contain(scope, str(key), "closed", "a rule", 60)))  # type: ignore[arg-type]
    assert len(post.switches()) == 3


@pytest.mark.parametrize(("hold", "other"), [("closed", "step-up"), ("step-up", "closed")])
def test_a_sentinel_gone_mad_holds_so_many_an_hour_and_no_more(post: Post, hold: str, other: str) -> None:
    mad = msgspec.structs.replace(STEP_UP, hold=hold)
    for _ in range(MOST_AN_HOUR[hold]):
        expect(Done, post.say(mad))
    assert expect(Refused, post.say(mad)).code == "contained-too-many"
    expect(Done, post.say(msgspec.structs.replace(STEP_UP, hold=other)))
    post.clock.advance(60 * MINUTE)
    expect(Done, post.say(mad))


def test_a_question_that_outlives_a_closure_is_not_dropped_with_it(post: Post) -> None:
    expect(Done, post.say(msgspec.structs.replace(STEP_UP, hold="closed", minutes=5)))
    expect(Done, post.say(STEP_UP))
    post.clock.advance(6 * MINUTE)
    standing = expect(Switches, post.operate(ListSwitches())).switches
    assert [(each.hold, each.by) for each in standing] == [("step-up", "sentinel")]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT salt FROM evidence.entry",
        "SELECT notice_ref FROM evidence.entry",
        "SELECT * FROM evidence.entry",
        "SELECT login FROM vault.account",
        "SELECT finess FROM vault.establishment",
        "SELECT token_hash FROM vault.session",
        "SELECT name FROM identity.professional",
        "DELETE FROM vault.switch",
        "INSERT INTO vault.switch (scope, key, reason, thrown) VALUES ('platform', '', 'x', 0)",
        "DELETE FROM vault.event",
        "UPDATE evidence.entry SET cost = 0",
        "DELETE FROM incident.alert",
        "UPDATE incident.alert SET rule = 'other'",
    ],
)
def test_detection_reads_no_salt_no_name_and_writes_nothing_but_its_alerts(
    post: Post, statement: str
) -> None:
    with (
        psycopg.connect(post.database.dsn("sentinel"), autocommit=True) as c,
        pytest.raises(InsufficientPrivilege),
    ):
        c.execute(statement)
