"""Breakers: what all accounts together may ask of one insurer, and of the platform, in an hour. Leased in blocks: no row is hot.

A block counts as spent when it is taken; this process then spends it from memory, for the dearest outcome first, as every meter. What is
left of it is void when its hour ends. So nobody is told beyond the limit but for the rest of one lease a vault, taken in the hour before;
a crash wastes one lease a vault and gives nothing back.

What a request reserves and does not spend goes back to this vault's memory alone. So that one device cannot move an insurer's whole hour
there, a few of its requests may be under way at once: the others are refused before anything is reserved.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar

import asyncpg

from rempart.foundation.clock import SECOND, Clock
from rempart.foundation.errors import Outage, Refusal
from rempart.vault.directory import KnownInsurer
from rempart.vault.policy import (
    HOUR_SLOT,
    INSURER_LEAST,
    INSURER_SHARE,
    LEASE,
    PLATFORM_LEAST,
    PLATFORM_SHARE,
    UNDER_WAY,
    UNKNOWN_SHARE,
)
from rempart.vault.store_accounts import LOST

_KEPT_SLOTS = 4
"""Quarters of an hour during which a lease is spent, its own first: an hour at the most. The database counts it for an hour at least."""
_PLATFORM = ("platform", "")
_UNKNOWN = ("insurer", "0")


class BreakerOpen(Refusal):
    """All that may be asked of this insurer, or of the platform, in an hour was asked. Said openly, decided before the probe."""

    code: ClassVar[str] = "breaker"


class DeviceBusy(Refusal):
    """This device has as many look-ups under way as one may. Nothing was reserved, nothing looked up. `first`: since it last had none."""

    code: ClassVar[str] = "busy"

    def __init__(self, *, first: bool) -> None:
        super().__init__()
        self.first = first


@dataclass(slots=True)
class Reserved:
    """What a request under way holds. `spent` is said by whoever knows what it cost; until then it counts as the whole."""

    spent: int


@dataclass(slots=True)
class _Lease:
    """What is left of what was taken in one quarter of an hour."""

    slot: int
    units: int


@dataclass(slots=True)
class _Held:
    """This process's leases of one breaker, oldest first."""

    leases: list[_Lease] = field(default_factory=list)
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)
    refused: int = 0
    refused_at: int = -SECOND
    """Units that the database had not, and when: for a second nobody asks it again for as many, or all of them would wait in a row."""


_Parts = list[tuple[_Lease, int]]
"""Which leases a request's units come from."""


class Breakers:
    """The leases of one vault process."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock
        self._held: dict[tuple[str, str], _Held] = {}
        self._under_way: dict[uuid.UUID, int] = {}
        self._busy: set[uuid.UUID] = set()

    @asynccontextmanager
    async def reserve(
        self, device: uuid.UUID, insurer: KnownInsurer | None, persons: int, units: int
    ) -> AsyncIterator[Reserved]:
        """Hold `units` of the insurer's breaker and the platform's, or nothing; what was not spent is given back at the end.

        `persons`: of the whole platform. An unknown n° AMC has a breaker of its own: same work. What ends in an error may have been
        counted: it is kept whole. Raises DeviceBusy, BreakerOpen, Outage; the place of a device is free again in any case.
        """
        if self._under_way.get(device, 0) >= UNDER_WAY:
            first = device not in self._busy
            self._busy.add(device)
            raise DeviceBusy(first=first)
        self._under_way[device] = self._under_way.get(device, 0) + 1
        try:
            whole = _platform_limit(persons)
            key, limit = _insurers(insurer, whole)
            parts = [await self._take(_PLATFORM, units, whole)]
            try:
                parts.append(await self._take(key, units, limit))
            except (BreakerOpen, Outage):
                _settle(parts[0], 0)
                raise
            reserved = Reserved(units)
            yield reserved
            for each in parts:
                _settle(each, reserved.spent)
        finally:
            self._leave(device)

    def _leave(self, device: uuid.UUID) -> None:
        self._under_way[device] -= 1
        if not self._under_way[device]:
            del self._under_way[device]
            self._busy.discard(device)

    async def _take(self, key: tuple[str, str], units: int, limit: int) -> _Parts:
        held = self._held.setdefault(key, _Held())
        if self._left(held) < units:
            async with held.renewing:
                # Again, for somebody who needs less may have drawn meanwhile.
                while (left := self._left(held)) < units:
                    await self._renew(key, held, units - left, limit)
        # Nothing else runs between the last look and here.
        return _draw(held, units)

    def _left(self, held: _Held) -> int:
        """Units that may still be spent. Leases of an hour that has ended are void, and so are those of an hour that has not come: the
        clock was turned back."""
        slot = self._clock() // HOUR_SLOT
        held.leases = [lease for lease in held.leases if 0 <= slot - lease.slot < _KEPT_SLOTS]
        return sum(lease.units for lease in held.leases)

    async def _renew(self, key: tuple[str, str], held: _Held, least: int, limit: int) -> None:
        now = self._clock()
        if least >= held.refused and 0 <= now - held.refused_at < SECOND:
            raise BreakerOpen(key[0])
        try:
            granted = await self._pool.fetchval(
                "SELECT vault.lease($1, $2, $3, $4, $5, $6)", now, *key, least, LEASE, limit
            )
        except LOST as error:
            raise Outage(type(error).__name__) from error
        if granted < least:
            held.refused, held.refused_at = least, now
            raise BreakerOpen(key[0])
        slot = now // HOUR_SLOT
        if held.leases and held.leases[-1].slot == slot:
            held.leases[-1].units += granted
        else:
            held.leases.append(_Lease(slot, granted))


def _platform_limit(persons: int) -> int:
    """Units an hour, unless the operator set others."""
    return max(PLATFORM_LEAST, persons // PLATFORM_SHARE)


def _insurers(insurer: KnownInsurer | None, platform_limit: int) -> tuple[tuple[str, str], int]:
    """The insurer's breaker and its units an hour, unless the operator set others."""
    if insurer is None:
        return _UNKNOWN, platform_limit // UNKNOWN_SHARE
    return ("insurer", str(insurer.number)), max(INSURER_LEAST, insurer.persons // INSURER_SHARE)


def _draw(held: _Held, units: int) -> _Parts:
    """From the oldest first, so that little is void at its hour's end."""
    parts = []
    for lease in held.leases:
        part = min(units, lease.units)
        lease.units -= part
        units -= part
        parts.append((lease, part))
    return parts


def _settle(parts: _Parts, spent: int) -> None:
    """Each lease takes back its own: what is void meanwhile stays void."""
    for lease, part in parts:
        kept = min(spent, part)
        lease.units += part - kept
        spent -= kept
