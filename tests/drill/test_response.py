"""A drill with a duty officer: from the alert to the reopening, and what that costs those who are not concerned. A small town."""

import json

import pytest

from rempart.drill.report import Report
from rempart.drill.respond import play_response, require_answerable
from rempart.drill.response import beside_january_2024
from rempart.drill.scenario import BadScenario, read_scenario

MOST_WITHHELD = 10
"""Requests that a robot has in flight, at the most, as a switch falls."""
TOWN = "population: {persons: 1500, insurers: 3, establishments: 8}\nhonest: {days: 0}\nseed: 4\n"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    scenario = read_scenario(
        f"thief: {{holds: session, knows: card-list, pace: 600, hours: any, days: 1}}\n{TOWN}", "small"
    )
    played, _ = play_response(scenario, tmp_path_factory.mktemp("r") / "p", lambda _: None)
    return played


def test_a_robot_in_full_flight_is_contained_within_a_second_of_the_decision(report: Report) -> None:
    told = report.response
    assert told is not None
    assert 0 < told.contained_after_decision_ms < 1_000
    assert told.told_after_containment == 0
    assert told.persons_after_containment == 0
    assert report.contained_minutes is not None
    assert report.thief_answers["contained"] >= 4


def test_what_the_insurers_read_is_what_the_thief_counts(report: Report) -> None:
    told = report.response
    assert told is not None
    assert told.scope_equals_thief
    assert told.persons_listed - told.persons_of_the_holder == report.persons_exposed + told.persons_withheld
    # Counted, and held back as the switch fell: never fewer than the thief was told of.
    assert report.persons_exposed > 0
    assert report.persons_in_scope - report.persons_exposed == told.persons_withheld <= MOST_WITHHELD
    assert told.proofs >= told.persons_listed
    assert told.nobody_else == "recomputed"
    assert told.scope_seconds < 5


def test_every_insurer_has_its_package_and_every_authority_its_document(report: Report) -> None:
    told = report.response
    assert told is not None
    assert (told.packages, told.acknowledged) == (3, 3)
    assert told.packages_seconds < 60
    # The authorities', the prosecutor's, the public's; a letter to the house, one to those not concerned.
    assert told.documents >= 12


def test_the_account_is_reopened_and_nobody_else_was_stopped(report: Report) -> None:
    told = report.response
    assert told is not None
    assert told.reopened
    assert told.honest_requests > 0
    assert told.honest_refused == {}
    assert report.honest_refusals == {}
    assert [step["step"] for step in told.steps] == [
        "contained", "counted", "insurers told", "documents written", "signed out everywhere, new code",
        "reopened for people of the house", "reopened",
    ]  # fmt: skip
    # The robot keeps what it saw last of session and key: it is worth nothing.
    assert report.thief_answers["session"] > 0


def test_the_ledger_accounts_for_every_answer_of_the_night(report: Report) -> None:
    ledger = report.ledger
    assert (ledger["unaccounted"], ledger["seats_short"]) == (0, 0)
    assert ledger["leaves"] == ledger["receipts"] + ledger["received_by_nobody"]
    assert ledger["received_by_nobody"] <= MOST_WITHHELD


def test_five_figures_stand_beside_the_drills_own(report: Report) -> None:
    written = json.loads(json.dumps(report.to_json()))
    beside = ("contained_after_decision_ms", "scope_seconds", "packages", "packages_seconds", "reopened")
    assert [written[name] for name in beside] == [written["response"][name] for name in beside]
    assert report.response is not None
    rows = beside_january_2024(report.response, report.first_alert_minutes)
    assert any("14 jours" in then for _, then, _ in rows)
    assert any(f"{report.response.persons_listed} personnes" in here for _, _, here in rows)


@pytest.mark.parametrize("thief", ["holds: password", "holds: session, accounts: 3"])
def test_what_is_no_infected_workstation_is_not_answered(thief: str) -> None:
    scenario = read_scenario(f"thief: {{{thief}, knows: card-list, pace: 600}}\n{TOWN}", "other")
    with pytest.raises(BadScenario, match="with-response"):
        require_answerable(scenario)
