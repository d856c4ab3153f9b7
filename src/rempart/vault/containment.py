"""What detection may throw: a switch on one device, account, establishment or editor. It can neither release nor hold anything larger.

The sentinel is another process, which reads much and is trusted with little: whoever takes it over can annoy some houses for an hour, and
opens nothing. A switch that holds more or longer stays as it is.
"""

import uuid
from collections import deque

import asyncpg

from rempart.foundation.clock import HOUR, MINUTE
from rempart.foundation.errors import BadInput, Outage, Refusal
from rempart.vault import store_accounts as store
from rempart.vault.notices import Audited, journal
from rempart.vault.store_accounts import Connection
from rempart.vault.switches import switch_key
from rempart.vault.zone import Zone
from rempart.vaultdoor.messages import Contain, Done

SENTINEL = "sentinel"
SCOPES = frozenset({"device", "account", "establishment", "editor"})
CLOSED_AN_HOUR = 200
"""Beyond, a person decides: so many thefts at once are a matter for the insurer's or the platform's switch."""
LONGEST = 28 * 24 * 60
_MEMORY = "containment"


class TooMany(Refusal):
    """Detection closes so many that something else is wrong."""

    code = "contained-too-many"
    french = "La détection a déjà fermé trop de postes en une heure : une personne doit décider."
    english = "Detection has closed too many in an hour already: a person must decide."


async def contain(call: Contain, zone: Zone) -> Done:
    """Throw it, journaled in the same transaction. Raises BadInput, NotThere (no such party), TooMany, Outage."""
    now = zone.clock()
    if call.scope not in SCOPES:
        raise BadInput("scope")
    _require_bounds(call)
    recent = _closed_lately(zone, now)
    if call.hold == "closed" and len(recent) >= CLOSED_AN_HOUR:
        raise TooMany
    try:
        async with zone.pool.acquire() as c, c.transaction():
            await _throw(c, call, now)
    except store.LOST as error:
        raise Outage(type(error).__name__) from error
    if call.hold == "closed":
        recent.append(now)
    return Done()


def _require_bounds(call: Contain) -> None:
    try:
        uuid.UUID(call.key)
    except ValueError as error:
        raise BadInput("key") from error
    if not 0 <= call.minutes <= LONGEST:
        raise BadInput("minutes")
    # A restored backup's switch is nobody's to throw: only two people lift it.
    if not 1 <= len(call.reason) <= 200 or not call.reason.isprintable() or call.reason == store.RESTORED:
        raise BadInput("reason")


async def _throw(c: Connection, call: Contain, now: int) -> None:
    key = await switch_key(c, call.scope, str(uuid.UUID(call.key)))
    until = now + call.minutes * MINUTE if call.minutes else None
    held = await _held(c, call.scope, key)
    if held is not None and (held["until"] is None or held["until"] > now):
        if held["hold"] == "closed" and call.hold == "step-up":
            return
        # Whatever is thrown lasts as long as what stood: a short closure must not end a longer hold.
        if until is not None:
            until = None if held["until"] is None else max(until, held["until"])
    await store.throw_switch(c, call.scope, key, call.reason, now, until, call.hold)
    await journal(c, now, SENTINEL, Audited.SWITCH_THROW, f"{call.scope} {key}", call.reason)


async def _held(c: Connection, scope: str, key: str) -> asyncpg.Record | None:
    return await c.fetchrow(
        "SELECT hold, until FROM vault.switch WHERE scope = $1 AND key = $2 FOR UPDATE", scope, key
    )


def _closed_lately(zone: Zone, now: int) -> "deque[int]":
    recent = zone.memory.setdefault(_MEMORY, deque())
    assert isinstance(recent, deque)
    while recent and recent[0] <= now - HOUR:
        recent.popleft()
    return recent
