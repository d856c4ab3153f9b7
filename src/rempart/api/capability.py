"""`GET /fhir/metadata`: the CapabilityStatement (FHIR R4), from one table of operations."""

from typing import Any

from rempart import __version__

PUBLISHED = "2026-01-01"
"""The day this statement last changed."""

OPERATIONS = {
    "CoverageEligibilityRequest": {
        "name": "submit",
        "definition": "http://hl7.org/fhir/OperationDefinition/CoverageEligibilityRequest-submit",
        "documentation": "Is this person's right open, for one domain of care and one date? The request carries no name (docs/fhir.md).",
    },
}
SECURITY = (
    "Every request is signed by a bound device (RFC 9421, ecdsa-p256-sha256) and carries a session: docs/protocol.md. "
    "Each answer is metered and has its entry in a public ledger."
)


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
                    {"type": kind, "operation": [operation]} for kind, operation in OPERATIONS.items()
                ],
            }
        ],
    }
