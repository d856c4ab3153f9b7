"""A Claim read strictly, and written back: amounts to the cent, nothing unknown let in, no value repeated."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rempart.claims.fhir import vocabulary as v
from rempart.claims.fhir.claim import ReadClaim, Use, euros, read_claim, write_claim
from rempart.claims.fhir.examples import examples
from rempart.claims.messages import AskBody, Care, InvoiceBody, Line, NumberBody, QuoteBody
from rempart.vaultdoor.fhir import ALL_REASONS, CLAIM_REASONS, REASONS, BadPresentation, explain

Resource = dict[str, Any]
DAY = date(2026, 1, 5)
cents = st.integers(0, 100_000_000)
quantities = st.one_of(
    st.just({}),
    st.builds(lambda n: {"boxes": n}, st.integers(1, 100)),
    st.builds(lambda n: {"days": n}, st.integers(1, 1_000)),
    st.builds(lambda n: {"acts": n}, st.integers(1, 1_000)),
)


@st.composite
def written_lines(draw: st.DrawFn) -> Line:
    def one(system: str) -> Any:
        return draw(st.sampled_from(["", *v.CODES_OF[system]]))

    return Line(
        nature=draw(st.sampled_from(sorted(v.CODES_OF[v.NATURE]))),
        price=draw(cents),
        base=draw(cents),
        pathway=one(v.PATHWAY),
        optam=draw(st.sampled_from([None, True, False])),
        exonerations=draw(st.lists(st.sampled_from(sorted(v.CODES_OF[v.EXONERATION])), max_size=4)),
        glazing_class=one(v.CARE_CLASS),
        basket=one(v.BASKET),
        lens_category=one(v.LENS),
        ear=one(v.EAR),
        heavy_act=draw(st.booleans()),
        **draw(quantities),
    )


@st.composite
def asked(draw: st.DrawFn) -> ReadClaim:
    use: Use = draw(st.sampled_from(["claim", "preauthorization", "predetermination"]))
    pec = draw(st.sampled_from(["", "P01AB-2CD3-4"])) if use == "claim" else ""
    care = Care(
        lines=draw(st.lists(written_lines(), min_size=1, max_size=5)),
        receipt="a.b.c" if not pec else "",
        prise_en_charge=pec,
        regime=draw(st.sampled_from(["general", "alsace-moselle", "fsv"])),
        territory=draw(st.sampled_from(["", "67", "974"])),
    )
    other = draw(st.sampled_from(["", "F-16"]))
    body: InvoiceBody | AskBody | QuoteBody
    if use == "claim":
        body = InvoiceBody("F-17", care, "2026-01-05", other)
    else:
        body = AskBody(care, other) if use == "preauthorization" else QuoteBody(care)
    return ReadClaim(use, body, "99000001", "010000602")


@given(asked())
def test_what_is_written_is_read_back_to_the_cent(claim: ReadClaim) -> None:
    assert read_claim(write_claim(claim, DAY)) == claim


@pytest.mark.parametrize(("use", "number"), [("claim", "F-17"), ("preauthorization", "P01AB-2CD3-4")])
def test_a_cancelled_claim_withdraws_by_its_number(use: Use, number: str) -> None:
    claim = ReadClaim(use, NumberBody(number), "99000001", "010000602")
    assert read_claim(write_claim(claim, DAY)) == claim


@given(cents)
def test_an_amount_is_written_with_two_decimals(amount: int) -> None:
    written = msgspec.json.encode(euros(amount)).decode()
    value = json.loads(written, parse_float=Decimal)["value"]
    assert isinstance(value, Decimal)
    assert value.as_tuple().exponent == -2
    assert value * 100 == amount


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("12", 1_200), ("12.3", 1_230), ("12.30", 1_230), ("0.07", 7), ("1000000", 100_000_000)],
)
def test_an_amount_is_read_from_its_digits(text: str, wanted: int) -> None:
    body = json.dumps(pharmacy(lambda claim: claim.pop("total"))).replace('"value": 12.0', f'"value": {text}')
    read = read_claim(body.encode()).body
    assert isinstance(read, InvoiceBody)
    assert read.care.lines[0].price == wanted


@pytest.mark.parametrize(
    "text", ["-1.00", "12.305", "1e2", '"12.30"', "null", "true", "1000000.01", "01.00", "{}", "[]"]
)
def test_no_other_amount_is_read(text: str) -> None:
    body = json.dumps(pharmacy(lambda claim: claim.pop("total"))).replace('"value": 12.0', f'"value": {text}')
    with pytest.raises(BadPresentation) as refused:
        read_claim(body.encode())
    if refused.value.field:  # 01.00 is no JSON at all
        assert refused.value.field.startswith("item[0].")


def pharmacy(change: Callable[[Resource], object]) -> Resource:
    claim: Resource = json.loads(msgspec.json.encode(examples()["claim-pharmacy"]))
    change(claim)
    return claim


def put(path: str, value: Any) -> Callable[[Resource], object]:
    *steps, last = path.split(".")

    def change(claim: Resource) -> None:
        place: Any = claim
        for step in steps:
            place = place[int(step) if step.isdecimal() else step]
        place[int(last) if last.isdecimal() else last] = value

    return change


def drop(path: str) -> Callable[[Resource], object]:
    *steps, last = path.split(".")

    def change(claim: Resource) -> None:
        place: Any = claim
        for step in steps:
            place = place[int(step) if step.isdecimal() else step]
        del place[last]

    return change


def coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


BAD = [
    (put("patient.display", "Ardivelle"), "patient.display", "narrative"),
    (put("text", {"status": "generated"}), "text", "narrative"),
    (put("contained.0.name", [{"family": "Ardivelle"}]), "contained[0].name", "minimisation"),
    (put("contained.0.birthDate", "1980-01-13"), "contained[0]", "unknown"),
    (put("contained.0.identifier", [{"value": "280017505600004"}]), "contained[0].identifier", "unknown"),
    (put("contained.0.gender", "female"), "contained[0].gender", "minimisation"),
    (put("diagnosis", []), "diagnosis", "medical"),
    (put("supportingInfo", []), "supportingInfo", "unknown"),
    (put("Ardivelle", 1), "", "unknown"),
    (put("item.0.detail", []), "item[0].detail", "unknown"),
    (put("use", "invoice"), "use", "form"),
    (drop("use"), "use", "missing"),
    (drop("identifier"), "identifier", "missing"),
    (put("identifier.0.system", v.PEC), "identifier[0].system", "system"),
    (put("identifier.0.value", "-17"), "identifier[0].value", "form"),
    (put("created", "05/01/2026"), "created", "form"),
    (put("type", coded(v.CLAIM_TYPE, "vet")), "type.coding[0].code", "code"),
    (put("priority", coded(v.PRIORITY, "stat")), "priority.coding[0].code", "code"),
    (put("provider.identifier.system", "urn:x"), "provider.identifier.system", "system"),
    (put("insurer.identifier.system", "urn:x"), "insurer.identifier.system", "system"),
    (put("insurer.identifier.value", "99000002"), "Coverage.payor[0].identifier.value", "payor"),
    (put("patient.reference", "#c"), "patient.reference", "reference"),
    (put("contained.1.beneficiary.reference", "#x"), "Coverage.beneficiary.reference", "reference"),
    (put("insurance.0.coverage.reference", "#p"), "insurance[0].coverage.reference", "reference"),
    (put("contained.0", {"resourceType": "Coverage", "id": "d", "status": "active", "beneficiary": {"reference": "#p"},
         "payor": [{"identifier": {"system": "urn:rempart:amc", "value": "1"}}]}), "contained", "contained"),
    (put("extension.0.url", "urn:x"), "extension[0].url", "form"),
    (lambda claim: claim["extension"].append(claim["extension"][0]), "extension", "once"),
    (put("item", []), "item", "missing"),
    (put("item.0.sequence", 2), "item.sequence", "sequence"),
    (put("item.0.servicedDate", "2026-01-04"), "item.servicedDate", "one-date"),
    (drop("item.0.servicedDate"), "item.servicedDate", "missing"),
    (put("item.0.net.currency", "USD"), "item[0].net.currency", "form"),
    (put("item.0.net.value", 12.345), "item[0].net.value", "amount"),
    (put("item.0.productOrService", coded(v.NATURE, "spa")), "item[0].productOrService.coding[0].code", "code"),
    (put("item.0.productOrService", coded("urn:x", "lpp")), "item[0].productOrService.coding[0].system", "system"),
    (put("item.0.modifier", [coded("urn:x", "a")]), "item[0].modifier[0].coding[0].system", "system"),
    (put("item.0.modifier", [coded(v.BASKET, "free")] * 2), "item[0].modifier[1]", "once"),
    (put("item.0.modifier", [coded(v.BASKET, "full")]), "item[0].modifier[0].coding[0].code", "code"),
    (put("item.0.programCode", [coded(v.EXONERATION, "x")]), "item[0].programCode.coding[0].code", "code"),
    (put("item.0.bodySite", coded(v.EAR, "both")), "item[0].bodySite.coding[0].code", "code"),
    (put("item.0.quantity.code", "kg"), "item[0].quantity.code", "code"),
    (put("item.0.quantity.value", 101), "item[0].quantity.value", "form"),
    (put("item.0.quantity.system", "urn:x"), "item[0].quantity.system", "system"),
    (put("total.value", 1), "total", "sum"),
    (put("use", "preauthorization"), "identifier", "unknown"),
    (lambda claim: (put("use", "preauthorization")(claim), drop("identifier")(claim)), "item.servicedDate", "engaged-date"),
    (lambda claim: claim.update(use="predetermination", status="cancelled"), "status", "form"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "field", "reason"), BAD)
def test_a_bad_claim_is_refused_by_element_and_reason(
    change: Callable[[Resource], object], field: str, reason: str
) -> None:
    with pytest.raises(BadPresentation) as refused:
        read_claim(json.dumps(pharmacy(change)).encode())
    assert (refused.value.field, refused.value.reason) == (field, reason)
    assert "Ardivelle" not in str(refused.value)


def test_every_reason_of_a_claim_is_shown_or_is_the_cashiers() -> None:
    assert {reason for *_, reason in BAD} & CLAIM_REASONS.keys() == CLAIM_REASONS.keys() - {
        "finess",
        "engaged-insurer",
        "use-other",
    }
    assert not REASONS.keys() & CLAIM_REASONS.keys()
    for key, reason in ALL_REASONS.items():
        assert explain(f"a {key}", "fr") == f"a : {reason.french}."


@given(st.binary(max_size=300))
def test_bytes_that_are_no_claim_are_refused_as_such(content: bytes) -> None:
    with pytest.raises(BadPresentation):
        read_claim(content)
