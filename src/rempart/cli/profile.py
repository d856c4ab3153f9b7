"""`rempart operator profile`: what a party is held to beyond the policy (docs/profiles.md)."""

from typing import Annotated, Literal

import typer
from rich.table import Table

import rempart.cli.contain  # noqa: F401 (its commands are the operator's too)
from rempart.cli.operator import VAR, Folder, app, ask, console
from rempart.vaultdoor.messages import ListProfiles, Profiles, ProfileView, SetProfile, ShowProfile

profile = typer.Typer(no_args_is_help=True, help="Security profiles of establishments, editors and insurers.")
app.add_typer(profile, name="profile")
Scope = Annotated[Literal["establishment", "editor", "insurer"], typer.Argument()]
Key = Annotated[
    str, typer.Argument(help="FINESS or n° AMC of an insurer's seat; an editor's name; an insurer's n° AMC")
]


@profile.command("show")
def show(scope: Scope, key: Key, folder: Folder = VAR) -> None:
    """What a party is held to."""
    _print([ask(folder, ShowProfile(scope, key), ProfileView)])


@profile.command("list")
def list_all(folder: Folder = VAR) -> None:
    """The parties held to more than the policy."""
    _print(ask(folder, ListProfiles(), Profiles).profiles)


@profile.command("set")
def set_profile(
    scope: Scope,
    key: Key,
    reason: Annotated[str, typer.Option(help="kept in the journal")],
    assurance: Annotated[
        Literal["", "passkey", "password"], typer.Option(help="passkey: nobody works there by password")
    ] = "",
    lane: Annotated[
        list[str] | None, typer.Option(help="a lane that is open, once for each; or none")
    ] = None,
    percent: Annotated[
        int,
        typer.Option(help="of the policy's lines, 10 to 100; an insurer's is its breaker (`line breaker`)"),
    ] = 0,
    network: Annotated[
        list[str] | None, typer.Option(help="a CIDR whence it works, once for each; or anywhere")
    ] = None,
    folder: Folder = VAR,
) -> None:
    """Change what is named, and leave the rest. What widens, and whatever concerns an editor or an insurer, takes two people."""
    call = SetProfile(scope, key, reason, assurance, lane or [], percent, network or [])
    _print([ask(folder, call, ProfileView)])


def _print(views: list[ProfileView]) -> None:
    table = Table("party", "sign-in", "lanes", "line", "networks")
    for each in views:
        line = "its breaker" if each.scope == "insurer" else f"{each.percent} %"
        table.add_row(
            f"{each.scope} {each.key}",
            each.assurance,
            ", ".join(each.lanes) or "none",
            line,
            ", ".join(each.networks) or "anywhere",
        )
    console.print(table)
