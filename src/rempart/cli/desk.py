"""`rempart desk`: who has a seat at the operator's desk, and what waits there for a second person (docs/desk.md).

A command makes the first operators alone. Once two people at the desk may approve a thing, a command that takes two waits for one of them.
"""

from typing import Annotated

import typer
from rich.table import Table

from rempart.cli.operator import VAR, Folder, ask, console
from rempart.foundation.clock import in_paris
from rempart.foundation.errors import BadInput, Refusal
from rempart.foundation.settings import DeskSettings, load_settings
from rempart.foundation.vocabulary import OPERATORS_ROLES, Role
from rempart.supervisor.home import Home
from rempart.vaultdoor.messages import (
    Done,
    Enrolled,
    EnrolOperator,
    ListOperators,
    ListProposals,
    Operators,
    Proposals,
    SuspendOperator,
    WithdrawProposal,
)

app = typer.Typer(
    no_args_is_help=True, help="The operator's own people, and what waits for a second one (docs/desk.md)."
)
Login = Annotated[str, typer.Argument(help="of one of the operator's own people; never a professional's")]


class NoDesk(Refusal):
    """The desk has no address, so nobody can sit at it."""

    code = "no-desk"
    french = "Cette plateforme n'a pas de salle de crise : donnez desk_origin et desk_rp_id dans platform.toml, puis redémarrez."
    english = "This platform has no desk: set desk_origin and desk_rp_id in platform.toml (docs/desk.md), then start it anew."


@app.command()
def enrol(
    login: Login,
    role: Annotated[
        Role,
        typer.Option(help="duty-officer, security-lead, dpo, onboarding-clerk or auditor (reads alone)"),
    ],
    folder: Folder = VAR,
) -> None:
    """Give a seat at the desk, another role, or a new code after a lost passkey; prints the one-time activation link.

    Hand it over in person. It registers a passkey: there is no password.
    """
    if role not in OPERATORS_ROLES:
        raise BadInput("role")
    place = Home.at(folder).config_file("desk")
    if not place.is_file():
        # Before the vault makes a code that nobody could use.
        raise NoDesk
    origin = load_settings(DeskSettings, place).origin
    enrolled = ask(folder, EnrolOperator(login, role), Enrolled)
    console.print(f"{origin}/activation#{enrolled.code}", soft_wrap=True, highlight=False)


@app.command()
def suspend(login: Login, folder: Folder = VAR) -> None:
    """Suspend an operator: sessions and devices fall at once."""
    ask(folder, SuspendOperator(login, True), Done)
    console.print(f"{login} is suspended.")


@app.command()
def reinstate(login: Login, folder: Folder = VAR) -> None:
    """Undo `suspend`."""
    ask(folder, SuspendOperator(login, False), Done)
    console.print(f"{login} may sign in again.")


@app.command()
def operators(folder: Folder = VAR) -> None:
    """Who has a seat at the desk."""
    table = Table("login", "role", "state", "since")
    for one in ask(folder, ListOperators(), Operators).operators:
        table.add_row(one.login, one.role, one.status, in_paris(one.added))
    console.print(table)


@app.command()
def proposals(folder: Folder = VAR) -> None:
    """What waits for a second person. It is approved at the desk alone: a command is one hand, whoever holds it."""
    table = Table("no", "what", "by", "until", "touches")
    for one in ask(folder, ListProposals(), Proposals).proposals:
        told = " ".join(f"{name}={value}" for name, value in one.told.items())
        effect = f"{one.effect.establishments} establishments, {one.effect.accounts} accounts, {one.effect.sessions} open sessions"
        table.add_row(str(one.id), f"{one.act} {told}", one.by, in_paris(one.expires), effect)
    console.print(table)


@app.command()
def withdraw(
    number: Annotated[int, typer.Argument(help="the proposal's number")], folder: Folder = VAR
) -> None:
    """Take back what a command proposed."""
    ask(folder, WithdrawProposal(number), Done)
    console.print(f"Proposal {number} is withdrawn.")
