"""A person shows by passkey, with user verification, that they are at this device: the pace is lifted a little, an exhausted line is
lengthened. A thief who holds the session, or a copied profile, cannot; and gets little from the honest person's own touch.

It is a routine gesture, so it opens nothing else: what touches factors, devices and members asks for a proof (rempart.vault.signin), by a
challenge of another purpose, in other words on the page. Neither challenge serves for the other.
"""

import uuid

from rempart.foundation.clock import DAY
from rempart.vault import store_accounts as store
from rempart.vault import store_profiles
from rempart.vault.asked import Asked, Assertion, Nothing, Speaker
from rempart.vault.events import Event
from rempart.vault.notices import Audited, journal
from rempart.vault.passkeys import assert_passkey, own_challenge
from rempart.vault.policy import (
    CONFIRMED,
    DAY_SLOT,
    HOUR_SLOT,
    LANE_WEIGHT,
    LINES,
    MISS_WEIGHT,
    MONTH_SLOT,
    WIDENING,
    WIDENINGS_A_DAY,
)
from rempart.vault.store_accounts import Connection
from rempart.vault.zone import Zone
from rempart.vaultdoor.messages import Challenge, Done

SHORT = MISS_WEIGHT * max(LANE_WEIGHT.values())
"""Units: below this some request may find no room."""


async def begin(asked: Asked, c: Connection, _body: Nothing) -> Challenge:
    """A challenge for one of the account's own passkeys."""
    return await own_challenge(asked.zone, c, "presence", asked.who)


async def with_passkey(asked: Asked, c: Connection, body: Assertion) -> Done:
    """Somebody is at this device. The session is no more proven than before. Raises Credentials."""
    who = asked.who
    await assert_passkey(asked.zone, c, "presence", body.nonce, who.thumbprint, who.account, body.credential)
    await confirm(asked.zone, c, who, asked.at)
    await journal(c, asked.at, who.login, Audited.SESSION_CONFIRM, who.login)
    return Done()


async def confirm(zone: Zone, c: Connection, who: Speaker, now: int) -> None:
    """In the transaction that verified the passkey. Detection is told: a robot cannot do this."""
    zone.events.note(Event(now, "confirmed", who.account, who.device, who.establishment))
    bases = _lines(who)
    # A touch gives a bounded party no more of the policy than its profile does.
    widening, confirmed, *shared = await store_profiles.shared(
        c, who.establishment, (WIDENING, CONFIRMED, *bases.values())
    )
    bases = dict(zip(bases, shared, strict=True))
    # Before anything of them is read: of several confirmations at once, each sees what the one before it gave.
    await store.lock_meters(c, [who.device, *bases])
    spent, _ = await store.spent(c, who.device, now // HOUR_SLOT, now // DAY_SLOT)
    await store.step_session(c, who.session, now, spent + confirmed)
    for key in sorted(bases):
        if await _left(c, key, bases[key], now) < SHORT:
            await _widen(c, key, now, widening)


def _lines(who: Speaker) -> dict[uuid.UUID, int]:
    """The keys whose lines this person's look-ups spend, with their units; none where nobody checks a right."""
    if who.profession is None or who.profession not in LINES or who.establishment is None:
        return {}
    line = LINES[who.profession]
    return {
        who.account: line.account[2],
        who.device: line.device[2],
        who.establishment: line.establishment[2],
    }


async def _left(c: Connection, key: uuid.UUID, base: int, now: int) -> int:
    return base - await store.line_spent(c, key, now // MONTH_SLOT)


async def _widen(c: Connection, key: uuid.UUID, now: int, units: int) -> None:
    if await store.widenings(c, key, now - DAY) < WIDENINGS_A_DAY:
        await store.widen(c, key, now, units)
