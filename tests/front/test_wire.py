"""What a hostile client can write on a socket: every form of it has one answer, never a 5xx of our making, and nothing is done twice.

The front runs without a vault: a request that a door would have relayed is told as an outage (503 with a reference), which shows how far it
came. Where the server below cannot make out a request at all, its answer is its own: 400, 414 or 431, empty, and the connection is over.
"""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.front.process import DEADLINE, FrontProcess, running_front

LIVE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
ACT = b"POST /acts/security HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHECK = (
    b"POST /fhir/CoverageEligibilityRequest/$submit HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Digest: x\r\nSignature-Input: x\r\nSignature: x\r\n"
)
EMPTY = b"Content-Length: 0\r\nConnection: close\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
LAST = LIVE + b"Connection: close\r\n\r\n"
"""Sent after a case on the same connection: answered if it is still open, and in order."""


@dataclass(frozen=True)
class Told:
    status: int
    headers: bytes
    body: bytes

    @property
    def code(self) -> str:
        """The house's code, in whichever form; "" where the server spoke by itself."""
        if b"application/fhir+json" in self.headers:
            return str(json.loads(self.body)["issue"][0]["details"]["coding"][0]["code"])
        for line in self.headers.split(b"\r\n"):
            if line.lower().startswith(b"rempart-code: "):
                return line[14:].decode()
        return ""


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontProcess]:
    with running_front(tmp_path_factory.mktemp("front"), dsn="postgresql:///nowhere") as started:
        yield started
        assert "Traceback" not in started.log


def write(front: FrontProcess, data: bytes) -> bytes:
    """Everything the front says until it closes the connection."""
    with socket.create_connection(("127.0.0.1", front.settings.port), timeout=DEADLINE) as connection:
        try:
            connection.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return b""
        said = b""
        while True:
            try:
                more = connection.recv(65536)
            except ConnectionResetError:
                return said
            if not more:
                return said
            said += more


def read(said: bytes) -> list[Told]:
    """The answers, framed by their own Content-Length."""
    found = []
    while said:
        head, _, rest = said.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1])
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b": ")
            if name.lower() == b"content-length":
                length = int(value)
        if status >= 200:
            found.append(Told(status, head, rest[:length]))
        said = rest[length:]
    return found


SMUGGLED = [
    pytest.param(b"Content-Length: 4\r\n" + CHUNKED, b"2\r\n{}\r\n0\r\n\r\n", 503, "outage", id="length then coding"),
    pytest.param(CHUNKED + b"Content-Length: 4\r\n", b"2\r\n{}\r\n0\r\n\r\n", 503, "outage", id="coding then length"),
    pytest.param(b"Transfer-Encoding: gzip, chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n", 400, "bad-input", id="another coding inside"),
    pytest.param(CHUNKED * 2, b"2\r\n{}\r\n0\r\n\r\n", 400, "bad-input", id="coding twice"),
    pytest.param(b"Transfer-Encoding: xchunked\r\n", b"2\r\n{}\r\n0\r\n\r\n", 400, "", id="a coding that only looks alike"),
    pytest.param(b"Transfer-Encoding : chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n", 400, "", id="space before the colon"),
    pytest.param(b"Transfer-Encoding:\x0bchunked\r\n", b"2\r\n{}\r\n0\r\n\r\n", 400, "", id="vertical tab"),
    pytest.param(b"X: y\r\n Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n", 400, "", id="folded line"),
    pytest.param(b"Content-Length: 2\r\nContent-Length: 3\r\n", b"{}", 400, "", id="two lengths"),
    pytest.param(b"Content-Length: 2, 2\r\n", b"{}", 400, "", id="a list of lengths"),
    pytest.param(b"Content-Length: +2\r\n", b"{}", 400, "", id="a signed length"),
    pytest.param(b"Content-Length: 0x2\r\n", b"{}", 400, "", id="a hexadecimal length"),
    pytest.param(b"Content-Length: 99999999999999999999999\r\n", b"{}", 400, "", id="a length beyond all numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("framing", "body", "status", "code"), SMUGGLED)
def test_a_request_smuggled_behind_an_ambiguous_length_is_never_answered(
    front: FrontProcess, framing: bytes, body: bytes, status: int, code: str
) -> None:
    # The server takes the coding over the length, as RFC 9112 §6.3 says, and closes: what follows is not read as a request.
    for start in (CHECK, ACT):
        told = read(write(front, start + framing + b"\r\n" + body + LAST))
        assert [(each.status, each.code) for each in told] == [(status, code)]


CHUNKS = [
    pytest.param(b"2;" + b"a" * 100_000 + b"\r\n{}\r\n0\r\n\r\n", id="an extension of 100 kB"),
    pytest.param(b"2\r\n{}\r\n0\r\n" + b"X-%d: y\r\n" * 2000 % tuple(range(2000)) + b"\r\n", id="2000 trailers"),
    pytest.param(b"-2\r\n{}\r\n0\r\n\r\n", id="a negative size"),
    pytest.param(b"0x2\r\n{}\r\n0\r\n\r\n", id="a prefixed size"),
    pytest.param(b"FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n", id="a size beyond all numbers"),
    pytest.param(b"2\n{}\n0\n\n", id="bare line feeds"),
    pytest.param(b"2\r\n{}XX0\r\n\r\n", id="no end of chunk"),
    pytest.param(b"2\r\n{}\r\n0\r\nSignature y\r\n\r\n", id="a trailer that is none"),
]  # fmt: skip


@pytest.mark.parametrize("body", CHUNKS)
def test_chunks_that_are_none_are_bad_input_and_end_the_connection(front: FrontProcess, body: bytes) -> None:
    for start in (CHECK, ACT, CHECK.replace(b"CoverageEligibilityRequest", b"Claim")):
        told = read(write(front, start + CHUNKED + b"\r\n" + body + LAST))
        assert [(each.status, each.code) for each in told] == [(400, "bad-input")]


def test_a_trailer_is_no_header(front: FrontProcess) -> None:
    unsigned = CHECK.replace(b"Signature: x\r\n", b"")
    told = read(write(front, unsigned + CHUNKED + b"\r\n2\r\n{}\r\n0\r\nSignature: y\r\n\r\n" + LAST))
    assert (told[0].status, told[0].code) == (401, "signature")


HEADS = [
    pytest.param(b"GET /health/live HTTP/1.1\r\n", 400, "bad-input", id="no Host"),
    pytest.param(LIVE + b"Host: elsewhere.example\r\n", 400, "bad-input", id="two Hosts"),
    pytest.param(LIVE + b"Content-Encoding: gzip\r\n", 415, "coding", id="compressed"),
    pytest.param(LIVE.replace(b"live", b"live?" + b"a" * 9000), 414, "target-too-long", id="9 kB target"),
    pytest.param(ACT.replace(b"security", b"a" * 9000), 414, "target-too-long", id="9 kB act"),
    pytest.param(ACT.replace(b"security", b"a%0Ab"), 400, "bad-input", id="a line break in an act's path"),
    pytest.param(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: l\r\n", 414, "target-too-long", id="9 kB page"),
    pytest.param(LIVE.replace(b"live", b"a" * 65_600), 414, "", id="65 kB target"),
    pytest.param(LIVE + b"X-%d: y\r\n" * 80 % tuple(range(80)), 431, "header-too-large", id="80 headers"),
    pytest.param(LIVE + b"X-%d: y\r\n" * 200 % tuple(range(200)), 431, "", id="200 headers"),
    pytest.param(LIVE + b"X: " + b"y" * 20_000 + b"\r\n", 431, "header-too-large", id="20 kB header"),
    pytest.param(LIVE + b"X: " + b"y" * 900_000 + b"\r\n", 431, "", id="900 kB header"),
    pytest.param(LIVE + b"X: a\x00b\r\n", 400, "", id="NUL in a header"),
    pytest.param(LIVE + b"X: a\rb\r\n", 400, "", id="bare CR in a header"),
    pytest.param(LIVE + b"X Y: a\r\n", 400, "", id="space in a name"),
    pytest.param(b"GET /a\x00b HTTP/1.1\r\nHost: l\r\n", 400, "", id="NUL in the target"),
    pytest.param(b"GET /\xff HTTP/1.1\r\nHost: l\r\n", 400, "", id="a byte that is no address"),
    pytest.param(b"GET /health/live\r\n", 400, "", id="HTTP/0.9"),
    pytest.param(b"GET /health/live HTTP/2.0\r\nHost: l\r\n", 400, "", id="HTTP/2 in words"),
    pytest.param(b"\x16\x03\x01\x00\xfa\x01\x00\x00\xf6\x03\x03" + b"\0" * 200, 400, "", id="TLS"),
    pytest.param(b"BREW /health/live HTTP/1.1\r\nHost: l\r\nConnection: close\r\n", 405, "method", id="BREW at the API"),
    pytest.param(b"BREW / HTTP/1.1\r\nHost: l\r\nConnection: close\r\n", 405, "method", id="BREW at the portal"),
    pytest.param(b"TRACE /acts/x HTTP/1.1\r\nHost: l\r\nConnection: close\r\n", 405, "method", id="TRACE"),
    pytest.param(b"get /health/live HTTP/1.1\r\nHost: l\r\nConnection: close\r\n", 405, "method", id="get"),
    pytest.param(ACT.replace(b"application/json", b"text/plain") + EMPTY, 415, "media-type", id="act in text"),
    pytest.param(CHECK.replace(b"application/json", b"text/xml") + EMPTY, 415, "media-type", id="check in XML"),
    pytest.param(ACT + b"Content-Length: 65537\r\n", 413, "too-large", id="act too large, by its word"),
    pytest.param(CHECK + b"Content-Length: 65537\r\n", 413, "too-large", id="check too large, by its word"),
    pytest.param(CHECK + b"Content-Length: 9999999999999\r\n", 413, "too-large", id="check of ten terabytes"),
]  # fmt: skip


@pytest.mark.parametrize(("head", "status", "code"), HEADS)
def test_a_head_out_of_bounds_has_one_refusal(
    front: FrontProcess, head: bytes, status: int, code: str
) -> None:
    told = read(write(front, head + b"\r\n"))
    assert [(each.status, each.code) for each in told] in ([(status, code)], [])
    # A client that is still writing when the front closes may see a reset instead of the answer; a short one never does.
    assert told or len(head) > 20_000


ESCAPES = ["/%2e%2e/%2e%2e/etc/passwd", "/static/0/%2e%2e%2f%2e%2e%2fetc/passwd", "/%00", "/%ff%fe", "/%zz",
           "//evil.example/", "/fhir/../../etc/passwd", "/fhir/StructureDefinition/%00", "/fhir/examples/%2e%2e%2fx",
           "/health/live/", "/verifier/"]  # fmt: skip


@pytest.mark.parametrize("target", ESCAPES)
def test_an_address_that_means_to_be_another_is_not_found_and_leads_nowhere(
    front: FrontProcess, target: str
) -> None:
    head = f"GET {target} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".encode()
    [told] = read(write(front, head))
    assert told.status == 404
    assert b"\r\nlocation:" not in told.headers.lower()
    assert b"evil.example" not in told.headers + told.body


def test_an_absolute_target_is_the_same_address_whatever_host_it_names(front: FrontProcess) -> None:
    # RFC 9112 §3.2.2: servers must take this form. What a device signs is the configured origin, never this one.
    [told] = read(
        write(front, LAST.replace(b"GET /", b"GET http://evil.example/")),
    )
    assert (told.status, told.body) == (200, b'{"live":true}')


def test_a_tunnel_is_not_dug(front: FrontProcess) -> None:
    told = read(
        write(front, b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
    )
    assert [each.status for each in told] in ([], [404], [405])


def test_pipelined_requests_are_answered_one_by_one_in_order(front: FrontProcess) -> None:
    told = read(write(front, (LIVE + b"\r\n" + ACT + b"Content-Length: 2\r\n\r\n{}") * 50 + LAST))
    assert [each.status for each in told] == [200, 503] * 50 + [200]


def test_a_body_on_a_get_is_not_taken_for_the_next_request(front: FrontProcess) -> None:
    inner = b"GET /openapi HTTP/1.1\r\nHost: l\r\n\r\n"
    told = read(write(front, LIVE + b"Content-Length: %d\r\n\r\n" % len(inner) + inner + LAST))
    assert [each.body for each in told] == [b'{"live":true}'] * 2


def test_http_1_0_is_served_and_closed(front: FrontProcess) -> None:
    [told] = read(write(front, b"GET /health/live HTTP/1.0\r\n\r\n"))
    assert told.status == 200


@pytest.mark.parametrize("protocol", ["websocket", "h2c"])
def test_no_other_protocol_is_switched_to(front: FrontProcess, protocol: str) -> None:
    told = read(
        write(
            front,
            LIVE
            + f"Connection: Upgrade, close\r\nUpgrade: {protocol}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode(),
        )
    )
    assert [each.status for each in told] == [200]


def test_bytes_that_are_no_text_break_nothing(front: FrontProcess) -> None:
    cookie = b"Cookie: \xff=\xfe; __Host-rempart-langue=\xe9\r\nAccept-Language: \xff;q=\xff\r\n"
    head = b"GET / HTTP/1.1\r\nHost: l\r\nConnection: close\r\n" + cookie + b"\r\n"
    assert [each.status for each in read(write(front, head))] == [200]
    weird = ACT + b"Cookie: __Host-rempart=\xff\r\nSignature: \xff\r\nContent-Length: 2\r\n\r\n\xff\xfe"
    assert [each.status for each in read(write(front, weird + LAST))] == [503, 200]


def test_what_a_client_writes_and_leaves_is_not_a_fault_of_ours(front: FrontProcess) -> None:
    before = front.log.count('"level": "error"')
    for start in (ACT, CHECK):
        with socket.create_connection(("127.0.0.1", front.settings.port)) as connection:
            connection.sendall(start + b"Content-Length: 100\r\n\r\n{")
    assert front.ask("GET", "/health/live")[0].status == 200
    assert front.log.count('"level": "error"') == before
