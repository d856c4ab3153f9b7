"""Devices: which browser keys speak for an account, how each came to, and for how long.

A binding is made by activation, by a passkey used on the device, by approval from a bound device, or by a posted code; by nothing else.
"""

import hmac
import uuid

from rempart.vault import store_accounts as store
from rempart.vault.asked import Asked, Body, Introduced, Short, clean_label
from rempart.vault.attempts import approval_key, reserve
from rempart.vault.errors import Credentials, NotThere
from rempart.vault.notices import Audited, announce
from rempart.vault.recovery import approval_code, read_code
from rempart.vault.sessions import FRESH, read_id
from rempart.vault.store_accounts import Connection
from rempart.vaultdoor.messages import Done


async def bind(
    asked: Introduced, c: Connection, *, account: uuid.UUID, login: str, label: str, how: str
) -> uuid.UUID:
    """Bind the device that signed, fresh for 12 h; its id. A device new to the account is announced to the others.

    `how`: activation, passkey, approval or posted-code.
    """
    shown = clean_label(label, "Poste")
    device, new = await store.bind_device(
        c,
        account,
        asked.thumbprint,
        asked.point,
        label=shown,
        how=how,
        now=asked.at,
        fresh_until=asked.at + FRESH,
    )
    if new:
        await announce(c, asked.at, account, login, Audited.DEVICE_BIND, detail=shown, device=device)
    return device


class RemoveBody(Body, frozen=True):
    """`id`: a device of the account's, or one that waits."""

    id: Short


async def remove(asked: Asked, c: Connection, body: RemoveBody) -> Done:
    """Unbind a device, and with it its sessions; or turn away one that waits. Raises NotThere."""
    who, wanted = asked.who, read_id(body.id)
    label = await store.unbind(c, who.account, wanted) or await store.end_pending(c, who.account, wanted)
    if label is None:
        raise NotThere("id")
    await announce(
        c, asked.at, who.account, who.login, Audited.DEVICE_REMOVE, detail=label, device=who.device
    )
    return Done()


class ApproveBody(Body, frozen=True):
    """`code`: what the waiting device shows."""

    pending: Short
    code: Short


async def prepare_approval(asked: Asked, _body: ApproveBody) -> None:
    """Count the attempt first: forty bits stay forty bits."""
    await reserve(asked.zone, (approval_key(asked.zone.keys, asked.who.account),), asked.at)


async def approve(asked: Asked, c: Connection, body: ApproveBody, _counted: None) -> Done:
    """Let a waiting device in, by the code it shows. Raises NotThere, Credentials (a wrong code)."""
    who, wanted = asked.who, read_id(body.pending)
    row = await store.pending(c, wanted, asked.at)
    if row is None or row["account"] != who.account:
        raise NotThere("pending")
    shown = read_code(approval_code(asked.zone.keys, wanted, row["thumbprint"]))
    if not hmac.compare_digest(read_code(body.code).encode(), shown.encode()):
        raise Credentials
    await store.clear_attempts(c, [approval_key(asked.zone.keys, who.account)])
    await store.approve(c, wanted, asked.at)
    await announce(
        c, asked.at, who.account, who.login, Audited.DEVICE_APPROVE, detail=row["label"], device=who.device
    )
    return Done()
