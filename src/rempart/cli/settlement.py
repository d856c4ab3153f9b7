"""`rempart settlement`: settle the day, take the bank's word and the insurers' funds, give a first account, check the journal.

A run may be started here as well as by the worker: it is the same code, with the worker's own settings, and one lock keeps them apart.
"""

import base64
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from rempart.claims import journal
from rempart.claims.bank import take_report
from rempart.claims.bank_report import read as read_report
from rempart.claims.funds import receive_funds
from rempart.claims.paying import payer_of
from rempart.claims.rib import check_rib, seal_rib
from rempart.claims.settlement import Progress as Told
from rempart.claims.settlement import settle
from rempart.claims.store_settlement import Run, last_run
from rempart.cli.output import wide_console
from rempart.foundation.clock import in_paris, system_clock
from rempart.foundation.errors import BadInput, Outage, Refusal, RempartError
from rempart.foundation.identifiers import check_finess
from rempart.foundation.settings import CashierSettings, WorkerSettings, load_settings
from rempart.identity.referencing import replace_contact
from rempart.identity.store import newest_seat
from rempart.supervisor.home import Home

app = typer.Typer(no_args_is_help=True, help="Settle the day, and what the bank and the insurers answer.")
Folder = Annotated[Path, typer.Option("--folder", help="the platform's folder")]
VAR = Path("var")
OPERATOR = uuid.UUID(int=0)
"""Who gave an establishment its first account, when no account of its own did."""
_STEPS = {"net": "establishments netted", "order": "orders handed to the bank"}
console = wide_console()


class NoSuchEstablishment(BadInput):
    """No establishment here has this FINESS."""

    code = "establishment"
    french = "Aucun établissement ne porte ce FINESS ici."
    english = "No establishment here has this FINESS."


class HasAccount(Refusal):
    """Only a first account is given by the operator."""

    code = "rib-in-force"
    french = "Cet établissement a déjà un RIB : lui seul peut le changer, depuis la page Règlement."
    english = "This establishment has an account already: it alone may change it, on its page Règlement."


@app.command()
def run(folder: Folder = VAR) -> None:
    """Settle today: net, order, call for funds. Started again after a crash, it goes on where it was."""
    with _said_plainly():
        _show_run(settle_here(folder, console))


@app.command()
def status(folder: Folder = VAR) -> None:
    """The latest run."""
    with _said_plainly(), _worker(folder) as connection:
        latest = last_run(connection)
        if latest is None:
            console.print("No day was settled yet.")
        else:
            _show_run(latest)


@app.command("bank-report")
def bank_report(
    file: Annotated[Path, typer.Argument(help="the bank's pain.002 or camt.054")], folder: Folder = VAR
) -> None:
    """Take what the bank says of the transfers: executed, rejected, returned."""
    with _said_plainly(), _worker(folder) as connection:
        taken = take_report(connection, read_report(_content(file)), system_clock)
        told = {name: value for name, value in asdict(taken).items() if name not in {"unknown", "rejections"}}
        console.print(", ".join(f"{name} {count}" for name, count in told.items()))
        for end_to_end in taken.unknown:
            console.print(f"[yellow]unknown here[/yellow] {end_to_end}")
        for rejection in taken.rejections:
            console.print(
                f"[red]rejected[/red] {rejection.end_to_end} {_euros(rejection.cents)} {rejection.reason}"
            )


@app.command("funds-received")
def funds_received(
    reference: Annotated[str, typer.Argument(help="the call's reference")],
    amount: Annotated[str, typer.Argument(help="euros, e.g. 1234.56")],
    bank_reference: Annotated[str, typer.Option(help="what the bank calls the credit")],
    folder: Folder = VAR,
) -> None:
    """Write down what an insurer paid against a call for funds."""
    with _said_plainly(), _worker(folder) as connection:
        written = receive_funds(connection, reference, _cents(amount), bank_reference, system_clock)
        console.print("Written." if written else "This credit was written already: nothing changed.")


@app.command()
def rib(
    finess: Annotated[str, typer.Argument(help="the establishment's FINESS")], folder: Folder = VAR
) -> None:
    """Give an establishment its first account. The IBAN is read from the standard input, so that it is in no history."""
    with _said_plainly():
        typed = typer.prompt("IBAN", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
        put_rib(folder, finess, typed)
        console.print("In force at once: it is the establishment's first account.")


@app.command()
def contact(
    finess: Annotated[str, typer.Argument(help="the establishment's FINESS")], folder: Folder = VAR
) -> None:
    """Where an establishment's letters go, read from the standard input. The one before still hears of the next 90 days."""
    with _said_plainly():
        typed = typer.prompt("Contact") if sys.stdin.isatty() else sys.stdin.readline()
        put_contact(folder, finess, typed.strip())
        console.print("Recorded.")


@app.command("journal")
def show_journal(
    limit: Annotated[int, typer.Option(min=0, help="latest lines to show")] = 20, folder: Folder = VAR
) -> None:
    """Each account's balance, the latest lines, and whether the journal agrees with every table. Exit code 1 when it does not."""
    with _said_plainly(), _worker(folder) as connection:
        accounts = Table("account", "balance")
        for name, cents in sorted(journal.balances(connection).items()):
            accounts.add_row(name, _euros(cents))
        console.print(accounts)
        entries = Table("at", "kind", "debit", "credit", "amount", "insurer")
        for entry in journal.latest_entries(connection, limit):
            at = in_paris(entry.at)
            insurer = "" if entry.insurer is None else str(entry.insurer)
            entries.add_row(at, entry.kind, entry.debit, entry.credit, _euros(entry.cents), insurer)
        if entries.row_count:
            console.print(entries)
        journal.check_balanced(connection)
        console.print("[green]balanced[/green]: the journal agrees with every table")


def settle_here(folder: Path, shown: Console) -> Run:
    """Settle today with the worker's settings, progress shown. Raises SettlementBusy, BadSettings, Outage."""
    payer = payer_of(_worker_settings(folder))
    columns = (
        TextColumn("   {task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with _worker(folder) as connection, Progress(*columns, console=shown) as progress:
        bars: dict[str, Any] = {}

        def told(step: Told) -> None:
            if step.step in _STEPS:
                if step.step not in bars:
                    bars[step.step] = progress.add_task(_STEPS[step.step])
                progress.update(bars[step.step], completed=step.done, total=step.of)

        return settle(connection, payer, system_clock, told)


def put_rib(folder: Path, finess: str, iban: str) -> None:
    """An establishment's first account, sealed here and in force at once. Raises BadIban, NoSuchEstablishment, HasAccount."""
    home = Home.at(folder)
    settings = load_settings(CashierSettings, home.config_file("cashier"))
    account = check_rib(iban, settings.mode)
    public = X25519PublicKey.from_public_bytes(base64.b64decode(settings.settlement_public))
    now, number = system_clock(), uuid.uuid4()
    with _connected(home.operator_dsn.read_text().strip()) as connection:
        found = newest_seat(connection, check_finess(finess))
        if found is None:
            raise NoSuchEstablishment(finess)
        sealed = seal_rib(public, found, number, account)
        try:
            connection.execute(
                "INSERT INTO claims.rib (id, establishment, sealed, state, asked, asked_by, effective_at, needs_second)"
                " VALUES (%s, %s, %s, 'in-force', %s, %s, %s, false)",
                (number, found, sealed, now, OPERATOR, now),
            )
        except psycopg.errors.UniqueViolation as error:
            raise HasAccount(finess) from error


def put_contact(folder: Path, finess: str, contact: str) -> None:
    """An establishment's contact of record; the former one is kept, with its end. Raises BadInput, NoSuchEstablishment."""
    with _connected(Home.at(folder).operator_dsn.read_text().strip()) as connection, connection.transaction():
        found = newest_seat(connection, check_finess(finess))
        if found is None:
            raise NoSuchEstablishment(finess)
        replace_contact(connection, str(found), contact, system_clock())


def _worker_settings(folder: Path) -> WorkerSettings:
    return load_settings(WorkerSettings, Home.at(folder).config_file("worker"))


@contextmanager
def _worker(folder: Path) -> Iterator["psycopg.Connection[Any]"]:
    with _connected(_worker_settings(folder).dsn) as connection:
        yield connection


@contextmanager
def _connected(dsn: str) -> Iterator["psycopg.Connection[Any]"]:
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise Outage(f"the database does not answer: {type(error).__name__}") from error


@contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except RempartError as error:
        told = f"{error.code}: {error.english}"
        print(
            f"{told} ({error.detail})" if error.detail not in ("", error.english) else told, file=sys.stderr
        )
        raise typer.Exit(1) from None


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}") from error


def _cents(amount: str) -> int:
    try:
        cents = Decimal(amount) * 100
    except InvalidOperation as error:
        raise BadInput("amount: euros, such as 1234.56") from error
    if not cents.is_finite() or cents != cents.to_integral_value():
        raise BadInput("amount: two decimals at the most")
    return int(cents)


def _euros(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02d} €"


def _show_run(latest: Run) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2))
    for name, value in (
        ("day", latest.day.isoformat()),
        ("state", latest.state),
        ("payments", f"{latest.payments:,}"),
        ("amount", _euros(latest.cents)),
        ("nothing to pay yet", f"{latest.carried:,}"),
        ("no account in force", f"{latest.without_rib:,}"),
    ):
        table.add_row(f"  {name}", value)
    console.print(table)
