"""docs/settings.md says every setting of every process, with its default, and nothing else; the same for the embedded PostgreSQL."""

import dataclasses
from pathlib import Path

import pytest

from rempart.database.embedded import TUNING
from rempart.foundation.settings import ALL

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()


def rows_under(heading: str) -> dict[str, list[str]]:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("| `")
    ]
    return {row[0].strip("`"): row[1:] for row in rows}


def told(default: object) -> str:
    if default is dataclasses.MISSING:
        return "required"
    return f"`{default}`" if default not in (None, "", ()) else "none"


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_setting_is_on_the_page_with_its_default_and_reason(kind):
    on_page = rows_under(kind.__name__)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    assert on_page.keys() == fields.keys()
    for name, field in fields.items():
        default, unit, reason = on_page[name]
        empty = field.default_factory is not dataclasses.MISSING
        assert default == ("none" if empty else told(field.default)), name
        assert reason == field.metadata["reason"], name
        assert unit.endswith(", secret") == field.metadata["secret"], name
        assert field.metadata["unit"] in unit, name


def test_the_tuning_of_the_embedded_postgresql_is_on_the_page():
    on_page = {
        name: (cells[0].strip("`").replace("empty", ""), cells[1])
        for name, cells in rows_under("The embedded PostgreSQL").items()
    }
    assert on_page == {name: (value, reason) for name, value, reason in TUNING}
