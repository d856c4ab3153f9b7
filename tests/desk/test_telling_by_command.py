"""What a command tells of an incident: at once while nobody at the desk has to approve it; then by two people there, or not at all."""

from typing import Any

import msgspec

from rempart.foundation.clock import HOUR, SECOND
from rempart.vaultdoor.messages import (
    AnswersReleased,
    Done,
    IncidentStatement,
    PackagesReleased,
    Proposed,
    PublishAnswers,
    Refused,
    SendPackages,
    Stated,
    StatePackage,
    StateReleased,
    TellInsurer,
    TellReleased,
)
from tests.authenticator import R, expect
from tests.desk.conftest import Operator
from tests.desk.test_incident_pages import AMCS, Night, night

__all__ = ["night"]
ANSWERS = PublishAnswers(7, 2, 1, 0, "a" * 64)
PACKAGES = SendPackages(7, False, False, [*AMCS], 7, "b" * 64)
STATEMENT = IncidentStatement(AMCS[0], 7, 1, "0" * 64)
RELEASES = "SELECT incident FROM vault.answers_release UNION ALL SELECT incident FROM vault.package_release"
LINES = "SELECT actor, object FROM vault.journal WHERE act IN ('incident:publish', 'incident:release')"


def approved(night: Night, call: Any, first: Operator, second: Operator, kind: type[R]) -> R:
    """Typed, and approved at the desk by two."""
    number = expect(Proposed, night.room.operate(call)).id
    night.room.time.advance(SECOND)
    first.touch()
    first.expect(Proposed, "proposal/approve", id=number)
    # Whoever typed it may be the first, and is nobody more for having a shell.
    assert first.refused("proposal/approve", id=number) == "own-proposal"
    assert expect(Proposed, night.room.operate(call)).id == number
    second.touch()
    return second.expect(kind, "proposal/approve", id=number)


def test_one_hand_with_a_shell_publishes_nothing_once_the_desk_is_staffed(
    night: Night, duty: Operator, lead: Operator
) -> None:
    proposed = expect(Proposed, night.room.operate(ANSWERS))
    # Typed again, it does not wait beside itself.
    assert expect(Proposed, night.room.operate(ANSWERS)).id == proposed.id
    assert night.rows(f"{RELEASES} UNION ALL SELECT incident FROM incident.publication") == []
    approved(night, ANSWERS, duty, lead, AnswersReleased)
    released = expect(AnswersReleased, night.room.operate(ANSWERS))
    assert (released.by, released.digest) == ("operator diane sami", ANSWERS.digest)
    assert night.rows(LINES) == [("operator diane sami", "7")]
    night.room.time.advance(HOUR)
    assert not expect(Proposed, night.room.operate(ANSWERS)).changed


def test_one_hand_with_a_shell_sends_no_package_once_the_desk_is_staffed(
    night: Night, duty: Operator, lead: Operator
) -> None:
    """Nor by asking the vault for the signatures alone."""
    operate = night.room.operate
    alone = (
        StatePackage(STATEMENT),
        TellInsurer(AMCS[0], "incident:package", "incident 7"),
        StateReleased(STATEMENT),
        TellReleased(7, AMCS[0]),
    )
    for call in alone:
        assert expect(Refused, operate(call)).code == "not-released"
    approved(night, PACKAGES, duty, lead, PackagesReleased)
    assert expect(PackagesReleased, operate(PACKAGES)).by == "operator diane sami"
    expect(Stated, operate(StateReleased(STATEMENT)))
    expect(Done, operate(TellReleased(7, AMCS[0])))
    # Those who have theirs are not asked for again.
    expect(PackagesReleased, operate(msgspec.structs.replace(PACKAGES, amcs=[AMCS[1]], persons=3)))
    for call in alone[:2]:
        assert expect(Refused, operate(call)).code == "not-released"
    # One person recalls, at the desk too.
    expect(Done, operate(TellInsurer(AMCS[0], "incident:remind", "incident 7")))
    night.room.time.advance(HOUR)
    assert expect(Refused, operate(StateReleased(STATEMENT))).code == "not-released"


def test_a_command_does_not_say_something_else_than_what_two_people_approved(
    night: Night, duty: Operator, lead: Operator
) -> None:
    operate = night.room.operate
    first = msgspec.structs.replace(PACKAGES, amcs=[AMCS[0]])
    approved(night, first, duty, lead, PackagesReleased)
    approved(night, ANSWERS, duty, lead, AnswersReleased)
    for call in (
        msgspec.structs.replace(first, digest="c" * 64),
        msgspec.structs.replace(first, proofs=True),
        msgspec.structs.replace(first, everybody=True),
        PACKAGES,
        msgspec.structs.replace(ANSWERS, digest="c" * 64),
    ):
        assert expect(Proposed, operate(call)).changed, call
    # Of another incident nothing was approved.
    for call in (msgspec.structs.replace(ANSWERS, incident=8), msgspec.structs.replace(first, incident=8)):
        assert not expect(Proposed, operate(call)).changed
    for call in (msgspec.structs.replace(ANSWERS, digest="x"), msgspec.structs.replace(first, amcs=[])):
        assert expect(Refused, operate(call)).code == "bad-input"


def test_with_nobody_to_approve_a_command_tells_at_once_and_leaves_the_desks_host_no_release(
    night: Night, duty: Operator
) -> None:
    """One person at the desk is nobody's second."""
    operate = night.room.operate
    for call in (ANSWERS, PACKAGES):
        expect(Done, operate(call))
    assert night.rows(LINES) == [("operator", "7"), ("operator", "7")]
    expect(Stated, operate(StatePackage(STATEMENT)))
    expect(Done, operate(TellInsurer(AMCS[0], "incident:package", "incident 7")))
    assert night.rows(RELEASES) == []
    asked = night.room.runner.run(night.room.desk.call(StateReleased(STATEMENT)))
    assert expect(Refused, asked).code == "not-released"
    assert expect(Refused, operate(msgspec.structs.replace(ANSWERS, digest="x"))).code == "bad-input"
