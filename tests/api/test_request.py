"""The request: what is read, what is refused and why, and that nothing a client wrote ever comes back in a refusal."""

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from fhir.resources.R4B.coverageeligibilityrequest import CoverageEligibilityRequest
from hypothesis import given
from hypothesis import strategies as st

from rempart.foundation.errors import BadInput
from rempart.foundation.identifiers import nir_key
from rempart.foundation.vocabulary import Domain, Lane
from rempart.vaultdoor.fhir import (
    ALL_REASONS,
    REASONS,
    BadPresentation,
    Presentation,
    explain,
    read_request,
    read_secret,
    write_request,
    write_secret,
)

TODAY = date(2026, 1, 5)
NIR = "1800175056000" + f"{nir_key('1800175056000'):02d}"
CARD = Presentation(
    Lane.CARD, "99000001", "20318847", "", date(1980, 1, 13), 1, Domain.PHAR, date(2026, 1, 4)
)
VITALE = Presentation(Lane.VITALE, "99000001", "", NIR, date(1980, 1, 13), 2, Domain.OPTI)
CARD_SECRET = bytes.fromhex("00112233445566778899aabbccddeeff")
SCANNED = Presentation(
    Lane.SECRET, "99000001", "", "", date(1980, 1, 13), 1, Domain.PHAR, date(2026, 1, 4), CARD_SECRET
)
Resource = dict[str, Any]


def resource(presentation: Presentation = CARD) -> Resource:
    parsed: Resource = json.loads(write_request(presentation, TODAY))
    return parsed


def read(changed: Resource) -> Presentation:
    return read_request(json.dumps(changed).encode())


@pytest.mark.parametrize("presentation", [CARD, VITALE, SCANNED])
def test_what_a_client_writes_is_valid_r4_and_is_read_back(presentation: Presentation) -> None:
    body = write_request(presentation, TODAY)
    assert CoverageEligibilityRequest.model_validate_json(body).status == "active"
    assert read_request(body) == presentation


def test_spaces_and_capitals_do_not_matter() -> None:
    vitale = resource(VITALE)
    vitale["contained"][0]["identifier"][0]["value"] = f" {NIR[0]} {NIR[1:3]} {NIR[3:]} "
    vitale["insurer"]["identifier"]["value"] = vitale["contained"][1]["payor"][0]["identifier"]["value"] = (
        " 9900 0001"
    )
    assert read(vitale) == VITALE
    corsican = "1 80 01 2a 004 000"
    compact = corsican.replace(" ", "").upper()
    vitale["contained"][0]["identifier"][0]["value"] = f"{corsican} {nir_key(compact):02d}"
    assert read(vitale).nir == f"{compact}{nir_key(compact):02d}"
    card = resource()
    card["contained"][1]["subscriberId"] = " 20318847  "
    assert read(card) == CARD


def test_the_contained_may_come_in_either_order_and_ids_are_free() -> None:
    card = resource()
    card["contained"].reverse()
    card["contained"][1]["id"] = "somebody"
    card["patient"]["reference"] = card["contained"][0]["beneficiary"]["reference"] = "#somebody"
    assert read(card) == CARD


def test_legal_elements_of_no_use_are_not_read() -> None:
    card = resource()
    card.update(
        id="1",
        meta={"profile": ["http://example.org/any"]},
        language="fr-FR",
        created="2026-01-05T09:00:00+01:00",
    )
    assert read(card) == CARD


def test_a_presentation_prints_without_the_person() -> None:
    assert repr(VITALE) == "Presentation(lane=VITALE, domain=OPTI)"
    assert str(CARD) == "Presentation(lane=CARD, domain=PHAR)"
    assert str(SCANNED) == "Presentation(lane=SECRET, domain=PHAR)"


SECRET = "Ardivelle-1980-01-13"
"""Whatever a client writes where it should not: none of it may come back."""


def _set(*path: str | int, to: Any) -> Callable[[Resource], None]:
    def change(body: Resource) -> None:
        place: Any = body
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


def _drop(*path: str | int) -> Callable[[Resource], None]:
    def change(body: Resource) -> None:
        place: Any = body
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return change


BAD: list[tuple[Presentation, Callable[[Resource], None], str, str]] = [
    (CARD, _drop("resourceType"), "resourceType", "missing"),
    (CARD, _set("resourceType", to=SECRET), "resourceType", "form"),
    (CARD, _set("status", to="draft"), "status", "form"),
    (CARD, _drop("status"), "status", "missing"),
    (CARD, _set("purpose", to=[]), "purpose", "once"),
    (CARD, _set("purpose", to=["discovery"]), "purpose[0]", "form"),
    (CARD, _set("created", to=SECRET), "created", "form"),
    (CARD, _drop("created"), "created", "missing"),
    (CARD, _set("servicedDate", to="05/01/2026"), "servicedDate", "form"),
    (CARD, _set("servicedPeriod", to={"start": SECRET}), "servicedPeriod", "unknown"),
    (CARD, _set("provider", to={"display": SECRET}), "provider", "unknown"),
    (CARD, _set("extension", to=[{"valueString": SECRET}]), "extension", "unknown"),
    (CARD, _set("text", to={"div": SECRET}), "text", "narrative"),
    (CARD, _set("patient", "display", to=SECRET), "patient.display", "narrative"),
    (CARD, _set(SECRET, to=SECRET), "", "unknown"),
    (CARD, _set("Ardivelle", to=1), "", "unknown"),
    (CARD, _set("contained", 0, "name", to=[{"family": SECRET}]), "contained[0].name", "minimisation"),
    (CARD, _set("contained", 0, "address", to=[{"text": SECRET}]), "contained[0].address", "minimisation"),
    (CARD, _set("contained", 0, "telecom", to=[{"value": SECRET}]), "contained[0].telecom", "minimisation"),
    (CARD, _set("contained", 0, "gender", to="male"), "contained[0].gender", "minimisation"),
    (
        CARD,
        _set("contained", 1, "policyHolder", to={"display": SECRET}),
        "contained[1].policyHolder",
        "minimisation",
    ),
    (CARD, _drop("contained", 0, "birthDate"), "contained[0].birthDate", "missing"),
    (CARD, _set("contained", 0, "birthDate", to="1980-13-01"), "contained[0].birthDate", "form"),
    (CARD, _set("contained", 0, "birthDate", to="1980"), "contained[0].birthDate", "form"),
    (CARD, _set("contained", 0, "multipleBirthInteger", to=0), "contained[0].multipleBirthInteger", "form"),
    (CARD, _set("contained", 0, "multipleBirthInteger", to="1"), "contained[0].multipleBirthInteger", "form"),
    (CARD, _set("contained", 0, "resourceType", to="Practitioner"), "contained[0].resourceType", "form"),
    (CARD, _drop("contained", 1), "contained", "contained"),
    (CARD, _set("contained", 1, to=resource()["contained"][0]), "contained", "contained"),
    (CARD, _set("contained", 0, to=resource()["contained"][1]), "contained", "contained"),
    (CARD, _set("patient", "reference", to=f"Patient/{SECRET}"), "patient.reference", "reference"),
    (
        CARD,
        _set("contained", 1, "beneficiary", "reference", to="#q"),
        "Coverage.beneficiary.reference",
        "reference",
    ),
    (
        CARD,
        _set("insurance", 0, "coverage", "reference", to="#p"),
        "insurance[0].coverage.reference",
        "reference",
    ),
    (CARD, _set("insurance", 0, "focal", to=False), "insurance[0].focal", "form"),
    (CARD, _set("insurance", to=resource()["insurance"] * 2), "insurance", "once"),
    (CARD, _set("contained", 1, "payor", to=[]), "contained[1].payor", "once"),
    (CARD, _set("contained", 1, "status", to="cancelled"), "contained[1].status", "form"),
    (CARD, _set("insurer", "identifier", "system", to=SECRET), "insurer.identifier.system", "system"),
    (
        CARD,
        _set("contained", 1, "payor", 0, "identifier", "system", to=SECRET),
        "Coverage.payor[0].identifier.system",
        "system",
    ),
    (
        CARD,
        _set("insurer", "identifier", "value", to="99000002"),
        "Coverage.payor[0].identifier.value",
        "payor",
    ),
    (CARD, lambda body: _both_amc(body, "99-1"), "insurer.identifier.value", "amc"),
    (CARD, lambda body: _both_amc(body, "9" * 11), "insurer.identifier.value", "amc"),
    (
        CARD,
        _set("item", 0, "category", "coding", 0, "code", to="PHARM"),
        "item[0].category.coding[0].code",
        "domain",
    ),
    (
        CARD,
        _set("item", 0, "category", "coding", 0, "system", to="x"),
        "item[0].category.coding[0].system",
        "system",
    ),
    (CARD, _set("item", to=resource()["item"] * 2), "item", "once"),
    (CARD, _set("contained", 1, "subscriberId", to="  "), "Coverage.subscriberId", "adherent"),
    (CARD, _set("contained", 1, "subscriberId", to="9" * 21), "Coverage.subscriberId", "adherent"),
    (CARD, _set("contained", 1, "subscriberId", to="9\n9"), "Coverage.subscriberId", "adherent"),
    (CARD, _drop("contained", 1, "subscriberId"), "contained", "lane-neither"),
    (VITALE, _set("contained", 1, "subscriberId", to="20318847"), "contained", "lane-both"),
    (SCANNED, _set("contained", 1, "subscriberId", to="20318847"), "contained", "lane-both"),
    (SCANNED, _drop("contained", 1, "identifier"), "contained", "lane-neither"),
    (
        SCANNED,
        _set("contained", 1, "identifier", 0, "system", to="urn:rempart:amc"),
        "Coverage.identifier[0].system",
        "system",
    ),
    *(
        (
            SCANNED,
            _set("contained", 1, "identifier", 0, "value", to=value),
            "Coverage.identifier[0].value",
            "secret",
        )
        for value in ("", write_secret(CARD_SECRET)[:-1], write_secret(CARD_SECRET) + "A", "1" * 26, "B" * 26)
    ),
    (
        VITALE,
        _set("contained", 0, "identifier", 0, "system", to="urn:oid:1.2"),
        "Patient.identifier[0].system",
        "system",
    ),
    (
        VITALE,
        _set("contained", 0, "identifier", 0, "value", to=NIR[:13]),
        "Patient.identifier[0].value",
        "nir-form",
    ),
    (
        VITALE,
        _set("contained", 0, "identifier", 0, "value", to=NIR[:13] + f"{int(NIR[13:]) % 97 + 1:02d}"),
        "Patient.identifier[0].value",
        "nir-key",
    ),
    (
        VITALE,
        _set("contained", 0, "identifier", to=resource(VITALE)["contained"][0]["identifier"] * 2),
        "contained[0].identifier",
        "once",
    ),
]


def _both_amc(body: Resource, value: str) -> None:
    body["insurer"]["identifier"]["value"] = value
    body["contained"][1]["payor"][0]["identifier"]["value"] = value


@pytest.mark.parametrize(("presentation", "change", "field", "reason"), BAD)
def test_a_bad_request_is_refused_by_element_and_reason(
    presentation: Presentation, change: Callable[[Resource], None], field: str, reason: str
) -> None:
    body = resource(presentation)
    assert read(copy.deepcopy(body)) == presentation  # refusal and success differ by this one change
    change(body)
    with pytest.raises(BadPresentation) as refused:
        read(body)
    assert (refused.value.field, refused.value.reason) == (field, reason)
    told = [
        str(refused.value),
        refused.value.detail,
        explain(refused.value.detail),
        explain(refused.value.detail, "en"),
    ]
    for value in (SECRET, "Ardivelle", NIR[:13], "1980", "20318847", write_secret(CARD_SECRET)[:25]):
        assert not any(value in sentence for sentence in told)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@given(st.binary(min_size=16, max_size=16))
def test_a_secret_has_one_writing_only(secret: bytes) -> None:
    text = write_secret(secret)
    assert read_secret(text) == secret
    # Its last letter carries three bits: the three other letters that would decode alike are no secret.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    for letter in alphabet.replace(text[-1], ""):
        with suppress(ValueError):
            assert read_secret(text[:-1] + letter) != secret


def test_every_reason_is_shown_here_but_the_one_that_needs_a_clock() -> None:
    assert {reason for *_, reason in BAD} | {"json", "care-date"} == REASONS.keys()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[[[" * 20_000, b'{"meta":' + b"[" * 60_000])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(BadPresentation) as refused:
        read_request(body)
    assert refused.value.detail in {"json", "form"}


def test_every_reason_has_both_languages() -> None:
    for key, reason in REASONS.items():
        assert reason.french != reason.english
        assert explain(f"a.b {key}", "fr") == f"a.b : {reason.french}."
        assert explain(f"a.b {key}", "en") == f"a.b: {reason.english}."
    assert explain("servicedDate: free words") == "servicedDate: free words"


# ── fuzz ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30)
_json = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
)


def _places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for step, inner in steps for place in _places(inner, (*path, step)))][(not path) :]


@given(st.data())
def test_a_request_changed_anywhere_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    body = resource(data.draw(st.sampled_from([CARD, VITALE])))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(_places(body)))
        change = data.draw(st.sampled_from([_drop(*place), _set(*place, to=data.draw(_json))]))
        change(body)
        if not _places(body):
            break
    _read_or_refuse(json.dumps(body).encode())


@given(st.binary(max_size=300) | _json.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused_and_nothing_else(body: bytes) -> None:
    _read_or_refuse(body)


@given(st.integers(0, 800), st.binary(min_size=1, max_size=4))
def test_a_body_with_foreign_bytes_is_read_or_refused_and_nothing_else(at: int, foreign: bytes) -> None:
    body = write_request(VITALE, TODAY)
    _read_or_refuse(body[:at] + foreign + body[at + len(foreign) :])


def _read_or_refuse(body: bytes) -> None:
    try:
        presentation = read_request(body)
    except BadInput as refused:
        field, _, reason = refused.detail.rpartition(" ")
        assert reason in ALL_REASONS
        assert len(field) < 80
        assert field.isascii()
    else:
        assert isinstance(presentation, Presentation)
        assert bool(presentation.nir) == (presentation.lane is Lane.VITALE)
