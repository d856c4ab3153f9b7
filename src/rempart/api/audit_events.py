"""*Who consulted me* in FHIR: an insurer's systems ask, signed by its key; the answer is a Bundle of AuditEvents (docs/fhir.md).

The door relays the request whole and only words the answer: it reads no member's reference, and the Bundle repeats none.
"""

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from rempart.api.headers import reader_language
from rempart.api.responses import refused, told_fhir
from rempart.api.signed import FORM_TYPES, read_signed
from rempart.evidence.opening import ANSWER_CLASSES
from rempart.foundation.clock import instant
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import Consultation, Consultations, Refused

FINESS = "urn:oid:1.2.250.1.71.4.2.2"
LEDGER_INDEX = "urn:rempart:ledger-index"
PROFESSION, ROLE = "urn:rempart:profession", "urn:rempart:role"
_EVENT_TYPE = {
    "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
    "code": "rest",
    "display": "RESTful Operation",
}
_OPERATION = {"system": "http://hl7.org/fhir/restful-interaction", "code": "operation"}


class AuditEvents:
    """The endpoint."""

    def __init__(self, client: VaultClient, origin: str, *, production: bool = False) -> None:
        self._client, self._origin, self._production = client, origin, production

    async def search(self, request: Request) -> Response:
        """Relay one request. Outages and surprises are told by the application's handlers."""
        language = reader_language(request.headers.get("accept-language", ""))
        act = await read_signed(request.scope, request.receive, FORM_TYPES)
        reply = act if isinstance(act, Refused) else await self._client.call(act)
        if isinstance(reply, Refused):
            return refused(reply, language=language, production=self._production)
        if not isinstance(reply, Consultations):
            raise TypeError(f"the vault replied a {type(reply).__name__}")
        return told_fhir(bundle_of(reply, self._origin), production=self._production)


def bundle_of(told: Consultations, origin: str) -> dict[str, Any]:
    """A searchset, newest first. `next` names the page alone: whoever asks again signs the member's reference again."""
    base = f"{origin}/fhir/AuditEvent"
    links = [{"relation": "self", "url": base}]
    if told.next:
        links.append({"relation": "next", "url": f"{base}?{urlencode({'page': told.next})}"})
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "timestamp": _instant(told.at),
        "link": links,
    }
    if told.items:
        bundle["entry"] = [
            {
                "fullUrl": f"{base}/leaf-{each.index}",
                "resource": audit_event(each, origin),
                "search": {"mode": "match"},
            }
            for each in told.items
        ]
    return bundle


def audit_event(each: Consultation, origin: str) -> dict[str, Any]:
    """One consultation: which establishment, in which role, when, for which domain, by which lane, what could be told."""
    agents: list[dict[str, Any]] = [
        {
            "who": {"identifier": {"system": FINESS, "value": each.finess}}
            if each.finess
            else {"display": "?"},
            "role": [
                {"coding": [{"system": system, "code": code}]}
                for system, code in ((PROFESSION, each.profession), (ROLE, each.role))
                if code
            ],
            "requestor": True,
        }
    ]
    if not agents[0]["role"]:
        del agents[0]["role"]
    if each.editor:
        agents.append({"name": each.editor, "requestor": False})
    return {
        "resourceType": "AuditEvent",
        "id": f"leaf-{each.index}",
        "type": _EVENT_TYPE,
        "subtype": [_OPERATION],
        "action": "E",
        "recorded": _instant(each.at),
        "outcome": "0",
        "agent": agents,
        "source": {"observer": {"identifier": {"system": "urn:ietf:rfc:3986", "value": origin}}},
        "entity": [
            {
                "what": {"identifier": {"system": LEDGER_INDEX, "value": str(each.index)}},
                "detail": [
                    {"type": "domain", "valueString": each.domain},
                    {"type": "lane", "valueString": each.lane},
                    {"type": "class", "valueString": str(each.answer_class)},
                    {"type": "at-most", "valueString": " ".join(ANSWER_CLASSES[each.answer_class])},
                ],
            }
        ],
    }


def _instant(micros: int) -> str:
    return instant(micros).isoformat(timespec="milliseconds").replace("+00:00", "Z")
