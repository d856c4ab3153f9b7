"""84 synthetic insurers deliver their files: signed, encrypted to the intake key, deposited, followed until they are loaded."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rempart.cli.intake import deposit, operator_connection
from rempart.cli.operator import ask
from rempart.foundation.clock import system_clock
from rempart.foundation.errors import Refusal
from rempart.intake.envelope import seal_file
from rempart.intake.model import Kind
from rempart.population.model import Insurer
from rempart.population.population import Population
from rempart.supervisor.depositing import intake_recipient
from rempart.supervisor.home import Home
from rempart.supervisor.platform import Platform
from rempart.vaultdoor.messages import Enrolled, RegisterInsurer

_LOOK_SECONDS = 0.1


class FileRefused(Refusal):
    """A synthetic insurer's file was not loaded."""

    code = "file-refused"
    french = "Un fichier d'assureur a été refusé."
    english = "An insurer's file was refused."


@dataclass
class TakenIn:
    """What was loaded, and what it takes to send more: each insurer's signing key by n° AMC."""

    persons: int = 0
    seconds: float = 0.0
    """From the first file laid down to the last loaded."""
    keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)


def take_in(platform: Platform, population: Population, console: Console, *, processes: int = 1) -> TakenIn:
    """Write, sign, encrypt, deposit and follow every insurer's products and members."""
    columns = (
        TextColumn("   {task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    taken = TakenIn()
    with Progress(*columns, console=console) as progress:
        written = progress.add_task("insurers' files sealed", total=len(population.insurers))
        loaded = progress.add_task(
            "people taken in", total=sum(insurer.persons for insurer in population.insurers)
        )
        deliveries: list[str] = []
        started = 0.0
        for insurer, files in written_files(platform, population, processes):
            started = started or time.monotonic()
            taken.keys[insurer.amc] = introduce(platform, insurer)
            deliveries += deliver(
                platform, insurer, files, taken.keys[insurer.amc], (Kind.PRODUCTS, Kind.FULL)
            )
            progress.advance(written)
            progress.update(loaded, completed=lines_done(platform, deliveries))
        while not all_loaded(platform, deliveries):
            progress.update(loaded, completed=lines_done(platform, deliveries))
            time.sleep(_LOOK_SECONDS)
        taken.seconds = time.monotonic() - started
        taken.persons = persons_loaded(platform)
        progress.update(loaded, total=taken.persons, completed=taken.persons)
    return taken


def written_files(
    platform: Platform, population: Population, processes: int
) -> Iterator[tuple[Insurer, Path]]:
    """Each insurer's files in a folder that is gone when the next is asked for; with more processes, all of them first."""
    with tempfile.TemporaryDirectory(dir=platform.home.folder) as name:
        folder = Path(name)
        if processes > 1:
            population.write_files(folder, processes=processes)
        for insurer in population.insurers:
            if processes == 1:
                population.write_insurer(insurer, folder)
            yield insurer, folder
            for file in folder.glob(f"{insurer.amc}.*"):
                file.unlink()


def introduce(platform: Platform, insurer: Insurer) -> Ed25519PrivateKey:
    """Make an insurer and its two public keys known; answers its signing key."""
    signing, notice = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
    keys = (signing.public_key().public_bytes_raw(), notice.public_key().public_bytes_raw())
    ask(platform.home.folder, RegisterInsurer(insurer.amc, insurer.name, *keys), Enrolled)
    return signing


def deliver(
    platform: Platform,
    insurer: Insurer,
    folder: Path,
    signing: Ed25519PrivateKey,
    kinds: tuple[Kind, ...],
    sequence: int = 1,
) -> list[str]:
    """Sign, encrypt and deposit an insurer's files of these kinds. Answers the deliveries."""
    recipient = _recipient(platform.home.folder)
    deliveries = []
    for kind in kinds:
        stem = "products" if kind is Kind.PRODUCTS else "members"
        source, sealed = folder / f"{insurer.amc}.{stem}.csv", folder / f"{insurer.amc}.{stem}.rempart"
        seal_file(source, sealed, insurer.amc, kind, sequence, signing, recipient, system_clock())
        deliveries.append(deposit(platform.home.spool, sealed, "demo", system_clock()))
    return deliveries


@lru_cache(maxsize=4)
def _recipient(folder: Path) -> str:
    # One process started to ask, not one an insurer.
    return intake_recipient(Home.at(folder))


def all_loaded(platform: Platform, deliveries: list[str]) -> bool:
    """Are they? Raises FileRefused as soon as one is refused."""
    with operator_connection(platform.home.folder) as connection:
        rows = connection.execute(
            "SELECT state, code, detail FROM intake.delivery WHERE id = ANY (%s::uuid[])", (deliveries,)
        ).fetchall()
    for state, code, detail in rows:
        if state not in {"received", "checking", "loaded"}:
            raise FileRefused(f"{state}: {code} {detail}")
    return len(rows) == len(deliveries) and all(state == "loaded" for state, _, _ in rows)


def lines_done(platform: Platform, deliveries: list[str]) -> int:
    """Lines of members' files read so far."""
    with operator_connection(platform.home.folder) as connection:
        row = connection.execute(
            "SELECT COALESCE(sum(lines_done), 0) FROM intake.delivery WHERE kind = 'full' AND id = ANY (%s::uuid[])",
            (deliveries,),
        ).fetchone()
    return int(row[0]) if row else 0


def persons_loaded(platform: Platform) -> int:
    """How many people the last loads counted."""
    with operator_connection(platform.home.folder) as connection:
        row = connection.execute(
            "SELECT COALESCE(sum(persons), 0) FROM intake.delivery WHERE state = 'loaded'"
        ).fetchone()
    return int(row[0]) if row else 0
