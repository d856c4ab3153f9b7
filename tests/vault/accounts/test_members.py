"""Who works where: inviting, joining, removing, in one's own establishments only."""

from typing import cast

from rempart.foundation.clock import DAY, HOUR, SECOND
from rempart.foundation.vocabulary import Role
from rempart.vaultdoor.browser import SoftwarePasskey
from rempart.vaultdoor.messages import Done, EnrolGroup, Enrolled, EnrolProfessional, Members, SignedIn
from tests.authenticator import ORIGIN, SoftwareBrowser, expect
from tests.vault.accounts.conftest import Person, Vault, activated
from tests.vault.accounts.test_attacks import check_right, refusal


def invite(person: Person, login: str, role: str = "employee", establishment: str = "") -> Enrolled:
    return person.browser.expect(
        Enrolled, "members/invite", establishment=establishment, login=login, role=role
    )


def members(browser: SoftwareBrowser, establishment: str = "") -> Members:
    return browser.expect(Members, "members", establishment=establishment)


def listed(browser: SoftwareBrowser, establishment: str = "") -> list[tuple[str, str, str]]:
    return [(m.login, m.role, m.status) for m in members(browser, establishment).members]


def test_a_titulaire_invites_and_removes(vault: Vault, claire: Person) -> None:
    invited = invite(claire, " Paul ")
    assert listed(claire.browser) == [("claire", "titulaire", "active"), ("paul", "employee", "invited")]
    paul = vault.browser()
    assert paul.activate(invited.code, SoftwarePasskey(ORIGIN)).session.role == Role.EMPLOYEE
    assert listed(claire.browser)[1] == ("paul", "employee", "active")
    # An employee sees colleagues and manages nobody.
    assert members(paul).role == "employee"
    assert paul.refused("members/invite", establishment="", login="anne", role="employee") == "forbidden"
    assert paul.refused("members/remove", establishment="", account=invited.id) == "forbidden"
    claire.browser.expect(Done, "members/remove", establishment="", account=invited.id)
    assert paul.refused("security") == "session"
    assert listed(claire.browser) == [("claire", "titulaire", "active")]
    assert claire.browser.refused("members/remove", establishment="", account=invited.id) == "not-found"


def test_titulaire_of_another_establishment_removing_someone(vault: Vault, claire: Person) -> None:
    paul = activated(vault, "paul", claire.establishment, Role.EMPLOYEE)
    anne = activated(vault, "anne", vault.establishment(2))
    account = next(m.account for m in members(claire.browser).members if m.login == "paul")
    for place in (claire.establishment, ""):
        refused = anne.browser.refused("members/remove", establishment=place, account=account)
        assert refused == ("forbidden" if place else "not-found")
    assert anne.browser.refused("members/renew", account=account) == "forbidden"
    assert anne.browser.refused("members", establishment=claire.establishment) == "forbidden"
    assert (
        anne.browser.refused(
            "members/invite", establishment=claire.establishment, login="x-man", role="titulaire"
        )
        == "forbidden"
    )
    paul.browser.security()


def test_inviting_tells_nothing_about_which_logins_exist(vault: Vault, claire: Person) -> None:
    activated(vault, "anne", vault.establishment(2))
    known, unknown = invite(claire, "anne"), invite(claire, "nobody-yet")
    assert len(known.code) == len(unknown.code) == 19
    assert {status for login, _, status in listed(claire.browser) if login != "claire"} == {"invited"}


def test_a_login_taken_beforehand_does_not_get_in(vault: Vault, claire: Person) -> None:
    squatter = activated(vault, "paul", vault.establishment(2))
    invited = invite(claire, "paul", "titulaire")
    # The code is handed to Claire's Paul; without it the account that took his login has nothing here.
    assert squatter.browser.refused("members", establishment=claire.establishment) == "forbidden"
    assert squatter.browser.refused("establishment/choose", establishment=claire.establishment) == "forbidden"
    # And it is no activation code: it takes over no account.
    thief = vault.browser()
    assert (
        thief.refused("activation/begin", device_key=thief.key.public, activation_code=invited.code)
        == "activation"
    )


def test_a_person_works_in_two_establishments(vault: Vault, claire: Person) -> None:
    second = activated(vault, "anne", vault.establishment(2))
    code = invite(second, "claire").code
    assert second.browser.refused("members/join", code=code) == "activation"
    vault.time.advance(SECOND)
    joined = claire.browser.expect(SignedIn, "members/join", code=code)
    assert joined.establishments == [claire.establishment, second.establishment]
    assert claire.browser.refused("members/join", code=code) == "activation"
    moved = claire.browser.expect(SignedIn, "establishment/choose", establishment=second.establishment)
    assert (moved.establishment, moved.role) == (second.establishment, "employee")
    assert members(claire.browser).role == "employee"
    # Titulaire at home all the same: authority is the membership's, not the session's.
    assert invite(claire, "paul", establishment=claire.establishment).code
    assert (
        claire.browser.refused("members/invite", establishment="", login="luc", role="employee")
        == "forbidden"
    )
    # Leaving one place ends the session there, and only there.
    account = next(m.account for m in members(second.browser).members if m.login == "claire")
    second.browser.expect(Done, "members/remove", establishment="", account=account)
    assert claire.browser.refused("security") == "session"
    assert cast("SignedIn", claire.browser.sign_in(claire.passkey)).establishments == [claire.establishment]
    assert "member:remove" in claire.browser.notices()


def test_a_removal_is_undone_for_a_day_without_a_code(vault: Vault, claire: Person) -> None:
    paul = activated(vault, "paul", claire.establishment, Role.EMPLOYEE)
    account = next(m.account for m in members(claire.browser).members if m.login == "paul")
    remove = {"establishment": claire.establishment, "account": account}
    claire.browser.expect(Done, "members/remove", **remove)
    assert invite(claire, "paul").code == ""
    expect(SignedIn, paul.browser.sign_in(paul.passkey))
    claire.browser.expect(Done, "members/remove", **remove)
    # Another role is another decision, and so is another day.
    assert invite(claire, "paul", "titulaire").code != ""
    claire.browser.expect(Done, "members/remove", **remove)
    vault.time.advance(DAY + HOUR)
    expect(SignedIn, claire.browser.sign_in(claire.passkey))
    claire.browser.step_up(claire.passkey)
    assert invite(claire, "paul").code != ""


def test_a_new_code_for_somebody_invited(vault: Vault, claire: Person) -> None:
    invited = invite(claire, "paul")
    renewed = claire.browser.expect(Enrolled, "members/renew", account=invited.id)
    paul = vault.browser()
    assert (
        paul.refused("activation/begin", device_key=paul.key.public, activation_code=invited.code)
        == "activation"
    )
    paul.activate(renewed.code, SoftwarePasskey(ORIGIN))
    # Whoever is active and lost everything goes to the operator, not to a colleague.
    assert claire.browser.refused("members/renew", account=invited.id) == "conflict"


def test_a_colleague_elsewhere_cannot_activate_somebody_invited_by_others(
    vault: Vault, claire: Person
) -> None:
    anne = activated(vault, "anne", vault.establishment(2))
    first = invite(claire, "paul")
    second = invite(anne, "paul")
    again = anne.browser.expect(Enrolled, "members/renew", account=first.id)
    for code in (second.code, again.code):
        thief = vault.browser()
        assert (
            thief.refused("activation/begin", device_key=thief.key.public, activation_code=code)
            == "activation"
        )
    paul, passkey = vault.browser(), SoftwarePasskey(ORIGIN)
    paul.activate(first.code, passkey)
    joined = paul.expect(SignedIn, "members/join", code=again.code)
    assert sorted(joined.establishments) == sorted([claire.establishment, anne.establishment])


def test_an_invitation_withdrawn_activates_nothing(vault: Vault, claire: Person) -> None:
    invited = invite(claire, "paul")
    claire.browser.expect(Done, "members/remove", establishment="", account=invited.id)
    thief = vault.browser()
    assert (
        thief.refused("activation/begin", device_key=thief.key.public, activation_code=invited.code)
        == "activation"
    )


def test_oneself_is_not_removed(vault: Vault, claire: Person) -> None:
    account = members(claire.browser).members[0].account
    assert claire.browser.refused("members/remove", establishment="", account=account) == "forbidden"


def test_a_groups_administrator_manages_all_its_establishments_and_checks_no_right(
    vault: Vault, claire: Person
) -> None:
    group = expect(Enrolled, vault.operate(EnrolGroup("Laboratoires du Ponant"))).id
    places = [vault.establishment(number, group) for number in (11, 12)]
    call = EnrolProfessional("chief", Role.ADMINISTRATOR, group=group)
    browser, passkey = vault.browser(), SoftwarePasskey(ORIGIN)
    session = browser.activate(expect(Enrolled, vault.operate(call)).code, passkey).session
    assert (session.establishment, session.role) == ("", "administrator")
    assert sorted(session.establishments) == sorted(places)
    seen = members(browser)
    assert (seen.establishment, seen.members, sorted(seen.establishments)) == ("", [], sorted(places))
    chief = Person("chief", browser, passkey, "")
    invited = [invite(chief, f"lab{n}", "titulaire", place) for n, place in enumerate(places)]
    assert members(browser, places[0]).role == "administrator"
    assert (
        browser.refused("members/invite", establishment=claire.establishment, login="x-man", role="employee")
        == "forbidden"
    )
    assert browser.refused("members/invite", establishment="", login="x-man", role="employee") == "forbidden"
    browser.expect(Done, "members/remove", establishment=places[0], account=invited[0].id)
    assert refusal(check_right(vault, browser)) == "forbidden"


def test_bad_logins_and_roles(vault: Vault, claire: Person) -> None:
    for login in ("", "ab", "é" * 5, "a b c", "1 84 12 76 451 089 46".replace(" ", ""), "x" * 70):
        body = {"establishment": "", "login": login, "role": "employee"}
        assert claire.browser.refused("members/invite", **body) == "bad-input", login
    body = {"establishment": "", "login": "paul", "role": "administrator"}
    assert claire.browser.refused("members/invite", **body) == "bad-input"
