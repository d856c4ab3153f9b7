"""What an incident asks of the vault: the platform's signature on an insurer's package, and a notice to the people of its seat."""

import asyncio
from functools import cache

import msgspec

from rempart.foundation.clock import HOUR, SECOND
from rempart.foundation.errors import BadInput, Outage
from rempart.foundation.identifiers import check_amc_number
from rempart.vault import store_accounts as store
from rempart.vault.actors import Actor
from rempart.vault.asked import clean_label
from rempart.vault.errors import Conflict, NotThere
from rempart.vault.notices import Audited, journal
from rempart.vault.published import PublishedKey
from rempart.vault.store_accounts import Connection
from rempart.vault.zone import OPERATORS_WAIT, Zone
from rempart.vaultdoor.messages import (
    INCIDENT_STATEMENT,
    Done,
    Recall,
    Stated,
    StatePackage,
    TellInsurer,
)

WORKER = "worker"
"""Who recalls by itself, in the journal."""
MOST_RECALLED = 10
"""Incidents of which one insurer is reminded within an hour: more at once is no night of ours."""
_TOLD = frozenset({Audited.INCIDENT_PACKAGE, Audited.INCIDENT_REMIND})


async def state_package(zone: Zone, c: Connection, call: StatePackage, by: Actor) -> Stated:
    """The platform's word of what a package is; the vault reads nothing of it. Raises BadInput, NotThere."""
    said, amc = call.statement, check_amc_number(call.statement.amc)
    if min(said.incident, said.issue) < 1 or len(said.sha256) != 64:
        raise BadInput("statement")
    if await store.insurer(c, amc) is None:
        raise NotThere("amc")
    now = zone.clock()
    await journal(c, now, by.name, Audited.INCIDENT_STATE, amc, f"{said.incident}/{said.issue} {said.sha256}")
    key = _published(zone.keys.ring.engagement)
    claims = {"iss": zone.settings.origin, "iat": now // SECOND, **msgspec.structs.asdict(said)}
    return Stated(key.sign(key.header(INCIDENT_STATEMENT), claims))


async def tell_insurer(zone: Zone, c: Connection, call: TellInsurer, by: Actor) -> Done:
    """A notice to everybody of an insurer's seat. Raises BadInput (kind), NotThere (it has no seat)."""
    if call.kind not in _TOLD:
        raise BadInput("kind")
    amc, now = check_amc_number(call.amc), zone.clock()
    seat = await store.establishment_by_number(c, amc)
    if seat is None:
        raise NotThere("amc")
    act = Audited(call.kind)
    for account in await store.told_of_place(c, seat):
        await store.add_notice(c, account, now, act, clean_label(call.detail, ""), None)
    await journal(c, now, by.name, act, amc, call.detail)
    return Done()


async def recall(call: Recall, zone: Zone) -> Done:
    """The worker's: an insurer at most once an hour of the same incident, and of so many incidents, whatever it asks.

    Raises BadInput, NotThere (it has no seat), Conflict (of too many), Outage.
    """
    amc = check_amc_number(call.amc)
    if call.incident < 1:
        raise BadInput("incident")
    memory = zone.memory.setdefault("recalled", {})
    turn = zone.memory.setdefault("recalling", asyncio.Lock())
    assert isinstance(memory, dict)
    assert isinstance(turn, asyncio.Lock)
    # One after the other: two askings at once tell once.
    async with turn:
        now = zone.clock()
        told = {number: at for number, at in memory.get(amc, {}).items() if now - at < HOUR}
        if call.incident in told:
            return Done()
        # The vault does not know which incidents there are.
        if len(told) >= MOST_RECALLED:
            raise Conflict("incident")
        said = TellInsurer(amc, Audited.INCIDENT_REMIND, f"incident {call.incident}")
        try:
            async with zone.pool.acquire(timeout=OPERATORS_WAIT) as c, c.transaction():
                done = await tell_insurer(zone, c, said, Actor(WORKER))
        except store.LOST as error:
            raise Outage(type(error).__name__) from error
        memory[amc] = told | {call.incident: now}
        return done


@cache
def _published(pkcs8: bytes) -> PublishedKey:
    return PublishedKey(pkcs8)
