"""`rempart drill`: starts the drill's own process. Drill and commands are two doors: neither knows the other's code."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer


def drill(
    scenario: Annotated[
        str, typer.Argument(help="a shipped scenario's name, or a YAML file (docs/drill.md)")
    ] = "",
    json_file: Annotated[Path | None, typer.Option("--json", help="where the report is written")] = None,
    picture: Annotated[Path | None, typer.Option(help="where the timeline is drawn: .svg or .png")] = None,
    keep: Annotated[bool, typer.Option(help="keep the platform's folder")] = False,
    with_response: Annotated[
        bool,
        typer.Option(
            "--with-response", help="a duty officer contains, counts, tells, reopens (docs/drill.md)"
        ),
    ] = False,
    list_all: Annotated[bool, typer.Option("--list", help="the shipped scenarios")] = False,
) -> None:
    """Play an attack on an isolated platform of synthetic people, and report what the thief got. Without a scenario: which there are."""
    command = [sys.executable, "-m", "rempart.drill", *([scenario] if scenario else [])]
    command += ["--json", str(json_file)] if json_file is not None else []
    command += ["--picture", str(picture)] if picture is not None else []
    command += ["--with-response"] if with_response else []
    command += ["--keep"] if keep else []
    command += ["--list"] if list_all else []
    raise typer.Exit(subprocess.run(command, check=False).returncode)
