"""*Were we hit?* Each establishment, and each group, has its own exact answer: two different questions, counts only.

Whether the look-ups in question were made from it; and whether persons whom it serves are among those exposed, wherever that was done.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from rempart.incident.errors import NoSuchParty
from rempart.incident.exposure import Scope
from rempart.incident.scope_store import (
    Connection,
    Place,
    houses_served,
    one_snapshot,
    places_by_number,
    places_in_group,
    places_of,
    seats_at,
    seats_held,
    served,
)


@dataclass(frozen=True, slots=True)
class Hit:
    """One establishment's answer, or a group's. A person is one for each insurer."""

    answers: int
    """In question, made at this establishment, that told of somebody."""
    persons: int
    """Distinct persons told of by these."""
    elsewhere: int
    """In question, made at another establishment by an account that has a seat here."""
    served: int
    """Persons exposed, wherever it was done, whom this establishment was told of within the retention (three years)."""
    served_by_others: int
    """Of these, exposed by answers made at other establishments."""

    @property
    def untouched(self) -> bool:
        """Neither its accounts nor the persons whom it serves."""
        return not (self.answers or self.elsewhere or self.served)


@dataclass(frozen=True, slots=True)
class HouseHit:
    """An establishment of a group, with its answer."""

    place: Place
    hit: Hit


def hit_establishment(c: Connection, scope: Scope, number: str) -> list[HouseHit]:
    """The answer of each that this FINESS was, the newest first, or of the seat of this n° AMC: what the seller's people did and whom they
    served is none of the buyer's. Raises NoSuchParty, LedgerUnreadable.
    """
    with one_snapshot(c):
        places = places_by_number(c, number)
        if not places:
            raise NoSuchParty("establishment")
        return [HouseHit(place, hit(c, scope, frozenset({place.id}))) for place in places]


def hit_group(c: Connection, scope: Scope, label: str) -> tuple[Hit, list[HouseHit]]:
    """A group's answer as one, and that of each of its establishments, by number. Raises NoSuchParty, LedgerUnreadable."""
    with one_snapshot(c):
        places = places_in_group(c, label)
        if not places:
            raise NoSuchParty("group")
        whole = hit(c, scope, frozenset(place.id for place in places))
        return whole, [HouseHit(place, hit(c, scope, frozenset({place.id}))) for place in places]


@dataclass(frozen=True)
class Reckoning:
    """A scope turned over once, so that every house's and every group's answer follows without another look at the ledger."""

    told: Mapping[UUID, Sequence[UUID]]
    """Establishment → the person of each answer made there."""
    asked_from: Mapping[UUID, set[UUID]]
    """Person → the establishments where answers about it were made."""
    asked_by: Mapping[UUID, Counter[UUID]]
    """Account → its answers, by establishment."""
    staff: Mapping[UUID, frozenset[UUID]]
    """Establishment → the accounts in question that have a seat there."""
    served: Mapping[UUID, frozenset[UUID]]
    """Establishment → the persons exposed whom it was told of."""

    def hit(self, houses: frozenset[UUID]) -> Hit:
        """The answer of these establishments as one: the same as `hit` reads."""
        here = [subject for house in houses for subject in self.told.get(house, ())]
        own = frozenset[UUID]().union(*(self.staff.get(house, frozenset()) for house in houses))
        known = frozenset[UUID]().union(*(self.served.get(house, frozenset()) for house in houses))
        return Hit(
            answers=len(here),
            persons=len(set(here)),
            elsewhere=sum(
                many for who in own for house, many in self.asked_by[who].items() if house not in houses
            ),
            served=len(known),
            served_by_others=sum(bool(self.asked_from[subject] - houses) for subject in known),
        )

    def every_house(self) -> dict[UUID, Hit]:
        """Each establishment that was hit, those that are closed since included: no other was."""
        known = self.told.keys() | self.served.keys() | self.staff.keys()
        found = {house: self.hit(frozenset({house})) for house in known}
        return {house: own for house, own in found.items() if not own.untouched}


def reckon(c: Connection, scope: Scope) -> Reckoning:
    """Read once who served whom and who sits where. Raises LedgerUnreadable."""
    told: dict[UUID, list[UUID]] = {}
    asked_from: dict[UUID, set[UUID]] = {}
    asked_by: dict[UUID, Counter[UUID]] = {}
    for person in scope.exposed:
        for answer in person.answers:
            told.setdefault(answer.establishment, []).append(person.subject)
            asked_from.setdefault(person.subject, set()).add(answer.establishment)
            asked_by.setdefault(answer.account, Counter())[answer.establishment] += 1
    with one_snapshot(c):
        served_by = houses_served(c, sorted(asked_from))
        staff = seats_held(c, sorted(asked_by))
    return Reckoning(told, asked_from, asked_by, staff, served_by)


def touched(c: Connection, scope: Scope) -> list[HouseHit]:
    """Every establishment that was hit, by number: no other was. Raises LedgerUnreadable."""
    with one_snapshot(c):
        found = reckon(c, scope).every_house()
        return [HouseHit(place, found[place.id]) for place in places_of(c, frozenset(found), frozenset())]


def hit(c: Connection, scope: Scope, establishments: frozenset[UUID]) -> Hit:
    """The answer of these establishments as one. For a question of one; `reckon` answers for all."""
    own = seats_at(c, establishments)
    told = [(person.subject, answer) for person in scope.exposed for answer in person.answers]
    here = [(subject, answer) for subject, answer in told if answer.establishment in establishments]
    elsewhere = [a for _, a in told if a.establishment not in establishments and a.account in own]
    known = served(c, establishments, sorted({person.subject for person in scope.exposed}))
    by_others = {subject for subject, answer in told if answer.establishment not in establishments}
    return Hit(
        answers=len(here),
        persons=len({subject for subject, _ in here}),
        elsewhere=len(elsewhere),
        served=len(known),
        served_by_others=len(known & by_others),
    )
