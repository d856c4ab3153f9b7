"""`rempart insurer match`: an insurer compares a sample offered for sale with its own members' file, on its own machine."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rempart.cli import insurer_incident
from rempart.cli.intake import console
from rempart.cli.intake import insurer as app
from rempart.foundation.errors import BadInput, RempartError
from rempart.incident.match_members import MembersCheck, check_members
from rempart.incident.match_table import read_sample

# The insurer's other commands, which the same app holds.
__all__ = ["app", "insurer_incident"]
RARE = 0.01
"""A chance below it is said to be small."""


@app.command("match")
def match(
    file: Annotated[Path, typer.Argument(help="the sample: CSV of any separator and encoding")],
    members: Annotated[
        Path, typer.Option(help="your members' file, as given to Rempart, with its canaries; plain or .gz")
    ],
    json_file: Annotated[
        str,
        typer.Option("--json", help="write the counts into this file, for the operator; - writes them here"),
    ] = "",
) -> None:
    """Count which rows are your people, and whether your canaries are among them. Nothing but counts leaves this machine."""
    try:
        with Console(stderr=True).status("reading both files"):
            found = check_members(read_sample(file), members)
        content = dataclasses.asdict(found) | {
            "rows": found.comparable,
            "rows_in_file": found.rows,
            "chance_of_no_canary": found.chance,
        }
        text = json.dumps(content, indent=2) + "\n"
        if json_file and json_file != "-":
            try:
                Path(json_file).write_text(text)
            except OSError as error:
                raise BadInput(f"{json_file} cannot be written: {error.strerror}") from error
    except RempartError as error:
        print(f"{error.french}\n{error.english} {error.detail} [{error.code}]", file=sys.stderr)
        raise typer.Exit(1) from error
    if json_file == "-":
        sys.stdout.write(text)
    else:
        _print(found)


def _print(found: MembersCheck) -> None:
    for line in sentences(found):
        console.print(line, soft_wrap=True, markup=False)


def sentences(found: MembersCheck) -> list[str]:
    """What was found, and what it says."""
    lines = [
        f"{found.amc}: {found.matched:,} of {found.comparable:,} rows are persons of your file ({found.members:,}), by {found.by}.",
        f"{found.rows:,} rows in the sample; {found.others:,} name another insurer, {found.malformed:,} have another width.",
    ]
    lines += [
        f"{kind}: {same:,} say what your file says, {other:,} something else."
        for kind, (same, other) in sorted(found.agree.items())
    ]
    return [*lines, _verdict(found)]


def _verdict(found: MembersCheck) -> str:
    if found.canaries:
        return (
            f"CAN: {found.canaries:,} of your {found.canaries_in_file:,} canaries are in it. They exist in no other list: it was copied, in"
            " part at least, from the file that you gave to Rempart or from your own systems. Canaries that stand in one of them alone tell"
            " which."
        )
    if found.comparable and not found.matched:
        return "CANNOT: none of these rows is a person of this file. It may be of an older one: try the files that you kept."
    if not found.canaries_in_file:
        return "CANNOT BE TOLD: your file has no canaries (docs/files/members.md)."
    small = (
        "so it was hardly drawn by chance from that file, unless somebody who knows them took them out"
        if found.chance < RARE
        else "which says little"
    )
    return (
        f"CANNOT BE TOLD: no canary is in it. Among {found.matched:,} persons drawn by chance from your file there would be none with a"
        f" probability of {found.chance:.3g}, {small}."
    )
