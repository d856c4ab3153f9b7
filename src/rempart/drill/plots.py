"""From a holding to a plot: how the thief comes by what he holds, what he does with it, and what of it the ledger must show."""

from collections.abc import Collection
from typing import Any, Protocol

import psycopg

from rempart.drill.grip import Grip, Kind
from rempart.drill.knowledge import listed, targets
from rempart.drill.ledgerscope import Scope, scope_of_accounts
from rempart.drill.rhythms import RHYTHMS
from rempart.drill.scenario import BadScenario
from rempart.drill.seat import Seat
from rempart.drill.stage import Drill
from rempart.drill.thief import AskingThief
from rempart.foundation.vocabulary import Profession


class Plot(Protocol):
    """What the drill needs of a thief, whatever he holds."""

    async def prepare(self) -> None:
        """Before the first day: whatever the theft takes for granted."""

    def begin(self) -> None:
        """He begins: put his first act on the agenda."""

    def is_busy(self) -> bool:
        """Does he work at a machine's pace right now?"""

    def parties(self) -> Collection[str]:
        """Ids of the accounts, and whatever else alerts and switches would name."""

    def scope(self, connection: "psycopg.Connection[Any]", begins: int, ends: int) -> Scope:
        """Who was exposed, according to the ledger."""


def plot_of(drill: Drill) -> Plot:
    """The plot of a scenario's holding. Raises BadScenario when the town has not enough of what is stolen."""
    holds = drill.scenario.thief.holds
    kinds: dict[str, Kind] = {"session": "live", "browser-profile": "copied", "cookie": "cookie"}
    if holds in kinds:
        return StolenSessions(drill, kinds[holds])
    raise BadScenario(f"thief.holds: {holds} cannot be played yet")


def victims_of(drill: Drill) -> list[Seat]:
    """Whose accounts he holds, each at an establishment of its own as long as there are enough. Raises BadScenario."""
    thief, town = drill.scenario.thief, drill.town
    houses = [house for house in town.houses if house.seats]
    chance = drill.chance("victims")
    if thief.victims == "busy":
        houses = sorted(
            (house for house in houses if house.profession is Profession.PHARMACY), key=lambda h: -h.size
        )
    else:
        chance.shuffle(houses)
    ranks = max(len(house.seats) for house in houses) if houses else 0
    seats = [house.seats[rank] for rank in range(ranks) for house in houses if rank < len(house.seats)]
    if len(seats) < thief.accounts:
        raise BadScenario(
            f"thief.accounts: {thief.accounts}, and there are {len(seats)}; raise population.establishments"
        )
    return seats[: thief.accounts]


class StolenSessions:
    """A live workstation, a copied browser profile, or a cookie: of one account or several."""

    def __init__(self, drill: Drill, kind: Kind) -> None:
        self.drill = drill
        self.victims = victims_of(drill)
        thief = drill.scenario.thief
        if thief.victims == "idle":
            drill.life.idle = {seat.account for seat in self.victims}
        self.grips = [Grip(drill.door, seat, kind) for seat in self.victims]
        known = listed(drill.scenario, drill.town.people)
        domain = RHYTHMS[self.victims[0].profession].domain
        self.asking = AskingThief(
            thief,
            self.grips,
            targets(drill.scenario, known, drill.population.insurers, domain),
            drill.agenda,
            drill.clock,
            drill.ends,
            drill.loot,
            drill.chance("thief"),
        )

    async def prepare(self) -> None:
        """Nothing: the workstations are honest until then."""

    def begin(self) -> None:
        """The theft itself: from here on these accounts are told apart in the honest tally."""
        self.drill.life.held = {seat.account for seat in self.victims}
        for grip in self.grips:
            grip.copy()
        self.asking.begin(self.drill.begins)

    def is_busy(self) -> bool:
        """At a machine's pace, until he is tired or done."""
        return not self.asking.done and self.asking.pace.is_machine

    def parties(self) -> Collection[str]:
        """Accounts and establishments."""
        return {seat.account for seat in self.victims} | {seat.establishment for seat in self.victims}

    def scope(self, connection: "psycopg.Connection[Any]", begins: int, ends: int) -> Scope:
        """All that these accounts were told, less what their honest people hold the receipts of."""
        accounts = [seat.account for seat in self.victims]
        return scope_of_accounts(connection, accounts, begins, ends, self.drill.life.told_at_held)
