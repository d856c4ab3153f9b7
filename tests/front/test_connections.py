"""An answer that nobody takes does not hold a connection for ever."""

import ctypes
import os
import resource
import socket
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from rempart.front.connections import UNREAD_MS, allow_connections, bound_unread_answers, sweep
from tests.front.process import running_front, wait_until

_PIDFD_GETFD = 438
"""The system call's number, on every architecture of Linux."""


def nobody(_: str) -> bool:
    return False


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no TCP_USER_TIMEOUT")
def test_a_client_that_never_reads_is_let_go_and_one_that_reads_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert bound_unread_answers(port, 300)
        with socket.create_connection(("127.0.0.1", port)), listener.accept()[0] as unread:
            began = time.monotonic()
            with pytest.raises(TimeoutError):
                _write_for_ever(unread)
            assert time.monotonic() - began < 20
        with socket.create_connection(("127.0.0.1", port)) as reader, listener.accept()[0] as taken:
            taken.sendall(b"x" * 50_000)
            taken.shutdown(socket.SHUT_WR)
            assert len(_read(reader)) == 50_000


def _write_for_ever(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"x" * 1_000_000)


def _read(connection: socket.socket) -> bytes:
    told = b""
    while more := connection.recv(65536):
        told += more
    return told


def test_nothing_listens_where_nothing_was_opened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        other = listener.getsockname()[1]
    assert not bound_unread_answers(other, 300)


@pytest.mark.parametrize(
    ("trusted", "ended"), [(nobody, 2), (lambda _: True, 0)], ids=["stranger", "trusted"]
)
def test_a_sweep_ends_what_is_beyond_and_touches_no_other_socket(
    trusted: Callable[[str], bool], ended: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_server(("127.0.0.1", 0)) as other:
        port = listener.getsockname()[1]
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
        taken = [listener.accept()[0] for _ in clients]
        elsewhere = socket.create_connection(other.getsockname())
        answering = other.accept()[0]
        try:
            assert sweep(port, 3, trusted) == ended
            assert [client.recv(1) for client in clients[3:] if ended] == [b""] * ended
            for connection, client in zip(taken[:3], clients[:3], strict=True):
                connection.sendall(b"x")
                assert client.recv(1) == b"x"
            answering.sendall(b"x")
            assert elsewhere.recv(1) == b"x"
        finally:
            for each in [*clients, *taken, elsewhere, answering]:
                each.close()


def test_as_many_connections_as_the_system_lets_be_open() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        assert allow_connections(10) == 10
        assert 1 <= allow_connections(10**9) < 10**9
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="this system has no pidfd_open")
def test_the_fronts_own_listener_is_bounded(tmp_path: Path) -> None:
    # Seen from outside: a connection to a real front inherits the bound. Beside its listener the front holds sockets of other kinds.
    with running_front(tmp_path, dsn="postgresql:///nowhere") as front:
        wait_until(lambda: UNREAD_MS in _bounds(front.process.pid), "the listener is bounded")
        assert front.process.poll() is None


def _bounds(pid: int) -> list[int]:
    """TCP_USER_TIMEOUT of every listening TCP socket of a process of ours."""
    found = []
    process = os.pidfd_open(pid)
    try:
        for file in Path(f"/proc/{pid}/fd").iterdir():
            copy = ctypes.CDLL(None).syscall(_PIDFD_GETFD, process, int(file.name), 0)
            with suppress(OSError):
                if copy >= 0:
                    with closing(socket.socket(fileno=copy)) as one:
                        if one.family == socket.AF_INET and one.getsockopt(
                            socket.SOL_SOCKET, socket.SO_ACCEPTCONN
                        ):
                            found.append(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))
    finally:
        os.close(process)
    return found
