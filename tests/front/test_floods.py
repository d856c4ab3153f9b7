"""One address that floods, stays silent or sends drop by drop stops nobody else. Real sockets on loopback, whose every address is ours."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.front.process import DEADLINE, FrontProcess, running_front, wait_until
from tests.front.test_drain import upload_headers

FLOODER, OTHER = "127.0.0.2", "127.0.0.3"
NOWHERE = "postgresql:///nowhere"
ACT = b"POST /acts/security HTTP/1.1\r\nHost: l\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"


def dial(front: FrontProcess, source: str) -> socket.socket:
    return socket.create_connection(
        ("127.0.0.1", front.settings.port), timeout=DEADLINE, source_address=(source, 0)
    )


def ask(
    front: FrontProcess, source: str, path: str = "/health/live", forwarded: str = ""
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(
        "127.0.0.1", front.settings.port, timeout=DEADLINE, source_address=(source, 0)
    )
    try:
        connection.request("GET", path, headers={"X-Forwarded-For": forwarded} if forwarded else {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def code(body: bytes) -> str:
    return str(json.loads(body)["issue"][0]["details"]["coding"][0]["code"])


@contextmanager
def half_sent(front: FrontProcess, source: str, number: int, forwarded: str = "") -> Iterator[None]:
    """As many requests under way, each waiting for a body that does not come."""
    header = f"X-Forwarded-For: {forwarded}\r\n".encode() if forwarded else b""
    with ExitStack() as stack:
        for _ in range(number):
            connection = stack.enter_context(dial(front, source))
            connection.sendall(ACT + header + b"\r\n{")
        yield


@pytest.fixture
def front(tmp_path: Path) -> Iterator[FrontProcess]:
    with running_front(tmp_path, dsn=NOWHERE, requests_at_once=12, requests_per_address=4) as started:
        yield started


def refused(front: FrontProcess, source: str, forwarded: str = "") -> bool:
    return ask(front, source, forwarded=forwarded)[0] == 429


def test_one_address_that_floods_does_not_stop_another(front: FrontProcess) -> None:
    with half_sent(front, FLOODER, 4):
        wait_until(lambda: refused(front, FLOODER), "the flooder is refused")
        status, body = ask(front, FLOODER)
        assert (status, code(body)) == (429, "crowded")
        assert ask(front, OTHER)[0] == 200
    wait_until(lambda: not refused(front, FLOODER), "its places come back")


@pytest.mark.parametrize("claimed", ["127.0.0.9", "203.0.113.9", "127.0.0.1"])
def test_a_forged_x_forwarded_for_helps_nobody_who_is_no_proxy(front: FrontProcess, claimed: str) -> None:
    with half_sent(front, FLOODER, 4, forwarded=claimed):
        wait_until(lambda: refused(front, FLOODER), "the flooder is refused")
        assert refused(front, FLOODER, forwarded=claimed)
        # Nor does it fill somebody else's places.
        if claimed.startswith("127."):
            assert ask(front, claimed)[0] == 200


def test_behind_a_trusted_proxy_each_client_has_its_own_places(tmp_path: Path) -> None:
    limits = {"requests_at_once": 12, "requests_per_address": 4, "trusted_proxies": (FLOODER,)}
    with running_front(tmp_path, dsn=NOWHERE, **limits) as front:
        proxied = "198.51.100.1, 203.0.113.9"
        with half_sent(front, FLOODER, 4, forwarded=proxied):
            wait_until(lambda: refused(front, FLOODER, proxied), "the client is refused")
            assert refused(front, FLOODER, "192.0.2.1, 203.0.113.9")
            assert ask(front, FLOODER, forwarded="203.0.113.10")[0] == 200


def test_a_full_house_says_so_in_each_doors_form_and_recovers(front: FrontProcess) -> None:
    with half_sent(front, "127.0.0.4", 4), half_sent(front, "127.0.0.5", 4), half_sent(front, "127.0.0.6", 4):
        wait_until(lambda: ask(front, OTHER)[0] == 503, "no place is left")
        status, body = ask(front, OTHER)
        assert (status, code(body)) == (503, "saturated")
        with dial(front, OTHER) as connection:
            connection.sendall(ACT + b"\r\n{}")
            told = connection.recv(65536)
            assert told.startswith(b"HTTP/1.1 503 ")
            assert b"rempart-code: saturated\r\n" in told
            assert b"retry-after: 5\r\n" in told
        status, body = ask(front, OTHER, "/")
        assert (status, body.startswith(b"Trop de demandes")) == (503, True)
    wait_until(lambda: ask(front, OTHER)[0] == 200, "the places come back")


def test_a_head_that_comes_drop_by_drop_and_a_body_that_stays_away_are_cut_off(front: FrontProcess) -> None:
    began = time.monotonic()
    with dial(front, FLOODER) as slow_head, dial(front, FLOODER) as slow_body, ExitStack() as stack:
        ended = threading.Event()

        def drip() -> None:
            with suppress(OSError):
                slow_head.sendall(b"GET / HTTP/1.1\r\n")
                while not ended.wait(0.5):
                    slow_head.sendall(b"X: y\r\n")

        dripping = threading.Thread(target=drip)
        stack.callback(dripping.join)
        stack.callback(ended.set)
        dripping.start()
        slow_body.sendall(ACT + b"\r\n{")
        assert _said(slow_head) == b""
        told = _said(slow_body)
    assert told.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"slow"' in told
    assert 9 < time.monotonic() - began < 13


def _said(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""


def test_one_address_that_opens_every_connection_does_not_keep_the_others_out(tmp_path: Path) -> None:
    limits = {"connections_at_once": 60, "connections_per_address": 40}
    with running_front(tmp_path, dsn=NOWHERE, **limits) as front, ExitStack() as stack:
        opened = [stack.enter_context(dial(front, FLOODER)) for _ in range(150)]
        # 60 are all that the server takes: without the watch, nobody else would be heard for ten seconds.
        began = time.monotonic()
        assert ask(front, OTHER)[0] == 200
        assert time.monotonic() - began < 5
        wait_until(lambda: sum(map(_is_open, opened)) <= 40, "its share is left to it")
        assert ask(front, OTHER)[0] == 200


def test_the_connections_of_a_trusted_proxy_are_everybodys(tmp_path: Path) -> None:
    limits = {"connections_at_once": 100, "connections_per_address": 20, "trusted_proxies": ("127.0.0.0/30",)}
    with running_front(tmp_path, dsn=NOWHERE, **limits) as front, ExitStack() as stack:
        opened = [stack.enter_context(dial(front, FLOODER)) for _ in range(60)]
        stranger = [stack.enter_context(dial(front, "127.0.0.9")) for _ in range(30)]
        wait_until(lambda: sum(map(_is_open, stranger)) <= 20, "the stranger's are cut")
        assert all(map(_is_open, opened))


def _is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


def test_one_address_that_holds_its_uploads_leaves_room_for_another(tmp_path: Path) -> None:
    with running_front(tmp_path, dsn=NOWHERE) as front, ExitStack() as stack:
        for _ in range(4):
            connection = stack.enter_context(dial(front, FLOODER))
            connection.sendall(_upload(b"x" * 1000)[:-999])
        wait_until(lambda: len(list(front.settings.spool_folder.glob("*.part"))) == 4, "they are under way")
        for source, status in ((FLOODER, b"503"), (OTHER, b"202")):
            with dial(front, source) as connection:
                connection.sendall(_upload(b"y" * 1000))
                assert connection.recv(65536).split(b" ")[1] == status


def _upload(body: bytes) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in upload_headers(body).items())
    head = f"PUT /intake/99000001/a.csv HTTP/1.1\r\nHost: l\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
