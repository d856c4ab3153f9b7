"""The whole platform as `rempart up` starts it: files of a synthetic population go in at one end, the truth comes out at the other."""

import base64
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from rich.console import Console

from rempart.cli.counter import Counter
from rempart.cli.demo import enrol_pharmacist
from rempart.cli.demo_trade import Houses
from rempart.cli.presenting import by_card, by_vitale
from rempart.cli.taking_in import take_in
from rempart.database.embedded import EmbeddedCluster
from rempart.foundation.clock import paris_date, system_clock
from rempart.foundation.vocabulary import Domain, Profession
from rempart.population.model import Person
from rempart.population.population import Population
from rempart.population.professionals import synthetic_establishments
from rempart.supervisor.home import Home
from rempart.supervisor.platform import Platform, running_platform
from tests.front.process import wait_until

POPULATION = Population(7, 3_000)


@dataclass
class Asked:
    """A platform that has answered for many people, and is stopped."""

    folder: Path
    port: int
    answers: list[tuple[Person, Domain, str, dict[str, Any]]]
    """Person, domain, lane, what the door said."""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """Some people of every insurer, each by both lanes. The sentinel would rightly hold a counter that asks so: it reads it afterwards."""
    folder = tmp_path_factory.mktemp("w") / "p"
    with running_platform(folder, without=("sentinel",)) as started, superuser(folder) as connection:
        take_in(started, POPULATION, Console(file=io.StringIO()))
        counter = enrol_pharmacist(started)
        answers = []
        for number, person in enumerate(people(18)):
            renew_lines(connection)
            domain = list(Domain)[number % len(Domain)]
            for lane, presented in (("card", by_card), ("vitale", by_vitale)):
                answers.append((person, domain, lane, counter.check(presented(person, domain))))
        counter.close()
    return Asked(folder, started.port, answers)


@pytest.fixture(scope="module")
def platform(asked: Asked) -> Iterator[Platform]:
    """The same one, whole."""
    with running_platform(asked.folder, port=asked.port) as started:
        yield started


@pytest.fixture(scope="module")
def counter(platform: Platform) -> Iterator[Counter]:
    """In another pharmacy than the one that asked for everybody."""
    signed_in = Houses(platform, 70).open(Profession.PHARMACY)
    yield signed_in
    signed_in.close()


def superuser(folder: Path) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(
        EmbeddedCluster(Home.at(folder).postgres).superuser_dsn("rempart"), autocommit=True
    )


def renew_lines(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Nothing spent yet: a person whom both lanes miss weighs 55, and the pace of a counter is 30."""
    connection.execute(
        "UPDATE vault.meter SET hour = '{0,0,0,0,0}', day = '{0,0,0,0,0,0,0}', month = '{0,0,0,0,0,0,0,0}'"
    )


def people(every: int) -> Iterator[Person]:
    """Some people of every insurer."""
    for insurer in POPULATION.insurers:
        for index in range(0, insurer.persons, every):
            yield POPULATION.person(insurer.index, index)


def test_every_answer_is_the_populations_truth(asked: Asked) -> None:
    today = paris_date(system_clock())
    told = {"card": 0, "vitale": 0}
    for person, domain, lane, answer in asked.answers:
        contracts = [c for c in person.contracts if not c.is_dead(today)]
        if not contracts:
            assert "item" not in answer["insurance"][0]
            continue
        told[lane] += 1
        reasons = sorted(contract.state(domain, today) for contract in contracts)
        assert sorted(reason(insurance) for insurance in answer["insurance"]) == reasons
        assert ("preAuthRef" in answer) is person.is_open(domain, today)
    assert min(told.values()) > 100


def reason(insurance: dict[str, object]) -> str:
    """The closing reason an answer gives for one contract, "" when it is open."""
    items = insurance["item"]
    assert isinstance(items, list)
    return next((e["valueCode"] for e in items[0].get("extension", []) if "valueCode" in e), "")


def alerts(connection: "psycopg.Connection[tuple[object, ...]]") -> int:
    row = connection.execute("SELECT count(*) FROM incident.alert").fetchone()
    assert row is not None
    return int(str(row[0]))


def test_no_insured_person_is_in_any_column_log_or_file(platform: Platform, counter: Counter) -> None:
    """Names, NIRs, birth dates, n° adhérent and the insurers' own references: in no table, in no log, in no folder of the platform."""
    stored = []
    with superuser(platform.home.folder) as connection:
        wait_until(lambda: alerts(connection) > 0, "the sentinel finds the counter that asked for everybody")
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            columns = (
                "encode(sealed, 'escape') || encode(notice_ref, 'escape')"
                if schema == "capsule"
                else "t::text"
            )
            stored += [
                str(row[0])
                for row in connection.execute(f'SELECT {columns} FROM "{schema}"."{table}" t').fetchall()
            ]
    text = "\n".join(stored)
    for folder in (
        platform.home.logs,
        platform.home.run,
        platform.home.spool,
        platform.home.config,
        platform.home.audit,
    ):
        text += "\n".join(file.read_text(errors="replace") for file in folder.rglob("*") if file.is_file())
    assert len(stored) > 5_000
    for person in people(3):
        for secret in (
            person.nir,
            person.nir[:13],
            person.adherent,
            person.member_ref,
            person.birth_date,
            f"{person.first_name} {person.family_name}",
            f"{person.family_name};{person.first_name}",
        ):
            # A number within a longer one is not it: of thousands of instants in µs, some hold any eight digits.
            assert (
                not secret or secret not in text or not re.search(rf"(?<!\d){re.escape(secret)}(?!\d)", text)
            )


def test_what_left_is_in_a_ledger_that_verifies_offline(
    platform: Platform, counter: Counter, tmp_path: Path
) -> None:
    rempart = [sys.executable, "-m", "rempart.cli"]
    exported = tmp_path / "ledger"
    person = next(p for p in people(1) if p.is_open(Domain.PHAR, paris_date(system_clock())))
    counter.check(by_card(person, Domain.PHAR))
    subprocess.run(
        [*rempart, "evidence", "export", str(exported), "--folder", str(platform.home.folder)],
        check=True,
        capture_output=True,
    )
    verified = subprocess.run(
        [*rempart, "evidence", "verify", str(exported)], capture_output=True, text=True, check=False
    )
    assert verified.returncode == 0, verified.stderr
    tile = next(path for path in (exported / "tile" / "entries").rglob("*") if path.is_file())
    content = bytearray(tile.read_bytes())
    content[5] ^= 1
    tile.write_bytes(bytes(content))
    altered = subprocess.run(
        [*rempart, "evidence", "verify", str(exported)], capture_output=True, text=True, check=False
    )
    assert altered.returncode == 1
    assert altered.stderr.strip()


def test_the_link_that_the_operator_prints_activates_the_account_and_a_typing_error_opens_none(
    platform: Platform,
) -> None:
    operator = [sys.executable, "-m", "rempart.cli", "operator"]

    def printed(*words: str) -> str:
        command = [*operator, *words, "--folder", str(platform.home.folder)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    *_, house = synthetic_establishments(9, 3)
    place = printed("enrol-establishment", house.finess, house.name, house.town, house.profession)
    person = ("enrol-professional", "ines.durand", "titulaire", place, "Inès Durand", "--adeli")
    mistyped = [*operator, *person, "27500017", "--folder", str(platform.home.folder)]
    refused = subprocess.run(mistyped, capture_output=True, text=True, check=False)
    assert (refused.returncode, "ADELI" in refused.stderr) == (1, True)
    origin, _, code = printed(*person, "2A7500017").partition("/activation#")
    assert origin == platform.origin
    holder = Counter(origin)
    assert holder.activate(code)["session"]["login"] == "ines.durand"
    *_, other = synthetic_establishments(9, 4)
    second = printed("enrol-establishment", other.finess, other.name, other.town, other.profession)
    told, joining = printed(
        "enrol-professional", "ines.durand", "employee", second, "Inès Durand"
    ).splitlines()
    assert ("/activation#" in told, f"{origin}/etablissement" in told) == (False, True)
    assert holder.act("/acts/members/join", {"code": joining})["establishments"] == [place, second]
    holder.close()
    assert "account:activate" in printed("journal")


def test_an_insurer_is_registered_by_the_keys_that_its_own_command_printed(
    platform: Platform, tmp_path: Path
) -> None:
    rempart = [sys.executable, "-m", "rempart.cli"]
    made = subprocess.run(
        [*rempart, "insurer", "new-keys", str(tmp_path / "desk")], capture_output=True, text=True, check=True
    )
    keys = dict(line.split() for line in made.stdout.splitlines())
    words = [
        "operator",
        "register-insurer",
        "99009999",
        "Mutuelle de l'Essai",
        "--folder",
        str(platform.home.folder),
    ]

    def register(notice: str) -> subprocess.CompletedProcess[str]:
        more = ["--signing-key", keys["signing"], "--notice-key", notice]
        return subprocess.run([*rempart, *words, *more], capture_output=True, text=True, check=False)

    assert (register("no key").returncode, register(keys["notice"]).returncode) == (1, 0)
    with superuser(platform.home.folder) as connection:
        known = connection.execute(
            "SELECT signing_key, notice_key FROM vault.insurer WHERE amc = '99009999'"
        ).fetchall()
    assert known == [tuple(base64.b64decode(keys[name]) for name in ("signing", "notice"))]


def test_status_tells_every_process_is_ready(platform: Platform) -> None:
    status = subprocess.run(
        [sys.executable, "-m", "rempart.cli", "status", "--json", "--folder", str(platform.home.folder)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    processes = {process["name"]: process["condition"] for process in json.loads(status.stdout)["processes"]}
    assert {"vault", "sealer", "front", "worker"} <= processes.keys()
    assert set(processes.values()) == {"ready"}
