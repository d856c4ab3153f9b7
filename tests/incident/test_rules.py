"""Each rule: what it finds, and the same but for one line, which it does not."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rempart.foundation.clock import DAY, HOUR, MINUTE
from rempart.incident import (
    canary,
    hours,
    insisting,
    misses,
    new_device,
    one_person,
    order,
    pace,
    sign_in,
    spread,
    together,
    unclaimed,
)
from rempart.incident.cusum import Expected, after_bin, after_trial, standardise
from rempart.incident.model import Evidence, Finding, Party, Rule, Strength
from rempart.incident.rhythm import BANDS, Rhythm, when
from rempart.incident.together import Burst

AT = 1_767_600_000_000_000
DEVICE, HOUSE = UUID(int=1), UUID(int=2)
PARTY = Party(device=DEVICE, account=UUID(int=3), establishment=HOUSE)
NONE = Evidence()
Judge = Callable[[pace.Pace, Party, int, Evidence], Finding | None]


def found(finding: Finding | None) -> Rule | None:
    return finding.rule if finding else None


@pytest.mark.parametrize(
    ("judge", "rule"),
    [(pace.judge_device, Rule.PACE_DEVICE), (pace.judge_establishment, Rule.PACE_ESTABLISHMENT)],
)
def test_pace_is_found_against_ones_own_hour(judge: Judge, rule: Rule) -> None:
    running = pace.Pace(total=0.0, count=40, expected=Expected(1.0, 0.35), counted=40)
    assert found(judge(running, PARTY, AT, NONE)) is rule
    assert judge(replace(running, expected=Expected(30.0, 0.35)), PARTY, AT, NONE) is None
    assert judge(replace(running, counted=11, count=11), PARTY, AT, NONE) is None


def test_nobody_serves_a_person_every_thirty_seconds_known_or_not() -> None:
    unknown = pace.Pace(total=0.0, count=20, expected=Expected(4.0, 0.7), counted=20)
    assert found(pace.judge_device(unknown, PARTY, AT, NONE)) is Rule.PACE_DEVICE
    assert pace.judge_device(replace(unknown, count=19, counted=19), PARTY, AT, NONE) is None
    assert pace.judge_device(replace(unknown, expected=Expected(6.0, 0.7)), PARTY, AT, NONE) is None


def test_a_house_that_runs_names_no_device() -> None:
    running = pace.Pace(total=0.0, count=40, expected=Expected(1.0, 0.35), counted=40)
    finding = pace.judge_establishment(running, PARTY, AT, NONE)
    assert finding is not None
    assert finding.party == Party(establishment=HOUSE)


@given(st.lists(st.integers(0, 60), max_size=60), st.floats(0.01, 50), st.floats(0, 0.7))
def test_more_persons_never_lower_the_sum(counts: list[int], mean: float, uncertainty: float) -> None:
    expected = Expected(mean, uncertainty)
    fewer = more = 0.0
    for count in counts:
        fewer, more = after_bin(fewer, count, expected, 1.0), after_bin(more, count + 1, expected, 1.0)
        assert 0.0 <= fewer <= more


@given(st.integers(0, 100), st.floats(0.01, 50), st.floats(0, 0.7))
def test_a_mean_that_is_higher_makes_the_same_count_less_surprising(
    count: int, mean: float, share: float
) -> None:
    if count > mean:
        assert standardise(count, Expected(mean * 2, share)) < standardise(count, Expected(mean, share))


@given(st.lists(st.booleans(), max_size=200))
def test_a_sequential_test_never_owes_anything(trials: list[bool]) -> None:
    total = 0.0
    for hit in trials:
        total = after_trial(total, hit, 0.03, 0.2)
        assert total >= 0.0


def test_odd_hours() -> None:
    at_night = hours.Hours(6, "pharmacy")
    assert found(hours.judge_hours(at_night, PARTY, AT, NONE)) is Rule.ODD_HOURS
    assert hours.judge_hours(replace(at_night, count=5), PARTY, AT, NONE) is None
    assert hours.judge_hours(replace(at_night, profession="hospital"), PARTY, AT, NONE) is None


def test_the_night_is_odd_until_a_house_has_shown_that_it_works_at_night() -> None:
    assert hours.is_odd("pharmacy", night=True, share=0.0, learnt=0)
    assert not hours.is_odd("pharmacy", night=False, share=0.0, learnt=0)
    assert not hours.is_odd("pharmacy", night=True, share=0.1, learnt=1_000)
    assert hours.is_odd("pharmacy", night=False, share=0.001, learnt=1_000)
    assert not hours.is_odd("ambulance", night=True, share=0.0, learnt=1_000)


def missed(pattern: str) -> float:
    total = 0.0
    for letter in pattern:
        total = misses.after_lookup(total, told=letter == "t")
    return total


def test_misses() -> None:
    assert found(misses.judge_misses(missed("mmmmmmmm"), PARTY, AT, NONE)) is Rule.MISSES
    assert misses.judge_misses(missed("mmmmmmm"), PARTY, AT, NONE) is None
    assert misses.judge_misses(missed("mmmtttmmtt"), PARTY, AT, NONE) is None
    assert found(misses.judge_misses(missed("mmt" * 6), PARTY, AT, NONE)) is Rule.MISSES
    assert misses.judge_misses(missed(("t" * 16 + "m") * 300), PARTY, AT, NONE) is None


def test_order() -> None:
    counting = [2] * 10 + [5] * 14
    assert found(order.judge_order(counting, PARTY, AT, NONE)) is Rule.ORDER
    assert order.judge_order([5, *counting[1:]], PARTY, AT, NONE) is None
    assert order.judge_order([1] * 24, PARTY, AT, NONE) is None


def test_spread() -> None:
    local = spread.Spread()
    for distinct in (12, 14, 13, 12, 15, 13):
        local = local.learn(distinct)
    assert found(spread.judge_spread(local, 35, PARTY, AT, NONE)) is Rule.SPREAD
    assert spread.judge_spread(local, 20, PARTY, AT, NONE) is None
    assert spread.judge_spread(replace(local, windows=5), 35, PARTY, AT, NONE) is None


@given(st.lists(st.integers(1, 40), min_size=2, max_size=50))
def test_welfords_sums_are_the_plain_ones(windows: list[int]) -> None:
    known = spread.Spread()
    for distinct in windows:
        known = known.learn(distinct)
    mean = sum(windows) / len(windows)
    assert known.mean == pytest.approx(mean)
    assert known.squares == pytest.approx(sum((w - mean) ** 2 for w in windows), abs=1e-6)


def test_look_ups_without_claims() -> None:
    known = unclaimed.Claimed()
    for _ in range(20):
        known = known.after(claimed=False)
    assert found(unclaimed.judge_claims(known, PARTY, AT, NONE)) is Rule.UNCLAIMED
    known = unclaimed.Claimed()
    for n in range(2_000):
        known = known.after(claimed=n % 10 < 7)
    assert unclaimed.judge_claims(known, PARTY, AT, NONE) is None


def test_a_habit_is_learnt_and_a_theft_is_not() -> None:
    honest = unclaimed.Claimed()
    for n in range(1_000):
        honest = honest.after(claimed=n % 5 > 0)
    assert 0.19 < honest.usual < 0.25
    for _ in range(400):
        honest = honest.after(claimed=False)
    assert honest.usual < 0.27


def test_one_person_asked_by_many() -> None:
    asked = one_person.Asked(day=6, week=6, mean_day=1.1, mean_week=1.3)
    assert found(one_person.judge_person(replace(asked, day=9, week=9), PARTY, AT, NONE)) is Rule.ONE_PERSON
    assert one_person.judge_person(replace(asked, day=5, week=5), PARTY, AT, NONE) is None
    assert one_person.judge_person(replace(asked, mean_day=4.0, mean_week=4.0), PARTY, AT, NONE) is None


def bursts(houses: int, insurer: int = 7) -> list[Burst]:
    return [
        Burst(AT, Party(device=UUID(int=n), establishment=UUID(int=100 + n)), insurer, ())
        for n in range(houses)
    ]


def test_many_accounts_moving_as_one() -> None:
    together_ = together.judge_together(bursts(4), AT)
    assert [(f.rule, f.strength) for f in together_] == [(Rule.TOGETHER, Strength.SURE)] * 4
    assert together.judge_together(bursts(3), AT) == []
    assert together.judge_together(bursts(9, insurer=0), AT) == []
    assert {f.strength for f in together.judge_together(bursts(10, insurer=0), AT)} == {Strength.STRONG}


def test_one_house_with_many_devices_moves_alone() -> None:
    one_house = [replace(burst, party=replace(burst.party, establishment=HOUSE)) for burst in bursts(12)]
    assert together.judge_together(one_house, AT) == []


def test_a_new_device_that_runs() -> None:
    new = new_device.NewDevice(age=HOUR, house_age=30 * DAY, count=20, usual=3.0)
    assert found(new_device.judge_new_device(new, PARTY, AT, NONE)) is Rule.NEW_DEVICE
    assert new_device.judge_new_device(replace(new, count=19), PARTY, AT, NONE) is None
    assert new_device.judge_new_device(replace(new, age=DAY), PARTY, AT, NONE) is None
    assert new_device.judge_new_device(replace(new, house_age=6 * DAY), PARTY, AT, NONE) is None
    assert new_device.judge_new_device(replace(new, usual=11.0), PARTY, AT, NONE) is None


def test_canaries() -> None:
    one = canary.judge_canary(1, other=False, party=PARTY, at=AT, evidence=NONE)
    two = canary.judge_canary(2, other=False, party=PARTY, at=AT, evidence=NONE)
    with_another = canary.judge_canary(1, other=True, party=PARTY, at=AT, evidence=NONE)
    assert [f.strength for f in (one, two, with_another) if f] == [
        Strength.SIGN,
        Strength.SURE,
        Strength.SURE,
    ]
    assert canary.judge_canary(0, other=True, party=PARTY, at=AT, evidence=NONE) is None


def test_sign_ins() -> None:
    assert found(sign_in.judge_device_sign_ins(8, AT, NONE)) is Rule.SIGN_IN
    assert sign_in.judge_device_sign_ins(7, AT, NONE) is None
    assert found(sign_in.judge_platform_sign_ins(40, 2.0, AT, NONE)) is Rule.SIGN_IN
    assert sign_in.judge_platform_sign_ins(39, 2.0, AT, NONE) is None
    assert sign_in.judge_platform_sign_ins(40, 20.0, AT, NONE) is None


def test_insisting() -> None:
    assert found(insisting.judge_insisting(6, 6, PARTY, AT, NONE)) is Rule.INSISTING
    assert insisting.judge_insisting(5, 5, PARTY, AT, NONE) is None
    assert found(insisting.judge_insisting(0, 30, PARTY, AT, NONE)) is Rule.INSISTING


def test_a_week_is_learnt_by_day_and_hour() -> None:
    rhythm = Rhythm("pharmacy", house=False)
    for week in range(6):
        for _ in range(24):
            day, kind, band = when(AT + week * 7 * DAY)
            rhythm.count(day, band)
    day, kind, band = when(AT + 6 * 7 * DAY)
    rhythm.close(day)
    assert rhythm.expect(kind, band).mean == pytest.approx(2.0, abs=0.6)
    assert (
        rhythm.expect(kind, band).uncertainty < Rhythm("pharmacy", house=False).expect(kind, band).uncertainty
    )
    assert rhythm.expect(kind, 1).mean < 0.1
    assert rhythm.share_of_band(band) == pytest.approx(1.0)


def test_a_day_on_which_something_was_found_is_not_learnt() -> None:
    rhythm = Rhythm("doctor", house=False)
    day, _, band = when(AT)
    for _ in range(200):
        rhythm.count(day, band)
    rhythm.spoilt = True
    rhythm.close(day + 1)
    assert rhythm.learnt() == 0
    assert rhythm.bins == [0.0] * 4


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, BANDS - 1)), max_size=300))
def test_what_is_learnt_is_never_more_than_what_was_counted(visits: list[tuple[int, int]]) -> None:
    rhythm = Rhythm("pharmacy", house=False)
    start, _, _ = when(AT)
    for day, band in sorted(visits):
        rhythm.count(start + day, band)
    rhythm.close(start + 8)
    assert rhythm.learnt() <= len(visits)


def test_bands_and_kinds_of_day_are_those_of_paris() -> None:
    # 2026-01-05 was a Monday; 08:00 UTC is nine o'clock in Paris, in summer it is ten.
    assert when(AT)[1:] == (0, 4)
    assert when(AT + 5 * DAY)[1] == 2
    assert when(AT + 6 * DAY)[1] == 3
    assert when(AT + 182 * DAY)[2] == 5
    assert when(AT + 50 * MINUTE)[2] == 4
