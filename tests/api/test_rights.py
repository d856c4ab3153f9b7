"""The rights check through the real door and the real vault."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from fhir.resources.R4B.coverageeligibilityresponse import CoverageEligibilityResponse
from fhir.resources.R4B.operationoutcome import OperationOutcome
from joserfc import jws
from joserfc.jwk import KeySet

from rempart.api.answers import DISPOSITIONS, PADDED
from rempart.foundation.clock import MINUTE, system_clock
from rempart.foundation.vocabulary import Domain
from rempart.vault.policy import UNDER_WAY
from rempart.vaultdoor.browser import DeviceKey
from rempart.vaultdoor.fhir import Presentation, write_request
from rempart.vaultdoor.messages import Done, ThrowSwitch
from tests.api.test_door import assert_secure
from tests.api.test_refusals import ALL_CODES
from tests.api.town import ANNE, ELSEWHERE, ENDED, INSURED, SUBMIT, TWIN, Town, nir, running_town
from tests.conftest import Database, TestCluster


@pytest.fixture(scope="module")
def town(module_database: Database) -> Iterator[Town]:
    with running_town(module_database) as running:
        yield running


@pytest.fixture(autouse=True)
def _a_whole_line(town: Town) -> None:
    """Each test spends a line of its own, and nobody was told of anybody."""
    town.renew_lines()


def told(content: bytes) -> dict[str, Any]:
    CoverageEligibilityResponse.model_validate_json(content)
    resource: dict[str, Any] = json.loads(content)
    return resource


def refused(content: bytes) -> dict[str, Any]:
    OperationOutcome.model_validate_json(content)
    [issue] = json.loads(content)["issue"]
    return dict(issue)


def code(content: bytes) -> str:
    return str(refused(content)["details"]["coding"][0]["code"])


def extension(resource: dict[str, Any], name: str) -> Any:
    [found] = [each for each in resource["extension"] if each["url"] == f"urn:rempart:{name}"]
    return next(value for key, value in found.items() if key.startswith("value"))


# ── what is answered ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("presentation", [ANNE.by_card(), ANNE.by_vitale(), TWIN.by_card()])
def test_an_open_right_comes_with_an_engagement_that_verifies(town: Town, presentation: Presentation) -> None:
    before = town.ledger_size()
    response, content = town.check(presentation)
    assert response.status == 200
    assert_secure(response)
    resource = told(content)
    assert resource["disposition"] == DISPOSITIONS["open"][0]
    assert any(insurance["inforce"] for insurance in resource["insurance"])
    assert town.ledger_size() == before + 1

    jwks = json.loads(town.front.ask("GET", "/.well-known/jwks.json")[1])
    receipt = jws.deserialize_compact(
        extension(resource, "receipt"), KeySet.import_key_set(jwks), algorithms=["ES256"]
    )
    claims = json.loads(receipt.payload)
    assert claims["jti"] == resource["preAuthRef"]
    assert claims["log"]["index"] == before
    assert (claims["amc"], claims["domain"]) == (presentation.amc, presentation.domain)


def test_a_domain_may_need_a_prise_en_charge_first(town: Town) -> None:
    resource = told(town.check(ANNE.by_card(Domain.OPTI))[1])
    assert resource["disposition"] == DISPOSITIONS["prise-en-charge"][0]
    [insurance] = resource["insurance"]
    assert insurance["item"][0]["authorizationRequired"] is True


def test_a_closed_right_says_why(town: Town) -> None:
    resource = told(town.check(ENDED.by_card())[1])
    assert resource["disposition"] == DISPOSITIONS["closed"][0]
    assert "preAuthRef" not in resource
    [insurance] = resource["insurance"]
    assert insurance["item"][0]["extension"] == [{"url": "urn:rempart:closing-reason", "valueCode": "ended"}]


def test_the_reader_chooses_the_language(town: Town) -> None:
    _, content = town.check(ENDED.by_card(), **{"Accept-Language": "de, en;q=0.8, fr;q=0.2"})
    resource = told(content)
    assert resource["language"] == "en"
    assert resource["disposition"] == DISPOSITIONS["closed"][1]


def test_asking_twice_costs_once(town: Town) -> None:
    assert [extension(told(town.check(ANNE.by_card())[1]), "cost") for _ in range(2)] == [1, 0]


# ── absence ──────────────────────────────────────────────────────────────────────────────────────────────────────────

ABSENT_BY_CARD = {
    "unknown adherent": ANNE.by_card(adherent="00000000"),
    "wrong birth date": ANNE.by_card(birth_date=date(1980, 1, 14)),
    "wrong rank": ANNE.by_card(rank=2),
    "unknown insurer": ANNE.by_card(amc="99999999"),
    "another insurer's member": ANNE.by_card(amc=ELSEWHERE.amc),
}
ABSENT_BY_VITALE = {
    "unknown NIR": ANNE.by_vitale(nir=nir("2800175099")),
    "wrong birth date": ANNE.by_vitale(birth_date=date(1980, 1, 14)),
    "closed lane": ELSEWHERE.by_vitale(),
    "unknown insurer": ANNE.by_vitale(amc="99999999"),
}


@pytest.mark.parametrize("forms", [ABSENT_BY_CARD, ABSENT_BY_VITALE], ids=["card", "vitale"])
def test_every_form_of_absence_is_one_answer(town: Town, forms: dict[str, Presentation]) -> None:
    answers = []
    for presentation in forms.values():
        town.renew_lines()  # a miss by NIR weighs fifty
        response, content = town.check(presentation)
        headers = {name: value for name, value in response.headers.items() if name != "date"}
        assert len(content) == PADDED
        resource = told(content)
        # What is of the request, or random: the insurer asked, the nonce, the instant, the receipt.
        assert len(extension(resource, "receipt")) > 100
        for each in (resource, resource["contained"][1]):
            for name in ("insurer", "payor", "request", "created"):
                each.pop(name, None)
        resource["extension"] = resource["extension"][1:]
        answers.append((response.status, headers, resource))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][2]["insurance"] == [{"coverage": {"reference": "#c"}, "inforce": False}]
    assert answers[0][2]["disposition"] == DISPOSITIONS["absent"][0]


def test_an_answer_has_one_length_found_or_not(town: Town) -> None:
    presentations = [
        *ABSENT_BY_CARD.values(),
        *ABSENT_BY_VITALE.values(),
        *(each.by_card() for each in INSURED),
    ]
    received = []
    for presentation in presentations:
        town.renew_lines()
        received.append(town.check(presentation))
    assert {response.status for response, _ in received} == {200}
    assert {len(content) for _, content in received} == {PADDED}
    assert {response.headers["Content-Length"] for response, _ in received} == {str(PADDED)}
    assert {len(str(response.headers)) for response, _ in received} == {len(str(received[0][0].headers))}


# ── refusals: each differs from a success by one line, discloses nothing, and leaves the ledger as it was ────────────


def assert_refused(town: Town, answer: tuple[Any, bytes], before: int, wanted: str) -> None:
    response, content = answer
    assert code(content) == wanted
    assert response.status == ALL_CODES[wanted].status
    issue = refused(content)
    assert issue["details"]["text"].startswith(ALL_CODES[wanted].french)
    assert ALL_CODES[wanted].english in json.dumps(issue["details"]["_text"], ensure_ascii=False)
    assert_secure(response)
    assert town.ledger_size() == before
    for insured in INSURED:
        for secret in (insured.nir, insured.nir[:13], insured.adherent, insured.birth_date.isoformat()):
            assert secret not in content.decode()


def change(presentation: Presentation, **elements: Any) -> bytes:
    resource = json.loads(write_request(presentation))
    resource["contained"][0].update(elements)
    return json.dumps(resource).encode()


def test_a_name_is_refused_saying_why(town: Town) -> None:
    before = town.ledger_size()
    answer = town.check(change(ANNE.by_card(), name=[{"family": "Ardivelle"}]))
    assert_refused(town, answer, before, "bad-input")
    issue = refused(answer[1])
    assert issue["expression"] == ["contained[0].name"]
    assert "minimisation" in issue["details"]["text"]
    assert "Ardivelle" not in answer[1].decode()


def test_a_badly_keyed_nir_costs_nothing(town: Town) -> None:
    wrong = ANNE.nir[:13] + f"{int(ANNE.nir[13:]) % 97 + 1:02d}"
    before = town.ledger_size()
    answer = town.check(ANNE.by_vitale(nir=wrong))
    assert_refused(town, answer, before, "bad-input")
    assert refused(answer[1])["diagnostics"] == "Patient.identifier[0].value nir-key"


def test_a_demonstration_refuses_somebody_real(town: Town) -> None:
    before = town.ledger_size()
    answer = town.check(ANNE.by_vitale(nir="295109912611193"))
    assert_refused(town, answer, before, "nir-not-synthetic")


def test_a_care_date_out_of_bounds_is_refused(town: Town) -> None:
    before = town.ledger_size()
    answer = town.check(ANNE.by_card(care_date=date(1999, 1, 1)))
    assert_refused(town, answer, before, "bad-input")
    assert "servicedDate" in refused(answer[1])["details"]["text"]


def test_an_altered_body_is_refused(town: Town) -> None:
    body, headers = town.signed(ANNE.by_card())
    before = town.ledger_size()
    altered = body.replace(ANNE.adherent.encode(), TWIN.adherent.encode())
    assert_refused(town, town.front.ask("POST", SUBMIT, altered, headers), before, "signature")


def test_a_stolen_cookie_without_the_devices_key_opens_nothing(town: Town) -> None:
    body, headers = town.signed(ANNE.by_card(), DeviceKey.generate())
    before = town.ledger_size()
    assert_refused(town, town.front.ask("POST", SUBMIT, body, headers), before, "device")


def test_a_signature_without_the_session_opens_nothing(town: Town) -> None:
    body, headers = town.signed(ANNE.by_card())
    before = town.ledger_size()
    for cookie in ("", "__Host-rempart=", "__Host-rempart=forged", "other=1"):
        assert_refused(
            town, town.front.ask("POST", SUBMIT, body, headers | {"Cookie": cookie}), before, "session"
        )


def test_a_replayed_request_is_refused(town: Town) -> None:
    body, headers = town.signed(ANNE.by_card())
    assert town.front.ask("POST", SUBMIT, body, headers)[0].status == 200
    before = town.ledger_size()
    assert_refused(town, town.front.ask("POST", SUBMIT, body, headers), before, "stale")


def test_a_late_request_is_refused(town: Town) -> None:
    body, headers = town.signed(ANNE.by_card(), created=int(time.time()) - 120)
    before = town.ledger_size()
    assert_refused(town, town.front.ask("POST", SUBMIT, body, headers), before, "stale")


def test_an_exhausted_line_is_said_openly(town: Town) -> None:
    with town.database.connect() as owner:
        owner.execute(
            "UPDATE vault.meter SET hour = '{1000,0,0,0,0}', hour_slot = %s WHERE kind = 1",
            (system_clock() // (15 * MINUTE),),
        )
    before = town.ledger_size()
    assert_refused(town, town.check(ANNE.by_card()), before, "exhausted")


def test_containment_is_said_openly_and_undone(town: Town) -> None:
    assert isinstance(town.operate(ThrowSwitch("lane", "card", "drill", True)), Done)
    try:
        before = town.ledger_size()
        assert_refused(town, town.check(ANNE.by_card()), before, "contained")
    finally:
        assert isinstance(town.operate(ThrowSwitch("lane", "card", "drill", False)), Done)
    assert town.check(ANNE.by_card())[0].status == 200


# ── what is written down ─────────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_is_in_an_answer_or_in_a_log(town: Town) -> None:
    contents = [
        town.check(each)[1].decode()
        for insured in INSURED
        for each in (insured.by_card(), insured.by_vitale())
    ]
    contents.append(town.check(b"{" + ANNE.nir.encode())[1].decode())
    written = "".join(contents) + town.logs()
    for insured in INSURED:
        for secret in (insured.nir, insured.nir[:13], insured.birth_date.isoformat()):
            assert secret not in written
    assert ANNE.adherent not in town.logs()


def test_the_checkpoint_is_published_and_covers_what_was_answered(town: Town) -> None:
    town.check(ANNE.by_card())
    size = town.ledger_size()
    end = time.monotonic() + 10
    while True:
        note = town.front.ask("GET", "/evidence/checkpoint")[1].decode()
        origin, published, *_ = note.split("\n")
        if int(published) >= size or time.monotonic() > end:
            break
        time.sleep(0.05)
    assert origin == "rempart.example/test"
    assert int(published) >= size


# ── drain ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_drain_loses_no_answer(cluster: TestCluster) -> None:
    database = cluster.fresh_database()
    try:
        with running_town(database) as town:
            answered, stopped = _ask_while_stopping(town)
    finally:
        cluster.drop(database)
    assert stopped == 0
    assert answered[0] == answered[1]


def _ask_while_stopping(town: Town) -> tuple[tuple[int, int], int]:
    """As many clients as a device may have under way ask until the front goes; how many were answered, how many the ledger holds."""
    answered = [0] * UNDER_WAY
    asked = threading.Event()

    def client(number: int) -> None:
        connection = town.front.connect()
        try:
            while True:
                body, headers = town.signed(ANNE.by_card())
                connection.request("POST", SUBMIT, body, headers)
                response = connection.getresponse()
                response.read()
                assert response.status == 200
                answered[number] += 1
                if sum(answered) > 200:
                    asked.set()
        except OSError:
            return
        finally:
            connection.close()

    before = town.ledger_size()
    threads = [threading.Thread(target=client, args=(number,)) for number in range(UNDER_WAY)]
    for thread in threads:
        thread.start()
    assert asked.wait(20)
    ended = town.front.terminate()
    for thread in threads:
        thread.join(20)
    return (sum(answered), town.ledger_size() - before), ended
