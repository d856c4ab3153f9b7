"""`rempart attempts`: everyday attempts on one page."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from rempart.cli.alerts import reading
from rempart.cli.operator import VAR, Folder, console
from rempart.foundation.clock import SECOND, instant, system_clock
from rempart.incident import store
from rempart.incident.attempts import bars, by_day, page, title


def attempts(
    days: Annotated[int, typer.Option(min=1, max=28, help="how many days, today included")] = 14,
    html: Annotated[Path | None, typer.Option(help="write a page of its own into this file")] = None,
    folder: Folder = VAR,
) -> None:
    """What the platform refused, by day: sign-ins, signatures, misses, lines used up, confirmations asked for, canaries."""
    last = instant(system_clock()).date()
    first = last - timedelta(days=days - 1)
    with reading(folder) as c:
        rows = store.attempts(c, _midnight(first), _midnight(last + timedelta(days=1)))
    counted = by_day(rows, first, days)
    if html is not None:
        html.write_text(page(counted))
        console.print(f"Written: {html}")
        return
    table = Table("", f"{first:%d %b} to {last:%d %b}", "today", "sum")
    for kind, counts in counted.counts.items():
        table.add_row(title(kind, "en"), bars(counts), str(counts[-1]), str(sum(counts)))
    console.print(table)


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * SECOND
