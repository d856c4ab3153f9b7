"""What the line gives back: accepted claims, a day later, to whoever was charged for the look-up (docs/meters.md).

A task of the vault, never in a request's way. Late is safe: until it has run, a line is shorter than it could be.
"""

import asyncio
import logging
import uuid
from collections.abc import Sequence

import asyncpg

from rempart.foundation.clock import HOUR, MINUTE, Clock
from rempart.vault.policy import CLAIM_DELAY, SURPLUS, YOUNG
from rempart.vault.store_accounts import LOST

EVERY = MINUTE
"""µs of the vault's clock between two rounds."""
_LOOK_SECONDS = 0.25
_CLAIMS_AT_ONCE, _METERS_AT_ONCE, _FORGOTTEN_AT_ONCE = 500, 50, 20_000
"""Rows a transaction: look-ups wait for what it holds."""
_log = logging.getLogger(__name__)


class Earning:
    """Follows the claims. One an installation at a time: rows are locked, and a round that comes twice changes nothing."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock
        self._last = self._hour = 0
        self._changed: set[uuid.UUID] = set()
        """Meters that wait to be reckoned: kept over a round that fails, since a cancelled claim must not be forgotten."""

    async def follow(self) -> None:
        """For ever. A round that fails is said and tried again."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if abs(self._clock() - self._last) >= EVERY:
                try:
                    await self.round()
                except (*LOST, asyncpg.PostgresError) as error:
                    _log.error("nothing earned this time: %s", type(error).__name__)

    async def round(self) -> None:
        """Note the claims that came, count those whose day has passed, reckon the meters they change."""
        now = self._clock()
        await self._note(now)
        await self._count(now)
        hourly = abs(now - self._hour) >= HOUR
        if hourly:
            self._changed |= set(await self._pool.fetchval("SELECT vault.unreckoned($1)", now))
        await self._reckon(now, sorted(self._changed))
        self._changed = set()
        self._last = now
        if hourly:
            while await self._pool.fetchval("SELECT vault.forget_old($1, $2)", now, _FORGOTTEN_AT_ONCE):
                pass
            self._hour = now

    async def _note(self, now: int) -> None:
        after: int | None = -1
        while after is not None:
            keys, after = await self._pool.fetchrow(
                "SELECT keys, last FROM vault.note_claims($1, $2, $3, $4, $5)",
                now,
                CLAIM_DELAY,
                SURPLUS,
                after,
                _CLAIMS_AT_ONCE,
            )
            self._changed |= set(keys)

    async def _count(self, now: int) -> None:
        more = True
        while more:
            keys, more = await self._pool.fetchrow(
                "SELECT keys, more FROM vault.count_credits($1, $2)", now, _CLAIMS_AT_ONCE
            )
            self._changed |= set(keys)

    async def _reckon(self, now: int, keys: Sequence[uuid.UUID]) -> None:
        # A few at a time: their meters are locked meanwhile.
        for start in range(0, len(keys), _METERS_AT_ONCE):
            some = keys[start : start + _METERS_AT_ONCE]
            await self._pool.fetchval("SELECT vault.reckon($1, $2, $3)", now, some, YOUNG)
