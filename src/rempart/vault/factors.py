"""An account's own factors: adding, changing, removing them, by somebody who has just proven one. The last way in is never removed."""

import uuid
from dataclasses import dataclass

from rempart.foundation.clock import MINUTE
from rempart.vault import store_accounts as store
from rempart.vault import store_campaigns
from rempart.vault.asked import Asked, Body, Credential, Label, Nonce, Nothing, Secret, Short, clean_label
from rempart.vault.attempts import reserve, sign_in_keys
from rempart.vault.errors import Conflict, Credentials, LastFactor, NotThere
from rempart.vault.keystore import unwrap, wrap
from rempart.vault.notices import Audited, announce
from rempart.vault.passkeys import new_challenge, register
from rempart.vault.passwords import hash_password, matches, require_new, require_strong
from rempart.vault.recovery import RECOVERY_CODES, code_hash, new_code
from rempart.vault.sessions import read_id
from rempart.vault.store_accounts import Connection
from rempart.vault.totp import matching_step, new_secret, shown
from rempart.vault.zone import Zone
from rempart.vaultdoor.campaigns import Kind
from rempart.vaultdoor.messages import Challenge, Done, RecoveryCodes, TotpSecret

OFFER_LIFE = 15 * MINUTE
"""How long a TOTP secret that was shown may be confirmed."""
_REMOVED = {
    "passkey": Audited.PASSKEY_REMOVE,
    "password": Audited.PASSWORD_REMOVE,
    "totp": Audited.TOTP_REMOVE,
}


# ── passkeys ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def begin_passkey(asked: Asked, c: Connection, _body: Nothing) -> Challenge:
    """A challenge to register one more passkey; those known are excluded."""
    who = asked.who
    mine = tuple(row["credential"] for row in await store.passkeys(c, who.account))
    return new_challenge(
        asked.zone, "passkey", who.thumbprint, account=who.account, login=who.login, exclude=mine
    )


class AddPasskeyBody(Body, frozen=True):
    """A registration over the challenge of `begin_passkey`."""

    nonce: Nonce
    credential: Credential
    label: Label


async def add_passkey(asked: Asked, c: Connection, body: AddPasskeyBody) -> Done:
    """One more passkey. Raises Credentials (it does not verify), Conflict (it is known)."""
    who = asked.who
    made = await register(asked.zone, c, "passkey", body.nonce, who.thumbprint, who.account, body.credential)
    label = clean_label(body.label, "")
    added = await store.add_passkey(
        c,
        who.account,
        made.credential_id,
        made.credential_public_key,
        made.sign_count,
        label,
        asked.at,
    )
    if not added:
        raise Conflict("credential")
    await _tell(asked, c, Audited.PASSKEY_ADD, label)
    return Done()


class RemoveBody(Body, frozen=True):
    """`id`: from FactorView."""

    id: Short


async def remove(asked: Asked, c: Connection, body: RemoveBody) -> Done:
    """Remove a passkey, the password or TOTP; the account's other sessions are over. Raises NotThere, LastFactor."""
    account = asked.who.account
    # Two removals at once must not each see the other's factor.
    await store.account(c, account)
    await store_campaigns.retire_password(c, account, asked.at)
    kind = await store.remove_factor(c, account, read_id(body.id))
    if kind is None:
        raise NotThere("id")
    if not await store.can_sign_in(c, account):
        raise LastFactor
    await _end_elsewhere(asked, c)
    await _tell(asked, c, _REMOVED[kind])
    return Done()


# ── password ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class ChangePasswordBody(Body, frozen=True):
    """`old`: "" when none was set."""

    old: Secret
    new: Secret


@dataclass(frozen=True, slots=True)
class _Change:
    hashed: str
    former: str | None
    """The stored hash that `old` matched."""


async def prepare_change(asked: Asked, body: ChangePasswordBody) -> _Change:
    """Judge the old one (counted as an attempt), then the new one, and hash it. Raises Credentials, PasswordWeak."""
    who = asked.who
    async with asked.zone.pool.acquire() as c:
        stored = await store.password(c, who.account)
    former: str | None = stored["hash"] if stored is not None else None
    attempts = sign_in_keys(asked.zone.keys, who.login, who.thumbprint, bound=True)
    await reserve(asked.zone, attempts, asked.at)
    if (former is None and body.old) or (former is not None and not await matches(former, body.old)):
        raise Credentials
    # The old one was right: a new one that is refused is no failed attempt.
    async with asked.zone.pool.acquire() as c:
        await store.clear_attempts(c, attempts)
        earlier = await store_campaigns.former_passwords(c, who.account)
    breached = asked.zone.settings.breached_passwords_file
    await require_strong(body.new, login=who.login, former=body.old, breached=breached)
    await require_new(body.new, earlier)
    return _Change(await hash_password(body.new), former)


async def change_password(asked: Asked, c: Connection, _body: ChangePasswordBody, change: _Change) -> Done:
    """The new password counts from now on, and the account's other sessions are over. Raises Conflict when it changed meanwhile."""
    who = asked.who
    await store.account(c, who.account)
    stored = await store.password(c, who.account)
    if (stored["hash"] if stored is not None else None) != change.former:
        raise Conflict("password")
    await store_campaigns.retire_password(c, who.account, asked.at)
    await store.put_password(c, who.account, change.hashed, asked.at)
    await store_campaigns.fulfil(c, who.account, [Kind.PASSWORD], asked.at)
    await _end_elsewhere(asked, c)
    await _tell(asked, c, Audited.PASSWORD_CHANGE)
    return Done()


# ── one-time codes ───────────────────────────────────────────────────────────────────────────────────────────────────


async def begin_totp(asked: Asked, c: Connection, _body: Nothing) -> TotpSecret:
    """A new secret, shown once; it counts when `confirm_totp` has seen a code of it."""
    return await offer_totp(asked.zone, c, asked.who.account, asked.who.login, "session", asked.at)


class ConfirmTotpBody(Body, frozen=True):
    """`code`: what the application shows for the new secret."""

    code: Short


async def confirm_totp(asked: Asked, c: Connection, body: ConfirmTotpBody) -> Done:
    """The offered secret replaces the former one, and the account's other sessions are over. Raises Credentials."""
    who = asked.who
    wrapped = await store.offered_totp(c, who.account, "session", asked.at)
    if wrapped is None:
        raise Credentials
    step = matching_step(
        unwrap(asked.zone.keys, wrapped, sealing_context(who.account)), body.code.strip(), asked.at, 0
    )
    if step is None:
        raise Credentials
    await store.put_totp(c, who.account, wrapped, step, asked.at)
    await store.end_offer(c, who.account)
    await store_campaigns.fulfil(c, who.account, [Kind.TOTP], asked.at)
    await _end_elsewhere(asked, c)
    await _tell(asked, c, Audited.TOTP_SET)
    return Done()


async def renew_recovery(asked: Asked, c: Connection, _body: Nothing) -> RecoveryCodes:
    """Ten new recovery codes; the former ones are void."""
    codes = await new_recovery_codes(asked.zone, c, asked.who.account, asked.at)
    await _tell(asked, c, Audited.RECOVERY_RENEW)
    return RecoveryCodes(codes)


# ── shared with activation ───────────────────────────────────────────────────────────────────────────────────────────


async def offer_totp(
    zone: Zone, c: Connection, account: uuid.UUID, login: str, place: str, now: int
) -> TotpSecret:
    """Make a secret, keep it sealed for 15 minutes, show it. `place`: activation or session; it is confirmed where it was shown."""
    secret = new_secret()
    wrapped = wrap(zone.keys, secret, sealing_context(account))
    await store.offer_totp(c, account, wrapped, place, now + OFFER_LIFE)
    return shown(secret, login)


async def new_recovery_codes(zone: Zone, c: Connection, account: uuid.UUID, now: int) -> list[str]:
    """Ten codes, kept as keyed hashes; the former ones are void."""
    codes = [new_code() for _ in range(RECOVERY_CODES)]
    hashes = [code_hash(zone.keys, "recovery", code, account) for code in codes]
    await store.put_recovery_codes(c, account, hashes, now)
    return codes


def sealing_context(account: uuid.UUID) -> bytes:
    """A TOTP secret opens beside its own account only."""
    return b"totp\0" + account.bytes


async def _end_elsewhere(asked: Asked, c: Connection) -> None:
    """What the former factor opened, or made wait, is over; this session stays."""
    await store.close_sessions(c, asked.who.account, but=asked.who.session)
    await store.end_waiting(c, asked.who.account)


async def _tell(asked: Asked, c: Connection, act: Audited, detail: str = "") -> None:
    who = asked.who
    await announce(c, asked.at, who.account, who.login, act, detail=detail, device=who.device)
