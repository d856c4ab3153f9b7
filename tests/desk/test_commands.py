"""The operators' commands as they are typed, on the real platform with its desk; an operator at a browser in software, over HTTP."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from rempart.cli.commands import command_line
from rempart.cli.desk import NoDesk
from rempart.cli.operator import add_establishment
from rempart.foundation.vocabulary import Profession
from rempart.supervisor.platform import Platform, running_platform
from rempart.vaultdoor.browser import DeviceKey, SoftwarePasskey
from rempart.vaultdoor.messages import Challenge


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder, more = tmp_path_factory.mktemp("desk"), 'shared_buffers = "32MB"\n'
    with running_platform(folder, more=more, without=("sentinel", "sealer", "cashier"), desk=True) as started:
        yield started


def rempart(platform: Platform, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "rempart.cli", *arguments, "--folder", str(platform.home.folder)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={"COLUMNS": "240"}
    )


@pytest.fixture(scope="module")
def house(platform: Platform) -> str:
    """A pharmacy that is open; nobody works there."""
    return add_establishment(
        platform.home.folder, "990000010", "Pharmacie Essai", "Paris", Profession.PHARMACY
    )


class Seat:
    """An operator at the desk, over HTTP."""

    def __init__(self, platform: Platform) -> None:
        self._origin = platform.desk_origin
        port = self._origin.rpartition(":")[2]
        # The name leads to this machine in browsers; the port is all that a test needs of it.
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)
        self._key, self._passkey, self._session = DeviceKey.generate(), SoftwarePasskey(self._origin), ""

    def close(self) -> None:
        self._http.close()

    def ask(self, path: str, **body: Any) -> dict[str, Any]:
        act = self._key.act(self._origin, path, body, time.time_ns() // 10**9)
        headers = {
            "Content-Type": "application/json", "Content-Digest": act.content_digest, "Signature": act.signature,
            "Signature-Input": act.signature_input, "Accept": "application/json",
            "Cookie": f"__Host-rempart-desk={self._session}",
        }  # fmt: skip
        response = self._http.post(path, content=act.body, headers=headers)
        self._session = response.cookies.get("__Host-rempart-desk") or self._session
        told: dict[str, Any] = response.json()
        return told

    def activate(self, code: str) -> None:
        told = self.ask("/acts/activation/begin", device_key=self._key.public, activation_code=code)
        challenge = Challenge(**{name: value for name, value in told.items() if name != "type"})
        made = self._passkey.create(challenge, self._key)
        told = self.ask(
            "/acts/activation/passkey", device_key=self._key.public, device_label="Poste", activation_code=code,
            nonce=challenge.nonce, credential=made, label="",
        )  # fmt: skip
        # The session's value is in the cookie alone.
        assert (told["type"], told["session"]["session"], told["recovery_codes"]) == ("Activated", "", [])

    def step_up(self) -> None:
        told = self.ask("/acts/step-up/begin")
        challenge = Challenge(**{name: value for name, value in told.items() if name != "type"})
        used = self._passkey.use(challenge, self._key)
        assert self.ask("/acts/step-up/passkey", nonce=challenge.nonce, credential=used)["type"] == "Done"


@pytest.fixture
def seats(platform: Platform) -> Iterator[Callable[[], Seat]]:
    """Seats at the desk, closed at the end."""
    with contextlib.ExitStack() as open_seats:
        yield lambda: open_seats.enter_context(contextlib.closing(Seat(platform)))


def enrolled(platform: Platform, login: str, role: str) -> str:
    done = rempart(platform, "desk", "enrol", login, "--role", role)
    assert done.returncode == 0, done.stderr
    link = done.stdout.strip()
    assert link.startswith(f"{platform.desk_origin}/activation#")
    return link.partition("#")[2]


def test_a_desk_without_an_address_has_no_seat_to_give(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        command_line(["desk"]),
        ["desk", "enrol", "diane", "--role", "duty-officer", "--folder", str(tmp_path)],
    )
    assert isinstance(done.exception, NoDesk)
    assert "desk_origin" in done.exception.english


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("operator suspend nobody-here", "No account has this login"),
        ("desk suspend nobody-here", "No account has this login"),
        ("operator suspend-editor Nobody", "rempart operator editors"),
        ("campaign show 77", "none of this number"),
        (
            "campaign start sign-out profession optician --reason-fr x --reason-en x --go",
            "Nobody is concerned",
        ),
        ("establishment suspend 990000010 --ground bored --days 3 --words x", "convention-lapsed"),
        ("establishment suspend 990000010 --ground papers --days 400 --words x", "1 to 366"),
        ("establishment depart 990000010 --day 31/01/2027 --ground request --words x", "YYYY-MM-DD"),
        ("operator contain lane vital x", "card, vitale, secret"),
        ("operator contain region north x", "device, account, establishment"),
        ("operator profile set establishment 990000010 --reason x --network 192.0.2.0/33", "192.0.2.0/24"),
        ("operator profile set establishment 990000010 --reason x --lane vital", "card, vitale, secret"),
    ],
)
def test_whoever_types_a_word_wrong_is_told_which_are_right(
    platform: Platform, house: str, typed: str, says: str
) -> None:
    done = rempart(platform, *typed.split())
    assert done.returncode == 1
    assert says in done.stderr
    assert "at this address" not in done.stderr
    assert "reload" not in done.stderr
    assert house


def test_commands_make_the_first_operators_then_what_takes_two_waits_for_one_of_them(
    platform: Platform, seats: Callable[[], Seat]
) -> None:
    status = json.loads(rempart(platform, "status", "--json").stdout)
    assert status["health"]["desk"] is True
    assert rempart(platform, "desk", "enrol", "eve", "--role", "titulaire").returncode == 1
    diane, sami = seats(), seats()
    diane.activate(enrolled(platform, "diane", "duty-officer"))
    # One at the desk: a command still acts alone.
    assert rempart(platform, "line", "breaker", "30000").returncode == 0
    sami.activate(enrolled(platform, "sami", "security-lead"))
    listed = rempart(platform, "desk", "operators").stdout
    assert all(word in listed for word in ("diane", "duty-officer", "sami", "security-lead", "active"))

    proposed = rempart(platform, "line", "breaker", "40000")
    assert proposed.returncode == 1
    assert "two people at the desk have to approve it" in proposed.stderr
    assert "[second-person]" in proposed.stderr
    waiting = rempart(platform, "desk", "proposals").stdout
    assert "SetBreaker" in waiting
    assert "units=40000" in waiting
    number = int(next(line.split("│")[1] for line in waiting.splitlines() if "SetBreaker" in line))
    # Whoever typed it may be one of the two, and is no more for it.
    for seat, told in ((diane, "Proposed"), (sami, "Done")):
        seat.step_up()
        assert seat.ask("/desk/proposal/approve", id=number)["type"] == told
    read = rempart(platform, "operator", "journal").stdout
    assert "diane" in read
    assert '{"at"' not in read
    lines = rempart(platform, "operator", "journal", "--json").stdout.splitlines()
    assert any(json.loads(line)["actor"] == "diane" for line in lines)

    again = rempart(platform, "line", "breaker", "50000")
    number = int(again.stderr.partition("Proposal ")[2].split()[0])
    assert rempart(platform, "desk", "withdraw", str(number)).returncode == 0
    assert diane.ask("/desk/proposal/approve", id=number)["code"] == "proposal-over"
    assert rempart(platform, "desk", "suspend", "diane").returncode == 0
    assert diane.ask("/desk/switches")["code"] == "session"
    assert rempart(platform, "desk", "reinstate", "diane").returncode == 0
