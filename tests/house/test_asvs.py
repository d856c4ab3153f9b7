"""docs/asvs.md leaves no requirement of ASVS 5.0.0 levels 1 and 2 out, and what it points at is there."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/asvs.md").read_text()
LEVELS: dict[str, str] = {
    each["req_id"]: each["L"]
    for each in json.loads((ROOT / "tests/data/asvs-5.0.0.json").read_text())["requirements"]
}
STATES = {"yes", "partly", "no", "operator", "n/a"}
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
FILE = re.compile(r"`([\w./-]+(?:\.\w+|/setup|/run))`")
LINK = re.compile(r"\]\(([^)#]+)\)")


class Row(NamedTuple):
    number: str
    level: str
    short: str
    state: str
    where: str


ROWS = [
    Row(*(cell.strip() for cell in line.strip("|").split("|")))
    for line in PAGE.splitlines()
    if line.startswith("| V")
]


def words(text: str) -> int:
    return len(re.findall(r"\w+", LINK.sub("", TEST.sub("", text))))


def test_every_requirement_of_levels_1_and_2_has_its_row_and_no_row_is_invented() -> None:
    numbers = [row.number for row in ROWS]
    assert [number for number, count in Counter(numbers).items() if count > 1] == []
    assert {number for number, level in LEVELS.items() if level in "12"} - set(numbers) == set()
    assert set(numbers) - LEVELS.keys() == set()
    assert {row.number: row.level for row in ROWS} == {number: LEVELS[number] for number in numbers}


def test_each_row_says_whether_it_is_met_and_where_or_why() -> None:
    for row in ROWS:
        assert row.state in STATES, row
        assert row.short, row
        if row.state == "yes":
            named = TEST.search(row.where) or FILE.search(row.where) or LINK.search(row.where)
            assert named or "same test" in row.where, row
        else:
            assert words(row.where) >= 4, row


def test_every_test_named_is_there() -> None:
    for row in ROWS:
        for file, name in TEST.findall(row.where):
            assert re.search(rf"^\s*def {name}\(", (ROOT / file).read_text(), re.MULTILINE), (
                row.number,
                name,
            )


def test_every_file_named_is_there() -> None:
    for row in ROWS:
        for named in FILE.findall(TEST.sub("", row.where)):
            if "*" not in named and named != "vault.event":
                assert (ROOT / "src/rempart" / named).exists() or (ROOT / named).exists(), (row.number, named)
        for page in LINK.findall(row.where):
            assert (ROOT / "docs" / page).exists(), (row.number, page)


def test_the_sums_are_those_of_the_rows() -> None:
    counted = Counter((row.level, row.state) for row in ROWS)
    for level, *cells in re.findall(
        r"^\| ([123])[^|]*\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE
    ):
        sums = [counted[level, state] for state in ("yes", "partly", "no", "operator", "n/a")]
        assert [int(cell) for cell in cells] == [*sums, sum(sums)], level
