"""From the vault's answer to a CoverageEligibilityResponse (FHIR R4), always of one length (docs/fhir.md)."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from rempart.foundation.clock import SECOND
from rempart.vaultdoor.fhir import AMC_SYSTEM, DOMAIN_SYSTEM
from rempart.vaultdoor.messages import Answer, Contract

PADDED = 8192
"""Bytes: every answer's body fills a whole number of these, one in practice (a person with nine contracts fits)."""

RECEIPT = "urn:rempart:receipt"
COST = "urn:rempart:cost"
LANE = "urn:rempart:lane"
CLOSING_REASON = "urn:rempart:closing-reason"
RESPONSIBLE = "urn:rempart:contrat-responsable"
NONCE_SYSTEM = "urn:rempart:nonce"

DISPOSITIONS = {
    "open": ("Le droit est ouvert.", "The right is open."),
    "prise-en-charge": (
        "Le droit est ouvert ; une prise en charge est à demander avant les soins.",
        "The right is open; a prise en charge must be asked before the care.",
    ),
    "closed": ("Le droit n'est pas ouvert.", "The right is not open."),
    # One sentence for every form of absence.
    "absent": (
        "Aucun droit trouvé avec ces informations : vérifiez chaque champ de la carte et sa période.",
        "No right found with these details: check each field of the card and its period.",
    ),
}
CLOSING_REASONS = {
    "domain-not-covered": ("Ce domaine n'est pas couvert.", "This domain is not covered."),
    "waiting-period": ("Le délai de carence court encore.", "The waiting period is still running."),
    "not-started": (
        "Le contrat n'a pas commencé à cette date.",
        "The contract has not started on that date.",
    ),
    "ended": ("Le contrat est terminé à cette date.", "The contract has ended on that date."),
    "suspended": ("Le contrat est suspendu.", "The contract is suspended."),
}

_encode = msgspec.json.Encoder().encode
_PATIENT = {"resourceType": "Patient", "id": "p"}
_TO_PATIENT = {"reference": "#p"}
_TO_COVERAGE = {"reference": "#c"}
_PURPOSE = ["validation", "benefits"]


def answer_to_fhir(answer: Answer, language: str, nonce: str) -> bytes:
    """The response's body. `nonce` is the request's own, so that a client pairs both. It holds no identifier of the person."""
    english = language == "en"
    insurer = {"identifier": {"system": AMC_SYSTEM, "value": answer.insurer}}
    category = {"coding": [{"system": DOMAIN_SYSTEM, "code": answer.domain}]}
    resource: dict[str, Any] = {
        "resourceType": "CoverageEligibilityResponse",
        "language": "en" if english else "fr",
        "contained": [
            _PATIENT,
            {
                "resourceType": "Coverage",
                "id": "c",
                "status": "active",
                "beneficiary": _TO_PATIENT,
                "payor": [insurer],
            },
        ],
        "extension": [
            {"url": RECEIPT, "valueString": answer.receipt},
            {"url": COST, "valueInteger": answer.cost},
            {"url": LANE, "valueCode": answer.lane},
        ],
        "status": "active",
        "purpose": _PURPOSE,
        "patient": _TO_PATIENT,
        "servicedDate": answer.date,
        "created": _date_time(answer.at // SECOND),
        "request": {
            "type": "CoverageEligibilityRequest",
            "identifier": {"system": NONCE_SYSTEM, "value": nonce},
        },
        "outcome": "complete",
        "disposition": DISPOSITIONS[disposition_of(answer)][english],
        "insurer": insurer,
        "insurance": [_insurance(contract, category, english) for contract in answer.decision.contracts]
        or [{"coverage": _TO_COVERAGE, "inforce": False}],
    }
    if answer.engagement:
        resource["preAuthRef"] = answer.engagement
    return pad(_encode(resource))


def disposition_of(answer: Answer) -> str:
    """Which of DISPOSITIONS the answer is."""
    decision = answer.decision
    if not decision.found:
        return "absent"
    if not decision.open:
        return "closed"
    # Somebody with two contracts needs no prise en charge when one of them pays without.
    needed = all(contract.prise_en_charge for contract in decision.contracts if contract.open)
    return "prise-en-charge" if needed else "open"


def _insurance(contract: Contract, category: dict[str, Any], english: bool) -> dict[str, Any]:
    period = {"start": contract.valid_from}
    if contract.valid_to:
        period["end"] = contract.valid_to
    item: dict[str, Any] = {
        "category": category,
        "excluded": not contract.open,
        "name": contract.product,
        "description": contract.formula or CLOSING_REASONS[contract.reason][english],
    }
    if contract.open:
        item["authorizationRequired"] = contract.prise_en_charge
    else:
        item["extension"] = [{"url": CLOSING_REASON, "valueCode": contract.reason}]
    return {
        "extension": [{"url": RESPONSIBLE, "valueBoolean": contract.responsible}],
        "coverage": _TO_COVERAGE,
        "inforce": contract.open,
        "benefitPeriod": period,
        "item": [item],
    }


def pad(body: bytes) -> bytes:
    """Fill up with the spaces that JSON allows after a value (RFC 8259 §2)."""
    return body.ljust(-(-len(body) // PADDED) * PADDED)


@lru_cache(maxsize=8)
def _date_time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
