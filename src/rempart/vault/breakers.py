"""Breakers: what all accounts together may ask of one insurer, and of the platform, in an hour. Leased in blocks: no row is hot.

A block counts as spent when it is taken; this process then spends it from memory, for the dearest outcome first, as every meter. An
hour later what is left of it is void. So nobody is told beyond the limit but for the rest of one lease a vault, taken in the hour before;
a crash wastes one lease a vault and gives nothing back.
"""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

import asyncpg

from rempart.foundation.clock import HOUR, Clock
from rempart.foundation.errors import Outage, Refusal
from rempart.vault.directory import KnownInsurer
from rempart.vault.policy import INSURER_LEAST, INSURER_SHARE, LEASE, PLATFORM_LEAST, PLATFORM_SHARE
from rempart.vault.store_accounts import LOST


class BreakerOpen(Refusal):
    """All that may be asked of this insurer, or of the platform, in an hour was asked. Said openly, decided before the probe."""

    code: ClassVar[str] = "breaker"


@dataclass
class _Lease:
    units: int = 0
    taken: int = 0


class Breakers:
    """The leases of one vault process."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock
        self._leases: dict[tuple[str, str], _Lease] = {}
        self._leasing = asyncio.Lock()

    async def reserve(self, insurer: KnownInsurer | None, persons: int, units: int) -> None:
        """Take `units` from the insurer's breaker and the platform's, or nothing. `persons`: of the whole platform.

        An unknown n° AMC has a breaker of its own: same work. Raises BreakerOpen, Outage.
        """
        number, its = (insurer.number, insurer.persons) if insurer else (0, 0)
        await self._take(("platform", ""), units, max(PLATFORM_LEAST, persons // PLATFORM_SHARE))
        try:
            await self._take(("insurer", str(number)), units, max(INSURER_LEAST, its // INSURER_SHARE))
        except (BreakerOpen, Outage):
            self._leases["platform", ""].units += units
            raise

    def give_back(self, insurer: KnownInsurer | None, units: int) -> None:
        """The difference between the dearest outcome and what it was."""
        for key in (("platform", ""), ("insurer", str(insurer.number if insurer else 0))):
            self._leases[key].units += units

    async def _take(self, key: tuple[str, str], units: int, limit: int) -> None:
        lease = self._leases.setdefault(key, _Lease())
        if not self._has(lease, units):
            async with self._leasing:
                if not self._has(lease, units):
                    await self._renew(key, lease, units, limit)
        lease.units -= units

    def _has(self, lease: _Lease, units: int) -> bool:
        return lease.units >= units and 0 <= self._clock() - lease.taken < HOUR

    async def _renew(self, key: tuple[str, str], lease: _Lease, units: int, limit: int) -> None:
        now = self._clock()
        # A small limit is leased in small blocks, so that one vault does not hold all of it.
        block = max(units, min(LEASE, limit // 8))
        try:
            taken = await self._pool.fetchval(
                "SELECT vault.lease($1, $2, $3, $4, $5)", now, *key, block, limit
            )
        except LOST as error:
            raise Outage(type(error).__name__) from error
        if not taken:
            raise BreakerOpen(key[0])
        if now - lease.taken >= HOUR or now < lease.taken:
            lease.units = 0
        lease.units, lease.taken = lease.units + block, now
