"""What the vault knows of insurers and products, kept in memory for seconds. Nothing here is personal; nothing here authorises."""

import asyncio
import json
from dataclasses import dataclass

import asyncpg

from rempart.foundation.clock import SECOND
from rempart.vault.decision import Grid

KEPT = 10 * SECOND
"""A product whose formula an insurer changes is told with the new one after this long at most."""


@dataclass(frozen=True, slots=True)
class KnownInsurer:
    """Number, n° AMC, the product grids of the current products file, how many people its last file had."""

    number: int
    amc: str
    grids: dict[str, Grid]
    persons: int = 0


class Directory:
    """Insurers by n° AMC."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._by_amc: dict[str, KnownInsurer] = {}
        self.persons = 0
        """Of all insurers, when last read."""
        self._read_at = -KEPT
        self._reading = asyncio.Lock()

    async def insurer(self, amc: str, now: int) -> KnownInsurer | None:
        """The insurer, or None. Re-read every KEPT µs for everybody at once, so that known and unknown cost the same."""
        if not self._is_fresh(now):
            # Whoever comes meanwhile waits for the same reading: before the first one everybody would be told of an absence.
            async with self._reading:
                if not self._is_fresh(now):
                    self._by_amc = await self._read()
                    self.persons = sum(known.persons for known in self._by_amc.values())
                    self._read_at = now
        return self._by_amc.get(amc)

    def forget(self) -> None:
        """Re-read at the next question."""
        self._read_at = -KEPT

    def _is_fresh(self, now: int) -> bool:
        # A little before the last reading is as good as a little after it: those who waited asked earlier than who read.
        return abs(now - self._read_at) < KEPT

    async def _read(self) -> dict[str, KnownInsurer]:
        insurers = await self._pool.fetch("SELECT number, amc, persons FROM vault.insurer")
        products = await self._pool.fetch(
            "SELECT p.insurer, p.reference, p.grid FROM vault.product p"
            " JOIN vault.insurer i ON i.number = p.insurer AND i.products_version = p.version"
        )
        grids: dict[int, dict[str, Grid]] = {}
        for number, reference, grid in products:
            grids.setdefault(number, {})[reference] = json.loads(grid)
        return {
            amc: KnownInsurer(number, amc, grids.get(number, {}), persons)
            for number, amc, persons in insurers
        }
