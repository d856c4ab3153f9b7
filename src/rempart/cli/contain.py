"""`rempart operator contain|release|switches|two-people`: stop what holds, at the smallest scope; see what stands; lift it.

The whole platform is stopped and reopened by two people: `two-people` prints the text, each signs it on their own machine with
`rempart evidence release-sign`, and both notes come with the command.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from rempart.cli.operator import Folder, app, ask, console
from rempart.evidence.errors import LedgerUnreadable
from rempart.foundation.clock import in_paris
from rempart.vaultdoor.holds import Hold
from rempart.vaultdoor.messages import (
    AskTwoPeople,
    Done,
    ListSwitches,
    ReleaseText,
    Switches,
    ThrowSwitch,
)

VAR = Path("var")
Scope = Annotated[
    str, typer.Argument(help="device, account, establishment, editor, profession, lane, insurer or platform")
]
Key = Annotated[
    str,
    typer.Argument(
        help="a device's id, a login, a FINESS, an editor's name, a profession, a lane, an n° AMC; '' for the platform"
    ),
]
Reason = Annotated[str, typer.Argument(help="kept in the journal")]
Signature = Annotated[
    list[Path] | None,
    typer.Option("--signature", help="for the whole platform: a signed note, once for each of two people"),
]
Minutes = Annotated[int, typer.Option(help="0: until it is released")]
WhatHold = Annotated[
    Hold, typer.Option("--hold", help="what is stopped, strictest first (docs/runbooks/contain.md)")
]
Lifted = Annotated[Hold | None, typer.Option("--hold", help="this one; default: the strictest that stands")]
Whole = Annotated[bool, typer.Option("--all", help="every hold that stands on it")]


@app.command()
def contain(
    scope: Scope,
    key: Key,
    reason: Reason,
    hold: WhatHold = Hold.CLOSED,
    minutes: Minutes = 0,
    signature: Signature = None,
    folder: Folder = VAR,
) -> None:
    """Throw a switch: at once, in every process, for every answer that has not left."""
    call = ThrowSwitch(scope, key, reason, True, minutes, hold.value, signatures=_notes(signature))
    ask(folder, call, Done)
    console.print(f"{_called(scope, key)}: {hold.value}.")


@app.command()
def release(
    scope: Scope,
    key: Key,
    reason: Reason,
    hold: Lifted = None,
    whole: Whole = False,
    signature: Signature = None,
    folder: Folder = VAR,
) -> None:
    """Lift what `contain` threw. What stood before stands again, and is printed."""
    call = ThrowSwitch(
        scope, key, reason, False, hold=hold.value if hold else "", whole=whole, signatures=_notes(signature)
    )
    ask(folder, call, Done)
    console.print(f"{_called(scope, key)}: released.")
    for each in ask(folder, ListSwitches(scope, key), Switches).switches:
        console.print(f"  still {each.hold}: {each.reason} ({each.by})")


@app.command("two-people")
def two_people(
    what: Annotated[Literal["contain", "release"], typer.Argument()],
    reason: Reason,
    hold: Lifted = None,
    minutes: Minutes = 0,
    whole: Whole = False,
    folder: Folder = VAR,
) -> None:
    """Print what two people sign to stop or reopen the whole platform. The same reason, hold and minutes come with the command."""
    switch = ThrowSwitch(
        "platform", "", reason, what == "contain", minutes, hold.value if hold else "closed" if what == "contain" else "", whole
    )  # fmt: skip
    print(ask(folder, AskTwoPeople(switch), ReleaseText).text, end="")


@app.command()
def switches(
    scope: Annotated[str, typer.Argument(help="with a key: what stands on it alone")] = "",
    key: Annotated[str, typer.Argument(help="as for `contain`")] = "",
    folder: Folder = VAR,
) -> None:
    """What is contained now, counted, then the widest first. What is over is in `rempart operator journal`."""
    standing, table = ask(folder, ListSwitches(scope, key), Switches), Table()
    for count in standing.counts:
        console.print(f"{count.scope}: {count.number} {count.hold}")
    for name in ("what", "hold", "since", "until", "by", "reason"):
        # Never cut: who is stopped, and by whom, is read at night in a narrow window.
        table.add_column(name, overflow="fold")
    for each in standing.switches:
        until = in_paris(each.until) if each.until else "it is released"
        table.add_row(
            f"{each.scope} {each.named}".strip() if each.scope != "device" else f"device {each.key} ({each.named})",
            each.hold, in_paris(each.thrown), until, each.by, each.reason,
        )  # fmt: skip
    console.print(table)
    left = sum(count.number for count in standing.counts) - len(standing.switches)
    if left:
        console.print(f"{left} more are not listed: `rempart operator switches SCOPE KEY` tells of one.")


def _called(scope: str, key: str) -> str:
    return f"{scope} {key}".strip()


def _notes(files: list[Path] | None) -> list[bytes]:
    try:
        return [file.read_bytes() for file in files or ()]
    except OSError as error:
        raise LedgerUnreadable(f"{error.filename}: {error.strerror}") from error
