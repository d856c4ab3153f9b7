"""The validator against bad resources: each kind of error is found, at its place."""

import copy
import json
from typing import Any

import pytest
from fhir.resources.R4B.claim import Claim as Oracle

from tests.api.fhir_definitions import Library, faults, official, read

GOOD: dict[str, Any] = {
    "resourceType": "Claim",
    "id": "c-1",
    "contained": [{"resourceType": "Patient", "id": "p"}],
    "status": "active",
    "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/claim-type", "code": "vision"}]},
    "use": "claim",
    "patient": {"reference": "#p"},
    "created": "2026-01-05",
    "provider": {"identifier": {"system": "urn:x", "value": "1"}},
    "priority": {"coding": [{"code": "normal"}]},
    "insurance": [{"sequence": 1, "focal": True, "coverage": {"identifier": {"value": "1"}}}],
    "item": [
        {
            "sequence": 1,
            "productOrService": {"coding": [{"system": "urn:x", "code": "a"}]},
            "quantity": {"value": 2, "system": "urn:x", "code": "box"},
            "servicedPeriod": {"start": "2026-01-01", "end": "2026-01-02"},
            "net": {"value": 12.30, "currency": "EUR"},
        }
    ],
}
MISSING = object()
BAD: dict[str, tuple[str, Any, str]] = {
    "unknown element": ("colour", "red", "Claim.colour: unknown element"),
    "unknown element below": ("item.0.net.colour", "red", "Claim.item[0].net.colour: unknown element"),
    "missing element": ("use", MISSING, "Claim.use: missing"),
    "missing below": ("insurance.0.coverage", MISSING, "Claim.insurance[0].coverage: missing"),
    "missing list": ("insurance", MISSING, "Claim.insurance: missing"),
    "empty list": ("item", [], "Claim.item: empty"),
    "empty text": ("created", "", "Claim.created: empty"),
    "nothing": ("created", None, "Claim.created: empty"),
    "empty object": ("provider.identifier", {}, "Claim.provider.identifier: empty"),
    "an id alone": ("provider", {"id": "x"}, "Claim.provider: ele-1: empty"),
    "a list where one is expected": ("use", ["claim"], "Claim.use: one value is expected, not a list"),
    "one where a list is expected": ("item", {"sequence": 1}, "Claim.item: a list is expected"),
    "text for a number": ("item.0.sequence", "1", "Claim.item[0].sequence: a positiveInt is expected"),
    "text for an amount": ("item.0.net.value", "12.30", "Claim.item[0].net.value: a decimal is expected"),
    "true for a number": ("item.0.net.value", True, "Claim.item[0].net.value: a decimal is expected"),
    "a number for true": ("insurance.0.focal", 1, "Claim.insurance[0].focal: a boolean is expected"),
    "zero for a positive": ("item.0.sequence", 0, "Claim.item[0].sequence: out of bounds for positiveInt"),
    "no object": ("provider", "x", "Claim.provider: an object is expected"),
    "bad date": ("created", "05/01/2026", "Claim.created: not the form of a dateTime"),
    "bad id": ("id", "a b", "Claim.id: not the form of a id"),
    "bad code": ("item.0.quantity.code", " box", "Claim.item[0].quantity.code: not the form of a code"),
    "code out of its set": ("use", "invoice", "Claim.use: not in http://hl7.org/fhir/ValueSet/claim-use"),
    "two types of a choice": ("item.0.servicedDate", "2026-01-01", "Claim.item[0].serviced[x]: one type only"),
    "unknown type of a choice": ("item.0.servicedTime", "12:00:00", "Claim.item[0].servicedTime: unknown element"),
    "reference to nothing": ("patient.reference", "#q", "Claim.patient: ref-1: no contained #q"),
    "reference to another type": ("patient.reference", "Coverage/1", "Claim.patient: a reference to Patient is expected"),
    "reference said of another type": ("provider.type", "Patient", "Claim.provider: a reference to "),
    "contained and not referred to": ("patient.reference", "Patient/1", "Claim: dom-3"),
    "contained of no type": ("contained.0.resourceType", "Nobody", "Claim.contained[0]: no resource: Nobody"),
    "end before start": ("item.0.servicedPeriod.end", "2025-01-01", "Claim.item[0].servicedPeriod: per-1"),
    "unit without system": ("item.0.quantity.system", MISSING, "Claim.item[0].quantity: qty-3"),
    "comparator in a simple quantity": ("item.0.quantity.comparator", "~", "not in http://hl7.org/fhir/ValueSet/quantity-comparator"),
    "unknown extension": ("extension", [{"url": "urn:x:y", "valueCode": "z"}], "Claim.extension[0]: extension urn:x:y is defined nowhere"),
    "extension with nothing": ("extension", [{"url": "urn:x:y"}], "Claim.extension[0]: ext-1"),
    "extension without address": ("extension", [{"valueCode": "z"}], "Claim.extension[0].url: missing"),
    "siblings of a complex element": ("_item", [{"id": "x"}], "Claim._item: unknown element"),
    "a resource that is not one": ("resourceType", "Period", "Period: no resource: Period"),
    "an abstract resource": ("resourceType", "DomainResource", "DomainResource: no resource: DomainResource"),
}  # fmt: skip


def changed(path: str, value: Any) -> bytes:
    resource = copy.deepcopy(GOOD)
    *steps, last = path.split(".")
    place: Any = resource
    for step in steps:
        place = place[int(step) if step.isdecimal() else step]
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    return json.dumps(resource).encode()


def test_a_good_claim_has_no_fault_and_the_oracle_agrees() -> None:
    Oracle.model_validate_json(json.dumps(GOOD))
    assert faults(json.dumps(GOOD).encode()) == []


@pytest.mark.parametrize("name", BAD)
def test_each_kind_of_error_is_found_at_its_place(name: str) -> None:
    path, value, wanted = BAD[name]
    found = faults(changed(path, value))
    assert any(wanted in each for each in found), found


def test_a_name_twice_is_no_json_of_ours() -> None:
    with pytest.raises(ValueError, match="twice"):
        read(b'{"resourceType": "Claim", "use": "claim", "use": "claim"}')


def test_a_constraint_without_a_function_is_a_fault() -> None:
    """Nothing passes because nobody looked."""
    timing = {"resourceType": "Bundle", "type": "searchset", "signature": {"when": "2026-01-05T08:00:00Z"}}
    assert any("missing" in each for each in faults(json.dumps(timing).encode()))
    attached = changed(
        "supportingInfo", [{"sequence": 1, "category": {"text": "x"}, "valueAttachment": {"data": "AA=="}}]
    )
    assert any("att-1: nobody checks it here" in each for each in faults(attached))


BUNDLE: dict[str, Any] = {
    "resourceType": "Bundle",
    "type": "searchset",
    "entry": [{"resource": {"resourceType": "Patient"}}],
}
ENTRY = {"fullUrl": "urn:uuid:c2f1b0c9-6c3d-4b3e-9f39-0a6bb8f0d5a1", "resource": {"resourceType": "Patient"}}
CAPABILITY: dict[str, Any] = {
    "resourceType": "CapabilityStatement", "status": "active", "date": "2026-01-01", "kind": "instance", "fhirVersion": "4.0.1",
    "implementation": {"description": "x"}, "format": ["json"], "rest": [{"mode": "server", "resource": [{"type": "Claim"}]}],
}  # fmt: skip
EXTENSION: dict[str, Any] = {
    "resourceType": "StructureDefinition", "url": "urn:x:colour", "name": "Colour", "status": "active", "kind": "complex-type",
    "abstract": False, "type": "Extension", "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Extension",
    "derivation": "constraint", "context": [{"type": "element", "expression": "Claim.item"}],
    "differential": {"element": [
        {"id": "Extension", "path": "Extension"},
        {"id": "Extension.url", "path": "Extension.url", "fixedUri": "urn:x:colour"},
        {"id": "Extension.value[x]", "path": "Extension.value[x]", "min": 1, "type": [{"code": "code"}],
         "binding": {"strength": "required", "valueSet": "urn:x:colours"}},
    ]},
}  # fmt: skip
COLOURS: list[dict[str, Any]] = [
    {"resourceType": "CodeSystem", "url": "urn:x:colour-code", "status": "active", "content": "complete",
     "concept": [{"code": "red"}, {"code": "blue"}]},
    {"resourceType": "ValueSet", "url": "urn:x:colours", "status": "active", "compose": {"include": [{"system": "urn:x:colour-code"}]}},
]  # fmt: skip
PROFILE: dict[str, Any] = {
    **EXTENSION, "url": "urn:x:claim", "name": "Painted", "type": "Claim", "kind": "resource",
    "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Claim",
    "differential": {"element": [
        {"id": "Claim", "path": "Claim"},
        {"id": "Claim.use", "path": "Claim.use", "patternCode": "claim"},
        {"id": "Claim.diagnosis", "path": "Claim.diagnosis", "max": "0"},
        {"id": "Claim.item", "path": "Claim.item", "min": 1, "max": "2"},
        {"id": "Claim.item.extension:colour", "path": "Claim.item.extension", "sliceName": "colour", "min": 1, "max": "1",
         "type": [{"code": "Extension", "profile": ["urn:x:colour"]}]},
        {"id": "Claim.item.serviced[x]", "path": "Claim.item.serviced[x]", "type": [{"code": "Period"}]},
    ]},
}  # fmt: skip
del PROFILE["context"]


@pytest.mark.parametrize(("resource", "changes", "wanted"), [
    (BUNDLE, {"type": "batch"}, "bdl-3"),
    (BUNDLE, {"type": "batch-response"}, "bdl-4"),
    (BUNDLE, {"type": "collection", "total": 1}, "bdl-1"),
    (BUNDLE, {"type": "collection", "entry": [{"search": {"mode": "match"}, **ENTRY}]}, "bdl-2"),
    (BUNDLE, {"entry": [{"fullUrl": "urn:x:1"}]}, "bdl-5"),
    (BUNDLE, {"entry": [ENTRY, ENTRY]}, "bdl-7"),
    (BUNDLE, {"entry": [{**ENTRY, "fullUrl": "http://x/Patient/1/_history/1"}]}, "bdl-8"),
    (BUNDLE, {"type": "document"}, "bdl-9"),
    (CAPABILITY, {"rest": MISSING}, "cpb-1"),
    (CAPABILITY, {"implementation": MISSING}, "cpb-14"),
    (CAPABILITY, {"kind": "capability"}, "cpb-15"),
    (CAPABILITY, {"rest": [{"mode": "server", "resource": [{"type": "Claim"}, {"type": "Claim"}]}]}, "cpb-9"),
    (CAPABILITY, {"fhirVersion": "9"}, "FHIR-version"),
    (COLOURS[0], {"concept": [{"code": "a", "concept": [{"code": "a"}]}]}, "csd-1"),
    (COLOURS[1], {"compose": {"include": [{"concept": [{"code": "a"}]}]}}, "vsd-1"),
    (EXTENSION, {"context": MISSING}, "sdf-5"),
    (EXTENSION, {"differential": MISSING}, "sdf-6"),
    (EXTENSION, {"baseDefinition": MISSING}, "sdf-4"),
    (EXTENSION, {"url": "http://hl7.org/fhir/StructureDefinition/x"}, "sdf-19"),
    (EXTENSION, {"differential": {"element": [{"path": "Extension"}]}}, "sdf-14"),
    (EXTENSION, {"differential": {"element": [{"id": "Claim", "path": "Claim"}]}}, "sdf-8a"),
    (EXTENSION, {"differential": {"element": [{"id": "Extension", "path": "Extension", "min": 2, "max": "1"}]}}, "eld-2"),
    (EXTENSION, {"differential": {"element": [{"id": "Extension", "path": "Extension", "max": "x"}]}}, "eld-3"),
    (EXTENSION, {"differential": {"element": [{"id": "Extension", "path": "Extension", "isModifier": True}]}}, "eld-18"),
])  # fmt: skip
def test_constraints_of_what_is_published_are_checked(resource: Any, changes: Any, wanted: str) -> None:
    assert resource in (BUNDLE, *COLOURS) or faults(resource) == []
    bad = {key: value for key, value in (resource | changes).items() if value is not MISSING}
    found = faults(json.dumps(bad).encode())
    assert any(wanted in each for each in found), found


def library() -> Library:
    return official().with_published([EXTENSION, PROFILE, *COLOURS])


def painted(colour: Any, **changes: Any) -> bytes:
    resource = copy.deepcopy(GOOD)
    resource["item"][0]["extension"] = [{"url": "urn:x:colour", **colour}]
    return json.dumps(resource | changes).encode()


def test_a_resource_of_the_profile_has_no_fault() -> None:
    assert faults(painted({"valueCode": "red"}), library(), "urn:x:claim") == []


@pytest.mark.parametrize(("body", "wanted"), [
    (painted({"valueCode": "green"}), "not in urn:x:colours"),
    (painted({"valueString": "red"}), "the profile wants valueCode"),
    (painted({"valueCode": "red"}, use="preauthorization"), "the profile wants claim"),
    (painted({"valueCode": "red"}, item=GOOD["item"] * 3), "the profile allows fewer"),
    (json.dumps(GOOD).encode(), "Claim.item.extension:colour: the profile asks for it"),
    (painted({"valueCode": "red"}, diagnosis=[{"sequence": 1, "diagnosisCodeableConcept": {"text": "x"}}]), "does not allow it"),
    (painted({"valueCode": "red"}, extension=[{"url": "urn:x:colour", "valueCode": "red"}]), "has no place in Claim"),
    (painted({"valueCode": "red"}, item=[{**GOOD["item"][0], "servicedDate": "2026-01-01"}]), "wants servicedPeriod"),
    (json.dumps(BUNDLE).encode(), "no profile urn:x:claim for it"),
])  # fmt: skip
def test_what_a_profile_narrows_is_checked(body: bytes, wanted: str) -> None:
    found = faults(body, library(), "urn:x:claim")
    assert any(wanted in each for each in found), found


def test_the_official_definitions_are_whole() -> None:
    """Every type and value set they name is there: nothing is let through for want of a definition."""
    known = official()
    for structure in known.structures.values():
        for element in structure.elements.values():
            for kind in element.get("type", ()):
                assert kind["code"] in known.structures, kind
            if "binding" in element:
                assert element["binding"] in known.value_sets
