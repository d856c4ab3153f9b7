"""The demo's end: January 2024 again, on a platform of its own, told in words that a pharmacist understands."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

SCENARIO = "viamedis-2024"
MOST = 60
"""Persons that one live session may be told of, whatever the thief knows."""


@dataclass
class Attacked:
    """What the drill's report says of it; docs/drill.md explains each figure."""

    persons_exposed: int
    persons_in_scope: int
    persons_without_meters: int
    first_alert_minutes: float | None
    contained_minutes: float | None
    honest_requests: int
    honest_refused_rate: float
    seconds: float
    picture: str


def play_attack(picture: Path, console: Console) -> Attacked:
    """Play it, tell it, leave the picture. Raises if the thief got more than the line allows, or was not contained."""
    console.print(
        "[bold]11.[/bold] January 2024 again, and worse. A robot sits on an infected workstation of a professional, with the session"
        " open, and a list of 20,000 stolen cards. It asks once a second. (A separate platform, a clock that runs faster: about a minute.)"
    )
    with tempfile.TemporaryDirectory(prefix="rempart-") as folder:
        report_file = Path(folder) / "report.json"
        command = [sys.executable, "-m", "rempart.drill", SCENARIO, "--json", str(report_file)]
        with console.status("   the robot asks, honest colleagues work on…"):
            ran = subprocess.run(
                [*command, "--picture", str(picture)], capture_output=True, text=True, check=False
            )
        if ran.returncode != 0:
            raise RuntimeError(f"the drill ended with {ran.returncode}: {ran.stderr[-600:]}")
        report: dict[str, Any] = json.loads(report_file.read_text())
    attacked = Attacked(
        **{name: report[name] for name in Attacked.__dataclass_fields__ if name != "picture"},
        picture=str(picture),
    )
    _tell(attacked, console)
    if attacked.contained_minutes is None or attacked.persons_exposed > MOST:
        raise RuntimeError(f"the attack did not go as it must: {attacked}")
    return attacked


def _tell(attacked: Attacked, console: Console) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2))
    for what, told in (
        (
            "records told to the robot",
            f"[bold]{attacked.persons_exposed}[/bold], then it needed a passkey that it has not",
        ),
        ("without meters, the same robot", f"{attacked.persons_without_meters:,}"),
        ("first alert", f"{_minutes(attacked.first_alert_minutes)} after it began"),
        (
            "workstation held by the platform",
            f"{_minutes(attacked.contained_minutes)} after it began, nobody called",
        ),
        ("who is concerned?", f"exactly {attacked.persons_in_scope} persons, says the ledger"),
        (
            "honest colleagues meanwhile",
            f"{attacked.honest_requests:,} rights checked, {attacked.honest_refused_rate:.2%} refused",
        ),
        ("the picture", attacked.picture),
    ):
        table.add_row(f"  {what}", told)
    console.print(table)


def _minutes(minutes: float | None) -> str:
    if minutes is None:
        return "never"
    return f"{minutes * 60:.0f} s" if minutes < 1.5 else f"{minutes:.0f} min"
