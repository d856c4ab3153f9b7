"""docs/runbooks/incident.md where two are at the desk: its commands that take two propose, and do once what was approved there."""

import contextlib
import re
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from tests.desk.test_commands import Seat
from tests.house.test_incident_runbook import COMMANDS
from tests.incident.test_incident_commands import Town, town
from typer.testing import CliRunner, Result

from rempart.cli.commands import command_line
from rempart.cli.operator import SecondPersonNeeded
from rempart.foundation.clock import HOUR, SECOND, instant, system_clock

__all__ = ["town"]
WAIT_SECONDS = 60
CHANGED = "What was approved is not what would be said now"
ISSUE_CODE, NOTIFY, PUBLISH = (
    "rempart operator issue-code LOGIN activation",
    "rempart incident notify --everybody --send --proofs",
    "rempart incident publish --send",
)


@dataclass
class Staffed:
    """The page's incident, counted, on a platform with two at the desk."""

    town: Town
    seats: tuple[Seat, Seat]
    words: dict[str, str] = field(default_factory=dict)

    def typed(self, command: str) -> Result:
        """A line of the page, its capitals replaced, and how it ended."""
        typed = [self.words.get(word, word) for word in shlex.split(command)[1:]]
        typed += ["--folder", str(self.town.platform.home.folder)]
        return CliRunner().invoke(command_line(typed), typed, env={"COLUMNS": "400"})

    def type(self, command: str) -> str:
        done = self.typed(command)
        assert done.exit_code == 0, (command, done.output, done.exception)
        return done.output

    def proposed(self, command: str) -> tuple[int, str]:
        """Nothing is done: the proposal's number, and what is said."""
        error = self.typed(command).exception
        assert isinstance(error, SecondPersonNeeded), (command, error)
        found = re.search(r"Proposal (\d+) waits", error.detail)
        assert found is not None
        return int(found[1]), error.detail

    def approve(self, number: int) -> None:
        for seat in self.seats:
            seat.step_up()
            seat.ask("/desk/proposal/approve", id=number)

    def count(self, query: str) -> int:
        [(number,)] = self.town.sql(f"SELECT count(*) FROM {query}")
        return int(str(number))

    def until(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not done():
            assert time.monotonic() < deadline


@pytest.fixture(scope="module")
def staffed(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staffed]:
    place = tmp_path_factory.mktemp("page")
    [(login, since)] = town.sql(
        "SELECT a.login, min(e.at) FROM evidence.entry e JOIN vault.account a ON a.id = e.account WHERE e.insurer = 2 GROUP BY 1"
    )
    with contextlib.ExitStack() as opened:
        seats = [opened.enter_context(contextlib.closing(Seat(town.platform))) for _ in range(2)]
        made = Staffed(town, (seats[0], seats[1]))
        made.words = {
            "LOGIN": str(login), "AWARE": iso(system_clock() - HOUR), "SINCE": iso(int(str(since)) - SECOND),
            "UNTIL": iso(system_clock()), "scope.json": str(place / "scope.json"), "proofs.ndjson": str(place / "proofs.ndjson"),
        }  # fmt: skip
        for command in COMMANDS:
            if re.match(r"rempart incident (open|scope|about|fact nature) ", command):
                made.type(command.replace("--device DEVICE ", ""))
        for seat, name in zip(seats, ("diane", "sami"), strict=True):
            link = made.type(f"rempart desk enrol {name} --role security-lead")
            seat.activate(link.strip().partition("#")[2])
        yield made


def iso(micros: int) -> str:
    return instant(micros).isoformat()


def test_one_hand_with_a_shell_publishes_nothing_once_the_desk_is_staffed(staffed: Staffed) -> None:
    number, _ = staffed.proposed(PUBLISH)
    assert staffed.proposed(PUBLISH)[0] == number
    assert staffed.count("incident.publication") == 0
    staffed.approve(number)
    staffed.until(lambda: staffed.count("incident.publication") == 1)
    assert "operator diane sami had it published already" in staffed.type(PUBLISH)
    # The desk was killed before it did it: the command does, under the names of both.
    staffed.type("rempart incident unpublish essai")
    assert "published, issue 2" in staffed.type(PUBLISH)
    assert re.search(r"operator diane sami\W+publish", staffed.type("rempart incident journal"))
    # Something else is not said under what was approved.
    staffed.type("rempart incident fact public_contact 'Appelez le 00 00 00 00 00.'")
    number, said = staffed.proposed(PUBLISH)
    assert CHANGED in said
    assert staffed.town.sql("SELECT issue, contact_fr FROM incident.publication") == [(2, "")]


def test_one_hand_with_a_shell_sends_no_package_once_the_desk_is_staffed(staffed: Staffed) -> None:
    assert NOTIFY in COMMANDS
    number, _ = staffed.proposed(NOTIFY)
    assert staffed.count("incident.package") == 0
    staffed.type("rempart incident fact measures_taken 'Le compte est fermé.'")
    # Approved, it is not what would be said any more: the desk sends nothing, and the command says so.
    staffed.approve(number)
    number, said = staffed.proposed(NOTIFY)
    assert CHANGED in said
    assert staffed.count("incident.package") == 0
    staffed.approve(number)
    staffed.until(lambda: staffed.count("incident.package") == 3)
    staffed.until(lambda: staffed.count("incident.act WHERE act = 'hand-over'") == 3)
    assert "0 packages handed over, 3 were there already" in staffed.type(NOTIFY)
    # The desk was killed before the last: the command goes on.
    staffed.town.sql(
        "WITH gone AS (DELETE FROM incident.package_part WHERE package = (SELECT id FROM incident.package ORDER BY made DESC LIMIT 1)"
        " RETURNING package) DELETE FROM incident.package USING gone WHERE id = gone.package RETURNING id"
    )
    assert "1 packages handed over, 2 were there already" in staffed.type(NOTIFY)
    hands = "incident.act WHERE act = 'hand-over' AND actor = 'operator diane sami'"
    assert staffed.count(hands) == 4


def test_one_hand_with_a_shell_takes_no_account_once_the_desk_is_staffed(staffed: Staffed) -> None:
    assert ISSUE_CODE in COMMANDS
    number, said = staffed.proposed(ISSUE_CODE)
    assert "type the same command again" not in said
    assert f"│ {number} " in staffed.type("rempart desk proposals")
