"""What the server publishes about its FHIR: StructureDefinition, CodeSystem and ValueSet, made from `vocabulary`: none can disagree."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

from rempart.claims.fhir import vocabulary as v

Resource = dict[str, Any]
PUBLISHED = "2026-01-01"
"""The day these definitions last changed."""
PUBLISHER = "Rempart"
_BASE = "http://hl7.org/fhir/StructureDefinition/"
_LINE = ("Claim.item",)
_NO_PERSON = (
    "careTeam", "diagnosis", "procedure", "accident", "prescription", "originalPrescription", "referral", "facility", "payee", "enterer",
    "supportingInfo", "fundsReserve", "subType", "text",
)  # fmt: skip


class Extension(NamedTuple):
    """One extension of ours: where it stands, what type its value has, the system its codes are of."""

    url: str
    title: str
    contexts: tuple[str, ...]
    kind: str
    system: str = ""


EXTENSIONS = (
    Extension(v.RECEIPT, "The engagement, as the rights check gave it (compact JWS)", ("CoverageEligibilityResponse", "Claim"), "string"),
    Extension("urn:rempart:cost", "What it cost of the line of look-ups", ("CoverageEligibilityResponse",), "integer"),
    Extension("urn:rempart:lane", "How the person was presented", ("CoverageEligibilityResponse",), "code", "urn:rempart:lane"),
    Extension(
        "urn:rempart:closing-reason", "Why a contract is not open", ("CoverageEligibilityResponse.insurance.item",), "code",
        "urn:rempart:closing-reason",
    ),
    Extension("urn:rempart:contrat-responsable", "Is it a contrat responsable", ("CoverageEligibilityResponse.insurance",), "boolean"),
    Extension(v.REGIME, "The compulsory scheme; general when absent", ("Claim",), "code", v.REGIME),
    Extension(v.TERRITORY, "Département or overseas code, where tariffs differ", ("Claim",), "code"),
    Extension(v.BASE, "Base de remboursement of the line", _LINE, "Money"),
    Extension(v.STATE, "State of the invoice or of the prise en charge", ("ClaimResponse",), "code", v.STATE),
    Extension(v.MONEY, "Where the money is", ("ClaimResponse", "PaymentReconciliation"), "code", v.MONEY),
    Extension(v.PEC_NEEDED, "Must a prise en charge be asked before the care", ("ClaimResponse",), "boolean"),
    Extension(v.CEILING, "What is left of the yearly ceiling before this care", ("ClaimResponse",), "Money"),
    Extension(v.DUE_KIND, "Invoice, cancellation or recovery", ("PaymentReconciliation.detail",), "code", v.DUE_KIND),
    Extension(v.CARE_DATE, "Date of the care", ("PaymentReconciliation.detail",), "date"),
    Extension(v.ENGAGEMENT, "Numéro d'engagement", ("PaymentReconciliation.detail",), "string"),
    Extension(v.INSURER, "Who owes the amount", ("PaymentReconciliation.detail",), "Reference"),
)  # fmt: skip


@cache
def published() -> dict[str, dict[str, Resource]]:
    """Resource type → id → resource."""
    resources = [
        *(_extension(each) for each in EXTENSIONS),
        _claim(),
        _claim_response(),
        _payment_reconciliation(),
        *(_code_system(url) for url in v.CODES_OF),
        *(_value_set(url) for url in v.CODES_OF),
    ]
    by_kind: dict[str, dict[str, Resource]] = {}
    for each in resources:
        by_kind.setdefault(each["resourceType"], {})[each["id"]] = each
    return by_kind


def value_set_of(system: str) -> str:
    """The url of the value set of all codes of a system of ours."""
    return f"urn:rempart:value-set:{_short(system)}"


def _short(url: str) -> str:
    return url.rpartition(":")[2]


def _name(url: str) -> str:
    return "".join(part.capitalize() for part in _short(url).split("-"))


def _head(kind: str, url: str, name: str, title: str) -> Resource:
    return {
        "resourceType": kind, "id": url.removeprefix("urn:rempart:").replace(":", "-"), "url": url, "version": "1", "name": name,
        "title": title, "status": "active", "date": PUBLISHED, "publisher": PUBLISHER,
    }  # fmt: skip


# ── extensions ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _extension(extension: Extension) -> Resource:
    label = f"value{extension.kind[0].upper()}{extension.kind[1:]}"
    value = _element("Extension.value[x]", low=1, type=[{"code": extension.kind}], short=label)
    if extension.system:
        value["binding"] = {"strength": "required", "valueSet": value_set_of(extension.system)}
    return _head("StructureDefinition", extension.url, f"Rempart{_name(extension.url)}", extension.title) | {
        "fhirVersion": "4.0.1",
        "kind": "complex-type",
        "abstract": False,
        "context": [{"type": "element", "expression": each} for each in extension.contexts],
        "type": "Extension",
        "baseDefinition": f"{_BASE}Extension",
        "derivation": "constraint",
        "differential": {
            "element": [
                _element("Extension", short=extension.title),
                _element("Extension.extension", high="0"),
                _element("Extension.url", fixedUri=extension.url),
                value,
            ]
        },
    }


def _element(path: str, low: int | None = None, high: str | None = None, **more: Any) -> Resource:
    element: Resource = {"id": path, "path": path}
    if low is not None:
        element["min"] = low
    if high is not None:
        element["max"] = high
    return element | more


def _slice(path: str, url: str, low: int, high: str = "1") -> Resource:
    """An extension of ours in its place."""
    short = _short(url)
    return {
        "id": f"{path}.extension:{short}", "path": f"{path}.extension", "sliceName": short, "min": low, "max": high,
        "type": [{"code": "Extension", "profile": [url]}],
    }  # fmt: skip


def _bound(path: str, system: str, **more: Any) -> Resource:
    return _element(path, binding={"strength": "required", "valueSet": value_set_of(system)}, **more)


# ── profiles ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _profile(url: str, kind: str, title: str, elements: Iterable[Resource]) -> Resource:
    return _head("StructureDefinition", url, f"Rempart{kind}", title) | {
        "fhirVersion": "4.0.1",
        "kind": "resource",
        "abstract": False,
        "type": kind,
        "baseDefinition": f"{_BASE}{kind}",
        "derivation": "constraint",
        "differential": {"element": [_element(kind, short=title), *elements]},
    }


def _claim() -> Resource:
    elements = [
        *(_element(f"Claim.{name}", high="0") for name in _NO_PERSON),
        _slice("Claim", v.RECEIPT, 0),
        _slice("Claim", v.REGIME, 0),
        _slice("Claim", v.TERRITORY, 0),
        _element("Claim.contained", low=2, high="2"),
        _element("Claim.identifier", high="1", short="Invoice number of the establishment, or prise en charge to cancel"),
        _element("Claim.related", high="1", short="What it corrects or amends"),
        _element("Claim.related.claim", low=1),
        _element("Claim.related.relationship", low=1, patternCodeableConcept=_coded(v.RELATED, "prior")),
        _element("Claim.insurer", low=1),
        _element("Claim.insurer.identifier", low=1),
        _element("Claim.provider.identifier", low=1),
        _element("Claim.provider.identifier.system", low=1, fixedUri=v.FINESS),
        _element("Claim.priority", patternCodeableConcept=_coded(v.PRIORITY, "normal")),
        _element("Claim.insurance", high="1"),
        _element("Claim.insurance.preAuthRef", high="1", short="Number of the prise en charge"),
        _element("Claim.item", high="60"),
        *_claim_lines(),
    ]  # fmt: skip
    return _profile(v.CLAIM_PROFILE, "Claim", "Invoice, prise en charge or quote of tiers payant", elements)


def _claim_lines() -> Sequence[Resource]:
    return (
        _slice("Claim.item", v.BASE, 1),
        _bound("Claim.item.productOrService", v.NATURE),
        _element(
            "Claim.item.modifier",
            high="6",
            short="pathway, optam, care-class, basket, lens-category, heavy-act",
        ),
        _bound("Claim.item.programCode", v.EXONERATION),
        _element("Claim.item.serviced[x]", type=[{"code": "date"}]),
        _element("Claim.item.quantity.system", low=1, fixedUri=v.UNIT),
        _bound("Claim.item.quantity.code", v.UNIT, low=1),
        _element("Claim.item.net", low=1, short="Price of the line"),
        _element("Claim.item.net.currency", low=1, fixedCode="EUR"),
        _bound("Claim.item.bodySite", v.EAR),
        _element("Claim.item.detail", high="0"),
    )


def _claim_response() -> Resource:
    elements = [
        _element("ClaimResponse.text", high="0"),
        _slice("ClaimResponse", v.STATE, 1),
        _slice("ClaimResponse", v.MONEY, 0),
        _slice("ClaimResponse", v.PEC_NEEDED, 0),
        _slice("ClaimResponse", v.CEILING, 0),
        _element("ClaimResponse.identifier", high="1"),
        _element("ClaimResponse.insurer.identifier", low=1),
        _element("ClaimResponse.disposition", low=1),
        _bound("ClaimResponse.item.adjudication.category", v.ADJUDICATION),
        _element("ClaimResponse.item.adjudication.amount", low=1),
        _element("ClaimResponse.total", low=6),
        _bound("ClaimResponse.total.category", v.ADJUDICATION),
        _element("ClaimResponse.total.amount.currency", low=1, fixedCode="EUR"),
        _element("ClaimResponse.addItem", high="0"),
        _element("ClaimResponse.payment.amount.currency", low=1, fixedCode="EUR"),
    ]  # fmt: skip
    return _profile(
        v.RESPONSE_PROFILE, "ClaimResponse", "Answer to an invoice, a prise en charge or a quote", elements
    )


def _payment_reconciliation() -> Resource:
    elements = [
        _element("PaymentReconciliation.text", high="0"),
        _slice("PaymentReconciliation", v.MONEY, 1),
        _element("PaymentReconciliation.identifier", low=1, high="1"),
        _element("PaymentReconciliation.outcome", low=1),
        _element("PaymentReconciliation.paymentAmount.currency", low=1, fixedCode="EUR"),
        _element("PaymentReconciliation.paymentIdentifier", low=1, short="What the bank prints"),
        _slice("PaymentReconciliation.detail", v.DUE_KIND, 1),
        _slice("PaymentReconciliation.detail", v.CARE_DATE, 1),
        _slice("PaymentReconciliation.detail", v.INSURER, 1),
        _slice("PaymentReconciliation.detail", v.ENGAGEMENT, 0),
        _element("PaymentReconciliation.detail.request", low=1, short="The invoice, by its number"),
        _element("PaymentReconciliation.detail.amount", low=1),
    ]  # fmt: skip
    return _profile(v.PAYMENT_PROFILE, "PaymentReconciliation", "Statement of one transfer", elements)


def _coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


# ── codes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _code_system(url: str) -> Resource:
    concepts = [
        {
            "code": code,
            "display": word.french,
            "designation": [{"language": "en", "value": word.english}],
        }
        for code, word in v.CODES_OF[url].items()
    ]
    head = _head("CodeSystem", url, f"Rempart{_name(url)}", f"Codes: {_short(url)}")
    # The door has refusals of its own beside the zone's: those of `code` are not all here.
    content = "fragment" if url == v.CODE else "complete"
    return head | {
        "language": "fr", "caseSensitive": True, "valueSet": value_set_of(url), "content": content, "count": len(concepts),
        "concept": concepts,
    }  # fmt: skip


def _value_set(system: str) -> Resource:
    url = value_set_of(system)
    head = _head("ValueSet", url, f"Rempart{_name(system)}Set", f"Every code of {_short(system)}")
    return head | {"id": _short(system), "compose": {"include": [{"system": system}]}}
