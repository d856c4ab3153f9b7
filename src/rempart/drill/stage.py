"""The stage: everything that one drill is made of, handed to whoever plays a part in it."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

from rempart.drill.agenda import Agenda
from rempart.drill.delivering import InsurerKeys
from rempart.drill.honest import HonestLife
from rempart.drill.loot import Loot
from rempart.drill.rhythms import moment
from rempart.drill.scenario import Scenario
from rempart.drill.seat import Door
from rempart.drill.town import Town
from rempart.drill.watch import Watch
from rempart.foundation.clock import DAY, SharedClock
from rempart.population import Population
from rempart.supervisor.platform import Platform
from rempart.vaultdoor.client import VaultClient

FIRST_DAY = date(2026, 1, 5)
"""A Monday; the synthetic contracts describe January 2026."""
SETTLES_AT, BEGINS_AT = 5.0, 10.0
"""Hours: when the town is enrolled on the first day; when the thief begins on his first."""
Say = Callable[[str], None]


class Robot(Protocol):
    """A thief with live means of asking, as whoever measures a response needs him."""

    async def insist(self) -> str:
        """He asks once more, now: the refusal's code, or "" when he was answered."""

    def evict(self) -> None:
        """The workstations are made anew, under his hands."""


@dataclass
class Drill:
    """Everything that one drill is made of."""

    scenario: Scenario
    platform: Platform
    clock: SharedClock
    population: Population
    door: Door
    operator: VaultClient
    watch: Watch
    observer: str
    """The DSN of the drill's own superuser: it observes, and takes the dump that a thief of databases takes."""
    say: Say
    agenda: Agenda
    loot: Loot = field(default_factory=Loot)
    parts: dict[str, float] = field(default_factory=dict)
    town: Town = field(init=False)
    life: HonestLife = field(init=False)
    insurers: dict[str, InsurerKeys] = field(init=False)
    robot: Robot | None = None

    @property
    def begins(self) -> int:
        """When the thief begins, µs."""
        return moment(FIRST_DAY + timedelta(days=self.scenario.honest.days), BEGINS_AT)

    @property
    def ends(self) -> int:
        """When the drill ends, µs."""
        return self.begins + self.scenario.thief.days * DAY

    def chance(self, purpose: str) -> random.Random:
        """Dice of one purpose, the same for the same seed."""
        return random.Random(f"{purpose} {self.scenario.seed}")  # noqa: S311 (a synthetic attack)

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Count real seconds."""
        began = time.monotonic()
        yield
        self.parts[part] = round(self.parts.get(part, 0.0) + time.monotonic() - began, 2)
