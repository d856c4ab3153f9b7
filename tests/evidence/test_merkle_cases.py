"""The 518 cases of transparency-dev/merkle, good and bad, behave as their authors say."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from rempart.evidence import merkle
from rempart.evidence.errors import ProofRefused

CASES: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "merkle-cases.json").read_text(encoding="utf-8")
)


def _bytes(value: str | None) -> bytes:
    return base64.b64decode(value or "")


def _verify(kind: str, case: dict[str, Any]) -> None:
    proof = [_bytes(item) for item in case["proof"] or []]
    if kind == "inclusion":
        merkle.verify_inclusion(
            _bytes(case["leafHash"]), case["leafIdx"], case["treeSize"], proof, _bytes(case["root"])
        )
    elif kind == "consistency":
        merkle.verify_consistency(
            case["size1"], _bytes(case["root1"]), case["size2"], _bytes(case["root2"]), proof
        )
    elif kind == "subtreeinclusion":
        merkle.verify_subtree_inclusion(
            _bytes(case["leafHash"]), case["leafIdx"], case["start"], case["end"], proof, _bytes(case["root"])
        )
    else:
        assert kind == "subtreeconsistency"
        merkle.verify_subtree_consistency(
            case["start"], case["end"], _bytes(case["root1"]), case["size"], _bytes(case["root2"]), proof
        )


def test_all_cases_are_there() -> None:
    assert len(CASES) == 518
    assert sum(not case["wantErr"] for case in CASES.values()) == 36


@pytest.mark.parametrize("name", sorted(CASES))
def test_case(name: str) -> None:
    case, kind = CASES[name], name.split("/", 1)[0]
    if case["wantErr"]:
        with pytest.raises(ProofRefused):
            _verify(kind, case)
    else:
        _verify(kind, case)
