"""`rempart incident match`: whether a sample offered for sale can come from here. Nothing of the file is written, logged or repeated."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from rempart.cli.evidence import Dsn, Folder, read_file
from rempart.cli.incident_scope import STDOUT, JsonFile, app, reading, said_plainly, write_json
from rempart.cli.output import wide_console
from rempart.foundation.errors import BadInput
from rempart.incident.match import WAYS, Counted, InsurersCheck, Matched, combine, judge, persons_counted
from rempart.incident.match_members import persons_by_amc
from rempart.incident.match_table import Sample, read_sample
from rempart.incident.scope_store import told_ever

console = wide_console()
MANY = 1_000
"""Different n° AMC that are counted apart: there are 84 of them."""


@app.command("match")
def match_command(
    file: Annotated[
        Path,
        typer.Argument(help="the sample: CSV of any separator and encoding; save a spreadsheet as CSV first"),
    ],
    answers: Annotated[
        list[Path] | None,
        typer.Option(
            help="what an insurer's `rempart insurer match --json` wrote; several: several insurers"
        ),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="by its columns alone, without the ledger's counts")
    ] = False,
    json_file: JsonFile = "",
    dsn: Dsn = "",
    home: Folder = Path("var"),
) -> None:
    """Tell whether a sample can come from here: can, cannot, or cannot be told, with every reason. Counts only."""
    with said_plainly():
        with Console(stderr=True).status("reading the sample"):
            sample = read_sample(file)
            rows, malformed = _count(sample)
            persons = Counter[str]() if offline else persons_by_amc(sample, MANY)
        with Console(stderr=True).status("counting whom the ledger ever told of"):
            counted, unknown = ([], 0) if offline else _known(persons, dsn, home)
        checks = [_read_check(each) for each in answers or ()]
        judged = combine(judge(sample.fields, counted), checks, sample.sha256)
        if json_file:
            write_json(json_file, _as_json(sample, rows, malformed, counted, unknown, judged))
        if json_file != STDOUT:
            _print(sample, rows, malformed, counted, unknown, judged)


def _count(sample: Sample) -> tuple[int, int]:
    widths = Counter(row is None for row in sample.rows())
    return widths.total(), widths[True]


def _known(numbers: Counter[str], dsn: str, home: Path) -> tuple[list[Counted], int]:
    """Of the insurers here; and how many persons name another: an unknown number is a value of the file, and is not repeated."""
    with reading(dsn, home) as c:
        told = told_ever(c)
    return persons_counted({amc: n for amc, n in numbers.items() if amc in told}, told), sum(
        n for amc, n in numbers.items() if amc not in told
    )


def _read_check(place: Path) -> InsurersCheck:
    try:
        found = json.loads(read_file(place))
        return msgspec.convert({name: found[name] for name in InsurersCheck.__slots__}, InsurersCheck)
    except (ValueError, KeyError, TypeError, msgspec.ValidationError):
        raise BadInput(f"{place.name} is not what `rempart insurer match --json` writes") from None


def _as_json(
    sample: Sample, rows: int, malformed: int, counted: list[Counted], unknown: int, judged: Matched
) -> dict[str, Any]:
    return {
        "sha256": sample.sha256,
        "rows": rows,
        "malformed": malformed,
        "encoding": sample.encoding,
        "header": sample.header,
        "columns": [{"position": each.position, "kind": each.field.value, "by": each.by} for each in sample.columns],
        "insurers": [{"amc": each.amc, "persons": each.persons, "persons_told_of_ever": each.told_ever} for each in counted],
        "persons_of_insurers_unknown_here": unknown,
        "verdict": judged.verdict.value,
        "reasons": list(judged.reasons),
        "ways": [
            {
                "way": each.way.value, "verdict": each.verdict.value, "missing": sorted(field.value for field in each.missing),
                "reasons": list(each.reasons),
            }
            for each in judged.ways
        ],
    }  # fmt: skip


def _print(
    sample: Sample, rows: int, malformed: int, counted: list[Counted], unknown: int, judged: Matched
) -> None:
    console.print(f"[bold]{judged.verdict.value.replace('-', ' ')}[/bold]")
    for reason in judged.reasons:
        console.print(f"- {reason}", soft_wrap=True, markup=False)
    console.print(
        f"\n{rows:,} rows, {malformed:,} of another width; {sample.encoding}; {'with' if sample.header else 'without'} a line of names."
        f"\nsha256 {sample.sha256}",
        soft_wrap=True,
    )
    table = Table("column", "is", "as said by its")
    for column in sample.columns:
        table.add_row(str(column.position), column.field.value, column.by)
    console.print(table)
    for way in judged.ways:
        console.print(f"{WAYS[way.way][1]}: {way.verdict.value.replace('-', ' ')}", soft_wrap=True)
        for reason in way.reasons:
            console.print(f"  - {reason}", soft_wrap=True, markup=False)
    if counted:
        table = Table("n° AMC", "persons in the sample", "its persons ever told of")
        for each in counted:
            table.add_row(each.amc, f"{each.persons:,}", f"{each.told_ever:,}")
        console.print(table)
        console.print(
            "Ask each of them: `rempart insurer match FILE --members THEIR_FILE --json`, then give it here with --answers."
        )
    if unknown:
        console.print(f"{unknown:,} persons name an insurer that is not known here.")
