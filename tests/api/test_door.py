"""The door by itself, over real HTTP: what it refuses before the vault is asked, and that it writes nothing down."""

import asyncio
import http.client
import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.operationoutcome import OperationOutcome

from rempart.api.places import Places
from rempart.api.submit import RightsCheck
from rempart.foundation.vocabulary import Domain, Lane
from rempart.front.addresses import Addresses
from rempart.front.dispatch import Front
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.fhir import Presentation, write_request
from tests.api.test_refusals import ALL_CODES
from tests.api.test_request import NIR
from tests.front.process import FrontProcess, running_front

SUBMIT = "/fhir/CoverageEligibilityRequest/$submit"
BODY = write_request(
    Presentation(Lane.VITALE, "99000001", "", NIR, date(1980, 1, 13), 1, Domain.PHAR), date(2026, 1, 5)
)
SIGNED = {
    "Content-Type": "application/fhir+json",
    "Content-Digest": "sha-256=:x:",
    "Signature-Input": "rempart=()",
    "Signature": "rempart=:x:",
}


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontProcess]:
    """A front without a vault."""
    with running_front(tmp_path_factory.mktemp("front"), dsn="postgresql:///nowhere") as started:
        yield started


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in SIGNED.items() if key != name}


REFUSED = [
    ("GET", SUBMIT, None, {}, "method"),
    ("PUT", SUBMIT, BODY, SIGNED, "method"),
    ("POST", SUBMIT, BODY, without("Content-Type"), "media-type"),
    ("POST", SUBMIT, BODY, SIGNED | {"Content-Type": "application/fhir+xml"}, "media-type"),
    ("POST", SUBMIT, BODY, SIGNED | {"Content-Type": "text/plain"}, "media-type"),
    ("POST", SUBMIT, b"x" * (64 * 1024 + 1), SIGNED, "too-large"),
    ("POST", SUBMIT, BODY, without("Content-Digest"), "signature"),
    ("POST", SUBMIT, BODY, without("Signature-Input"), "signature"),
    ("POST", SUBMIT, BODY, without("Signature"), "signature"),
    ("POST", SUBMIT + "?nir=" + NIR, BODY, SIGNED, "bad-input"),
    ("POST", SUBMIT, BODY, SIGNED, "outage"),
    ("POST", SUBMIT.replace("$", "%24"), BODY, SIGNED, "outage"),
    ("POST", SUBMIT, BODY, SIGNED | {"Content-Type": "application/json; charset=utf-8"}, "outage"),
    ("GET", "/fhir/Patient/" + NIR, None, {}, "not-found"),
    ("POST", "/fhir/metadata", b"{}", {}, "method"),
    ("GET", "/.well-known/jwks.json", None, {}, "outage"),
    ("GET", "/evidence/checkpoint", None, {}, "outage"),
    ("GET", "/intake/" + "0" * 32, None, {}, "not-found"),
    ("GET", "/intake/" + NIR, None, {}, "not-found"),
]


@pytest.mark.parametrize(("method", "path", "body", "headers", "code"), REFUSED)
def test_a_refusal_is_valid_r4_and_repeats_nothing(
    front: FrontProcess, method: str, path: str, body: bytes | None, headers: dict[str, str], code: str
) -> None:
    response, content = front.ask(method, path, body, headers)
    OperationOutcome.model_validate_json(content)
    [issue] = json.loads(content)["issue"]
    assert issue["details"]["coding"][0]["code"] == code
    assert response.status == ALL_CODES[code].status
    assert NIR.encode() not in content
    assert NIR[:13] not in str(response.headers)
    assert_secure(response)


def assert_secure(response: http.client.HTTPResponse) -> None:
    headers = response.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in headers["Cache-Control"]
    assert "no-transform" in headers["Cache-Control"]
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in headers


def test_a_chunked_body_cannot_exceed_the_size(front: FrontProcess) -> None:
    connection = front.connect()
    blocks = (b"x" * 8192 for _ in range(9))
    connection.request("POST", SUBMIT, blocks, SIGNED, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()


def test_a_chunked_body_is_read_whole(front: FrontProcess) -> None:
    connection = front.connect()
    connection.request("POST", SUBMIT, iter([BODY[:100], BODY[100:]]), SIGNED, encode_chunked=True)
    assert connection.getresponse().status == 503  # it came as far as the vault, which is not there
    connection.close()


@pytest.mark.parametrize("name", ["Signature", "Signature-Input", "Content-Digest"])
def test_a_signature_header_written_twice_is_none(front: FrontProcess, name: str) -> None:
    connection = front.connect()
    connection.putrequest("POST", SUBMIT)
    for key, value in [*SIGNED.items(), (name, "rempart=:y:"), ("Content-Length", str(len(BODY)))]:
        connection.putheader(key, value)
    connection.endheaders(BODY)
    response = connection.getresponse()
    assert response.status == 401
    assert json.loads(response.read())["issue"][0]["diagnostics"] == name.lower()
    connection.close()


async def silence() -> Any:
    """A client that says nothing more."""
    await asyncio.Event().wait()


def test_a_body_that_does_not_arrive_is_refused() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in SIGNED.items()]
    scope = {"type": "http", "method": "POST", "path": SUBMIT, "query_string": b"", "headers": headers}
    door = RightsCheck(VaultClient("/nowhere"), body_seconds=0.01)
    asyncio.run(door(scope, silence, send))
    assert sent[0]["status"] == 408
    assert b'"slow"' in sent[1]["body"]


def test_an_unknown_error_is_a_reference_and_no_word_more(caplog: pytest.LogCaptureFixture) -> None:
    sent: list[Any] = []

    async def breaks(*_: Any) -> None:
        raise ValueError("Ardivelle")

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        front = Front(breaks, breaks, breaks, addresses=Addresses(()), places=Places(1, 1))
        scope = {"type": "http", "method": "GET", "path": "/anything", "query_string": b"", "headers": []}
        await front(scope, silence, send)

    asyncio.run(run())
    assert sent[0]["status"] == 500
    [issue] = json.loads(sent[1]["body"])["issue"]
    assert issue["details"]["coding"][0]["code"] == "internal"
    assert re.fullmatch(r"[0-9a-f]{8}", issue["diagnostics"])
    assert issue["diagnostics"] in caplog.text
    assert "ValueError" in caplog.text
    assert "Ardivelle" not in caplog.text
    assert b"Ardivelle" not in sent[1]["body"]


def test_alive_without_a_vault_but_not_ready(front: FrontProcess) -> None:
    assert front.ask("GET", "/health/live")[0].status == 200
    response, content = front.ask("GET", "/health/ready")
    assert (response.status, json.loads(content)) == (503, {"ready": False})


def test_what_verifies_offline_cards_is_there_without_a_vault(front: FrontProcess) -> None:
    file = front.settings.offline_file
    assert file is not None
    assert front.ask("GET", "/.well-known/offline-cards.json")[0].status == 404
    file.write_bytes(b'{"issuer": "https://rempart.example", "keys": [], "lists": []}')
    answer, content = front.ask("GET", "/.well-known/offline-cards.json")
    assert (answer.status, answer.headers["Content-Type"], content) == (
        200,
        "application/json",
        file.read_bytes(),
    )


def test_the_capability_statement_is_valid_r4(front: FrontProcess) -> None:
    response, content = front.ask("GET", "/fhir/metadata")
    statement = json.loads(content)
    CapabilityStatement.model_validate(statement)
    assert response.headers["Content-Type"] == "application/fhir+json; charset=utf-8"
    assert statement["implementation"]["url"] == f"{front.settings.origin}/fhir"
    submitted = {
        each["type"]
        for each in statement["rest"][0]["resource"]
        for one in each.get("operation", ())
        if one["name"] == "submit"
    }
    assert submitted == {"CoverageEligibilityRequest", "Claim"}


def test_the_openapi_document_holds_together(front: FrontProcess) -> None:
    document = json.loads(front.ask("GET", "/openapi.json")[1])
    assert document["openapi"] == "3.1.0"
    text = json.dumps(document)
    for name in re.findall(r'"#/components/schemas/([^"]+)"', text):
        assert name in document["components"]["schemas"]
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    assert all(
        operation["responses"]["200" if "202" not in operation["responses"] else "202"]
        for operation in operations
    )


def test_the_openapi_page_names_every_door_and_runs_nothing(front: FrontProcess) -> None:
    response, page = front.ask("GET", "/openapi")
    document = json.loads(front.ask("GET", "/openapi.json")[1])
    assert_secure(response)
    assert "script" not in response.headers["Content-Security-Policy"]
    assert b"<script" not in page
    assert b"style=" not in page
    assert b"//" not in page.replace(document["servers"][0]["url"].encode(), b"")
    for path in document["paths"]:
        assert path in page.decode()
    for code in ALL_CODES:
        assert f"<code>{code}</code>" in page.decode()
    assert front.ask("GET", "/openapi/style.css")[0].headers["Content-Type"].startswith("text/css")


def test_the_log_names_nobody(front: FrontProcess) -> None:
    body = BODY.replace(b'"birthDate"', b'"name":[{"family":"Ardivelle"}],"birthDate"')
    for headers in (SIGNED, without("Signature")):
        front.ask("POST", SUBMIT, body, headers)
        front.ask("POST", f"{SUBMIT}?nir={NIR}", body, headers)
    front.ask("GET", f"/fhir/Patient/{NIR}?family=Ardivelle")
    assert "outage" in front.log
    for secret in (NIR, NIR[:13], "Ardivelle", "1980-01-13"):
        assert secret not in front.log
