"""Activation: the first factor and device of an account, or new ones for somebody who lost them all, by a code handed over on paper.

Whoever holds the code becomes the account's holder: everything that vouched for the account before is void at that instant.
"""

import uuid
from dataclasses import dataclass

from rempart.foundation.clock import MINUTE
from rempart.foundation.vocabulary import Assurance
from rempart.vault import store_accounts as store
from rempart.vault import store_campaigns
from rempart.vault.asked import Credential, Introduced, Introduction, Label, Nonce, Secret, Short, clean_label
from rempart.vault.devices import bind
from rempart.vault.errors import ActivationRefused, Conflict, Credentials
from rempart.vault.factors import new_recovery_codes, offer_totp, sealing_context
from rempart.vault.keystore import unwrap
from rempart.vault.notices import Audited, announce
from rempart.vault.passkeys import new_challenge, register
from rempart.vault.passwords import hash_password, require_new, require_strong
from rempart.vault.recovery import code_hash
from rempart.vault.sessions import has_other_door, open_session
from rempart.vault.store_accounts import Connection
from rempart.vault.totp import matching_step
from rempart.vaultdoor.campaigns import BLOCKING
from rempart.vaultdoor.messages import Activated, Challenge, TotpSecret

OFFER_LIFE = 15 * MINUTE


class CodeBody(Introduction, frozen=True):
    """`activation_code`: handed over by the operator or a titulaire."""

    activation_code: Short


class ActivatePasskeyBody(CodeBody, frozen=True):
    """A registration over the challenge of `begin`."""

    device_label: Label
    nonce: Nonce
    credential: Credential
    label: Label


class ActivatePasswordBody(CodeBody, frozen=True):
    """`code`: what the code application shows for the secret of `totp`."""

    device_label: Label
    password: Secret
    code: Short


@dataclass(frozen=True, slots=True)
class _Holder:
    """Whoever holds a code that stands."""

    account: uuid.UUID
    login: str
    code_hash: bytes
    status: str


async def begin(asked: Introduced, c: Connection, body: CodeBody) -> Challenge:
    """A challenge to register a passkey. Raises ActivationRefused."""
    holder = await _holder(asked, c, body.activation_code)
    return new_challenge(
        asked.zone, "activation", asked.thumbprint, account=holder.account, login=holder.login
    )


async def with_passkey(asked: Introduced, c: Connection, body: ActivatePasskeyBody) -> Activated:
    """The passkey is the first factor. Raises ActivationRefused, Credentials (the registration does not verify), Conflict."""
    holder = await _holder(asked, c, body.activation_code)
    made = await register(
        asked.zone, c, "activation", body.nonce, asked.thumbprint, holder.account, body.credential
    )
    await _start_afresh(c, holder, asked.at)
    added = await store.add_passkey(
        c,
        holder.account,
        made.credential_id,
        made.credential_public_key,
        made.sign_count,
        clean_label(body.label, ""),
        asked.at,
    )
    if not added:
        raise Conflict("credential")
    return await _activated(asked, c, holder, body.device_label, Assurance.PASSKEY)


async def totp(asked: Introduced, c: Connection, body: CodeBody) -> TotpSecret:
    """A new TOTP secret, to be confirmed by `with_password`. Raises ActivationRefused."""
    holder = await _holder(asked, c, body.activation_code)
    return await offer_totp(asked.zone, c, holder.account, holder.login, "activation", asked.at)


async def prepare_password(asked: Introduced, body: ActivatePasswordBody) -> str:
    """Judge and hash the password, for whoever holds a code that stands."""
    async with asked.zone.pool.acquire() as c, c.transaction():
        holder = await _holder(asked, c, body.activation_code)
        present = await store.password(c, holder.account)
        earlier = await store_campaigns.former_passwords(c, holder.account)
    await require_strong(
        body.password, login=holder.login, former="", breached=asked.zone.settings.breached_passwords_file
    )
    await require_new(body.password, [*earlier, *([present["hash"]] if present else [])])
    return await hash_password(body.password)


async def with_password(
    asked: Introduced, c: Connection, body: ActivatePasswordBody, hashed: str
) -> Activated:
    """Password and TOTP are the first factors. Raises ActivationRefused, PasswordWeak, Credentials (a wrong one-time code)."""
    holder = await _holder(asked, c, body.activation_code)
    wrapped = await store.offered_totp(c, holder.account, "activation", asked.at)
    if wrapped is None:
        raise Credentials
    secret = unwrap(asked.zone.keys, wrapped, sealing_context(holder.account))
    step = matching_step(secret, body.code.strip(), asked.at, 0)
    if step is None:
        raise Credentials
    await _start_afresh(c, holder, asked.at)
    await store.put_password(c, holder.account, hashed, asked.at)
    await store.put_totp(c, holder.account, wrapped, step, asked.at)
    return await _activated(asked, c, holder, body.device_label, Assurance.PASSWORD_TOTP)


async def _holder(asked: Introduced, c: Connection, activation_code: str) -> _Holder:
    hashed = code_hash(asked.zone.keys, "activation", activation_code)
    row = await store.code(c, hashed, "activation", asked.at)
    if row is None or row["status"] == "suspended" or await has_other_door(asked.zone, c, row["account"]):
        raise ActivationRefused
    return _Holder(row["account"], row["login"], hashed, row["status"])


async def _start_afresh(c: Connection, holder: _Holder, now: int) -> None:
    """Use the code up; void factors, devices, sessions and posted codes."""
    if not await store.use_code(c, holder.code_hash):
        raise ActivationRefused
    await store.unbind_all(c, holder.account)
    await store_campaigns.retire_password(c, holder.account, now)
    await store.remove_all_factors(c, holder.account)
    # Whatever was to be replaced is gone.
    await store_campaigns.fulfil(c, holder.account, sorted(BLOCKING), now)
    await store.drop_codes(c, holder.account, "device")
    await store.set_account_status(c, holder.account, "active")


async def _activated(
    asked: Introduced, c: Connection, holder: _Holder, device_label: str, assurance: Assurance
) -> Activated:
    # A recovery code stands for a one-time code, which operators have none of.
    codes = [] if asked.zone.at_desk else await new_recovery_codes(asked.zone, c, holder.account, asked.at)
    device = await bind(
        asked, c, account=holder.account, login=holder.login, label=device_label, how="activation"
    )
    await announce(c, asked.at, holder.account, holder.login, Audited.ACCOUNT_ACTIVATE, device=device)
    session = await open_session(
        c,
        account=holder.account,
        login=holder.login,
        device=device,
        assurance=assurance,
        now=asked.at,
        proven=True,
    )
    return Activated(session, codes)
