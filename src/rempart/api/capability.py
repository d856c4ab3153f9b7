"""`GET /fhir/metadata`: the CapabilityStatement (FHIR R4), from one table of what is served."""

from typing import Any

from rempart import __version__
from rempart.claims.fhir import vocabulary as v
from rempart.claims.fhir.definitions import published

PUBLISHED = "2026-01-01"
"""The day this statement last changed."""

SECURITY = (
    "Every request is signed by a bound device (RFC 9421, ecdsa-p256-sha256) and carries a session: docs/protocol.md. "
    "Each rights check is metered and has its entry in a public ledger; profiles, codes and examples are public."
)
_HL7 = "http://hl7.org/fhir/OperationDefinition"


def capability_statement(origin: str) -> dict[str, Any]:
    """The resource, for the configured origin."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": PUBLISHED,
        "kind": "instance",
        "software": {"name": "Rempart", "version": __version__},
        "implementation": {"description": "Rempart, tiers payant", "url": f"{origin}/fhir"},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/json"],
        "rest": [
            {
                "mode": "server",
                "security": {"description": SECURITY},
                "resource": [
                    _rights(),
                    _claim(),
                    _searched("ClaimResponse", v.RESPONSE_PROFILE, CLAIM_RESPONSE_SEARCH),
                    _searched("PaymentReconciliation", v.PAYMENT_PROFILE, PAYMENT_SEARCH),
                    *({"type": kind, "interaction": _interactions()} for kind in published()),
                ],
            }
        ],
    }


CLAIM_RESPONSE_SEARCH = {
    "use": ("token", "claim (default) or preauthorization."),
    "created": ("date", "Day of the answer, in Paris: eq, ge, gt, le, lt; twice for a period."),
    "identifier": ("token", "The invoice's own number, or the number of the prise en charge."),
    "status": ("token", "active or cancelled."),
    "outcome": ("token", "complete, queued or error."),
}
PAYMENT_SEARCH = {
    "created": ("date", "Day of the order, in Paris: eq, ge, gt, le, lt; twice for a period."),
    "identifier": ("token", "The statement's number: what the bank prints."),
    "request-identifier": ("token", "The invoice's own number: the payments that hold it."),
    "amount": ("number", "Of the transfer, euros."),
}


def _rights() -> dict[str, Any]:
    return {
        "type": "CoverageEligibilityRequest",
        "operation": [
            {
                "name": "submit",
                "definition": f"{_HL7}/CoverageEligibilityRequest-submit",
                "documentation": "Is this right open, for one domain of care and one date? The request carries no name (docs/fhir.md).",
            }
        ],
    }


def _claim() -> dict[str, Any]:
    return {
        "type": "Claim",
        "profile": v.CLAIM_PROFILE,
        "operation": [
            {
                "name": "submit",
                "definition": f"{_HL7}/Claim-submit",
                "documentation": "An invoice, a prise en charge or a quote; with status cancelled, its withdrawal (docs/fhir.md).",
            }
        ],
    }


def _searched(kind: str, profile: str, parameters: dict[str, tuple[str, str]]) -> dict[str, Any]:
    return {
        "type": kind,
        "profile": profile,
        "interaction": _interactions(),
        "searchParam": [
            {"name": name, "type": type_, "documentation": says} for name, (type_, says) in parameters.items()
        ],
    }


def _interactions() -> list[dict[str, str]]:
    return [{"code": "read"}, {"code": "search-type"}]
