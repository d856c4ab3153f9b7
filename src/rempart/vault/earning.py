"""What the line gives back: accepted claims, a day later, to whoever was charged for the look-up (docs/meters.md).

A task of the vault, never in a request's way. Late is safe: until it has run, a line is shorter than it could be.
"""

import asyncio
import logging
import uuid
from collections.abc import Sequence

import asyncpg

from rempart.foundation.clock import HOUR, MINUTE, Clock
from rempart.vault.policy import CLAIM_DELAY, CREDIT, YOUNG
from rempart.vault.store_accounts import LOST

EVERY = MINUTE
"""µs of the vault's clock between two rounds."""
_LOOK_SECONDS = 0.25
_AT_ONCE = 200
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
        changed = self._changed
        changed |= set(await self._pool.fetchval("SELECT vault.note_claims($1, $2)", now, CLAIM_DELAY))
        changed |= set(await self._pool.fetchval("SELECT vault.count_credits($1)", now))
        hourly = abs(now - self._hour) >= HOUR
        if hourly:
            changed |= set(await self._pool.fetchval("SELECT vault.unreckoned($1)", now))
        await self._reckon(now, sorted(changed))
        self._changed = set()
        self._last = now
        if hourly:
            await self._pool.execute("SELECT vault.forget_old($1)", now)
            self._hour = now

    async def _reckon(self, now: int, keys: Sequence[uuid.UUID]) -> None:
        # A few at a time: their meters are locked meanwhile.
        for start in range(0, len(keys), _AT_ONCE):
            await self._pool.fetchval(
                "SELECT vault.reckon($1, $2, $3, $4, $5)", now, keys[start : start + _AT_ONCE], *CREDIT, YOUNG
            )
