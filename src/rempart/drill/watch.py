"""What the platform noticed by itself: alerts and containment, in simulated time, read as an observer who changes nothing."""

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import psycopg

SYNC_SECONDS = 5.0
"""The most that a step waits for the sentinel to have read the ledger's stream to its end."""
_LOOK = 0.01


@dataclass(frozen=True)
class Mark:
    """Something that the platform noticed or did, at a simulated instant."""

    at: int
    what: str


@dataclass
class Watch:
    """An observer's connection, as the drill's own superuser: neither door nor vault knows of it."""

    connection: "psycopg.AsyncConnection[Any]"
    waited: float = 0.0
    """Real seconds spent waiting for the sentinel."""
    late: int = 0
    """How often it had not caught up in time."""
    _sentinel: bool | None = None
    _seen: set[tuple[str, str]] = field(default_factory=set)

    async def catch_up(self) -> None:
        """Let the sentinel read all that has happened by now, within a bound, so that what it notices bears the right instant."""
        if self._sentinel is None:
            self._sentinel = await self._value("SELECT to_regclass('incident.position') IS NOT NULL")
        if not self._sentinel:
            return
        began = time.monotonic()
        while not await self._is_level():
            if time.monotonic() - began > SYNC_SECONDS:
                self.late += 1
                break
            await asyncio.sleep(_LOOK)
        self.waited += time.monotonic() - began

    async def _is_level(self) -> bool:
        return bool(
            await self._value(
                "SELECT COALESCE((SELECT max(index) FROM incident.position), 0) >= (SELECT size FROM evidence.log WHERE id = 1)"
            )
        )

    async def _value(self, statement: str) -> Any:
        row = await (await self.connection.execute(statement)).fetchone()
        return row[0] if row else None

    async def alerts(self, _since: int, _parties: Collection[str]) -> list[Mark]:
        """Alerts about any of these parties, oldest first."""
        return []

    async def contained(self, parties: Collection[str]) -> Mark | None:
        """When the first switch was thrown on any of these parties."""
        found = await self.connection.execute(
            "SELECT thrown, scope FROM vault.switch WHERE key = ANY (%s) ORDER BY thrown LIMIT 1",
            (list(parties),),
        )
        row = await found.fetchone()
        return Mark(int(row[0]), str(row[1])) if row else None
