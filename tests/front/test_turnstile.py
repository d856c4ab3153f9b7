"""The queue at a real front, before a vault that is slow: who waits is told so, who works is not, and who dawdles holds nobody up."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from rempart.front.admission import AT_ONCE
from rempart.vaultdoor.browser import DeviceKey
from tests.front.process import FrontProcess, running_front, wait_until

SIGN_IN = "/acts/sign-in/begin"


@contextmanager
def slow_vault(run_folder: Path) -> Iterator[list[bytes]]:
    """A peer on the vault's socket that takes everything in and answers nothing: what it heard."""
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener, ExitStack() as open_ends:
        listener.bind(str(run_folder / "door.sock"))
        listener.listen()

        def listen() -> None:
            while True:
                try:
                    end, _ = listener.accept()
                except OSError:
                    return
                open_ends.enter_context(end)
                threading.Thread(target=hear, args=(end,), daemon=True).start()

        def hear(end: socket.socket) -> None:
            while data := end.recv(65_536):
                heard.append(data)

        threading.Thread(target=listen, daemon=True).start()
        yield heard
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def front(tmp_path: Path) -> Iterator[FrontProcess]:
    with running_front(tmp_path, dsn="postgresql:///nowhere") as started:
        yield started


def headers(front: FrontProcess, key: DeviceKey, path: str, body: bytes) -> dict[str, str]:
    return key.sign("POST", front.settings.origin + path, body, 0) | {"Content-Type": "application/json"}


def send(front: FrontProcess, path: str, number: int) -> list[socket.socket]:
    """So many whole requests, whose answers nobody reads yet."""
    ends = []
    for _ in range(number):
        lines = headers(front, DeviceKey.generate(), path, b"{}") | {"Host": "l", "Content-Length": "2"}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        end = socket.create_connection(("127.0.0.1", front.settings.port))
        end.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n{{}}".encode())
        ends.append(end)
    return ends


def test_beyond_a_few_at_once_a_sign_in_is_told_its_place_and_a_ticket(front: FrontProcess) -> None:
    key = DeviceKey.generate()
    with slow_vault(front.settings.run_folder) as heard, ExitStack() as ends:
        for end in send(front, SIGN_IN, AT_ONCE):
            ends.enter_context(end)
        wait_until(lambda: sum(map(len, heard)) > AT_ONCE * 100, "the vault heard them")
        wait_until(lambda: b"".join(heard).count(b"sign-in/begin") == AT_ONCE, "all of them, and no more")
        response, body = front.ask("POST", SIGN_IN, b"{}", headers(front, key, SIGN_IN, b"{}"))
        assert (response.status, response.headers["Rempart-Code"]) == (503, "queue")
        assert json.loads(body)["code"] == "queue"
        assert int(response.headers["Retry-After"]) >= 1
        ticket = {"Rempart-Ticket": response.headers["Rempart-Ticket"], "Rempart-Device": key.keyid}
        looked, place = front.ask("GET", "/attente", headers=ticket)
        assert (looked.status, json.loads(place)["ahead"]) == (200, 1)
        assert looked.headers["Cache-Control"] == "no-store"
        foreign, _ = front.ask("GET", "/attente", headers=ticket | {"Rempart-Device": "A" * 43})
        assert foreign.status == 404
        # What is no sign-in passes: it reaches the vault although the queue is full.
        for end in send(front, "/acts/security", 3):
            ends.enter_context(end)
        wait_until(lambda: b"".join(heard).count(b"/acts/security") == 3, "work goes on")


def test_sign_ins_sent_drop_by_drop_take_no_turn(front: FrontProcess) -> None:
    with ExitStack() as ends:
        for _ in range(AT_ONCE * 2):
            end = ends.enter_context(socket.create_connection(("127.0.0.1", front.settings.port)))
            end.sendall(
                f"POST {SIGN_IN} HTTP/1.1\r\nHost: l\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{".encode()
            )
        response, _ = front.ask("POST", SIGN_IN, b"{}", headers(front, DeviceKey.generate(), SIGN_IN, b"{}"))
        # No vault here: an outage, which is the door's answer and not the queue's.
        assert response.headers["Rempart-Code"] == "outage"
