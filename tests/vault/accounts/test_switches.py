"""The operator's switches: one person contains at once; two stop or reopen the whole platform; what stood before stands again."""

from pathlib import Path

import msgspec
import pytest

from rempart.evidence.note import SignerKey
from rempart.foundation.clock import HOUR, MINUTE, SECOND
from rempart.vault.switches import SCOPES
from rempart.vaultdoor.holds import LOOK_UP_ONLY, Doing, Hold, does_something, forbidden, forbidding
from rempart.vaultdoor.messages import Answer, Done, ListSwitches, Switches, SwitchView, ThrowSwitch
from tests.authenticator import expect
from tests.vault.accounts.conftest import Person, Vault
from tests.vault.accounts.test_attacks import check_right, refusal, told
from tests.vault.signers import PEOPLE, STRANGER, by_two, signed

CLOSE = ThrowSwitch("platform", "", "a doubt", True)


def standing(vault: Vault) -> list[SwitchView]:
    return expect(Switches, vault.operate(ListSwitches())).switches


def test_one_person_alone_closes_anything_but_the_platform(vault: Vault, claire: Person) -> None:
    assert refusal(vault.operate(CLOSE)) == "two-people"
    assert refusal(vault.operate(msgspec.structs.replace(CLOSE, hold="claims-only"))) == "two-people"
    assert refusal(vault.operate(msgspec.structs.replace(CLOSE, hold="read-only"))) == "two-people"
    expect(Answer, check_right(vault, claire.browser))
    for hold in ("known-only", "step-up"):
        expect(Done, vault.operate(ThrowSwitch("platform", "", "a doubt", True, hold=hold)))
    assert refusal(check_right(vault, claire.browser)) == "step-up"
    assert [(each.scope, each.hold, each.second) for each in standing(vault)] == [
        ("platform", "known-only", False),
        ("platform", "step-up", False),
    ]


@pytest.mark.parametrize(
    ("people", "change"),
    [
        ((PEOPLE[0],), {}),
        ((PEOPLE[0], PEOPLE[0]), {}),
        ((PEOPLE[0], STRANGER), {}),
        ((PEOPLE[0], SignerKey("eve.example", PEOPLE[0].private)), {}),
        (PEOPLE[:2], {"hold": "claims-only"}),
        (PEOPLE[:2], {"reason": "another"}),
        (PEOPLE[:2], {"minutes": 5}),
        (PEOPLE[:2], {"on": False}),
    ],
)
def test_one_hand_with_any_signatures_does_not_close_the_platform(
    vault: Vault, claire: Person, people: tuple[SignerKey, ...], change: dict[str, object]
) -> None:
    call = signed(vault.operate, CLOSE, *people)
    assert refusal(vault.operate(msgspec.structs.replace(call, **change))) in {
        "release-refused",
        "not-found",
    }
    assert standing(vault) == []
    expect(Answer, check_right(vault, claire.browser))


def test_signatures_serve_once_and_for_an_hour(vault: Vault, claire: Person) -> None:
    call = signed(vault.operate, CLOSE, *PEOPLE[:2])
    vault.time.advance(HOUR + SECOND)
    assert refusal(vault.operate(call)) == "release-refused"
    call = signed(vault.operate, CLOSE, *PEOPLE[1:])
    expect(Done, vault.operate(call))
    assert refusal(check_right(vault, claire.browser)) == "contained"
    assert standing(vault)[0].by == "bruno.example chloe.example"
    expect(Done, by_two(vault.operate, msgspec.structs.replace(CLOSE, on=False)))
    # Whoever kept both notes closes nothing again.
    assert refusal(vault.operate(call)) == "release-refused"
    expect(Answer, check_right(vault, claire.browser))


def test_one_person_alone_does_not_reopen_what_two_closed(vault: Vault, claire: Person) -> None:
    before = told(vault)
    expect(Done, by_two(vault.operate, CLOSE))
    assert refusal(vault.operate(msgspec.structs.replace(CLOSE, on=False))) == "two-people"
    assert refusal(vault.operate(msgspec.structs.replace(CLOSE, on=False, whole=True))) == "two-people"
    assert refusal(vault.operate(msgspec.structs.replace(CLOSE, on=False, hold="step-up"))) == "not-found"
    assert refusal(check_right(vault, claire.browser)) == "contained"
    assert told(vault) == before


def test_what_stood_before_stands_again_and_all_of_it_can_be_lifted(vault: Vault, claire: Person) -> None:
    account = ThrowSwitch("account", "claire", "odd pace", True)
    for hold in ("known-only", "read-only", "closed"):
        expect(Done, vault.operate(msgspec.structs.replace(account, hold=hold)))
    answers = []
    for _ in range(3):
        answers.append(msgspec.to_builtins(check_right(vault, claire.browser)).get("code", "told"))
        expect(Done, vault.operate(msgspec.structs.replace(account, on=False)))
    # Nobody was asked for: under read-only that is told, under known-only it is not said.
    assert answers == ["contained", "known-only", "known-only"]
    assert refusal(vault.operate(msgspec.structs.replace(account, on=False))) == "not-found"
    for hold in ("known-only", "closed"):
        expect(Done, vault.operate(msgspec.structs.replace(account, hold=hold)))
    expect(Done, vault.operate(msgspec.structs.replace(account, on=False, whole=True)))
    assert standing(vault) == []
    expect(Answer, check_right(vault, claire.browser))


def test_a_hold_thrown_again_for_a_minute_frees_no_thief(vault: Vault, claire: Person) -> None:
    """Whoever rides an operator's session may throw alone: that must not be a way to lift."""
    account = ThrowSwitch("account", "claire", "odd pace", True)
    expect(Done, vault.operate(account))
    expect(Done, vault.operate(msgspec.structs.replace(account, minutes=1, reason="again")))
    vault.time.advance(2 * MINUTE)
    assert refusal(check_right(vault, claire.browser)) == "contained"
    assert [(each.until, each.reason) for each in standing(vault)] == [(0, "again")]


def test_a_short_closure_over_a_longer_question_leaves_the_question(vault: Vault, claire: Person) -> None:
    account = ThrowSwitch("account", "claire", "odd pace", True)
    expect(Done, vault.operate(msgspec.structs.replace(account, hold="step-up", minutes=60)))
    expect(Done, vault.operate(msgspec.structs.replace(account, hold="closed", minutes=5)))
    assert refusal(check_right(vault, claire.browser)) == "contained"
    vault.time.advance(5 * MINUTE)
    assert refusal(check_right(vault, claire.browser)) == "step-up"
    vault.time.advance(55 * MINUTE)
    expect(Answer, check_right(vault, claire.browser))


def test_what_stands_is_told_by_the_name_an_operator_gives_it(vault: Vault, claire: Person) -> None:
    device = claire.browser.security().devices[0].id
    for scope, key in (("account", "claire"), ("device", device), ("lane", "vitale")):
        expect(Done, vault.operate(ThrowSwitch(scope, key, "odd pace", True, 10)))
    assert [(each.scope, each.named, each.reason, each.by) for each in standing(vault)] == [
        ("lane", "vitale", "odd pace", "operator"),
        ("account", "claire", "odd pace", "operator"),
        ("device", "claire", "odd pace", "operator"),
    ]
    assert {each.until - each.thrown for each in standing(vault)} == {10 * MINUTE}


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (ThrowSwitch("lane", "card", "x", True, hold="read-only"), "bad-input"),
        (ThrowSwitch("account", "claire", "x", True, minutes=-1), "bad-input"),
        (ThrowSwitch("account", "claire", "x", True, whole=True), "bad-input"),
        (ThrowSwitch("account", "claire", " ", True), "bad-input"),
        (ThrowSwitch("account", "nobody", "x", True), "not-found"),
        (ThrowSwitch("galaxy", "x", "x", True), "bad-input"),
    ],
)
def test_what_is_no_switch_is_refused(vault: Vault, claire: Person, call: ThrowSwitch, code: str) -> None:
    assert refusal(vault.operate(call)) == code
    assert standing(vault) == []


def test_of_several_holds_the_strictest_that_forbids_is_told() -> None:
    thrown = [("account", "known-only"), ("platform", "read-only"), ("establishment", "claims-only")]
    assert forbidding(Doing.RIB, thrown) is Hold.CLAIMS_ONLY
    assert forbidding(Doing.INVOICE, thrown) is Hold.READ_ONLY
    assert forbidding(Doing.FOLLOW, thrown) is None
    assert forbidding(Doing.FOLLOW, [*thrown, ("device", "closed")]) is Hold.CLOSED
    assert not does_something("lane", Hold.READ_ONLY)
    assert forbidden("lane", Hold.CLOSED) == {Doing.LOOK_UP}


def test_the_runbooks_table_is_the_codes() -> None:
    page = (Path(__file__).parents[3] / "docs" / "runbooks" / "contain.md").read_text()
    table = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page.splitlines()
        if line.startswith("|")
    ]
    head, rows = table[0][1:], table[2:]
    assert head == [str(doing) for doing in Doing]
    assert [row[0].partition(",")[0] for row in rows] == ["closed", *(str(hold) for hold in Hold)]
    for said, *cells in rows:
        hold, _, scopes = said.partition(", on a ")
        for scope in scopes.split(", ") if scopes else set(SCOPES) - LOOK_UP_ONLY:
            assert [cell == "no" for cell in cells] == [
                doing in forbidden(scope, Hold(hold)) for doing in Doing
            ]
