"""Activation, passkeys, the security page."""

from rempart.foundation.clock import DAY, HOUR, MINUTE
from rempart.foundation.vocabulary import Assurance, Role
from rempart.vaultdoor.browser import SoftwarePasskey
from rempart.vaultdoor.messages import (
    Activated,
    Challenge,
    Done,
    Enrolled,
    IssueCode,
    Refused,
    Reply,
    SignedIn,
    TotpSecret,
)
from tests.authenticator import ORIGIN, PASSWORD, CodeApp, expect
from tests.vault.accounts.conftest import Person, Vault, activated


def test_a_code_and_a_passkey_open_an_account(vault: Vault, pharmacy: str) -> None:
    browser, passkey = vault.browser(), SoftwarePasskey(ORIGIN)
    reply = browser.activate(vault.enrol("claire", pharmacy), passkey)
    assert reply.session.login == "claire"
    assert reply.session.establishment == pharmacy
    assert reply.session.role == Role.TITULAIRE
    assert reply.session.assurance == Assurance.PASSKEY
    assert reply.session.expires == vault.clock() + 12 * HOUR
    assert len(set(reply.recovery_codes)) == 10
    view = browser.security()
    assert [(f.kind, f.label, f.remaining) for f in view.factors] == [
        ("passkey", "YubiKey", 0),
        ("recovery", "", 10),
    ]
    assert [(d.label, d.current) for d in view.devices] == [("Firefox, Linux", True)]
    assert view.sessions == 1


def test_a_passkey_signs_in_on_a_device_never_seen_and_binds_it(vault: Vault, claire: Person) -> None:
    elsewhere = vault.browser("Chrome, Windows")
    assert expect(SignedIn, elsewhere.sign_in(claire.passkey)).assurance == Assurance.PASSKEY
    assert len(claire.browser.security().devices) == 2
    assert claire.browser.notices()[0] == "device:bind"
    # The device itself need not be told of itself.
    assert elsewhere.security().notices[0].seen


def test_a_device_lapses_after_twelve_hours_and_is_renewed_by_the_passkey(
    vault: Vault, claire: Person
) -> None:
    vault.time.advance(12 * HOUR - MINUTE)
    claire.browser.security()
    vault.time.advance(MINUTE)
    assert claire.browser.refused("security") == "session"
    expect(SignedIn, claire.browser.sign_in(claire.passkey))
    assert len(claire.browser.security().devices) == 1


def test_an_activation_code_serves_once(vault: Vault, pharmacy: str) -> None:
    code = vault.enrol("claire", pharmacy)
    vault.browser().activate(code, SoftwarePasskey(ORIGIN))
    assert (
        vault.browser().refused(
            "activation/begin", device_key=vault.browser().key.public, activation_code=code
        )
        == "signature"
    )
    thief = vault.browser()
    assert (
        thief.refused("activation/begin", device_key=thief.key.public, activation_code=code) == "activation"
    )


def test_an_activation_code_expires_after_thirty_days(vault: Vault, pharmacy: str) -> None:
    code, browser = vault.enrol("claire", pharmacy), vault.browser()
    vault.time.advance(30 * DAY)
    assert (
        browser.refused("activation/begin", device_key=browser.key.public, activation_code=code)
        == "activation"
    )


def test_a_code_is_read_as_people_write_it(vault: Vault, pharmacy: str) -> None:
    code = vault.enrol("claire", pharmacy).lower().replace("-", " ").replace("0", "o").replace("1", "l")
    vault.browser().activate(code, SoftwarePasskey(ORIGIN))


def test_a_password_and_a_code_application_open_an_account_once_both_are_right(
    vault: Vault, pharmacy: str
) -> None:
    code, browser = vault.enrol("paul", pharmacy), vault.browser()
    app = CodeApp(expect(TotpSecret, browser.introduce("activation/totp", activation_code=code)), vault)

    def activate(password: str, one_time: str) -> Reply:
        return browser.introduce(
            "activation/password", device_label="", activation_code=code, password=password, code=one_time
        )

    assert expect(Refused, activate("Password1234!", app.code())) == Refused("password-weak", "guessable")
    assert expect(Refused, activate(PASSWORD, "000000")).code == "credentials"
    assert expect(Refused, activate("Paul-fjord-lutin-8", app.code())) == Refused(
        "password-weak", "guessable"
    )
    assert expect(Activated, activate(PASSWORD, app.code())).session.assurance == Assurance.PASSWORD_TOTP
    assert expect(Refused, activate(PASSWORD, app.code())).code == "activation"


def test_a_new_activation_voids_all_that_vouched_for_the_account(vault: Vault, claire: Person) -> None:
    code = expect(Enrolled, vault.operate(IssueCode("claire", "activation"))).code
    # Issuing takes nothing away; using does.
    claire.browser.security()
    again, passkey = vault.browser(), SoftwarePasskey(ORIGIN)
    again.activate(code, passkey)
    assert claire.browser.refused("security") == "session"
    assert claire.browser.sign_in(claire.passkey).code == "credentials"  # type: ignore[union-attr]
    assert [f.kind for f in again.security().factors] == ["passkey", "recovery"]
    assert len(again.security().devices) == 1


def test_several_passkeys_each_excluded_from_the_next_registration(vault: Vault, claire: Person) -> None:
    second = SoftwarePasskey(ORIGIN)
    challenge = claire.browser.expect(Challenge, "passkey/begin")
    assert len(challenge.exclude) == 1
    claire.browser.expect(
        Done,
        "passkey/add",
        nonce=challenge.nonce,
        credential=second.create(challenge, claire.browser.key),
        label="Téléphone",
    )
    assert len(claire.browser.expect(Challenge, "passkey/begin").exclude) == 2
    expect(SignedIn, vault.browser().sign_in(second))


def test_two_accounts_share_one_browser(vault: Vault, claire: Person) -> None:
    code, passkey = vault.enrol("paul", claire.establishment, Role.EMPLOYEE), SoftwarePasskey(ORIGIN)
    hers = claire.browser.session
    assert claire.browser.activate(code, passkey).session.login == "paul"
    claire.browser.session = hers
    assert claire.browser.security().login == "claire"
    assert vault.rows("SELECT count(*) FROM vault.device") == [(1,)]
    assert vault.rows("SELECT kind, count(*) FROM vault.meter GROUP BY kind ORDER BY kind") == [
        (1, 2),
        (2, 1),
        (3, 1),
    ]


def test_a_door_relays_nothing_but_posts_to_known_paths(vault: Vault, claire: Person) -> None:
    assert claire.browser.refused("no-such-act") == "not-found"
    assert claire.browser.refused("security?x=1") == "not-found"
    assert claire.browser.refused("security", surprise=1) == "bad-input"


def test_secrets_lie_nowhere_in_clear(vault: Vault, pharmacy: str) -> None:
    person = activated(vault, "claire", pharmacy)
    code = expect(Enrolled, vault.operate(IssueCode("claire", "device"))).code
    everything = (
        str(vault.rows("SELECT * FROM vault.code"))
        + str(vault.rows("SELECT * FROM vault.session"))
        + vault.journal()
    )
    for secret in (code, code.replace("-", ""), person.browser.session):
        assert secret not in everything
