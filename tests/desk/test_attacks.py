"""Attacks on the desk, each by its name; and on the doors with what belongs to the desk. They end with what the thief got."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from rempart.foundation.clock import HOUR, MINUTE, SECOND
from rempart.foundation.vocabulary import Role
from rempart.vault import counting
from rempart.vault.deeds import WITHOUT_PROOF
from rempart.vault.desk_acts import DESK
from rempart.vaultdoor.browser import SoftwarePasskey
from rempart.vaultdoor.messages import (
    Act,
    Challenge,
    DeskAct,
    Done,
    Effect,
    Enrolled,
    EnrolProfessional,
    IssueCode,
    Jwks,
    Proposed,
    Refused,
    RegisterEditor,
    Reply,
    SignedIn,
    Switches,
    Vouch,
)
from tests.authenticator import ORIGIN, PASSWORD, SoftwareBrowser, expect
from tests.desk.conftest import DESK_ORIGIN, DeskBrowser, Operator, Room
from tests.vault.accounts.conftest import Person, activated


@pytest.fixture
def claire(room: Room) -> Person:
    """A pharmacist."""
    return activated(room, "claire", room.establishment())


def code(reply: Reply) -> str:
    return expect(Refused, reply).code


def contain(pharmacy: str) -> dict[str, object]:
    return {"scope": "establishment", "key": pharmacy, "reason": "mischief", "dry_run": False}


def thrown(room: Room) -> list[tuple[object, ...]]:
    return room.rows("SELECT scope, key FROM vault.switch")


def signed_for(origin: str, browser: SoftwareBrowser, path: str, body: object) -> Act:
    """An act of this browser's session, signed for one of the two origins."""
    return browser.key.act(origin, path, body, browser.vault.clock() // SECOND, browser.session)


def test_a_signature_made_for_the_portal_does_not_work_at_the_desk(
    room: Room, duty: Operator, claire: Person
) -> None:
    act = signed_for(ORIGIN, duty.browser, "/desk/contain", contain(claire.establishment))
    assert code(room.at_desk(act)) == "signature"
    assert thrown(room) == []


def test_a_signature_made_for_the_desk_does_not_work_at_the_portal(
    room: Room, duty: Operator, claire: Person
) -> None:
    act = signed_for(DESK_ORIGIN, claire.browser, "/acts/security", {})
    assert code(room.call(act)) == "signature"
    # Nor is there any act of the desk's there.
    act = signed_for(ORIGIN, duty.browser, "/desk/contain", contain(claire.establishment))
    assert code(room.call(act)) == "not-found"
    assert thrown(room) == []


def test_an_operators_session_is_worth_nothing_at_the_portal(room: Room, duty: Operator) -> None:
    # Root on the desk's host has the cookie, and makes the device sign for the portal.
    act = signed_for(ORIGIN, duty.browser, "/acts/security", {})
    assert code(room.call(act)) == "session"
    right = signed_for(ORIGIN, duty.browser, "/fhir/CoverageEligibilityRequest/$submit", {})
    assert code(room.call(right)) in {"forbidden", "bad-input"}
    assert room.rows("SELECT size FROM evidence.log") == [(0,)]


def test_an_operator_asks_nothing_of_the_cashier(room: Room, duty: Operator) -> None:
    act = signed_for(ORIGIN, duty.browser, "/claims/invoices", {})
    from rempart.vaultdoor.client import VaultClient

    async def ask() -> Reply:
        cashier = VaultClient(room.zone.settings.run_folder / "cashier.sock")
        try:
            return await cashier.call(Vouch(act, "session"))
        finally:
            await cashier.close()

    assert code(room.runner.run(ask())) == "session"


def test_a_professionals_session_is_worth_nothing_at_the_desk(room: Room, claire: Person) -> None:
    act = signed_for(DESK_ORIGIN, claire.browser, "/desk/contain", contain(claire.establishment))
    assert code(room.at_desk(act)) == "session"
    assert code(room.at_desk(signed_for(DESK_ORIGIN, claire.browser, "/acts/security", {}))) == "session"
    assert thrown(room) == []


def test_a_stolen_operators_cookie_is_worth_nothing(room: Room, duty: Operator, claire: Person) -> None:
    thief = DeskBrowser(room, session=duty.browser.session)
    assert thief.refused("desk/contain", **contain(claire.establishment)) == "device"
    assert thrown(room) == []


def test_a_professionals_passkey_opens_nothing_at_the_desk(room: Room, claire: Person) -> None:
    # Even one that an authenticator would be made to use there.
    phished = SoftwarePasskey(DESK_ORIGIN)
    phished.id, phished._private, phished._user_handle = (
        claire.passkey.id, claire.passkey._private, claire.passkey._user_handle,
    )  # fmt: skip
    assert code(DeskBrowser(room).sign_in(phished)) == "credentials"


def test_an_operators_passkey_opens_nothing_at_the_portal(room: Room, duty: Operator) -> None:
    phished = SoftwarePasskey(ORIGIN)
    phished.id, phished._private, phished._user_handle = (
        duty.passkey.id, duty.passkey._private, duty.passkey._user_handle,
    )  # fmt: skip
    phished.sign_count = 40
    assert code(room.browser().sign_in(phished)) == "credentials"


def test_an_operators_code_activates_nothing_at_the_portal_and_no_password_anywhere(room: Room) -> None:
    given = room.enrolled("diane", Role.DUTY_OFFICER)
    browser = room.browser()
    assert code(browser.introduce("activation/begin", activation_code=given)) == "activation"
    assert code(browser.introduce("activation/totp", activation_code=given)) == "activation"
    desk = DeskBrowser(room)
    for path in (
        "activation/totp",
        "activation/password",
        "sign-in/password",
        "password/change",
        "totp/begin",
    ):
        assert code(desk.introduce(path, activation_code=given)) == "not-found"
    assert (
        expect(Challenge, desk.introduce("activation/begin", activation_code=given)).rp_id == "desk.localhost"
    )
    assert room.rows("SELECT login, status FROM vault.account") == [("diane", "invited")]


def test_a_professionals_code_activates_nothing_at_the_desk(room: Room) -> None:
    given = room.enrol("claire", room.establishment())
    assert code(DeskBrowser(room).introduce("activation/begin", activation_code=given)) == "activation"


def test_an_operator_is_given_no_seat_where_rights_are_checked(room: Room, duty: Operator) -> None:
    pharmacy = room.establishment()
    call = EnrolProfessional("diane", Role.EMPLOYEE, pharmacy)
    assert code(room.operate(call)) == "conflict"
    for role in (Role.DUTY_OFFICER, Role.SECURITY_LEAD):
        assert code(room.operate(EnrolProfessional("eve", role, pharmacy))) == "bad-input"
    # Nor does the ordinary posted code, or suspension, reach an operator: that takes two people.
    assert code(room.operate(IssueCode("diane", "activation"))) == "not-found"
    assert len(room.rows("SELECT FROM vault.membership")) == 1


def test_a_door_may_not_speak_as_the_desk_nor_the_desk_as_the_operator(
    room: Room, duty: Operator, claire: Person
) -> None:
    act = duty.browser.signed("/desk/contain", contain(claire.establishment))
    with pytest.raises(Exception, match="connection lost"):
        room.runner.run(room.door.call(DeskAct(act)))
    with pytest.raises(Exception, match="connection lost"):
        room.runner.run(room.desk.call(IssueCode("claire", "activation")))
    with pytest.raises(Exception, match="connection lost"):
        room.runner.run(room.desk.call(Jwks()))
    assert thrown(room) == []


def test_a_deed_replayed_by_the_desks_process_is_stale(room: Room, duty: Operator, claire: Person) -> None:
    act = duty.browser.signed("/desk/contain", contain(claire.establishment))
    room.at_desk(act)
    assert code(room.at_desk(act)) == "stale"
    # And one field changed on the way is not what was signed.
    other = duty.browser.signed("/desk/contain", contain(claire.establishment))
    changed = Act(
        other.method, other.target, other.content_digest, other.signature_input, other.signature, other.session,
        other.body.replace(b"establishment", b"platform"),
    )  # fmt: skip
    assert code(room.at_desk(changed)) == "signature"
    assert [scope for scope, _ in thrown(room)] == ["establishment"]


def test_an_operator_signs_in_again_after_the_session_was_closed_by_another(
    room: Room, duty: Operator
) -> None:
    elsewhere = DeskBrowser(room)
    expect(SignedIn, elsewhere.sign_in(duty.passkey))
    elsewhere.ask("sign-out-elsewhere")
    assert duty.refused("switches") == "session"
    assert expect(Switches, elsewhere.ask("desk/switches")).switches == []
    assert PASSWORD


def test_a_machine_left_open_closes_twenty_parties_and_no_editor(room: Room, duty: Operator) -> None:
    at = ec.derive_private_key(7, ec.SECP256R1()).public_key().public_numbers()
    point = b"\4" + at.x.to_bytes(32, "big") + at.y.to_bytes(32, "big")
    expect(Enrolled, room.operate(RegisterEditor("Logiphar", point)))
    room.time.advance(30 * MINUTE)
    editor = {"scope": "editor", "key": "Logiphar", "reason": "mischief", "dry_run": False}
    assert duty.refused("contain", **editor) == "step-up"
    places = [room.establishment(1 + number) for number in range(WITHOUT_PROOF + 1)]
    for place in places[:-1]:
        expect(Done, duty.ask("contain", **contain(place)))
    for _ in range(2):
        assert duty.refused("contain", **contain(places[-1])) == "step-up"
    assert set(thrown(room)) == {("establishment", place) for place in places[:-1]}
    # The person goes on at once; and an hour later nothing is asked again.
    duty.touch()
    expect(Done, duty.ask("contain", **contain(places[-1])))
    expect(Done, duty.ask("contain", **editor))
    room.time.advance(HOUR)
    expect(Done, duty.ask("contain", **contain(places[0])))


def test_dry_runs_in_a_loop_count_the_platform_once_a_minute(
    room: Room, claire: Person, duty: Operator, lead: Operator
) -> None:
    def counted(who: Operator, scope: str = "platform", key: str = "") -> Reply:
        return who.ask("contain", scope=scope, key=key, reason="just to see")

    before = expect(Effect, counted(duty))
    paul = expect(
        Enrolled, room.approved(EnrolProfessional("paul", Role.EMPLOYEE, claire.establishment), duty, lead)
    )
    room.browser().activate(paul.code, SoftwarePasskey(ORIGIN))
    # Nobody has it counted again, by another name neither.
    assert expect(Effect, counted(lead)) == before
    assert expect(Effect, counted(lead, "lane", "card")).accounts == before.accounts == 1
    room.time.advance(MINUTE)
    assert expect(Effect, counted(duty)).accounts == 2

    async def while_another_is_counted() -> Reply:
        async with counting.of(room.zone).one:
            act = lead.browser.signed(
                "/desk/contain", {"scope": "profession", "key": "doctor", "reason": "to see"}
            )
            return await room.desk.call(DeskAct(act))

    assert code(room.runner.run(while_another_is_counted())) == "saturated"
    # Closing one party waits for no count.
    assert expect(Effect, counted(duty, "establishment", claire.establishment)).accounts == 2
    expect(Done, duty.ask("contain", **contain(claire.establishment)))
    assert thrown(room) == [("establishment", claire.establishment)]


def test_a_mass_incident_does_not_blind_the_room(room: Room, duty: Operator, claire: Person) -> None:
    with room.database.connect() as owner:
        owner.execute(
            "INSERT INTO vault.switch (scope, key, hold, thrown_by, reason, thrown)"
            " SELECT 'establishment', gen_random_uuid(), 'closed', 'sentinel', repeat('x', 200), n FROM generate_series(1, 20000) n"
        )
    for scope, key, hold in (("account", "claire", "closed"), ("profession", "pharmacy", "known-only")):
        duty.ask("contain", scope=scope, key=key, hold=hold, reason="a mass incident", dry_run=False)
    standing = duty.expect(Switches, "switches")
    assert [(count.scope, count.hold, count.number) for count in standing.counts] == [
        ("profession", "known-only", 1), ("establishment", "closed", 20_000), ("account", "closed", 1),
    ]  # fmt: skip
    assert len(standing.switches) == 500
    # The widest first, and of one width the latest.
    assert [(held.scope, held.named, held.thrown) for held in standing.switches[1:3]] == [
        ("establishment", "", 20_000), ("establishment", "", 19_999),
    ]  # fmt: skip
    assert standing.switches[0].named == "pharmacy"
    (held,) = duty.expect(Switches, "switches", scope="account", key="claire").switches
    assert (held.named, held.reason) == ("claire", "a mass incident")
    assert duty.refused("switches", scope="account", key="nobody") == "not-found"
    # What is told of it is the very thing that stands.
    assert {("account", held.key), ("profession", "pharmacy")} <= set(thrown(room))


def mangled(body: type[Any]) -> Iterator[bytes]:
    """Bodies of this kind that nobody means."""
    told = msgspec.inspect.type_info(body)
    assert isinstance(told, msgspec.inspect.StructType)
    good = {field.name: _valid(field.type) for field in told.fields}
    yield from (
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b'{"unheard_of": 1}',
        b"[" * 10_000,
        b'{"id": 1e400}',
    )
    odd: tuple[object, ...] = ("\0", "\ud800", "x" * 5_000, 2**70, -(2**70), None, [], {}, 1.5)
    for name in good:
        for value in odd:
            yield json.dumps({**good, name: value}).encode()


def _valid(kind: msgspec.inspect.Type) -> object:
    if isinstance(kind, msgspec.inspect.LiteralType):
        return kind.values[0]
    if isinstance(kind, msgspec.inspect.BoolType):
        return True
    return 1 if isinstance(kind, msgspec.inspect.IntType) else "account"


def test_hostile_bodies_are_refused_by_name_and_never_break_anything(room: Room, lead: Operator) -> None:
    for path, (_, rule) in DESK.items():
        for body in mangled(rule.body):
            told = room.at_desk(lead.browser.signed(path, body))
            if isinstance(told, Refused):
                assert told.code in {"bad-input", "not-found", "forbidden", "proposal-over", "conflict"}, (
                    path,
                    body[:80],
                )
    assert thrown(room) == []


def test_a_line_is_not_lengthened_without_end_by_one_clerk_in_small_steps(room: Room, claire: Person) -> None:
    clerk = room.operator("odile", Role.ONBOARDING_CLERK)
    asked = {"scope": "account", "key": "claire", "reason": "called back", "dry_run": False}
    clerk.touch()
    expect(Done, clerk.ask("line/widen", units=70, **asked))
    expect(Done, clerk.ask("line/widen", units=50, **asked))
    expect(Proposed, clerk.ask("line/widen", units=1, **asked))
    assert room.rows("SELECT sum(units) FROM vault.widening") == [(120,)]


def test_the_operators_seat_is_given_by_nobody_who_enrols_professionals(room: Room, duty: Operator) -> None:
    ((seat,),) = room.rows("SELECT id::text FROM vault.establishment WHERE profession = 'operator'")
    assert code(room.operate(EnrolProfessional("mallory", Role.EMPLOYEE, seat))) == "not-found"
    assert room.rows("SELECT login FROM vault.account") == [("diane",)]


def test_an_editors_key_is_replaced_by_two_people_once_the_desk_is_staffed(
    room: Room, duty: Operator, lead: Operator
) -> None:
    def point(secret: int) -> bytes:
        numbers = ec.derive_private_key(secret, ec.SECP256R1()).public_key().public_numbers()
        return b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")

    room.operator("odile", Role.ONBOARDING_CLERK)
    room.operator("odette", Role.ONBOARDING_CLERK)
    expect(Enrolled, room.operate(RegisterEditor("Logiciel", point(1))))
    proposed = expect(Proposed, room.operate(RegisterEditor("Logiciel", point(2), replace=True)))
    assert proposed.id
    assert room.rows("SELECT public_key FROM vault.editor") == [(point(1),)]
