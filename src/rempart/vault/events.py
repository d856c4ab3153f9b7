"""What detection reads besides the ledger: refusals, and a canary told of. Kept 28 days; never what was typed.

Written beside the requests, never before an answer: an event that is lost costs an alarm some evidence, not a promise.
"""

import asyncio
import logging
import uuid
from collections import deque
from dataclasses import astuple, dataclass

import asyncpg

from rempart.vault.store_accounts import LOST

MOST_WAITING = 50_000
_AT_ONCE = 2_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of vault.event. `at` in µs; `detail` a code or a keyed hash."""

    at: int
    kind: str
    account: uuid.UUID | None = None
    device: uuid.UUID | None = None
    establishment: uuid.UUID | None = None
    editor: uuid.UUID | None = None
    insurer: int | None = None
    index: int | None = None
    detail: str = ""


class Events:
    """Writes in the background, in the order in which they came."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._waiting: deque[Event] = deque(maxlen=MOST_WAITING)
        self._writing: asyncio.Task[None] | None = None

    def note(self, event: Event) -> None:
        """Never raises, never waits. When too many wait, the oldest is forgotten."""
        self._waiting.append(event)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def settle(self) -> None:
        """Wait for what is being written."""
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
            columns = list(zip(*(astuple(event) for event in some), strict=True))
            try:
                await self._pool.execute(
                    "INSERT INTO vault.event (at, kind, account, device, establishment, editor, insurer, index, detail)"
                    " SELECT * FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::int2[],"
                    " $8::bigint[], $9::text[])",
                    *columns,
                )
            except LOST as error:
                _log.error("%d events are lost: %s", len(some), type(error).__name__)
