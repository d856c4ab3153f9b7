"""The cases' file and the command: what is accepted, what is refused and where, what is written."""

import json
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from rempart.claims.case_file import BadCases, read_cases
from rempart.claims.parameters import NoParameters

GIVEN = Path(__file__).parent / "given_cases.json"
CASE: dict[str, Any] = {
    "id": "one",
    "source": "here",
    "status": "derived",
    "care_date": "2025-02-03",
    "beneficiary": {"age": 40, "regime": "general", "territory": "2A"},
    "contract": {
        "responsible": True,
        "guarantee": {"basis": "amount-on-top-of-amo", "amount": "10.00", "per": "year"},
        "guarantee_non_optam": {"basis": "base-including-amo", "percent": 127.5},
        "kit_guarantee": {"basis": "real-cost"},
    },
    "lines": [
        {"nature": "doctor", "price": "30.00", "base": "30.00", "pathway": "outside", "optam": False, "exoneration": "ald",
         "heavy_act": True},
        {"nature": "optics-lens", "price": "100.00", "base": "0.05", "class": "B", "lens_category": "c"},
        {"nature": "audio", "price": "950.00", "base": "400.00", "class": "I", "ear": "left"},
        {"nature": "dental-prosthesis", "price": "500.00", "base": "120.00", "basket": "rac0"},
        {"nature": "hospital-stay", "price": "900.00", "base": "900.00", "days": 3},
        {"nature": "auxiliary", "price": "16.13", "base": "16.13", "acts": 2},
        {"nature": "drug-65", "price": "3.10", "base": "3.10", "boxes": 2},
    ],
    "consumed": [{"domain": "OPTI", "since": "2024-02-03", "amount": "10.00"}],
    "expect": {"amo": "1.00", "amc": "1.00", "patient": "1.00", "participation": "0.00", "franchise": "0.00"},
}  # fmt: skip
BACK = {"amo": "21.00", "amc": "9.00", "patient": "0.00", "participation": "2.00", "franchise": "0.00"}


def changed(place: str, value: object) -> bytes:
    """The case with one value changed, or removed by `...`."""
    case = deepcopy(CASE)
    *way, last = [int(step) if step.isdigit() else step for step in re.findall(r"\w+", place)]
    at: Any = case
    for step in way:
        at = at[step]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return json.dumps({"cases": [case]}).encode()


def test_every_key_of_the_vocabulary_is_read() -> None:
    (named,) = read_cases(json.dumps({"version": 1, "note": "all", "cases": [CASE]}).encode())
    assert len(named.case.lines) == len(CASE["lines"])
    assert named.case.contract.guarantee_non_optam is not None
    assert named.case.contract.guarantee_non_optam.percent * 200 == 255


@pytest.mark.parametrize("place", [
    "id", "care_date", "beneficiary", "beneficiary.age", "beneficiary.regime", "contract", "contract.responsible", "contract.guarantee",
    "contract.guarantee.basis", "contract.guarantee.amount", "contract.guarantee_non_optam.percent", "lines", "lines[0].nature",
    "lines[0].price", "lines[0].base", "lines[1].class", "lines[1].lens_category", "lines[2].class", "lines[4].days", "consumed[0].domain",
    "consumed[0].since", "consumed[0].amount",
])  # fmt: skip
def test_a_missing_field_is_named_with_its_path(place: str) -> None:
    with pytest.raises(BadCases) as refused:
        read_cases(changed(place, ...))
    assert refused.value.detail.startswith(f"cases[0].{place}: missing")


@pytest.mark.parametrize(
    "place",
    ["mood", "beneficiary.name", "contract.level", "contract.guarantee.rate", "lines[3].nir", "expect.total"],
)
def test_an_unknown_key_is_named_with_its_path(place: str) -> None:
    with pytest.raises(BadCases) as refused:
        read_cases(changed(place, "x"))
    assert refused.value.detail == f"cases[0].{place}: unknown key"


@pytest.mark.parametrize(("place", "value"), [
    ("status", "guessed"), ("care_date", "03/02/2025"), ("care_date", "2025-02-30"), ("beneficiary.age", -1), ("beneficiary.age", "40"),
    ("beneficiary.age", 40.5), ("beneficiary.regime", "msa"), ("beneficiary.territory", "99"), ("contract.responsible", "yes"),
    ("contract.guarantee.basis", "half"), ("contract.guarantee.per", "month"), ("contract.guarantee.percent", 100),
    ("contract.guarantee.amount", 10), ("contract.guarantee_non_optam.percent", -1), ("contract.guarantee_non_optam.percent", "NaN"),
    ("contract.kit_guarantee.per", "year"), ("contract.kit_guarantee.amount", "1.00"), ("lines[0].nature", "spa"),
    ("lines[0].price", "30,00"),
    ("lines[0].price", 30), ("lines[0].price", "-1.00"), ("lines[0].price", "1.005"), ("lines[0].base", "1e3"),
    ("lines[0].pathway", "inside"),
    ("lines[0].optam", "false"), ("lines[0].exoneration", "newborn"), ("lines[0].heavy_act", 1), ("lines[1].class", "II"),
    ("lines[1].class", "C"), ("lines[1].lens_category", "b"), ("lines[2].class", "A"), ("lines[2].ear", "both"),
    ("lines[3].basket", "gold"), ("lines[4].days", -1), ("lines[5].acts", 0), ("lines[6].boxes", "2"), ("lines", []),
    ("consumed[0].domain", "SPA"), ("consumed[0].since", "2025-02-04"), ("consumed[0].amount", "x"), ("expect.amo", "x"),
])  # fmt: skip
def test_an_unknown_value_is_named_with_its_path(place: str, value: object) -> None:
    with pytest.raises(BadCases) as refused:
        read_cases(changed(place, value))
    assert refused.value.detail.startswith(f"cases[0].{place}: ")


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"cases": {}}', b"\xff\xfe", b'{"cases": [', b'{"version": 2, "cases": []}']
)
def test_what_is_no_file_of_cases_is_refused(data: bytes) -> None:
    with pytest.raises(BadCases):
        read_cases(data)


def test_two_kits_in_one_case_are_refused() -> None:
    case = {**CASE, "lines": [CASE["lines"][1]] * 3}
    with pytest.raises(BadCases, match="one kit"):
        read_cases(json.dumps({"cases": [case]}).encode())


def test_two_cases_of_one_name_are_refused() -> None:
    with pytest.raises(BadCases, match=re.escape("cases[1].id")):
        read_cases(json.dumps({"cases": [CASE, CASE]}).encode())


def test_care_before_the_first_parameters_is_refused() -> None:
    case = {**CASE, "care_date": "2015-03-31", "consumed": []}
    with pytest.raises(NoParameters):
        read_cases(json.dumps({"cases": [case]}).encode())


def rempart(*words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "rempart.cli", "price", *map(str, words)], capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip


def test_the_command_writes_amounts_and_steps(tmp_path: Path) -> None:
    done = rempart(GIVEN, "--json", tmp_path / "out.json")
    assert (done.returncode, done.stderr) == (0, "")
    out = json.loads((tmp_path / "out.json").read_text())
    given = json.loads(GIVEN.read_text())
    assert list(out) == ["cases"]
    for told, asked in zip(out["cases"], given["cases"], strict=True):
        assert list(told) == ["id", "amo", "amc", "patient", "participation", "franchise", "steps"]
        assert {share: told[share] for share in asked["expect"]} == asked["expect"]
        assert {"rule", "article", "line", "amount", "sentence"} == set(told["steps"][0])


def test_the_command_shows_a_table_and_says_when_an_amount_differs(tmp_path: Path) -> None:
    assert rempart(GIVEN).returncode == 0
    given = json.loads(GIVEN.read_text())
    given["cases"][0]["expect"]["amc"] = "8.99"
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(given))
    done = rempart(wrong)
    assert done.returncode == 1
    assert "1 différent" in done.stdout


def test_a_bad_file_writes_nothing_and_says_where(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_bytes(changed("lines[0].nature", "spa"))
    done = rempart(bad, "--json", tmp_path / "out.json")
    assert done.returncode == 1
    assert "cases[0].lines[0].nature" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bad.json"]


def test_a_file_that_is_not_there_is_said_plainly(tmp_path: Path) -> None:
    done = rempart(tmp_path / "none.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "[cases]" in done.stderr
