"""The answer: valid R4 whatever it says, one length whatever it says, and nobody in it."""

import json
from typing import Any

import pytest
from fhir.resources.R4B.coverageeligibilityresponse import CoverageEligibilityResponse

from rempart.api.answers import CLOSING_REASONS, DISPOSITIONS, PADDED, answer_to_fhir
from rempart.vaultdoor.messages import Answer, Contract, Decision

NONCE = "AAAAAAAAAAAAAAAAAAAAAA"
OPEN = Contract("CONFORT", True, "", "2019-04-01", "", True, "100 % BR, AMO comprise", False)
NEEDS_PEC = Contract("CONFORT", True, "", "2019-04-01", "2026-12-31", True, "200 % BR", True)
CLOSED = [
    Contract("ECO", False, reason, "2019-04-01", "2025-12-31", False, "", False) for reason in CLOSING_REASONS
]


def answer(*contracts: Contract, found: bool = True) -> Answer:
    decision = Decision(found, any(contract.open for contract in contracts), list(contracts))
    return Answer(
        decision=decision,
        engagement="0000-01AB-C" if decision.open else "",
        receipt="eyJ" + "a" * 900 + "." + "b" * (900 if decision.open else 300),
        insurer="99000001",
        domain="PHAR",
        date="2026-01-04",
        lane="card",
        cost=1 if found else 5,
        at=1_767_600_000_000_000,
    )


ABSENT = answer(found=False)
ANSWERS = [
    ABSENT,
    answer(OPEN),
    answer(NEEDS_PEC),
    answer(OPEN, NEEDS_PEC, *CLOSED),
    *(answer(each) for each in CLOSED),
]


def told(which: Answer, language: str = "fr") -> dict[str, Any]:
    resource: dict[str, Any] = json.loads(answer_to_fhir(which, language, NONCE))
    return resource


@pytest.mark.parametrize("which", ANSWERS)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_an_answer_is_valid_r4(which: Answer, language: str) -> None:
    parsed = CoverageEligibilityResponse.model_validate(told(which, language))
    assert parsed.outcome == "complete"
    assert parsed.contained is not None
    assert parsed.contained[0].model_dump(exclude_none=True) == {"resourceType": "Patient", "id": "p"}


def test_every_answer_has_one_length_in_both_languages() -> None:
    assert {len(answer_to_fhir(each, language, NONCE)) for each in ANSWERS for language in ("fr", "en")} == {
        PADDED
    }


def test_an_answer_too_long_for_one_fills_the_next() -> None:
    assert len(answer_to_fhir(answer(*[OPEN] * 40), "fr", NONCE)) % PADDED == 0


def test_an_open_right_is_told_contract_by_contract() -> None:
    resource = told(answer(NEEDS_PEC, CLOSED[1]))
    assert resource["preAuthRef"] == "0000-01AB-C"
    assert resource["disposition"] == DISPOSITIONS["prise-en-charge"][0]
    assert [each["inforce"] for each in resource["insurance"]] == [True, False]
    first, second = resource["insurance"]
    assert first["benefitPeriod"] == {"start": "2019-04-01", "end": "2026-12-31"}
    assert first["item"][0]["description"] == "200 % BR"
    assert first["item"][0]["authorizationRequired"] is True
    assert second["item"][0]["excluded"] is True
    assert second["item"][0]["extension"] == [
        {"url": "urn:rempart:closing-reason", "valueCode": "waiting-period"}
    ]
    assert second["item"][0]["description"] == CLOSING_REASONS["waiting-period"][0]


def test_a_contract_that_pays_without_asking_wins() -> None:
    assert told(answer(NEEDS_PEC, OPEN))["disposition"] == DISPOSITIONS["open"][0]


def test_an_absence_says_one_thing() -> None:
    resource = told(ABSENT, "en")
    assert resource["disposition"] == DISPOSITIONS["absent"][1]
    assert resource["insurance"] == [{"coverage": {"reference": "#c"}, "inforce": False}]
    assert "preAuthRef" not in resource


def test_a_receipt_cost_and_the_requests_nonce_come_with_every_answer() -> None:
    for each in ANSWERS:
        resource = told(each)
        extensions = {extension.pop("url"): extension for extension in resource["extension"]}
        assert extensions["urn:rempart:receipt"] == {"valueString": each.receipt}
        assert extensions["urn:rempart:cost"] == {"valueInteger": each.cost}
        assert resource["request"]["identifier"]["value"] == NONCE
