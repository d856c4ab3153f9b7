"""`rempart line`: how much of a line is used, a line lengthened after a person called back, the breakers."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from rempart.cli.operator import VAR, Folder, ask, console
from rempart.vaultdoor.messages import Done, LineState, SetBreaker, ShowLine, WidenLine

app = typer.Typer(no_args_is_help=True, help="Lines of look-ups, and breakers (docs/meters.md).")
Scope = Annotated[str, typer.Argument(help="account, device, establishment or editor")]
Key = Annotated[str, typer.Argument(help="login, device id, FINESS or editor's name")]


def lift_breakers(folder: Path, amcs: Iterable[str], units: int) -> None:
    """For a bench or a demo, which asks in minutes what a country asks in a day."""
    ask(folder, SetBreaker("platform", "", units), Done)
    for amc in amcs:
        ask(folder, SetBreaker("insurer", amc, units), Done)


@app.command()
def show(scope: Scope, key: Key, folder: Folder = VAR) -> None:
    """What of a line is used."""
    state = ask(folder, ShowLine(scope, key), LineState)
    table = Table("", "used", "limit", "left")
    for name, used, limit in zip(("hour", "day", "line"), state.used, state.limits, strict=True):
        table.add_row(name, str(used), str(limit), str(max(0, limit - used)))
    console.print(table)


@app.command()
def widen(
    scope: Scope,
    key: Key,
    units: Annotated[int, typer.Argument(min=1, max=500)],
    reason: Annotated[str, typer.Option(help="who was called back, and why: journaled")],
    folder: Folder = VAR,
) -> None:
    """Lengthen a line for a month, once you have called the person back."""
    ask(folder, WidenLine(scope, key, units, reason), Done)
    console.print(f"The line of {scope} {key} is longer by {units} units.")


@app.command()
def breaker(
    units: Annotated[
        int,
        typer.Argument(
            min=0, help="units an hour, 50 at least; 0: the policy's share again. To close, throw a switch."
        ),
    ],
    insurer: Annotated[str, typer.Option(help="n° AMC; without it, the platform's")] = "",
    folder: Folder = VAR,
) -> None:
    """Set what all accounts together may ask of an insurer, or of the platform, in an hour."""
    ask(folder, SetBreaker("insurer" if insurer else "platform", insurer, units), Done)
    holds = f"{units} units an hour" if units else "The policy's share"
    console.print(f"{holds}, from the next lease on: what a vault has leased, it may spend for an hour.")
