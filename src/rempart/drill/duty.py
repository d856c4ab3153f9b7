"""Who is on duty while an attack is played: told of each alert as soon as the sentinel has raised it, while the simulated clock stands."""

from typing import Protocol

from rempart.drill.report import minutes
from rempart.drill.stage import Drill
from rempart.drill.watch import Alert, Mark


class OnDuty(Protocol):
    """Whatever happens in `alerted` happens at the instant at which the clock stands; real time is the duty's own to measure."""

    async def prepare(self) -> None:
        """The town is enrolled; nothing has happened yet."""

    async def alerted(self, alert: Alert) -> None:
        """An alert, once each, in the order in which they were raised."""

    def contained(self) -> Mark | None:
        """What was done against him first, and when."""

    def close(self) -> None:
        """The drill is over."""


class Announces:
    """Nobody acts: the first alert of each rule is said, as it comes."""

    def __init__(self, drill: Drill) -> None:
        self._drill = drill
        self._said: set[str] = set()

    async def prepare(self) -> None:
        """Nothing."""

    def contained(self) -> Mark | None:
        """Nobody acts."""
        return None

    def close(self) -> None:
        """Nothing."""

    async def alerted(self, alert: Alert) -> None:
        """Say it."""
        if alert.rule in self._said:
            return
        self._said.add(alert.rule)
        minute = minutes(alert.at, self._drill.begins)
        self._drill.say(f"minute {minute:g} : {alert.french} / {alert.english}")
