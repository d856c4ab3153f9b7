"""What detection may throw: a switch on one device, account, establishment or editor. It can neither release nor hold anything larger.

The sentinel is another process, which reads much and is trusted with little: whoever takes it over can annoy some houses for an hour, and
opens nothing. What it throws stands beside what others threw, which stays as it is.
"""

import uuid
from collections import deque

from rempart.foundation.clock import HOUR, MINUTE
from rempart.foundation.errors import BadInput, Outage, Refusal
from rempart.vault import store_accounts as store
from rempart.vault import store_switches
from rempart.vault.notices import Audited, journal
from rempart.vault.store_accounts import Connection
from rempart.vault.switches import switch_key
from rempart.vault.zone import OPERATORS_WAIT, Zone
from rempart.vaultdoor.messages import Contain, Done

SENTINEL = "sentinel"
SCOPES = frozenset({"device", "account", "establishment", "editor"})
MOST_AN_HOUR = {"closed": 200, "step-up": 2_000}
"""Beyond, a person decides: so many thefts at once are a matter for the insurer's or the platform's switch. A question to a person costs
ten seconds, so more of them are borne; each vault counts its own."""
UNTIL_UNDONE = frozenset({"device", "account"})
"""What may be closed until a person has called back (docs/detection.md): nothing larger, and no question."""
LONGEST = 28 * 24 * 60
_MEMORY = "containment"


class TooMany(Refusal):
    """Detection holds so many that something else is wrong."""

    code = "contained-too-many"
    french = "La détection a déjà retenu trop de postes en une heure : une personne doit décider."
    english = "Detection has held too many in an hour already: a person must decide."


async def contain(call: Contain, zone: Zone) -> Done:
    """Throw it, journaled in the same transaction. Raises BadInput, NotThere (no such party), TooMany, Outage."""
    now = zone.clock()
    if call.scope not in SCOPES:
        raise BadInput("scope")
    _require_bounds(call)
    recent = _thrown_lately(zone, call.hold, now)
    if len(recent) >= MOST_AN_HOUR[call.hold]:
        raise TooMany
    try:
        async with zone.pool.acquire(timeout=OPERATORS_WAIT) as c, c.transaction():
            await _throw(c, call, now)
    except store.LOST as error:
        raise Outage(type(error).__name__) from error
    recent.append(now)
    zone.switches.changed()
    return Done()


def _require_bounds(call: Contain) -> None:
    try:
        uuid.UUID(call.key)
    except ValueError as error:
        raise BadInput("key") from error
    if not 0 <= call.minutes <= LONGEST:
        raise BadInput("minutes")
    if call.minutes == 0 and (call.hold != "closed" or call.scope not in UNTIL_UNDONE):
        raise BadInput("minutes")
    # A restored backup's switch is nobody's to throw: only two people lift it.
    if not 1 <= len(call.reason) <= 200 or not call.reason.isprintable() or call.reason == store.RESTORED:
        raise BadInput("reason")


async def _throw(c: Connection, call: Contain, now: int) -> None:
    key = await switch_key(c, call.scope, str(uuid.UUID(call.key)))
    until = now + call.minutes * MINUTE if call.minutes else None
    # Its own lasts at least as long as it would have: a short closure must not end a longer hold.
    await store_switches.prolong(c, call.scope, key, call.hold, SENTINEL, call.reason, now, until)
    await journal(
        c, now, SENTINEL, Audited.SWITCH_THROW, f"{call.scope} {key}", f"{call.hold}: {call.reason}"
    )


def _thrown_lately(zone: Zone, hold: str, now: int) -> "deque[int]":
    recent = zone.memory.setdefault(f"{_MEMORY} {hold}", deque())
    assert isinstance(recent, deque)
    while recent and recent[0] <= now - HOUR:
        recent.popleft()
    return recent
