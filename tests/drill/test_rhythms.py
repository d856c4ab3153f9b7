"""Honest traffic has the professions' hours, and is the same for the same seed."""

import random
from datetime import date, datetime, timedelta

import pytest

from rempart.drill.rhythms import RHYTHMS, arrivals, hours_on, is_working, moment, opening, poisson
from rempart.foundation.clock import PARIS, SECOND
from rempart.foundation.vocabulary import Profession

MONDAY = date(2026, 1, 5)
CARERS = [
    profession for profession in Profession if profession not in {Profession.INSURER, Profession.OPERATOR}
]


def test_every_profession_that_checks_rights_has_a_rhythm():
    assert set(RHYTHMS) == set(CARERS)


@pytest.mark.parametrize("profession", CARERS)
def test_people_come_within_the_opening_hours_and_never_on_sunday(profession):
    rhythm, chance = RHYTHMS[profession], random.Random(1)
    for day in (MONDAY + timedelta(days=n) for n in range(14)):
        came = arrivals(rhythm, day, 1.0, chance)
        assert came == sorted(came)
        for at in came:
            local = datetime.fromtimestamp(at / SECOND, PARIS)
            assert local.date() == day
            hour = local.hour + local.minute / 60 + local.second / 3600
            assert any(begins <= hour < ends for begins, ends, _ in hours_on(rhythm, day))
        if day.weekday() == 6:
            assert came == []
            assert opening(rhythm, day) is None


def test_mondays_are_busier_and_laboratories_begin_early():
    pharmacy, laboratory = RHYTHMS[Profession.PHARMACY], RHYTHMS[Profession.LABORATORY]
    chance = random.Random(2)
    mondays = sum(len(arrivals(pharmacy, MONDAY, 1.0, chance)) for _ in range(60))
    tuesdays = sum(len(arrivals(pharmacy, MONDAY + timedelta(days=1), 1.0, chance)) for _ in range(60))
    assert mondays > 1.1 * tuesdays
    came = [at for _ in range(20) for at in arrivals(laboratory, MONDAY, 1.0, chance)]
    early = sum(at < moment(MONDAY, 10) for at in came)
    assert early > 0.6 * len(came)


def test_the_same_dice_give_the_same_day():
    rhythm = RHYTHMS[Profession.DOCTOR]
    assert arrivals(rhythm, MONDAY, 1.3, random.Random(7)) == arrivals(rhythm, MONDAY, 1.3, random.Random(7))


@pytest.mark.parametrize("mean", [0.5, 12.0, 90.0])
def test_arrivals_are_poisson(mean):
    chance = random.Random(3)
    drawn = [poisson(mean, chance) for _ in range(4_000)]
    average = sum(drawn) / len(drawn)
    variance = sum((n - average) ** 2 for n in drawn) / len(drawn)
    assert average == pytest.approx(mean, rel=0.05)
    assert variance == pytest.approx(mean, rel=0.12)


def test_lunch_is_no_working_hour():
    rhythm = RHYTHMS[Profession.PHARMACY]
    assert is_working(rhythm, moment(MONDAY, 11))
    assert not is_working(rhythm, moment(MONDAY, 13))
    assert not is_working(rhythm, moment(MONDAY + timedelta(days=6), 11))


def test_the_night_the_clocks_change_is_no_hour_too_long():
    """29 March 2026, the day after: 9 in the morning is 9 in the morning."""
    assert datetime.fromtimestamp(moment(date(2026, 3, 30), 9) / SECOND, PARIS).hour == 9
    assert datetime.fromtimestamp(moment(date(2026, 3, 29), 9) / SECOND, PARIS).hour == 9
