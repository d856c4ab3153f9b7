"""A Claim of FHIR R4, read strictly: an element that is not in these structs is refused, by name.

`use` says what is asked: claim, an invoice; preauthorization, a prise en charge; predetermination, a quote. `contained`, `patient`,
`insurer`, the coverage and the extension `urn:rempart:receipt` are those of the rights check's answer. Status cancelled withdraws.
An error names the element and the reason, never a value (`vaultdoor.fhir.REASONS`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from rempart.claims.fhir import vocabulary as v
from rempart.claims.messages import AskBody, Care, InvoiceBody, Line, Number, NumberBody, QuoteBody, Receipt
from rempart.claims.money import Money
from rempart.foundation.errors import BadInput
from rempart.vaultdoor.bodies import require_shallow
from rempart.vaultdoor.fhir import AMC_SYSTEM, BadPresentation, refused_element

MOST_CENTS, MOST_LINES = 100_000_000, 60
"""Of a line; of a Claim."""
Use = Literal["claim", "preauthorization", "predetermination"]


@dataclass(frozen=True)
class ReadClaim:
    """What a Claim asks. `body` is NumberBody where it withdraws what has that number."""

    use: Use
    body: InvoiceBody | AskBody | QuoteBody | NumberBody
    amc: str
    """n° AMC of the insurer it names."""
    finess: str
    """Of the provider it names."""


# ── the resource, element by element ─────────────────────────────────────────────────────────────────────────────────


class _Element(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """Anything unknown inside is refused."""


class _Identifier(_Element, frozen=True):
    system: str
    value: Number


class _Reference(_Element, frozen=True):
    reference: str


class _Logical(_Element, frozen=True):
    identifier: _Identifier


class _Coding(_Element, frozen=True):
    system: str
    code: str


class _Concept(_Element, frozen=True):
    coding: Annotated[list[_Coding], Meta(min_length=1, max_length=1)]


class _Patient(_Element, frozen=True, tag_field="resourceType", tag="Patient"):
    """Nothing else: the engagement says who."""

    id: str


class _Coverage(_Element, frozen=True, tag_field="resourceType", tag="Coverage"):
    id: str
    status: Literal["active"]
    beneficiary: _Reference
    payor: Annotated[list[_Logical], Meta(min_length=1, max_length=1)]


class _Receipt(_Element, frozen=True, tag_field="url", tag=v.RECEIPT):
    value_string: Receipt


class _Regime(_Element, frozen=True, tag_field="url", tag=v.REGIME):
    value_code: Literal["general", "alsace-moselle", "fsv"]


class _Territory(_Element, frozen=True, tag_field="url", tag=v.TERRITORY):
    value_code: Annotated[str, Meta(min_length=2, max_length=3)]


class _Money(_Element, frozen=True):
    """Euros as they are written, so that no binary fraction ever stands between: 12.30."""

    value: msgspec.Raw
    currency: Literal["EUR"]


class _Base(_Element, frozen=True, tag_field="url", tag=v.BASE):
    value_money: _Money


class _Quantity(_Element, frozen=True):
    value: Annotated[int, Meta(ge=1, le=1_000)]
    system: str
    code: str


class _Item(_Element, frozen=True):
    sequence: Annotated[int, Meta(ge=1, le=60)]
    product_or_service: _Concept
    net: _Money
    extension: Annotated[list[_Base], Meta(min_length=1, max_length=1)]
    modifier: Annotated[list[_Concept], Meta(max_length=6)] = []
    program_code: Annotated[list[_Concept], Meta(max_length=5)] = []
    serviced_date: date | None = None
    quantity: _Quantity | None = None
    body_site: _Concept | None = None


class _Insurance(_Element, frozen=True):
    sequence: Literal[1]
    focal: Literal[True]
    coverage: _Reference
    pre_auth_ref: Annotated[list[Number], Meta(max_length=1)] = []


class _Related(_Element, frozen=True):
    claim: _Logical
    relationship: _Concept


_DateTime = Annotated[
    str, Meta(max_length=40, pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2}))?$")
]


class _Claim(_Element, frozen=True):
    resource_type: Literal["Claim"]
    status: Literal["active", "cancelled"]
    type: _Concept
    use: Use
    contained: Annotated[list[_Patient | _Coverage], Meta(min_length=2, max_length=2)]
    patient: _Reference
    created: _DateTime
    insurer: _Logical
    provider: _Logical
    priority: _Concept
    insurance: Annotated[list[_Insurance], Meta(min_length=1, max_length=1)]
    extension: Annotated[list[_Receipt | _Regime | _Territory], Meta(max_length=3)] = []
    identifier: Annotated[list[_Identifier], Meta(max_length=1)] = []
    related: Annotated[list[_Related], Meta(max_length=1)] = []
    item: Annotated[list[_Item], Meta(max_length=MOST_LINES)] = []
    total: _Money | None = None
    # Legal, of no use here, not read.
    id: msgspec.Raw = msgspec.Raw()
    meta: msgspec.Raw = msgspec.Raw()
    language: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Claim).decode


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_claim(body: bytes) -> ReadClaim:
    """What a Claim asks (docs/fhir.md). Raises BadPresentation, which names the element and the reason and repeats no value."""
    try:
        require_shallow(body)
        claim = _decode(body)
    except msgspec.ValidationError as error:
        raise refused_element(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, BadInput):
        raise BadPresentation("", "json") from None
    amc = _insurer(claim)
    _code(claim.type, "type", v.CLAIM_TYPE, _TYPES)
    _code(claim.priority, "priority", v.PRIORITY, ("normal",))
    if claim.provider.identifier.system != v.FINESS:
        raise BadPresentation("provider.identifier.system", "system")
    asked = _withdrawn(claim) if claim.status == "cancelled" else _asked(claim)
    return ReadClaim(claim.use, asked, amc, claim.provider.identifier.value)


_TYPES = ("institutional", "oral", "pharmacy", "professional", "vision")


def _insurer(claim: _Claim) -> str:
    kinds = {type(each): each for each in claim.contained}
    patient, coverage = kinds.get(_Patient), kinds.get(_Coverage)
    if not isinstance(patient, _Patient) or not isinstance(coverage, _Coverage):
        raise BadPresentation("contained", "contained")
    if claim.patient.reference != f"#{patient.id}":
        raise BadPresentation("patient.reference", "reference")
    if coverage.beneficiary.reference != f"#{patient.id}" or coverage.id == patient.id:
        raise BadPresentation("Coverage.beneficiary.reference", "reference")
    if claim.insurance[0].coverage.reference != f"#{coverage.id}":
        raise BadPresentation("insurance[0].coverage.reference", "reference")
    insurer, payor = claim.insurer.identifier, coverage.payor[0].identifier
    if AMC_SYSTEM not in (insurer.system, payor.system) or insurer.system != payor.system:
        raise BadPresentation("insurer.identifier.system", "system")
    if insurer.value != payor.value:
        raise BadPresentation("Coverage.payor[0].identifier.value", "payor")
    return insurer.value


def _asked(claim: _Claim) -> InvoiceBody | AskBody | QuoteBody:
    care = _care(claim)
    if claim.use == "claim":
        number = _number(claim, v.INVOICE)
        return InvoiceBody(number, care, _care_date(claim), _related(claim, v.INVOICE))
    if claim.identifier:
        raise BadPresentation("identifier", "unknown")
    if care.prise_en_charge:
        raise BadPresentation("insurance[0].preAuthRef", "unknown")
    if any(item.serviced_date for item in claim.item):
        raise BadPresentation("item.servicedDate", "engaged-date")
    if claim.use == "preauthorization":
        return AskBody(care, _related(claim, v.PEC))
    if claim.related:
        raise BadPresentation("related", "unknown")
    return QuoteBody(care)


def _withdrawn(claim: _Claim) -> NumberBody:
    """The same Claim, cancelled. A quote keeps nothing: there is nothing to withdraw."""
    systems = {"claim": v.INVOICE, "preauthorization": v.PEC}
    if claim.use not in systems:
        raise BadPresentation("status", "form")
    return NumberBody(_number(claim, systems[claim.use]))


def _number(claim: _Claim, system: str) -> str:
    if not claim.identifier:
        raise BadPresentation("identifier", "missing")
    if claim.identifier[0].system != system:
        raise BadPresentation("identifier[0].system", "system")
    return claim.identifier[0].value


def _related(claim: _Claim, system: str) -> str:
    """The number of what it replaces, or ""."""
    for related in claim.related:
        _code(related.relationship, "related[0].relationship", v.RELATED, ("prior",))
        if related.claim.identifier.system != system:
            raise BadPresentation("related[0].claim.identifier.system", "system")
        return related.claim.identifier.value
    return ""


def _care_date(claim: _Claim) -> str:
    dates = {item.serviced_date for item in claim.item}
    if None in dates:
        raise BadPresentation("item.servicedDate", "missing")
    if len(dates) != 1:
        raise BadPresentation("item.servicedDate", "one-date")
    return str(dates.pop())


def _care(claim: _Claim) -> Care:
    if not claim.item:
        raise BadPresentation("item", "missing")
    if [item.sequence for item in claim.item] != list(range(1, len(claim.item) + 1)):
        raise BadPresentation("item.sequence", "sequence")
    said: dict[type, Any] = {type(each): each for each in claim.extension}
    if len(said) != len(claim.extension):
        raise BadPresentation("extension", "once")
    lines = [_line(item, f"item[{place}]") for place, item in enumerate(claim.item)]
    if claim.total is not None and _cents(claim.total, "total", MOST_LINES * MOST_CENTS) != sum(
        line.price for line in lines
    ):
        raise BadPresentation("total", "sum")
    return Care(
        lines=lines,
        receipt=said[_Receipt].value_string if _Receipt in said else "",
        prise_en_charge="".join(claim.insurance[0].pre_auth_ref),
        regime=said[_Regime].value_code if _Regime in said else "general",
        territory=said[_Territory].value_code if _Territory in said else "",
    )


def _line(item: _Item, path: str) -> Line:
    nature = _code(item.product_or_service, f"{path}.productOrService", v.NATURE, v.CODES_OF[v.NATURE])
    marks = _marks(item.modifier, f"{path}.modifier")
    optam = marks.get(v.OPTAM)
    count, unit = _count(item.quantity, f"{path}.quantity")
    allowed = v.CODES_OF[v.EXONERATION]
    return Line(
        nature=nature,
        price=_cents(item.net, f"{path}.net"),
        base=_cents(item.extension[0].value_money, f"{path}.extension[0].valueMoney"),
        pathway=marks.get(v.PATHWAY, ""),  # type: ignore[arg-type]
        optam=None if optam is None else optam == "yes",
        exonerations=[
            _code(each, f"{path}.programCode", v.EXONERATION, allowed) for each in item.program_code
        ],
        glazing_class=marks.get(v.CARE_CLASS, ""),  # type: ignore[arg-type]
        basket=marks.get(v.BASKET, ""),  # type: ignore[arg-type]
        lens_category=marks.get(v.LENS, ""),  # type: ignore[arg-type]
        ear=_code(item.body_site, f"{path}.bodySite", v.EAR, v.CODES_OF[v.EAR]) if item.body_site else "",  # type: ignore[arg-type]
        boxes=count if unit == "box" else 0,
        days=count if unit == "day" else 0,
        acts=count if unit == "act" else 0,
        heavy_act=v.HEAVY in marks,
    )


MARKS = (v.PATHWAY, v.OPTAM, v.CARE_CLASS, v.BASKET, v.LENS, v.HEAVY)
"""What `modifier` may say of a line, each once."""


def _marks(modifiers: Sequence[_Concept], path: str) -> dict[str, str]:
    marks: dict[str, str] = {}
    for place, modifier in enumerate(modifiers):
        coding = modifier.coding[0]
        if coding.system not in MARKS:
            raise BadPresentation(f"{path}[{place}].coding[0].system", "system")
        if coding.system in marks:
            raise BadPresentation(f"{path}[{place}]", "once")
        marks[coding.system] = _code(modifier, f"{path}[{place}]", coding.system, v.CODES_OF[coding.system])
    return marks


def _count(quantity: _Quantity | None, path: str) -> tuple[int, str]:
    if quantity is None:
        return 0, ""
    if quantity.system != v.UNIT:
        raise BadPresentation(f"{path}.system", "system")
    if quantity.code not in v.CODES_OF[v.UNIT]:
        raise BadPresentation(f"{path}.code", "code")
    if quantity.code == "box" and quantity.value > 100:
        raise BadPresentation(f"{path}.value", "form")
    return quantity.value, quantity.code


def _code(concept: _Concept, path: str, system: str, allowed: Mapping[str, object] | Sequence[str]) -> str:
    coding = concept.coding[0]
    if coding.system != system:
        raise BadPresentation(f"{path}.coding[0].system", "system")
    if coding.code not in allowed:
        raise BadPresentation(f"{path}.coding[0].code", "code")
    return coding.code


def _cents(money: _Money, path: str, most: int = MOST_CENTS) -> int:
    """Cents of an amount, read from its own digits: 12.3 is 1230, 12.305 is refused."""
    try:
        cents = int(Money.parse(bytes(money.value).decode()))
    except ValueError:
        raise BadPresentation(f"{path}.value", "amount") from None
    if cents > most:
        raise BadPresentation(f"{path}.value", "amount")
    return cents


# ── writing, as a client does ────────────────────────────────────────────────────────────────────────────────────────


def write_claim(asked: ReadClaim, created: date) -> bytes:
    """The Claim of what is asked, as a client writes it."""
    return msgspec.json.encode(claim_resource(asked, created))


def claim_resource(asked: ReadClaim, created: date) -> dict[str, Any]:
    """The same, before it is text."""
    body, insurer = asked.body, {"identifier": {"system": AMC_SYSTEM, "value": asked.amc}}
    resource: dict[str, Any] = {
        "resourceType": "Claim",
        "contained": contained(insurer),
        "status": "cancelled" if isinstance(body, NumberBody) else "active",
        "type": concept(v.CLAIM_TYPE, "professional"),
        "use": asked.use,
        "patient": {"reference": "#p"},
        "created": created.isoformat(),
        "insurer": insurer,
        "provider": {"identifier": {"system": v.FINESS, "value": asked.finess}},
        "priority": concept(v.PRIORITY, "normal"),
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"reference": "#c"}}],
    }
    if isinstance(body, NumberBody | InvoiceBody):
        system = v.PEC if asked.use == "preauthorization" else v.INVOICE
        resource["identifier"] = [{"system": system, "value": body.number}]
    if not isinstance(body, NumberBody):
        resource |= _told_care(body)
    return resource


def contained(insurer: Mapping[str, object]) -> list[dict[str, Any]]:
    """The patient without a word about them, and their coverage by that insurer."""
    return [
        {"resourceType": "Patient", "id": "p"},
        {
            "resourceType": "Coverage",
            "id": "c",
            "status": "active",
            "beneficiary": {"reference": "#p"},
            "payor": [insurer],
        },
    ]


def concept(system: str, code: str) -> dict[str, Any]:
    """A CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code}]}


def euros(cents: int) -> dict[str, Any]:
    """A Money: two decimals, written as such."""
    return {"value": msgspec.Raw(str(Money(cents)).encode()), "currency": "EUR"}


def _told_care(body: InvoiceBody | AskBody | QuoteBody) -> dict[str, Any]:
    care, told = body.care, dict[str, Any]()
    extensions = [{"url": v.RECEIPT, "valueString": care.receipt}] if care.receipt else []
    if care.regime != "general":
        extensions.append({"url": v.REGIME, "valueCode": care.regime})
    if care.territory:
        extensions.append({"url": v.TERRITORY, "valueCode": care.territory})
    if extensions:
        told["extension"] = extensions
    if care.prise_en_charge:
        told["insurance"] = [
            {
                "sequence": 1,
                "focal": True,
                "coverage": {"reference": "#c"},
                "preAuthRef": [care.prise_en_charge],
            }
        ]
    replaced = (
        body.corrects if isinstance(body, InvoiceBody) else body.amends if isinstance(body, AskBody) else ""
    )
    if replaced:
        system = v.INVOICE if isinstance(body, InvoiceBody) else v.PEC
        told["related"] = [
            {
                "claim": {"identifier": {"system": system, "value": replaced}},
                "relationship": concept(v.RELATED, "prior"),
            }
        ]
    day = body.care_date if isinstance(body, InvoiceBody) else ""
    told["item"] = [_told_line(place, line, day) for place, line in enumerate(care.lines, 1)]
    told["total"] = euros(sum(line.price for line in care.lines))
    return told


def _told_line(sequence: int, line: Line, day: str) -> dict[str, Any]:
    item: dict[str, Any] = {
        "extension": [{"url": v.BASE, "valueMoney": euros(line.base)}],
        "sequence": sequence,
        "productOrService": concept(v.NATURE, line.nature),
    }
    optam = {True: "yes", False: "no", None: ""}[line.optam]
    heavy = "heavy-act" if line.heavy_act else ""
    said = (line.pathway, optam, line.glazing_class, line.basket, line.lens_category, heavy)
    modifiers = [concept(system, code) for system, code in zip(MARKS, said, strict=True) if code]
    if modifiers:
        item["modifier"] = modifiers
    if line.exonerations:
        item["programCode"] = [concept(v.EXONERATION, each) for each in line.exonerations]
    if day:
        item["servicedDate"] = day
    for count, unit in ((line.boxes, "box"), (line.days, "day"), (line.acts, "act")):
        if count:
            item["quantity"] = {"value": count, "system": v.UNIT, "code": unit}
    item["net"] = euros(line.price)
    if line.ear:
        item["bodySite"] = concept(v.EAR, line.ear)
    return item
