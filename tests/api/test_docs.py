"""docs/fhir.md and docs/api.md say what the code does: their examples are run, their tables compared."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from rempart.api.acts import ACTS
from rempart.api.answers import CLOSING_REASONS, answer_to_fhir
from rempart.api.capability import CLAIM_RESPONSE_SEARCH, PAYMENT_SEARCH
from rempart.api.claims import ROUTES
from rempart.api.refusals import issue_type, outcome
from rempart.claims.fhir.claim import MARKS
from rempart.claims.fhir.definitions import EXTENSIONS
from rempart.claims.fhir.examples import examples as published_examples
from rempart.foundation.vocabulary import Domain, Lane
from rempart.vaultdoor.fhir import CLAIM_REASONS, REASONS, Presentation, read_request
from rempart.vaultdoor.messages import Answer, Contract, Decision, Refused
from tests.api.test_profiles import require_valid
from tests.api.test_refusals import ALL_CODES

DOCS = Path(__file__).parents[2] / "docs"
NONCE = "q83vEjRWeJCrze8SNFZ4kA"


def examples() -> list[dict[str, Any]]:
    parts = (DOCS / "fhir.md").read_text().split("```json\n")[1:]
    return [json.loads(part.partition("```")[0]) for part in parts]


def answer(*contracts: Contract, found: bool = True) -> Answer:
    decision = Decision(found, any(contract.open for contract in contracts), list(contracts))
    number = "0000-01AB-C" if decision.open else ""
    cost = 1 if found else 5
    return Answer(
        decision, number, "eyJ…", "99000001", "PHAR", "2026-01-05", "card", cost, 1_767_600_000_000_000
    )


def test_every_example_is_valid_r4() -> None:
    kinds = [example["resourceType"] for example in examples()]
    assert len(kinds) == 10
    for example in examples():
        require_valid(json.dumps(example).encode())


def test_the_examples_of_claims_are_those_that_are_published() -> None:
    names = ("claim-pharmacy", "claim-response-accepted", "payment-reconciliation")
    published = [json.loads(msgspec.json.encode(published_examples()[name])) for name in names]
    assert examples()[7:] == published


def test_routes_searches_extensions_and_reasons_of_claims_are_documented_as_they_are() -> None:
    text = (DOCS / "fhir.md").read_text()
    for method, path in ROUTES:
        assert f"| `{method} {path}` |" in text
    for name, (kind, says) in (CLAIM_RESPONSE_SEARCH | PAYMENT_SEARCH).items():
        assert f"| `{name}` | {kind} | " in text
        assert says in text
    for each in EXTENSIONS:
        assert f"| `{each.url}` | {', '.join(each.contexts)} | {each.kind} | {each.title} |" in text
    for system in MARKS:
        assert f"`{system}`" in text
    for reason, sentences in CLAIM_REASONS.items():
        assert f"| `{reason}` | {sentences.english} |" in text


def test_the_requests_are_read_as_they_say() -> None:
    card, vitale, scanned = (read_request(json.dumps(example).encode()) for example in examples()[:3])
    today = date(2026, 1, 5)
    assert card == Presentation(
        Lane.CARD, "99000001", "20318847", "", date(1980, 1, 13), 1, Domain.PHAR, today
    )
    assert (vitale.lane, vitale.rank, vitale.domain, vitale.care_date) == (Lane.VITALE, 2, Domain.OPTI, None)
    assert vitale.nir.startswith("1800175056000")
    assert scanned.secret == bytes.fromhex("00112233445566778899aabbccddeeff")
    assert (scanned.lane, scanned.adherent, scanned.nir) == (Lane.SECRET, "", "")


def test_the_answers_are_what_the_door_tells() -> None:
    confort = Contract("CONFORT", True, "", "2019-04-01", "", True, "100 % BR, AMO comprise", False)
    eco = Contract("ECO", False, "waiting-period", "2026-01-01", "2026-12-31", False, "", False)
    told = [(answer(confort), "fr"), (answer(eco), "en"), (answer(found=False), "fr")]
    assert examples()[3:6] == [json.loads(answer_to_fhir(each, language, NONCE)) for each, language in told]


def test_the_refusal_is_what_the_door_tells() -> None:
    _, body, _ = outcome(Refused("bad-input", "contained[0].name minimisation"))
    assert examples()[6] == json.loads(body)


def test_every_code_reason_and_domain_is_documented_as_it_is() -> None:
    text = (DOCS / "fhir.md").read_text()
    told = [
        line.split(" | ") for line in text.splitlines() if line.startswith("| ") and line[2:5].isdecimal()
    ]
    assert told
    for status, quoted, issue, sentence in told:
        name = quoted.strip("`")
        assert int(status.removeprefix("| ")) == ALL_CODES[name].status
        assert issue == issue_type(name, ALL_CODES[name].status)
        assert sentence.removesuffix(" |") == ALL_CODES[name].english
    for reason, sentences in REASONS.items():
        assert f"| `{reason}` | {sentences.english} |" in text
    for reason in CLOSING_REASONS:
        assert f"`{reason}`" in text
    assert " ".join(Domain) in text


def test_the_openapi_page_tells_the_acts_of_the_protocol() -> None:
    rows = [
        line.strip("| ").split(" | ")
        for line in (DOCS / "protocol.md").read_text().splitlines()
        if line.startswith("| /acts/")
    ]
    documented = {path: (who, body, reply) for path, who, body, reply in rows}
    assert documented.keys() == {act.path for act in ACTS}
    for act in ACTS:
        who, body, reply = documented[act.path]
        assert who == act.who
        assert [name.strip() for name in body.partition("{")[2].partition("}")[0].split(",") if name] == list(
            act.body
        )
        for kind in act.replies:
            assert kind.__name__ in reply
