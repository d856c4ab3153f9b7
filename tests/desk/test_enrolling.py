"""Once the desk is staffed, one hand with a shell makes no party and seats nobody; and no clerk holds a professional's code alone."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta

import pytest

from rempart.foundation.clock import SECOND, paris_date
from rempart.foundation.identifiers import finess_key
from rempart.foundation.vocabulary import Profession, Role
from rempart.supervisor.platform import Platform
from rempart.vault.enrolling import LIFE
from rempart.vaultdoor.browser import SoftwarePasskey
from rempart.vaultdoor.messages import (
    ApproveApplication,
    Call,
    DepartEstablishment,
    Done,
    EnrolApplication,
    EnrolEstablishment,
    EnrolGroup,
    EnrolInsurersSeat,
    Enrolled,
    EnrolProfessional,
    HalfCode,
    IssueCode,
    Onboarded,
    Proposals,
    Proposed,
    Refused,
    RegisterInsurer,
    Security,
)
from tests.authenticator import ORIGIN, expect
from tests.desk.conftest import Operator, Room
from tests.desk.test_commands import Seat, enrolled, platform, rempart
from tests.vault.accounts.conftest import Person, activated

__all__ = ["platform"]
AMC = "99999997"
FINESS = "75000009" + finess_key("75000009")
STANDS = (
    "SELECT (SELECT count(*) FROM vault.establishment WHERE profession <> 'operator'), (SELECT count(*) FROM vault.party_group),"
    " (SELECT count(*) FROM vault.membership m JOIN vault.establishment e ON e.id = m.establishment WHERE e.profession <> 'operator'),"
    " (SELECT count(*) FROM vault.code), (SELECT count(*) FROM vault.account)"
)


@pytest.fixture
def claire(room: Room) -> Person:
    """A titulaire, enrolled before anybody sat at the desk."""
    return activated(room, "claire", room.establishment())


@pytest.fixture
def insurer(room: Room) -> None:
    room.operate(RegisterInsurer(AMC, "Mutuelle du Ponant", b"s" * 32, b"n" * 32))


@pytest.fixture
def clerks(room: Room, claire: Person, insurer: None) -> tuple[Operator, Operator]:
    """Two at the desk who may approve it."""
    return room.operator("nora", Role.ONBOARDING_CLERK), room.operator("omar", Role.ONBOARDING_CLERK)


def commands(place: str) -> list[Call]:
    return [
        EnrolEstablishment(FINESS, Profession.PHARMACY),
        EnrolEstablishment("", Profession.INSURER, amc=AMC),
        EnrolGroup("Labos du Sud"),
        EnrolProfessional("mallory", Role.EMPLOYEE, place),
        EnrolProfessional("mallory", Role.TITULAIRE, place),
        EnrolInsurersSeat(AMC, "mallory"),
    ]


def test_one_clerk_with_a_shell_seats_nobody_once_the_desk_is_staffed(
    room: Room, claire: Person, clerks: tuple[Operator, Operator]
) -> None:
    nora, _ = clerks
    before = room.rows(STANDS)
    for call in commands(claire.establishment):
        number = expect(Proposed, room.operate(call)).id
        # Typed again it is the same proposal, and no more for it.
        assert expect(Proposed, room.operate(call)).id == number
        room.time.advance(SECOND)
        nora.touch()
        # A clerk with a shell and a seat is one person.
        nora.expect(Proposed, "proposal/approve", id=number)
        assert nora.refused("proposal/approve", id=number) == "own-proposal"
        assert isinstance(room.operate(call), Proposed)
    assert room.rows(STANDS) == before


def test_one_at_the_desk_is_not_two_and_a_command_still_enrols(room: Room) -> None:
    room.operator("nora", Role.ONBOARDING_CLERK)
    # An auditor approves nothing.
    room.operator("rita", Role.AUDITOR)
    expect(Enrolled, room.operate(EnrolEstablishment(FINESS, Profession.PHARMACY)))


def test_an_approval_seats_only_whom_it_names_and_once(
    room: Room, claire: Person, clerks: tuple[Operator, Operator]
) -> None:
    other = expect(Enrolled, room.approved(EnrolEstablishment(FINESS, Profession.PHARMACY), *clerks)).id
    paul = EnrolProfessional("paul", Role.EMPLOYEE, claire.establishment)
    number = expect(Proposed, room.operate(paul)).id
    (shown,) = clerks[1].expect(Proposals, "proposals").proposals
    (finess,) = room.rows(f"SELECT finess FROM vault.establishment WHERE id = '{claire.establishment}'")[0]
    assert (shown.act, shown.told["login"], shown.told["role"], shown.told["finess"]) == (
        "ApproveEnrolment", "paul", "employee", finess,
    )  # fmt: skip
    room.time.advance(SECOND)
    for one, told in zip(clerks, (Proposed, Done), strict=True):
        one.touch()
        one.expect(told, "proposal/approve", id=number)
    for somebody in (
        EnrolProfessional("mallory", Role.EMPLOYEE, claire.establishment),
        EnrolProfessional("paul", Role.TITULAIRE, claire.establishment),
        EnrolProfessional("paul", Role.EMPLOYEE, other),
    ):
        expect(Proposed, room.operate(somebody))
    assert room.rows("SELECT count(*) FROM vault.account WHERE login IN ('mallory', 'paul')") == [(0,)]
    code = expect(Enrolled, room.operate(paul)).code
    assert '"actor": "operator nora omar", "act": "account:open", "object": "paul"' in room.journal()
    # He has the seat; once he left it, another approval is needed.
    assert expect(Refused, room.operate(paul)).code == "conflict"
    room.browser().activate(code, SoftwarePasskey(ORIGIN))
    with room.database.connect() as owner:
        owner.execute(
            "DELETE FROM vault.membership m USING vault.account a WHERE a.id = m.account AND a.login = 'paul'"
        )
    expect(Proposed, room.operate(paul))


def test_a_seat_approved_at_the_buyers_is_not_taken_at_the_sellers(
    room: Room, claire: Person, clerks: tuple[Operator, Operator]
) -> None:
    (finess,) = room.rows(f"SELECT finess FROM vault.establishment WHERE id = '{claire.establishment}'")[0]
    sale = paris_date(room.clock()) + timedelta(days=30)
    said = ("cd" * 32, finess, "pharmacy", "bertrand")
    for call in (
        DepartEstablishment(finess, sale.isoformat(), "cession", "deed"),
        ApproveApplication(*said, ["finess-known"]),
    ):
        proposed = expect(Proposed, room.operate(call)).id
        room.time.advance(SECOND)
        for one in clerks:
            one.touch()
            one.ask("proposal/approve", id=proposed)
    bought = expect(Onboarded, room.operate(EnrolApplication(*said))).establishment
    number = expect(Proposed, room.operate(EnrolProfessional("mallory", Role.EMPLOYEE, bought))).id
    (shown,) = clerks[1].expect(Proposals, "proposals").proposals
    assert (shown.told["finess"], shown.told["works"]) == (finess, f"{sale.isoformat()}/")
    room.time.advance(SECOND)
    for one in clerks:
        one.touch()
        one.ask("proposal/approve", id=number)
    # The same FINESS, the same person, the same role: the seller's papers.
    expect(Proposed, room.operate(EnrolProfessional("mallory", Role.EMPLOYEE, claire.establishment)))
    expect(Enrolled, room.operate(EnrolProfessional("mallory", Role.EMPLOYEE, bought)))


def test_an_approval_is_over_after_a_day(room: Room, clerks: tuple[Operator, Operator]) -> None:
    group = EnrolGroup("Labos du Sud")
    number = expect(Proposed, room.operate(group)).id
    room.time.advance(SECOND)
    for one in clerks:
        one.touch()
        one.ask("proposal/approve", id=number)
    room.time.advance(LIFE)
    again = expect(Proposed, room.operate(group)).id
    assert again != number
    room.time.advance(SECOND)
    for one in clerks:
        one.browser.sign_in(one.passkey)
        one.touch()
        one.ask("proposal/approve", id=again)
    place = expect(Enrolled, room.operate(group)).id
    # The seat of who administers it, the same way.
    chief = EnrolProfessional("chief", Role.ADMINISTRATOR, group=place)
    assert expect(Enrolled, room.approved(chief, *clerks)).code


def test_an_insurers_seat_and_its_first_person_are_one_approval(
    room: Room, clerks: tuple[Operator, Operator]
) -> None:
    done = expect(Onboarded, room.approved(EnrolInsurersSeat(AMC, "ines"), *clerks))
    browser = room.browser()
    assert browser.activate(done.code, SoftwarePasskey(ORIGIN)).session.establishment == done.establishment


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (EnrolEstablishment("750000018", Profession.PHARMACY), "finess"),
        (EnrolEstablishment("", Profession.INSURER, amc="99999990"), "not-found"),
        (EnrolProfessional("mallory", "king", "11111111-1111-4111-8111-111111111111"), "not-found"),
        (EnrolProfessional("mallory", Role.EMPLOYEE, "x"), "bad-input"),
        (EnrolGroup(" "), "bad-input"),
    ],
)
def test_what_cannot_be_enrolled_is_not_proposed(
    room: Room, clerks: tuple[Operator, Operator], call: Call, code: str
) -> None:
    assert expect(Refused, room.operate(call)).code == code
    assert clerks[0].expect(Proposals, "proposals").proposals == []


def test_half_a_professionals_code_opens_nothing(
    room: Room, claire: Person, clerks: tuple[Operator, Operator]
) -> None:
    nora, omar = clerks
    ask = {"login": "claire", "purpose": "activation", "dry_run": False}
    number = nora.expect(Proposed, "account/code", **ask).id
    room.time.advance(SECOND)
    omar.touch()
    first = omar.expect(HalfCode, "proposal/approve", id=number)
    nora.touch()
    second = nora.expect(HalfCode, "proposal/code", id=number)
    assert (first.first, first.other, second.first, second.other) == (True, "nora", False, "omar")
    assert omar.refused("proposal/code", id=number) == "proposal-over"
    thief = room.browser()
    for half in (first.code, second.code, first.code * 2, second.code + first.code):
        refused = expect(Refused, thief.introduce("activation/begin", activation_code=half))
        assert refused.code == "activation"
    # Nor does a command print it: what it asked is halved between the two who approved.
    command = expect(Proposed, room.operate(IssueCode("claire", "activation"))).id
    room.time.advance(SECOND)
    for one, told in ((nora, Proposed), (omar, HalfCode)):
        one.touch()
        one.expect(told, "proposal/approve", id=command)
    newer = nora.expect(HalfCode, "proposal/code", id=command)
    assert newer.code != second.code
    expect(Refused, thief.introduce("activation/begin", activation_code=first.code + second.code))
    # Nothing of hers is void before it is used.
    assert claire.browser.expect(Security, "security").login == "claire"


def test_both_halves_together_are_the_code(
    room: Room, claire: Person, clerks: tuple[Operator, Operator]
) -> None:
    nora, omar = clerks
    number = nora.expect(Proposed, "account/code", login="claire", purpose="activation", dry_run=False).id
    room.time.advance(SECOND)
    for one in clerks:
        one.touch()
    first = omar.expect(HalfCode, "proposal/approve", id=number).code
    second = nora.expect(HalfCode, "proposal/code", id=number).code
    fresh = room.browser()
    activated_anew = fresh.activate(f"{first} {second}", SoftwarePasskey(ORIGIN))
    assert activated_anew.session.establishment == claire.establishment


# ── as it is typed ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def seats(platform: Platform) -> Iterator[tuple[Seat, Seat]]:
    """Two at the desk."""
    with contextlib.closing(Seat(platform)) as nora, contextlib.closing(Seat(platform)) as omar:
        nora.activate(enrolled(platform, "nora", "onboarding-clerk"))
        omar.activate(enrolled(platform, "omar", "onboarding-clerk"))
        yield nora, omar


def test_a_command_typed_again_enrols_what_two_people_approved(
    platform: Platform, seats: tuple[Seat, Seat]
) -> None:
    command = ("operator", "enrol-establishment", FINESS, "Pharmacie du Quai", "Brest", "pharmacy")
    refused = rempart(platform, *command)
    assert refused.returncode == 1
    assert "[second-person]" in refused.stderr
    assert "type the same command again" in refused.stderr
    number = int(refused.stderr.partition("Proposal ")[2].split()[0])
    for seat, told in zip(seats, ("Proposed", "Done"), strict=True):
        seat.step_up()
        assert seat.ask("/desk/proposal/approve", id=number)["type"] == told
    done = rempart(platform, *command)
    assert done.returncode == 0, done.stderr
    person = ("operator", "enrol-professional", "paul", "titulaire", done.stdout.strip(), "Paul Essai")
    assert "[second-person]" in rempart(platform, *person).stderr
    waiting = rempart(platform, "desk", "proposals").stdout
    assert f"finess={FINESS}" in waiting
    assert "Paul Essai" not in waiting
