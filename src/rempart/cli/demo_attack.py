"""The demo's end: January 2024 again, on a platform of its own, and what is done about it, in words that a pharmacist understands."""

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
    contained_after_decision_ms: float
    scope_seconds: float
    packages: int
    packages_seconds: float
    reopened: bool
    response: dict[str, Any]
    seconds: float
    picture: str


def play_attack(picture: Path, console: Console) -> Attacked:
    """Play both, tell them, leave the picture. Raises if the thief got more than the line allows, or the response did not go as it must."""
    console.print(
        "[bold]11.[/bold] January 2024 again, and worse. A robot sits on an infected workstation of a professional, with the session"
        " open, and a list of 20,000 stolen cards. It asks once a second. (A separate platform, a clock that runs faster: a minute or two.)"
    )
    with tempfile.TemporaryDirectory(prefix="rempart-") as folder:
        report_file = Path(folder) / "report.json"
        command = [sys.executable, "-m", "rempart.drill", SCENARIO, "--with-response"]
        command += ["--json", str(report_file)]
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
    _tell_response(attacked, console)
    if attacked.contained_minutes is None or attacked.persons_exposed > MOST or _went_wrong(attacked):
        raise RuntimeError(f"the attack did not go as it must: {attacked}")
    return attacked


def _went_wrong(attacked: Attacked) -> bool:
    """Goals of the response: docs/drill.md."""
    told = attacked.response
    in_time = (
        attacked.contained_after_decision_ms < 1_000
        and attacked.scope_seconds < 5
        and attacked.packages_seconds < 60
    )
    return not (in_time and attacked.reopened and told["scope_equals_thief"] and not told["honest_refused"])


def _tell(attacked: Attacked, console: Console) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2))
    for what, told in (
        (
            "records told to the robot",
            f"[bold]{attacked.persons_exposed}[/bold]: it was asked for a passkey that it has not, then stopped",
        ),
        ("without meters, the same robot", f"{attacked.persons_without_meters:,}"),
        ("first alert", f"{_minutes(attacked.first_alert_minutes)} after it began"),
        (
            "honest colleagues meanwhile",
            f"{attacked.honest_requests:,} rights checked, {attacked.honest_refused_rate:.2%} refused",
        ),
        ("the picture", attacked.picture),
    ):
        table.add_row(f"  {what}", told)
    console.print(table)


def _tell_response(attacked: Attacked, console: Console) -> None:
    """From the alert to the reopening."""
    told = attacked.response
    console.print(
        "[bold]12.[/bold] The officer on duty calls the house back: it was not them. From here on in real time, while all others work on."
    )
    table = Table("", "in January 2024", "here", box=None, padding=(0, 2))
    for what, then, here in (
        (
            "stop it",
            "the whole platform was cut",
            f"one account closed, [bold]{attacked.contained_after_decision_ms:.0f} ms[/bold] after the decision",
        ),
        (
            "who is concerned?",
            "nobody could say",
            f"[bold]exactly {told['persons_listed']}[/bold], proved, and nobody else: {attacked.scope_seconds:.1f} s{_withheld(told)}",
        ),
        (
            "tell their insurers",
            "84 insurers told their members",
            f"[bold]{attacked.packages} files[/bold] handed over, sealed, letters ready: {attacked.packages_seconds:.0f} s",
        ),
        (
            "tell the authorities",
            "the same duties",
            f"{told['documents']} documents written, every figure from the ledger: {told['documents_seconds']:.1f} s",
        ),
        (
            "work again",
            "after 14 days, new passwords for all",
            f"[bold]{told['seconds']:.0f} s[/bold]; a new code for that one account",
        ),
        (
            "everybody else",
            "stopped for 14 days",
            f"{told['honest_requests']} rights checked meanwhile, {sum(told['honest_refused'].values())} refused",
        ),
    ):
        table.add_row(f"  {what}", then, here)
    console.print(table)


def _withheld(told: dict[str, Any]) -> str:
    """Why the list may be longer than what the robot was told."""
    many = told["persons_withheld"]
    return f" ({many} of them counted, and held back from the robot as the switch fell)" if many else ""


def _minutes(minutes: float | None) -> str:
    if minutes is None:
        return "never"
    return f"{minutes * 60:.0f} s" if minutes < 1.5 else f"{minutes:.0f} min"
