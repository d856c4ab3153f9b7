"""The whole population: from a seed and a number of persons, every insurer, every person and every file."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from functools import cache, cached_property
from itertools import accumulate
from multiprocessing import get_context
from pathlib import Path

from rempart.foundation.clock import SECOND
from rempart.population.births import CAPACITY, Births
from rempart.population.contracts import AS_OF
from rempart.population.files import Compression, Delta, members_delta, members_lines, write_file
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
    """

    def __init__(self, seed: int, persons: int, insurers: int = 84) -> None:
        if not 1 <= insurers <= persons <= CAPACITY:
            raise ValueError(f"a population has 1 to {CAPACITY} persons and at most as many insurers")
        self.seed, self.persons = seed, persons
        self.insurers = make_insurers(persons, insurers)

    @cached_property
    def _rolls(self) -> list[Roll]:
        births = Births(self.seed)
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

    def products(self, insurer: Insurer) -> tuple[Product, ...]:
        """The products of an insurer with their guarantee grids."""
        return products_of(insurer.index)

    def lines(self, insurer: Insurer) -> Iterator[bytes]:
        """The full members' file, in chunks of whole lines, header first."""
        return members_lines(self.people(insurer))

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
        return members_delta(insurer.amc, sequence, leaving, changed, created)

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
        three_numbers = self.seed, self.persons, len(self.insurers)
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            tasks = {
                pool.submit(_write, three_numbers, i.index, folder, compress, created): i
                for i in self.insurers
            }
            for done in as_completed(tasks):
                done.result()
                progress(tasks[done])


@cache
def _made_once(seed: int, persons: int, insurers: int) -> Population:
    """In each process of the pool, so that its tables are made once."""
    return Population(seed, persons, insurers)


def _write(
    three_numbers: tuple[int, int, int], index: int, folder: Path, compress: Compression | None, created: int
) -> None:
    population = _made_once(*three_numbers)
    population.write_insurer(population.insurers[index], folder, compress, created)
