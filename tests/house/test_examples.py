"""The documents' examples are numbers that the commands take: whoever copies one is not refused for its key."""

import re
from pathlib import Path

import pytest

from rempart.foundation.identifiers import check_finess

ROOT = Path(__file__).parents[2]
_AFTER = re.compile(r"(?:establishment(?: \w+)?|--establishment|FINESS) `?(\d{9})\b")


def _pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _numbers() -> list[tuple[str, str]]:
    return [(page.name, number) for page in _pages() for number in _AFTER.findall(page.read_text())]


def test_there_are_some() -> None:
    assert {"contain.md", "establishments.md", "profiles.md"} <= {page for page, _ in _numbers()}


@pytest.mark.parametrize(("page", "number"), sorted(set(_numbers())))
def test_a_finess_of_the_documents_holds_by_its_key(page: str, number: str) -> None:
    check_finess(number)
