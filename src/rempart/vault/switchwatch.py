"""Has any switch changed since this answer's ledger call? Asked again before it leaves (docs/algorithms/disclose.md, step 8).

Every vault listens to the database, which tells of each change of vault.switch (0130_containment.sql). While that connection is proven
alive, an answer costs no question: nothing was heard, so nothing changed. Once something was, or where nobody can tell, the table is read.
"""

import asyncio
import contextlib
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
swallows what is sent."""
Connect = Callable[[], Awaitable[asyncpg.Connection]]
_log = logging.getLogger(__name__)


class SwitchWatch:
    """Of one vault process. Before `follow` runs, nobody can tell: every answer reads the table."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._changes = 0
        self._heard = -math.inf

    def mark(self) -> int | None:
        """How many changes were heard of; None when nobody can tell. Taken before the ledger call."""
        return self._changes if time.monotonic() - self._heard < TRUSTED else None

    def unchanged(self, mark: int | None) -> bool:
        """Nothing was thrown or lifted since that mark, for certain."""
        return mark is not None and self.mark() == mark

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
            while True:
                asked = time.monotonic()
                # What was sent before its answer has arrived before it.
                await connection.execute("SELECT 1", timeout=TRUSTED)
                self._heard = asked
                await asyncio.sleep(PING)
        finally:
            self._heard = -math.inf
            self._changes += 1
            with contextlib.suppress(*LOST):
                connection.terminate()

    def _told(self, *_: object) -> None:
        self._changes += 1
