"""docs/runbooks/rotate.md, as it is typed: every command of it on a running platform, in its order."""

import csv
import io
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rempart.cli.counter import Counter, DoorRefused
from rempart.cli.operator import ask
from rempart.foundation.vocabulary import Profession, Role
from rempart.supervisor.platform import Platform, running_platform
from rempart.vaultdoor.messages import EnrolEstablishment, Enrolled, EnrolProfessional

PAGE = Path(__file__).parents[2] / "docs/runbooks/rotate.md"
FINESS = "990000010"
COMMANDS = [line.strip() for line in PAGE.read_text().splitlines() if line.startswith("    rempart ")]


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    more = 'shared_buffers = "32MB"\n'
    with running_platform(
        tmp_path / "p", more=more, without=("sentinel", "sealer", "cashier", "worker")
    ) as started:
        yield started


@pytest.fixture
def counter(platform: Platform) -> Iterator[Counter]:
    """A titulaire of the page's establishment, with a password."""
    folder = platform.home.folder
    place = ask(folder, EnrolEstablishment(FINESS, Profession.PHARMACY), Enrolled).id
    code = ask(folder, EnrolProfessional("claire", Role.TITULAIRE, place), Enrolled).code
    counter = Counter(platform.origin)
    counter.activate(code)
    counter.act("/acts/password/change", {"old": "", "new": "Quatre-loutres-et-1-parapluie"})
    yield counter
    counter.close()


def typed(platform: Platform, command: str) -> str:
    arguments = shlex.split(command)[1:]
    done = subprocess.run(
        [sys.executable, "-m", "rempart.cli", *arguments, "--folder", str(platform.home.folder)],
        capture_output=True, text=True, timeout=60, check=False, env={"COLUMNS": "240"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_runbook_is_typed_as_it_stands(platform: Platform, counter: Counter) -> None:
    counted, go, listed, shown, as_csv, ended = COMMANDS
    assert "1 concerned" in typed(platform, counted)
    assert "Nothing was done" in typed(platform, counted)
    counter.act("/acts/members", {"establishment": ""})
    assert "Campaign 1: 1 concerned." in typed(platform, go)
    with pytest.raises(DoorRefused, match="403 campaign-due"):
        counter.act("/acts/members", {"establishment": ""})
    assert "0/1" in typed(platform, listed)
    assert "0 of 1 done" in typed(platform, shown)
    assert "Un mot de passe a été hameçonné." in typed(platform, shown)
    rows = list(csv.DictReader(io.StringIO(typed(platform, as_csv))))
    assert rows == [{"establishment": FINESS, "profession": "pharmacy", "total": "1", "done": "0"}]
    [place] = json.loads(typed(platform, as_csv.replace("csv", "json")))["places"]
    assert place == {"number": FINESS, "profession": "pharmacy", "total": 1, "done": 0}
    assert "ended" in typed(platform, ended)
    counter.act("/acts/members", {"establishment": ""})
