"""The second person: what is wide waits for somebody else, on a machine of their own, with a passkey used since."""

import asyncio
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rempart.desk import wording
from rempart.foundation.clock import SECOND
from rempart.foundation.vocabulary import Role
from rempart.vault.deeds import DEEDS
from rempart.vault.proposals import LIFE
from rempart.vaultdoor.browser import SoftwarePasskey
from rempart.vaultdoor.messages import (
    DeskAct,
    Done,
    Effect,
    Enrolled,
    EnrolOperator,
    HalfCode,
    ListProposals,
    Operators,
    Proposals,
    Proposed,
    Refused,
    RegisterEditor,
    Reply,
    Security,
    SetBreaker,
    SuspendOperator,
    Switches,
    ThrowSwitch,
    WithdrawProposal,
)
from tests.authenticator import expect
from tests.desk.conftest import DESK_ORIGIN, DeskBrowser, Operator, Room
from tests.vault.accounts.conftest import activated

CLOSE = {"scope": "platform", "reason": "a leak is being sold", "dry_run": False}


def proposed(who: Operator, path: str = "contain", **body: object) -> int:
    return who.expect(Proposed, path, **(body or CLOSE)).id


def wait(room: Room) -> None:
    """Long enough for a proof to be told from a later one."""
    room.time.advance(SECOND)


def test_the_platform_is_closed_by_two_people(room: Room, duty: Operator) -> None:
    # Two at the desk, and a command enrols nobody any more.
    activated(room, "claire", room.establishment())
    lead = room.operator("sami", Role.SECURITY_LEAD)
    counted = duty.expect(Effect, "contain", scope="platform", reason="a leak is being sold")
    assert (counted.second, counted.establishments, counted.sessions) == (True, 1, 1)
    number = proposed(duty)
    assert duty.expect(Switches, "switches").switches == []
    (mine,) = duty.expect(Proposals, "proposals").proposals
    (theirs,) = lead.expect(Proposals, "proposals").proposals
    assert (mine.own, mine.may, theirs.own, theirs.may) == (True, False, False, True)
    assert theirs.told["reason"] == "a leak is being sold"
    assert theirs.effect == counted
    wait(room)
    lead.touch()
    lead.expect(Done, "proposal/approve", id=number)
    (held,) = duty.expect(Switches, "switches").switches
    assert (held.scope, held.hold, held.by) == ("platform", "closed", "diane sami")
    journal = room.journal().replace(" ", "")
    for line in (
        '"actor":"diane","act":"proposal:make"',
        '"actor":"sami","act":"proposal:approve"',
        '"actor":"dianesami","act":"switch:throw"',
    ):
        assert line in journal


def test_an_approval_serves_once(room: Room, duty: Operator, lead: Operator) -> None:
    number = proposed(duty)
    wait(room)
    lead.touch()
    lead.expect(Done, "proposal/approve", id=number)
    assert lead.refused("proposal/approve", id=number) == "proposal-over"


def test_two_approvals_at_once_do_it_once(room: Room, duty: Operator, lead: Operator) -> None:
    third = room.operator("theo")
    number = proposed(duty, "breaker", scope="platform", units=30_000, dry_run=False)
    wait(room)
    for somebody in (lead, third):
        somebody.touch()

    async def together() -> list[Reply]:
        acts = [one.browser.signed("/desk/proposal/approve", {"id": number}) for one in (lead, third)]
        return list(await asyncio.gather(*(room.desk.call(DeskAct(act)) for act in acts)))

    replies = room.runner.run(together())
    assert sorted(type(reply).__name__ for reply in replies) == ["Done", "Refused"]
    assert room.journal().count("breaker:set") == 1


def test_nobody_approves_their_own(room: Room, duty: Operator) -> None:
    number = proposed(duty)
    wait(room)
    duty.touch()
    assert duty.refused("proposal/approve", id=number) == "own-proposal"
    assert duty.expect(Switches, "switches").switches == []


def test_a_second_account_on_the_same_machine_is_no_second_person(
    room: Room, duty: Operator, lead: Operator
) -> None:
    number = proposed(duty)
    wait(room)
    # The lead's own passkey, on the duty officer's machine: whoever sits there holds both sessions.
    there = Operator("sami", DeskBrowser(room, key=duty.browser.key), lead.passkey)
    there.browser.sign_in(lead.passkey)
    there.touch()
    assert there.refused("proposal/approve", id=number) == "own-proposal"
    # Nor from a machine of the lead's where the duty officer signed in as well.
    guest = DeskBrowser(room, key=lead.browser.key)
    guest.sign_in(duty.passkey)
    lead.touch()
    assert lead.refused("proposal/approve", id=number) == "own-proposal"
    assert lead.expect(Switches, "switches").switches == []


def test_a_proof_given_before_the_proposal_does_not_serve_for_it(
    room: Room, duty: Operator, lead: Operator
) -> None:
    wait(room)
    number = proposed(duty)
    assert lead.refused("proposal/approve", id=number) == "step-up"


def test_who_may_not_do_it_may_not_approve_it(room: Room, duty: Operator) -> None:
    clerk, auditor = room.operator("ines", Role.ONBOARDING_CLERK), room.operator("rita", Role.AUDITOR)
    number = proposed(duty)
    wait(room)
    for reader in (clerk, auditor):
        reader.touch()
        assert reader.refused("proposal/approve", id=number) == "forbidden"


def test_a_proposal_waits_thirty_minutes_and_may_be_withdrawn(
    room: Room, duty: Operator, lead: Operator
) -> None:
    withdrawn, late = proposed(duty), proposed(duty)
    assert lead.refused("proposal/withdraw", id=withdrawn) == "forbidden"
    duty.expect(Done, "proposal/withdraw", id=withdrawn)
    room.time.advance(LIFE)
    lead.touch()
    for number in (withdrawn, late):
        assert lead.refused("proposal/approve", id=number) == "proposal-over"
    assert lead.expect(Proposals, "proposals").proposals == []


def test_what_a_thief_proposed_is_void_once_the_holder_is_contained(
    room: Room, duty: Operator, lead: Operator
) -> None:
    number = proposed(duty)
    wait(room)
    lead.expect(Done, "contain", scope="account", key="diane", reason="her laptop was stolen", dry_run=False)
    assert lead.expect(Proposals, "proposals").proposals == []
    lead.touch()
    assert lead.refused("proposal/approve", id=number) == "proposal-over"
    assert [held.scope for held in lead.expect(Switches, "switches").switches] == ["account"]


def test_what_a_suspended_operator_proposed_is_void(room: Room, duty: Operator, lead: Operator) -> None:
    number = proposed(duty)
    expect(Done, room.operate(SuspendOperator("diane", True)))
    # Whether or not the seat comes back.
    expect(Done, room.operate(SuspendOperator("diane", False)))
    wait(room)
    lead.touch()
    assert lead.refused("proposal/approve", id=number) == "proposal-over"


def test_what_somebody_proposed_before_another_role_is_void(
    room: Room, duty: Operator, lead: Operator
) -> None:
    number = proposed(duty)
    # By two people, or here by hand: either way the proposal is not the auditor's.
    role = "UPDATE vault.membership SET role = '{}' WHERE role = 'duty-officer' OR role = 'auditor'"
    with room.database.connect() as owner:
        owner.execute(role.format("auditor"))
    wait(room)
    lead.touch()
    assert lead.refused("proposal/approve", id=number) == "proposal-over"
    assert lead.expect(Proposals, "proposals").proposals == []
    with room.database.connect() as owner:
        owner.execute(role.format("duty-officer"))
    # Nor is it theirs again once they were given a seat anew.
    room.enrolled("diane", Role.DUTY_OFFICER)
    assert lead.refused("proposal/approve", id=number) == "proposal-over"
    assert lead.expect(Switches, "switches").switches == []
    assert f'"actor": "operator", "act": "proposal:withdraw", "object": "{number}"' in room.journal()


def test_a_proposal_that_no_longer_makes_sense_does_nothing(
    room: Room, duty: Operator, lead: Operator
) -> None:
    held: dict[str, Any] = {"scope": "profession", "key": "pharmacy", "reason": "over", "dry_run": False}
    # What does not stand is not proposed either, where it has to be looked up.
    assert duty.refused("lift", **held) == "not-found"
    lift = proposed(duty, "lift", **held, hold="closed")
    wait(room)
    lead.touch()
    assert lead.refused("proposal/approve", id=lift) == "not-found"
    # Nothing was done: it still waits, and may be withdrawn.
    assert [one.id for one in lead.expect(Proposals, "proposals").proposals] == [lift]


def test_what_is_approved_is_the_hold_that_stood_when_it_was_proposed(
    room: Room, duty: Operator, lead: Operator
) -> None:
    held: dict[str, Any] = {"scope": "profession", "key": "pharmacy", "reason": "a leak", "dry_run": False}
    for hold in ("read-only", "claims-only"):
        throw = proposed(duty, **held, hold=hold)
        wait(room)
        lead.touch()
        lead.expect(Done, "proposal/approve", id=throw)
    first, again = proposed(duty, "lift", **held), proposed(duty, "lift", **held)
    assert [one.told["hold"] for one in lead.expect(Proposals, "proposals").proposals] == ["claims-only"] * 2
    wait(room)
    lead.touch()
    lead.expect(Done, "proposal/approve", id=first)
    # The second does not lift what has become the strictest since.
    assert lead.refused("proposal/approve", id=again) == "not-found"
    assert [one.hold for one in lead.expect(Switches, "switches").switches] == ["read-only"]


def test_every_field_of_what_may_be_proposed_has_its_words() -> None:
    for call in DEEDS:
        assert call.__name__ in wording.CALLS
        fields = {field.name for field in msgspec.structs.fields(call)} - {"on", "signatures"}
        assert fields <= wording.FIELDS.keys(), call


def test_an_editor_is_suspended_and_an_operator_made_by_two_people(
    room: Room, duty: Operator, lead: Operator
) -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    expect(Enrolled, room.operate(RegisterEditor("Logiphar", point)))
    suspend = proposed(duty, "editor/suspend", name="Logiphar", suspended=True, dry_run=False)
    second = room.operator("noa", Role.SECURITY_LEAD)
    enrol = proposed(lead, "operator/enrol", login="hugo", role="duty-officer", dry_run=False)
    wait(room)
    second.touch()
    second.expect(Done, "proposal/approve", id=suspend)
    first = second.expect(HalfCode, "proposal/approve", id=enrol)
    lead.touch()
    other = lead.expect(HalfCode, "proposal/code", id=enrol)
    assert (first.first, first.other, other.first, other.other) == (True, "sami", False, "noa")
    hugo = DeskBrowser(room)
    hugo.activate(f"{first.code} {other.code}", SoftwarePasskey(DESK_ORIGIN))
    assert hugo.expect(Security, "security").login == "hugo"


def test_once_two_people_are_at_the_desk_a_command_proposes_too(room: Room, duty: Operator) -> None:
    # Alone, the command line acts: it makes the first operators.
    expect(Done, room.operate(SetBreaker("platform", "", 30_000)))
    lead = room.operator("sami", Role.SECURITY_LEAD)
    breaker = expect(Proposed, room.operate(SetBreaker("platform", "", 40_000))).id
    room.operator("noa", Role.SECURITY_LEAD)
    eve = expect(Proposed, room.operate(EnrolOperator("eve", "security-lead"))).id
    assert [one.own for one in expect(Proposals, room.operate(ListProposals())).proposals] == [True, True]
    expect(Done, room.operate(WithdrawProposal(eve)))
    wait(room)
    for approval, who in ((Proposed, duty), (Done, lead)):
        who.touch()
        who.expect(approval, "proposal/approve", id=breaker)
    assert "eve" not in [one.login for one in lead.expect(Operators, "operators").operators]
    # A narrow act is still one hand's.
    expect(Done, room.operate(ThrowSwitch("account", "diane", "her badge was stolen", on=True)))


def test_one_person_with_a_shell_and_a_seat_is_one_person(room: Room, lead: Operator) -> None:
    room.operator("noa", Role.SECURITY_LEAD)
    number = expect(Proposed, room.operate(EnrolOperator("eve", "security-lead"))).id
    wait(room)
    lead.touch()
    expect(Proposed, lead.ask("proposal/approve", id=number))
    assert lead.refused("proposal/approve", id=number) == "own-proposal"
    # Nor does the shell help a second time: neither another approval nor a withdrawal is its own to give.
    assert expect(Refused, room.operate(WithdrawProposal(number))).code == "forbidden"
    (waiting,) = lead.expect(Proposals, "proposals").proposals
    assert (waiting.by, waiting.own, waiting.may) == ("operator sami", True, False)
    assert "eve" not in [one.login for one in lead.expect(Operators, "operators").operators]
    assert room.rows("SELECT count(*) FROM vault.account WHERE login = 'eve'") == [(0,)]
    assert room.journal().count('"act": "operator:enrol", "object": "eve"') == 0


def test_neither_who_proposed_a_seat_nor_who_approved_it_can_take_it(
    room: Room, duty: Operator, lead: Operator
) -> None:
    second = room.operator("noa", Role.SECURITY_LEAD)
    enrol = proposed(lead, "operator/enrol", login="eve", role="security-lead", dry_run=False)
    wait(room)
    for one in (second, lead):
        one.touch()
    assert lead.refused("proposal/code", id=enrol) == "proposal-over"
    first = second.expect(HalfCode, "proposal/approve", id=enrol).code
    (mine,) = lead.expect(Proposals, "proposals").proposals
    assert (mine.id, mine.half, mine.may) == (enrol, True, False)
    other = lead.expect(HalfCode, "proposal/code", id=enrol).code
    # Nobody else is shown a half, the approver neither.
    for one in (second, duty):
        assert one.refused("proposal/code", id=enrol) in {"proposal-over", "step-up"}
        assert one.expect(Proposals, "proposals").proposals == []
    thief = DeskBrowser(room)
    for code in (first, other, first * 2, other + first):
        assert expect(Refused, thief.introduce("activation/begin", activation_code=code)).code == "activation"
    assert room.rows("SELECT status FROM vault.account WHERE login = 'eve'") == [("invited",)]
    room.time.advance(LIFE)
    lead.touch()
    assert lead.refused("proposal/code", id=enrol) == "proposal-over"
    # Together, it is the seat.
    eve = DeskBrowser(room)
    eve.activate(first + other, SoftwarePasskey(DESK_ORIGIN))
    assert eve.expect(Security, "security").login == "eve"


def test_a_command_does_not_withdraw_what_a_person_proposed(
    room: Room, duty: Operator, lead: Operator
) -> None:
    number = proposed(duty)
    assert expect(Refused, room.operate(WithdrawProposal(number))).code == "forbidden"
    assert [one.id for one in lead.expect(Proposals, "proposals").proposals] == [number]
