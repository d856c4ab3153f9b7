"""The worked examples of docs/algorithms/settlement.md are true."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from rempart.claims.journal import check_balanced
from tests.settlement.conftest import Till

PAGE = (Path(__file__).parents[2] / "docs/algorithms/settlement.md").read_text()
EXAMPLES = [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)]
BACK = ("cancellation", "ps", "amc")
SIDES = {"invoice": ("acceptance", "amc", "ps"), "cancellation": BACK, "indu": BACK}


def test_the_page_has_its_examples() -> None:
    assert len(EXAMPLES) == 2


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_worked_example_is_true(till: Till, example: dict[str, Any]) -> None:
    till.fill(40)
    forget_the_dues(till)
    invoices = till.rows("SELECT id, establishment FROM claims.invoice ORDER BY number")
    for (invoice, place), due in zip(invoices, example["dues"], strict=False):
        till.do(
            "INSERT INTO claims.due (invoice, establishment, insurer, kind, cents, since) VALUES (%s, %s, %s, %s, %s, 0)",
            invoice, place, due["insurer"], due["kind"], due["cents"],
        )  # fmt: skip
        till.do(
            "INSERT INTO claims.journal (at, kind, debit, credit, cents, insurer, establishment, source)"
            " VALUES (0, %s, %s, %s, %s, %s, %s, %s)",
            *SIDES[due["kind"]], abs(due["cents"]), due["insurer"], place, invoice,
        )  # fmt: skip
    assert sum(due["cents"] for due in example["dues"] if due["kind"] != "indu") == example["base"]
    till.settle()
    assert till.rows("SELECT cents FROM claims.payment") == [(example["payment"],)]
    assert [row[0] for row in till.rows("SELECT cents FROM claims.due WHERE payment IS NULL")] == example["left"]  # fmt: skip
    calls = till.rows("SELECT insurer::text, cents FROM claims.call_for_funds ORDER BY insurer")
    assert dict(calls) == example["calls"]
    with till.worker() as c:
        check_balanced(c)


def forget_the_dues(till: Till) -> None:
    """As its superuser alone could."""
    till.do("DELETE FROM claims.due")
    with till.database.connect() as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("DELETE FROM claims.journal")
