"""The one SQL call, shared: requests that arrive while a commit is in flight go together in the next (docs/algorithms/disclose.md).

No timer: a request alone leaves at once, so that latency at one client is unchanged. Every request is durable before its answer.
"""

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Network, IPv6Network

import asyncpg

from rempart.foundation.clock import Clock
from rempart.foundation.errors import Outage

MAX_BATCH = 64
SQL = f"SELECT * FROM vault.disclose({', '.join(f'${k}' for k in range(1, 20))})"  # noqa: S608 (numbers)
Connect = Callable[[], Awaitable[asyncpg.Connection]]
_DATABASE_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
_log = logging.getLogger(__name__)


class Status(IntEnum):
    """What the call says of one request; business refusals are statuses, never errors."""

    TOLD = 1
    ABSENT = 2
    EXHAUSTED = 3
    CONTAINED = 4
    SESSION_OVER = 5
    STEP_UP = 6
    WITHHELD = 7
    """Only people known here are served, and this is none of them. The one refusal that has its leaf: it was decided at the probe."""
    CLAIMS_ONLY = 8
    TOLD_KNOWN = 9
    """Told, while only people known here are."""
    DUE = 10
    """A campaign asks this person for something first."""
    PASSKEY_ONLY = 11
    LANE_CLOSED = 12
    ELSEWHERE = 13
    """By the profile of a party (rempart.vault.profiles)."""
    DEPARTED = 14
    SUSPENDED = 15
    NOT_OPEN = 16
    """By the establishment's dates (rempart.vault.establishments)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One request, as the call takes it."""

    session: uuid.UUID
    editor: uuid.UUID
    """Nil for a browser."""
    insurer: int
    lane: int
    domain: int
    answer_class: int
    tag: uuid.UUID
    tag_before: uuid.UUID
    cost_told: int
    cost_absent: int
    limits: list[int]
    pace: int
    told_window: int
    salt: bytes
    bucket: int
    step: int
    address: IPv4Network | IPv6Network | None = None
    """Whence it came, on the door's word."""


@dataclass(frozen=True, slots=True)
class Debited:
    """Proof that meter and ledger have it, durably. Only this module makes one; a capsule is opened against it."""

    status: Status
    at: int
    index: int
    commitment: bytes
    cost: int
    sealed: bytes | None
    subject: bytes
    epoch: int


class LedgerCall:
    """Runs vault.disclose on one connection of its own, one batch at a time. A connection that is lost is opened anew at the next batch."""

    def __init__(self, connect: Connect, epoch: int, clock: Clock) -> None:
        self._connect, self._epoch, self._clock = connect, epoch, clock
        self._connection: asyncpg.Connection | None = None
        self._statement: asyncpg.prepared_stmt.PreparedStatement | None = None
        self._waiting: deque[tuple[Entry, asyncio.Future[Debited]]] = deque()
        self._running: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()

    async def hold_ready(self) -> None:
        """Connect and prepare the statement, unless both stand. Raises what asyncpg raises."""
        async with self._opening:
            if self._connection is None or self._connection.is_closed():
                self._statement = None
                self._connection = await self._connect()
            if self._statement is None:
                self._statement = await self._connection.prepare(SQL)

    async def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            await self._connection.close()

    async def debit(self, entry: Entry) -> Debited:
        """Debit, probe and log one request. Raises Outage when meter or ledger cannot answer: then the answer is no.

        A caller that goes away does not cancel the batch: what was asked is counted.
        """
        future: asyncio.Future[Debited] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
            try:
                results = await self._answer([entry for entry, _ in batch])
            except Exception as error:  # noqa: BLE001 (whatever it is, nobody waits for ever: what was sent may be counted)
                _log.error("the ledger call failed: %s", type(error).__name__)
                results = [Outage(type(error).__name__) for _ in batch]
            for (_, future), result in zip(batch, results, strict=True):
                if future.cancelled():
                    continue
                if isinstance(result, Outage):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    async def _answer(self, entries: list[Entry]) -> list[Debited | Outage]:
        try:
            return await self._call(entries)
        except _DATABASE_ERRORS as error:
            if len(entries) == 1 or self._connection is None or self._connection.is_closed():
                # What was sent on a lost connection may be counted; it is never sent again.
                _log.error("the ledger call failed: %s", type(error).__name__)
                return [Outage(type(error).__name__) for _ in entries]
        # One request's data may have upset the call: each alone then, so that it harms nobody else.
        return [result for entry in entries for result in await self._answer([entry])]

    async def _call(self, entries: list[Entry]) -> list[Debited | Outage]:
        await self.hold_ready()
        assert self._statement is not None
        now = self._clock()
        rows = await self._statement.fetch(*arguments(now, self._epoch, entries))
        results: list[Debited | Outage] = [Outage("no row") for _ in entries]
        for ordinal, status, index, commitment, cost, sealed, subject, epoch in rows:
            results[ordinal - 1] = Debited(
                Status(status),
                now,
                index or 0,
                commitment or b"",
                cost,
                sealed,
                subject.bytes if subject else bytes(16),
                epoch,
            )
        return results


def arguments(now: int, epoch: int, entries: list[Entry]) -> tuple[object, ...]:
    """The call's nineteen arguments: the clock (µs), then one array a column."""
    return (
        now,
        [e.session for e in entries],
        [e.editor for e in entries],
        [e.insurer for e in entries],
        [e.lane for e in entries],
        [e.domain for e in entries],
        [e.answer_class for e in entries],
        epoch,
        [e.tag for e in entries],
        [e.tag_before for e in entries],
        [e.cost_told for e in entries],
        [e.cost_absent for e in entries],
        [limit for e in entries for limit in e.limits],
        [e.pace for e in entries],
        [e.told_window for e in entries],
        [e.salt for e in entries],
        [e.bucket for e in entries],
        [e.step for e in entries],
        [e.address for e in entries],
    )
