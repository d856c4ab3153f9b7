"""Whole drills on a real platform, small ones: the thief's count and the ledger's agree, and what protects does protect."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from rempart.drill.duty import Announces, OnDuty
from rempart.drill.picture import draw, require_picture
from rempart.drill.play import play
from rempart.drill.report import Report
from rempart.drill.scenario import BadScenario, Scenario, read_scenario
from rempart.drill.stage import Drill
from rempart.drill.watch import Alert
from rempart.foundation.clock import MINUTE

TOWN = "population: {persons: 1500, insurers: 2, establishments: 8}\nhonest: {days: 0}\nseed: 4\n"


class Duty:
    """Notes what it is told, and when."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, Alert]] = []

    def on(self, drill: Drill) -> "Duty":
        self.drill = drill
        return self

    async def prepare(self) -> None:
        assert self.drill.town.seats()

    def contained(self) -> None:
        """Notes only."""

    def close(self) -> None:
        self.closed = True

    async def alerted(self, alert: Alert) -> None:
        self.heard.append((self.drill.clock(), alert))


def played(
    folder: Path, thief: str, on_duty: Callable[[Drill], OnDuty] = Announces
) -> tuple[Report, list[tuple[int, int]], Scenario]:
    scenario = read_scenario(
        f"thief: {{{thief}, knows: card-list, pace: 600, hours: any, days: 1}}\n{TOWN}", "small"
    )
    report, curve = play(scenario, folder / "p", lambda _: None, on_duty)
    return report, curve, scenario


@pytest.fixture(scope="module")
def duty() -> Duty:
    return Duty()


@pytest.fixture(scope="module")
def infected(tmp_path_factory, duty) -> tuple[Report, list[tuple[int, int]], Scenario]:
    return played(tmp_path_factory.mktemp("d"), "holds: session", duty.on)


def test_an_infected_workstation_opens_its_line_and_is_contained(infected):
    report, _, _ = infected
    assert 0 < report.persons_exposed <= 60
    assert report.contained_minutes is not None
    assert report.contained_minutes <= 60
    assert report.persons_until_contained <= report.persons_exposed


def test_the_thiefs_count_is_the_ledgers(infected):
    report, _, _ = infected
    # An answer that was counted, and held back as a switch fell, is in the ledger's count alone.
    lost = report.ledger["received_by_nobody"]
    assert 0 <= report.persons_in_scope - report.persons_exposed <= lost <= 10
    assert report.ledger["unaccounted"] == 0
    assert report.thief_answers["told"] >= report.persons_exposed


def test_whoever_is_on_duty_is_told_of_each_alert_once_and_as_it_comes(infected, duty):
    report, _, _ = infected
    said = duty.heard
    assert duty.closed
    assert len({alert.id for _, alert in said}) == len(said)
    assert len(said) == len(report.alerts) + sum(report.alerts_about_others.values())
    first = min(said, key=lambda each: each[1].at)
    # The clock stood: nobody on duty hears of the past only at the end.
    assert 0 <= first[0] - first[1].at <= 2 * MINUTE


def test_the_timeline_ends_with_all_persons_and_stands_in_order(infected):
    report, _, _ = infected
    told = [line for line in report.timeline if line["event"] == "told"]
    assert told[-1]["persons"] == report.persons_exposed
    assert [line["minutes"] for line in report.timeline] == sorted(
        line["minutes"] for line in report.timeline
    )


def test_honest_people_went_about_their_work(infected):
    report, _, _ = infected
    assert report.honest_requests > 100
    assert report.honest_invoices["accepted"] > 0.5 * report.honest_requests
    assert report.persons_without_meters > 10 * report.persons_exposed


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_the_picture_shows_both_curves_in_french(infected, tmp_path, suffix):
    report, curve, scenario = infected
    file = tmp_path / f"timeline{suffix}"
    draw(report, scenario, curve, curve[0][0], file)
    if suffix == ".png":
        assert file.read_bytes().startswith(b"\x89PNG")
        return
    drawn = file.read_text()
    ElementTree.fromstring(drawn)
    assert "Avec Rempart (joué)" in drawn
    assert "Sans compteurs (calculé)" in drawn


def test_a_picture_of_no_known_form_is_refused_before_anything_is_played(tmp_path):
    with pytest.raises(BadScenario, match="svg or"):
        require_picture(tmp_path / "timeline.gif")


def test_a_stolen_cookie_tells_nobody(tmp_path):
    report, _, _ = played(tmp_path, "holds: cookie")
    assert report.thief_requests > 0
    assert (report.persons_exposed, report.persons_in_scope) == (0, 0)
    assert "told" not in report.thief_answers


def test_a_scenario_that_makes_no_sense_ends_with_a_sentence(tmp_path):
    scenario = tmp_path / "bad.yaml"
    scenario.write_text("thief: {holds: session, knows: nir-list, lane: card}")
    command = [sys.executable, "-m", "rempart.cli", "drill", str(scenario)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "bad: thief.lane" in done.stderr
    assert "[scenario]" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_list_names_every_shipped_scenario():
    command = [sys.executable, "-m", "rempart.cli", "drill", "--list"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "viamedis-2024\n" in done.stdout


def test_the_report_is_json(infected):
    report, _, _ = infected
    written = json.loads(json.dumps(report.to_json()))
    assert written["persons_exposed"] == report.persons_exposed
    # Nobody on duty acted: nothing is claimed of a response.
    assert "reopened" not in written
