"""The clocks of the law, from the shipped list: when each lapses, and how loud it is."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rempart.foundation.clock import DAY, HOUR, MINUTE, SECOND
from rempart.incident.case import Act, Done, DutyUnknown, Incident, IncidentUnknown, Verb, incident_of
from rempart.incident.clocks import State, loudest, read_clocks
from rempart.incident.facts import read_instant
from rempart.incident.notices.templates import Templates

TEMPLATES = Templates.read()
AWARE = read_instant("2026-11-28T03:10")
OPEN = Incident(1, "Session volée", AWARE, AWARE)


def state(incident: Incident, duty: str, now: int) -> State:
    return next(due.state for due in read_clocks(TEMPLATES.clocks, incident, now) if due.duty.key == duty)


def due(incident: Incident, duty: str) -> int | None:
    return next(due.due for due in read_clocks(TEMPLATES.clocks, incident, AWARE) if due.duty.key == duty)


def test_a_time_without_an_offset_is_that_of_paris() -> None:
    assert datetime(2026, 11, 28, 2, 10, tzinfo=UTC).timestamp() * SECOND == AWARE
    assert read_instant("2026-11-28T03:10+00:00") == AWARE + HOUR


@pytest.mark.parametrize(
    ("duty", "hours"),
    [
        ("gdpr-33-1", 72),
        ("gdpr-33-2", 24),
        ("nis2-early", 24),
        ("nis2-notification", 72),
        ("dora-initial", 24),
    ],
)
def test_a_term_runs_from_awareness(duty: str, hours: int) -> None:
    assert due(OPEN, duty) == AWARE + hours * HOUR


def test_dora_is_four_hours_after_classification_and_never_later_than_a_day_after_awareness() -> None:
    soon = replace(OPEN, facts={"classified": str(AWARE + 2 * HOUR)})
    assert due(soon, "dora-initial") == AWARE + 6 * HOUR
    late = replace(OPEN, facts={"classified": str(AWARE + 23 * HOUR)})
    assert due(late, "dora-initial") == AWARE + 24 * HOUR


def test_a_month_is_a_calendar_month_at_the_same_hour_in_paris() -> None:
    def final(told: str) -> int | None:
        return due(replace(OPEN, done={"nis2-notification": Done(read_instant(told), "")}), "nis2-final")

    assert final("2026-11-30T03:00") == read_instant("2026-12-30T03:00")
    assert final("2027-01-31T12:00") == read_instant("2027-02-28T12:00")
    assert final("2026-12-15T08:00") == read_instant("2027-01-15T08:00")
    # Summer time begins in between: the hour on the wall counts.
    assert final("2027-03-10T10:00") == read_instant("2027-04-10T10:00")
    assert due(OPEN, "nis2-final") is None


def test_it_is_loud_in_its_last_quarter_and_late_a_microsecond_after_its_term() -> None:
    assert state(OPEN, "gdpr-33-1", AWARE + 53 * HOUR) is State.RUNNING
    assert state(OPEN, "gdpr-33-1", AWARE + 54 * HOUR) is State.SOON
    assert state(OPEN, "gdpr-33-1", AWARE + 72 * HOUR) is State.SOON
    assert state(OPEN, "gdpr-33-1", AWARE + 72 * HOUR + 1) is State.LATE


def test_what_was_done_in_time_and_what_was_done_late() -> None:
    in_time = replace(OPEN, done={"gdpr-33-1": Done(AWARE + 71 * HOUR, "CNIL-1")})
    assert state(in_time, "gdpr-33-1", AWARE + 90 * DAY) is State.DONE
    late = replace(OPEN, done={"gdpr-33-1": Done(AWARE + 73 * HOUR, "")})
    assert state(late, "gdpr-33-1", AWARE + 90 * DAY) is State.DONE_LATE
    waived = replace(OPEN, waived={"nis2-early": "pas une entité NIS 2"})
    assert state(waived, "nis2-early", AWARE + 90 * DAY) is State.WAIVED


def test_the_loudest_of_our_own_decides_and_anothers_duty_never_does() -> None:
    def loud(incident: Incident, now: int) -> State:
        return loudest(read_clocks(TEMPLATES.clocks, incident, now))

    assert loud(OPEN, AWARE + MINUTE) is State.RUNNING
    assert loud(OPEN, AWARE + 20 * HOUR) is State.SOON
    assert loud(OPEN, AWARE + 25 * HOUR) is State.LATE
    ours = {duty.key: Done(AWARE, "") for duty in TEMPLATES.clocks.duty if not duty.aid and not duty.months}
    only_aids = replace(OPEN, done=ours)
    assert state(only_aids, "dora-initial", AWARE + 25 * HOUR) is State.LATE
    assert loud(only_aids, AWARE + 25 * HOUR) is State.RUNNING


@given(st.integers(0, 200 * 24 * 60), st.integers(0, 200 * 24 * 60))
def test_no_duty_becomes_quieter_by_waiting(first: int, more: int) -> None:
    order = [State.WAITING, State.OPEN, State.RUNNING, State.SOON, State.LATE]
    before = read_clocks(TEMPLATES.clocks, OPEN, AWARE + first * MINUTE)
    after = read_clocks(TEMPLATES.clocks, OPEN, AWARE + (first + more) * MINUTE)
    for one, other in zip(before, after, strict=True):
        assert order.index(one.state) <= order.index(other.state)


def test_an_incident_is_what_its_acts_say_in_their_order() -> None:
    acts = [
        Act(1, 10, "a", Verb.OPEN, "titre", "5"),
        Act(2, 11, "a", Verb.FACT, "nature", "première"),
        Act(3, 12, "b", Verb.FACT, "nature", "seconde"),
        Act(4, 13, "b", Verb.FACT, "severity", "limited"),
        Act(5, 14, "b", Verb.FACT, "severity", ""),
        Act(6, 15, "b", Verb.DONE, "gdpr-33-1", "14 CNIL 42"),
        Act(7, 16, "b", Verb.REMIND, "3", "2"),
    ]
    found = incident_of(9, acts)
    assert (found.aware, found.facts) == (5, {"nature": "seconde"})
    assert found.done == {"gdpr-33-1": Done(14, "CNIL 42")}
    assert found.reminded == {(3, 2): 16}
    with pytest.raises(IncidentUnknown):
        incident_of(9, acts[1:])
    with pytest.raises(DutyUnknown):
        TEMPLATES.clocks.find("gdpr-99")


def test_the_page_tells_the_duties_that_are_shipped() -> None:
    page = (Path(__file__).parents[2] / "docs/incident.md").read_text()
    line = r"^\| `([a-z0-9-]+)`(?: \(aid\))? \| ([^|]+) \| [^|]+ \| [^|]+ \| ([^|]+) \|$"
    rows = {key: (law, documents) for key, law, documents in re.findall(line, page, re.MULTILINE)}
    assert rows.keys() == {duty.key for duty in TEMPLATES.clocks.duty}
    for duty in TEMPLATES.clocks.duty:
        law, documents = rows[duty.key]
        assert law == duty.law.replace("RGPD art. ", "RGPD ")
        assert set(re.findall(r"`([a-z0-9-]+)`", documents)) == set(duty.documents)
        assert f"`{duty.key}` (aid)" in page if duty.aid else f"`{duty.key}` |" in page
    assert all(TEMPLATES.document(name) for duty in TEMPLATES.clocks.duty for name in duty.documents)
