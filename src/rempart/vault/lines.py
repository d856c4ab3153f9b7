"""The operator and the lines: how much of one is used; lengthened after a person called back; a breaker set. What changes is journaled."""

import uuid
from typing import ClassVar

from rempart.foundation.clock import DAY
from rempart.foundation.errors import BadInput, Refusal
from rempart.foundation.vocabulary import Profession
from rempart.vault import store_accounts as store
from rempart.vault import store_editors, store_profiles
from rempart.vault.actors import Actor
from rempart.vault.errors import NotThere
from rempart.vault.notices import Audited, journal
from rempart.vault.policy import (
    DAY_SLOT,
    HOUR_SLOT,
    LANE_WEIGHT,
    LINES,
    MISS_WEIGHT,
    MONTH_SLOT,
    editor_limits,
)
from rempart.vault.store_accounts import Connection
from rempart.vault.switches import switch_key
from rempart.vault.zone import Zone
from rempart.vaultdoor.messages import Done, LineState, SetBreaker, ShowLine, WidenLine

MOST_UNITS, MOST_WIDENINGS, MOST_A_MONTH = 500, 3, 1_500
"""What one call back may add, how often a day, and units in 32 days, a line: the operator's administrator is no way around the line."""
MONTH = 32 * DAY
"""As long as a widening may count: eight slots of four days."""
LEAST_BREAKER, MOST_BREAKER = MISS_WEIGHT * max(LANE_WEIGHT.values()), 2_000_000_000
"""Below the dearest outcome no look-up by NIR would pass: to close is what a switch does, and says."""
_SCOPES = frozenset({"account", "device", "establishment", "editor"})


class WidenedEnough(Refusal):
    """The operator lengthened this line as much as a day or a month allows."""

    code: ClassVar[str] = "widened-enough"


async def show(zone: Zone, c: Connection, call: ShowLine, _by: Actor) -> LineState:
    """What of a line is used. Raises BadInput, NotThere."""
    key, limits = await _line_of(c, call.scope, call.key)
    now = zone.clock()
    hour, day = await store.spent(c, key, now // HOUR_SLOT, now // DAY_SLOT)
    month = await store.line_spent(c, key, now // MONTH_SLOT)
    return LineState([hour, day, month], limits)


async def widen(zone: Zone, c: Connection, call: WidenLine, by: Actor) -> Done:
    """A person called back: the line is longer by so many units, for a month. Raises BadInput, NotThere, WidenedEnough."""
    now = zone.clock()
    if not 1 <= call.units <= MOST_UNITS:
        raise BadInput("units")
    if not call.reason.strip():
        raise BadInput("reason")
    key, _ = await _line_of(c, call.scope, call.key)
    await store.lock_meters(c, [key])
    today, _ = await store.widened_by_operator(c, key, now - DAY)
    _, this_month = await store.widened_by_operator(c, key, now - MONTH)
    if today >= MOST_WIDENINGS or this_month + call.units > MOST_A_MONTH:
        raise WidenedEnough("day" if today >= MOST_WIDENINGS else "month")
    await store.widen(c, key, now, call.units, by_operator=True)
    await journal(
        c, now, by.name, Audited.LINE_WIDEN, f"{call.scope} {call.key}", f"{call.units}: {call.reason}"[:200]
    )
    return Done()


async def set_breaker(zone: Zone, c: Connection, call: SetBreaker, by: Actor) -> Done:
    """Units an hour for everybody together; 0: the share of the policy again. Raises BadInput, NotThere."""
    if call.scope not in {"platform", "insurer"}:
        raise BadInput("scope")
    if call.units != 0 and not LEAST_BREAKER <= call.units <= MOST_BREAKER:
        raise BadInput("units")
    key = await switch_key(c, call.scope, call.key)
    await store.set_breaker(c, call.scope, key, call.units or None)
    await journal(
        c, zone.clock(), by.name, Audited.BREAKER_SET, f"{call.scope} {call.key}".strip(), str(call.units)
    )
    return Done()


async def _line_of(c: Connection, scope: str, named: str) -> tuple[uuid.UUID, list[int]]:
    """The meter's key and its three limits."""
    if scope not in _SCOPES:
        raise BadInput("scope")
    key = uuid.UUID(await switch_key(c, scope, named))
    if scope == "editor":
        served = (await store_editors.reach(c, key))["establishments"]
        return key, await store_profiles.shared(c, key, editor_limits(served))
    found = await store.profession_behind(c, key)
    if found is None or Profession(found) not in LINES:
        raise NotThere("key")
    line = LINES[Profession(found)]
    limits = {"account": line.account, "device": line.device, "establishment": line.establishment}[scope]
    return key, await store_profiles.shared(c, key, limits)
