"""What is to happen when, on the simulated clock: the clock stands while everything due in a step happens at once, then moves on."""

import asyncio
import contextlib
import heapq
import time
from collections.abc import Awaitable, Callable
from itertools import count

from rempart.foundation.clock import MINUTE, SECOND, SharedClock

STEP = 2 * MINUTE
FAST = 10 * SECOND
"""The step while a thief works at a machine's pace."""
_TICK = 0.02
Task = Callable[[], Awaitable[None]]


class Agenda:
    """Tasks by their instant. A task may add others; those for the past happen in the next step."""

    def __init__(self, clock: SharedClock) -> None:
        self._clock = clock
        self._waiting: list[tuple[int, int, Task]] = []
        self._numbers = count()
        self.step = STEP

    def add(self, at: int, task: Task) -> None:
        """Let it happen at that instant (µs)."""
        heapq.heappush(self._waiting, (at, next(self._numbers), task))

    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    async def next_step(self, until: int) -> bool:
        """Move the clock to the next step in which something is due, and do it. False when nothing is due before `until`."""
        if not self._waiting or self._waiting[0][0] >= until:
            self._clock.move(max(self._clock(), until))
            return False
        start = max(self._waiting[0][0] // self.step * self.step, self._clock())
        end = start + self.step
        self._clock.move(start)
        due: list[Task] = []
        while self._waiting and self._waiting[0][0] < min(end, until):
            due.append(heapq.heappop(self._waiting)[2])
        await asyncio.gather(*(task() for task in due))
        # Whatever it adds lies in a later step, even if nothing else does.
        self._clock.move(max(self._clock(), min(end, until) - 1))
        return True

    async def live(self, over: asyncio.Event) -> None:
        """Until it is over, the clock goes as fast as the real one; what falls due happens then, beside whatever else is done."""
        began, real = self._clock(), time.monotonic_ns()
        running: list[asyncio.Future[None]] = []
        while not over.is_set():
            now = began + (time.monotonic_ns() - real) // 1_000
            self._clock.move(max(now, self._clock()))
            while self._waiting and self._waiting[0][0] <= now:
                running.append(asyncio.ensure_future(heapq.heappop(self._waiting)[2]()))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), _TICK)
        await asyncio.gather(*running)
