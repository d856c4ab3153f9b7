"""The lock-out: five free attempts, then a wait that doubles. Counted by keyed hash, known or unknown alike, before anything is judged."""

import uuid

from rempart.foundation.clock import DAY, HOUR, MINUTE
from rempart.vault import store_accounts as store
from rempart.vault.errors import Credentials, TooManyInvitations
from rempart.vault.events import Event
from rempart.vault.keystore import KeyStore
from rempart.vault.notices import Audited, announce
from rempart.vault.store_accounts import Connection
from rempart.vault.zone import Zone

FREE = 5
FIRST_LOCK, LONGEST_LOCK = MINUTE, HOUR
"""The fifth failure locks for a minute; each further one for twice as long, up to an hour."""
FORGOTTEN = DAY
"""Failures older than this count no more."""
INVITATIONS = 30
"""A day, by one person."""


async def reserve(zone: Zone, keys: tuple[bytes, ...], now: int) -> None:
    """Count one attempt, durably, before it is judged: a hundred at once are no more than five. Raises Credentials while locked."""
    async with zone.pool.acquire() as c, c.transaction():
        admitted = await store.reserve_attempts(c, keys, now, now - FORGOTTEN, FREE, FIRST_LOCK, LONGEST_LOCK)
    if not admitted:
        raise Credentials


def sign_in_keys(keys: KeyStore, login: str, thumbprint: bytes, *, bound: bool) -> tuple[bytes, ...]:
    """What a sign-in is counted under: the device key, and the login as seen from there.

    A bound device has a count of its own for its login, so that nobody elsewhere can lock a person out at their own counter.
    """
    seen = _from_bound(keys, login, thumbprint) if bound else _elsewhere(keys, login)
    return keys.prf("codes")(b"attempt-device\0" + thumbprint), seen


def approval_key(keys: KeyStore, account: uuid.UUID) -> bytes:
    """What approving a device is counted under."""
    return keys.prf("codes")(b"attempt-approval\0" + account.bytes)


async def count_invitation(keys: KeyStore, c: Connection, account: uuid.UUID, now: int) -> None:
    """In the invitation's own transaction. Raises TooManyInvitations: whoever holds a manager's session learns few logins and opens few
    accounts with lines of their own.
    """
    key = keys.prf("codes")(b"invitations\0" + account.bytes)
    if not await store.reserve_attempts(c, (key,), now, now - FORGOTTEN, INVITATIONS, DAY, DAY):
        raise TooManyInvitations


def note_refusal(zone: Zone, login: str, thumbprint: bytes, now: int) -> None:
    """For detection: which login was tried and from which device, both as keyed hashes."""
    device = zone.keys.prf("codes")(b"event-device\0" + thumbprint)[:16]
    login_hash = _elsewhere(zone.keys, login.strip().lower()).hex()[:32]
    zone.events.note(Event(now, "sign-in-refused", device=uuid.UUID(bytes=device), detail=login_hash))


async def tell_failures(zone: Zone, c: Connection, account: uuid.UUID, login: str, now: int) -> None:
    """At the next right sign-in, tell the holder of failures elsewhere: telling at once would show which logins exist."""
    failures = await store.unannounced_attempts(c, _elsewhere(zone.keys, login), FREE)
    if failures:
        await announce(c, now, account, login, Audited.SIGN_IN_FAILURES, detail=str(failures))


def _elsewhere(keys: KeyStore, login: str) -> bytes:
    return keys.prf("codes")(b"attempt-elsewhere\0" + login.encode())


def _from_bound(keys: KeyStore, login: str, thumbprint: bytes) -> bytes:
    return keys.prf("codes")(b"attempt-bound\0" + thumbprint + login.encode())
