"""The portal's view of the room. The page is public: what it costs the database is bounded by a few seconds of memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from rempart.foundation.clock import DAY, SECOND, Clock
from rempart.status import store
from rempart.status.errors import StatusUnavailable
from rempart.status.levels import DAYS
from rempart.status.model import Board, Message

REMEMBERED = 5 * SECOND
_LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class StatusReader:
    """Connects at the first question, with one connection or two; `timeout` in seconds."""

    def __init__(self, dsn: str, clock: Clock, *, timeout: float = 2.0) -> None:
        self._dsn, self._clock, self._timeout = dsn, clock, timeout
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._board: tuple[int, Board] | None = None

    async def board(self) -> tuple[int, Board]:
        """When it was read, and what is known of the last 90 days. Raises StatusUnavailable."""
        async with self._reading:
            now = self._clock()
            if self._board is None or not 0 <= now - self._board[0] < REMEMBERED:
                async with self._connection() as c:
                    self._board = now, await store.read_board(c, now - (DAYS + 1) * DAY)
            return self._board

    async def messages(self, establishment: str, profession: str) -> list[Message]:
        """For whoever the vault just named. Raises StatusUnavailable."""
        async with self._connection() as c:
            return await store.read_messages(c, self._clock(), establishment, profession)

    async def close(self) -> None:
        """End the connections."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

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
