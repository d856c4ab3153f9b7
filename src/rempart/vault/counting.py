"""Whom an act would touch. What concerns everybody is counted one at a time and remembered for a minute: asking again is free."""

import asyncio
from dataclasses import dataclass, field

from rempart.foundation.clock import MINUTE
from rempart.foundation.errors import Refusal
from rempart.vault import store_desk
from rempart.vault.store_accounts import Connection
from rempart.vault.zone import Zone

KEPT = MINUTE
"""How old a count may be that is shown."""


class CountUnderWay(Refusal):
    """Somebody else has everybody counted just now."""

    code = "saturated"


@dataclass
class Counts:
    """This process's own, by what was counted: (instant, counted)."""

    kept: dict[str, tuple[int, dict[str, int]]] = field(default_factory=dict)
    one: asyncio.Lock = field(default_factory=asyncio.Lock)


async def reach(zone: Zone, c: Connection, scope: str, key: str) -> dict[str, int]:
    """As `store_desk.reach` and `insurers`; {} for nobody. Raises CountUnderWay."""
    if not scope:
        return {}
    if scope not in store_desk.MANY:
        return await store_desk.reach(c, scope, key, zone.clock())
    return await _many(zone, c, scope, key) | await store_desk.insurers(c, scope, key)


async def _many(zone: Zone, c: Connection, scope: str, key: str) -> dict[str, int]:
    counts, now = of(zone), zone.clock()
    # A platform, an insurer and a lane are closed to the same people: everybody who asks.
    whom = key if scope == "profession" else ""
    at, found = counts.kept.get(whom, (0, None))
    if found is not None and 0 <= now - at < KEPT:
        return found
    # Nobody waits here: whoever waits holds one of the few connections.
    if counts.one.locked():
        raise CountUnderWay
    async with counts.one:
        found = await store_desk.reach(c, scope, key, now)
    counts.kept[whom] = now, found
    return found


def of(zone: Zone) -> Counts:
    """The zone's, for both its sides."""
    found = zone.memory.setdefault("counts", Counts())
    assert isinstance(found, Counts)
    return found
