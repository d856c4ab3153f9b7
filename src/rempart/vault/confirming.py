"""A person confirmed by passkey, with user verification, that they are at this device: the pace is lifted a little, an exhausted line is
lengthened. A thief who holds the session, or a copied profile, cannot; and gets little from the honest person's own touch."""

import uuid

from rempart.foundation.clock import DAY
from rempart.vault import store_accounts as store
from rempart.vault.asked import Speaker
from rempart.vault.events import Event
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

SHORT = MISS_WEIGHT * max(LANE_WEIGHT.values())
"""Units: below this some request may find no room."""


async def confirm(zone: Zone, c: Connection, who: Speaker, now: int) -> None:
    """In the transaction that verified the passkey. Detection is told: a robot cannot do this."""
    zone.events.note(Event(now, "confirmed", who.account, who.device, who.establishment))
    spent, _ = await store.spent(c, who.device, now // HOUR_SLOT, now // DAY_SLOT)
    await store.step_session(c, who.session, now, spent + CONFIRMED)
    if who.profession is None or who.profession not in LINES or who.establishment is None:
        return
    line = LINES[who.profession]
    bases = {
        who.account: line.account[2],
        who.device: line.device[2],
        who.establishment: line.establishment[2],
    }
    for key in sorted(bases):
        if await _left(c, key, bases[key], now) < SHORT:
            await _widen(c, key, now)


async def _left(c: Connection, key: uuid.UUID, base: int, now: int) -> int:
    return base - await store.line_spent(c, key, now // MONTH_SLOT)


async def _widen(c: Connection, key: uuid.UUID, now: int) -> None:
    if await store.widenings(c, key, now - DAY) < WIDENINGS_A_DAY:
        await store.widen(c, key, now, WIDENING)
