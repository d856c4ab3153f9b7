"""The acts: one closed table path → who may → handler. What is not in it does not exist, and no door has a say in it.

`perform` proves who speaks, in this order: the path's rule; the session and all it stands on; the signature, by the session's own device
(or, for anyone, by the key in the body) and, where that is a software, by its editor; the rank, then the proof's age. Slow work (Argon2)
is done before the transaction; the session is then read again under lock, and the handler does its act in that same transaction.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import asyncpg

from rempart.foundation.clock import SECOND
from rempart.foundation.errors import Outage
from rempart.vault import (
    activation,
    campaigns,
    confirming,
    consultations,
    devices,
    editors,
    factors,
    lookups,
    members,
    notices,
    offline_use,
    sessions,
    signin,
    software,
)
from rempart.vault import store_accounts as store
from rempart.vault.asked import Asked, Assertion, Body, Introduced, Introduction, Nothing, Speaker
from rempart.vault.errors import (
    Conflict,
    DeviceNotBound,
    Forbidden,
    NoSuchAct,
    StepUpNeeded,
    TooLarge,
)
from rempart.vault.events import Event
from rempart.vault.signature import (
    FRESH_SECONDS,
    ClaimedSignature,
    SignatureInvalid,
    Stale,
    public_key_of,
    read_signature,
    thumbprint,
    verify,
)
from rempart.vault.store_accounts import Connection
from rempart.vault.zone import Zone
from rempart.vaultdoor.bodies import read_body
from rempart.vaultdoor.holds import Contained
from rempart.vaultdoor.messages import Act, Reply

MAX_BODY = 64 * 1024


class Who(Enum):
    """Who may, from least to most."""

    ANYONE = auto()
    """Any device key; the body shows it."""
    SESSION = auto()
    """Somebody signed in, on a fresh bound device."""
    STEP_UP = auto()
    """The same, with a proof of the last five minutes."""
    MANAGER = auto()
    """The same, and titulaire or administrator somewhere; the handler requires it of the place in question."""


@dataclass(frozen=True)
class Rule:
    """One act. `handler(asked, connection, body[, prepared])`; `prepare(asked, body)` is its slow part, outside the transaction."""

    who: Who
    body: type[Body]
    handler: Callable[..., Awaitable[Reply]]
    prepare: Callable[..., Awaitable[Any]] | None = None


ACTS: dict[str, Rule] = {
    "/acts/sign-in/begin": Rule(Who.ANYONE, Introduction, signin.begin),
    "/acts/sign-in/passkey": Rule(Who.ANYONE, signin.PasskeyBody, signin.with_passkey),
    "/acts/sign-in/password": Rule(Who.ANYONE, signin.PasswordBody, signin.with_password, signin.prepare_password),
    "/acts/sign-in/pending": Rule(Who.ANYONE, signin.PendingBody, signin.ask_again),
    "/acts/sign-in/posted": Rule(Who.ANYONE, signin.PostedBody, signin.with_posted_code),
    "/acts/activation/begin": Rule(Who.ANYONE, activation.CodeBody, activation.begin),
    "/acts/activation/passkey": Rule(Who.ANYONE, activation.ActivatePasskeyBody, activation.with_passkey),
    "/acts/activation/totp": Rule(Who.ANYONE, activation.CodeBody, activation.totp),
    "/acts/activation/password": Rule(
        Who.ANYONE, activation.ActivatePasswordBody, activation.with_password, activation.prepare_password),
    "/acts/here": Rule(Who.SESSION, Nothing, sessions.here),
    "/acts/to-do": Rule(Who.SESSION, Nothing, campaigns.to_do),
    "/acts/sign-out": Rule(Who.SESSION, Nothing, sessions.sign_out),
    "/acts/sign-out-elsewhere": Rule(Who.SESSION, Nothing, sessions.sign_out_elsewhere),
    "/acts/establishment/choose": Rule(Who.SESSION, sessions.ChooseBody, sessions.choose),
    "/acts/security": Rule(Who.SESSION, Nothing, notices.security),
    "/acts/notices/seen": Rule(Who.SESSION, Nothing, notices.seen),
    "/acts/step-up/begin": Rule(Who.SESSION, Nothing, signin.begin_step_up),
    "/acts/step-up/passkey": Rule(Who.SESSION, Assertion, signin.step_up_with_passkey),
    "/acts/step-up/password": Rule(
        Who.SESSION, signin.StepUpPasswordBody, signin.step_up_with_password, signin.prepare_step_up_password),
    "/acts/presence/begin": Rule(Who.SESSION, Nothing, confirming.begin),
    "/acts/presence/passkey": Rule(Who.SESSION, Assertion, confirming.with_passkey),
    "/acts/passkey/begin": Rule(Who.STEP_UP, Nothing, factors.begin_passkey),
    "/acts/passkey/add": Rule(Who.STEP_UP, factors.AddPasskeyBody, factors.add_passkey),
    "/acts/factor/remove": Rule(Who.STEP_UP, factors.RemoveBody, factors.remove),
    "/acts/password/change": Rule(
        Who.STEP_UP, factors.ChangePasswordBody, factors.change_password, factors.prepare_change),
    "/acts/totp/begin": Rule(Who.STEP_UP, Nothing, factors.begin_totp),
    "/acts/totp/confirm": Rule(Who.STEP_UP, factors.ConfirmTotpBody, factors.confirm_totp),
    "/acts/recovery/renew": Rule(Who.STEP_UP, Nothing, factors.renew_recovery),
    "/acts/device/remove": Rule(Who.SESSION, devices.RemoveBody, devices.remove),
    "/acts/device/approve": Rule(Who.STEP_UP, devices.ApproveBody, devices.approve, devices.prepare_approval),
    "/acts/journal": Rule(Who.SESSION, lookups.PageBody, lookups.page),
    "/acts/insurer/consultations": Rule(Who.STEP_UP, consultations.InquiryBody, consultations.ask),
    "/acts/members": Rule(Who.SESSION, members.PlaceBody, members.see),
    "/acts/members/join": Rule(Who.SESSION, members.JoinBody, members.join),
    "/acts/members/invite": Rule(Who.MANAGER, members.InviteBody, members.invite),
    "/acts/members/renew": Rule(Who.MANAGER, members.RenewBody, members.renew),
    "/acts/members/remove": Rule(Who.MANAGER, members.RemoveBody, members.remove),
    "/acts/software": Rule(Who.SESSION, software.PlaceBody, software.see),
    "/acts/software/invite": Rule(Who.MANAGER, software.InviteBody, software.invite),
    "/acts/software/remove": Rule(Who.MANAGER, software.RemoveBody, software.remove),
    "/acts/software/install": Rule(Who.ANYONE, software.InstallBody, software.install),
    "/acts/software/ask": Rule(Who.ANYONE, Introduction, software.ask),
    "/acts/software/collect": Rule(Who.ANYONE, software.CollectBody, software.collect),
    "/acts/software/asked": Rule(Who.SESSION, software.AskedBody, software.asked_of),
    "/acts/software/begin": Rule(Who.SESSION, Nothing, software.begin),
    "/acts/software/confirm": Rule(Who.SESSION, software.ConfirmBody, software.confirm, software.prepare_confirmation),
    "/acts/offline/report": Rule(Who.SESSION, offline_use.ReportBody, offline_use.report),
    "/acts/editor": Rule(Who.ANYONE, Introduction, editors.page),
    "/acts/editor/rotate": Rule(Who.ANYONE, Introduction, editors.rotate),
}  # fmt: skip


async def perform(act: Act, zone: Zone, table: Mapping[str, Rule] = ACTS) -> Reply:
    """Do what a signed request asks, if it may. Raises BadInput, Refusal or Outage; on any of them nothing was done."""
    rule = table.get(act.target)
    if rule is None or act.method != "POST":
        raise NoSuchAct
    if len(act.body) > MAX_BODY:
        raise TooLarge
    try:
        if rule.who is Who.ANYONE:
            return await _perform_introduced(rule, act, zone)
        return await _perform_signed_in(rule, act, zone)
    except asyncpg.UniqueViolationError as error:
        raise Conflict from error
    except store.LOST as error:
        raise Outage(type(error).__name__) from error


async def _perform_introduced(rule: Rule, act: Act, zone: Zone) -> Reply:
    body = read_body(act.body, rule.body)
    assert isinstance(body, Introduction)
    asked = await _introduced(act, body, zone)
    prepared = [await rule.prepare(asked, body)] if rule.prepare else []
    async with zone.pool.acquire() as c, c.transaction():
        return await rule.handler(asked, c, body, *prepared)


async def _introduced(act: Act, body: Introduction, zone: Zone) -> Introduced:
    """The key that the body shows signed the request; and an editor's beside it, if the request says so."""
    claimed = read_signature(act)
    x, y = body.device_key.x, body.device_key.y
    key = public_key_of(x, y)
    if thumbprint(x, y) != claimed.thumbprint:
        raise SignatureInvalid("keyid")
    now = zone.clock()
    # Asked only where it matters: a device that somebody bound signs in while strangers are turned away.
    bound = zone.nonces.is_crowded(now) and await store.is_bound(zone.pool, claimed.thumbprint)
    verify(act, claimed, key, origin=zone.settings.origin, now=now, seen=zone.nonces, stranger=not bound)
    numbers = key.public_numbers()
    point = b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    editor = await editors.signing_editor(zone, act, claimed, now)
    editor_key = claimed.editor.thumbprint if claimed.editor else b""
    return Introduced(zone, now, claimed.thumbprint, point, editor, editor_key)


async def _perform_signed_in(rule: Rule, act: Act, zone: Zone) -> Reply:
    claimed, now = read_signature(act), zone.clock()
    token_hash = sessions.token_hash(act.session)
    who = sessions.speaker(await store.session(zone.pool, token_hash, now), now)
    sessions.require_own_door(zone, who)
    # The session's own device must have signed: a cookie alone is worth nothing.
    if claimed.thumbprint != who.thumbprint:
        raise DeviceNotBound("keyid")
    verify(act, claimed, who.public_key, origin=zone.settings.origin, now=now, seen=zone.nonces)
    await editors.editor_of(zone, act, now, bound=who.editor)
    sessions.require_network(who, act.address)
    try:
        reply = await _judge_and_do(rule, act, zone, who, claimed, now)
    except (Forbidden, Contained) as refusal:
        # Who tries what is not theirs is seen, even where nothing came of it.
        tried = f"{act.target} {refusal.code}"
        zone.events.note(Event(now, "refused", who.account, who.device, who.establishment, detail=tried))
        raise
    sessions.forget(zone, act.session)
    return reply


async def _judge_and_do(
    rule: Rule, act: Act, zone: Zone, who: Speaker, claimed: ClaimedSignature, now: int
) -> Reply:
    # A software is nobody: what touches factors, devices and members is a person's, at a browser.
    if who.editor is not None and act.target not in software.MAY:
        raise Forbidden("software")
    token_hash = sessions.token_hash(act.session)
    body = read_body(act.body, rule.body)
    await _require_right(rule, zone.pool, who, now)
    # Before the slow part: nothing is hashed for what would be refused.
    await campaigns.require_nothing_due(zone.pool, who, act.target, now)
    prepared = [await rule.prepare(Asked(zone, now, act.session, who), body)] if rule.prepare else []
    async with zone.pool.acquire() as c, c.transaction():
        who = sessions.speaker(await store.lock_session(c, token_hash, now), now)
        sessions.require_network(who, act.address)
        await editors.require_active(c, who.editor)
        await _require_right(rule, c, who, now)
        await campaigns.require_nothing_due(c, who, act.target, now)
        await require_first_time(c, claimed, now)
        return await rule.handler(Asked(zone, now, act.session, who), c, body, *prepared)


async def require_first_time(c: Connection, claimed: ClaimedSignature, now: int) -> None:
    """Remembered beyond a restart of the vault, in the act's own transaction: what was done once is not done again. Raises Stale."""
    digest = hashlib.sha256(claimed.thumbprint + claimed.nonce.encode()).digest()
    if not await store.use_nonce(c, digest, now, (claimed.created + FRESH_SECONDS + 1) * SECOND):
        raise Stale("nonce")


async def _require_right(rule: Rule, c: Connection, who: Speaker, now: int) -> None:
    if rule.who is Who.SESSION:
        return
    # Rank before proof: who may not do it at all is not asked for a factor.
    if rule.who is Who.MANAGER and not await store.managed_establishments(c, who.account):
        raise Forbidden("role")
    # A thief who is contained leaves no factor, device or accomplice behind. Wider scopes do not count: while the platform is closed,
    # people renew what was stolen.
    hold = await store.hold_on(
        c, now, who.proven, (("account", str(who.account)), ("device", str(who.device)))
    )
    if hold == "closed":
        raise Contained
    sessions.require_proof(who, now)
    if hold is not None:
        # The last proof is older than the alert.
        raise StepUpNeeded
