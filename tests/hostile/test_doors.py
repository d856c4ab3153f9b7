"""Every door, asked in every wrong way: requests made by schemathesis from the doors' own description, and from the tables of what the
doors relay, on a real platform. No answer is a 5xx, none holds a traceback, every refusal has the house's form.

Three callers: somebody unknown, a titulaire and an insurer's administrator, whose requests are signed so that they get past the signature.
"""

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from rempart.api.application import PREFIXES
from rempart.api.openapi import openapi_document
from rempart.api.refusals import DOOR_CODES
from rempart.cashier.__main__ import all_errands
from rempart.cli.counter import Counter
from rempart.foundation.vocabulary import Profession, Role
from rempart.portal.pages import PAGES
from rempart.portal.refusals import APPLYING
from rempart.vaultdoor.codes import CODES
from rempart.vaultdoor.messages import EnrolEstablishment, Enrolled, EnrolProfessional
from tests.api.town import AMC, SUBMIT, Town, enrol, running_town
from tests.conftest import Database
from tests.front.process import FrontProcess
from tests.hostile.mangling import spoilt
from tests.hostile.test_parsers import CHECK, CLAIMS

EXAMPLES = int(os.environ.get("HOSTILE_REQUESTS", "6"))
"""Requests for each operation, caller and way of being wrong; `HOSTILE_REQUESTS=200` for a night."""
ENDS_THE_SESSION = frozenset({"/acts/sign-out"})
WHOLE = {**CODES, **DOOR_CODES}
HOSTILE = settings(
    max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)  # fmt: skip


@dataclass
class Caller:
    """Signs as one person, who comes back as somebody new when the session is over: hostile requests sign out and unbind too."""

    front: FrontProcess
    code: Callable[[], str]
    counter: Counter = field(init=False)

    def __post_init__(self) -> None:
        self.counter = Counter(self.front.settings.origin)
        self.counter.activate(self.code())

    def arrive(self) -> None:
        """Another person, on another device, whose line is whole."""
        self.counter.close()
        self.counter = Counter(self.front.settings.origin)
        self.counter.activate(self.code())

    def ask(
        self, method: str, target: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        for _ in range(2):
            signed = self.counter.device.sign(
                method, self.front.settings.origin + target, body, int(time.time())
            )
            cookie = {"Cookie": f"__Host-rempart={self.counter.session}"}
            told = send(self.front, method, target, body, {**headers, **signed, **cookie})
            if told[0] != 401 or code_of(target, told) not in {"session", "device"}:
                return told
            self.arrive()
        return told


@dataclass(frozen=True)
class Somewhere:
    """The platform and who asks it."""

    town: Town
    professional: Caller
    insurer: Caller


@pytest.fixture(scope="module")
def somewhere(module_database: Database) -> Iterator[Somewhere]:
    with running_town(module_database) as town:
        seat = town.operate(EnrolEstablishment("", Profession.INSURER, amc=AMC))
        assert isinstance(seat, Enrolled)

        def insurers_code() -> str:
            person = town.operate(EnrolProfessional(f"insurer-{uuid.uuid4()}", Role.TITULAIRE, seat.id))
            assert isinstance(person, Enrolled)
            return person.code

        callers = [Caller(town.front, lambda: enrol(town.folder)[1]), Caller(town.front, insurers_code)]
        yield Somewhere(town, *callers)
        for caller in callers:
            caller.counter.close()
        log = town.logs()
        assert "Traceback" not in log
        assert '"message": "internal' not in log


def send(
    front: FrontProcess, method: str, target: str, body: bytes, headers: dict[str, str]
) -> tuple[int, dict[str, str], bytes]:
    response, content = front.ask(method, target, body or None, headers)
    return response.status, {name.lower(): value for name, value in response.headers.items()}, content


def code_of(target: str, told: tuple[int, dict[str, str], bytes]) -> str:
    """The house's code in whichever form a refusal has at this address. Fails for a refusal of another form."""
    _, headers, content = told
    media = headers.get("content-type", "").partition(";")[0]
    if target.startswith(PREFIXES):
        assert media == "application/fhir+json", (target, media)
        outcome = json.loads(content)
        assert outcome["resourceType"] == "OperationOutcome"
        [issue] = outcome["issue"]
        return str(issue["details"]["coding"][0]["code"])
    if target.startswith(("/acts/", "/claims/")) or target.partition("?")[0] in APPLYING:
        refusal = json.loads(content)
        assert (refusal["type"], bool(refusal["sentence"])) == ("Refused", True)
        assert refusal["code"] == headers["rempart-code"]
        return str(refusal["code"])
    assert media in {"text/html", "text/plain"}
    return headers.get("rempart-code", "not-found")


def check(target: str, told: tuple[int, dict[str, str], bytes]) -> None:
    status, headers, content = told
    assert status < 500, (status, target, content[:300])
    assert b"Traceback" not in content
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["server"] == "rempart"
    if status >= 400:
        code = code_of(target, told)
        assert code in WHOLE
        assert WHOLE[code].status == status


def parts(case: Any) -> tuple[str, str, bytes, dict[str, str]]:
    """A generated case as what goes on the wire: method, target, body, headers."""
    made = case.as_transport_kwargs(base_url="http://x")
    target = made["url"].removeprefix("http://x")
    query = urlencode(made.get("params") or {}, doseq=True)
    body = made.get("data", b"")
    if "json" in made:
        body = json.dumps(made["json"]).encode("utf-8", "surrogatepass")
    elif isinstance(body, dict):
        body = urlencode(body, doseq=True).encode("utf-8", "surrogatepass")
    elif isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    headers = {
        name: str(value) for name, value in dict(made["headers"]).items() if _may_travel(name, str(value))
    }
    for own in ("Connection", "User-Agent", "Accept-Encoding", "X-Schemathesis-TestCaseId"):
        headers.pop(own, None)
    if body and "Content-Type" not in headers:
        headers["Content-Type"] = case.media_type or "application/json"
    return (
        case.method,
        quote(target, safe="/$%:@!&'()*+,;=~-._?") + (f"?{query}" if query else ""),
        body or b"",
        headers,
    )


def _may_travel(name: str, value: str) -> bool:
    """Python's own client refuses to write what test_wire.py writes by hand."""
    spelt = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return (
        spelt
        and value.isascii()
        and value.isprintable()
        and name.lower() not in {"content-length", "transfer-encoding", "host"}
    )


def operations(document: dict[str, Any]) -> list[Any]:
    return [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()]


def assail(
    operation: Any, ask: Callable[[str, str, bytes, dict[str, str]], tuple[int, dict[str, str], bytes]]
) -> None:
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

        @HOSTILE
        @given(operation.as_strategy(generation_mode=mode))
        def hit(case: Any) -> None:
            method, target, body, headers = parts(case)
            if len(body) <= 60_000:
                check(target, ask(method, target, body, headers))

        try:
            hit()
        except Unsatisfiable:
            # Nothing to be wrong about: no parameter, no body.
            assert mode is GenerationMode.NEGATIVE


SLASHED = "/ledger/tile/{path}"
"""Its parameter holds slashes, which OpenAPI cannot say: asked by hand below."""
DESCRIBED = [operation for operation in operations(openapi_document("http://x")) if operation.path != SLASHED]


@pytest.mark.parametrize("operation", DESCRIBED, ids=lambda operation: f"{operation.method} {operation.path}")
def test_a_described_operation_survives_strangers_and_signed_nonsense(
    somewhere: Somewhere, operation: Any
) -> None:
    front = somewhere.town.front
    assail(operation, lambda *asked: send(front, *asked))
    if (
        operation.path.startswith(("/acts/", "/fhir/Co", "/fhir/Claim", "/fhir/Pay"))
        and operation.path not in ENDS_THE_SESSION
    ):
        assail(operation, somewhere.professional.ask)


def errands_document(party: str) -> dict[str, Any]:
    """The cashier's own table as a description: what the portal relays and does not describe by itself."""
    found = {
        address.partition(" ")[2]: errand.body
        for address, errand in all_errands().table.items()
        if errand.body is not None and (errand.party.name == "INSURER") == (party == "insurer")
    }
    _, schemas = msgspec.json.schema_components(
        sorted(set(found.values()), key=lambda body: body.__name__),
        ref_template="#/components/schemas/{name}",
    )
    paths = {
        address.replace("*", "x"): {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": f"#/components/schemas/{body.__name__}"}}
                    },
                },
                "responses": {"default": {"description": "whatever"}},
            }
        }
        for address, body in found.items()
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "errands", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


ERRANDS = [
    (party, operation)
    for party in ("professional", "insurer")
    for operation in operations(errands_document(party))
]


@pytest.mark.parametrize(("party", "operation"), ERRANDS, ids=lambda each: getattr(each, "path", each))
def test_an_errand_survives_signed_nonsense(somewhere: Somewhere, party: str, operation: Any) -> None:
    assail(operation, somewhere.insurer.ask if party == "insurer" else somewhere.professional.ask)


RESOURCES = [(SUBMIT, CHECK), ("/fhir/Claim/$submit", CLAIMS)]


@pytest.mark.parametrize(("target", "seeds"), RESOURCES, ids=["check", "claim"])
def test_a_spoilt_resource_of_somebody_signed_in_is_bad_input(
    somewhere: Somewhere, target: str, seeds: list[bytes]
) -> None:
    @settings(HOSTILE, max_examples=80)
    @given(spoilt(seeds))
    def hit(body: bytes) -> None:
        if len(body) <= 64 * 1024:
            check(
                target,
                somewhere.professional.ask("POST", target, body, {"Content-Type": "application/fhir+json"}),
            )

    hit()


ADDRESSES = st.sampled_from(
    [page.path for page in PAGES]
    + [
        *sorted(APPLYING),
        "/langue/fr",
        "/static/x/y.js",
        "/nowhere",
        "/acts/",
        "/acts",
        "/claims/x",
        "/intake/1/2",
    ]
)
TAILS = st.text(
    st.characters(min_codepoint=1, max_codepoint=0x2FFF, exclude_categories=["Cs"]), max_size=40
).map(lambda text: quote(text, safe="/?&=%;"))
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
COOKIES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60)


def test_the_portals_pages_survive_any_address_method_and_cookie(somewhere: Somewhere) -> None:
    front = somewhere.town.front

    @settings(HOSTILE, max_examples=200)
    @given(METHODS, ADDRESSES, TAILS, COOKIES)
    def hit(method: str, address: str, tail: str, cookie: str) -> None:
        target = address + tail
        headers = {"Cookie": f"__Host-rempart={cookie}", "Accept-Language": cookie, "Accept": "*/*"}
        status, told, content = send(front, method, target, b"", headers)
        if method != "HEAD":
            check(target, (status, told, content))
        assert status < 500

    hit()


def test_the_ledgers_tiles_survive_any_path(somewhere: Somewhere) -> None:
    @settings(HOSTILE, max_examples=60)
    @given(spoilt([b"0/x001/x234/067.p/12", b"entries/000", b"1/000"]))
    def hit(path: bytes) -> None:
        target = "/ledger/tile/" + quote(path[:4_000], safe="/.")
        check(target, send(somewhere.town.front, "GET", target, b"", {}))

    hit()


def test_the_same_caller_unspoilt_is_not_refused_for_form(somewhere: Somewhere) -> None:
    # What makes the tests above worth something. The invoice is another house's: that is all that is wrong with it.
    fhir = {"Content-Type": "application/fhir+json"}
    somewhere.professional.arrive()
    told = somewhere.professional.ask("POST", "/fhir/Claim/$submit", CLAIMS[0], fhir)
    assert json.loads(told[2])["issue"][0]["diagnostics"] == "provider.identifier.value finess"
    status, _, content = somewhere.professional.ask("POST", SUBMIT, CHECK[0], fhir)
    assert status == 200, content
