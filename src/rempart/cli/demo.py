"""`rempart demo`: from the insurers' files to the money, played in the terminal through the public doors; then the portal is served."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from rempart.cli.counter import Counter
from rempart.cli.demo_attack import Attacked, play_attack
from rempart.cli.demo_trade import Traded, play_trade
from rempart.cli.operator import add_establishment, add_insurers_seat, add_professional, ask
from rempart.cli.presenting import by_card
from rempart.cli.settlement import put_rib
from rempart.cli.taking_in import take_in
from rempart.foundation.clock import paris_date, system_clock
from rempart.foundation.vocabulary import Domain, Profession, Role
from rempart.population.model import Person
from rempart.population.population import Population
from rempart.population.professionals import (
    synthetic_establishments,
    synthetic_iban,
    synthetic_professionals,
)
from rempart.supervisor.platform import Platform, running_platform
from rempart.vaultdoor.messages import Enrolled, EnrolOperator

SEED = 2024
PORT = 8000
console = Console(highlight=False)


@dataclass
class Played:
    """What the demo measured."""

    insurers: int
    persons: int
    """In the insurers' files."""
    persons_with_rights: int
    """Those whose contracts have not all ended: they have a capsule, the others are as absent as strangers."""
    right_open: bool
    wrong_card_refused: bool
    ledger_verified: bool
    ledger_size: int
    traded: Traded
    attacked: Attacked
    seconds: float


def demo(
    persons: Annotated[int, typer.Option(min=84, help="synthetic insured people")] = 100_000,
    invoices: Annotated[int, typer.Option(min=1, help="invoices of the day that is settled")] = 20_000,
    serve: Annotated[bool, typer.Option(help="serve the portal afterwards")] = True,
    json_file: Annotated[Path | None, typer.Option("--json", help="write what was measured")] = None,
    port: Annotated[int, typer.Option(help="the portal's port; 0: any free one")] = PORT,
    picture: Annotated[Path, typer.Option(help="where the picture of the attack is left")] = Path(
        "var/viamedis-2024.svg"
    ),
) -> None:
    """Play the main job, then serve the portal on http://localhost:8000."""
    started = time.monotonic()
    picture.parent.mkdir(parents=True, exist_ok=True)
    population = Population(SEED, persons)
    with _own_folder() as folder:
        console.print(Panel.fit("[bold]Rempart[/bold]: tiers payant, from the insurers' files to the money"))
        console.print(
            "[bold]1.[/bold] Starting the platform: PostgreSQL, vault, sealer, cashier, doors, worker."
        )
        with running_platform(
            folder, port=port if serve else 0, without=("sentinel",), desk=serve
        ) as platform:
            played = play(platform, population, min(invoices, persons // 2), started, picture)
            if json_file is not None:
                json_file.write_text(json.dumps(asdict(played), indent=2) + "\n")
            if serve:
                _serve(platform, population)


def play(platform: Platform, population: Population, invoices: int, started: float, picture: Path) -> Played:
    """The story. Raises if any part of it does not happen."""
    console.print(
        f"[bold]2.[/bold] {len(population.insurers)} insurers deliver the rights of {sum(i.persons for i in population.insurers):,} people."
    )
    taken_in = take_in(platform, population, console)
    console.print(
        "[bold]3.[/bold] The operator enrols a pharmacy; its titulaire activates an account with a passkey."
    )
    counter = enrol_pharmacist(platform)
    person, domain = somebody(population, open_right=True), Domain.PHAR
    console.print("[bold]4.[/bold] A patient hands over a card. The pharmacist types it.")
    told = counter.check(by_card(person, domain))
    _show(told)
    console.print("[bold]5.[/bold] The same card with another birth date: a stranger's guess.")
    stranger = counter.check(by_card(person._replace(birth_date=_another_day(person.birth_date)), domain))
    _show(stranger)
    counter.close()
    console.print("[bold]6.[/bold] The ledger: both answers are there, and nothing of the patient.")
    size = _show_ledger(platform)
    traded = play_trade(platform, population, invoices, SEED, console)
    attacked = play_attack(picture, console)
    played = Played(
        insurers=len(population.insurers),
        persons=sum(insurer.persons for insurer in population.insurers),
        persons_with_rights=taken_in.persons,
        right_open=any(contract["inforce"] for contract in told["insurance"]) and "preAuthRef" in told,
        wrong_card_refused="item" not in stranger["insurance"][0] and "preAuthRef" not in stranger,
        ledger_verified=size >= 2,
        ledger_size=size,
        traded=traded,
        attacked=attacked,
        seconds=round(time.monotonic() - started, 1),
    )
    wrong = _what_went_wrong(played)
    if wrong:
        raise RuntimeError(f"the demo did not go as it must: {'; '.join(wrong)}")
    console.print(f"Done in {played.seconds} s.\n")
    return played


def _what_went_wrong(played: Played) -> list[str]:
    traded = played.traded
    refused = ", ".join(f"{n} {code}" for code, n in traded.refused.items()) or "no refusal was told"
    return [
        said
        for sound, said in (
            (played.right_open, "the open right was not told open"),
            (played.wrong_card_refused, "a wrong card was told something"),
            (played.ledger_verified, f"the ledger has {played.ledger_size} leaves"),
            (
                traded.accepted == traded.invoices,
                f"{traded.accepted} invoices accepted of {traded.invoices}: {refused}",
            ),
            (traded.statement_equals_order, "the statement is not the bank's order"),
            (traded.journal_balanced, "the journal is not balanced"),
        )
        if not sound
    ]


def enrol_pharmacist(platform: Platform) -> Counter:
    """A pharmacy, its titulaire, a first device and a passkey: through the operator's socket, then the public door."""
    counter = Counter(platform.origin)
    counter.activate(_titulaire_code(platform, Profession.PHARMACY, 0))
    return counter


def _titulaire_code(platform: Platform, profession: Profession, number: int) -> str:
    """A new establishment with its account, and the activation code of its titulaire: the `number`-th professional."""
    house = [h for h in synthetic_establishments(SEED, 200) if h.profession is profession][number]
    folder = platform.home.folder
    place = add_establishment(folder, house.finess, house.name, house.town, house.profession)
    put_rib(folder, house.finess, synthetic_iban(10**6 + number))
    return _seat_code(platform, place, number)


def _insurer_code(platform: Platform, population: Population, number: int) -> str:
    """The seat of the first insurer, and the activation code of its first person."""
    insurer = population.insurers[0]
    place = add_insurers_seat(platform.home.folder, insurer.amc, insurer.name, "Paris")
    return _seat_code(platform, place, number)


def _seat_code(platform: Platform, place: str, number: int) -> str:
    holder = list(synthetic_professionals(SEED, number + 1))[number]
    name = f"{holder.first_name} {holder.family_name}"
    return add_professional(platform.home.folder, holder.login, Role.TITULAIRE, place, name, holder.rpps).code


def somebody(population: Population, *, open_right: bool, skip: int = 0) -> Person:
    """The first person of the first insurer whose right for drugs is open today, or known and closed; `skip` some."""
    today = paris_date(system_clock())
    for person in population.people(population.insurers[0]):
        if person.is_known(today) and person.is_open(Domain.PHAR, today) is open_right:
            if skip == 0:
                return person
            skip -= 1
    raise LookupError("nobody of that kind in this population")


def _another_day(birth_date: str) -> str:
    born = date.fromisoformat(birth_date)
    return born.replace(day=born.day % 28 + 1).isoformat()


def _show(response: dict[str, Any]) -> None:
    if "item" not in response["insurance"][0]:
        console.print(f"   [red]✗[/red] {response['disposition']}")
        return
    table = Table(show_header=False, box=None, padding=(0, 2))
    for contract in response["insurance"]:
        table.add_row("  right", "[green]open[/green]" if contract["inforce"] else "[yellow]closed[/yellow]")
        for item in contract["item"]:
            table.add_row("  product", item["name"])
            table.add_row("  guarantee", item["description"])
    table.add_row("  numéro d'engagement", response.get("preAuthRef", "–"))
    console.print(table)


def _show_ledger(platform: Platform) -> int:
    """Wait for the checkpoint that covers both answers, export the ledger, verify it offline. Answers its size."""
    rempart = [sys.executable, "-m", "rempart.cli", "evidence"]
    where = ["--folder", str(platform.home.folder)]
    exported = platform.home.folder / "exported-ledger"
    deadline = time.monotonic() + 10
    while True:
        subprocess.run([*rempart, "export", str(exported), *where], check=True, capture_output=True)
        size = int((exported / "checkpoint").read_text().split("\n")[1])
        if size >= 2 or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    shown = subprocess.run([*rempart, "show", "0", *where], check=True, capture_output=True, text=True)
    console.print("\n".join(f"   {line}" for line in shown.stdout.rstrip().splitlines()), markup=False)
    verified = subprocess.run([*rempart, "verify", str(exported)], check=True, capture_output=True, text=True)
    console.print("\n".join(f"   {line}" for line in verified.stdout.rstrip().splitlines()), markup=False)
    return size


def _serve(platform: Platform, population: Population) -> None:
    seats = {
        "a pharmacist": _titulaire_code(platform, Profession.PHARMACY, 1),
        "an optician": _titulaire_code(platform, Profession.OPTICIAN, 2),
        "an insurer's clerk": _insurer_code(platform, population, 3),
    }
    links = "\n".join(f"{who:<19} {platform.origin}/activation#{code}" for who, code in seats.items())
    operators = "\n".join(
        f"{role:<16} {platform.desk_origin}/activation#{_operator_code(platform, role)}"
        for role in (Role.DUTY_OFFICER, Role.SECURITY_LEAD, Role.ONBOARDING_CLERK)
    )
    console.print(
        Panel.fit(
            f"[bold]The portal is open at {platform.origin}[/bold] (Ctrl-C stops everything)\n\n"
            f"Activate an account, once; each in a browser profile of its own:\n{links}\n\n"
            "A browser with a passkey (or its password manager) will do; password and one-time code work too.\n\n"
            f"The operator's own desk, the incident room (docs/desk.md):\n{operators}\n\n"
            f"Somebody who is not referenced yet applies at {platform.origin}/referencement, for the clerk to examine.\n\n"
            "Then check a right on the page [italic]Vérifier les droits[/italic], and bill it. Some synthetic cards:",
            border_style="green",
        )
    )
    table = Table("", "n° AMC", "n° adhérent", "birth date", "rank", "domain")
    for label, person in (
        ("open", somebody(population, open_right=True, skip=1)),
        ("open", somebody(population, open_right=True, skip=2)),
        ("closed", somebody(population, open_right=False)),
    ):
        table.add_row(
            label, person.amc, person.adherent, person.birth_date, str(person.birth_rank), "PHAR, OPTI…"
        )
    console.print(table)
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    stop.wait()
    console.print("Draining…")


def _operator_code(platform: Platform, role: Role) -> str:
    """Somebody at the operator's desk, under the role's own name."""
    return ask(platform.home.folder, EnrolOperator(role, role), Enrolled).code


@contextlib.contextmanager
def _own_folder() -> Iterator[Path]:
    """A short folder for one demo, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="rempart-demo-"))
    try:
        yield folder / "p"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
