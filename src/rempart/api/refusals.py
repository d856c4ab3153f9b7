"""From a refusal to an OperationOutcome: the door's one table. Every code has a French and an English sentence; none repeats a value."""

from typing import Any

import msgspec

from rempart.foundation.identifiers import BadAmcNumber, BadFiness, RealIdentity, SyntheticIdentity
from rempart.vaultdoor.codes import CODES, Code
from rempart.vaultdoor.fhir import ALL_REASONS, explain
from rempart.vaultdoor.messages import Refused

CODE_SYSTEM = "urn:rempart:code"
_TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"

DOOR_CODES: dict[str, Code] = {
    "spool-full": Code(
        503,
        "Trop de fichiers attendent déjà leur traitement : recommencez dans une heure.",
        "Too many files are waiting already: try again in an hour.",
    ),
    "file-too-large": Code(413, "Le fichier dépasse la taille admise.", "The file exceeds the size allowed."),
    "file-altered": Code(
        400,
        "Le fichier reçu n'a pas l'empreinte annoncée par Content-Digest : rien n'a été gardé. Renvoyez-le.",
        "The file received does not have the digest announced by Content-Digest: nothing was kept. Send it again.",
    ),
    SyntheticIdentity.code: Code(400, SyntheticIdentity.french, SyntheticIdentity.english),
    RealIdentity.code: Code(400, RealIdentity.french, RealIdentity.english),
}
"""What only this door says, beside rempart.vaultdoor.codes."""

ISSUE_TYPES = {
    "bad-input": "invalid",
    BadFiness.code: "value",
    BadAmcNumber.code: "value",
    "too-large": "too-long",
    "not-found": "not-found",
    "signature": "security",
    "stale": "expired",
    "session": "login",
    "device": "login",
    "credentials": "login",
    "activation": "login",
    "step-up": "login",
    "forbidden": "forbidden",
    "password-weak": "business-rule",
    "last-factor": "business-rule",
    "breaker": "throttled",
    "exhausted": "throttled",
    "inquiries": "throttled",
    "widened-enough": "throttled",
    "invitations": "throttled",
    "contained": "suppressed",
    "claims-only": "suppressed",
    "read-only": "suppressed",
    "known-only": "suppressed",
    "seat-suspended": "suppressed",
    "seat-departed": "business-rule",
    "seat-invoices-over": "business-rule",
    "seat-not-open": "business-rule",
    "campaign-due": "business-rule",
    "editor-key-due": "business-rule",
    "passkey-only": "login",
    "lane-closed": "business-rule",
    "network": "forbidden",
    "queue": "throttled",
    "conflict": "conflict",
    "outage": "transient",
    "internal": "exception",
    "media-type": "not-supported",
    "coding": "not-supported",
    "target-too-long": "too-long",
    "header-too-large": "too-long",
    "crowded": "throttled",
    "busy": "throttled",
    "saturated": "transient",
    "method": "not-supported",
    "slow": "timeout",
    "spool-full": "throttled",
    "file-too-large": "too-long",
    "file-altered": "value",
    SyntheticIdentity.code: "business-rule",
    RealIdentity.code: "business-rule",
}
"""Stable code → FHIR issue type (https://hl7.org/fhir/R4/valueset-issue-type.html), where its status does not say it: `issue_type`."""

RETRY_SOON = frozenset({"busy", "crowded", "saturated"})
"""Over within seconds: places come free as answers leave."""
_UNAUTHORISED = [
    (b"www-authenticate", b'Signature realm="rempart"'),
    (
        b"accept-signature",
        b'rempart=("@method" "@target-uri" "content-digest");created;nonce;keyid;alg="ecdsa-p256-sha256";tag="rempart-v1"',
    ),
]
_encode = msgspec.json.Encoder().encode


def code_of(refused: Refused) -> tuple[str, Code]:
    """The stable code and its sentences; anything unknown is an internal error."""
    code = CODES.get(refused.code) or DOOR_CODES.get(refused.code)
    return (refused.code, code) if code is not None else ("internal", CODES["internal"])


def outcome(refused: Refused, language: str = "fr") -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    """Status, OperationOutcome in the reader's language with the other one beside it, and the headers that go with that status."""
    name, code = code_of(refused)
    field, _, reason = refused.detail.rpartition(" ")
    issue: dict[str, Any] = {
        "severity": "fatal" if code.status in {500, 503} else "error",
        "code": issue_type(name, code.status),
    }
    other = "fr" if language == "en" else "en"
    issue["details"] = {
        "coding": [{"system": CODE_SYSTEM, "code": name}],
        "text": _sentence(code, refused.detail, language),
        "_text": {
            "extension": [
                {
                    "url": _TRANSLATION,
                    "extension": [
                        {"url": "lang", "valueCode": other},
                        {"url": "content", "valueString": _sentence(code, refused.detail, other)},
                    ],
                }
            ]
        },
    }
    if refused.detail or refused.reference:
        issue["diagnostics"] = refused.reference or refused.detail
    if field and reason in ALL_REASONS:
        issue["expression"] = [field]
    body = _encode({"resourceType": "OperationOutcome", "language": language, "issue": [issue]})
    return code.status, body, _headers_for(name, code.status)


def issue_type(name: str, status: int) -> str:
    """The FHIR issue type of a code: its own, or that of its status."""
    return ISSUE_TYPES.get(name) or {403: "forbidden", 404: "not-found", 409: "conflict"}.get(
        status, "business-rule"
    )


def _sentence(code: Code, detail: str, language: str) -> str:
    sentence = code.english if language == "en" else code.french
    return f"{sentence} {explain(detail, language)}" if detail else sentence


def _headers_for(name: str, status: int) -> list[tuple[bytes, bytes]]:
    if status == 401:
        return _UNAUTHORISED
    if name in RETRY_SOON:
        return [(b"retry-after", b"5")]
    if status == 503:
        return [(b"retry-after", b"60")]
    return []
