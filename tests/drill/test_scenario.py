"""Scenarios: whatever makes sense is played, whatever does not is an error that says why."""

import pytest

from rempart.drill.scenario import BadScenario, Description, load_scenario, read_scenario, shipped

REQUIRED = {
    "viamedis-2024", "amelipro-2022", "france-travail-2024", "credential-stuffing", "sub-threshold-scraper", "endpoint-hopper",
    "colluding-accounts", "compromised-editor", "canary-aware-thief", "database-dump", "door-root", "idle-account-28-days",
    "busy-account-28-days", "fake-claims",
}  # fmt: skip


def test_the_shipped_scenarios_are_there_each_described_in_both_languages():
    assert set(shipped()) >= REQUIRED
    for name in shipped():
        scenario = load_scenario(name)
        assert scenario.name == name
        assert isinstance(scenario.description, Description)
        assert scenario.description.fr
        assert scenario.description.en


def test_a_scenario_of_one_line_is_played_with_the_defaults():
    scenario = read_scenario("thief: {holds: session}", "mine")
    assert scenario.name == "mine"
    assert (scenario.thief.accounts, scenario.thief.plays_lane, scenario.thief.pace) == (1, "card", "human")
    assert (scenario.population.persons, scenario.honest.days, scenario.days) == (20_000, 1, 2)


def test_a_list_opens_its_own_lane():
    assert read_scenario("thief: {holds: session, knows: nir-list}", "x").thief.plays_lane == "vitale"
    assert read_scenario("thief: {holds: session, lane: secret}", "x").thief.plays_lane == "secret"


@pytest.mark.parametrize(("written", "read"), [("none", []), ("", []), ("slow-down", ["slow-down"])])
def test_one_adaptation_or_none_may_be_written_without_a_list(written, read):
    assert read_scenario(f"thief: {{holds: session, adapts: {written}}}", "x").thief.adapts == read


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("thief: {holds: session, stealth: 3}", "unknown field `stealth`"),
        ("thief: {holds: charm}", "holds"),
        ("thief: {holds: session, pace: 0}", "pace"),
        ("thief: {holds: session, pace: fast}", "pace"),
        ("thief: {holds: session, list_coverage: 1.5}", "list_coverage"),
        ("{}", "thief"),
        ("- thief", "object"),
        ("thief: {holds: [", "no YAML"),
        ("thief: {holds: session, knows: nir-list, lane: card}", "nir-list opens the lane vitale"),
        ("thief: {holds: session, knows: card-list, lane: secret}", "card-list opens the lane card"),
        ("thief: {holds: session, list_coverage: 0.5}", "no list"),
        ("thief: {holds: session, adapts: [switch-account]}", "more than one account"),
        ("thief: {holds: password, adapts: [fake-claims]}", "fake-claims"),
        ("thief: {holds: database-dump, accounts: 2}", "no account"),
        ("thief: {holds: database-dump, adapts: [slow-down]}", "nothing to adapt to"),
        ("thief: {holds: insurer-access, accounts: 9}", "more than there are insurers"),
        ("thief: {holds: session}\npopulation: {persons: 100, insurers: 84}", ""),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(text, said):
    if not said:
        assert read_scenario(text, "x").population.insurers == 84
        return
    with pytest.raises(BadScenario) as refused:
        read_scenario(text, "x")
    assert said in refused.value.detail


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadScenario, match="--list"):
        load_scenario(str(tmp_path / "none.yaml"))
