"""One caller's excess is that caller's refusal: it never ends the connection that everybody's requests share, nor makes a fault of ours."""

import asyncio

import msgspec
import pytest

from rempart.foundation.clock import SECOND
from rempart.vault import signature
from rempart.vaultdoor.frames import MAX_FRAME
from rempart.vaultdoor.messages import (
    Act,
    Challenge,
    Envelope,
    Health,
    Healthy,
    Members,
    Message,
    Refused,
    SignedIn,
)
from tests.authenticator import ORIGIN, expect
from tests.vault.accounts.conftest import Person, Vault


def test_a_request_with_a_giant_header_harms_nobody_elses(vault: Vault) -> None:
    giant = Act("POST", "/acts/sign-in/begin", "d", "é" * MAX_FRAME, "s", "", b"{}")
    replies = vault.call_together([Health(), giant, Health()])
    assert [type(reply) for reply in replies] == [Healthy, Refused, Healthy]
    assert expect(Refused, replies[1]).code == "too-large"


@pytest.mark.parametrize(("people", "answer"), [(2_000, Members), (24_000, Refused)])
def test_a_reply_beyond_a_frame_is_refused_and_harms_nobody_elses(
    vault: Vault, claire: Person, people: int, answer: type[Message]
) -> None:
    # A titulaire who invites without end: the list of members no longer fits.
    with vault.database.connect() as owner:
        owner.execute(
            "INSERT INTO vault.account (id, login, added)"
            " SELECT gen_random_uuid(), rpad('crowd-' || n, 60, 'x'), 1 FROM generate_series(1, %s) n",
            (people,),
        )
        owner.execute(
            "INSERT INTO vault.membership (account, establishment, role, added)"
            " SELECT a.id, (SELECT establishment FROM vault.session LIMIT 1), 'employee', 1"
            " FROM vault.account a WHERE a.login LIKE 'crowd-%'"
        )
        owner.commit()
    asked = claire.browser.signed("/acts/members", {"establishment": ""})
    replies = vault.call_together([Health(), asked, Health()])
    assert [type(reply) for reply in replies] == [Healthy, answer, Healthy]
    assert not isinstance(replies[1], Refused) or replies[1].code == "too-large"


def test_a_deeply_nested_body_and_a_login_no_table_can_hold_are_bad_input(vault: Vault) -> None:
    browser = vault.browser()
    nested = b'{"credential":' + b"[" * 30_000
    act = browser.key.act(ORIGIN, "/acts/sign-in/passkey", nested, vault.clock() // SECOND)
    assert expect(Refused, vault.call(act)).code == "bad-input"
    assert expect(Refused, browser.sign_in_with_password("cla\0ire", "123456")).code == "credentials"


def test_a_frame_that_is_no_utf_8_ends_its_own_connection_and_the_vault_goes_on(vault: Vault) -> None:
    garbage = msgspec.msgpack.encode(Envelope(1, Act("POST", "/x", "", "", "", "", b""))).replace(
        b"/x", b"\xff\xfe"
    )

    async def send() -> bytes:
        reader, writer = await asyncio.open_unix_connection(vault.zone.settings.run_folder / "door.sock")
        writer.write(len(garbage).to_bytes(4, "big") + garbage)
        await writer.drain()
        try:
            return await asyncio.wait_for(reader.read(), 10)
        finally:
            writer.close()

    assert vault.runner.run(send()) == b""
    assert isinstance(vault.call(Health()), Healthy)


WINDOW = (2 * signature.FRESH_SECONDS + 1) * SECOND
"""After which the older half of the nonces is forgotten."""


def test_keys_that_anybody_makes_fill_no_memory_and_turn_no_bound_device_away(
    vault: Vault, claire: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thief holds nothing: each request is signed by a key made for it."""
    vault.time.advance(60 * 60 * SECOND)
    vault.browser().introduce("sign-in/begin")
    vault.time.advance(WINDOW)
    monkeypatch.setattr(signature, "MOST_STRANGERS", 20)
    answers = [vault.browser().introduce("sign-in/begin") for _ in range(30)]
    # One was here before them.
    assert [type(answer) for answer in answers] == [Challenge] * 19 + [Refused] * 11
    assert {answer.code for answer in answers if isinstance(answer, Refused)} == {"saturated"}
    # Whoever is signed in goes on, and whoever was let in once signs in, with a nonce that is good once, here as ever.
    assert isinstance(claire.browser.ask("members", establishment=""), Members)
    begun = claire.browser.signed("/acts/sign-in/begin", {"device_key": claire.browser.key.public})
    assert isinstance(vault.call(begun), Challenge)
    assert expect(Refused, vault.call(begun)).code == "stale"
    assert isinstance(claire.browser.sign_in(claire.passkey), SignedIn)
    # What strangers left is forgotten when it is too old to be used again; not before: the one who came first makes room for one.
    vault.time.advance(WINDOW)
    answers = [vault.browser().introduce("sign-in/begin") for _ in range(3)]
    assert [type(answer) for answer in answers] == [Challenge, Refused, Refused]
    vault.time.advance(WINDOW)
    answers = [vault.browser().introduce("sign-in/begin") for _ in range(3)]
    assert [type(answer) for answer in answers] == [Challenge] * 3
    # Nobody was told of anybody, and no account, device or attempt is left of it.
    assert vault.rows("SELECT size FROM evidence.log") == [(0,)]
    assert vault.rows("SELECT count(*) FROM vault.device") == [(1,)]


def test_a_nonce_noted_of_a_stranger_is_not_new_once_the_key_is_known(
    vault: Vault, claire: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = claire.browser.signed("/acts/sign-in/begin", {"device_key": claire.browser.key.public})
    assert isinstance(vault.call(begun), Challenge)
    monkeypatch.setattr(signature, "MOST_STRANGERS", 0)
    assert expect(Refused, vault.call(begun)).code == "stale"
