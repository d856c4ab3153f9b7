"""The portal's view of the room, under row-level security: nothing is visible but the establishments that the vault just named.

Every function takes the establishment's id from a reply of the vault, never from a client, and sets it for one transaction.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from rempart.identity import store
from rempart.identity.errors import NamesUnavailable
from rempart.identity.model import Establishment, Professional
from rempart.identity.naming import check_name

_LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class Directory:
    """Names by id. Connects at the first question, with at most `connections` connections; `timeout` in seconds."""

    def __init__(self, dsn: str, *, connections: int = 2, timeout: float = 2.0) -> None:
        self._dsn = dsn
        self._connections = connections
        self._timeout = timeout
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def establishments(self, ids: Sequence[str]) -> dict[str, Establishment]:
        """Those of `ids` that are known here. Raises NamesUnavailable."""
        if not ids:
            return {}
        async with self._within(ids) as connection:
            return {found.id: found for found in await store.establishments(connection)}

    async def professionals(self, establishment: str) -> dict[str, Professional]:
        """The people of an establishment, by account. Raises NamesUnavailable."""
        async with self._within([establishment]) as connection:
            return {found.account: found for found in await store.professionals(connection)}

    async def name_professional(self, establishment: str, account: str, name: str) -> None:
        """Write down how a colleague is called there. Raises BadName, NamesUnavailable."""
        checked = check_name(name)
        async with self._within([establishment]) as connection:
            await store.put_professional(connection, Professional(account, establishment, checked))

    async def forget_professional(self, establishment: str, account: str) -> None:
        """Remove a colleague's name there. Raises NamesUnavailable."""
        async with self._within([establishment]) as connection:
            await store.drop_professional(connection, establishment, account)

    async def close(self) -> None:
        """End the connections."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    @asynccontextmanager
    async def _within(self, ids: Sequence[str]) -> AsyncIterator[asyncpg.Connection]:
        try:
            pool = await self._opened()
            async with pool.acquire(timeout=self._timeout) as connection, connection.transaction():
                await store.see_only(connection, ids)
                yield connection
        except _LOST as error:
            raise NamesUnavailable(type(error).__name__) from error

    async def _opened(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._dsn,
                    min_size=0,
                    max_size=self._connections,
                    command_timeout=self._timeout,
                    timeout=self._timeout,
                )
            return self._pool
