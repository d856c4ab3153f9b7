"""84 synthetic insurers deliver their files: signed, encrypted to the intake key, deposited, followed until they are loaded."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rempart.cli.intake import deposit, intake_recipient, operator_connection
from rempart.cli.operator import ask
from rempart.cli.platform import Platform
from rempart.foundation.clock import system_clock
from rempart.foundation.errors import Refusal
from rempart.intake.envelope import seal_file
from rempart.intake.model import Kind
from rempart.population.model import Insurer
from rempart.population.population import Population
from rempart.vaultdoor.messages import Enrolled, RegisterInsurer

_LOOK_SECONDS = 0.1


class FileRefused(Refusal):
    """A synthetic insurer's file was not loaded."""

    code = "file-refused"
    french = "Un fichier d'assureur a été refusé."
    english = "An insurer's file was refused."


def take_in(platform: Platform, population: Population, console: Console, *, processes: int = 1) -> int:
    """Write, sign, encrypt, deposit and follow every insurer's products and members. Answers how many people were loaded."""
    recipient = intake_recipient(platform.home.folder)
    columns = (
        TextColumn("   {task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        written = progress.add_task("insurers' files sealed", total=len(population.insurers))
        loaded = progress.add_task(
            "people taken in", total=sum(insurer.persons for insurer in population.insurers)
        )
        deliveries: list[str] = []
        for insurer, files in written_files(platform, population, processes):
            deliveries += deliver(platform, insurer, files, recipient)
            progress.advance(written)
            progress.update(loaded, completed=lines_done(platform, deliveries))
        while not all_loaded(platform, deliveries):
            progress.update(loaded, completed=lines_done(platform, deliveries))
            time.sleep(_LOOK_SECONDS)
        persons = persons_loaded(platform)
        progress.update(loaded, total=persons, completed=persons)
    return persons


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


def deliver(platform: Platform, insurer: Insurer, folder: Path, recipient: str) -> list[str]:
    """Make the insurer known, then sign, encrypt and deposit its products and its members. Answers the deliveries."""
    signing, notice = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
    keys = (signing.public_key().public_bytes_raw(), notice.public_key().public_bytes_raw())
    ask(platform.home.folder, RegisterInsurer(insurer.amc, insurer.name, *keys), Enrolled)
    deliveries = []
    for kind, stem in ((Kind.PRODUCTS, "products"), (Kind.FULL, "members")):
        source, sealed = folder / f"{insurer.amc}.{stem}.csv", folder / f"{insurer.amc}.{stem}.rempart"
        seal_file(source, sealed, insurer.amc, kind, 1, signing, recipient, system_clock())
        deliveries.append(deposit(platform.home.spool, sealed, "demo", system_clock()))
    return deliveries


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

