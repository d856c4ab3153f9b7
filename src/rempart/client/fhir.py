"""FHIR R4, as docs/fhir.md fixes it: from a question to a resource, from a resource to an answer. Nothing but what is asked for is sent."""

import base64
import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from rempart.client.model import (
    Card,
    CardSecret,
    Contract,
    Decision,
    Invoice,
    InvoiceAnswer,
    Line,
    Presentation,
    Promise,
)

Resource = dict[str, Any]
AMC, DOMAIN, RECEIPT = "urn:rempart:amc", "urn:rempart:domain", "urn:rempart:receipt"
_NIR, _SECRET, _FINESS = (
    "urn:oid:1.2.250.1.213.1.4.8",
    "urn:rempart:card-secret",
    "urn:oid:1.2.250.1.71.4.2.2",
)
_HL7 = "http://terminology.hl7.org/CodeSystem"


# ── the rights check ─────────────────────────────────────────────────────────────────────────────────────────────────


def write_check(shown: Presentation, domain: str, care_date: date | None, today: date) -> bytes:
    """The CoverageEligibilityRequest."""
    insurer = {"identifier": {"system": AMC, "value": shown.amc}}
    patient: Resource = {"resourceType": "Patient", "id": "p", "birthDate": shown.birth_date.isoformat()}
    coverage = _coverage(insurer)
    if isinstance(shown, Card):
        coverage["subscriberId"] = shown.adherent
    elif isinstance(shown, CardSecret):
        coverage["identifier"] = [{"system": _SECRET, "value": shown.secret}]
    else:
        patient["identifier"] = [{"system": _NIR, "value": shown.nir}]
    if shown.rank != 1:
        patient["multipleBirthInteger"] = shown.rank
    request: Resource = {
        "resourceType": "CoverageEligibilityRequest",
        "status": "active",
        "purpose": ["validation", "benefits"],
        "contained": [patient, coverage],
        "patient": {"reference": "#p"},
        "created": today.isoformat(),
        "insurer": insurer,
        "insurance": [{"coverage": {"reference": "#c"}}],
        "item": [{"category": _concept(DOMAIN, domain)}],
    }
    if care_date is not None:
        request["servicedDate"] = care_date.isoformat()
    return json.dumps(request).encode()


def read_decision(response: Resource) -> Decision:
    """From a CoverageEligibilityResponse."""
    said = _extensions(response)
    receipt = said[RECEIPT]
    contracts = tuple(_contract(each) for each in response["insurance"] if "item" in each)
    return Decision(
        found=bool(contracts),
        open=any(contract.open for contract in contracts),
        contracts=contracts,
        engagement=response.get("preAuthRef", ""),
        receipt=receipt,
        promise=promise_of(receipt),
        amc=response["insurer"]["identifier"]["value"],
        domain=_domain_of(response),
        care_date=response["servicedDate"],
        sentence=response["disposition"],
        lane=said["urn:rempart:lane"],
        cost=int(said["urn:rempart:cost"]),
    )


def promise_of(receipt: str) -> Promise:
    """What the receipt says of the ledger. Its signature is not verified here: `Client.verified_terms` does."""
    log = terms_of(receipt)["log"]
    return Promise(log["origin"], log["index"], log["leaf"], log["at"])


def terms_of(receipt: str) -> Resource:
    """The payload of a compact JWS, unverified."""
    payload = receipt.split(".")[1]
    terms: Resource = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return terms


def _contract(insurance: Resource) -> Contract:
    [item], period = insurance["item"], insurance["benefitPeriod"]
    return Contract(
        product=item["name"],
        open=insurance["inforce"],
        formula=item["description"],
        reason=_extensions(item).get("urn:rempart:closing-reason", ""),
        responsible=_extensions(insurance)["urn:rempart:contrat-responsable"],
        prise_en_charge=item.get("authorizationRequired", False),
        valid_from=period["start"],
        valid_to=period.get("end", ""),
    )


def _domain_of(response: Resource) -> str:
    for insurance in response["insurance"]:
        for item in insurance.get("item", ()):
            code: str = item["category"]["coding"][0]["code"]
            return code
    return ""


# ── the invoice ──────────────────────────────────────────────────────────────────────────────────────────────────────


def write_claim(invoice: Invoice, today: date) -> bytes:
    """The Claim of an invoice."""
    insurer = {"identifier": {"system": AMC, "value": invoice.amc}}
    insurance: Resource = {"sequence": 1, "focal": True, "coverage": {"reference": "#c"}}
    if invoice.prise_en_charge:
        insurance["preAuthRef"] = [invoice.prise_en_charge]
    claim: Resource = {
        "resourceType": "Claim",
        "contained": [{"resourceType": "Patient", "id": "p"}, _coverage(insurer)],
        "status": "active",
        "type": _concept(f"{_HL7}/claim-type", "professional"),
        "use": "claim",
        "patient": {"reference": "#p"},
        "created": today.isoformat(),
        "insurer": insurer,
        "provider": {"identifier": {"system": _FINESS, "value": invoice.finess}},
        "priority": _concept(f"{_HL7}/processpriority", "normal"),
        "insurance": [insurance],
        "identifier": [{"system": "urn:rempart:invoice", "value": invoice.number}],
        "item": [
            _item(place, line, invoice.care_date.isoformat()) for place, line in enumerate(invoice.lines, 1)
        ],
        "total": _euros(sum(line.price for line in invoice.lines)),
    }
    if invoice.receipt:
        claim["extension"] = [{"url": RECEIPT, "valueString": invoice.receipt}]
    if invoice.corrects:
        prior = {"identifier": {"system": "urn:rempart:invoice", "value": invoice.corrects}}
        claim["related"] = [
            {"claim": prior, "relationship": _concept(f"{_HL7}/ex-relatedclaimrelationship", "prior")}
        ]
    return json.dumps(claim).encode()


def read_claim_answer(response: Resource) -> InvoiceAnswer:
    """From a ClaimResponse."""
    state = _extensions(response)["urn:rempart:state"]
    errors = response.get("error", [])
    return InvoiceAnswer(
        accepted=state == "accepted",
        state=state,
        code=errors[0]["code"]["coding"][0]["code"] if errors else "",
        sentence=response["disposition"],
        shares={
            each["category"]["coding"][0]["code"]: cents(each["amount"]["value"])
            for each in response.get("total", ())
        },
        notes=tuple(note["text"] for note in response.get("processNote", ())),
    )


def cents(euros: Decimal | int) -> int:
    """Exactly."""
    whole = euros * 100
    if whole != int(whole):
        raise ValueError("more than two decimals")
    return int(whole)


def _item(sequence: int, line: Line, day: str) -> Resource:
    item: Resource = {
        "extension": [{"url": "urn:rempart:base", "valueMoney": _euros(line.base)}],
        "sequence": sequence,
        "productOrService": _concept("urn:rempart:nature", line.nature),
        "servicedDate": day,
        "net": _euros(line.price),
    }
    if line.modifiers:
        item["modifier"] = [_concept(system, code) for system, code in line.modifiers.items()]
    if line.exonerations:
        item["programCode"] = [_concept("urn:rempart:exoneration", code) for code in line.exonerations]
    if line.quantity:
        item["quantity"] = {"value": line.quantity, "system": "urn:rempart:unit", "code": line.unit}
    if line.ear:
        item["bodySite"] = _concept("urn:rempart:ear", line.ear)
    return item


# ── both ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _coverage(insurer: Mapping[str, object]) -> Resource:
    return {
        "resourceType": "Coverage",
        "id": "c",
        "status": "active",
        "beneficiary": {"reference": "#p"},
        "payor": [insurer],
    }


def _concept(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def _euros(amount: int) -> Resource:
    # The shortest decimal that reads back as this quotient has two decimals at the most, for any amount below 10^13 euros.
    return {"value": amount / 100, "currency": "EUR"}


def _extensions(resource: Resource) -> dict[str, Any]:
    return {
        each["url"]: next(value for name, value in each.items() if name.startswith("value"))
        for each in resource.get("extension", ())
    }
