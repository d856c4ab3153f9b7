"""What the server publishes is valid R4 by HL7's own definitions; the examples also follow our profiles."""

import json
from typing import Any

import msgspec
import pytest
from fhir.resources.R4B import get_fhir_model_class

from rempart.claims.fhir import vocabulary as v
from rempart.claims.fhir.claim import read_claim
from rempart.claims.fhir.definitions import published
from rempart.claims.fhir.examples import examples
from tests.api.fhir_definitions import Library, faults, official

DEFINITIONS = {f"{kind}/{name}": each for kind, found in published().items() for name, each in found.items()}
PROFILES = {
    "Claim": v.CLAIM_PROFILE,
    "ClaimResponse": v.RESPONSE_PROFILE,
    "PaymentReconciliation": v.PAYMENT_PROFILE,
}


def ours() -> Library:
    """R4 and what the server publishes."""
    return official().with_published(list(DEFINITIONS.values()))


def require_valid(body: bytes) -> dict[str, Any]:
    """Valid R4, by the definitions and by an oracle; of our profile, where there is one."""
    resource: dict[str, Any] = json.loads(body)
    kind = str(resource["resourceType"])
    assert faults(body, ours(), PROFILES.get(kind, "")) == []
    get_fhir_model_class(kind).model_validate_json(body)
    for entry in resource.get("entry", ()) if kind == "Bundle" else ():
        inner = entry["resource"]
        assert faults(json.dumps(inner).encode(), ours(), PROFILES.get(inner["resourceType"], "")) == []
    return resource


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_definition_is_valid_r4(name: str) -> None:
    require_valid(msgspec.json.encode(DEFINITIONS[name]))


@pytest.mark.parametrize("name", examples())
def test_every_example_is_valid_r4_and_of_our_profile(name: str) -> None:
    body = msgspec.json.encode(examples()[name])
    if require_valid(body)["resourceType"] == "Claim":
        read_claim(body)


def test_every_code_of_ours_in_an_example_is_published() -> None:
    def codings(value: Any) -> Any:
        if isinstance(value, dict):
            if isinstance(value.get("system"), str) and "code" in value:
                yield value["system"], value["code"]
            for each in value.values():
                yield from codings(each)
        elif isinstance(value, list):
            for each in value:
                yield from codings(each)

    for example in examples().values():
        for system, code in codings(json.loads(msgspec.json.encode(example))):
            assert not system.startswith("urn:rempart:") or code in v.CODES_OF[system]


@pytest.mark.parametrize(("name", "change", "wanted"), [
    ("claim-pharmacy", {"diagnosis": [{"sequence": 1, "diagnosisCodeableConcept": {"text": "x"}}]}, "does not allow it"),
    ("claim-pharmacy", {"provider": {"display": "x"}}, "asks for it"),
    ("claim-response-accepted", {"extension": []}, "empty"),
    ("claim-response-accepted", {"total": []}, "empty"),
    ("claim-response-accepted", {"disposition": None}, "empty"),
    ("payment-reconciliation", {"paymentIdentifier": None}, "empty"),
])  # fmt: skip
def test_what_is_not_of_our_profile_is_seen(name: str, change: dict[str, Any], wanted: str) -> None:
    resource = json.loads(msgspec.json.encode(examples()[name])) | change
    found = faults(json.dumps(resource).encode(), ours(), PROFILES[resource["resourceType"]])
    assert any(wanted in each for each in found), found
