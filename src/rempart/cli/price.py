"""`rempart price`: a file of cases, priced; a table to read, or a file for a program."""

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from rempart.claims.case_file import BadCases, NamedCase, read_cases
from rempart.claims.pricing import Priced, price_case

SHARES = ("amo", "amc", "patient", "participation", "franchise")


def price(
    cases: Annotated[Path, typer.Argument(help="The cases (docs/files/pricing-cases.md).")],
    output: Annotated[Path | None, typer.Option("--json", help="Where to write amounts and steps.")] = None,
    steps: Annotated[bool, typer.Option("--steps", help="Show each step in the table.")] = False,
) -> None:
    """Price each case: AMO, complementary, patient, and what is owed apart. Without --json, exit code 1 when an expected amount differs."""
    named = read_cases(_read(cases))
    priced = [price_case(each.case) for each in named]
    if output is not None:
        _write(output, document(named, priced))
        return
    if _show(named, priced, with_steps=steps):
        raise typer.Exit(1)


def document(named: Sequence[NamedCase], priced: Sequence[Priced]) -> dict[str, Any]:
    """What --json writes."""
    return {
        "cases": [
            {"id": each.id}
            | {share: str(getattr(result, share)) for share in SHARES}
            | {"steps": [_step(step) for step in result.steps]}
            for each, result in zip(named, priced, strict=True)
        ]
    }


def _step(step: Any) -> dict[str, Any]:
    return {
        "rule": step.rule, "article": step.article, "line": step.line, "amount": str(step.amount), "sentence": step.sentence,
    }  # fmt: skip


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadCases(f"{path}: {error.strerror}") from None


def _write(path: Path, content: dict[str, Any]) -> None:
    """Whole or not at all: a program that reads it never finds half a file."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise BadCases(f"{path}: {error.strerror}") from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise BadCases(f"{path}: {error.strerror}") from None


def _show(named: Sequence[NamedCase], priced: Sequence[Priced], *, with_steps: bool) -> int:
    """The table; how many cases differ from what their author expects."""
    console = Console()
    table = Table("cas", "AMO", "AMC", "patient", "participation", "franchise", "attendu")
    differing = 0
    for each, result in zip(named, priced, strict=True):
        wrong = {share for share, amount in each.expect.items() if getattr(result, share) != amount}
        differing += bool(wrong)
        verdict = "[red]diffère[/]" if wrong else "[green]oui[/]" if each.expect else ""
        table.add_row(each.id, *(_cell(share, each, result, wrong) for share in SHARES), verdict)
        if with_steps:
            for step in result.steps:
                table.add_row("", "", "", "", "", "", f"{step.sentence} [dim]{step.article}[/]")
    console.print(table)
    console.print(f"{len(named)} cas, {differing} différents de l'attendu.")
    return differing


def _cell(share: str, each: NamedCase, result: Priced, wrong: set[str]) -> str:
    amount = f"{getattr(result, share)}"
    return f"[red]{amount}[/] (attendu {each.expect[share]})" if share in wrong else amount
