"""Attacks by whoever already holds a live session: what they try next, to stay, to hide, or to spread."""

import pytest

from rempart.foundation.clock import DAY, MINUTE
from rempart.foundation.vocabulary import Role
from rempart.vault.attempts import INVITATIONS
from rempart.vault.notices import SHOWN
from rempart.vaultdoor.browser import SoftwarePasskey
from rempart.vaultdoor.messages import (
    Challenge,
    Done,
    Enrolled,
    RecoveryCodes,
    Refused,
    SignedIn,
    ThrowSwitch,
)
from tests.authenticator import ORIGIN, SoftwareBrowser, expect
from tests.vault.accounts.conftest import Person, Vault, activated
from tests.vault.signers import by_two


def throw(vault: Vault, scope: str, key: str, *, on: bool = True) -> None:
    call = ThrowSwitch(scope, key, reason="rythme anormal", on=on, minutes=0)
    expect(Done, by_two(vault.operate, call) if scope == "platform" else vault.operate(call))


def device_of(person: Person) -> str:
    return next(device.id for device in person.browser.security().devices if device.current)


@pytest.mark.parametrize("scope", ["account", "device"])
def test_a_contained_titulaire_invites_no_accomplice(vault: Vault, claire: Person, scope: str) -> None:
    # Another account would have a line of its own.
    throw(vault, scope, "claire" if scope == "account" else device_of(claire))
    invitation = {"establishment": "", "login": "complice", "role": "titulaire"}
    assert claire.browser.refused("members/invite", **invitation) == "contained"
    assert vault.rows("SELECT count(*) FROM vault.account") == [(1,)]
    throw(vault, scope, "claire" if scope == "account" else device_of(claire), on=False)
    claire.browser.expect(Enrolled, "members/invite", **invitation)


def test_a_contained_thief_leaves_no_factor_behind(vault: Vault, claire: Person) -> None:
    throw(vault, "account", "claire")
    # A fresh proof does not help, and what shows or ends the theft stays possible.
    claire.browser.step_up(claire.passkey)
    for act in ("passkey/begin", "totp/begin", "recovery/renew"):
        assert claire.browser.refused(act) == "contained", act
    claire.browser.security()
    claire.browser.expect(Done, "sign-out")


def test_a_proof_older_than_the_alert_touches_no_factor(vault: Vault, claire: Person) -> None:
    # The thief came in with a session that was proven a minute ago; the switch asks for a person since.
    throw(vault, "account", "claire")
    with vault.database.connect() as connection:
        connection.execute("UPDATE vault.switch SET hold = 'step-up'")
        connection.commit()
    assert claire.browser.refused("recovery/renew") == "step-up"
    vault.time.advance(MINUTE)
    claire.browser.step_up(claire.passkey)
    claire.browser.expect(RecoveryCodes, "recovery/renew")


def test_whoever_another_switch_concerns_may_still_change_their_factors(vault: Vault, claire: Person) -> None:
    # In an incident, passwords and passkeys are renewed while the platform is closed.
    throw(vault, "platform", "")
    throw(vault, "profession", "pharmacy")
    claire.browser.expect(RecoveryCodes, "recovery/renew")


def test_a_thief_who_unbinds_the_holders_device_hides_no_notice(vault: Vault, claire: Person) -> None:
    claire.browser.expect(Done, "notices/seen")
    thief = vault.browser("Chrome, Windows")
    expect(SignedIn, thief.sign_in(claire.passkey))
    thief.step_up(claire.passkey)
    thief.expect(RecoveryCodes, "recovery/renew")
    holders = next(device.id for device in thief.security().devices if not device.current)
    thief.expect(Done, "device/remove", id=holders)
    # Bound anew, the holder's browser still shows what it never showed.
    vault.time.advance(MINUTE)
    expect(SignedIn, claire.browser.sign_in(claire.passkey))
    assert {"device:remove", "recovery:renew"} <= set(claire.browser.notices())


def test_a_role_taken_away_is_gone_from_a_session_that_moved_at_that_moment(
    vault: Vault, claire: Person
) -> None:
    # As when the session came back to this place between the reading of the seat and its removal.
    paul = activated(vault, "paul", claire.establishment, Role.TITULAIRE)
    with vault.database.connect() as connection:
        connection.execute(
            "UPDATE vault.membership SET role = 'employee' WHERE account = (SELECT id FROM vault.account WHERE login = 'paul')"
        )
        connection.commit()
    assert paul.browser.refused("security") == "session"
    expect(SignedIn, paul.browser.sign_in(paul.passkey))
    paul.browser.step_up(paul.passkey)
    assert (
        paul.browser.refused("members/invite", establishment="", login="x.y", role="employee") == "forbidden"
    )


def test_a_passkey_presented_under_another_persons_handle_opens_nothing(vault: Vault, claire: Person) -> None:
    anne = activated(vault, "anne", claire.establishment, Role.EMPLOYEE)
    anne.passkey._user_handle = claire.passkey._user_handle
    assert expect(Refused, vault.browser().sign_in(anne.passkey)).code == "credentials"


def test_whoever_tries_what_is_not_theirs_is_noted_without_a_word_of_what_was_typed(
    vault: Vault, claire: Person
) -> None:
    paul = activated(vault, "paul", claire.establishment, Role.EMPLOYEE)
    invitation = {"establishment": "", "login": "complice", "role": "employee"}
    assert paul.browser.refused("members/invite", **invitation) == "forbidden"
    vault.runner.run(vault.zone.events.settle())
    account, device, detail = vault.rows(
        "SELECT a.login, e.device IS NOT NULL, e.detail FROM vault.event e JOIN vault.account a ON a.id = e.account"
        " WHERE e.kind = 'refused'"
    )[0]
    assert (account, device, detail) == ("paul", True, "/acts/members/invite forbidden")


def test_every_proof_is_in_the_journal_with_its_kind(vault: Vault, claire: Person) -> None:
    claire.browser.step_up(claire.passkey)
    assert '"act": "session:prove", "object": "claire", "detail": "passkey"' in vault.journal()


def test_a_manager_whose_session_was_stolen_opens_few_accounts_and_learns_few_logins(
    vault: Vault, claire: Person
) -> None:
    for number in range(INVITATIONS):
        claire.browser.expect(
            Enrolled, "members/invite", establishment="", login=f"complice.{number}", role="employee"
        )
    invitation = {"establishment": "", "login": "encore", "role": "employee"}
    assert claire.browser.refused("members/invite", **invitation) == "invitations"
    assert vault.rows("SELECT count(*) FROM vault.account") == [(INVITATIONS + 1,)]
    vault.time.advance(DAY + MINUTE)
    expect(SignedIn, claire.browser.sign_in(claire.passkey))
    claire.browser.step_up(claire.passkey)
    claire.browser.expect(Enrolled, "members/invite", **invitation)


def test_a_thief_who_repeats_a_harmless_act_pushes_no_notice_out_of_sight(
    vault: Vault, claire: Person
) -> None:
    thief = vault.browser("Chrome, Windows")
    expect(SignedIn, thief.sign_in(claire.passkey))
    thief.step_up(claire.passkey)
    add_passkey(thief)
    for _ in range(SHOWN + 5):
        thief.expect(RecoveryCodes, "recovery/renew")
    assert {"device:bind", "passkey:add", "recovery:renew"} == set(claire.browser.notices())


def add_passkey(browser: SoftwareBrowser) -> None:
    challenge = browser.expect(Challenge, "passkey/begin")
    credential = SoftwarePasskey(ORIGIN).create(challenge, browser.key)
    browser.expect(Done, "passkey/add", nonce=challenge.nonce, credential=credential, label="à moi")
