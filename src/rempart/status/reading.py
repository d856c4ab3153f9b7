"""The portal's view of the room. The page is public and is looked at most when least works: what it costs is bounded by a few seconds of
memory, for what was read, for what was made of it, and for a database that did not answer.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar, cast

import asyncpg

from rempart.foundation.clock import DAY, SECOND, Clock
from rempart.status import store
from rempart.status.errors import StatusUnavailable
from rempart.status.levels import DAYS
from rempart.status.model import Board, Message

REMEMBERED = 5 * SECOND
MADE = TypeVar("MADE")
_LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read, or why it could not be; and what was made of it since."""

    at: int
    board: Board | None
    trouble: str = ""
    made: dict[str, object] = field(default_factory=dict)


class StatusReader:
    """Connects at the first question, with one connection or two; `timeout` in seconds."""

    def __init__(self, dsn: str, clock: Clock, *, timeout: float = 2.0) -> None:
        self._dsn, self._clock, self._timeout = dsn, clock, timeout
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()
        self._reading: asyncio.Task[_Read] | None = None
        self._last: _Read | None = None

    async def board(self) -> tuple[int, Board]:
        """When it was read, and what is known of the last 90 days. Raises StatusUnavailable."""
        return await self.make("", lambda board, now: (now, board))

    async def make(self, name: str, build: Callable[[Board, int], MADE]) -> MADE:
        """What `build` makes of the board, kept under `name` as long as the board is. Raises StatusUnavailable."""
        read = await self._fresh()
        if read.board is None:
            raise StatusUnavailable(read.trouble)
        if name not in read.made:
            read.made[name] = build(read.board, read.at)
        return cast("MADE", read.made[name])

    async def messages(self, establishment: str, profession: str) -> list[Message]:
        """For whoever the vault just named. Raises StatusUnavailable."""
        async with self._connection() as c:
            return await store.read_messages(c, self._clock(), establishment, profession)

    async def close(self) -> None:
        """End the connections."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def _fresh(self) -> _Read:
        if self._last is None or not 0 <= self._clock() - self._last.at < REMEMBERED:
            # One reads for all who come meanwhile, and a failure is everybody's.
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._read())
            self._last = await asyncio.shield(self._reading)
        return self._last

    async def _read(self) -> _Read:
        now = self._clock()
        try:
            async with asyncio.timeout(self._timeout), self._connection() as c:
                return _Read(now, await store.read_board(c, now - (DAYS + 1) * DAY))
        except (StatusUnavailable, TimeoutError) as error:
            return _Read(now, None, str(error) or "timeout")

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        try:
            pool = await self._opened()
            async with pool.acquire(timeout=self._timeout) as c, c.transaction():
                yield c
        except _LOST as error:
            raise StatusUnavailable(type(error).__name__) from error

    async def _opened(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._dsn, min_size=0, max_size=2, command_timeout=self._timeout, timeout=self._timeout
                )
            return self._pool
