"""docs/runbooks/incident.md: every command of the page, as it stands and in its order, on a real platform where a robot has asked."""

import asyncio
import json
import re
import shlex
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from typer.testing import CliRunner

from rempart.cli.commands import command_line
from rempart.cli.operator import add_establishment, add_insurers_seat, add_professional, ask
from rempart.cli.taking_in import all_loaded, deliver, written_files
from rempart.drill.seat import Door, Seat
from rempart.drill.town import by_card
from rempart.drill.wire import Wire
from rempart.foundation.clock import HOUR, instant, system_clock
from rempart.foundation.vocabulary import Domain, Profession, Role
from rempart.incident.facts import Language, moment, read_instant
from rempart.incident.scope_report import SETTLED
from rempart.intake.model import Kind
from rempart.population.population import Population
from rempart.population.professionals import synthetic_establishments, synthetic_professionals
from rempart.supervisor.platform import Platform, running_platform
from rempart.vaultdoor.messages import Enrolled, RegisterInsurer

PAGE = (Path(__file__).parents[2] / "docs/runbooks/incident.md").read_text()
COMMANDS = re.findall(r"^    (rempart .+)$", PAGE, re.MULTILINE)
POPULATION = Population(17, 600, 2)
MOST_ASKED = 120
ALARM_SECONDS = 60
T = TypeVar("T")


async def alone(seat: Seat, act: Callable[[], Awaitable[T]]) -> T:
    """Over connections of its own: minutes pass between two acts, and the front hangs up on whoever is silent."""
    with closing(Wire("127.0.0.1", int(seat.door.origin.rpartition(":")[2]))) as seat.door.wire:
        return await act()


@dataclass
class Night:
    """A platform on which detection has just raised an alert about a robot, and honest people at other counters."""

    platform: Platform
    loop: asyncio.Runner
    robot: Seat
    honest: Seat
    told: int = 0
    words: dict[str, str] = field(default_factory=dict)

    def type(self, command: str, folder: Path) -> str:
        """A line of the page, its capitals replaced. What it says; it must end well."""
        arguments = [self._filled(word) for word in shlex.split(command)[1:]]
        typed = [*arguments, "--folder", str(folder)]
        done = CliRunner().invoke(command_line(typed), typed, env={"COLUMNS": "400"})
        assert done.exit_code == 0, (command, done.output, done.exception)
        return done.output

    def refused(self, seat: Seat, number: int) -> str:
        """The refusal's code of one look-up, or ""."""
        return self.loop.run(
            alone(seat, lambda: seat.check(by_card(POPULATION.person(0, number), Domain.PHAR)))
        ).code

    def _filled(self, word: str) -> str:
        for name, value in self.words.items():
            word = re.sub(rf"\b{name}\b", value, word)
        assert not re.search(r"\b[A-Z]{5,}\b", word), word
        return word

    def sql(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.platform.home.operator_dsn.read_text().strip(), autocommit=True) as c:
            return c.execute(query.encode()).fetchall()


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("n") / "p"
    with running_platform(folder, more='shared_buffers = "32MB"\nsentinel_poll_ms = 40\n') as platform:
        deliveries = []
        for insurer, files in written_files(platform, POPULATION, 1):
            signing, notice = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
            keys = signing.public_key().public_bytes_raw(), notice.public_key().public_bytes_raw()
            ask(folder, RegisterInsurer(insurer.amc, insurer.name, *keys), Enrolled)
            deliveries += deliver(platform, insurer, files, signing, (Kind.PRODUCTS, Kind.FULL))
        while not all_loaded(platform, deliveries):
            time.sleep(0.05)
        for number, insurer in enumerate(POPULATION.insurers):
            seat = add_insurers_seat(folder, insurer.amc, insurer.name, "Paris")
            add_professional(folder, f"clerk-{number}", Role.TITULAIRE, seat, "Alix Essai")
        with asyncio.Runner() as loop:
            door = Door(platform.origin, Wire("127.0.0.1", platform.port), system_clock)
            robot, honest = (opened(platform, loop, door, number) for number in (0, 1))
            night = Night(platform, loop, robot, honest)
            night.words = alarm(night)
            yield night


def opened(platform: Platform, loop: asyncio.Runner, door: Door, number: int) -> Seat:
    """A pharmacy and its titulaire, signed in."""
    house = [h for h in synthetic_establishments(5, 64) if h.profession is Profession.PHARMACY][number]
    holder = list(synthetic_professionals(5, 2))[number]
    folder = platform.home.folder
    place = add_establishment(folder, house.finess, house.name, house.town, house.profession)
    name = f"{holder.first_name} {holder.family_name}"
    told = add_professional(folder, holder.login, Role.TITULAIRE, place, name, holder.rpps)
    seat = Seat(door, holder.login, told.id, place, house.profession)
    assert loop.run(alone(seat, lambda: seat.activate(told.code))) == ""
    return seat


def alarm(night: Night) -> dict[str, str]:
    """The robot asks until detection has raised an alert. What the page's capitals stand for."""
    since, number = system_clock(), 0
    while night.refused(night.robot, number) != "step-up":
        number += 1
        assert number < MOST_ASKED
    deadline = time.monotonic() + ALARM_SECONDS
    alerts: list[tuple[object, ...]] = []
    while not alerts:
        assert time.monotonic() < deadline
        night.refused(night.robot, number)
        alerts = night.sql("SELECT id, account::text, device::text FROM incident.alert ORDER BY id")
    [(told,)] = night.sql("SELECT count(DISTINCT subject) FROM evidence.entry WHERE outcome = 1")
    night.told = int(str(told))
    alert, account, device = map(str, alerts[0])
    [(login, finess)] = night.sql(
        "SELECT a.login, e.finess FROM vault.account a JOIN vault.membership m ON m.account = a.id"
        f" JOIN vault.establishment e ON e.id = m.establishment WHERE a.id = '{account}'"
    )
    return {
        "ALERT": alert, "ACCOUNT": account, "DEVICE": device, "LOGIN": str(login), "FINESS": str(finess),
        "SINCE": iso(since), "AWARE": iso(system_clock() - HOUR), "RECEIPT": "CNIL-2026-1",
    }  # fmt: skip


def iso(micros: int) -> str:
    return instant(micros).isoformat()


def test_whoever_types_the_page_gets_from_the_alarm_to_the_platform_reopened(
    night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said: dict[str, str] = {}
    codes: dict[str, str] = {}
    until = 0
    for command in COMMANDS:
        if "incident scope" in command:
            # A minute after the cut has gone by when a person counts; here it is now, and nothing was told since.
            until = system_clock()
            night.words["UNTIL"] = iso(until)
        # A person needs longer than this from the count to the letters.
        while "incident notify" in command and system_clock() < until + SETTLED:
            time.sleep(0.05)
        said[command] = night.type(command, night.platform.home.folder)
        if "contain account ACCOUNT" in command:
            codes["contained"] = night.refused(night.robot, 300)
            codes["others"] = night.refused(night.honest, 301)
        if command == "rempart operator switches":
            [night.words["CUT"]] = set(re.findall(r"account .* closed +\S+ +(20\S+\+0\d:00)", said[command]))
        if "issue-code" in command:
            code = said[command].split("#")[-1].strip()
        if "--hold closed" in command:
            codes["old session"] = night.refused(night.robot, 302)
            anew = Seat(
                night.robot.door,
                night.robot.login,
                night.robot.account,
                night.robot.establishment,
                Profession.PHARMACY,
            )
            assert night.loop.run(alone(anew, partial(anew.activate, code))) == ""
            # Nobody of the house before: not yet.
            codes["stranger"] = night.refused(anew, 303)
    codes["reopened"] = night.refused(anew, 304)
    assert codes == {
        "contained": "contained", "others": "", "old session": "session", "stranger": "known-only", "reopened": "",
    }  # fmt: skip

    listed = json.loads((tmp_path / "scope.json").read_text())
    assert listed["persons"] == night.told > 0
    assert listed["negative"]["depth"] == "recomputed"
    assert len((tmp_path / "proofs.ndjson").read_text().splitlines()) == listed["answers"]
    journal = said["rempart incident journal"]
    assert journal.count("hand-over") == len(POPULATION.insurers)
    assert "CNIL-2026-1" in journal
    assert '"since"' not in journal
    [cut] = re.findall(r"fact .*contained .*", journal)
    # The time of the cut, neither when it was known nor when it was written down.
    assert night.words["CUT"] != night.words["AWARE"]
    assert moment(read_instant(night.words["CUT"]), Language.FRENCH) in cut
    assert "+00:00" not in "".join(said.values())
    assert "done" in said["rempart incident clocks"]
    letters = (night.platform.home.outbox / "incidents" / "1").glob("professionals-concerned-*.pdf")
    assert [letter.stem[-9:] for letter in letters] == [night.words["FINESS"]]


def test_every_command_named_in_the_text_exists() -> None:
    known = (Path(__file__).parents[2] / "docs/commands.md").read_text()
    named = {" ".join(words.split()[:3]) for words in re.findall(r"`(rempart [^`]+)`", PAGE)}
    assert [
        words for words in named if f"`{words}`" not in known and f"`{words.rsplit(' ', 1)[0]}`" not in known
    ] == []
