"""What a thief knows and how fast he goes."""

import random
from itertools import islice

import pytest

from rempart.drill.knowledge import listed, targets
from rempart.drill.loot import Loot
from rempart.drill.pace import TIRED_AFTER, Pace
from rempart.drill.rhythms import RHYTHMS, moment
from rempart.drill.scenario import read_scenario
from rempart.drill.unmetered import without_meters
from rempart.foundation.clock import DAY, HOUR
from rempart.foundation.identifiers import check_nir, refuse_unless_synthetic
from rempart.foundation.vocabulary import Domain, Profession
from rempart.population import Population
from tests.drill.test_rhythms import MONDAY

POPULATION = Population(5, 1_000, 2)
PEOPLE = [person for insurer in POPULATION.insurers for person in POPULATION.people(insurer)]


def scenario(**thief):
    given = {"holds": "session"} | thief
    words = ", ".join(f"{key}: {value}" for key, value in given.items())
    return read_scenario(f"thief: {{{words}}}\nseed: 5", "test")


def test_a_list_covers_its_share_and_is_sorted_when_he_sorts_it():
    half = listed(scenario(knows="card-list", list_coverage=0.5, order="sorted"), PEOPLE)
    assert 400 < len(half) < 600
    assert [(p.amc, p.adherent) for p in half] == sorted((p.amc, p.adherent) for p in half)
    nirs = listed(scenario(knows="nir-list", order="sorted"), PEOPLE)
    assert [p.presented_nir for p in nirs] == sorted(p.presented_nir for p in PEOPLE)


@pytest.mark.parametrize("knows", ["nir-list", "card-list"])
def test_whoever_is_on_a_list_is_presented_rightly(knows):
    plan = scenario(knows=knows)
    for target in islice(targets(plan, listed(plan, PEOPLE), POPULATION.insurers, Domain.PHAR), 50):
        assert target.person is not None
        assert target.shown.birth_date.isoformat() == target.person.birth_date


def test_number_ranges_without_birth_dates_are_hardly_ever_right():
    plan = scenario(knows="member-number-ranges")
    drawn = list(targets(plan, listed(plan, PEOPLE), POPULATION.insurers, Domain.PHAR))
    assert len(drawn) == len(PEOPLE)
    assert sum(target.person is not None for target in drawn) <= 3


@pytest.mark.parametrize("lane", ["card", "vitale", "secret"])
def test_guesses_have_a_form_that_the_doors_take(lane):
    for target in islice(targets(scenario(lane=lane), [], POPULATION.insurers, Domain.PHAR), 200):
        assert target.person is None
        if lane == "vitale":
            refuse_unless_synthetic(check_nir(target.shown.nir))


def pace(**thief):
    plan = scenario(knows="card-list", **thief).thief
    return Pace(plan, plan.accounts, random.Random(1))


def test_a_machines_pace_is_kept_over_an_hour():
    clockwork = pace(pace=1_000, hours="any")
    asked = sum(clockwork.due() for _ in range(HOUR // clockwork.step))
    assert asked in {999, 1_000}


def test_a_counters_pace_keeps_a_counters_hours():
    clockwork, rhythm = pace(pace="human", hours="any"), RHYTHMS[Profession.PHARMACY]
    assert clockwork.is_up(rhythm, moment(MONDAY, 11))
    assert not clockwork.is_up(rhythm, moment(MONDAY, 3))
    assert pace(pace=60, hours="any").is_up(rhythm, moment(MONDAY, 3))


def test_slowing_down_halves_and_a_wall_tires():
    clockwork = pace(pace=1_000, hours="any", adapts="[slow-down]")
    clockwork.refused()
    assert clockwork.an_hour() == 500
    stubborn = pace(pace=1_000, hours="any")
    for _ in range(TIRED_AFTER):
        stubborn.refused()
    assert stubborn.an_hour() < 10
    stubborn.answered()
    assert stubborn.an_hour() == 1_000


def test_under_the_cap_is_felt_for():
    clockwork = pace(pace="under-cap")
    begun = clockwork.an_hour()
    clockwork.new_day()
    assert clockwork.an_hour() > begun
    clockwork.refused()
    clockwork.refused()
    assert clockwork.an_hour() == pytest.approx((begun * 9 + 1) / 2 / 9)


def test_without_meters_the_whole_list_is_told_at_his_pace():
    begins = moment(MONDAY, 10)
    plan = scenario(knows="card-list", pace=3600, hours="any")
    curve = without_meters(plan, 20_000, begins, begins + DAY)
    assert curve[0] == (begins, 0)
    assert curve[60] == (begins + HOUR, 3_600)
    assert curve[-1][1] == 20_000
    assert without_meters(scenario(), 0, begins, begins + DAY)[-1][1] == 0


def test_a_child_presented_under_a_parents_nir_is_a_person_of_its_own():
    of_nir = {}
    for person in PEOPLE:
        of_nir.setdefault((person.insurer, person.presented_nir), []).append(person)
    family = next(people for people in of_nir.values() if len(people) > 1)
    loot = Loot()
    for person in (*family, family[0]):
        loot.take(person, 1)
    assert loot.persons == len(family)
