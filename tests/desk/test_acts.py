"""What operators do at the desk: contain at once, lift, count before doing, read. The switch itself is tests/vault's subject."""

import json

import pytest

from rempart.foundation.clock import MINUTE, SECOND
from rempart.foundation.vocabulary import Role
from rempart.vaultdoor.messages import (
    CampaignProgress,
    Campaigns,
    CampaignStarted,
    DeskSeat,
    Done,
    Effect,
    Enrolled,
    JournalLines,
    Operators,
    Proposed,
    Security,
    Switches,
)
from tests.authenticator import expect
from tests.desk.conftest import Operator, Room
from tests.vault.accounts.conftest import activated


@pytest.fixture
def pharmacy(room: Room) -> str:
    return room.establishment()


def test_an_operator_signs_in_by_passkey_and_sees_who_they_are(duty: Operator) -> None:
    seat = duty.expect(DeskSeat, "seat")
    assert (seat.login, seat.role) == ("diane", Role.DUTY_OFFICER)
    assert "/desk/contain" in seat.may
    assert "/desk/operator/enrol" not in seat.may
    assert [factor.kind for factor in duty.browser.expect(Security, "security").factors] == ["passkey"]


def test_a_deed_is_counted_before_it_is_done(room: Room, duty: Operator, pharmacy: str) -> None:
    for login in ("claire", "paul"):
        activated(room, login, pharmacy)
    counted = duty.expect(Effect, "contain", scope="establishment", key=pharmacy, reason="look-ups at night")
    assert counted == Effect(second=False, establishments=1, accounts=2, devices=2, sessions=2)
    assert duty.expect(Switches, "switches").switches == []
    counted = duty.expect(Effect, "contain", scope="account", key="claire", reason="look-ups at night")
    assert counted == Effect(second=False, establishments=1, accounts=1, devices=1, sessions=1)
    assert duty.refused("contain", scope="account", key="nobody", reason="look-ups at night") == "not-found"


def test_the_duty_officer_contains_one_party_at_once_alone_and_lifts_it(
    room: Room, duty: Operator, pharmacy: str
) -> None:
    activated(room, "claire", pharmacy)
    # Half an hour after the passkey was used: closing one party waits for nothing.
    room.time.advance(30 * MINUTE)
    contain = {"scope": "account", "key": "claire", "reason": "look-ups at night", "minutes": 60}
    duty.expect(Done, "contain", **contain, dry_run=False)
    (held,) = duty.expect(Switches, "switches").switches
    assert (held.scope, held.named, held.hold, held.by) == ("account", "claire", "closed", "diane")
    assert held.until == room.clock() + 60 * MINUTE
    lift = {"scope": "account", "key": "claire", "reason": "called back"}
    # Opening again does wait: for the person's touch.
    assert duty.refused("lift", **lift, dry_run=False) == "step-up"
    duty.touch()
    duty.expect(Done, "lift", **lift, dry_run=False)
    assert duty.expect(Switches, "switches").switches == []
    acts = [json.loads(line) for line in duty.expect(JournalLines, "journal", limit=20).lines]
    assert [(line["actor"], line["object"]) for line in acts if line["act"] in {"switch:throw", "switch:undo"}] == [
        ("diane", "account claire"), ("diane", "account claire"),
    ]  # fmt: skip


def test_the_same_act_by_a_command_is_the_operators_in_the_journal(
    room: Room, duty: Operator, pharmacy: str
) -> None:
    from rempart.vaultdoor.messages import ThrowSwitch

    expect(Done, room.operate(ThrowSwitch("establishment", pharmacy, "by hand", on=True)))
    (held,) = duty.expect(Switches, "switches").switches
    assert held.by == "operator"


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.DPO, Role.ONBOARDING_CLERK])
def test_who_only_reads_contains_nobody_and_the_attempt_stays_in_the_journal(
    room: Room, role: Role, pharmacy: str
) -> None:
    reader = room.operator("rita", role)
    contain = {"scope": "establishment", "key": pharmacy, "reason": "just to see", "dry_run": False}
    assert reader.refused("contain", **contain) == "forbidden"
    assert reader.expect(Switches, "switches").switches == []
    assert '"actor":"rita","act":"desk:refuse","object":"/desk/contain"' in room.journal().replace(" ", "")


def test_a_clerk_issues_a_device_code_and_lengthens_a_line_within_bounds(room: Room, pharmacy: str) -> None:
    clerk = room.operator("ines", Role.ONBOARDING_CLERK)
    activated(room, "claire", pharmacy)
    issued = clerk.expect(Enrolled, "account/code", login="claire", purpose="device", dry_run=False)
    assert issued.code
    widen = {"scope": "account", "key": "claire", "reason": "called back: a Saturday alone"}
    clerk.expect(Done, "line/widen", **widen, units=120, dry_run=False)
    clerk.expect(Proposed, "line/widen", **widen, units=121, dry_run=False)
    clerk.expect(Proposed, "account/code", login="claire", purpose="activation", dry_run=False)


def test_an_operators_account_is_not_a_professionals_to_suspend(
    room: Room, duty: Operator, lead: Operator
) -> None:
    suspend = {"login": "sami", "suspended": True, "dry_run": False}
    assert duty.refused("account/suspend", **suspend) == "not-found"
    assert duty.refused("operator/suspend", **suspend) == "forbidden"
    names = [(one.login, one.role) for one in lead.expect(Operators, "operators").operators]
    assert names == [("diane", "duty-officer"), ("sami", "security-lead")]


def test_a_contained_operator_does_nothing_more_at_the_desk(
    room: Room, pharmacy: str, duty: Operator, lead: Operator
) -> None:
    lead.expect(Done, "contain", scope="account", key="diane", reason="her badge was stolen", dry_run=False)
    contain = {"scope": "establishment", "key": pharmacy, "reason": "revenge", "dry_run": False}
    assert duty.refused("contain", **contain) == "contained"
    # Nor reads what a thief would like to know.
    assert {duty.refused(path) for path in ("switches", "journal", "alerts", "proposals", "operators")} == {
        "contained"
    }
    assert [
        held.key for held in lead.expect(Switches, "switches").switches if held.scope == "establishment"
    ] == []


def test_an_operator_of_whom_a_touch_is_asked_goes_on_with_it(
    room: Room, duty: Operator, lead: Operator
) -> None:
    contain = {
        "scope": "account",
        "key": "diane",
        "hold": "step-up",
        "reason": "is it her?",
        "dry_run": False,
    }
    room.time.advance(SECOND)
    lead.expect(Done, "contain", **contain)
    assert duty.refused("switches") == "step-up"
    room.time.advance(SECOND)
    duty.touch()
    assert [held.named for held in duty.expect(Switches, "switches").switches] == ["diane"]


def test_a_campaign_on_one_house_is_started_alone_and_one_on_many_by_two(
    room: Room, duty: Operator, pharmacy: str
) -> None:
    claire = activated(room, "claire", pharmacy)
    start = {"kind": "sign-out", "reason_fr": "Un poste a été volé.", "reason_en": "A machine was stolen."}
    counted = duty.expect(Effect, "campaign/start", **start, scope="establishment", key=pharmacy)
    assert (counted.second, counted.accounts, counted.sessions) == (False, 1, 1)
    assert claire.browser.ask("security")
    started = duty.expect(
        CampaignStarted, "campaign/start", **start, scope="establishment", key=pharmacy, dry_run=False
    )
    assert started.concerned == 1
    assert claire.browser.refused("security") == "session"
    (one,) = duty.expect(Campaigns, "campaigns").campaigns
    assert (one.by, one.total, one.done) == ("diane", 1, 0)
    assert duty.expect(CampaignProgress, "campaign", number=one.number).places[0].total == 1
    duty.expect(Proposed, "campaign/start", **start, scope="platform", dry_run=False)
    duty.expect(Done, "campaign/end", number=one.number, reason="all came back", dry_run=False)
    # Operators are asked nothing by what concerns the others: they still work.
    assert duty.expect(Switches, "switches").switches == []
