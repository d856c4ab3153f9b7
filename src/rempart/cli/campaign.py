"""`rempart campaign …`: after an incident, ask people of a scope to do something again, and see who has (docs/campaigns.md).

`start` counts, and does nothing, unless `--go` is said. What is wide waits for a second person once the desk is staffed (docs/desk.md).
"""

import csv
import sys
from typing import Annotated, Literal

import msgspec
import typer
from rich.table import Table

from rempart.cli.operator import VAR, Folder, ask, ask_any, console
from rempart.foundation.clock import in_paris
from rempart.vaultdoor.campaigns import STARTS_WITHIN, Kind
from rempart.vaultdoor.messages import (
    CampaignCount,
    CampaignProgress,
    Campaigns,
    CampaignStarted,
    CampaignView,
    CountCampaign,
    EndCampaign,
    ListCampaigns,
    Proposed,
    ShowCampaign,
    StartCampaign,
)

app = typer.Typer(no_args_is_help=True, help="What people have to do again after an incident, and who has.")
What = Annotated[Kind, typer.Argument(help="what has to be done again")]
Scope = Annotated[
    str,
    typer.Argument(help="account, device, establishment, group, profession, editor or platform"),
]
Key = Annotated[
    str,
    typer.Argument(
        help="a login, a device's id, a FINESS or an insurer's n° AMC, a group's label, a profession, an editor's name; '' for the platform"
    ),
]
Number = Annotated[int, typer.Argument(help="the campaign's number")]


@app.command()
def start(
    kind: What,
    scope: Scope,
    key: Key,
    reason_fr: Annotated[str, typer.Option("--reason-fr", help="what each of them reads")],
    reason_en: Annotated[str, typer.Option("--reason-en", help="the same in English")],
    days: Annotated[
        int, typer.Option(help="after so many it asks no more; 0: until everybody has done it")
    ] = 0,
    window_days: Annotated[
        int, typer.Option(help="rib: accounts changed so lately are not paid on until confirmed")
    ] = 30,
    go: Annotated[
        bool, typer.Option("--go", help="do it; without it, whom it would concern is counted")
    ] = False,
    folder: Folder = VAR,
) -> None:
    """Count whom it would concern; with --go, ask them from now on."""
    counted = ask(folder, CountCampaign(kind, scope, key), CampaignCount)
    console.print(
        f"{kind} {scope} {key}".strip()
        + f": {counted.concerned} concerned, {counted.establishments} establishments,"
        f" {counted.sessions} sessions, {counted.devices} devices; {'two people' if counted.second else 'one person'}."
    )
    if not go:
        console.print("Nothing was done: say --go.")
        return
    call = StartCampaign(
        kind, scope, key, reason_fr=reason_fr, reason_en=reason_en, days=days, window_days=window_days
    )
    reply = ask_any(folder, call, seconds=STARTS_WITHIN)
    if isinstance(reply, Proposed):
        console.print(
            f"Not done: proposal {reply.id} waits for a second person at the desk until {in_paris(reply.expires)}."
        )
    elif isinstance(reply, CampaignStarted):
        console.print(f"Campaign {reply.number}: {reply.concerned} concerned.")


@app.command()
def end(
    number: Number,
    reason: Annotated[str, typer.Argument(help="kept in the journal")],
    folder: Folder = VAR,
) -> None:
    """Ask no more of whoever has not done it yet."""
    reply = ask_any(folder, EndCampaign(number, reason), seconds=STARTS_WITHIN)
    if isinstance(reply, Proposed):
        console.print(f"Not done: proposal {reply.id} waits for a second person at the desk.")
    else:
        console.print(f"Campaign {number}: ended.")


@app.command("list")
def list_campaigns(folder: Folder = VAR) -> None:
    """Every campaign, the newest first."""
    table = Table("no", "what", "scope", "since", "until", "by", "done")
    for each in ask(folder, ListCampaigns(), Campaigns).campaigns:
        scope = f"{each.scope} {each.named}".strip()
        table.add_row(
            str(each.number), each.kind, scope, in_paris(each.started), _until(each), each.by, f"{each.done}/{each.total}"
        )  # fmt: skip
    console.print(table)


@app.command()
def show(
    number: Number,
    form: Annotated[
        Literal["table", "csv", "json"], typer.Option("--format", help="how it is printed")
    ] = "table",
    folder: Folder = VAR,
) -> None:
    """One campaign's progress, by establishment; whoever works in two counts in both."""
    shown = ask(folder, ShowCampaign(number), CampaignProgress)
    if form == "json":
        whole = msgspec.to_builtins(shown)
        whole["places"] = [msgspec.structs.asdict(each) for each in shown.places]
        print(msgspec.json.format(msgspec.json.encode(whole)).decode())
    elif form == "csv":
        rows = csv.writer(sys.stdout)
        rows.writerow(("establishment", "profession", "total", "done"))
        rows.writerows((each.number, each.profession, each.total, each.done) for each in shown.places)
    else:
        _print(shown)


def _print(shown: CampaignProgress) -> None:
    each = shown.campaign
    console.print(f"Campaign {each.number}: {each.kind} {each.scope} {each.named}".strip())
    console.print(f"{each.reason_fr}\n{each.reason_en}")
    console.print(
        f"since {in_paris(each.started)} by {each.by}, until {_until(each)}: {each.done} of {each.total} done"
    )
    table = Table("establishment", "profession", "done", "total")
    for place in shown.places:
        table.add_row(place.number, place.profession, str(place.done), str(place.total))
    console.print(table)


def _until(each: CampaignView) -> str:
    if each.ended:
        return f"ended {in_paris(each.ended)}"
    return in_paris(each.expires) if each.expires else "done by all"
