"""Refusals: every code has its status, its issue type, both languages, and is valid R4."""

import json
from typing import Any

import pytest
from fhir.resources.R4B.operationoutcome import OperationOutcome

from rempart.api.refusals import DOOR_CODES, ISSUE_TYPES, outcome
from rempart.vaultdoor.codes import CODES
from rempart.vaultdoor.fhir import REASONS
from rempart.vaultdoor.messages import Refused

ALL_CODES = {**CODES, **DOOR_CODES}
# https://hl7.org/fhir/R4/valueset-issue-type.html
R4_ISSUE_TYPES = {
    "invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired", "forbidden", "suppressed",
    "processing", "not-supported", "duplicate", "multiple-matches", "not-found", "deleted", "too-long", "code-invalid", "extension",
    "too-costly", "business-rule", "conflict", "transient", "lock-error", "no-store", "exception", "timeout", "incomplete", "throttled",
    "informational",
}  # fmt: skip


def told(refused: Refused) -> tuple[int, dict[str, Any]]:
    status, body, _ = outcome(refused)
    OperationOutcome.model_validate_json(body)
    resource = json.loads(body)
    [issue] = resource["issue"]
    return status, issue


def english(issue: dict[str, Any]) -> str:
    [translation] = issue["details"]["_text"]["extension"]
    parts = {part["url"]: part for part in translation["extension"]}
    assert parts["lang"]["valueCode"] == "en"
    return str(parts["content"]["valueString"])


@pytest.mark.parametrize("name", sorted(ALL_CODES))
def test_every_code_is_told_in_r4_in_both_languages(name: str) -> None:
    status, issue = told(Refused(name))
    assert status == ALL_CODES[name].status
    assert issue["code"] in R4_ISSUE_TYPES
    assert issue["details"]["coding"] == [{"system": "urn:rempart:code", "code": name}]
    assert issue["details"]["text"] == ALL_CODES[name].french
    assert english(issue) == ALL_CODES[name].english
    assert issue["severity"] == ("fatal" if status in {500, 503} else "error")
    assert "diagnostics" not in issue


def test_no_issue_type_is_of_a_code_that_does_not_exist() -> None:
    assert ISSUE_TYPES.keys() <= ALL_CODES.keys()


@pytest.mark.parametrize("name", ["bad-input", "late", "outage"])
def test_the_readers_language_comes_first_and_the_other_beside_it(name: str) -> None:
    _, body, _ = outcome(Refused(name), "en")
    resource = json.loads(body)
    details = resource["issue"][0]["details"]
    [translation] = details["_text"]["extension"]
    assert resource["language"] == "en"
    assert details["text"] == ALL_CODES[name].english
    assert translation["extension"] == [
        {"url": "lang", "valueCode": "fr"},
        {"url": "content", "valueString": ALL_CODES[name].french},
    ]


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_bad_input_names_the_element_and_why(reason: str) -> None:
    status, issue = told(Refused("bad-input", f"contained[0].name {reason}"))
    assert status == 400
    assert issue["expression"] == ["contained[0].name"]
    assert issue["diagnostics"] == f"contained[0].name {reason}"
    assert REASONS[reason].french in issue["details"]["text"]
    assert REASONS[reason].english in english(issue)


def test_an_unknown_code_is_an_internal_error() -> None:
    status, issue = told(Refused("never-heard-of", reference="0a0b0c0d"))
    assert status == 500
    assert issue["details"]["coding"][0]["code"] == "internal"
    assert issue["diagnostics"] == "0a0b0c0d"


def test_an_unsigned_caller_is_told_how_to_sign() -> None:
    _, _, headers = outcome(Refused("signature"))
    assert dict(headers)[b"www-authenticate"].startswith(b"Signature")
    assert b'tag="rempart-v1"' in dict(headers)[b"accept-signature"]
