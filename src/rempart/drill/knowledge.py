"""What the thief knows of people: the list he goes through, and in which order."""

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from rempart.drill.scenario import Scenario, Thief
from rempart.foundation.vocabulary import Domain, Lane
from rempart.population import Insurer, Person
from rempart.vaultdoor.fhir import Presentation

_OLDEST, _BIRTHS = date(1936, 1, 1), 30_000


class Target(NamedTuple):
    """Whom he asks for: what he presents, and who it is if he is right (None: a guess)."""

    person: Person | None
    shown: Presentation


def listed(scenario: Scenario, people: Sequence[Person], canaries: Sequence[Person] = ()) -> list[Person]:
    """The people on his list, in the order in which he goes through them; canaries among them unless he shuns them. Empty when he knows
    nobody.
    """
    thief = scenario.thief
    if thief.knows == "none":
        return []
    chance = random.Random(f"list {scenario.seed}")  # noqa: S311 (a synthetic thief)
    there = people if thief.shuns_canaries else [*people, *canaries]
    known = [person for person in there if chance.random() < thief.list_coverage]
    if thief.order == "random":
        chance.shuffle(known)
    elif thief.knows == "nir-list":
        known.sort(key=lambda person: person.presented_nir)
    else:
        known.sort(key=lambda person: (person.amc, person.adherent))
    return known


def targets(
    scenario: Scenario, known: Sequence[Person], insurers: Sequence[Insurer], domain: Domain
) -> Iterator[Target]:
    """Each person of the list once; without a list, guesses for ever."""
    thief = scenario.thief
    chance = random.Random(f"guesses {scenario.seed}")  # noqa: S311 (a synthetic thief)
    if thief.knows == "none":
        yield from _guesses(thief, insurers, domain, chance)
    for person in known:
        born = date.fromisoformat(person.birth_date)
        if thief.knows == "nir-list":
            shown = Presentation(
                Lane.VITALE, person.amc, "", person.presented_nir, born, person.birth_rank, domain
            )
        elif thief.knows == "card-list":
            shown = Presentation(Lane.CARD, person.amc, person.adherent, "", born, person.birth_rank, domain)
        else:
            # The number is right, whoever has it; the day of birth is a guess, right once in some thirty thousand.
            guessed = _OLDEST + timedelta(days=chance.randrange(_BIRTHS))
            shown = Presentation(Lane.CARD, person.amc, person.adherent, "", guessed, 1, domain)
        right = shown.birth_date == born and shown.rank == person.birth_rank
        yield Target(person if right else None, shown)


def _guesses(
    thief: Thief, insurers: Sequence[Insurer], domain: Domain, chance: random.Random
) -> Iterator[Target]:
    number = chance.randrange(10_000_000, 90_000_000)
    while True:
        number = number + 1 if thief.order == "sorted" else chance.randrange(10_000_000, 100_000_000)
        amc = chance.choice(insurers).amc
        born = _OLDEST + timedelta(days=chance.randrange(_BIRTHS))
        if thief.plays_lane == "secret":
            secret = chance.randbytes(16)
            yield Target(None, Presentation(Lane.SECRET, amc, "", "", born, 1, domain, secret=secret))
        elif thief.plays_lane == "vitale":
            yield Target(None, Presentation(Lane.VITALE, amc, "", _some_nir(born, chance), born, 1, domain))
        else:
            yield Target(None, Presentation(Lane.CARD, amc, str(number), "", born, 1, domain))


def _some_nir(born: date, chance: random.Random) -> str:
    """A NIR with a right key and the order number 000, which is nobody's: a real one would not be taken by a demonstration."""
    body = f"{chance.choice('12')}{born:%y%m}{chance.randrange(1, 20):02d}{chance.randrange(1, 990):03d}000"
    return f"{body}{97 - int(body) % 97:02d}"
