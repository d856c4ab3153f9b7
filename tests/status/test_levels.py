"""Levels and history: the worst that is known counts, and nothing is green that nobody has seen."""

from hypothesis import given
from hypothesis import strategies as st

from rempart.foundation.clock import DAY, HOUR, MINUTE
from rempart.status.levels import STALE, changes_between, history, level_now, overall
from rempart.status.model import Announcement, Board, Change, Level, Service

NOON = 1_767_600_000_000_000 + 3 * HOUR
"""2026-01-05, noon in Paris."""
GREEN = [Change(service, NOON - 10 * DAY, Level.OPERATIONAL) for service in Service]


def said(level: Level, started: int, ended: int = 0, *services: Service) -> Announcement:
    return Announcement(1, started, ended, level, services or (Service.RIGHTS,), "Mots", "Words")


def test_a_green_light_that_nobody_has_seen_of_late_is_unknown():
    assert level_now(Board(NOON - STALE, GREEN), Service.RIGHTS, NOON) is Level.OPERATIONAL
    assert level_now(Board(NOON - STALE - 1, GREEN), Service.RIGHTS, NOON) is Level.UNKNOWN
    assert level_now(Board(), Service.RIGHTS, NOON) is Level.UNKNOWN


def test_an_announcement_makes_it_worse_and_never_better():
    down = [*GREEN, Change(Service.RIGHTS, NOON - HOUR, Level.DOWN)]
    better = Board(NOON, down, [said(Level.OPERATIONAL, NOON - MINUTE)])
    worse = Board(NOON, GREEN, [said(Level.RESTRICTED, NOON - MINUTE)])
    assert level_now(better, Service.RIGHTS, NOON) is Level.DOWN
    assert level_now(worse, Service.RIGHTS, NOON) is Level.RESTRICTED
    assert level_now(worse, Service.PAYMENTS, NOON) is Level.OPERATIONAL
    assert overall(worse, NOON) is Level.RESTRICTED


def test_an_announcement_that_is_over_weighs_on_its_day_and_no_more():
    board = Board(NOON, GREEN, [said(Level.DOWN, NOON - DAY, NOON - DAY + HOUR)])
    days = history(board, Service.RIGHTS, NOON, 3)
    assert level_now(board, Service.RIGHTS, NOON) is Level.OPERATIONAL
    assert [(day.worst, day.troubled) for day in days] == [
        (Level.OPERATIONAL, 0), (Level.DOWN, HOUR), (Level.OPERATIONAL, 0),
    ]  # fmt: skip


def test_a_trouble_that_is_seen_and_announced_is_counted_once():
    seen = [
        *GREEN,
        Change(Service.RIGHTS, NOON - 2 * HOUR, Level.DOWN),
        Change(Service.RIGHTS, NOON - HOUR, Level.OPERATIONAL),
    ]
    board = Board(NOON, seen, [said(Level.DOWN, NOON - 2 * HOUR + MINUTE, NOON - 30 * MINUTE)])
    assert history(board, Service.RIGHTS, NOON, 1)[0].troubled == 90 * MINUTE


def test_a_trouble_over_midnight_in_paris_is_shared_between_both_days():
    midnight = NOON - 12 * HOUR
    board = Board(NOON, GREEN, [said(Level.DOWN, midnight - HOUR, midnight + MINUTE)])
    assert [day.troubled for day in history(board, Service.RIGHTS, NOON, 2)] == [HOUR, MINUTE]


def test_a_day_before_the_first_observation_is_not_known():
    board = Board(NOON, [Change(Service.RIGHTS, NOON - HOUR, Level.OPERATIONAL)])
    assert [day.known for day in history(board, Service.RIGHTS, NOON, 3)] == [False, False, True]


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(1, 20), st.sampled_from([Level.DOWN, Level.RESTRICTED])),
        max_size=6,
    )
)
def test_no_day_is_troubled_for_longer_than_it_lasts_and_no_trouble_is_lost(spells):
    announced = [
        said(level, NOON - 30 * HOUR + a * HOUR, NOON - 30 * HOUR + (a + b) * HOUR) for a, b, level in spells
    ]
    days = history(Board(NOON, GREEN, announced), Service.RIGHTS, NOON, 4)
    hours = {a + k for a, b, _ in spells for k in range(b) if a + k < 30}
    assert sum(day.troubled for day in days) == len(hours) * HOUR
    assert all(day.troubled <= DAY for day in days)
    assert (max(day.worst for day in days) > Level.OPERATIONAL) == bool(hours)


def test_only_what_changed_is_written_down():
    before = {Service.RIGHTS: Level.OPERATIONAL, Service.INVOICES: Level.DOWN}
    seen = {Service.RIGHTS: Level.DOWN, Service.INVOICES: Level.DOWN, Service.LEDGER: Level.OPERATIONAL}
    assert changes_between(before, seen, 7) == [
        Change(Service.RIGHTS, 7, Level.DOWN), Change(Service.LEDGER, 7, Level.OPERATIONAL),
    ]  # fmt: skip
