"""*Ma sécurité*: adding, changing and removing one's own factors and devices, and what the holder is told."""

import pytest

from rempart.foundation.clock import MINUTE, SECOND
from rempart.foundation.vocabulary import Assurance
from rempart.vaultdoor.browser import SoftwarePasskey
from rempart.vaultdoor.messages import (
    Challenge,
    DevicePending,
    Done,
    RecoveryCodes,
    Refused,
    SignedIn,
    TotpSecret,
)
from tests.authenticator import ORIGIN, PASSWORD, CodeApp, expect
from tests.vault.accounts.conftest import Person, Vault, activated

OTHER = "Xylophone!Gris88-vert"


def add_password_and_app(vault: Vault, person: Person) -> CodeApp:
    """The passkey's holder adds the other way to sign in; one step later."""
    person.browser.step_up(person.passkey)
    person.browser.expect(Done, "password/change", old="", new=PASSWORD)
    app = CodeApp(person.browser.expect(TotpSecret, "totp/begin"), vault)
    person.browser.expect(Done, "totp/confirm", code=app.code())
    vault.time.advance(30 * SECOND)
    return app


def factor(person: Person, kind: str) -> str:
    return next(f.id for f in person.browser.security().factors if f.kind == kind)


def test_both_ways_to_sign_in_and_what_each_is_worth(vault: Vault, claire: Person) -> None:
    app = add_password_and_app(vault, claire)
    by_code = expect(SignedIn, claire.browser.sign_in_with_password("Claire ", app.code()))
    assert by_code.assurance == Assurance.PASSWORD_TOTP
    # A passkey at step-up is the dearer proof: the whole line from then on.
    claire.browser.step_up(claire.passkey)
    assert vault.rows("SELECT assurance FROM vault.session") == [(int(Assurance.PASSKEY),)]
    vault.time.advance(30 * SECOND)
    claire.browser.expect(Done, "step-up/password", password=PASSWORD, code=app.code())
    assert vault.rows("SELECT assurance FROM vault.session") == [(int(Assurance.PASSKEY),)]


def test_step_up_by_password_takes_both_and_counts_failures(vault: Vault, claire: Person) -> None:
    app = add_password_and_app(vault, claire)
    vault.time.advance(6 * MINUTE)
    assert claire.browser.refused("totp/begin") == "step-up"
    assert claire.browser.refused("step-up/password", password=PASSWORD, code="000000") == "credentials"
    assert claire.browser.refused("step-up/password", password=OTHER, code=app.code()) == "credentials"
    claire.browser.expect(Done, "step-up/password", password=PASSWORD, code=app.code())
    claire.browser.expect(TotpSecret, "totp/begin")


def test_an_offered_secret_counts_only_once_confirmed_and_where_it_was_shown(
    vault: Vault, claire: Person
) -> None:
    app = add_password_and_app(vault, claire)
    shown = CodeApp(claire.browser.expect(TotpSecret, "totp/begin"), vault)
    assert claire.browser.refused("totp/confirm", code=app.code()) == "credentials"
    expect(Refused, claire.browser.sign_in_with_password("claire", shown.code()))
    expect(SignedIn, claire.browser.sign_in_with_password("claire", app.code()))
    claire.browser.step_up(claire.passkey)
    claire.browser.expect(Done, "totp/confirm", code=shown.code())
    vault.time.advance(30 * SECOND)
    expect(Refused, claire.browser.sign_in_with_password("claire", app.code()))
    expect(SignedIn, claire.browser.sign_in_with_password("claire", shown.code()))


def test_a_new_password_takes_the_old_one_and_ends_other_sessions(vault: Vault, claire: Person) -> None:
    add_password_and_app(vault, claire)
    elsewhere = vault.browser()
    expect(SignedIn, elsewhere.sign_in(claire.passkey))
    assert claire.browser.refused("password/change", old="", new=OTHER) == "credentials"
    assert claire.browser.refused("password/change", old=OTHER, new=OTHER) == "credentials"
    refused = expect(Refused, claire.browser.ask("password/change", old=PASSWORD, new=PASSWORD + "7"))
    assert (refused.code, refused.detail) == ("password-weak", "similar")
    elsewhere.security()
    claire.browser.expect(Done, "password/change", old=PASSWORD, new=OTHER)
    assert elsewhere.refused("security") == "session"


def test_a_new_password_that_is_refused_is_no_failed_attempt(vault: Vault, claire: Person) -> None:
    add_password_and_app(vault, claire)
    for _ in range(6):
        assert claire.browser.refused("password/change", old=PASSWORD, new="court") == "password-weak"
    claire.browser.expect(Done, "password/change", old=PASSWORD, new=OTHER)


@pytest.mark.parametrize("kind", ["passkey", "totp", "new totp"])
def test_a_thief_signed_in_or_waiting_elsewhere_is_out_once_the_factor_is_removed_or_replaced(
    vault: Vault, claire: Person, kind: str
) -> None:
    app = add_password_and_app(vault, claire)
    thief = vault.browser()
    expect(SignedIn, thief.sign_in(claire.passkey))
    waiting = vault.browser()
    pending = expect(DevicePending, waiting.sign_in_with_password("claire", app.code())).pending
    if kind == "new totp":
        shown = CodeApp(claire.browser.expect(TotpSecret, "totp/begin"), vault)
        thief.security()
        claire.browser.expect(Done, "totp/confirm", code=shown.code())
    else:
        thief.security()
        claire.browser.expect(Done, "factor/remove", id=factor(claire, kind))
    assert thief.refused("security") == "session"
    body = {"device_key": waiting.key.public, "pending": pending}
    assert waiting.refused("sign-in/pending", **body) == "session"
    claire.browser.security()


def test_the_last_way_to_sign_in_stays(vault: Vault, claire: Person) -> None:
    only = factor(claire, "passkey")
    assert claire.browser.refused("factor/remove", id=only) == "last-factor"
    add_password_and_app(vault, claire)
    claire.browser.expect(Done, "factor/remove", id=only)
    # Half of a way to sign in is none.
    for kind in ("password", "totp"):
        assert claire.browser.refused("factor/remove", id=factor(claire, kind)) == "last-factor"
    assert claire.browser.refused("factor/remove", id=only) == "not-found"
    expect(Refused, claire.browser.sign_in(claire.passkey))


def test_two_removals_at_once_leave_a_way_in(vault: Vault, claire: Person) -> None:
    second = SoftwarePasskey(ORIGIN)
    challenge = claire.browser.expect(Challenge, "passkey/begin")
    credential = second.create(challenge, claire.browser.key)
    claire.browser.expect(Done, "passkey/add", nonce=challenge.nonce, credential=credential, label="")
    elsewhere = vault.browser()
    expect(SignedIn, elsewhere.sign_in(second))
    ids = [f.id for f in elsewhere.security().factors if f.kind == "passkey"]
    replies = vault.call_together(
        [
            browser.signed("/acts/factor/remove", {"id": key})
            for browser, key in zip((claire.browser, elsewhere), ids, strict=True)
        ]
    )
    assert sorted(type(reply).__name__ for reply in replies) == ["Done", "Refused"]


def test_nobody_removes_the_factor_of_another(vault: Vault, claire: Person) -> None:
    anne = activated(vault, "anne", claire.establishment)
    assert claire.browser.refused("factor/remove", id=factor(anne, "passkey")) == "not-found"
    assert claire.browser.refused("device/remove", id=anne.browser.security().devices[0].id) == "not-found"


def test_new_recovery_codes_void_the_former(vault: Vault, claire: Person) -> None:
    add_password_and_app(vault, claire)
    former = claire.browser.expect(RecoveryCodes, "recovery/renew").codes
    codes = claire.browser.expect(RecoveryCodes, "recovery/renew").codes
    expect(Refused, claire.browser.sign_in_with_password("claire", former[0]))
    expect(SignedIn, claire.browser.sign_in_with_password("claire", codes[0]))


def test_a_passkey_is_registered_once(vault: Vault, claire: Person) -> None:
    challenge = claire.browser.expect(Challenge, "passkey/begin")
    credential = claire.passkey.create(challenge, claire.browser.key)
    reply = claire.browser.refused("passkey/add", nonce=challenge.nonce, credential=credential, label="")
    assert reply == "conflict"


def test_a_thief_cannot_hide_a_notice_from_the_other_devices(vault: Vault, claire: Person) -> None:
    thief = vault.browser("Voleur\u202e\n" + "x" * 80)
    expect(SignedIn, thief.sign_in(claire.passkey))
    thief.expect(Done, "notices/seen")
    thief.step_up(claire.passkey)
    thief.expect(RecoveryCodes, "recovery/renew")
    assert claire.browser.notices()[:2] == ["recovery:renew", "device:bind"]
    label = next(d.label for d in claire.browser.security().devices if not d.current)
    assert label.startswith("Voleur")
    assert label.isprintable()
    assert len(label) <= 60
    claire.browser.expect(Done, "notices/seen")
    assert claire.browser.notices() == []


def test_every_change_is_in_the_journal_with_the_login_alone(vault: Vault, claire: Person) -> None:
    app = add_password_and_app(vault, claire)
    expect(SignedIn, claire.browser.sign_in_with_password("claire", app.code()))
    journal = vault.journal()
    for act in (
        "account:open",
        "account:activate",
        "device:bind",
        "password:change",
        "totp:set",
        "session:open",
    ):
        assert f'"{act}"' in journal
    # Labels are a person's own words.
    assert "YubiKey" not in journal
    assert "Poste de claire" not in journal
