"""`rempart establishment`: suspended and resumed, leaving on a date, staying, sold (docs/establishments.md)."""

from typing import Annotated

import typer
from rich.table import Table

from rempart.cli.operator import VAR, Folder, ask, console
from rempart.foundation.clock import PARIS, instant
from rempart.foundation.errors import BadInput
from rempart.vaultdoor.messages import (
    DepartEstablishment,
    Done,
    Establishments,
    EstablishmentView,
    ResumeEstablishment,
    ShowEstablishment,
    StayEstablishment,
    SuspendEstablishment,
)
from rempart.vaultdoor.seats import CESSION, LEAVING, SUSPENSIONS

app = typer.Typer(
    no_args_is_help=True, help="An establishment after its référencement: suspend, depart, cede."
)
Finess = Annotated[str, typer.Argument(help="the establishment's FINESS")]
Words = Annotated[str, typer.Option(help="who asks for it, and on which paper; kept in the journal")]
Day = Annotated[str, typer.Option(help="YYYY-MM-DD: from that day on, in Paris, no right is checked")]


@app.command()
def suspend(
    finess: Finess,
    ground: Annotated[str, typer.Option(help=", ".join(SUSPENSIONS))],
    days: Annotated[int, typer.Option(help="1 to 366; then it is over by itself")],
    words: Words,
    folder: Folder = VAR,
) -> None:
    """No right is checked there; what is engaged is invoiced and paid. Against an attack: `operator contain`."""
    ask(folder, SuspendEstablishment(finess, ground, days, words), Done)
    show(finess, folder)


@app.command()
def resume(finess: Finess, words: Words, folder: Folder = VAR) -> None:
    """Undo `suspend`, at once."""
    ask(folder, ResumeEstablishment(finess, words), Done)
    show(finess, folder)


@app.command()
def depart(
    finess: Finess,
    day: Day,
    ground: Annotated[str, typer.Option(help=", ".join(each for each in LEAVING if each != CESSION))],
    words: Words,
    folder: Folder = VAR,
) -> None:
    """It leaves: invoices are taken for 60 days more, what is its own is read for 400. By today: two people, if the desk is staffed."""
    if ground == CESSION:
        raise BadInput("ground: a cession is `establishment cede`")
    ask(folder, DepartEstablishment(finess, day, ground, words), Done)
    show(finess, folder)


@app.command()
def cede(finess: Finess, day: Day, words: Words, folder: Folder = VAR) -> None:
    """It is sold: from that day on the FINESS is whose application is enrolled. Two people, once the desk is staffed."""
    ask(folder, DepartEstablishment(finess, day, CESSION, words), Done)
    show(finess, folder)


@app.command()
def stay(finess: Finess, words: Words, folder: Folder = VAR) -> None:
    """Undo `depart` or `cede`, unless somebody took the FINESS over. Once the day has come: two people, once the desk is staffed."""
    ask(folder, StayEstablishment(finess, words), Done)
    show(finess, folder)


@app.command("show")
def show(finess: Finess, folder: Folder = VAR) -> None:
    """Every seat that a FINESS was, the newest first, with its id."""
    table = Table("seat", "", "opens", "closes", "invoices until", "read until", "people")
    for seat in ask(folder, ShowEstablishment(finess), Establishments).seats:
        life = seat.life
        days = (life.opens, life.closes, life.invoices_until, life.ends)
        table.add_row(seat.id, _said(seat), *(_day(each) for each in days), str(seat.members))
    console.print(table)


def _said(seat: EstablishmentView) -> str:
    life, said = seat.life, [seat.life.standing]
    if life.suspended_until:
        said.append(f"{life.suspended_for} until {_day(life.suspended_until)}, by {seat.suspended_by}")
    if life.leaving:
        said.append(f"{life.leaving}, by {seat.leaving_by}")
    return "; ".join(said)


def _day(micros: int) -> str:
    return f"{instant(micros).astimezone(PARIS):%d/%m/%Y}" if micros else "–"
