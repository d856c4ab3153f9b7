"""`GET /openapi.json` and the page that reads it out: every door that is not FHIR, and where the FHIR one is told."""

import re
from pathlib import Path
from typing import Any

import jinja2
import msgspec

from rempart import __version__
from rempart.api.acts import ACTS, ANYONE, ActDescription
from rempart.api.capability import CLAIM_RESPONSE_SEARCH, PAYMENT_SEARCH
from rempart.api.claims import ROUTES
from rempart.api.refusals import DOOR_CODES
from rempart.claims.fhir.definitions import published
from rempart.vaultdoor.codes import CODES

PAGES = Path(__file__).with_name("pages")
_REF = "#/components/schemas/{name}"
_OUTCOME = {
    "description": "Refused: an OperationOutcome (docs/fhir.md)",
    "content": {"application/fhir+json": {}},
}
_SIGNED = [
    {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
    for name in ("Content-Digest", "Signature-Input", "Signature")
]


def openapi_document(origin: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document for the configured origin."""
    replies = {reply for act in ACTS for reply in act.replies}
    _, schemas = msgspec.json.schema_components(
        sorted(replies, key=lambda reply: reply.__name__), ref_template=_REF
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rempart",
            "version": __version__,
            "summary": "Tiers payant platform in which a stolen password opens nothing",
            "description": (
                "Every act is a POST that a bound device signed (RFC 9421, docs/protocol.md). The rights check speaks FHIR R4:"
                " its description is GET /fhir/metadata and docs/fhir.md."
            ),
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
        "servers": [{"url": origin}],
        "tags": [
            {"name": "rights", "description": "The rights check, in FHIR R4."},
            {
                "name": "claims",
                "description": "Invoices, prises en charge, quotes and statements, in FHIR R4.",
            },
            {"name": "acts", "description": "What a person does in the portal. All signed."},
            {"name": "intake", "description": "Insurers' files."},
            {"name": "public", "description": "Keys, ledger, health. Nothing signed, nobody's data."},
        ],
        "paths": {
            **_rights(),
            **_claims(),
            **_definitions(),
            **{act.path: {"post": _act(act)} for act in ACTS},
            **_intake(),
            **_public(),
        },
        "components": {"schemas": {**schemas, "Refusal": _refusal_schema()}},
    }


def render_page(document: dict[str, Any]) -> bytes:
    """The document as one HTML page, without script."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    page = environment.get_template("openapi.html")
    return page.render(document=document, codes={**CODES, **DOOR_CODES}).encode()


def _rights() -> dict[str, Any]:
    resource = {"application/fhir+json": {"schema": {"type": "object"}}}
    return {
        "/fhir/CoverageEligibilityRequest/$submit": {
            "post": {
                "tags": ["rights"],
                "operationId": "submit",
                "summary": "Check a right: a CoverageEligibilityRequest, answered by a CoverageEligibilityResponse.",
                "description": "Who: session.",
                "parameters": _SIGNED,
                "requestBody": {"required": True, "content": resource},
                "responses": {
                    "200": {"description": "CoverageEligibilityResponse, of one length", "content": resource},
                    "default": _OUTCOME,
                },
            }
        },
        "/fhir/metadata": _get("rights", "metadata", "The CapabilityStatement.", "application/fhir+json"),
    }


_SAID = {
    "/fhir/Claim/$submit": "An invoice, a prise en charge or a quote, or its withdrawal: a Claim, answered by a ClaimResponse.",
    "/fhir/ClaimResponse": "A page of one's own answers, as a Bundle.",
    "/fhir/ClaimResponse/_search": "The same, its parameters as a form.",
    "/fhir/ClaimResponse/{id}": "One of one's own answers.",
    "/fhir/PaymentReconciliation": "A page of one's own statements, as a Bundle.",
    "/fhir/PaymentReconciliation/_search": "The same, its parameters as a form.",
    "/fhir/PaymentReconciliation/{id}": "One of one's own statements, whole.",
}


def _claims() -> dict[str, Any]:
    """The routes of docs/fhir.md that go to the claims zone."""
    return {path: {method.lower(): _claims_operation(method, path)} for method, path in ROUTES}


def _claims_operation(method: str, path: str) -> dict[str, Any]:
    resource = {"application/fhir+json": {"schema": {"type": "object"}}}
    operation: dict[str, Any] = {
        "tags": ["claims"],
        "operationId": f"{method.lower()}{re.sub('[^A-Za-z]+', '-', path.removeprefix('/fhir'))}".rstrip("-"),
        "summary": _SAID[path],
        "description": "Who: session.",
        "parameters": [*_SIGNED, *_claims_parameters(method, path)],
        "responses": {"200": {"description": "A FHIR resource", "content": resource}, "default": _OUTCOME},
    }
    if method == "POST":
        form = {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}
        operation["requestBody"] = {
            "required": True,
            "content": form if path.endswith("/_search") else resource,
        }
    return operation


def _claims_parameters(method: str, path: str) -> list[dict[str, Any]]:
    if path.endswith("{id}"):
        return [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
    if method == "POST":
        return []
    names = CLAIM_RESPONSE_SEARCH if "ClaimResponse" in path else PAYMENT_SEARCH
    return [
        {"name": name, "in": "query", "description": says, "schema": {"type": "string"}}
        for name, (_, says) in names.items()
    ] + [{"name": name, "in": "query", "schema": {"type": "integer"}} for name in ("_count", "page")]


def _definitions() -> dict[str, Any]:
    paths = {
        f"/fhir/{kind}": _get("claims", kind, f"Every {kind} of this server.", "application/fhir+json")
        for kind in published()
    }
    summary = "Where the examples are, by name."
    return {**paths, "/fhir/examples": _get("claims", "examples", summary, "application/json")}


def _act(act: ActDescription) -> dict[str, Any]:
    properties: dict[str, Any] = {name: _member(name) for name in act.body}
    body = {
        "type": "object",
        "properties": properties,
        "required": list(act.body),
        "additionalProperties": False,
    }
    refs = [{"$ref": _REF.format(name=reply.__name__)} for reply in act.replies]
    return {
        "tags": ["acts"],
        "operationId": act.path.removeprefix("/acts/").replace("/", "-"),
        "summary": act.does,
        "description": f"Who: {act.who}.",
        "parameters": _SIGNED,
        "security": [] if act.who == ANYONE else [{"session": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": {
                "description": " or ".join(reply.__name__ for reply in act.replies),
                "content": {"application/json": {"schema": refs[0] if len(refs) == 1 else {"oneOf": refs}}},
            },
            "default": {
                "description": "Refused",
                "content": {"application/json": {"schema": {"$ref": _REF.format(name="Refusal")}}},
            },
        },
    }


def _member(name: str) -> dict[str, Any]:
    if name == "device_key":
        point = {"type": "string", "minLength": 43, "maxLength": 43}
        return {"type": "object", "properties": {"x": point, "y": point}, "required": ["x", "y"]}
    if name == "credential":
        return {"type": "object", "description": "PublicKeyCredential.toJSON()"}
    if name in {"before", "limit"}:
        return {"type": "integer", "minimum": 0}
    return {"type": "string"}


def _refusal_schema() -> dict[str, Any]:
    properties = {name: {"type": "string"} for name in ("code", "sentence", "detail", "reference")}
    properties["code"]["enum"] = sorted(CODES)  # type: ignore[assignment]
    return {"type": "object", "title": "Refusal", "properties": properties, "required": ["code", "sentence"]}


def _intake() -> dict[str, Any]:
    delivery = {
        "type": "object",
        "properties": {"delivery": {"type": "string"}, "state": {"type": "string"}},
        "required": ["delivery", "state"],
    }
    told = {"application/json": {"schema": delivery}}

    def in_path(name: str, pattern: str) -> dict[str, Any]:
        return {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": pattern},
        }

    return {
        "/intake/{amc}/{filename}": {
            "put": {
                "tags": ["intake"],
                "operationId": "upload",
                "summary": "Put down an insurer's encrypted file. It is verified later, in the vault's zone.",
                "description": "Who: an insurer, by its Ed25519 key (docs/api.md).",
                "parameters": [
                    in_path("amc", "^[0-9A-Z]{8,10}$"),
                    in_path("filename", "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"),
                    *_SIGNED,
                ],
                "requestBody": {"required": True, "content": {"application/octet-stream": {}}},
                "responses": {"202": {"description": "Put down", "content": told}, "default": _OUTCOME},
            }
        },
        "/intake/{delivery}": {
            "get": {
                "tags": ["intake"],
                "operationId": "delivery",
                "summary": "What became of a delivery.",
                "description": "Who: whoever holds the delivery's number.",
                "parameters": [in_path("delivery", "^[0-9a-f]{32}$")],
                "responses": {"200": {"description": "Its state", "content": told}, "default": _OUTCOME},
            }
        },
    }


def _public() -> dict[str, Any]:
    return {
        "/.well-known/jwks.json": _get(
            "public",
            "jwks",
            "The public keys that verify engagements (RFC 7517).",
            "application/jwk-set+json",
        ),
        "/.well-known/offline-cards.json": _get(
            "public",
            "offlineCards",
            "What verifies offline cards: the platform's keys for them, and its signed lists of revoked ones.",
            "application/json",
        ),
        "/evidence/checkpoint": _get(
            "public", "checkpoint", "The ledger's latest signed checkpoint (C2SP).", "text/plain"
        ),
        "/ledger/checkpoint": _get(
            "public",
            "ledgerCheckpoint",
            "The same: the checkpoint that witnesses cosigned (C2SP tlog-tiles).",
            "text/plain",
        ),
        "/ledger/tile/{path}": _get(
            "public",
            "ledgerTile",
            "A tile or an entry bundle (C2SP tlog-tiles): level, number, width of a partial one.",
            "application/octet-stream",
            [_in("path", "path", r"^(entries|[0-9]{1,2})/(x[0-9]{3}/)*[0-9]{3}(\.p/[0-9]{1,3})?$")],
        ),
        "/ledger/proof": _get(
            "public",
            "ledgerProof",
            "The proof of one answer (C2SP tlog-proof); 404 with Retry-After while no published checkpoint covers it.",
            "text/plain",
            [_in("query", "index", "^[0-9]{1,18}$")],
        ),
        "/health/live": _get("public", "live", "The door runs.", "application/json"),
        "/health/ready": _get(
            "public",
            "ready",
            "The door and the vault behind it can answer; 503 when not.",
            "application/json",
        ),
    }


def _in(where: str, name: str, pattern: str) -> dict[str, Any]:
    return {"name": name, "in": where, "required": True, "schema": {"type": "string", "pattern": pattern}}


def _get(
    tag: str, operation: str, summary: str, media: str, parameters: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    return {
        "get": {
            **({"parameters": parameters} if parameters else {}),
            "tags": [tag],
            "operationId": operation,
            "summary": summary,
            "description": "Who: anyone.",
            "responses": {"200": {"description": summary, "content": {media: {}}}, "default": _OUTCOME},
        }
    }
