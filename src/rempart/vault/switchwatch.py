"""Has any switch changed since this answer's ledger call? Asked again before it leaves (docs/algorithms/disclose.md, step 8).

Every vault listens to the database, which tells of each change of vault.switch (0130_containment.sql). While that connection is proven
alive, an answer costs no question: nothing was heard, so nothing changed. Once something was, or where nobody can tell, the table is read.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

import asyncpg

from rempart.vault.store_accounts import LOST

CHANNEL = "rempart_switch"
PING = 0.25
"""Seconds between two proofs that the connection is alive."""
TRUSTED = 0.75
"""Seconds for which such a proof counts: a switch thrown elsewhere holds every answer that leaves a second later, even where the network
swallows what is sent. A vault that is too busy for its proofs makes one for all the answers that wait."""
Connect = Callable[[], Awaitable[asyncpg.Connection]]
_log = logging.getLogger(__name__)


class SwitchWatch:
    """Of one vault process. Before `follow` runs, nobody can tell: every answer reads the table."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._connection: asyncpg.Connection | None = None
        self._changes = 0
        self._heard = -math.inf
        self._proving: asyncio.Task[None] | None = None

    def mark(self) -> int | None:
        """How many changes were heard of; None when nobody listens. Taken before the ledger call."""
        return self._changes if self._connection is not None else None

    async def unchanged(self, mark: int | None) -> bool:
        """Nothing was thrown or lifted since that mark, for certain."""
        if mark is None or self.mark() != mark:
            return False
        if not self._is_fresh():
            try:
                await self._prove()
            except (*LOST, TimeoutError):
                return False
        return self._is_fresh() and self.mark() == mark

    def changed(self) -> None:
        """This process threw one: its own answers need not wait to hear of it."""
        self._changes += 1

    async def follow(self) -> None:
        """Listen for ever; a connection that is lost is opened anew, and meanwhile nobody can tell."""
        while True:
            try:
                await self._listen()
            except (*LOST, TimeoutError) as error:
                _log.error("switches are read at every answer: %s", type(error).__name__)
            await asyncio.sleep(PING)

    async def _listen(self) -> None:
        connection = await self._connect()
        try:
            await connection.add_listener(CHANNEL, self._told)
            self._connection = connection
            while True:
                await self._prove()
                await asyncio.sleep(PING)
        finally:
            self._connection, self._heard = None, -math.inf
            self._changes += 1
            connection.terminate()

    async def _prove(self) -> None:
        """One question at a time, whoever waits for its answer."""
        if self._proving is None or self._proving.done():
            self._proving = asyncio.create_task(self._ask())
        await asyncio.shield(self._proving)

    async def _ask(self) -> None:
        connection, asked = self._connection, time.monotonic()
        if connection is None:
            raise TimeoutError
        # What the database told before it answered has arrived before its answer.
        await connection.execute("SELECT 1", timeout=TRUSTED)
        self._heard = asked

    def _is_fresh(self) -> bool:
        return time.monotonic() - self._heard < TRUSTED

    def _told(self, *_: object) -> None:
        self._changes += 1
