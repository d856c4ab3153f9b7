"""What the cashier answers, as ClaimResponse, PaymentReconciliation and Bundle of FHIR R4. Values in, resources out."""

import base64
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from rempart.claims.fhir import vocabulary as v
from rempart.claims.fhir.claim import concept, contained, euros
from rempart.claims.messages import (
    Invoice,
    Payment,
    PriseEnCharge,
    Quote,
    Shares,
    StatementRow,
    StatementView,
)
from rempart.foundation.clock import SECOND, instant, paris_date
from rempart.vaultdoor.fhir import AMC_SYSTEM

Resource = dict[str, Any]


def invoice_response(invoice: Invoice, identity: str, language: str) -> Resource:
    """The ClaimResponse of an invoice. `identity` is its id."""
    outcome = "error" if invoice.state == "refused" else "complete"
    resource = _response(
        "claim", invoice.domain, invoice.insurer, invoice.received, outcome, invoice.state, language
    )
    resource["id"] = identity
    resource["identifier"] = [{"system": v.INVOICE, "value": invoice.number}]
    resource["request"] = {"type": "Claim", "identifier": {"system": v.INVOICE, "value": invoice.number}}
    if invoice.state == "cancelled":
        resource["status"] = "cancelled"
    if invoice.money:
        resource["extension"].append({"url": v.MONEY, "valueCode": invoice.money})
    resource["preAuthRef"] = invoice.prise_en_charge or invoice.engagement
    if invoice.lines:
        resource["item"] = _items(invoice.lines)
    resource["total"] = _shares(invoice.shares)
    notes = [step.sentence for step in invoice.steps]
    if invoice.code:
        resource["disposition"] = f"{invoice.cause} {invoice.remedy}"
        resource["error"] = [{"code": concept(v.CODE, invoice.code) | {"text": invoice.cause}}]
        notes.append(invoice.remedy)
    if invoice.payment:
        resource["payment"] = {
            "type": concept(v.CLAIM_PAYMENT, "complete"),
            "amount": euros(invoice.shares.amc),
            "identifier": {"system": v.STATEMENT, "value": invoice.payment},
        }
    return _noted(resource, notes)


_OUTCOME_OF = {"accordee": "complete", "en-attente": "queued", "refusee": "error", "annulee": "complete"}


def agreement_response(pec: PriseEnCharge, identity: str, reason: str, language: str) -> Resource:
    """The ClaimResponse of a prise en charge. `reason`: the sentence of its code in the reader's language, or ""."""
    outcome = _OUTCOME_OF[pec.state]
    resource = _response("preauthorization", pec.domain, pec.insurer, pec.asked, outcome, pec.state, language)
    resource["id"] = identity
    resource["identifier"] = [{"system": v.PEC, "value": pec.number}]
    if pec.state == "annulee":
        resource["status"] = "cancelled"
    if pec.state in {"accordee", "en-attente"}:
        resource["preAuthRef"] = pec.number
        resource["preAuthPeriod"] = {"start": pec.valid_from, "end": pec.valid_to}
    resource["total"] = _shares(pec.shares)
    if pec.state == "refusee":
        resource["error"] = [{"code": {"text": reason or pec.reason}}]
    return _noted(resource, [reason] if reason else [])


def quote_response(quote: Quote, amc: str, domain: str, at: int, language: str) -> Resource:
    """The ClaimResponse of a quote: nothing is kept, so it has no id."""
    resource = _response("predetermination", domain, amc, at, "complete", "simulated", language)
    resource["extension"].append({"url": v.PEC_NEEDED, "valueBoolean": quote.prise_en_charge_needed})
    if quote.left_of_ceiling >= 0:
        resource["extension"].append({"url": v.CEILING, "valueMoney": euros(quote.left_of_ceiling)})
    resource["item"] = [
        {"itemSequence": place, "adjudication": _shares(shares)}
        for place, shares in enumerate(quote.lines, 1)
    ]
    resource["total"] = _shares(quote.shares)
    return _noted(resource, [step.sentence for step in quote.steps])


def _response(use: str, domain: str, amc: str, at: int, outcome: str, state: str, language: str) -> Resource:
    """What every ClaimResponse has."""
    insurer = {"identifier": {"system": AMC_SYSTEM, "value": amc}}
    word = v.CODES_OF[v.STATE][state]
    return {
        "resourceType": "ClaimResponse",
        "meta": {"profile": [v.RESPONSE_PROFILE]},
        "language": language,
        "contained": contained(insurer),
        "extension": [{"url": v.STATE, "valueCode": state}],
        "status": "active",
        "type": concept(v.CLAIM_TYPE, v.TYPE_OF.get(domain, "professional")),
        "use": use,
        "patient": {"reference": "#p"},
        "created": _date_time(at),
        "insurer": insurer,
        "outcome": outcome,
        "disposition": f"{word.english if language == 'en' else word.french}.",
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"reference": "#c"}}],
    }


def _items(lines: Sequence[Shares]) -> list[Resource]:
    return [{"itemSequence": place, "adjudication": _shares(each)} for place, each in enumerate(lines, 1)]


def _shares(shares: Shares) -> list[Resource]:
    amounts = {"submitted": shares.total} | msgspec.structs.asdict(shares)
    return [
        {"category": concept(v.ADJUDICATION, category), "amount": euros(amounts[category])}
        for category in v.CODES_OF[v.ADJUDICATION]
    ]


def _noted(resource: Resource, sentences: Sequence[str]) -> Resource:
    """The sentences for the reader: each rule that was applied, what to do next."""
    if sentences:
        resource["processNote"] = [
            {"number": place, "type": "display", "text": text} for place, text in enumerate(sentences, 1)
        ]
    return resource


# ── payments ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_OBSERVATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
_DETAIL_TYPE = {"invoice": "payment", "cancellation": "adjustment", "indu": "adjustment"}


def reconciliation(statement: StatementView, reason: str, language: str) -> Resource:
    """The PaymentReconciliation of a statement: its rows sum to the transfer, to the cent. `reason`: why the bank rejected it, or ""."""
    told = _payment(statement.payment, reason, language)
    return told | {"detail": [_detail(row) for row in statement.rows]}


def payment_summary(payment: Payment, reason: str, language: str) -> Resource:
    """The same in a list: without its rows, which are read with it (`GET /fhir/PaymentReconciliation/{id}`)."""
    resource = _payment(payment, reason, language)
    resource["meta"]["tag"] = [{"system": _OBSERVATION, "code": "SUBSETTED"}]
    return resource


def _payment(payment: Payment, reason: str, language: str) -> Resource:
    word = v.CODES_OF[v.MONEY][payment.state]
    resource: Resource = {
        "resourceType": "PaymentReconciliation",
        "id": payment.statement,
        "meta": {"profile": [v.PAYMENT_PROFILE]},
        "language": language,
        "extension": [{"url": v.MONEY, "valueCode": payment.state}],
        "identifier": [{"system": v.STATEMENT, "value": payment.statement}],
        "status": "active",
        "created": _date_time(payment.ordered),
        "outcome": "error" if payment.state == "rejected" else "complete",
        "disposition": f"{word.english if language == 'en' else word.french}.",
        "paymentDate": paris_date(payment.settled or payment.ordered).isoformat(),
        "paymentAmount": euros(payment.cents),
        "paymentIdentifier": {"system": v.STATEMENT, "value": payment.statement},
    }
    if reason:
        resource["processNote"] = [{"type": "display", "text": reason}]
    return resource


def _detail(row: StatementRow) -> Resource:
    extensions = [
        {"url": v.DUE_KIND, "valueCode": row.kind},
        {"url": v.CARE_DATE, "valueDate": row.care_date},
        {
            "url": v.INSURER,
            "valueReference": {
                "identifier": {"system": AMC_SYSTEM, "value": row.insurer},
                "display": row.insurer_name,
            },
        },
    ]
    if row.engagement:
        extensions.append({"url": v.ENGAGEMENT, "valueString": row.engagement})
    return {
        "extension": extensions,
        "type": concept(v.PAYMENT_TYPE, _DETAIL_TYPE[row.kind]),
        "request": {"type": "Claim", "identifier": {"system": v.INVOICE, "value": row.invoice}},
        "amount": euros(row.cents),
    }


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def searchset(
    base: str, resources: Sequence[Resource], asked: Sequence[tuple[str, str]], following: str, at: int
) -> Resource:
    """A page of results. `base`: the address searched; `asked`: its parameters; `following`: the next page's cursor, "" at the end."""
    links = [{"relation": "self", "url": _address(base, asked)}]
    if following:
        links.append({"relation": "next", "url": _address(base, [*asked, ("page", following)])})
    bundle: Resource = {
        "resourceType": "Bundle",
        "type": "searchset",
        "timestamp": _date_time(at),
        "link": links,
    }
    if resources:
        bundle["entry"] = [
            {"fullUrl": f"{base}/{each['id']}", "resource": each, "search": {"mode": "match"}}
            for each in resources
        ]
    return bundle


def _address(base: str, parameters: Sequence[tuple[str, str]]) -> str:
    return f"{base}?{urlencode(parameters)}" if parameters else base


def amc_of_receipt(receipt: str) -> str:
    """The n° AMC that a receipt names. Only for one whose signature was proved: nothing is verified here."""
    payload = receipt.split(".")[1]
    claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["amc"])


def _date_time(at: int) -> str:
    return instant(at // SECOND * SECOND).strftime("%Y-%m-%dT%H:%M:%SZ")
