"""The sentinel on a real database, asking a real vault."""

import dataclasses

import pytest

from rempart.foundation.clock import DAY, HOUR, MINUTE, SECOND
from rempart.incident import store
from tests.conftest import A_MONDAY
from tests.sentinel.conftest import Post, account, device


def test_a_stolen_session_at_machine_pace_is_held_within_minutes_of_its_own_time(post: Post) -> None:
    post.town.robot(A_MONDAY, 40)
    (alert,) = post.watch()
    assert (alert.rule, alert.scope, alert.key, alert.hold) == ("pace-device", "device", device(1), "step-up")
    assert alert.by_itself
    assert alert.at - A_MONDAY < 5 * MINUTE
    assert alert.contained == post.clock.now
    assert post.switches() == {("device", device(1), "step-up")}
    assert f'"object": "device {device(1)}"' in post.journal()
    assert '"actor": "sentinel"' in post.journal()


def test_the_same_persons_over_a_day_are_held_by_nobody(post: Post) -> None:
    post.town.robot(A_MONDAY, 40, every=10 * MINUTE)
    assert post.watch() == []
    assert post.switches() == set()


def test_a_second_crossing_after_a_hold_closes_the_device(post: Post) -> None:
    last = post.town.robot(A_MONDAY, 40)
    post.watch()
    for n in range(8):
        post.town.event(last + HOUR + n * MINUTE, "step-up")
    alerts = post.watch()
    assert [(a.rule, a.hold) for a in alerts] == [("pace-device", "step-up"), ("insisting", "closed")]
    assert post.switches() == {("device", device(1), "closed")}


def test_a_robot_in_order_that_often_misses_is_closed_at_its_device(post: Post) -> None:
    for n in range(60):
        at = A_MONDAY + n * 6 * MINUTE
        post.town.ask(at, told=n % 2 == 0, step=2)
    alerts = post.watch()
    assert {a.rule for a in alerts} >= {"order", "misses"}
    assert post.switches() == {("device", device(1), "closed")}


def test_two_canaries_close_and_one_only_tells_a_person(post: Post) -> None:
    first = post.town.ask(A_MONDAY)
    post.town.event(A_MONDAY + SECOND, "canary", index=first)
    (alert,) = post.watch()
    assert (alert.rule, alert.by_itself, alert.hold, alert.contained) == ("canary", False, "step-up", None)
    assert alert.indexes == [first]
    assert post.switches() == set()
    second = post.town.ask(A_MONDAY + HOUR)
    post.town.event(A_MONDAY + HOUR, "canary", index=second)
    assert post.watch()[-1].strength == 3
    assert post.switches() == {("device", device(1), "closed")}


def test_the_same_canary_asked_twice_is_one(post: Post) -> None:
    first = post.town.ask(A_MONDAY)
    again = post.town.ask(A_MONDAY + HOUR, cost=0)
    subject = post.town.owner.execute(
        "SELECT subject FROM evidence.entry WHERE index = %s", (first,)
    ).fetchone()
    post.town.owner.execute("UPDATE evidence.entry SET subject = %s WHERE index = %s", (subject[0], again))  # type: ignore[index]
    post.town.event(A_MONDAY, "canary", index=first)
    post.town.event(A_MONDAY + HOUR, "canary", index=again)
    assert {a.strength for a in post.watch()} == {1}


def test_look_ups_that_come_to_nothing_are_seen_a_day_later_while_nobody_asks(post: Post) -> None:
    post.town.robot(A_MONDAY, 40, every=10 * MINUTE)
    assert post.watch() == []
    post.clock.now = A_MONDAY + 2 * DAY
    (alert,) = post.watch()
    assert (alert.rule, alert.hold) == ("unclaimed", "step-up")


def test_billed_ones_are_not(post: Post) -> None:
    post.town.robot(A_MONDAY, 40, every=10 * MINUTE)
    post.town.claim([i for i in range(40) if i % 10 < 7], A_MONDAY + HOUR)
    post.clock.now = A_MONDAY + 2 * DAY
    assert post.watch() == []


def test_a_claim_on_a_later_answer_about_the_same_person_counts(post: Post) -> None:
    for n in range(40):
        first = post.town.ask(A_MONDAY + n * 10 * MINUTE)
        subject = post.town.owner.execute(
            "SELECT subject FROM evidence.entry WHERE index = %s", (first,)
        ).fetchone()
        assert subject is not None
        again = post.town.ask(A_MONDAY + n * 10 * MINUTE + MINUTE, cost=0, subject=subject[0])
        post.town.claim([again], A_MONDAY + n * 10 * MINUTE + 2 * MINUTE)
    post.clock.now = A_MONDAY + 2 * DAY
    assert post.watch() == []


def test_accounts_that_move_as_one_are_closed_each_at_its_device(post: Post) -> None:
    for n in range(40):
        for number in range(1, 6):
            post.town.ask(A_MONDAY + n * 20 * SECOND + number, number=number)
    post.watch()
    closed = {key for scope, key, hold in post.switches() if (scope, hold) == ("device", "closed")}
    assert closed == {device(n) for n in range(1, 6)}


def test_another_device_of_an_account_whose_device_was_closed_closes_the_account(post: Post) -> None:
    for n in range(2):
        index = post.town.ask(A_MONDAY + n * MINUTE)
        post.town.event(A_MONDAY + n * MINUTE, "canary", index=index)
    post.watch()
    for n in range(2):
        index = post.town.ask(A_MONDAY + HOUR + n * MINUTE, number=2, by=1)
        post.town.owner.execute(
            "INSERT INTO vault.event (at, kind, account, device, index) VALUES (%s, 'canary', %s, %s, %s)",
            (A_MONDAY + HOUR + n * MINUTE, account(1), device(2), index),
        )
    post.watch()
    assert post.switches() == {("device", device(1), "closed"), ("account", account(1), "closed")}


def test_stuffing_on_one_device_and_on_the_whole_platform(post: Post) -> None:
    for n in range(9):
        post.town.event(A_MONDAY + n * MINUTE, "sign-in-refused", detail=f"{n:064x}")
    for n in range(45):
        post.town.event(A_MONDAY + HOUR + n * SECOND, "sign-in-refused", number=None, detail=f"{n + 99:064x}")
    here, everywhere = post.watch()
    assert (here.rule, here.figure, len(here.events)) == ("sign-in", 8, 8)
    assert (everywhere.rule, everywhere.figure, len(everywhere.events)) == ("sign-in", 40, 40)
    assert {(a.device, a.scope, a.by_itself) for a in (here, everywhere)} == {(None, None, False)}


def test_a_person_who_mistypes_their_own_login_all_morning_is_no_stuffing(post: Post) -> None:
    for n in range(60):
        post.town.event(A_MONDAY + n * MINUTE, "sign-in-refused", detail="a" * 64)
    assert post.watch() == []


def test_a_restart_finds_nothing_twice_and_forgets_nothing(post: Post) -> None:
    post.town.work(A_MONDAY, 4)
    assert post.watch() == []
    first = post.town.ask(A_MONDAY + 4 * DAY)
    post.town.event(A_MONDAY + 4 * DAY, "canary", index=first)
    before = post.watch()
    learnt = dataclasses.asdict(post.follower.desk.watch.devices[device(1)].paced.rhythm)
    post.follower.save()
    post.restart()
    assert post.watch() == before
    after = dataclasses.asdict(post.follower.desk.watch.devices[device(1)].paced.rhythm)
    assert (after["sums"], after["bins"], after["running"]) == (
        learnt["sums"],
        learnt["bins"],
        learnt["running"],
    )
    second = post.town.ask(A_MONDAY + 4 * DAY + HOUR)
    post.town.event(A_MONDAY + 4 * DAY + HOUR, "canary", index=second)
    assert post.watch()[-1].strength == 3


def test_a_restart_between_two_halves_of_a_theft_sees_the_whole(post: Post) -> None:
    last = post.town.robot(A_MONDAY, 15)
    assert post.watch() == []
    post.restart()
    post.town.robot(last + 5 * SECOND, 15)
    assert [a.rule for a in post.watch()] == ["pace-device"]


def test_what_the_vault_could_not_do_is_tried_again_by_the_next_process(post: Post) -> None:
    hatch = post.hatch
    post.follower._client = type(hatch)("/nowhere.sock")
    post.town.robot(A_MONDAY, 40)
    (alert,) = post.watch()
    assert (alert.contained, post.switches()) == (None, set())
    post.restart()
    (alert,) = post.watch()
    assert alert.contained is not None
    assert post.switches() == {("device", device(1), "step-up")}


def test_a_device_the_vault_does_not_know_is_refused_and_said(post: Post) -> None:
    post.town.owner.execute("DELETE FROM vault.device WHERE id = %s", (device(1),))
    post.town.robot(A_MONDAY, 40)
    (alert,) = post.watch()
    assert (alert.contained, alert.refused) == (None, "not-found")


def test_events_committed_out_of_the_order_of_their_ids_are_not_missed(post: Post) -> None:
    first, second = post.town.ask(A_MONDAY), post.town.ask(A_MONDAY + MINUTE)
    post.town.owner.execute("SELECT nextval('vault.event_id_seq')")
    post.town.event(A_MONDAY + MINUTE, "canary", index=second)
    assert len(post.watch()) == 1
    post.town.owner.execute(
        "INSERT INTO vault.event (id, at, kind, account, device, index) OVERRIDING SYSTEM VALUE VALUES (1, %s, 'canary', %s, %s, %s)",
        (A_MONDAY, account(1), device(1), first),
    )
    assert post.watch()[-1].strength == 3


def test_an_alert_holds_no_pseudonym_of_a_person(post: Post) -> None:
    post.town.robot(A_MONDAY, 40)
    assert len(post.watch()) == 1
    rows = post.town.owner.execute("SELECT a::text FROM incident.alert a").fetchall()
    subjects = {str(row[0]) for row in post.town.owner.execute("SELECT subject FROM evidence.entry")}
    assert [s for s in subjects if s in str(rows)] == []


def test_the_first_entry_since_a_time_is_found_by_halving(post: Post) -> None:
    for n in range(37):
        post.town.ask(A_MONDAY + n * MINUTE)
    for minute in (0, 1, 17, 36, 37):
        assert store.first_entry_since(post.watching, A_MONDAY + minute * MINUTE, 37) == minute
    assert store.first_entry_since(post.watching, A_MONDAY + 16 * MINUTE + 1, 37) == 17


@pytest.mark.parametrize("persons", [6_000])
def test_it_keeps_up_with_thousands_of_entries_at_once(post: Post, persons: int) -> None:
    post.town.owner.execute(
        "INSERT INTO evidence.entry (index, at, salt, account, device, establishment, insurer, lane, domain, answer_class, outcome, cost,"
        " subject, generation) SELECT n, %s + n::bigint * 1000000, 's', %s, %s, %s, 1, 1, 1, 1, 1, 0, gen_random_uuid(), 1"
        " FROM generate_series(0, %s) n",
        (A_MONDAY, account(1), device(1), device(1), persons - 1),
    )
    post.watch()
    assert store.position(post.watching).entry == persons
