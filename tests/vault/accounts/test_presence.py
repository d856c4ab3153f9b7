"""A touch for the pace is a routine gesture: malware on the workstation may ask for it at any time, and gets look-ups by it alone."""

import asyncio
import time

import msgspec
import pytest

from rempart.foundation.clock import HOUR, MINUTE, SECOND
from rempart.foundation.vocabulary import Assurance, Profession, Role
from rempart.vault.acts import ACTS, Who
from rempart.vault.policy import CONFIRMED, HOUR_SLOT, LINES, MONTH_SLOT, WIDENINGS_A_DAY
from rempart.vaultdoor.messages import (
    Act,
    Answer,
    Challenge,
    Done,
    RecoveryCodes,
    Refused,
    Reply,
    SignedIn,
    ThrowSwitch,
)
from tests.authenticator import expect
from tests.vault.accounts.conftest import Person, Vault, activated
from tests.vault.accounts.test_attacks import check_right, refusal, told
from tests.vault.accounts.test_factors import add_password_and_app

SENSITIVE = [
    path.removeprefix("/acts/") for path, rule in ACTS.items() if rule.who in {Who.STEP_UP, Who.MANAGER}
]
PACE = LINES[Profession.PHARMACY].pace


def asking(path: str) -> dict[str, object]:
    """A body that parses."""
    given: dict[str, object] = {
        "nonce": "A" * 43,
        "credential": {},
        "before": 0,
        "role": "employee",
        "member": "M1",
    }
    return {name: given.get(name, "") for name in ACTS[f"/acts/{path}"].body.__struct_fields__}


def hurried(vault: Vault, units: int = PACE) -> None:
    """Every device has spent so much in this quarter of an hour."""
    with vault.database.connect() as owner:
        owner.execute(
            "UPDATE vault.meter SET hour = ARRAY[%s, 0, 0, 0, 0], hour_slot = %s WHERE kind = 2",
            (units, vault.clock() // HOUR_SLOT),
        )


# ── what a touch does not open ───────────────────────────────────────────────────────────────────────────────────────


def test_a_pace_touch_does_not_open_passkey_add_for_malware(vault: Vault, claire: Person) -> None:
    """The malware speaks from Claire's own browser, with her key and session, a moment after her honest touch."""
    vault.time.advance(6 * MINUTE)
    hurried(vault)
    assert refusal(check_right(vault, claire.browser)) == "step-up"
    claire.browser.confirm(claire.passkey)
    expect(Answer, check_right(vault, claire.browser))
    answers, journal = told(vault), vault.journal()
    assert {"passkey/add", "device/approve", "members/invite", "recovery/renew"} <= set(SENSITIVE)
    for path in SENSITIVE:
        assert claire.browser.refused(path, **asking(path)) == "step-up", path
    assert vault.rows("SELECT count(*) FROM vault.passkey") == [(1,)]
    assert vault.rows("SELECT count(*) FROM vault.account") == [(1,)]
    assert (told(vault), vault.journal()) == (answers, journal)


def test_a_person_signed_out_by_malware_who_signs_in_again_proves_nothing_for_it(
    vault: Vault, claire: Person
) -> None:
    """The morning's sign-in is as routine as the touch for the pace."""
    answers = told(vault)
    claire.browser.expect(Done, "sign-out")
    expect(SignedIn, claire.browser.sign_in(claire.passkey))
    for path in SENSITIVE:
        assert claire.browser.refused(path, **asking(path)) == "step-up", path
    assert vault.rows("SELECT count(*) FROM vault.passkey") == [(1,)]
    assert (told(vault), "session:prove" in vault.journal()) == (answers, False)


def test_a_proof_lifts_no_pace(vault: Vault, claire: Person) -> None:
    before = told(vault)
    hurried(vault)
    claire.browser.step_up(claire.passkey)
    assert refusal(check_right(vault, claire.browser)) == "step-up"
    assert told(vault) == before
    claire.browser.confirm(claire.passkey)
    expect(Answer, check_right(vault, claire.browser))
    assert told(vault) == before + 1


def test_a_switch_that_asks_for_a_person_wants_a_touch_for_look_ups_and_a_proof_for_factors(
    vault: Vault, claire: Person
) -> None:
    before = told(vault)
    throw = ThrowSwitch("account", "claire", reason="rythme anormal", on=True, minutes=0)
    expect(Done, vault.operate(throw))
    with vault.database.connect() as owner:
        owner.execute("UPDATE vault.switch SET hold = 'step-up'")
    vault.time.advance(SECOND)
    assert refusal(check_right(vault, claire.browser)) == "step-up"
    assert claire.browser.refused("recovery/renew") == "step-up"
    claire.browser.step_up(claire.passkey)
    assert refusal(check_right(vault, claire.browser)) == "step-up"
    claire.browser.expect(RecoveryCodes, "recovery/renew")
    vault.time.advance(6 * MINUTE)
    claire.browser.confirm(claire.passkey)
    expect(Answer, check_right(vault, claire.browser))
    assert claire.browser.refused("recovery/renew") == "step-up"
    assert told(vault) == before + 1


def test_a_touch_leaves_a_session_opened_by_password_what_it_was(vault: Vault, claire: Person) -> None:
    app = add_password_and_app(vault, claire)
    expect(SignedIn, claire.browser.sign_in_with_password("claire", app.code()))
    proven = vault.rows("SELECT proven FROM vault.session")
    vault.time.advance(MINUTE)
    claire.browser.confirm(claire.passkey)
    assert vault.rows("SELECT proven FROM vault.session") == proven
    assert vault.rows("SELECT assurance FROM vault.session") == [(int(Assurance.PASSWORD_TOTP),)]


# ── the ceremony ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("used", ["presence", "step-up"])
@pytest.mark.parametrize("asked", ["presence", "step-up", "software"])
def test_what_was_signed_for_one_purpose_serves_for_no_other(
    vault: Vault, claire: Person, asked: str, used: str
) -> None:
    vault.time.advance(6 * MINUTE)
    challenge = claire.browser.expect(Challenge, f"{asked}/begin")
    # Also when the page lies to the authenticator about what it is for.
    for shown in (challenge, msgspec.structs.replace(challenge, purpose=used)):
        credential = claire.passkey.use(shown, claire.browser.key)
        reply = claire.browser.ask(f"{used}/passkey", nonce=challenge.nonce, credential=credential)
        if asked == used:
            expect(Done, reply)
            break
        assert refusal(reply) == "credentials"
    session = vault.rows("SELECT stepped, proven FROM vault.session")[0]
    now = vault.clock()
    assert session == (
        now if asked == used == "presence" else 0,
        now if asked == used == "step-up" else now - 6 * MINUTE,
    )


def test_a_touch_without_user_verification_shows_nobody(vault: Vault, claire: Person) -> None:
    assert refusal(claire.browser.touch(claire.passkey, "presence", user_verified=False)) == "credentials"
    assert vault.rows("SELECT stepped FROM vault.session") == [(0,)]


def test_a_colleagues_passkey_shows_nobody_here(vault: Vault, claire: Person) -> None:
    anne = activated(vault, "anne", claire.establishment, Role.EMPLOYEE)
    assert refusal(claire.browser.touch(anne.passkey, "presence")) == "credentials"
    assert vault.rows("SELECT max(stepped) FROM vault.session") == [(0,)]


def test_a_touch_replayed_lifts_nothing(vault: Vault, claire: Person) -> None:
    challenge = claire.browser.expect(Challenge, "presence/begin")
    given = {"nonce": challenge.nonce, "credential": claire.passkey.use(challenge, claire.browser.key)}
    claire.browser.expect(Done, "presence/passkey", **given)
    first = vault.clock()
    vault.time.advance(MINUTE)
    assert claire.browser.refused("presence/passkey", **given) == "credentials"
    assert vault.rows("SELECT stepped FROM vault.session") == [(first,)]


def test_every_touch_is_in_the_journal(vault: Vault, claire: Person) -> None:
    claire.browser.confirm(claire.passkey)
    assert '"act": "session:confirm", "object": "claire"' in vault.journal()
    assert "session:prove" not in vault.journal()


# ── how much touches give ────────────────────────────────────────────────────────────────────────────────────────────


def test_touches_collected_in_advance_do_not_add_up(vault: Vault, claire: Person) -> None:
    hurried(vault, 12)
    for _ in range(4):
        claire.browser.confirm(claire.passkey)
    assert vault.rows("SELECT stepped_upto FROM vault.session") == [(12 + CONFIRMED,)]


def test_a_person_who_touches_whenever_malware_asks_lifts_the_pace_up_to_the_hours_limit_and_no_further(
    vault: Vault, claire: Person
) -> None:
    before, touches = told(vault), 0
    while (code := refused_at_last(vault, claire)) == "step-up":
        claire.browser.confirm(claire.passkey)
        touches += 1
        assert touches < 100
    assert code == "exhausted"
    hour = LINES[Profession.PHARMACY].device[0]
    ((spent,),) = vault.rows("SELECT hour[1] FROM vault.meter WHERE kind = 2")
    assert PACE < spent <= hour
    assert touches <= (hour - PACE) // CONFIRMED + 1
    assert told(vault) > before


def refused_at_last(vault: Vault, person: Person) -> str:
    """Misses, until one is refused."""
    for _ in range(100):
        reply = check_right(vault, person.browser)
        if isinstance(reply, Refused):
            return reply.code
    raise AssertionError


def test_confirmations_at_once_widen_a_line_no_more_often_than_one_after_the_other(
    vault: Vault, claire: Person
) -> None:
    """Two colleagues' touches meet on the establishment's line, which was lengthened as often today as may be, but once."""
    anne = activated(vault, "anne", claire.establishment, Role.EMPLOYEE)
    acts = [presence(person) for person in (claire, anne)]
    exhaust(vault, claire.establishment, widened=WIDENINGS_A_DAY - 1)
    assert [type(reply) for reply in together_behind(vault, claire.establishment, acts)] == [Done, Done]
    assert widenings(vault, claire.establishment) == WIDENINGS_A_DAY


def presence(person: Person) -> Act:
    """Signed, not sent."""
    challenge = person.browser.expect(Challenge, "presence/begin")
    credential = person.passkey.use(challenge, person.browser.key)
    return person.browser.signed(
        "/acts/presence/passkey", {"nonce": challenge.nonce, "credential": credential}
    )


def exhaust(vault: Vault, key: str, *, widened: int) -> None:
    """A line so far beyond its end that no widening reaches it."""
    with vault.database.connect() as owner:
        owner.execute(
            "UPDATE vault.meter SET month[1] = 100000, month_slot = %s WHERE key = %s",
            (vault.clock() // MONTH_SLOT, key),
        )
        for _ in range(widened):
            owner.execute("INSERT INTO vault.widening VALUES (%s, %s, 60)", (key, vault.clock() - HOUR))


def widenings(vault: Vault, key: str) -> int:
    return int(vault.rows(f"SELECT count(*) FROM vault.widening WHERE key = '{key}'")[0][0])


def together_behind(vault: Vault, key: str, acts: list[Act]) -> list[Reply]:
    """All of them reach the meter while somebody else holds it, and go on when it is let go."""

    async def race() -> list[Reply]:
        with vault.database.connect() as watcher, vault.database.connect() as holder:
            with holder.transaction():
                holder.execute("SELECT FROM vault.meter WHERE key = %s FOR UPDATE", (key,))
                sent = [asyncio.create_task(vault.door.call(act)) for act in acts]
                deadline = time.monotonic() + 10
                waits = b"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rempart-vault' AND wait_event_type = 'Lock'"
                while watcher.execute(waits).fetchone() != (len(acts),):
                    assert time.monotonic() < deadline
                    await asyncio.sleep(0.01)
            return list(await asyncio.gather(*sent))

    return vault.runner.run(race())
