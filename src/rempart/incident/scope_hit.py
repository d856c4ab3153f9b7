"""*Were we hit?* Each establishment, and each group, has its own exact answer: two different questions, counts only.

Whether the look-ups in question were made from it; and whether persons whom it serves are among those exposed, wherever that was done.
"""

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


def hit_establishment(c: Connection, scope: Scope, number: str) -> HouseHit:
    """The answer of one establishment, by FINESS or n° AMC: before and after it was sold alike. Raises NoSuchParty, LedgerUnreadable."""
    with one_snapshot(c):
        places = places_by_number(c, number)
        if not places:
            raise NoSuchParty("establishment")
        return HouseHit(places[0], hit(c, scope, frozenset(place.id for place in places)))


def hit_group(c: Connection, scope: Scope, label: str) -> tuple[Hit, list[HouseHit]]:
    """A group's answer as one, and that of each of its establishments, by number. Raises NoSuchParty, LedgerUnreadable."""
    with one_snapshot(c):
        places = places_in_group(c, label)
        if not places:
            raise NoSuchParty("group")
        whole = hit(c, scope, frozenset(place.id for place in places))
        return whole, [HouseHit(place, hit(c, scope, frozenset({place.id}))) for place in places]


def touched(c: Connection, scope: Scope) -> list[HouseHit]:
    """Every establishment that made look-ups in question, or served a person exposed, by number: no other was hit.

    `elsewhere` is left at 0: whoever asked is in the answer of where it was done. Raises LedgerUnreadable.
    """
    asked_from: dict[UUID, set[UUID]] = {}
    told: dict[UUID, list[UUID]] = {}
    for person in scope.exposed:
        for answer in person.answers:
            asked_from.setdefault(person.subject, set()).add(answer.establishment)
            told.setdefault(answer.establishment, []).append(person.subject)
    with one_snapshot(c):
        served_by = houses_served(c, sorted(asked_from))
        places = places_of(c, frozenset(served_by.keys() | told.keys()), frozenset())
    found = []
    for place in places:
        here = told.get(place.id, [])
        known = served_by.get(place.id, frozenset())
        by_others = sum(bool(asked_from[subject] - {place.id}) for subject in known)
        found.append(HouseHit(place, Hit(len(here), len(set(here)), 0, len(known), by_others)))
    return found


def hit(c: Connection, scope: Scope, establishments: frozenset[UUID]) -> Hit:
    """The answer of these establishments as one. Callers: the operator's commands, later whoever shows an establishment its own."""
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
