"""`rempart settlement` on a real platform: the operator's commands, and what they refuse."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from rempart.cli.operator import add_establishment
from rempart.foundation.identifiers import finess_key
from rempart.foundation.vocabulary import Profession
from rempart.population.professionals import synthetic_iban
from rempart.supervisor.platform import Platform, running_platform

FINESS = "99000001" + finess_key("99000001")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(tmp_path_factory.mktemp("till"), more='shared_buffers = "32MB"\n') as started:
        add_establishment(started.home.folder, FINESS, "Pharmacie du Quai", "Brest", Profession.PHARMACY)
        yield started


def settlement(platform: Platform, *arguments: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "rempart.cli", "settlement", *arguments]
    return subprocess.run(
        [*command, "--folder", str(platform.home.folder)], input=typed, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def rows(platform: Platform, query: str) -> list[tuple[Any, ...]]:
    dsn = platform.home.operator_dsn.read_text().strip()
    with psycopg.connect(dsn, autocommit=True) as c:
        return c.execute(query.encode()).fetchall()


def test_a_first_account_is_typed_in_and_only_once(platform: Platform) -> None:
    done = settlement(platform, "rib", FINESS, typed=synthetic_iban(5) + "\n")
    assert done.returncode == 0, done.stderr
    again = settlement(platform, "rib", FINESS, typed=synthetic_iban(6) + "\n")
    assert (again.returncode, again.stderr.split(":")[0]) == (1, "rib-in-force")
    assert synthetic_iban(5) not in done.stdout + done.stderr


@pytest.mark.parametrize(("iban", "code"), [("FR7612345", "iban"), ("DE89370400440532013000", "rib-not-synthetic")])  # fmt: skip
def test_an_account_that_cannot_be_paid_is_refused(platform: Platform, iban: str, code: str) -> None:
    done = settlement(platform, "rib", FINESS, typed=iban + "\n")
    assert (done.returncode, done.stderr.split(":")[0]) == (1, code)


def test_the_contact_before_keeps_its_end(platform: Platform) -> None:
    for typed in ("titulaire@quai.example", "autre@quai.example"):
        assert settlement(platform, "contact", FINESS, typed=typed + "\n").returncode == 0
    found = rows(platform, "SELECT contact, until IS NULL FROM identity.contact ORDER BY since")
    assert found == [("titulaire@quai.example", False), ("autre@quai.example", True)]
    assert settlement(platform, "contact", FINESS, typed="\n").returncode == 1


def test_a_day_without_dues_is_settled_and_the_journal_agrees(platform: Platform) -> None:
    for arguments in (("run",), ("status",), ("journal",)):
        done = settlement(platform, *arguments)
        assert done.returncode == 0, done.stderr
    assert "balanced" in done.stdout


def test_what_nobody_called_or_ordered_is_refused(platform: Platform, tmp_path_factory: Any) -> None:
    done = settlement(platform, "funds-received", "AF-NONE", "12.50", "--bank-reference", "B1")
    assert (done.returncode, done.stderr.split(":")[0]) == (1, "funds-call")
    for amount in ("12.505", "Infinity", "twelve"):
        done = settlement(platform, "funds-received", "AF-NONE", amount, "--bank-reference", "B1")
        assert (done.returncode, done.stderr.split(":")[0]) == (1, "bad-input")
    file = tmp_path_factory.mktemp("bank") / "report.xml"
    file.write_text("<Document/>")
    done = settlement(platform, "bank-report", str(file))
    assert (done.returncode, done.stderr.split(":")[0]) == (1, "bank-report")
