"""Signing in. A passkey vouches for any device; a password and a one-time code are worth something on an already bound device only.

Elsewhere they make the device wait (`DevicePending`) until a bound device approves it or a posted code is typed on it. A wrong login does
the work of a right one, and every wrong answer is the same: `credentials`.
"""

import uuid
from dataclasses import dataclass

from rempart.foundation.clock import MINUTE
from rempart.foundation.vocabulary import Assurance
from rempart.vault import store_accounts as store
from rempart.vault.asked import (
    Asked,
    Assertion,
    Body,
    Credential,
    Introduced,
    Introduction,
    Label,
    Nonce,
    Secret,
    Short,
    clean_label,
)
from rempart.vault.attempts import note_refusal, reserve, sign_in_keys, tell_failures
from rempart.vault.devices import bind
from rempart.vault.errors import Credentials, SessionOver
from rempart.vault.keystore import KeyStore, unwrap
from rempart.vault.notices import Audited, announce, journal
from rempart.vault.passkeys import assert_passkey, new_challenge, own_challenge
from rempart.vault.passwords import matches, require_room
from rempart.vault.recovery import approval_code, code_hash
from rempart.vault.sessions import DORMANT, FRESH, has_other_door, open_session, read_id
from rempart.vault.store_accounts import Connection
from rempart.vault.totp import matching_step
from rempart.vault.zone import Zone
from rempart.vaultdoor.messages import Challenge, DevicePending, Done, SignedIn

WAIT = 10 * MINUTE
"""How long a new device waits for approval."""
MOST_WAITING = 5
"""Devices of one account that may wait at once."""
_NOBODY = uuid.UUID(int=0)


# ── passkey ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def begin(asked: Introduced, _c: Connection, _body: Introduction) -> Challenge:
    """A challenge for whoever holds a passkey: nobody is named, so nobody is revealed."""
    return new_challenge(asked.zone, "sign-in", asked.thumbprint)


class PasskeyBody(Introduction, frozen=True):
    """An assertion over the challenge of `begin`."""

    device_label: Label
    nonce: Nonce
    credential: Credential


async def with_passkey(asked: Introduced, c: Connection, body: PasskeyBody) -> SignedIn:
    """Bind this device, or make it fresh again, and open a session with the whole line. Raises Credentials."""
    found = await assert_passkey(
        asked.zone, c, "sign-in", body.nonce, asked.thumbprint, None, body.credential
    )
    account, login = found["account"], found["login"]
    if await has_other_door(asked.zone, c, account):
        raise Credentials
    device = await bind(asked, c, account=account, login=login, label=body.device_label, how="passkey")
    await tell_failures(asked.zone, c, account, login, asked.at)
    return await open_session(
        c, account=account, login=login, device=device, assurance=Assurance.PASSKEY, now=asked.at
    )


# ── password and one-time code ───────────────────────────────────────────────────────────────────────────────────────


class PasswordBody(Introduction, frozen=True):
    """`code`: six digits of TOTP, or a recovery code."""

    device_label: Label
    login: Short
    password: Secret
    code: Short


@dataclass(frozen=True, slots=True)
class Judged:
    """Login, password and code are right. The code is still to be used up, in the transaction that acts on it."""

    account: uuid.UUID
    login: str
    device: uuid.UUID | None
    """The device that signed, if it is bound to this account."""
    step: int | None
    """The TOTP step, or None when it was a recovery code."""
    recovery: bytes
    attempts: tuple[bytes, ...]
    hashed: str
    """What the password was judged by: a password changed since then counts no more."""


async def judge(zone: Zone, thumbprint: bytes, login: str, password: str, code: str, now: int) -> Judged:
    """Judge all three at once. The attempt is counted before it is judged, so that a hundred at once are no more than five.

    Known and unknown logins take the same statements and one Argon2. Raises Credentials, whatever was wrong.
    """
    login = login.strip().lower()
    if "\0" in login:
        # No table can hold it, so that nothing is told by saying so before any work.
        raise Credentials
    require_room()
    async with zone.pool.acquire() as c:
        row = await store.credentials(c, login, thumbprint, now - DORMANT)
        account = row["id"] if row else None
        recovery = code_hash(zone.keys, "recovery", code, account or _NOBODY)
        spare = await store.recovery_code_stands(c, account, recovery)
        device = row["device"] if row else None
    attempts = sign_in_keys(zone.keys, login, thumbprint, bound=device is not None)
    await reserve(zone, attempts, now)
    right = await matches(row["hash"] if row else None, password)
    step = matching_step(_totp_secret(zone.keys, account, row["secret"] if row else None), code.strip(), now,
                         (row["last_step"] or 0) if row else 0)  # fmt: skip
    if (
        row is None
        or account is None
        or row["status"] != "active"
        or not right
        or (step is None and not spare)
    ):
        raise Credentials
    return Judged(account, login, device, step, recovery, attempts, row["hash"])


async def use_up(zone: Zone, c: Connection, judged: Judged, now: int) -> None:
    """The code counts once, and the attempts before it no more. Raises Credentials when somebody was faster, or the password changed."""
    if judged.step is not None:
        used = await store.use_totp_step(c, judged.account, judged.step, now)
    else:
        used = await store.use_recovery_code(c, judged.account, judged.recovery)
    if not used or not await store.use_password(c, judged.account, judged.hashed, now):
        raise Credentials
    await tell_failures(zone, c, judged.account, judged.login, now)
    await store.clear_attempts(c, judged.attempts)
    if judged.step is None:
        await announce(c, now, judged.account, judged.login, Audited.RECOVERY_USE, device=judged.device)


async def prepare_password(asked: Introduced, body: PasswordBody) -> Judged:
    """The slow part of `with_password`, outside any transaction."""
    try:
        return await judge(asked.zone, asked.thumbprint, body.login, body.password, body.code, asked.at)
    except Credentials:
        note_refusal(asked.zone, body.login, asked.thumbprint, asked.at)
        raise


async def with_password(
    asked: Introduced, c: Connection, body: PasswordBody, judged: Judged
) -> SignedIn | DevicePending:
    """A session with half the line on a bound device, made fresh again by it; elsewhere, a wait. Raises Credentials."""
    await use_up(asked.zone, c, judged, asked.at)
    if judged.device is None:
        return await _wait(asked, c, judged, body.device_label)
    await store.refresh_binding(c, judged.account, judged.device, asked.at + FRESH)
    return await open_session(
        c,
        account=judged.account,
        login=judged.login,
        device=judged.device,
        assurance=Assurance.PASSWORD_TOTP,
        now=asked.at,
    )


async def _wait(asked: Introduced, c: Connection, judged: Judged, label: str) -> DevicePending:
    # A recovery code replaces the telephone on a device that is known; it never makes one known.
    if judged.step is None:
        raise Credentials
    expires = asked.at + WAIT
    shown = clean_label(label, "Poste")
    pending = await store.ask_approval(
        c, judged.account, asked.thumbprint, shown, asked.at, expires, MOST_WAITING
    )
    if pending is None:
        raise Credentials
    await announce(c, asked.at, judged.account, judged.login, Audited.DEVICE_WAIT, detail=shown)
    return DevicePending(str(pending), approval_code(asked.zone.keys, pending, asked.thumbprint), expires)


# ── a device that waits ──────────────────────────────────────────────────────────────────────────────────────────────


class PendingBody(Introduction, frozen=True):
    """`pending`: from DevicePending."""

    pending: Short


class PostedBody(PendingBody, frozen=True):
    """`posted_code`: issued by the operator for one new device."""

    posted_code: Short


async def ask_again(asked: Introduced, c: Connection, body: PendingBody) -> SignedIn | DevicePending:
    """A session once a bound device approved, the same wait before. Raises SessionOver when the wait is over or was never this device's."""
    waiting = await _waiting(asked, c, body.pending)
    if waiting.approved:
        return await _admit(asked, c, waiting, "approval")
    code = approval_code(asked.zone.keys, waiting.id, asked.thumbprint)
    return DevicePending(str(waiting.id), code, waiting.expires)


async def with_posted_code(asked: Introduced, c: Connection, body: PostedBody) -> SignedIn:
    """A session on a waiting device by the posted code of the same account, used up. Raises Credentials, SessionOver."""
    waiting = await _waiting(asked, c, body.pending)
    posted = code_hash(asked.zone.keys, "device", body.posted_code)
    row = await store.code(c, posted, "device", asked.at)
    if row is None or row["account"] != waiting.account or not await store.use_code(c, posted):
        raise Credentials
    return await _admit(asked, c, waiting, "posted-code")


@dataclass(frozen=True, slots=True)
class _Waiting:
    id: uuid.UUID
    account: uuid.UUID
    login: str
    label: str
    expires: int
    approved: bool


async def _waiting(asked: Introduced, c: Connection, pending: str) -> _Waiting:
    wanted = read_id(pending)
    row = await store.pending(c, wanted, asked.at)
    if row is None or row["thumbprint"] != asked.thumbprint or row["status"] != "active":
        raise SessionOver
    return _Waiting(
        wanted, row["account"], row["login"], row["label"], row["expires"], row["approved"] is not None
    )


async def _admit(asked: Introduced, c: Connection, waiting: _Waiting, how: str) -> SignedIn:
    await store.end_pending(c, waiting.account, waiting.id)
    device = await bind(asked, c, account=waiting.account, login=waiting.login, label=waiting.label, how=how)
    return await open_session(
        c,
        account=waiting.account,
        login=waiting.login,
        device=device,
        assurance=Assurance.PASSWORD_TOTP,
        now=asked.at,
    )


# ── step-up: the same proofs, for somebody signed in ─────────────────────────────────────────────────────────────────


class StepUpPasswordBody(Body, frozen=True):
    """The same factors as at sign-in."""

    password: Secret
    code: Short


async def begin_step_up(asked: Asked, c: Connection, _body: Body) -> Challenge:
    """A challenge for one of the account's own passkeys."""
    return await own_challenge(asked.zone, c, "step-up", asked.who)


async def step_up_with_passkey(asked: Asked, c: Connection, body: Assertion) -> Done:
    """The session is proven anew, with a passkey's assurance from now on. It lifts no pace. Raises Credentials."""
    who = asked.who
    await assert_passkey(asked.zone, c, "step-up", body.nonce, who.thumbprint, who.account, body.credential)
    await _prove(c, asked, Assurance.PASSKEY)
    return Done()


async def _prove(c: Connection, asked: Asked, assurance: Assurance) -> None:
    who = asked.who
    await store.prove_session(c, who.session, asked.at, assurance)
    await journal(c, asked.at, who.login, Audited.SESSION_PROVE, who.login, assurance.name.lower())


async def prepare_step_up_password(asked: Asked, body: StepUpPasswordBody) -> Judged:
    """The slow part of `step_up_with_password`."""
    who = asked.who
    return await judge(asked.zone, who.thumbprint, who.login, body.password, body.code, asked.at)


async def step_up_with_password(
    asked: Asked, c: Connection, _body: StepUpPasswordBody, judged: Judged
) -> Done:
    """The session is proven anew; its assurance stays. Raises Credentials."""
    await use_up(asked.zone, c, judged, asked.at)
    await _prove(c, asked, Assurance.PASSWORD_TOTP)
    return Done()


def _totp_secret(keys: KeyStore, account: uuid.UUID | None, wrapped: bytes | None) -> bytes | None:
    if account is None or wrapped is None:
        return None
    return unwrap(keys, wrapped, b"totp\0" + account.bytes)
