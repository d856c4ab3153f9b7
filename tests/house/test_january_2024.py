"""docs/january-2024.md: each line names a command that exists or a test that exists; no line is bare."""

import re
from pathlib import Path

import pytest

from rempart.drill.scenario import shipped

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/january-2024.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| in January 2024 ")
]
COMMANDS = set(re.findall(r"^\| `(rempart [a-z -]+)`", (ROOT / "docs/commands.md").read_text(), re.MULTILINE))


def exists(shown: str) -> bool:
    """A shipped drill, a command of docs/commands.md (which a test holds against the command line), or a test."""
    if shown.startswith("rempart drill "):
        return shown.split()[2] in shipped()
    if shown.startswith("rempart "):
        return shown in COMMANDS
    file, _, name = shown.partition("::")
    if not (ROOT / file).is_file():
        return False
    return bool(re.search(rf"^ *(async )?def {re.escape(name)}\(", (ROOT / file).read_text(), re.MULTILINE))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_each_line_is_shown_by_something_that_exists(row: list[str]) -> None:
    event, here, shown = row
    named = re.findall(r"`([^`]+)`", shown)
    assert event
    assert here
    assert named
    assert [each for each in named if not exists(each)] == []


def test_every_part_of_the_event_has_its_lines() -> None:
    assert len(ROWS) > 25
    for said in (
        "phished", "NIR", "RIB", "14 days", "84 insurers", "CNIL", "ANSSI", "complaint", "Letters", "password reset", "reused",
        "weak affiliate", "Attempts every day", "Not exposed",
    ):  # fmt: skip
        assert any(said in event for event, _, _ in ROWS), said


def test_what_does_not_exist_is_found() -> None:
    assert not exists("rempart drill nowhere-2024")
    assert not exists("rempart operator forget")
    assert not exists("tests/house/test_january_2024.py::test_that_nobody_wrote")
