"""The suite's own guard: a test that reaches for the network fails, whatever the library."""

import asyncio
import socket

import httpx
import pytest
from tests.conftest import NetworkForbiddenError

ELSEWHERE = "192.0.2.1"
"""TEST-NET-1 (RFC 5737): nobody answers there."""


def test_a_connection_to_another_machine_is_refused():
    with socket.socket() as sock, pytest.raises(NetworkForbiddenError):
        sock.connect((ELSEWHERE, 443))


def test_a_datagram_to_another_machine_is_refused():
    with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(NetworkForbiddenError):
        sock.sendto(b"?", (ELSEWHERE, 53))


def test_a_name_is_not_looked_up():
    with pytest.raises(NetworkForbiddenError):
        httpx.get("https://rempart.example/")


def test_asyncio_is_guarded_too():
    with pytest.raises(NetworkForbiddenError):
        asyncio.run(asyncio.wait_for(asyncio.open_connection(ELSEWHERE, 443), 5))


def test_this_machine_is_allowed():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert client.getpeername() == server.getsockname()
