"""Who may suspend an establishment, have it leave, or hand its FINESS to somebody else: no clerk alone takes a pharmacy away."""

import json
from datetime import timedelta

import pytest

from rempart.foundation.clock import DAY, HOUR, MINUTE, SECOND, paris_date, system_clock
from rempart.foundation.identifiers import finess_key
from rempart.foundation.vocabulary import Role
from rempart.supervisor.platform import Platform
from rempart.vault.establishments import MOST_ALONE, Calendar, midnight
from rempart.vaultdoor.messages import (
    ApproveApplication,
    Call,
    DepartEstablishment,
    Done,
    Effect,
    EnrolApplication,
    Establishments,
    Here,
    Onboarded,
    Proposals,
    Proposed,
    Refused,
    ResumeEstablishment,
    Security,
    StayEstablishment,
    SuspendEstablishment,
)
from tests.authenticator import expect
from tests.desk.conftest import Operator, Room
from tests.desk.test_commands import platform, rempart
from tests.vault.accounts.conftest import Person, activated

__all__ = ["platform"]


@pytest.fixture
def claire(room: Room) -> Person:
    """The titulaire of the one pharmacy, signed in."""
    return activated(room, "claire", room.establishment())


@pytest.fixture
def clerk(room: Room, claire: Person) -> Operator:
    return room.operator("nora", Role.ONBOARDING_CLERK)


@pytest.fixture
def second(room: Room, claire: Person) -> Operator:
    return room.operator("omar", Role.ONBOARDING_CLERK)


def finess(room: Room) -> str:
    return str(room.rows("SELECT finess FROM vault.establishment WHERE finess IS NOT NULL")[0][0])


def on(room: Room, days: int) -> str:
    return (paris_date(room.clock()) + timedelta(days=days)).isoformat()


def told_of_her_house(who: Person) -> list[str]:
    """By her notices: what, and the day."""
    kinds = [
        (each.kind.partition(":"), each.detail) for each in who.browser.expect(Security, "security").notices
    ]
    return [f"{what} {detail}" for (house, _, what), detail in kinds if house == "establishment"]


def decided(room: Room, call: Call, first: Operator, second: Operator) -> None:
    """What a command proposed is approved by two at the desk, and done."""
    number = expect(Proposed, room.operate(call)).id
    room.time.advance(SECOND)
    for one, told in ((first, Proposed), (second, Done)):
        one.touch()
        one.expect(told, "proposal/approve", id=number)


def standings(clerk: Operator, number: str) -> list[str]:
    return [seat.life.standing for seat in clerk.expect(Establishments, "establishment", key=number).seats]


def acts(room: Room) -> list[tuple[str, str, str]]:
    """Of establishments, in the journal: who, what, with which detail; the oldest first."""
    lines = [json.loads(line) for line in room.journal().splitlines()]
    found = [line for line in reversed(lines) if line["act"].startswith("establishment:")]
    return [(line["actor"], line["act"].partition(":")[2], line["detail"]) for line in found]


def test_one_clerk_alone_cannot_cede_a_pharmacy_away(
    room: Room, claire: Person, clerk: Operator, second: Operator
) -> None:
    number, day = finess(room), on(room, 30)
    body = {"finess": number, "day": day, "ground": "cession", "words": "deed of sale"}
    shown = clerk.expect(Effect, "establishment/depart", **body)
    assert (shown.second, shown.establishments, shown.accounts, shown.devices, shown.sessions) == (
        True,
        1,
        1,
        1,
        1,
    )
    clerk.touch()
    proposal = clerk.expect(Proposed, "establishment/depart", **body, dry_run=False).id
    assert clerk.refused("proposal/approve", id=proposal) == "own-proposal"
    # By a command's hand neither, and an application for her FINESS is enrolled by nobody while she stays.
    expect(Proposed, room.operate(DepartEstablishment(number, day, "cession", "deed of sale")))
    said = ("ab" * 32, number, "pharmacy", "mallory")
    decided(room, ApproveApplication(*said, ["finess-known"]), clerk, second)
    assert room.operate(EnrolApplication(*said)) == Refused("conflict", "finess")
    assert standings(clerk, number) == ["open"]
    assert told_of_her_house(claire) == []
    # A second person reads whose it is, from when and why, and answers for it with the first; she is told at once.
    waits = {one.id: one for one in second.expect(Proposals, "proposals").proposals}
    assert waits[proposal].told == body
    room.time.advance(SECOND)
    second.touch()
    second.expect(Done, "proposal/approve", id=proposal)
    assert told_of_her_house(claire) == [f"cede {paris_date(room.clock()) + timedelta(days=30):%d/%m/%Y}"]
    assert acts(room)[-1] == ("nora omar", "cede", f"cession on {day}: deed of sale")


def test_what_two_people_decided_is_moved_by_no_one_alone(
    room: Room, claire: Person, clerk: Operator, second: Operator
) -> None:
    number = finess(room)
    decided(room, DepartEstablishment(number, on(room, 30), "cession", "deed"), clerk, second)
    sooner = {"finess": number, "day": on(room, 2), "ground": "retirement", "words": "in haste"}
    clerk.touch()
    clerk.expect(Proposed, "establishment/depart", **sooner, dry_run=False)
    (seat,) = clerk.expect(Establishments, "establishment", key=number).seats
    assert seat.life.closes == midnight(paris_date(room.clock()) + timedelta(days=30))
    # That she keeps her house is done alone, while it is hers.
    clerk.expect(Done, "establishment/stay", finess=number, words="no deed after all", dry_run=False)
    assert standings(clerk, number) == ["open"]


def buyer_enrolled(room: Room, number: str, clerk: Operator, second: Operator) -> str:
    """The establishment of whom two people approved for a FINESS that is sold."""
    said = ("cd" * 32, number, "pharmacy", "bertrand")
    decided(room, ApproveApplication(*said, ["finess-known"]), clerk, second)
    return expect(Onboarded, room.operate(EnrolApplication(*said))).establishment


def test_a_notary_who_is_late_moves_the_day_of_both_and_one_clerk_of_neither(
    room: Room, claire: Person, clerk: Operator, second: Operator
) -> None:
    number = finess(room)
    decided(room, DepartEstablishment(number, on(room, 30), "cession", "deed"), clerk, second)
    later = {"finess": number, "day": on(room, 60), "ground": "cession", "words": "signed later"}
    clerk.touch()
    proposal = clerk.expect(Proposed, "establishment/depart", **later, dry_run=False).id
    # The buyer comes meanwhile: the day is still the sale's, and neither the buyer's departure nor a day on which both work or nobody does.
    buyer_enrolled(room, number, clerk, second)
    room.time.advance(SECOND)
    second.touch()
    second.expect(Done, "proposal/approve", id=proposal)
    day = midnight(paris_date(room.clock()) + timedelta(days=60))
    new, old = clerk.expect(Establishments, "establishment", key=number).seats
    assert (new.life.opens, new.life.closes, new.life.leaving) == (day, 0, "")
    assert (old.life.closes, old.life.leaving) == (day, "cession")
    assert told_of_her_house(claire)[0].startswith("move ")
    # Sooner, too; but on no day that is past, nor as another reason, nor once the buyer has begun.
    decided(room, DepartEstablishment(number, on(room, 2), "cession", "signed sooner"), clerk, second)
    assert room.operate(DepartEstablishment(number, on(room, 2), "retirement", "x")) == Refused(
        "bad-input", "day"
    )
    clerk.touch()
    past = clerk.expect(Proposed, "establishment/depart", **(later | {"day": on(room, -1)}), dry_run=False).id
    room.time.advance(SECOND)
    second.touch()
    assert second.refused("proposal/approve", id=past) == "bad-input"
    room.time.now = midnight(paris_date(room.clock()) + timedelta(days=2))
    assert standings(clerk_again(clerk), number) == ["open", "departed"]


def clerk_again(one: Operator) -> Operator:
    """Signed in anew."""
    one.browser.sign_in(one.passkey)
    return one


def test_what_was_agreed_against_the_seller_on_the_last_evening_is_not_done_to_the_buyer(
    room: Room, claire: Person, clerk: Operator, second: Operator
) -> None:
    number = finess(room)
    decided(room, DepartEstablishment(number, on(room, 1), "cession", "deed"), clerk, second)
    buyer_enrolled(room, number, clerk, second)
    room.time.now = midnight(paris_date(room.clock()) + timedelta(days=1)) - 10 * MINUTE
    for one in (clerk, second):
        one.browser.sign_in(one.passkey)
        one.touch()
    wider = {
        "scope": "establishment",
        "key": number,
        "units": 500,
        "reason": "her yearly stock",
        "dry_run": False,
    }
    proposal = clerk.expect(Proposed, "line/widen", **wider).id
    room.time.advance(11 * MINUTE)
    room.runner.run(Calendar(room.zone.pool, room.clock).round())
    second.touch()
    assert second.refused("proposal/approve", id=proposal) == "proposal-over"


def test_a_departure_to_come_takes_one_with_a_passkey_and_one_of_today_two(
    room: Room, claire: Person, clerk: Operator, second: Operator
) -> None:
    number = finess(room)
    later = {"finess": number, "day": on(room, 10), "ground": "retirement", "words": "her letter"}
    room.time.advance(DAY // 4)
    assert clerk.refused("establishment/depart", **later, dry_run=False) == "step-up"
    clerk.touch()
    clerk.expect(Done, "establishment/depart", **later, dry_run=False)
    assert (
        clerk.refused("establishment/depart", **(later | {"day": "31/12/2026"}), dry_run=False) == "bad-input"
    )
    today = later | {"day": on(room, 0)}
    proposal = clerk.expect(Proposed, "establishment/depart", **today, dry_run=False).id
    assert standings(clerk, number) == ["open"]
    room.time.advance(SECOND)
    second.touch()
    second.expect(Done, "proposal/approve", id=proposal)
    assert standings(clerk, number) == ["departed"]
    claire.browser.expect(Here, "here")
    # Once the day has come, nor is it opened again by one.
    clerk.touch()
    clerk.expect(Proposed, "establishment/stay", finess=number, words="an error", dry_run=False)
    expect(Proposed, room.operate(StayEstablishment(number, "an error")))
    assert standings(clerk, number) == ["departed"]


def test_a_suspension_takes_a_passkey_and_its_undo_too_and_an_auditor_does_neither(
    room: Room, claire: Person, clerk: Operator
) -> None:
    number = finess(room)
    body = {"finess": number, "ground": "indu", "days": 10, "words": "two letters unanswered"}
    auditor = room.operator("ada", Role.AUDITOR)
    auditor.touch()
    assert auditor.refused("establishment/suspend", **body, dry_run=False) == "forbidden"
    room.time.advance(DAY // 4)
    assert clerk.refused("establishment/suspend", **body, dry_run=False) == "step-up"
    clerk.touch()
    clerk.expect(Done, "establishment/suspend", **body, dry_run=False)
    assert standings(clerk, number) == ["suspended"]
    clerk.expect(Done, "establishment/resume", finess=number, words="settled", dry_run=False)
    assert standings(clerk, number) == ["open"]
    assert clerk.refused("establishment/resume", finess=number, words="again", dry_run=False) == "conflict"
    # A command does it too, in the command's name.
    expect(Done, room.operate(SuspendEstablishment(number, "papers", 5, "certificate")))
    assert [each[:2] for each in acts(room)][-3:] == [
        ("nora", "suspend"),
        ("nora", "resume"),
        ("operator", "suspend"),
    ]


def test_one_clerk_does_not_suspend_the_country_one_pharmacy_after_the_other(
    room: Room, claire: Person, clerk: Operator, second: Operator
) -> None:
    with room.database.connect() as owner:
        for number in range(MOST_ALONE + 2):
            first8 = f"77{number:06d}"
            owner.execute(
                "INSERT INTO vault.establishment (id, finess, profession) VALUES (gen_random_uuid(), %s, 'pharmacy')",
                (first8 + finess_key(first8),),
            )
    others = [
        n
        for (n,) in room.rows(
            "SELECT finess FROM vault.establishment WHERE finess IS NOT NULL ORDER BY finess"
        )
    ]
    for number in others[:MOST_ALONE]:
        expect(Done, room.operate(SuspendEstablishment(number, "papers", 366, "in a loop")))
    clerk.touch()
    body = {
        "finess": others[MOST_ALONE],
        "ground": "papers",
        "days": 366,
        "words": "in a loop",
        "dry_run": False,
    }
    clerk.expect(Proposed, "establishment/suspend", **body)
    later = {
        "finess": others[MOST_ALONE],
        "day": on(room, 10),
        "ground": "request",
        "words": "in a loop",
        "dry_run": False,
    }
    clerk.expect(Proposed, "establishment/depart", **later)
    # What is undone is undone at once, and the hour after one goes on alone.
    expect(Done, room.operate(ResumeEstablishment(others[0], "an error")))
    room.time.advance(HOUR + SECOND)
    clerk.touch()
    clerk.expect(Done, "establishment/suspend", **body)


def test_a_finess_of_nobody_is_told_as_such_before_anything(room: Room, clerk: Operator) -> None:
    body = {"day": on(room, 3), "ground": "retirement", "words": "x"}
    assert clerk.refused("establishment/depart", finess="770816478", **body) == "not-found"
    assert clerk.refused("establishment/depart", finess="770816479", **body) == "finess"
    assert clerk.refused("establishment", key="770816478") == "not-found"


def test_as_it_is_typed_a_finess_is_sold_and_no_command_takes_it_by_hand(platform: Platform) -> None:
    number = "010000602"

    def typed(*arguments: str) -> str:
        done = rempart(platform, "establishment", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    by_hand = ("operator", "enrol-establishment", number, "Pharmacie du Port", "Brest", "pharmacy")
    assert rempart(platform, *by_hand).returncode == 0
    words = ("--words", "by letter")
    said = typed("suspend", number, "--ground", "papers", "--days", "3", *words)
    assert "suspended; papers until" in said
    assert "open" in typed("resume", number, *words)
    day = (paris_date(system_clock()) + timedelta(days=2)).isoformat()
    wrong = rempart(platform, "establishment", "depart", number, "--day", day, "--ground", "cession", *words)
    assert "establishment cede" in wrong.stderr
    assert f"{'/'.join(reversed(day.split('-')))}" in typed("cede", number, "--day", day, *words)
    refused = rempart(platform, *by_hand)
    assert refused.returncode == 1
    assert "conflict" in refused.stderr
    assert "cession" not in typed("stay", number, *words)
    assert "not-found" in rempart(platform, "establishment", "show", "770816478").stderr
