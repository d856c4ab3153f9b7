"""`rempart alerts`: what detection found, with its evidence; a person acknowledges it, or contains as proposed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.table import Table

from rempart.cli.operator import VAR, Folder, ask, console
from rempart.foundation.clock import DAY, in_paris, system_clock
from rempart.foundation.errors import Outage
from rempart.incident import store
from rempart.incident.errors import NothingProposed
from rempart.incident.model import Strength
from rempart.incident.store import Kept
from rempart.supervisor.home import Home
from rempart.vaultdoor.messages import Done, ThrowSwitch

app = typer.Typer(
    no_args_is_help=True, help="What detection found, and what is done about it (docs/detection.md)."
)
Number = Annotated[int, typer.Argument(help="the alert's number")]
_FEW = 20


@contextmanager
def reading(folder: Path) -> Iterator["psycopg.Connection[Any]"]:
    """The operator's connection. Raises Outage."""
    try:
        with psycopg.connect(Home.at(folder).operator_dsn.read_text().strip(), autocommit=True) as connection:
            yield connection
    except (psycopg.OperationalError, OSError) as error:
        raise Outage(type(error).__name__) from error


@app.command("list")
def list_alerts(
    days: Annotated[int, typer.Option(min=1, max=400, help="how far back")] = 28,
    open_only: Annotated[bool, typer.Option("--open", help="those nobody acknowledged")] = False,
    folder: Folder = VAR,
) -> None:
    """The latest alerts, newest first."""
    with reading(folder) as c:
        found = store.alerts(c, since=system_clock() - days * DAY, most=1_000, newest_first=True)
    table = Table("no", "when", "rule", "strength", "about", "done")
    for kept in found:
        if not (open_only and kept.acknowledged):
            strength = Strength(kept.strength).name.lower()
            table.add_row(str(kept.id), in_paris(kept.at), kept.rule, strength, about(kept), done(kept))
    console.print(table)


@app.command()
def show(number: Number, folder: Folder = VAR) -> None:
    """One alert: its sentence, its evidence, what it proposes."""
    with reading(folder) as c:
        kept = store.alert(c, number)
    console.print(
        f"Alert {kept.id}, {in_paris(kept.at)}, {kept.rule} ({Strength(kept.strength).name.lower()})"
    )
    for line in (kept.english, kept.french):
        console.print(f"  {line}", soft_wrap=True)
    table = Table(show_header=False, box=None, padding=(0, 2))
    for name, value in (
        ("figure", f"{kept.figure:g}, threshold {kept.threshold:g}"),
        ("device", str(kept.device or "")),
        ("account", str(kept.account or "")),
        ("establishment", str(kept.establishment or "")),
        ("editor", str(kept.editor or "")),
        ("ledger indexes", _some(kept.indexes)),
        ("events", _some(kept.events)),
        ("proposed", proposal(kept)),
        ("done", done(kept)),
    ):
        if value:
            table.add_row(name, value)
    console.print(table)


@app.command()
def acknowledge(number: Number, folder: Folder = VAR) -> None:
    """Say that somebody has looked at it."""
    with reading(folder) as c:
        store.acknowledge(c, number, system_clock())
    console.print(f"Alert {number} is acknowledged.")


@app.command()
def contain(number: Number, folder: Folder = VAR) -> None:
    """Contain as the alert proposes, through the operator's socket; the vault journals it. It acknowledges the alert."""
    with reading(folder) as c:
        kept = store.alert(c, number)
        proposed = kept.proposed
        if proposed is None:
            raise NothingProposed
        reason = f"alert {number}: {kept.rule}"
        ask(
            folder,
            ThrowSwitch(
                proposed.scope.value, str(proposed.key), reason, on=True, minutes=proposed.minutes, hold=proposed.hold.value
            ),
            Done,
        )  # fmt: skip
        store.note_contained(c, number, system_clock())
        store.acknowledge(c, number, system_clock())
    console.print(f"Done: {proposal(kept)}.")


def about(kept: Kept) -> str:
    """Whose it is, in a word or two."""
    for scope, key in (("device", kept.device), ("establishment", kept.establishment)):
        if key is not None:
            return f"{scope} …{str(key)[-12:]}"
    return "platform"


def proposal(kept: Kept) -> str:
    """What would hold."""
    what = kept.proposed
    if what is None:
        return "nothing: look first"
    how = "ask for a passkey at" if what.hold == "step-up" else "close"
    long = f"for {what.minutes} minutes" if what.minutes else "until it is undone; then call the person back"
    return f"{how} {what.scope} {what.key} {long}"


def done(kept: Kept) -> str:
    """What became of the proposal."""
    if kept.contained is not None:
        return f"{kept.hold} {kept.scope}, {'by itself' if kept.by_itself else 'by a person'}"
    if kept.refused:
        return f"the vault refused: {kept.refused}"
    if kept.by_itself:
        return "the vault has not answered yet"
    return "acknowledged" if kept.acknowledged else "waits for a person"


def _some(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:_FEW]))
    return f"{shown} and {len(numbers) - _FEW} more" if len(numbers) > _FEW else shown
