"""Scopes of a ledger that a real vault wrote, by the commands that a duty officer types; checked against what the pharmacists were told."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from rempart.cli.commands import command_line
from rempart.cli.counter import Counter
from rempart.foundation.clock import MINUTE, system_clock
from rempart.foundation.vocabulary import Domain
from rempart.incident.exposure import Question
from rempart.incident.scope import scope
from rempart.incident.scope_report import said
from rempart.vaultdoor.fhir import Presentation, write_request
from rempart.vaultdoor.messages import Checkpoint, SignedCheckpoint
from tests.api.town import ANNE, ENDED, SUBMIT, TWIN, Insured, Town, running_town
from tests.conftest import Database
from tests.front.process import wait_until


@dataclass
class Asked:
    """What was asked and answered, as its counter knows it."""

    town: Town
    key: str
    begins: int
    houses: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """FINESS → (µs after the answer, n° adhérent) of each answer that told of somebody."""
    ends: int = 0


NOBODY = "99999999"


def check(asked: Asked, counter: Counter, finess: str, insured: Insured, shown: Presentation) -> None:
    body = write_request(shown)
    response, content = asked.town.ask("POST", SUBMIT, body, counter)
    assert response.status == 200, content
    if shown.adherent != NOBODY:
        asked.houses.setdefault(finess, []).append((system_clock(), insured.adherent))


@pytest.fixture(scope="module")
def asked(module_database: Database) -> Iterator[Asked]:
    """Two pharmacies at work."""
    with running_town(module_database) as town, town.newcomer() as (other, other_finess):
        reply = town.operate(Checkpoint())
        assert isinstance(reply, SignedCheckpoint)
        found = Asked(town, reply.verifier_key, system_clock())
        for domain in (Domain.PHAR, Domain.OPTI):
            check(found, town.counter, town.finess, ANNE, ANNE.by_card(domain))
            check(found, other, other_finess, TWIN, TWIN.by_vitale(domain))
        check(found, town.counter, town.finess, TWIN, TWIN.by_card())
        check(found, other, other_finess, ANNE, ANNE.by_card())
        check(found, other, other_finess, ENDED, ENDED.by_card())
        check(found, town.counter, town.finess, ANNE, ANNE.by_card(adherent=NOBODY))
        found.ends = system_clock() + 1
        wait_until(lambda: _signed(module_database) == town.ledger_size(), "all is signed")
        yield found


def _signed(database: Database) -> int:
    with database.connect() as owner:
        row = owner.execute("SELECT coalesce(max(size), 0) FROM evidence.checkpoint").fetchone()
    assert row is not None
    return int(row[0])


Run = Callable[..., Any]


@pytest.fixture
def run(asked: Asked) -> Run:
    def call(*arguments: str, ledger: bool = True) -> Any:
        more = ["--dsn", asked.town.database.dsn("operator")] if ledger else []
        keyed = ["--key", asked.key] if arguments[0] != "hit" else []
        whole = ["incident", *arguments, *more, *keyed]
        return CliRunner().invoke(command_line(whole), whole)

    return call


def test_the_command_tells_exactly_who_was_told_of(asked: Asked, run: Run, tmp_path: Path) -> None:
    finess = asked.town.finess
    place, proofs = tmp_path / "scope.json", tmp_path / "proofs.ndjson"
    result = run(
        "scope", "--since", said(asked.begins), "--until", said(asked.ends), "--establishment", finess, "--json", str(place),
        "--proofs", str(proofs),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    content = json.loads(place.read_text())
    assert content["persons"] == len({adherent for _, adherent in asked.houses[finess]})
    assert content["answers"] == len(asked.houses[finess]) == content["proved"]
    assert content["absences"] == 1
    # What was asked a moment ago may still be on its way into the ledger.
    assert any("not over" in line for line in content["cautions"])
    [insurer] = content["insurers"]
    domains = sorted(told["domain"] for person in insurer["exposed"] for told in person["answers"])
    assert domains == ["OPTI", "PHAR", "PHAR"]
    assert "formula" in content["revealed"]["1"]
    assert content["negative"]["depth"] == "recomputed"
    assert content["negative"]["told"] == 3
    assert content["professionals"]["establishments"][0]["number"] == finess
    assert "3 answers" in result.output
    assert "Nobody else was told of" in result.output
    assert place.stat().st_mode & 0o777 == 0o600
    verified = run("verify-proofs", str(proofs), ledger=False)
    assert verified.exit_code == 0, verified.output
    assert "3 answers" in verified.output
    proofs.write_text(proofs.read_text().replace('"opening":"0002', '"opening":"0003', 1))
    assert run("verify-proofs", str(proofs), ledger=False).exit_code == 1


def test_the_saved_question_answers_were_we_hit(asked: Asked, run: Run, tmp_path: Path) -> None:
    place, finess = tmp_path / "scope.json", asked.town.finess
    other = next(each for each in asked.houses if each != finess)
    since, until = said(asked.begins), said(asked.ends)
    assert (
        run(
            "scope", "--since", since, "--until", until, "--establishment", finess, "--json", str(place)
        ).exit_code
        == 0
    )
    result = run("hit", "--question", str(place), "--establishment", other, "--json", "-")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.output)
    # Nothing was done from there; Anne and her twin are its patients too.
    assert (answer["answers"], answer["served"], answer["served_by_others"]) == (0, 2, 2)
    with asked.town.database.connect() as owner:
        owner.execute(
            "INSERT INTO vault.party_group (id, label) VALUES (gen_random_uuid(), 'Les deux') ON CONFLICT DO NOTHING"
        )
        owner.execute(
            "UPDATE vault.establishment SET party_group = (SELECT id FROM vault.party_group WHERE label = 'Les deux')"
        )
    group = json.loads(run("hit", "--question", str(place), "--group", "Les deux", "--json", "-").output)
    assert (group["answers"], group["persons"], group["served"]) == (3, 2, 2)
    assert group["establishments"].keys() == {finess, other}
    everybody = json.loads(run("hit", "--question", str(place), "--all", "--json", "-").output)
    assert {number: each["served"] for number, each in everybody["establishments"].items()} == {
        finess: 2,
        other: 2,
    }
    human = run("hit", "--question", str(place), "--establishment", other)
    assert "2 des personnes que vous avez servies" in " ".join(human.output.split())
    assert run("hit", "--question", str(place)).exit_code == 1
    assert run("hit", "--question", str(place), "--group", "Nobody").exit_code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--since", "yesterday"),
        ("--since", "2026-01-01", "--until", "2025-01-01"),
        ("--since", "2026-01-01", "--account", "nobody"),
        ("--since", "2026-01-01", "--device", "not-an-id"),
        ("--since", "2026-01-01", "--establishment", "000000000"),
        ("--since", "2026-01-01", "--group", "nobody"),
        ("--since", "2026-01-01", "--editor", "nobody"),
        ("--since", "2026-01-01", "--insurer", "00000000"),
        ("--since", "2026-01-01", "--lane", "fast"),
        ("--question", "/nowhere"),
        ("--since", "2026-01-01", "--operations-key", "é"),
    ],
)
def test_a_question_that_cannot_be_asked_is_no_empty_scope(run: Run, arguments: tuple[str, ...]) -> None:
    result = run("scope", *arguments)
    assert result.exit_code == 1
    assert "persons exposed" not in result.output
    assert "Traceback" not in result.output


def test_an_entry_deleted_by_the_operator_leaves_the_list_without_its_negative(
    asked: Asked, run: Run
) -> None:
    with asked.town.database.connect() as owner:
        row = owner.execute("DELETE FROM evidence.entry WHERE index = 0 RETURNING *").fetchone()
        assert row is not None
        try:
            result = run("scope", "--since", said(asked.begins), "--until", said(asked.ends))
        finally:
            holders = ", ".join(["%s"] * len(row))
            owner.execute(f"INSERT INTO evidence.entry VALUES ({holders})", row)  # type: ignore[call-overload]
    assert result.exit_code == 1
    assert "CANNOT be said" in result.output
    assert "Nobody else was told of" not in result.output
    assert "ledger-leaf-missing" in result.output


def test_an_answer_rewritten_by_the_operator_is_listed_and_not_vouched_for(asked: Asked, run: Run) -> None:
    with asked.town.database.connect() as owner:
        owner.execute("UPDATE evidence.entry SET domain = 13 - domain WHERE index = 0")
        try:
            result = run("scope", "--since", said(asked.begins), "--until", said(asked.ends))
        finally:
            owner.execute("UPDATE evidence.entry SET domain = 13 - domain WHERE index = 0")
    assert result.exit_code == 1
    assert "CANNOT be proved" in result.output
    assert "3 persons exposed" in result.output
    assert "ledger-leaf-rewritten" in result.output


@given(begin=st.integers(0, 1000), length=st.integers(1, 1000), who=st.booleans())
@settings(max_examples=40, deadline=None)
def test_whatever_the_interval_the_counter_knows_the_same_answers(
    asked: Asked, begin: int, length: int, who: bool
) -> None:
    span = asked.ends - asked.begins
    since = asked.begins + span * begin // 1000
    until = max(since + 1, since + span * length // 1000)
    finess = list(asked.houses)[who]
    with asked.town.database.connect("operator") as c, asked.town.database.connect() as owner:
        row = owner.execute("SELECT id FROM vault.establishment WHERE finess = %s", (finess,)).fetchone()
        assert row is not None
        found = scope(c, Question(since, until, establishments=frozenset({row[0]})))
        rows = owner.execute(
            "SELECT index FROM evidence.entry WHERE establishment = %s AND outcome = 1 AND at >= %s AND at < %s",
            (row[0], since, until),
        ).fetchall()
    assert {told.index for person in found.exposed for told in person.answers} == {index for (index,) in rows}
    # An answer's leaf is written before it arrives: what arrived before the interval is not in it, nor what was asked after.
    arrived = [at for at, _ in asked.houses[finess]]
    assert sum(len(person.answers) for person in found.exposed) <= sum(
        since <= at < until + MINUTE for at in arrived
    )
