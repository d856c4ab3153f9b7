"""How many requests the thief makes in a step: at a machine's pace, at a counter's, or just under what is refused."""

import random
from dataclasses import dataclass

from rempart.drill.agenda import FAST, STEP
from rempart.drill.rhythms import Rhythm, is_working
from rempart.drill.scenario import Thief
from rempart.foundation.clock import HOUR

HUMAN_AN_HOUR = 12.0
"""Of one account: an ordinary counter's."""
UNDER_CAP_A_DAY, MOST_UNDER_CAP_A_DAY = 6.0, 40.0
"""Of one account: where he begins, and the most he dares; half after each refusal, one more after each day without."""
WORKING_HOURS = 9.0
TIRED_AFTER, TIRED_AN_HOUR = 300, 6.0
"""After so many refusals in a row without one answer, no scenario is served by more: he tries every ten minutes."""


@dataclass
class Pace:
    """The thief's own clockwork. `accounts`: how many he uses at once."""

    thief: Thief
    accounts: int
    chance: random.Random
    slowed: float = 1.0
    under_cap: float = UNDER_CAP_A_DAY
    refused_today: bool = False
    in_a_row: int = 0
    _carry: float = 0.0

    @property
    def is_machine(self) -> bool:
        """Faster than a minute's step shows well."""
        fast = not isinstance(self.thief.pace, str) and self.thief.pace / self.slowed > 120
        return fast and self.in_a_row < TIRED_AFTER

    @property
    def step(self) -> int:
        """µs until his next turn."""
        return FAST if self.is_machine else STEP

    def an_hour(self) -> float:
        """Requests an hour, now."""
        if self.in_a_row >= TIRED_AFTER:
            return TIRED_AN_HOUR
        if self.thief.pace == "human":
            return HUMAN_AN_HOUR * self.accounts / self.slowed
        if self.thief.pace == "under-cap":
            return self.under_cap / WORKING_HOURS * self.accounts / self.slowed
        return float(self.thief.pace) / self.slowed

    def is_up(self, rhythm: Rhythm, at: int) -> bool:
        """Does he work at this instant? At a counter's pace he keeps a counter's hours, and under the cap too."""
        if self.thief.hours == "any" and not isinstance(self.thief.pace, str):
            return True
        return is_working(rhythm, at)

    def due(self) -> int:
        """How many requests in this turn: the fraction left over is kept, or drawn where he imitates people."""
        mean = self.an_hour() * self.step / HOUR
        if isinstance(self.thief.pace, str):
            return int(self.chance.random() < mean) if mean < 1 else round(mean)
        self._carry += mean
        whole = int(self._carry)
        self._carry -= whole
        return whole

    def refused(self) -> None:
        """He was refused."""
        self.in_a_row += 1
        if not self.refused_today:
            self.under_cap = max(1.0, self.under_cap / 2)
        self.refused_today = True
        if "slow-down" in self.thief.adapts:
            self.slowed = min(1_000.0, self.slowed * 2)

    def answered(self) -> None:
        """He was answered."""
        self.in_a_row = 0

    def new_day(self) -> None:
        """A night has passed."""
        if not self.refused_today:
            self.under_cap = min(MOST_UNDER_CAP_A_DAY, self.under_cap + 1)
        self.refused_today = False
