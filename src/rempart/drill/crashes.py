"""A process of the platform dies in the middle of requests: killed as a crash kills, started again by the supervisor alone.

Nothing is prepared for it: the signal is SIGKILL, requests are in flight, and whoever waited for an answer asks again. The simulated clock
stands until the platform is whole again, so that an outage of seconds is not one of hours.
"""

import asyncio
import os
import signal
import time
from collections import deque
from dataclasses import dataclass, replace
from functools import partial

from rempart.drill.scenario import Crash
from rempart.drill.stage import Drill
from rempart.foundation.clock import HOUR, MINUTE
from rempart.foundation.errors import Outage
from rempart.supervisor.state import PlatformState, read_state

SEVERAL = 3
"""Requests in flight, at the least, when a process is killed."""
PATIENCE = 10 * MINUTE
"""Simulated; if so many never come together for so long, one is enough: a crash at night."""
LATEST = 0.008
"""Real seconds. A crash comes so long, drawn, after they were sent: before the commit, in it or after it; or, as often, at the moment at
which the first of them is answered: the others, which were committed with it, are not yet."""
BACK_SECONDS = 120.0
_LOOK = 0.05


class NotBack(Outage):
    """The supervisor did not bring the platform back."""

    code = "drill-not-back"
    french = "La plate-forme de l'exercice ne s'est pas relevée après une panne."
    english = "The drill's platform did not come back after a crash."


@dataclass(frozen=True)
class Crashed:
    """What happened. `at`: simulated, µs; `seconds`: real ones until every process was ready again."""

    process: str
    at: int
    in_flight: int
    seconds: float = 0.0


@dataclass(frozen=True)
class _Armed:
    crash: Crash
    since: int
    at_an_answer: bool


class Crashes:
    """Those of a scenario, in its order."""

    def __init__(self, drill: Drill) -> None:
        self._drill, self._wire = drill, drill.door.wire
        self._chance = drill.chance("crashes")
        self._armed: deque[_Armed] = deque()
        self._dying: asyncio.Task[None] | None = None
        self.happened: list[Crashed] = []

    def plan(self) -> None:
        """Put them on the agenda. From here on a door that hangs up is an outage that people meet, not the drill's end."""
        crashes = self._drill.scenario.crashes
        if not crashes:
            return
        self._wire.survives, self._wire.watched = True, self._look
        for crash in crashes:
            at = self._drill.begins + int(crash.at_hours * HOUR)
            self._drill.agenda.add(at, partial(self._arm, crash))

    async def settled(self) -> None:
        """Wait, in real time, until what was killed is back. Raises NotBack."""
        if self._dying is not None:
            await self._dying

    async def _arm(self, crash: Crash) -> None:
        self._armed.append(_Armed(crash, self._drill.clock(), at_an_answer=self._chance.random() < 0.5))

    def _look(self, answered: bool) -> None:
        """A request was sent, or answered: is this the moment?"""
        if not self._armed or (self._dying is not None and not self._dying.done()):
            return
        armed = self._armed[0]
        waited = self._drill.clock() - armed.since > PATIENCE
        if self._wire.in_flight < (1 if waited else SEVERAL) or armed.at_an_answer != answered:
            return
        self._dying = asyncio.create_task(self._recover(*self._kill()) if answered else self._kill_soon())

    async def _kill_soon(self) -> None:
        await asyncio.sleep(self._chance.random() * LATEST)
        # If all were answered meanwhile, it stays armed for the next such moment.
        if self._wire.in_flight:
            await self._recover(*self._kill())

    def _kill(self) -> tuple[Crashed, int]:
        process = self._armed.popleft().crash.process
        pid = next(line.pid for line in self._state().processes if line.name == process)
        # The one before is back, or this one would not be due.
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return Crashed(process, self._drill.clock(), self._wire.in_flight), pid

    async def _recover(self, crashed: Crashed, killed: int) -> None:
        """Until another one runs, and every process is ready. Raises NotBack."""
        began = time.monotonic()
        while not _is_whole(self._state(), crashed.process, killed):
            if time.monotonic() - began > BACK_SECONDS:
                raise NotBack(crashed.process)
            await asyncio.sleep(_LOOK)
        if crashed.process == "database":
            await self._drill.watch.connect_again()
        self.happened.append(replace(crashed, seconds=round(time.monotonic() - began, 2)))

    def _state(self) -> PlatformState:
        state = read_state(self._drill.platform.home.state)
        assert state is not None
        return state


def _is_whole(state: PlatformState, process: str, killed: int) -> bool:
    ready = state.condition == "ready" and all(line.condition == "ready" for line in state.processes)
    return ready and all(line.pid not in {None, killed} for line in state.processes if line.name == process)
