"""The whole population: from a seed and a number of persons, every insurer, every person and every file."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from functools import cache, cached_property
from hashlib import blake2b
from itertools import accumulate
from multiprocessing import get_context
from pathlib import Path

from rempart.foundation.clock import SECOND
from rempart.population.births import CAPACITY, Births
from rempart.population.contracts import AS_OF
from rempart.population.files import Compression, Delta, Extra, members_delta, members_lines, write_file
from rempart.population.insurers import make_insurers
from rempart.population.model import Insurer, Person, Product
from rempart.population.people import Roll
from rempart.population.products import products_csv, products_of

CREATED = int(datetime.fromisoformat(AS_OF).replace(tzinfo=UTC).timestamp()) * SECOND
"""The instant that manifests bear unless told otherwise: files of a seed are the same whenever they are written."""

Progress = Callable[[Insurer], None]


class Population:
    """Synthetic persons of fictional insurers: the same for the same (seed, persons, insurers), on every machine.

    `insurers` come largest first. Persons of an insurer are numbered from 0. Raises ValueError when there are fewer persons than
    insurers, or more persons than births (`births.CAPACITY`, a little over 20 million).

    `canaries`: how many people who do not exist each insurer places among its members, told apart by nobody who has not opened them; they
    are in the files and in `canaries_of`, and have no number. `cards`: how many of 256 persons hold a card that Rempart made, serial 1.
    """

    def __init__(
        self, seed: int, persons: int, insurers: int = 84, *, canaries: int = 0, cards: int = 0
    ) -> None:
        if not 1 <= insurers <= persons <= CAPACITY - canaries * insurers:
            raise ValueError(f"a population has 1 to {CAPACITY} persons and at most as many insurers")
        if canaries < 0 or not 0 <= cards <= 256:
            raise ValueError("canaries are some or none, cards 0 to 256")
        self.seed, self.persons = seed, persons
        self.canaries, self.cards = canaries, cards
        self.insurers = make_insurers(persons, insurers)

    @cached_property
    def _births(self) -> Births:
        return Births(self.seed)

    @cached_property
    def _rolls(self) -> list[Roll]:
        births = self._births
        firsts = accumulate((insurer.persons for insurer in self.insurers), initial=0)
        rolls: list[Roll] = []
        for insurer, first in zip(self.insurers, firsts, strict=False):
            elsewhere = rolls[0] if rolls else None
            rolls.append(Roll(self.seed, insurer, products_of(insurer.index), births, first, elsewhere))
        return rolls

    def person(self, insurer_index: int, index: int) -> Person:
        """One person, in constant time. Raises IndexError when there is none."""
        return self._rolls[insurer_index].person(index)

    def household(self, insurer_index: int, index: int) -> list[Person]:
        """The household of one person, the adhérent first. Raises IndexError when there is none."""
        return self._rolls[insurer_index].household(index)

    def people(self, insurer: Insurer) -> Iterator[Person]:
        """All persons of an insurer, in order."""
        return iter(self._rolls[insurer.index])

    def canaries_of(self, insurer: Insurer) -> list[Person]:
        """Those who do not exist at this insurer."""
        # Their births come after those of everybody, insurer by insurer.
        births = self.persons + insurer.index * self.canaries - insurer.persons
        roll = Roll(self.seed, insurer, products_of(insurer.index), self._births, births, None)
        return [roll.canary(place) for place in range(self.canaries)]

    def serial(self, person: Person) -> int:
        """Of the person's card, 0 for none."""
        return int((person.number * 151 + person.insurer * 89) % 256 < self.cards)

    def products(self, insurer: Insurer) -> tuple[Product, ...]:
        """The products of an insurer with their guarantee grids."""
        return products_of(insurer.index)

    def lines(self, insurer: Insurer) -> Iterator[bytes]:
        """The full members' file, in chunks of whole lines, header first."""
        return members_lines(self._members(insurer), self._optional, self._extra)

    @property
    def _optional(self) -> tuple[str, ...]:
        return ("card",) * (self.cards > 0) + ("canary",) * (self.canaries > 0)

    @property
    def _extra(self) -> Extra | None:
        if not self._optional:
            return None
        return lambda person: (
            f";{self.serial(person) or ''}" * (self.cards > 0)
            + f";{int(person.number >= self.insurers[person.insurer].persons)}" * (self.canaries > 0)
        )

    def _members(self, insurer: Insurer) -> Iterator[Person]:
        """Everybody, with the canaries among them: last in the file, they would be known by their line."""
        key = self.seed.to_bytes(16, "big", signed=True)
        before: dict[int, list[Person]] = {}
        for nobody in self.canaries_of(insurer):
            drawn = int.from_bytes(
                blake2b(nobody.member_ref.encode(), key=key, digest_size=8).digest(), "big"
            )
            before.setdefault(drawn % insurer.persons, []).append(nobody)
        for person in self.people(insurer):
            yield from before.get(person.number, ())
            yield person

    def products_csv(self, insurer: Insurer) -> bytes:
        """The products' file."""
        return products_csv(insurer.amc, self.products(insurer))

    def delta(
        self,
        insurer: Insurer,
        sequence: int,
        *,
        leaving: Iterable[Person] = (),
        changed: Iterable[Person] = (),
        created: int = CREATED,
    ) -> Delta:
        """A delta: `changed` are persons as they shall be from now on (`person._replace(…)`), known to the insurer or not."""
        return members_delta(insurer.amc, sequence, leaving, changed, created, self._optional, self._extra)

    def write_insurer(
        self, insurer: Insurer, folder: Path, compress: Compression | None = None, created: int = CREATED
    ) -> None:
        """Write an insurer's products' and full members' files with their manifests, sequence 1."""
        write_file(folder, insurer.amc, "products", [self.products_csv(insurer)], created)
        write_file(folder, insurer.amc, "full", self.lines(insurer), created, compress=compress)

    def write_files(
        self,
        folder: Path,
        compress: Compression | None = None,
        progress: Progress = lambda _: None,
        *,
        processes: int = 1,
        created: int = CREATED,
    ) -> None:
        """Write the files of all insurers; `progress` hears of each insurer done. `created` in microseconds.

        With several processes, the caller's main module must be importable (they are spawned, not forked).
        """
        folder.mkdir(parents=True, exist_ok=True)
        if processes == 1:
            for insurer in self.insurers:
                self.write_insurer(insurer, folder, compress, created)
                progress(insurer)
            return
        numbers = self.seed, self.persons, len(self.insurers), self.canaries, self.cards
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            tasks = {
                pool.submit(_write, numbers, i.index, folder, compress, created): i for i in self.insurers
            }
            for done in as_completed(tasks):
                done.result()
                progress(tasks[done])


@cache
def _made_once(seed: int, persons: int, insurers: int, canaries: int, cards: int) -> Population:
    """In each process of the pool, so that its tables are made once."""
    return Population(seed, persons, insurers, canaries=canaries, cards=cards)


def _write(
    numbers: tuple[int, int, int, int, int],
    index: int,
    folder: Path,
    compress: Compression | None,
    created: int,
) -> None:
    population = _made_once(*numbers)
    population.write_insurer(population.insurers[index], folder, compress, created)
