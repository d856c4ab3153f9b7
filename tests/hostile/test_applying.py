"""The page that everybody may post to without an account: foreign pages, floods, disguises, nonsense; through a real front and cashier."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from rempart.identity.convention import VERSION
from rempart.identity.dossier import MOST_PIECE
from tests.api.town import Town, running_town
from tests.conftest import Database
from tests.front.process import DEADLINE
from tests.hostile.mangling import spoilt
from tests.hostile.test_doors import HOSTILE, check
from tests.identity.test_dossier import TYPED

IBAN = "FR7630006000011234567890189"
PDF = b"%PDF-1.7\nhonest"
SAID: dict[str, Any] = {
    "typed": TYPED | {"convention": VERSION},
    "iban": IBAN,
    "documents": [{"about": "professional-card", "kind": "application/pdf", "size": len(PDF)}],
}
JSON, OCTETS = {"Content-Type": "application/json"}, {"Content-Type": "application/octet-stream"}
_sources = iter(range(10, 250))


@pytest.fixture(scope="module")
def town(module_database: Database) -> Iterator[Town]:
    with running_town(module_database) as started:
        yield started
        log = started.logs()
        for spelled in (IBAN, "30006000011234567890", "Martin", "claire@example.org"):
            assert spelled not in log, "nothing of an applicant is written in a log"


class Sender:
    """Somebody at an address of their own."""

    def __init__(self, town: Town) -> None:
        self._port, self._source = town.front.settings.port, f"127.0.1.{next(_sources)}"

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self._port, timeout=DEADLINE, source_address=(self._source, 0)
        )
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        finally:
            connection.close()

    def told(
        self, path: str, body: bytes | dict[str, Any], headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.post(path, content, headers)
        check(path, answer)
        return answer[0], json.loads(answer[2])

    def begin(self, **headers: str) -> tuple[int, dict[str, Any]]:
        return self.told("/referencement/dossier", SAID, JSON | headers)

    def piece(
        self, code: str, body: bytes, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        whole = OCTETS | {"Rempart-Dossier": code} | (headers or {})
        return self.told("/referencement/piece?document=1&piece=0", body, whole)


@pytest.fixture
def sender(town: Town) -> Sender:
    return Sender(town)


def test_an_honest_application_is_taken_and_followed(sender: Sender) -> None:
    status, told = sender.begin()
    assert status == 200
    assert sender.piece(told["code"], PDF)[0] == 200
    assert sender.told("/referencement/envoi", {"code": told["code"]}, JSON) == (200, {})
    status, headers, body = sender.post("/referencement/etat", json.dumps(told).encode(), JSON)
    assert (status, headers["content-type"].partition(";")[0]) == (200, "text/html")
    assert "Reçue" in body.decode()


@pytest.mark.parametrize("foreign", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_foreign_page_applies_in_nobodys_name(sender: Sender, foreign: dict[str, str]) -> None:
    for path, body, kind in (
        ("/referencement/dossier", SAID, JSON),
        ("/referencement/piece?document=1&piece=0", PDF, OCTETS),
        ("/referencement/envoi", {"code": "x"}, JSON),
        ("/referencement/etat", {"code": "x"}, JSON),
    ):
        status, told = sender.told(path, body, kind | foreign)
        assert (status, told["code"]) == (400, "bad-input")


def test_a_form_of_a_foreign_page_has_not_the_right_type(sender: Sender) -> None:
    plain = {"Content-Type": "text/plain"}
    assert sender.told("/referencement/dossier", SAID, plain)[1]["code"] == "media-type"
    assert sender.piece("x", PDF, JSON)[1]["code"] == "media-type"


def test_whatever_is_pasted_for_an_iban_is_told_at_its_field(sender: Sender) -> None:
    for pasted in ("Domiciliation : " + "x" * 200 + IBAN, IBAN + " " * 40 + "x", ""):
        status, told = sender.told("/referencement/dossier", SAID | {"iban": pasted}, JSON)
        assert (status, [fault["field"] for fault in told["faults"]]) == (422, ["iban"])


def test_a_page_named_pdf_is_refused(sender: Sender) -> None:
    code = sender.begin()[1]["code"]
    status, told = sender.piece(code, b"<html>".ljust(len(PDF)))
    assert (status, told["code"]) == (422, "dossier-file")


def test_a_piece_beyond_its_bound_is_refused_before_it_is_read(sender: Sender) -> None:
    assert sender.piece("x", bytes(MOST_PIECE + 1))[1]["code"] == "too-large"
    for place in ("document=1&piece=x", "document=1", "document=-1&piece=0", "document=1&piece=100"):
        status, told = sender.told(f"/referencement/piece?{place}", PDF, OCTETS)
        assert (status, told["code"]) == (400, "bad-input")


def test_one_sender_floods_and_the_others_apply_on(town: Town, sender: Sender) -> None:
    answers = [sender.begin()[0] for _ in range(12)]
    assert answers == [200] * 10 + [429] * 2
    # The address is the front's word: what a client writes of itself is not read.
    assert sender.begin(**{"X-Forwarded-For": "203.0.113.9"})[1]["code"] == "dossier-often"
    assert Sender(town).begin()[0] == 200


def test_a_wrong_code_an_unknown_one_and_none_are_one_answer(sender: Sender) -> None:
    code = sender.begin()[1]["code"]
    answers = {
        json.dumps(sender.told("/referencement/etat", {"code": guess}, JSON)[1])
        for guess in (code, "0000-0000-0000-0000-0000", "", "☠")
    }
    assert len(answers) == 1
    for guess in ("0000-0000-0000-0000-0000", "", "x"):
        assert sender.piece(guess, PDF)[1]["code"] == "dossier-over"
        assert sender.told("/referencement/envoi", {"code": guess}, JSON)[1]["code"] == "dossier-over"


@pytest.mark.parametrize("path", ["/referencement/dossier", "/referencement/envoi", "/referencement/etat"])
def test_nonsense_is_bad_input(town: Town, path: str) -> None:
    seeds = [json.dumps(SAID).encode(), b'{"code": "ABCD-EFGH-JKMN-PQRS-TVWX"}']
    sender = Sender(town)

    @settings(HOSTILE, max_examples=40)
    @given(spoilt(seeds))
    def hit(body: bytes) -> None:
        if len(body) <= 64 * 1024:
            check(path, sender.post(path, body, JSON))

    hit()


def test_field_names_that_nobody_has_are_not_kept(sender: Sender) -> None:
    status, told = sender.told(
        "/referencement/dossier", SAID | {"typed": SAID["typed"] | {"nir": "295031012345678"}}, JSON
    )
    assert (status, set(told)) == (200, {"code"}), "what is no field of the form is read by nobody"
