"""Attacks on sign-in, each by its name. What the thief holds is in the test's name; what they get is at its end."""

import base64
import secrets
import statistics
import time
from datetime import date

import msgspec
import pytest

from rempart.foundation.clock import HOUR, MINUTE, SECOND
from rempart.foundation.vocabulary import Assurance, Domain, Lane
from rempart.vaultdoor.browser import DeviceKey, SoftwarePasskey
from rempart.vaultdoor.fhir import Presentation, write_request
from rempart.vaultdoor.messages import (
    Act,
    Activated,
    Answer,
    Challenge,
    DevicePending,
    Done,
    Enrolled,
    IssueCode,
    Refused,
    Reply,
    SignedIn,
)
from tests.authenticator import ORIGIN, PASSWORD, CodeApp, SoftwareBrowser, expect, pending_code
from tests.vault.accounts.conftest import Person, Vault, activated


@pytest.fixture
def paul(vault: Vault, pharmacy: str) -> tuple[SoftwareBrowser, CodeApp, Activated]:
    """Password and one-time code, on his own browser; one step later, so that his application shows a new code."""
    browser = vault.browser("Poste de Paul")
    reply, app = browser.activate_with_password(vault.enrol("paul", pharmacy))
    vault.time.advance(30 * SECOND)
    return browser, app, reply


def refusal(reply: Reply) -> str:
    return expect(Refused, reply).code


RIGHTS = "/fhir/CoverageEligibilityRequest/$submit"


def told(vault: Vault) -> int:
    """How many answers the ledger has."""
    ((size,),) = vault.rows("SELECT size FROM evidence.log")
    return int(size)


def check_right(vault: Vault, browser: SoftwareBrowser) -> Reply:
    """Ask for a right of nobody: found or not is not the question here."""
    nobody = Presentation(Lane.CARD, "99999997", "A1", "", date(1980, 5, 1), 1, Domain.PHAR)
    act = browser.key.act(ORIGIN, RIGHTS, write_request(nobody), vault.clock() // SECOND, browser.session)
    return vault.call(act)


# ── a stolen password ────────────────────────────────────────────────────────────────────────────────────────────────


def test_password_only(vault: Vault, paul: tuple[SoftwareBrowser, CodeApp, Activated]) -> None:
    before = told(vault)
    for browser in (vault.browser(), paul[0]):
        assert refusal(browser.sign_in_with_password("paul", "000000")) == "credentials"
        assert refusal(browser.sign_in_with_password("paul", "")) == "credentials"
    assert refusal(check_right(vault, vault.browser())) == "session"
    assert told(vault) == before
    assert vault.rows("SELECT count(*) FROM vault.session") == [(1,)]


def test_password_and_code_phished_live(
    vault: Vault, paul: tuple[SoftwareBrowser, CodeApp, Activated]
) -> None:
    browser, app, _ = paul
    before = told(vault)
    thief = vault.browser("Chrome, Windows")
    waiting = expect(DevicePending, thief.sign_in_with_password("paul", app.code()))
    # The thief may wait, guess the posted code, or try the code shown here: nothing opens.
    assert (
        expect(DevicePending, thief.introduce("sign-in/pending", pending=waiting.pending)).code
        == waiting.code
    )
    for guess in ("0000-0000-0000-0000", waiting.code):
        reply = thief.introduce("sign-in/posted", pending=waiting.pending, posted_code=guess)
        assert refusal(reply) == "credentials"
    assert vault.rows("SELECT count(*) FROM vault.session") == [(1,)]
    assert vault.rows("SELECT count(*) FROM vault.binding") == [(1,)]
    # The holder sees it, and turns it away.
    assert browser.notices()[0] == "device:wait"
    waiting_here = browser.security().devices[-1]
    assert (waiting_here.label, waiting_here.pending) == ("Chrome, Windows", waiting.pending)
    browser.expect(Done, "device/remove", id=waiting_here.id)
    assert refusal(thief.introduce("sign-in/pending", pending=waiting.pending)) == "session"
    assert refusal(check_right(vault, thief)) == "session"
    assert told(vault) == before


def test_a_new_password_ends_the_waits_of_the_former(
    vault: Vault, paul: tuple[SoftwareBrowser, CodeApp, Activated]
) -> None:
    browser, app, _ = paul
    thief = vault.browser()
    waiting = expect(DevicePending, thief.sign_in_with_password("paul", app.code()))
    browser.expect(Done, "device/approve", pending=waiting.pending, code=waiting.code)
    browser.expect(Done, "password/change", old=PASSWORD, new="Xylophone!Gris88-vert")
    assert refusal(thief.introduce("sign-in/pending", pending=waiting.pending)) == "session"


def test_a_wait_seen_by_somebody_else_is_worth_nothing(
    vault: Vault, paul: tuple[SoftwareBrowser, CodeApp, Activated]
) -> None:
    browser, app, _ = paul
    his_new_one = vault.browser()
    waiting = expect(DevicePending, his_new_one.sign_in_with_password("paul", app.code()))
    browser.expect(Done, "device/approve", pending=waiting.pending, code=waiting.code.lower())
    # The wait is approved for one key; another key that knows its id gets nothing.
    assert refusal(vault.browser().introduce("sign-in/pending", pending=waiting.pending)) == "session"
    opened = expect(SignedIn, his_new_one.introduce("sign-in/pending", pending=waiting.pending))
    assert opened.assurance == Assurance.PASSWORD_TOTP
    assert refusal(his_new_one.introduce("sign-in/pending", pending=waiting.pending)) == "session"
    assert browser.notices()[0] == "device:bind"


def test_approving_takes_the_code_of_the_waiting_device(
    vault: Vault, paul: tuple[SoftwareBrowser, CodeApp, Activated]
) -> None:
    browser, app, _ = paul
    waiting = expect(DevicePending, vault.browser().sign_in_with_password("paul", app.code()))
    for _ in range(5):
        assert browser.refused("device/approve", pending=waiting.pending, code="0000-0000") == "credentials"
    # Five guesses, then even the right one waits.
    assert browser.refused("device/approve", pending=waiting.pending, code=waiting.code) == "credentials"
    vault.time.advance(MINUTE)
    browser.expect(Done, "device/approve", pending=waiting.pending, code=waiting.code)


def test_somebody_else_cannot_approve_my_wait(
    vault: Vault, paul: tuple[SoftwareBrowser, CodeApp, Activated], claire: Person
) -> None:
    waiting = expect(DevicePending, vault.browser().sign_in_with_password("paul", paul[1].code()))
    assert claire.browser.refused("device/approve", pending=waiting.pending, code=waiting.code) == "not-found"


def test_recovery_code_on_a_new_device(
    vault: Vault, paul: tuple[SoftwareBrowser, CodeApp, Activated]
) -> None:
    browser, _, activated_reply = paul
    code = activated_reply.recovery_codes[0]
    assert refusal(vault.browser().sign_in_with_password("paul", code)) == "credentials"
    # On the bound device it replaces the telephone, once.
    expect(SignedIn, browser.sign_in_with_password("paul", code.lower()))
    assert refusal(browser.sign_in_with_password("paul", code)) == "credentials"
    assert [f.remaining for f in browser.security().factors if f.kind == "recovery"] == [9]


def test_one_time_code_used_twice(vault: Vault, paul: tuple[SoftwareBrowser, CodeApp, Activated]) -> None:
    browser, app, _ = paul
    code = app.code()
    expect(SignedIn, browser.sign_in_with_password("paul", code))
    assert refusal(browser.sign_in_with_password("paul", code)) == "credentials"
    vault.time.advance(30 * SECOND)
    expect(SignedIn, browser.sign_in_with_password("paul", app.code()))


def test_one_time_code_used_twice_at_once(
    vault: Vault, paul: tuple[SoftwareBrowser, CodeApp, Activated]
) -> None:
    browser, app, _ = paul
    body = {
        "device_key": browser.key.public,
        "device_label": "",
        "login": "paul",
        "password": PASSWORD,
        "code": app.code(),
    }
    replies = vault.call_together([browser.signed("/acts/sign-in/password", body) for _ in range(4)])
    assert sorted(type(reply).__name__ for reply in replies) == ["Refused"] * 3 + ["SignedIn"]


def test_lock_out_grows_and_spares_the_bound_device(
    vault: Vault, paul: tuple[SoftwareBrowser, CodeApp, Activated]
) -> None:
    browser, app, _ = paul
    for _ in range(5):
        refusal(vault.browser().sign_in_with_password("paul", app.code(), "not the password"))
    # Elsewhere the right password is refused now, in the same words …
    assert refusal(vault.browser().sign_in_with_password("paul", app.code())) == "credentials"
    # … and nobody far away locks Paul out at his own counter.
    expect(SignedIn, browser.sign_in_with_password("paul", app.code()))
    assert next((n.kind, n.detail) for n in browser.security().notices) == ("sign-in:failures", "5")
    waits = []
    for _ in range(3):
        refusal(vault.browser().sign_in_with_password("paul", app.code(), "not the password"))
        ((until,),) = vault.rows("SELECT max(locked_until) FROM vault.attempt WHERE count >= 5")
        waits.append(until - vault.clock())
        vault.time.advance(until - vault.clock())
    assert waits == [MINUTE, 2 * MINUTE, 4 * MINUTE]
    vault.time.advance(24 * HOUR)
    expect(DevicePending, vault.browser().sign_in_with_password("paul", app.code()))


def test_a_hundred_guesses_at_once_are_five(
    vault: Vault, paul: tuple[SoftwareBrowser, CodeApp, Activated]
) -> None:
    browser = vault.browser()
    body = {
        "device_key": browser.key.public,
        "device_label": "",
        "login": "paul",
        "password": PASSWORD,
        "code": "123456",
    }
    replies = vault.call_together([browser.signed("/acts/sign-in/password", body) for _ in range(40)])
    assert {refusal(reply) for reply in replies} == {"credentials"}
    assert vault.rows("SELECT max(count) FROM vault.attempt") == [(5,)]


def test_unknown_login_indistinguishable(
    vault: Vault, paul: tuple[SoftwareBrowser, CodeApp, Activated]
) -> None:
    def attempt(login: str) -> tuple[Reply, float]:
        browser = vault.browser()
        act = browser.signed(
            "/acts/sign-in/password",
            {
                "device_key": browser.key.public,
                "device_label": "",
                "login": login,
                "password": "not the password",
                "code": "123456",
            },
        )
        started = time.perf_counter()
        reply = vault.call(act)
        return reply, time.perf_counter() - started

    known: list[float] = []
    unknown: list[float] = []
    for _ in range(12):
        # A day between: locks would show the same for both, and shorten the work of both.
        vault.time.advance(25 * HOUR)
        for login, durations in (("paul", known), ("nobody-by-this-name", unknown)):
            reply, seconds = attempt(login)
            assert reply == Refused("credentials")
            durations.append(seconds)
    # The whole Argon2 is done for both: some 25 ms; a missing one would halve this many times over.
    assert 0.6 < statistics.median(known) / statistics.median(unknown) < 1.6
    for login in ("paul", "nobody-by-this-name"):
        for _ in range(6):
            assert attempt(login)[0] == Refused("credentials")
    assert vault.rows("SELECT count(*) FROM vault.attempt WHERE count = 5 AND locked_until > 0") == [(2,)]


# ── stolen cookies, requests in transit, a lying door ────────────────────────────────────────────────────────────────


def test_cookie_without_device_key(vault: Vault, claire: Person) -> None:
    thief, before = SoftwareBrowser(vault, session=claire.browser.session), told(vault)
    assert thief.refused("security") == "device"
    assert refusal(check_right(vault, thief)) == "device"
    # Claiming her key's id without her key.
    forged = msgspec.structs.replace(
        thief.signed("/acts/security", {}),
        signature_input=claire.browser.signed("/acts/security", {}).signature_input,
    )
    assert refusal(vault.call(forged)) == "signature"
    assert told(vault) == before


def test_replayed_signature(vault: Vault, claire: Person) -> None:
    act = claire.browser.signed("/acts/security", {})
    assert not isinstance(vault.call(act), Refused)
    assert refusal(vault.call(act)) == "stale"
    late = claire.browser.signed("/acts/security", {})
    vault.time.advance(61 * SECOND)
    assert refusal(vault.call(late)) == "stale"


def test_altered_body(vault: Vault, claire: Person) -> None:
    act = claire.browser.signed("/acts/members", {"establishment": ""})
    assert refusal(vault.call(msgspec.structs.replace(act, body=b'{"establishment":" "}'))) == "signature"
    elsewhere = msgspec.structs.replace(act, target="/acts/sign-out")
    assert refusal(vault.call(elsewhere)) == "signature"
    assert refusal(vault.call(msgspec.structs.replace(act, method="GET"))) == "not-found"


def test_door_forging_an_account(vault: Vault, claire: Person) -> None:
    forger = SoftwareBrowser(vault, session=secrets.token_urlsafe(32))
    assert forger.refused("security") == "session"
    assert refusal(check_right(vault, forger)) == "session"
    # The id in the table is not the bearer value, and a hash is not its preimage.
    ((session_id, token_hash),) = vault.rows("SELECT id, token_hash FROM vault.session")
    for value in (str(session_id), token_hash.hex(), base64.urlsafe_b64encode(token_hash).decode()):
        assert SoftwareBrowser(vault, session=value).refused("security") == "session"
    # A body that shows another key than the one that signed.
    act = forger.signed("/acts/sign-in/begin", {"device_key": DeviceKey.generate().public})
    assert refusal(vault.call(act)) == "signature"


# ── passkey ceremonies ───────────────────────────────────────────────────────────────────────────────────────────────


def sign_in_with(browser: SoftwareBrowser, challenge: Challenge, credential: object) -> Reply:
    return browser.introduce("sign-in/passkey", device_label="", nonce=challenge.nonce, credential=credential)


def test_ceremony_challenge_of_another_device_key(vault: Vault, claire: Person) -> None:
    """A lying page makes Claire sign a challenge of the thief's, or lets the thief send what Claire signed."""
    thief = vault.browser()
    theirs = expect(Challenge, thief.introduce("sign-in/begin"))
    # Her authenticator commits to the key of the browser it speaks to: hers.
    assert (
        refusal(sign_in_with(thief, theirs, claire.passkey.use(theirs, claire.browser.key))) == "credentials"
    )
    hers = expect(Challenge, claire.browser.introduce("sign-in/begin"))
    made = claire.passkey.use(hers, claire.browser.key)
    assert refusal(sign_in_with(thief, hers, made)) == "credentials"
    expect(SignedIn, sign_in_with(claire.browser, hers, made))


def test_ceremony_replayed_late_or_for_another_purpose(vault: Vault, claire: Person) -> None:
    browser, passkey = claire.browser, claire.passkey
    challenge = expect(Challenge, browser.introduce("sign-in/begin"))
    credential = passkey.use(challenge, browser.key)
    expect(SignedIn, sign_in_with(browser, challenge, credential))
    assert refusal(sign_in_with(browser, challenge, credential)) == "credentials"
    late = expect(Challenge, browser.introduce("sign-in/begin"))
    vault.time.advance(5 * MINUTE)
    assert refusal(sign_in_with(browser, late, passkey.use(late, browser.key))) == "credentials"
    stepping = browser.expect(Challenge, "step-up/begin")
    assert refusal(sign_in_with(browser, stepping, passkey.use(stepping, browser.key))) == "credentials"
    relabelled = msgspec.structs.replace(stepping, purpose="sign-in")
    assert refusal(sign_in_with(browser, relabelled, passkey.use(relabelled, browser.key))) == "credentials"


def test_passkey_without_user_verification(vault: Vault, claire: Person, pharmacy: str) -> None:
    assert refusal(vault.browser().sign_in(claire.passkey, user_verified=False)) == "credentials"
    code, browser, passkey = vault.enrol("anne", pharmacy), vault.browser(), SoftwarePasskey(ORIGIN)
    challenge = expect(Challenge, browser.introduce("activation/begin", activation_code=code))
    reply = browser.introduce(
        "activation/passkey",
        device_label="",
        activation_code=code,
        nonce=challenge.nonce,
        credential=passkey.create(challenge, browser.key, user_verified=False),
        label="",
    )
    assert refusal(reply) == "credentials"
    # The refusal used nothing up.
    browser.activate(code, passkey)


def test_passkey_of_a_look_alike_site(vault: Vault, claire: Person) -> None:
    claire.passkey._origin = "https://rempart.example.evil"
    assert refusal(vault.browser().sign_in(claire.passkey)) == "credentials"


def test_cloned_passkey_whose_count_goes_back(vault: Vault, claire: Person) -> None:
    expect(SignedIn, claire.browser.sign_in(claire.passkey))
    claire.passkey.sign_count -= 1
    assert refusal(vault.browser().sign_in(claire.passkey)) == "credentials"


def test_passkey_of_somebody_else_at_step_up(vault: Vault, claire: Person) -> None:
    anne = activated(vault, "anne", claire.establishment)
    challenge = claire.browser.expect(Challenge, "step-up/begin")
    credential = anne.passkey.use(challenge, claire.browser.key)
    assert (
        claire.browser.refused("step-up/passkey", nonce=challenge.nonce, credential=credential)
        == "credentials"
    )


@pytest.mark.parametrize(
    "credential", [{}, {"rawId": 3}, {"rawId": "é"}, {"id": "a", "rawId": "a", "response": []}]
)
def test_hostile_credential(vault: Vault, credential: object) -> None:
    browser = vault.browser()
    challenge = expect(Challenge, browser.introduce("sign-in/begin"))
    assert refusal(sign_in_with(browser, challenge, credential)) == "credentials"


# ── activation and posted codes ──────────────────────────────────────────────────────────────────────────────────────


def test_activation_code_twice_at_once(vault: Vault, pharmacy: str) -> None:
    code = vault.enrol("claire", pharmacy)
    acts: list[Act] = []
    for browser in (vault.browser(), vault.browser()):
        challenge = expect(Challenge, browser.introduce("activation/begin", activation_code=code))
        body = {
            "device_key": browser.key.public,
            "device_label": "",
            "activation_code": code,
            "nonce": challenge.nonce,
            "credential": SoftwarePasskey(ORIGIN).create(challenge, browser.key),
            "label": "",
        }
        acts.append(browser.signed("/acts/activation/passkey", body))
    replies = vault.call_together(list(acts))
    assert sorted(type(reply).__name__ for reply in replies) == ["Activated", "Refused"]
    assert vault.rows("SELECT count(*) FROM vault.passkey") == [(1,)]


def test_posted_code_binds_one_device_of_its_account_once(
    vault: Vault, paul: tuple[SoftwareBrowser, CodeApp, Activated], claire: Person
) -> None:
    _, app, _ = paul
    hers = expect(Enrolled, vault.operate(IssueCode("claire", "device"))).code
    his = expect(Enrolled, vault.operate(IssueCode("paul", "device"))).code
    browser = vault.browser()
    # A posted code alone is nothing: it completes password and one-time code.
    waiting = expect(DevicePending, browser.sign_in_with_password("paul", app.code()))
    assert (
        refusal(browser.introduce("sign-in/posted", pending=waiting.pending, posted_code=hers))
        == "credentials"
    )
    opened = expect(SignedIn, browser.introduce("sign-in/posted", pending=waiting.pending, posted_code=his))
    assert (opened.login, opened.assurance) == ("paul", Assurance.PASSWORD_TOTP)
    vault.time.advance(30 * SECOND)
    again = vault.browser()
    waiting = expect(DevicePending, again.sign_in_with_password("paul", app.code()))
    assert (
        refusal(again.introduce("sign-in/posted", pending=waiting.pending, posted_code=his)) == "credentials"
    )


def test_codes_of_one_purpose_serve_no_other(vault: Vault, claire: Person) -> None:
    posted = expect(Enrolled, vault.operate(IssueCode("claire", "device"))).code
    assert refusal(vault.browser().introduce("activation/begin", activation_code=posted)) == "activation"


# ── what outlives a right ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lapsed_device_still_counts_as_bound_but_a_forgotten_one_does_not(
    vault: Vault, paul: tuple[SoftwareBrowser, CodeApp, Activated]
) -> None:
    browser, app, _ = paul
    vault.time.advance(13 * HOUR)
    assert browser.refused("security") == "session"
    expect(SignedIn, browser.sign_in_with_password("paul", app.code()))
    # Unused for three months, it may be anybody's.
    vault.time.advance(91 * 24 * HOUR)
    assert pending_code(browser.sign_in_with_password("paul", app.code()))


def test_removed_employees_open_session(vault: Vault, claire: Person) -> None:
    paul = activated(vault, "paul", claire.establishment)
    expect(Answer, check_right(vault, paul.browser))
    ((account,),) = vault.rows("SELECT id FROM vault.account WHERE login = 'paul'")
    claire.browser.expect(Done, "members/remove", establishment="", account=str(account))
    assert paul.browser.refused("security") == "session"
    # The vault's memory of his session authorises nothing: the SQL call reads it again.
    assert refusal(check_right(vault, paul.browser)) == "session"
    assert refusal(paul.browser.sign_in(paul.passkey)) == "forbidden"


def test_removed_device(vault: Vault, claire: Person) -> None:
    stolen = vault.browser("Portable volé")
    expect(SignedIn, stolen.sign_in(claire.passkey))
    expect(Answer, check_right(vault, stolen))
    device = next(d for d in claire.browser.security().devices if not d.current)
    claire.browser.expect(Done, "device/remove", id=device.id)
    assert stolen.refused("security") == "session"
    assert refusal(check_right(vault, stolen)) == "session"
    assert claire.browser.security().sessions == 1


def test_signed_out_elsewhere(vault: Vault, claire: Person) -> None:
    forgotten = vault.browser()
    expect(SignedIn, forgotten.sign_in(claire.passkey))
    claire.browser.expect(Done, "sign-out-elsewhere")
    assert forgotten.refused("security") == "session"
    claire.browser.expect(Done, "sign-out")
    assert claire.browser.refused("security") == "session"


def test_old_proof_touches_no_factor(vault: Vault, claire: Person) -> None:
    vault.time.advance(5 * MINUTE + 1)
    for path, body in (
        ("passkey/begin", {}),
        ("totp/begin", {}),
        ("recovery/renew", {}),
        ("factor/remove", {"id": ""}),
        ("password/change", {"old": "", "new": PASSWORD}),
        ("device/approve", {"pending": "", "code": ""}),
        ("members/invite", {"establishment": "", "login": "paul", "role": "employee"}),
    ):
        assert claire.browser.refused(path, **body) == "step-up", path
    claire.browser.step_up(claire.passkey)
    claire.browser.expect(Challenge, "passkey/begin")
