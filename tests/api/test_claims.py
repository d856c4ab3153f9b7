"""Claims in FHIR through the real doors: from the right to the ClaimResponse; each answer is valid R4 by the official definitions."""

import json
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from rempart.claims.fhir import vocabulary as v
from rempart.claims.fhir.claim import ReadClaim, Use, write_claim
from rempart.claims.messages import AskBody, Care, InvoiceBody, Line, NumberBody, QuoteBody
from rempart.cli.counter import Counter
from rempart.foundation.clock import paris_date, system_clock
from rempart.foundation.vocabulary import Domain
from tests.api.test_door import assert_secure
from tests.api.test_profiles import require_valid
from tests.api.test_refusals import ALL_CODES
from tests.api.town import AMC, ANNE, ELSEWHERE, INSURED, TWIN, Insured, Town, running_town
from tests.conftest import Database

SUBMIT = "/fhir/Claim/$submit"
SEARCH = "/fhir/ClaimResponse"
GLASSES = [
    Line("optics-lens", 10_000, 5, glazing_class="B", lens_category="a"),
    Line("optics-lens", 10_000, 5, glazing_class="B", lens_category="a"),
    Line("optics-frame", 8_000, 5, glazing_class="B"),
]
_numbers = count(1)
_prices = count(1_000, 100)


@pytest.fixture(scope="module")
def town(module_database: Database) -> Iterator[Town]:
    with running_town(module_database) as running:
        yield running


@pytest.fixture(autouse=True)
def _a_whole_line(town: Town) -> None:
    town.renew_lines()


def today() -> date:
    return paris_date(system_clock())


def receipt(town: Town, insured: Insured = ANNE, domain: Domain = Domain.PHAR) -> str:
    """The engagement of a real rights check."""
    response, content = town.check(insured.by_card(domain))
    assert response.status == 200
    return next(
        str(each["valueString"]) for each in json.loads(content)["extension"] if each["url"] == v.RECEIPT
    )


def drug(cents: int = 0) -> Line:
    """A drug at a price of its own, so that nothing is billed twice."""
    price = cents or next(_prices)
    return Line("drug-65", price, price, boxes=1)


def invoice(town: Town, number: str = "", **changes: Any) -> InvoiceBody:
    care = Care(lines=changes.pop("lines", [drug()]), receipt=changes.pop("receipt", "") or receipt(town))
    return InvoiceBody(number or f"F-{next(_numbers)}", care, today().isoformat(), **changes)


def claim(town: Town, body: Any, use: Use = "claim", finess: str = "", amc: str = AMC) -> bytes:
    return write_claim(ReadClaim(use, body, amc, finess or town.finess), today())


def answered(town: Town, method: str, path: str, body: bytes = b"", **more: Any) -> dict[str, Any]:
    """What is answered with 200: valid R4 by the official definitions and by our profiles."""
    response, content = town.ask(method, path, body, **more)
    assert response.status == 200, content
    assert response.headers["Content-Type"] == "application/fhir+json; charset=utf-8"
    assert_secure(response)
    return require_valid(content)


def submitted(town: Town, body: Any, use: Use = "claim") -> dict[str, Any]:
    return answered(town, "POST", SUBMIT, claim(town, body, use))


def refused(town: Town, method: str, path: str, body: bytes = b"", **more: Any) -> tuple[int, dict[str, Any]]:
    """An OperationOutcome, valid too: status and issue."""
    response, content = town.ask(method, path, body, **more)
    assert_secure(response)
    resource = require_valid(content)
    assert resource["resourceType"] == "OperationOutcome"
    [issue] = resource["issue"]
    name = issue["details"]["coding"][0]["code"]
    assert response.status == ALL_CODES[name].status
    return response.status, issue


def code(issue: dict[str, Any]) -> str:
    return str(issue["details"]["coding"][0]["code"])


def extension(resource: dict[str, Any], url: str) -> Any:
    [found] = [each for each in resource["extension"] if each["url"] == url]
    return next(value for key, value in found.items() if key.startswith("value"))


def amc(adjudication: dict[str, Any]) -> bool:
    return bool(adjudication["category"]["coding"][0]["code"] == "amc")


def totals(resource: dict[str, Any]) -> dict[str, float]:
    return {each["category"]["coding"][0]["code"]: each["amount"]["value"] for each in resource["total"]}


# ── journeys ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_invoice_is_accepted_read_found_and_cancelled(town: Town) -> None:
    body = invoice(town, lines=[drug(1_200)])
    accepted = submitted(town, body)
    assert (accepted["outcome"], accepted["status"]) == ("complete", "active")
    assert extension(accepted, v.STATE) == "accepted"
    assert extension(accepted, v.MONEY) == "due"
    assert totals(accepted) == {
        "submitted": 12.0, "amo": 7.8, "amc": 4.2, "patient": 0.0, "participation": 0.0, "franchise": 1.0
    }  # fmt: skip
    assert accepted["processNote"]
    [line] = accepted["item"]
    assert line["adjudication"] == accepted["total"]

    read = answered(town, "GET", f"{SEARCH}/{accepted['id']}")
    assert (read["identifier"], read["total"]) == (accepted["identifier"], accepted["total"])
    found = answered(town, "GET", f"{SEARCH}?identifier={v.INVOICE}%7C{body.number}")
    assert [each["resource"]["id"] for each in found["entry"]] == [accepted["id"]]

    cancelled = submitted(town, NumberBody(body.number))
    assert (cancelled["id"], cancelled["status"]) == (accepted["id"], "cancelled")
    assert submitted(town, NumberBody(body.number))["status"] == "cancelled"


def test_from_the_right_to_a_quote_to_an_agreement_to_an_invoice(town: Town) -> None:
    engagement = receipt(town, TWIN, Domain.OPTI)
    care = Care(lines=GLASSES, receipt=engagement)
    quoted = submitted(town, QuoteBody(care), "predetermination")
    assert extension(quoted, v.STATE) == "simulated"
    assert extension(quoted, v.PEC_NEEDED) is True
    assert len(quoted["item"]) == 3
    assert quoted["type"]["coding"][0]["code"] == "vision"
    assert "id" not in quoted

    agreed = submitted(town, AskBody(care), "preauthorization")
    assert (agreed["outcome"], extension(agreed, v.STATE)) == ("complete", "accordee")
    assert totals(agreed) == totals(quoted)
    number = agreed["preAuthRef"]
    assert answered(town, "GET", f"{SEARCH}/{number}")["preAuthPeriod"] == agreed["preAuthPeriod"]
    page = answered(town, "GET", f"{SEARCH}?use=preauthorization&outcome=complete&status=active")
    assert number in [each["resource"]["id"] for each in page["entry"]]

    body = InvoiceBody(
        f"F-{next(_numbers)}", Care(lines=GLASSES, prise_en_charge=number), today().isoformat()
    )
    accepted = submitted(town, body)
    assert (accepted["outcome"], accepted["preAuthRef"]) == ("complete", number)
    assert totals(accepted)["amc"] == totals(agreed)["amc"]
    by_line = [
        each["amount"]["value"] for line in accepted["item"] for each in line["adjudication"] if amc(each)
    ]
    assert round(sum(by_line), 2) == totals(accepted)["amc"]
    assert refused(town, "POST", SUBMIT, claim(town, NumberBody(number), "preauthorization"))[0] == 422


def test_an_agreement_is_withdrawn(town: Town) -> None:
    care = Care(lines=GLASSES[2:], receipt=receipt(town, ANNE, Domain.OPTI))
    agreed = submitted(town, AskBody(care), "preauthorization")
    withdrawn = submitted(town, NumberBody(agreed["identifier"][0]["value"]), "preauthorization")
    assert (withdrawn["status"], extension(withdrawn, v.STATE)) == ("cancelled", "annulee")
    assert "preAuthRef" not in withdrawn


def test_a_refused_invoice_says_why_and_what_to_do_in_the_readers_language(town: Town) -> None:
    engagement = receipt(town, TWIN, Domain.OPTI)
    body = claim(town, invoice(town, receipt=engagement, lines=GLASSES))
    told = answered(town, "POST", SUBMIT, body)
    assert (told["outcome"], told["language"]) == ("error", "fr")
    assert told["error"][0]["code"]["coding"] == [{"system": v.CODE, "code": "prise-en-charge-needed"}]
    assert told["processNote"][-1]["text"] == "Demandez une prise en charge, puis facturez avec son numéro."
    english = answered(town, "POST", SUBMIT, body, **{"Accept-Language": "en"})
    assert english["processNote"][-1]["text"] == "Ask for a prise en charge, then bill with its number."
    assert totals(english)["amc"] == 0


def test_a_correction_replaces(town: Town) -> None:
    former = invoice(town)
    submitted(town, former)
    corrected = submitted(town, invoice(town, receipt=former.care.receipt, corrects=former.number))
    assert corrected["outcome"] == "complete"
    found = answered(town, "GET", f"{SEARCH}?identifier={former.number}")
    assert found["entry"][0]["resource"]["status"] == "cancelled"


def test_the_same_number_answers_the_same(town: Town) -> None:
    body = invoice(town)
    first, again = submitted(town, body), submitted(town, body)
    assert (first["id"], first["total"]) == (again["id"], again["total"])


# ── search and pages ─────────────────────────────────────────────────────────────────────────────────────────────────


def pages(town: Town, path: str, counter: Counter | None = None) -> list[list[str]]:
    """Follow the links: the ids of each page."""
    found = []
    while path:
        bundle = answered(town, "GET", path, counter=counter)
        found.append([each["resource"]["id"] for each in bundle.get("entry", ())])
        links = {each["relation"]: each["url"] for each in bundle["link"]}
        following = urlsplit(links.get("next", ""))
        path = f"{following.path}?{following.query}" if following.path else ""
    return found


def test_pages_hold_each_answer_once_newest_first(town: Town) -> None:
    engagement = receipt(town)
    sent = [submitted(town, invoice(town, receipt=engagement))["id"] for _ in range(5)]
    found = pages(town, f"{SEARCH}?_count=2")
    assert all(len(each) <= 2 for each in found)
    everything = [each for page in found for each in page]
    assert len(everything) == len(set(everything))
    assert everything[:5] == sent[::-1]


def test_pages_of_prises_en_charge_too(town: Town) -> None:
    engagement = receipt(town, ELSEWHERE, Domain.OPTI)
    frames = [Line("optics-frame", next(_prices), 5, glazing_class="B") for _ in range(3)]
    bodies = [
        claim(town, AskBody(Care(lines=[each], receipt=engagement)), "preauthorization", amc=ELSEWHERE.amc)
        for each in frames
    ]
    sent = [answered(town, "POST", SUBMIT, body)["id"] for body in bodies]
    found = pages(town, f"{SEARCH}?use=preauthorization&_count=1")
    assert [each for page in found for each in page][:3] == sent[::-1]
    assert {len(page) for page in found} <= {0, 1}


def test_what_is_searched_is_narrowed(town: Town) -> None:
    body = invoice(town)
    identity = submitted(town, body)["id"]
    submitted(town, NumberBody(body.number))
    day = today().isoformat()
    found = {
        query: [each for page in pages(town, f"{SEARCH}?{query}") for each in page]
        for query in (
            "status=cancelled", "status=active", "outcome=error", "outcome=queued", f"created={day}", f"created=gt{day}",
            f"created=lt{day}",
            f"created=ge{day}&created=le{day}&_count=1", "use=predetermination", f"identifier={body.number}x",
        )
    }  # fmt: skip
    there = {query for query, ids in found.items() if identity in ids}
    assert there == {"status=cancelled", f"created={day}", f"created=ge{day}&created=le{day}&_count=1"}
    assert found["outcome=queued"] == found["use=predetermination"] == []


def test_a_search_may_be_posted(town: Town) -> None:
    number = submitted(town, invoice(town))["identifier"][0]["value"]
    form = f"identifier={quote(v.INVOICE + '|' + number)}".encode()
    bundle = answered(
        town, "POST", f"{SEARCH}/_search", form, **{"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert [each["resource"]["identifier"][0]["value"] for each in bundle["entry"]] == [number]
    assert bundle["link"][0]["url"].endswith(form.decode())


@pytest.mark.parametrize(("query", "diagnostics"), [
    ("patient=Ardivelle", "unknown"),
    ("created=hier", "created form"),
    ("created=9999-12-31", "created form"),
    ("status=active&status=cancelled", "status once"),
    ("status=open", "status code"),
    ("_count=-1", "_count form"),
    ("page=%D9%A1", "page form"),
    ("identifier=urn:x%7C1", "identifier system"),
    ("=", "unknown"),
    ("a", "form"),
])  # fmt: skip
def test_a_bad_search_is_refused_and_no_value_repeated(town: Town, query: str, diagnostics: str) -> None:
    status, issue = refused(town, "GET", f"{SEARCH}?{query}")
    assert (status, code(issue), issue["diagnostics"]) == (400, "bad-input", diagnostics)
    assert "Ardivelle" not in json.dumps(issue)


# ── payments ─────────────────────────────────────────────────────────────────────────────────────────────────────────

PAYMENTS = "/fhir/PaymentReconciliation"


def test_a_statement_equals_what_was_accepted_to_the_cent(town: Town) -> None:
    town.put_rib()
    town.settle(1)
    engagement = receipt(town)
    sent = [invoice(town, receipt=engagement, lines=[drug(cents)]) for cents in (90_001, 90_103)]
    shares = {body.number: totals(submitted(town, body))["amc"] for body in sent}
    town.settle(2)
    town.settle(3)

    [newest, *_] = answered(town, "GET", f"{PAYMENTS}?_count=1")["entry"]
    statement = answered(town, "GET", f"{PAYMENTS}/{newest['resource']['id']}")
    rows = {each["request"]["identifier"]["value"]: each["amount"]["value"] for each in statement["detail"]}
    assert rows == shares
    assert round(sum(rows.values()), 2) == statement["paymentAmount"]["value"]
    assert extension(statement, v.MONEY) == "ordered"
    assert {extension(each, v.DUE_KIND) for each in statement["detail"]} == {"invoice"}

    paid = answered(town, "GET", f"{SEARCH}?identifier={sent[0].number}")["entry"][0]["resource"]
    assert extension(paid, v.MONEY) == "ordered"
    assert paid["payment"]["identifier"]["value"] == statement["id"]

    cents = f"{statement['paymentAmount']['value']:.2f}"
    found = {
        query: [each for page in pages(town, f"{PAYMENTS}?{query}") for each in page]
        for query in (
            f"request-identifier={sent[0].number}", f"identifier={v.STATEMENT}%7C{statement['id']}", f"amount={cents}",
            f"created=ge{(today() + timedelta(days=2)).isoformat()}", "request-identifier=none", "identifier=none", "amount=0.01",
            "amount=999999999",
            f"created=gt{(today() + timedelta(days=2)).isoformat()}", "_count=1",
        )
    }  # fmt: skip
    everything = found.pop("_count=1")
    assert len(everything) == len(set(everything)) == 2
    assert [ids for ids in found.values() if ids] == [[statement["id"]]] * 4
    posted = {"Content-Type": "application/x-www-form-urlencoded"}
    assert answered(town, "POST", f"{PAYMENTS}/_search", b"identifier=none", **posted).get("entry") is None

    with town.newcomer() as (stranger, _):
        theirs = town.ask("GET", f"{PAYMENTS}/{statement['id']}", counter=stranger)
        nobodys = town.ask("GET", f"{PAYMENTS}/RP20000101-000001", counter=stranger)
        assert (theirs[0].status, theirs[1]) == (nobodys[0].status, nobodys[1])
        assert theirs[0].status == 404
        assert pages(town, f"{PAYMENTS}?request-identifier={sent[0].number}", stranger) == [[]]


@pytest.mark.parametrize("query", ["amount=1,50", "amount=-1", "use=claim", "patient=x", "created=2026"])
def test_a_bad_search_of_payments_is_refused(town: Town, query: str) -> None:
    assert code(refused(town, "GET", f"{PAYMENTS}?{query}")[1]) == "bad-input"


# ── attacks and refusals ─────────────────────────────────────────────────────────────────────────────────────────────


def test_another_establishments_answer_is_the_same_as_none(town: Town) -> None:
    agreed = submitted(
        town, AskBody(Care(lines=GLASSES[:1], receipt=receipt(town, ANNE, Domain.OPTI))), "preauthorization"
    )
    accepted = submitted(town, invoice(town))
    with town.newcomer() as (stranger, _):
        theirs = [town.ask("GET", f"{SEARCH}/{each['id']}", counter=stranger) for each in (accepted, agreed)]
        nobodys = [
            town.ask("GET", f"{SEARCH}/{each}", counter=stranger)
            for each in (uuid.uuid4(), "P0000-0000-0", "_search", "x")
        ]
        assert {(response.status, content) for response, content in theirs + nobodys} == {
            (404, nobodys[0][1])
        }
        assert pages(town, f"{SEARCH}?identifier={accepted['identifier'][0]['value']}", stranger) == [[]]
        assert pages(town, f"{SEARCH}?use=preauthorization", stranger) == [[]]
        number = accepted["identifier"][0]["value"]
        _, issue = refused(town, "POST", SUBMIT, claim(town, NumberBody(number)), counter=stranger)
        assert code(issue) == "bad-input"  # the Claim names the other pharmacy as its provider
    assert answered(town, "GET", f"{SEARCH}/{accepted['id']}")["status"] == "active"


def test_a_stolen_engagement_bills_nothing_elsewhere(town: Town) -> None:
    engagement = receipt(town)
    with town.newcomer() as (stranger, finess):
        body = claim(town, invoice(town, receipt=engagement), finess=finess)
        _, issue = refused(town, "POST", SUBMIT, body, counter=stranger)
        assert code(issue) == "engagement-elsewhere"
        assert pages(town, SEARCH, stranger) == [[]]


def test_a_claim_that_names_another_insurer_leaves_nothing(town: Town) -> None:
    body = invoice(town)
    _, issue = refused(town, "POST", SUBMIT, claim(town, body, amc="99000002"))
    assert issue["diagnostics"] == "insurer.identifier.value engaged-insurer"
    assert pages(town, f"{SEARCH}?identifier={body.number}") == [[]]


def test_a_refusal_is_told_in_french_and_in_english(town: Town) -> None:
    body = claim(town, invoice(town, receipt="a.b.c"))
    _, french = refused(town, "POST", SUBMIT, body)
    _, english = refused(town, "POST", SUBMIT, body, **{"Accept-Language": "en-GB"})
    assert french["details"]["text"].startswith(ALL_CODES["engagement-invalid"].french)
    assert english["details"]["text"].startswith(ALL_CODES["engagement-invalid"].english)
    assert code(french) == code(english) == "engagement-invalid"


def test_a_name_is_refused_saying_why(town: Town) -> None:
    resource = json.loads(claim(town, invoice(town)))
    resource["contained"][0]["name"] = [{"family": "Ardivelle"}]
    _, issue = refused(town, "POST", SUBMIT, json.dumps(resource).encode())
    assert issue["expression"] == ["contained[0].name"]
    assert "minimisation" in issue["details"]["text"]
    assert "Ardivelle" not in json.dumps(issue)


@pytest.mark.parametrize(("method", "path", "body", "headers", "wanted"), [
    ("GET", f"{SUBMIT}", b"", {}, "method"),
    ("POST", SEARCH, b"{}", {}, "method"),
    ("POST", SUBMIT, b"{}", {"Content-Type": "text/xml"}, "media-type"),
    ("POST", f"{SEARCH}/_search", b"{}", {}, "media-type"),
    ("POST", SUBMIT, b"{}", {"Signature": ""}, "signature"),
    ("POST", SUBMIT, b"{}", {"Content-Digest": "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"}, "signature"),
    ("GET", SEARCH, b"", {"Cookie": "__Host-rempart=forged"}, "session"),
    ("POST", SUBMIT, b"x" * 65_537, {}, "too-large"),
    ("GET", "/fhir/Claim/1", b"", {}, "not-found"),
])  # fmt: skip
def test_what_the_door_or_the_vault_refuses(
    town: Town, method: str, path: str, body: bytes, headers: dict[str, str], wanted: str
) -> None:
    _, issue = refused(town, method, path, body, **headers)
    assert code(issue) == wanted


def test_a_replayed_get_is_refused(town: Town) -> None:
    origin = town.front.settings.origin
    signed = town.counter.device.sign("GET", origin + SEARCH, b"", system_clock() // 1_000_000)
    headers = signed | {"Cookie": f"__Host-rempart={town.counter.session}"}
    assert town.front.ask("GET", SEARCH, None, headers)[0].status == 200
    response, content = town.front.ask("GET", SEARCH, None, headers)
    assert (response.status, code(require_valid(content)["issue"][0])) == (401, "stale")


def test_nobody_is_in_an_answer_nor_in_a_log(town: Town) -> None:
    written = (
        json.dumps(submitted(town, invoice(town))) + json.dumps(answered(town, "GET", SEARCH)) + town.logs()
    )
    for insured in INSURED:
        for secret in (insured.nir, insured.nir[:13], insured.birth_date.isoformat(), insured.adherent):
            assert secret not in written


# ── what anyone may read ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["StructureDefinition", "CodeSystem", "ValueSet"])
def test_definitions_are_published(town: Town, kind: str) -> None:
    response, content = town.front.ask("GET", f"/fhir/{kind}")
    assert response.status == 200
    assert_secure(response)
    for entry in require_valid(content)["entry"]:
        path = urlsplit(entry["fullUrl"]).path
        one, alone = town.front.ask("GET", path)
        assert one.status == 200
        assert json.loads(alone) == entry["resource"]


def test_examples_are_published(town: Town) -> None:
    addresses = json.loads(town.front.ask("GET", "/fhir/examples")[1])
    for address in addresses.values():
        response, content = town.front.ask("GET", urlsplit(address).path)
        assert response.status == 200
        require_valid(content)


def test_what_is_not_published_is_not_found(town: Town) -> None:
    for path in ("/fhir/StructureDefinition/none", "/fhir/examples/none", "/fhir/Patient", "/fhir/Patient/1"):
        response, content = town.front.ask("GET", path)
        assert (response.status, code(require_valid(content)["issue"][0])) == (404, "not-found")


def test_the_capability_statement_is_valid_by_the_definitions(town: Town) -> None:
    statement = require_valid(town.front.ask("GET", "/fhir/metadata")[1])
    assert {each["type"] for each in statement["rest"][0]["resource"]} == {
        "CoverageEligibilityRequest", "Claim", "ClaimResponse", "PaymentReconciliation", "StructureDefinition", "CodeSystem", "ValueSet",
    }  # fmt: skip


def test_a_rights_answer_is_valid_by_the_definitions_too(town: Town) -> None:
    for domain in (Domain.PHAR, Domain.OPTI, Domain.LABO):
        require_valid(town.check(ANNE.by_card(domain))[1])
