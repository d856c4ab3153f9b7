"""`rempart bench rights`: signed rights checks through the real HTTP door, beside the floor that the database alone sets."""

import itertools
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console

from rempart.cli.counter import Counter
from rempart.cli.floor import floor, superuser_dsn
from rempart.cli.line import lift_breakers
from rempart.cli.load import LoadResult, run_load
from rempart.cli.operator import ask
from rempart.cli.presenting import by_card
from rempart.cli.taking_in import TakenIn, all_loaded, deliver, take_in, written_files
from rempart.foundation.clock import paris_date, system_clock
from rempart.foundation.errors import BadInput
from rempart.foundation.vocabulary import Domain, Profession, Role
from rempart.intake.model import Kind
from rempart.population.population import Population
from rempart.population.professionals import synthetic_establishments
from rempart.supervisor.platform import Platform, running_platform
from rempart.supervisor.state import read_state
from rempart.vaultdoor.fhir import Presentation
from rempart.vaultdoor.messages import EnrolEstablishment, Enrolled, EnrolProfessional

SEED = 84
ACCOUNTS_A_HOUSE = 8
CHECKS_AN_ACCOUNT = 30
"""The pace of a hospital's device: no request of the bench is refused."""
NO_BREAKER = 2_000_000_000
"""Units an hour: the bench asks in seconds what the country asks in an hour."""
AT_ONCE_SECONDS = 30
"""Requests are signed before the clock starts and stay fresh for 60 seconds: a longer run is made of several."""
console = Console()


def bench_rights(
    persons: Annotated[int, typer.Option(min=1_000)] = 100_000,
    seconds: Annotated[int, typer.Option(min=2)] = 20,
    concurrency: Annotated[int, typer.Option(min=1)] = 32,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="keep the platform here, and find it again the next time")
    ] = None,
    during_load: Annotated[
        bool, typer.Option(help="measure again while every insurer's file is taken in anew")
    ] = False,
) -> None:
    """Measure rights checks a second through the door, and the floor in the same run."""
    with tempfile.TemporaryDirectory(prefix="rempart-") as temporary:
        measured = measure(
            folder or Path(temporary) / "p", persons, seconds, concurrency, during_load=during_load
        )
    text = json.dumps(measured, indent=2)
    console.print_json(text)
    if json_file is not None:
        json_file.write_text(text + "\n")


def measure(
    folder: Path, persons: int, seconds: int, concurrency: int, *, during_load: bool
) -> dict[str, Any]:
    """One run: intake, warm-up, floor, door, floor again; then, if asked, the door while files are taken in."""
    population = Population(SEED, persons)
    with running_platform(folder, more='shared_buffers = "2GB"\n', without=("sentinel",)) as platform:
        taken = TakenIn()
        if not _already_taken_in(platform, persons):
            taken = take_in(platform, population, console, processes=1 if persons < 1_000_000 else 2)
        lift_breakers(platform.home.folder, (insurer.amc for insurer in population.insurers), NO_BREAKER)
        _settle(platform)
        console.print("Enrolling accounts and warming up…")
        warm = Checks(platform, population)
        warm.enrol(400)
        pace = warm.run(4, concurrency, 400 * CHECKS_AN_ACCOUNT).per_second
        checks = Checks(platform, population)
        wanted = int(pace * seconds * 1.5) + concurrency
        checks.enrol(-(-wanted // CHECKS_AN_ACCOUNT))
        console.print(
            f"Measuring: {seconds} s of floor, door, floor at {concurrency} clients, and the floor alone at one…"
        )
        floors = [floor(platform, seconds, concurrency)]
        before, load = processor_seconds(platform), checks.run(seconds, concurrency, wanted)
        spent = {name: after - before[name] for name, after in processor_seconds(platform).items()}
        floors.append(floor(platform, seconds, concurrency))
        alone = floor(platform, min(seconds, 5), 1)
        figures = _report(persons, concurrency, load, floors, alone, spent)
        if taken.seconds:
            figures |= {
                "taken_in_persons": taken.persons,
                "taken_in_persons_per_second": round(taken.persons / taken.seconds, 1),
            }
        if during_load:
            figures |= _measure_during_load(platform, population, taken, seconds, concurrency, load)
    return figures


def _settle(platform: Platform) -> None:
    """What PostgreSQL does by itself in the minutes after a load, done before the clock starts: vacuum, checkpoint."""
    with psycopg.connect(superuser_dsn(platform), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def _measure_during_load(
    platform: Platform,
    population: Population,
    taken: TakenIn,
    seconds: int,
    concurrency: int,
    alone: LoadResult,
) -> dict[str, Any]:
    """The same load while every insurer's second full file goes from the spool to the swap."""
    if not taken.keys:
        raise BadInput(
            "--during-load needs a platform that this very run filled: leave --folder out, or give an empty one"
        )
    checks = Checks(platform, population)
    wanted = int(alone.per_second * seconds) + concurrency
    checks.enrol(-(-wanted // CHECKS_AN_ACCOUNT))
    console.print("Measuring again while every insurer's file is taken in anew…")
    deliveries: list[str] = []
    for insurer, files in written_files(platform, population, 2):
        deliveries += deliver(platform, insurer, files, taken.keys[insurer.amc], (Kind.FULL,), sequence=2)
    load = checks.run(seconds, concurrency, wanted)
    return {
        "during_load_requests_per_second": round(load.per_second, 1),
        "during_load_p50_ms": round(load.quantile(0.50), 2),
        "during_load_p99_ms": round(load.quantile(0.99), 2),
        "during_load_p99_ratio": round(load.quantile(0.99) / alone.quantile(0.99), 2),
        "during_load_until_the_end": not all_loaded(platform, deliveries),
    }


def _report(
    persons: int,
    concurrency: int,
    load: LoadResult,
    floors: list[float],
    alone: float,
    spent: dict[str, float],
) -> dict[str, Any]:
    answered = load.statuses[200]
    mean_floor = statistics.mean(floors)
    return {
        "persons": persons,
        "concurrency": concurrency,
        "seconds": round(load.seconds, 2),
        "requests": answered,
        "statuses": {str(status): count for status, count in sorted(load.statuses.items())},
        "rights_open": load.marked,
        "ended_with_the_prepared_requests": load.ran_dry,
        "requests_per_second": round(load.per_second, 1),
        "p50_ms": round(load.quantile(0.50), 2),
        "p95_ms": round(load.quantile(0.95), 2),
        "p99_ms": round(load.quantile(0.99), 2),
        "floor_per_second": round(mean_floor, 1),
        "floor_runs": [round(one, 1) for one in floors],
        "floor_one_client": round(alone, 1),
        "ratio": round(load.per_second / mean_floor, 3),
        "ratio_to_one_client": round(load.per_second / alone, 3),
        "cpu_us_per_request": {
            name: round(value / max(1, answered) * 1e6, 1) for name, value in spent.items()
        },
        "load_generator_cpu_us_per_request": round(load.cpu_seconds / max(1, answered) * 1e6, 1),
    }


class Checks:
    """Accounts that check rights, each on a device of its own, and the people they ask for."""

    def __init__(self, platform: Platform, population: Population) -> None:
        self._platform, self._population = platform, population
        self._chance = random.Random(time.time_ns())  # noqa: S311 (which people the bench asks for)
        self._counters: list[Counter] = []
        self._sizes = [insurer.persons for insurer in population.insurers]

    def enrol(self, accounts: int) -> None:
        """Open accounts through the operator's socket, and activate each through the portal's door."""
        run = f"{self._chance.getrandbits(40):010x}"
        houses = synthetic_establishments(self._chance.getrandbits(32), -(-accounts // ACCOUNTS_A_HOUSE))
        for number, house in enumerate(houses):
            place = ask(
                self._platform.home.folder, EnrolEstablishment(house.finess, Profession.HOSPITAL), Enrolled
            ).id
            for member in range(ACCOUNTS_A_HOUSE):
                login = f"bench-{run}-{number}-{member}"
                code = ask(
                    self._platform.home.folder, EnrolProfessional(login, Role.TITULAIRE, place), Enrolled
                ).code
                counter = Counter(self._platform.origin)
                counter.activate(code)
                counter.close()
                self._counters.append(counter)

    def run(self, seconds: float, concurrency: int, most: int) -> LoadResult:
        """Sign beforehand, then load the door; over again, with the clock stopped in between, for a long run."""
        total, left = LoadResult(), min(most, len(self._counters) * CHECKS_AN_ACCOUNT)
        runs = -(-int(seconds) // AT_ONCE_SECONDS)
        people, turn = self._people(), itertools.cycle(self._counters)
        for _ in range(runs):
            created = int(time.time())
            requests = [next(turn).prepared(next(people), created) for _ in range(left // runs)]
            total.add(
                run_load(
                    "127.0.0.1",
                    self._platform.port,
                    requests,
                    seconds=seconds / runs,
                    concurrency=concurrency,
                    mark=b'"inforce":true',
                )
            )
        return total

    def endless(self) -> Iterator[bytes]:
        """Requests, each signed when it is taken."""
        people, turn = self._people(), itertools.cycle(self._counters)
        while True:
            yield next(turn).prepared(next(people), int(time.time()))

    def _people(self) -> Iterator[Presentation]:
        today = paris_date(system_clock())
        while True:
            insurer = self._chance.choices(range(len(self._sizes)), self._sizes)[0]
            person = self._population.person(insurer, self._chance.randrange(self._sizes[insurer]))
            if person.is_known(today):
                yield by_card(person, Domain.PHAR)


def _already_taken_in(platform: Platform, persons: int) -> bool:
    with psycopg.connect(superuser_dsn(platform)) as connection:
        row = connection.execute("SELECT COALESCE(sum(persons), 0) FROM vault.insurer").fetchone()
    # Some people have closed contracts only: they have no capsule.
    return row is not None and int(row[0]) > persons * 0.8


def processor_seconds(platform: Platform) -> dict[str, float]:
    """Processor time so far of each process with its children, and of all of PostgreSQL."""
    state = read_state(platform.home.state)
    assert state is not None
    children: dict[int, list[int]] = {}
    spent: dict[int, float] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(stat.parent.name)
        children.setdefault(int(fields[1]), []).append(pid)
        spent[pid] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def whole(pid: int) -> float:
        return spent.get(pid, 0.0) + sum(whole(child) for child in children.get(pid, []))

    return {process.name: whole(process.pid) for process in state.processes if process.pid is not None}
