"""Crashes in the middle of a drill: whoever was told is in the ledger, whatever was lost is counted, and nothing is handed out twice."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rempart.drill.ledgerscope import account_for
from rempart.drill.play import play
from rempart.drill.receipts import Receipts
from rempart.drill.report import Report
from rempart.drill.scenario import BadScenario, load_scenario, read_scenario
from rempart.evidence.note import SignerKey
from rempart.vaultdoor.codes import CODES

KILLED = ["vault", "database", "front"]
VAULT, DATABASE, FRONT = (
    f"{{process: {name}, at_hours: {hours}}}"
    for name, hours in (("vault", 0.005), ("database", 0.02), ("front", 0.03))
)


def played(folder: Path, crashes: str, more: str = "") -> Report:
    thief = f"{{holds: session, accounts: 4, knows: card-list, pace: 3600, hours: any, days: 1{more}}}"
    town = "population: {persons: 1500, insurers: 2, establishments: 8}\nhonest: {days: 0}\nseed: 4\n"
    scenario = read_scenario(f"thief: {thief}\ncrashes: [{crashes}]\n{town}", "crashed")
    return play(scenario, folder / "p", lambda _: None)[0]


@pytest.fixture(scope="module")
def crashed(tmp_path_factory) -> Report:
    return played(tmp_path_factory.mktemp("c"), f"{VAULT}, {DATABASE}, {FRONT}")


def test_each_process_was_killed_among_requests_in_flight_and_came_back(crashed):
    assert [crash["process"] for crash in crashed.crashes] == KILLED
    assert all(crash["in_flight"] > 0 and crash["seconds"] > 0 for crash in crashed.crashes)
    met = crashed.thief_answers.keys() & {"outage", "door-gone"}
    assert met
    # The platform was whole again: the thief was told of more people after the last crash than before.
    last = crashed.crashes[-1]["minutes"]
    assert any(line["event"] == "told" and line["minutes"] > last for line in crashed.timeline)


def test_the_ledgers_scope_is_never_smaller_than_what_the_thief_was_told(crashed):
    assert crashed.persons_exposed > 0
    assert crashed.persons_in_scope >= crashed.persons_exposed
    assert crashed.scope_beyond_exposed == crashed.persons_in_scope - crashed.persons_exposed


def test_whatever_a_seat_was_told_is_in_the_ledger_at_that_seats_account(crashed):
    ledger = crashed.ledger
    assert ledger["seats"] > 8
    assert (ledger["seats_short"], ledger["unaccounted"]) == (0, 0)
    # An answer that was lost is an entry too, and nothing else is.
    assert ledger["leaves"] == ledger["receipts"] + ledger["received_by_nobody"]


def test_the_ledger_verifies_and_no_engagement_number_is_given_twice(crashed):
    ledger = crashed.ledger
    assert ledger["checkpoints"] > 0
    assert ledger["engagements"] > 100
    assert (ledger["indexes_twice"], ledger["engagements_twice"]) == (0, 0)


def test_people_meet_an_outage_told_as_one_and_ask_again(crashed):
    """Never an internal error: the vault knows that its database is gone."""
    assert crashed.honest_outages
    assert {code.split()[-1] for code in crashed.honest_outages} <= {"outage", "door-gone"}
    assert crashed.honest_refusals == {}
    known = CODES.keys() | {"told", "absent", "door-gone"}
    assert crashed.thief_answers.keys() <= known - {"internal"}


def test_receipts_without_an_entry_and_numbers_given_twice_are_seen(database):
    signer = SignerKey("test", Ed25519PrivateKey.generate())
    honest = Receipts({"a": [3, 3]}, ["0000-0003-X", "0000-0004-V"])
    thief = Receipts({"b": [4]}, ["0000-0004-V"])
    with database.connect("operator") as connection:
        found = account_for(connection, signer.verifier(), (honest, thief))
    assert (found.leaves, found.receipts, found.seats) == (0, 3, 2)
    assert (found.seats_short, found.unaccounted) == (2, 2)
    assert (found.indexes_twice, found.engagements_twice) == (1, 1)


@pytest.mark.parametrize(
    ("crashes", "said"),
    [
        ("[{process: printer, at_hours: 1}]", "crashes[0].process"),
        ("[{process: vault}]", "at_hours"),
        ("[{process: vault, at_hours: -1}]", "crashes[0].at_hours"),
        ("[{process: vault, at_hours: 1}, {process: vault, at_hours: 24}]", "crashes[1].at_hours: 24"),
        ("[{process: vault, at_hours: 1, twice: true}]", "unknown field `twice`"),
        ("vault", "crashes"),
    ],
)
def test_a_crash_that_makes_no_sense_is_refused_with_its_place(crashes, said):
    with pytest.raises(BadScenario) as refused:
        read_scenario(f"thief: {{holds: session}}\ncrashes: {crashes}", "x")
    assert said in refused.value.detail


def test_the_shipped_scenario_kills_vault_and_database_while_the_thief_is_at_work():
    scenario = load_scenario("viamedis-2024-crash")
    early = [crash.process for crash in scenario.crashes if crash.at_hours < 0.1]
    assert {"vault", "database"} <= set(early)


def test_a_thief_who_stops_at_a_refusal_stops_at_an_outage_and_what_was_lost_stays_counted(tmp_path):
    report = played(tmp_path, VAULT, ", adapts: stop-on-refusal")
    refused = report.thief_answers.keys() - {"told", "absent"}
    assert sum(report.thief_answers[code] for code in refused) <= 4
    assert report.persons_in_scope >= report.persons_exposed
    assert report.scope_beyond_exposed <= report.ledger["received_by_nobody"]
    assert report.ledger["unaccounted"] == 0
