"""The drill's town: establishments of all professions, their people at their devices, and the patients who live around."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from rempart.drill.delivering import OperatorRefused, enrolled
from rempart.drill.rhythms import AT_HOME, RHYTHMS, Rhythm
from rempart.drill.seat import Door, Seat
from rempart.foundation.vocabulary import Domain, Lane, Profession, Role
from rempart.population import Person, Population, SyntheticEstablishment, synthetic_establishments
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.fhir import Presentation
from rempart.vaultdoor.messages import EnrolEstablishment, EnrolProfessional

_AT_ONCE = 16
_DAYS_OF_PATIENTS = 45
"""How many days' worth of people an establishment has among its patients; most come back."""


@dataclass
class House:
    """An establishment: its seats, how large it is, and its patients, the most frequent first."""

    finess: str
    profession: Profession
    size: float
    seats: list[Seat] = field(default_factory=list)
    patients: list[Person] = field(default_factory=list, repr=False)

    @property
    def rhythm(self) -> Rhythm:
        """Its profession's."""
        return RHYTHMS[self.profession]


@dataclass
class Town:
    """Everybody."""

    houses: list[House]
    people: list[Person] = field(repr=False)
    """All insured persons, insurer by insurer."""
    canaries: list[Person] = field(default_factory=list, repr=False)
    """Those who do not exist: nobody's patients."""

    def seats(self) -> list[Seat]:
        """All seats, in order."""
        return [seat for house in self.houses for seat in house.seats]

    def house_of(self, seat: Seat) -> House:
        """Where somebody works."""
        return next(house for house in self.houses if house.seats[0].establishment == seat.establishment)


def by_card(person: Person, domain: Domain) -> Presentation:
    """As the complementary card shows them."""
    return Presentation(
        Lane.CARD,
        person.amc,
        person.adherent,
        "",
        date.fromisoformat(person.birth_date),
        person.birth_rank,
        domain,
    )


def by_vitale(person: Person, domain: Domain) -> Presentation:
    """As the Carte Vitale shows them."""
    born = date.fromisoformat(person.birth_date)
    return Presentation(Lane.VITALE, person.amc, "", person.presented_nir, born, person.birth_rank, domain)


async def settle(
    door: Door, operator: VaultClient, population: Population, establishments: int, seed: int
) -> Town:
    """Enrol everybody on the operator's socket; each activates an account with a passkey at the public door."""
    chance = random.Random(f"town {seed}")  # noqa: S311 (a synthetic town)
    people = [person for insurer in population.insurers for person in population.people(insurer)]
    at_home = _by_departement(people)
    houses = [
        _plan(house, people, at_home, chance) for house in synthetic_establishments(seed, establishments)
    ]
    room = asyncio.Semaphore(_AT_ONCE)
    await asyncio.gather(*(_open(house, number, door, operator, room) for number, house in enumerate(houses)))
    canaries = [canary for insurer in population.insurers for canary in population.canaries_of(insurer)]
    return Town(houses, people, canaries)


def _by_departement(people: Sequence[Person]) -> dict[str, list[Person]]:
    """By the département of birth in the NIR: what is near enough to where people live."""
    found: dict[str, list[Person]] = {}
    for person in people:
        found.setdefault(person.presented_nir[5:7], []).append(person)
    return found


def _plan(
    known: SyntheticEstablishment,
    people: Sequence[Person],
    at_home: dict[str, list[Person]],
    chance: random.Random,
) -> House:
    house = House(known.finess, known.profession, min(2.0, max(0.5, chance.lognormvariate(-0.06, 0.35))))
    count = max(30, int(house.rhythm.people * house.size * _DAYS_OF_PATIENTS))
    near = [
        person for code in chance.sample(sorted(at_home), min(2, len(at_home))) for person in at_home[code]
    ]
    drawn = {
        (person.insurer, person.number): person
        for person in (chance.choice(near if chance.random() < AT_HOME else people) for _ in range(count))
    }
    house.patients = list(drawn.values())
    return house


async def _open(
    house: House, number: int, door: Door, operator: VaultClient, room: asyncio.Semaphore
) -> None:
    async with room:
        place = enrolled(await operator.call(EnrolEstablishment(house.finess, house.profession)))
        for rank in range(house.rhythm.seats):
            login = f"ps{number:04d}{rank:02d}"
            role = Role.TITULAIRE if rank == 0 else Role.EMPLOYEE
            told = enrolled(await operator.call(EnrolProfessional(login, role, place.id)))
            seat = Seat(door, login, told.id, place.id, house.profession)
            refused = await seat.activate(told.code)
            if refused:
                raise OperatorRefused(f"activation: {refused}")
            house.seats.append(seat)
