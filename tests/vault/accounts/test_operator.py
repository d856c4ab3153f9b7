"""The operator's calls, and *Mon journal*."""

import json

import pytest

from rempart.foundation.clock import HOUR, MINUTE
from rempart.foundation.vocabulary import Profession, Role
from rempart.vaultdoor.browser import SoftwarePasskey
from rempart.vaultdoor.messages import (
    Answer,
    Call,
    Done,
    EnrolEstablishment,
    EnrolGroup,
    Enrolled,
    EnrolProfessional,
    IssueCode,
    Journal,
    JournalLines,
    JournalPage,
    Members,
    Refused,
    RegisterInsurer,
    SignedIn,
    SuspendAccount,
    ThrowSwitch,
)
from tests.authenticator import ORIGIN, expect
from tests.vault.accounts.conftest import Person, Vault, activated
from tests.vault.accounts.test_attacks import check_right, refusal
from tests.vault.signers import by_two

INSURER = RegisterInsurer("99999997", "Mutuelle du Ponant", b"s" * 32, b"n" * 32)


def test_an_insurer_is_registered_once_with_its_keys(vault: Vault) -> None:
    first = expect(Enrolled, vault.operate(INSURER)).id
    assert expect(Enrolled, vault.operate(INSURER)).id == first
    other_keys = RegisterInsurer("99999997", "Mutuelle du Ponant", b"x" * 32, b"n" * 32)
    assert refusal(vault.operate(other_keys)) == "conflict"
    second = RegisterInsurer("99999998", "Mutuelle du Levant", b"s" * 32, b"n" * 32)
    assert int(expect(Enrolled, vault.operate(second)).id) == int(first) + 1


@pytest.mark.parametrize(
    ("call", "detail"),
    [
        (RegisterInsurer("no", "Mutuelle", b"s" * 32, b"n" * 32), ""),
        (RegisterInsurer("99999997", "Mutuelle", b"s" * 31, b"n" * 32), "signing_key"),
        (RegisterInsurer("99999997", " ", b"s" * 32, b"n" * 32), "name"),
        (EnrolEstablishment("750000018", Profession.PHARMACY), ""),
        (EnrolEstablishment("750000010", "astrologer"), "profession"),
        (EnrolEstablishment("750000010", Profession.INSURER, amc="99999997"), "finess"),
        (EnrolEstablishment("", Profession.INSURER, "x", amc="99999997"), "group"),
        (EnrolEstablishment("", Profession.PHARMACY, amc="99999997"), "profession"),
        (EnrolEstablishment("", Profession.INSURER, amc="no"), ""),
        (EnrolProfessional("paul", "king", "x"), "role"),
        # The journal calls the command line, detection and the processes so: nobody else.
        (EnrolProfessional("operator", Role.EMPLOYEE, "x"), "login"),
        (EnrolProfessional("Sentinel", Role.EMPLOYEE, "x"), "login"),
        (EnrolProfessional("paul", Role.EMPLOYEE), "establishment"),
        (EnrolProfessional("paul", Role.ADMINISTRATOR, establishment="x"), "establishment"),
        (EnrolProfessional("paul", Role.EMPLOYEE, "x"), "id"),
        (ThrowSwitch("galaxy", "", "why", True), "scope"),
        (ThrowSwitch("lane", "fast", "why", True), "key"),
        (ThrowSwitch("platform", "", "", True), "reason"),
        (Journal(0), "limit"),
    ],
)
def test_bad_input_changes_nothing(vault: Vault, call: Call, detail: str) -> None:
    refused = expect(Refused, vault.operate(call))
    assert refused.code in {"bad-input", "amc-number", "finess"}
    assert refused.detail == detail
    assert vault.rows("SELECT count(*) FROM vault.journal") == [(0,)]


@pytest.mark.parametrize(
    "call",
    [
        EnrolProfessional("paul", Role.EMPLOYEE, "11111111-1111-4111-8111-111111111111"),
        EnrolEstablishment("750000010", Profession.PHARMACY, "11111111-1111-4111-8111-111111111111"),
        EnrolEstablishment("", Profession.INSURER, amc="99999997"),
        IssueCode("nobody", "activation"),
        SuspendAccount("nobody", True),
        ThrowSwitch("account", "nobody", "why", True),
        ThrowSwitch("establishment", "nowhere", "why", True),
        ThrowSwitch("insurer", "99999997", "why", True),
        ThrowSwitch("device", "11111111-1111-4111-8111-111111111111", "why", True),
        ThrowSwitch("platform", "", "was never thrown", False),
    ],
)
def test_what_is_not_there_is_said(vault: Vault, call: Call) -> None:
    assert refusal(vault.operate(call)) == "not-found"


def test_nothing_is_enrolled_twice(vault: Vault, claire: Person) -> None:
    ((finess,),) = vault.rows("SELECT finess FROM vault.establishment")
    assert refusal(vault.operate(EnrolEstablishment(finess, Profession.PHARMACY))) == "conflict"
    assert (
        refusal(vault.operate(EnrolProfessional("claire", Role.TITULAIRE, claire.establishment)))
        == "conflict"
    )
    expect(Enrolled, vault.operate(EnrolGroup("Ponant")))
    assert refusal(vault.operate(EnrolGroup("Ponant"))) == "conflict"


def test_a_known_person_joins_by_the_operators_code(vault: Vault, claire: Person) -> None:
    place = vault.establishment(2)
    call = EnrolProfessional("claire", Role.EMPLOYEE, place)
    former, enrolled = (expect(Enrolled, vault.operate(call)) for _ in range(2))
    assert enrolled.joins
    assert claire.browser.refused("members/join", code=former.code) == "activation"
    joined = claire.browser.expect(SignedIn, "members/join", code=enrolled.code)
    assert sorted(joined.establishments) == sorted([claire.establishment, place])
    assert claire.browser.expect(SignedIn, "establishment/choose", establishment=place).role == "employee"
    assert refusal(vault.operate(call)) == "conflict"


def test_a_titulaire_who_took_the_login_beforehand_gets_no_seat_by_the_operators_enrolment(
    vault: Vault, claire: Person
) -> None:
    body = {"establishment": "", "login": "paul", "role": "employee"}
    invited = claire.browser.expect(Enrolled, "members/invite", **body)
    squatter = vault.browser()
    squatter.activate(invited.code, SoftwarePasskey(ORIGIN))
    place = vault.establishment(2)
    enrolled = expect(Enrolled, vault.operate(EnrolProfessional("paul", Role.TITULAIRE, place)))
    assert squatter.refused("establishment/choose", establishment=place) == "forbidden"
    assert squatter.refused("members", establishment=place) == "forbidden"
    assert (
        squatter.refused("members/invite", establishment=place, login="luc", role="titulaire") == "forbidden"
    )
    # The code that the squatter's titulaire may renew is none for the other place, and the operator's activates nothing.
    assert claire.browser.refused("members/renew", account=invited.id) == "conflict"
    thief = vault.browser()
    key = thief.key.public
    assert thief.refused("activation/begin", device_key=key, activation_code=enrolled.code) == "activation"
    assert claire.browser.refused("members/join", code=enrolled.code) == "activation"
    assert vault.rows(f"SELECT count(*) FROM vault.membership WHERE establishment = '{place}'") == [(0,)]


def test_a_login_invited_elsewhere_and_activated_after_the_operators_enrolment_gets_no_seat(
    vault: Vault, claire: Person
) -> None:
    body = {"establishment": "", "login": "paul", "role": "employee"}
    invited = claire.browser.expect(Enrolled, "members/invite", **body)
    place = vault.establishment(2)
    expect(Enrolled, vault.operate(EnrolProfessional("paul", Role.TITULAIRE, place)))
    squatter = vault.browser()
    session = squatter.activate(invited.code, SoftwarePasskey(ORIGIN)).session
    assert session.establishments == [claire.establishment]
    assert squatter.refused("establishment/choose", establishment=place) == "forbidden"


def test_a_login_taken_beforehand_administers_no_group_before_its_holder_joins(
    vault: Vault, claire: Person
) -> None:
    group = expect(Enrolled, vault.operate(EnrolGroup("Laboratoires du Ponant"))).id
    place = vault.establishment(2, group)
    call = EnrolProfessional("claire", Role.ADMINISTRATOR, group=group)
    former, enrolled = (expect(Enrolled, vault.operate(call)) for _ in range(2))
    assert enrolled.joins
    assert claire.browser.refused("members", establishment=place) == "forbidden"
    assert claire.browser.refused("establishment/choose", establishment="") == "forbidden"
    assert claire.browser.refused("members/join", code=former.code) == "activation"
    joined = claire.browser.expect(SignedIn, "members/join", code=enrolled.code)
    assert sorted(joined.establishments) == sorted([claire.establishment, place])
    assert claire.browser.expect(Members, "members", establishment=place).role == "administrator"
    assert claire.browser.expect(SignedIn, "establishment/choose", establishment="").role == "administrator"
    assert refusal(vault.operate(call)) == "conflict"


def test_a_suspension_voids_the_joining_code(vault: Vault, claire: Person) -> None:
    call = EnrolProfessional("claire", Role.EMPLOYEE, vault.establishment(2))
    code = expect(Enrolled, vault.operate(call)).code
    for suspended in (True, False):
        expect(Done, vault.operate(SuspendAccount("claire", suspended)))
    expect(SignedIn, claire.browser.sign_in(claire.passkey))
    assert claire.browser.refused("members/join", code=code) == "activation"


def test_a_suspended_account_falls_at_once_and_comes_back_without_its_devices(
    vault: Vault, claire: Person
) -> None:
    code = expect(Enrolled, vault.operate(IssueCode("claire", "activation"))).code
    expect(Done, vault.operate(SuspendAccount("claire", True)))
    assert claire.browser.refused("security") == "session"
    assert refusal(check_right(vault, claire.browser)) == "session"
    assert refusal(claire.browser.sign_in(claire.passkey)) == "credentials"
    assert (
        claire.browser.refused("activation/begin", device_key=claire.browser.key.public, activation_code=code)
        == "activation"
    )
    assert refusal(vault.operate(IssueCode("claire", "activation"))) == "conflict"
    assert refusal(vault.operate(SuspendAccount("claire", True))) == "conflict"
    expect(Done, vault.operate(SuspendAccount("claire", False)))
    assert claire.browser.refused("security") == "session"
    expect(SignedIn, claire.browser.sign_in(claire.passkey))
    assert "account:suspend" in [n.kind for n in claire.browser.security().notices]


@pytest.mark.parametrize(
    "scope", ["platform", "lane", "profession", "establishment", "account", "device", "insurer"]
)
def test_a_switch_contains_its_scope_and_nothing_more(vault: Vault, claire: Person, scope: str) -> None:
    expect(Enrolled, vault.operate(INSURER))
    anne = activated(vault, "anne", vault.establishment(2))
    ((finess,),) = vault.rows(f"SELECT finess FROM vault.establishment WHERE id = '{claire.establishment}'")
    key = {
        "platform": "",
        "lane": "card",
        "profession": "pharmacy",
        "establishment": finess,
        "account": "claire",
        "device": claire.browser.security().devices[0].id,
        "insurer": "99999997",
    }[scope]
    expect(Done, by_two(vault.operate, ThrowSwitch(scope, key, "drill", True)))
    assert refusal(check_right(vault, claire.browser)) == "contained"
    others = check_right(vault, anne.browser)
    if scope in {"establishment", "account", "device"}:
        expect(Answer, others)
    else:
        assert refusal(others) == "contained"
    expect(Done, by_two(vault.operate, ThrowSwitch(scope, key, "over", False)))
    expect(Answer, check_right(vault, claire.browser))


def test_a_switch_with_a_term_undoes_itself(vault: Vault, claire: Person) -> None:
    expect(Done, vault.operate(ThrowSwitch("account", "claire", "odd pace", True, minutes=10)))
    vault.time.advance(10 * MINUTE - 1)
    assert refusal(check_right(vault, claire.browser)) == "contained"
    vault.time.advance(1)
    expect(Answer, check_right(vault, claire.browser))


def test_the_journal_tells_every_act_newest_first(vault: Vault, claire: Person) -> None:
    vault.operate(ThrowSwitch("account", "claire", "odd pace", True))
    lines = [json.loads(line) for line in expect(JournalLines, vault.operate(Journal(2))).lines]
    assert [(line["actor"], line["act"], line["object"], line["detail"]) for line in lines] == [
        ("operator", "switch:throw", "account claire", "closed: odd pace"),
        ("claire", "session:open", "claire", "passkey"),
    ]
    assert lines[0]["at"].startswith("2026-01-05T")


def test_my_journal_is_the_ledgers_and_pages(vault: Vault, claire: Person) -> None:
    anne = activated(vault, "anne", claire.establishment)
    for _ in range(3):
        expect(Answer, check_right(vault, claire.browser))
    expect(Answer, check_right(vault, anne.browser))
    first = claire.browser.expect(JournalPage, "journal", before=0, limit=2)
    assert [(e.outcome, e.lane, e.domain, e.cost, e.login) for e in first.entries] == [
        ("absent", "card", "PHAR", 5, "claire")
    ] * 2
    assert (first.hour_spent, first.hour_limit, first.day_spent, first.day_limit) == (15, 160, 15, 300)
    last = claire.browser.expect(JournalPage, "journal", before=first.next, limit=2)
    assert (len(last.entries), last.next) == (1, 0)
    vault.time.advance(2 * HOUR)
    assert claire.browser.expect(JournalPage, "journal", before=0, limit=1).hour_spent == 0
    assert claire.browser.refused("journal", before=-1, limit=2) == "bad-input"
