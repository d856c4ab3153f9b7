"""`rempart announce`: the status page's announcements, and messages to professionals inside the portal."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from rempart.cli.alerts import reading
from rempart.cli.operator import VAR, Folder, console
from rempart.foundation.clock import DAY, in_paris, system_clock
from rempart.foundation.errors import BadInput
from rempart.status import announcing, store
from rempart.status.feed import as_json, atom, title_of
from rempart.status.levels import DAYS, level_now
from rempart.status.model import LEVELS, NAMES, Level, Service, Weight

app = typer.Typer(
    no_args_is_help=True,
    help="What everybody may know: the status page, messages to professionals (docs/status.md).",
)
French = Annotated[str, typer.Option("--french", "-f", help="one line, in French")]
English = Annotated[str, typer.Option("--english", "-e", help="the same in English")]
Number = Annotated[int, typer.Argument(help="the announcement's number")]
Services = Annotated[list[Service], typer.Option("--service", "-s", help="which; may be repeated")]


@app.command("open")
def open_announcement(
    service: Services,
    french: French,
    english: English,
    level: Annotated[str, typer.Option(help="operational, maintenance, restricted or down")] = "restricted",
    folder: Folder = VAR,
) -> None:
    """Announce on the status page that services are not as usual (or, operational, something worth knowing)."""
    with reading(folder) as c:
        number = announcing.announce(c, system_clock(), _level(level), service, french, english)
    console.print(
        f"announcement {number} stands: `rempart announce update {number}`, `rempart announce close {number}`"
    )


@app.command()
def update(number: Number, french: French, english: English, folder: Folder = VAR) -> None:
    """Say more of an announcement that stands."""
    with reading(folder) as c:
        announcing.update(c, system_clock(), number, french, english)
    console.print(f"announcement {number} updated")


@app.command()
def close(number: Number, french: French, english: English, folder: Folder = VAR) -> None:
    """It is over: a last word, and it moves to the past ones."""
    with reading(folder) as c:
        announcing.end(c, system_clock(), number, french, english)
    console.print(f"announcement {number} is over")


@app.command("list")
def list_all(folder: Folder = VAR) -> None:
    """The services' levels, the announcements of the last 90 days, the messages that stand."""
    now = system_clock()
    with reading(folder) as c:
        board, messages = store.operators_board(c, now - DAYS * DAY), store.messages(c, now)
    levels = Table("service", "level")
    for service in Service:
        levels.add_row(NAMES[service][1], LEVELS[level_now(board, service, now)][1])
    said = Table("no", "from", "to", "what", "words")
    for a in board.announcements:
        last = a.updates[-1].english if a.updates else a.english
        said.add_row(
            str(a.id),
            in_paris(a.started),
            in_paris(a.ended) if a.ended else "stands",
            title_of(a, french=False),
            last,
        )
    told = Table("no", "until", "weight", "to", "words")
    for m in messages:
        told.add_row(str(m.id), in_paris(m.until), m.weight, m.key or m.audience, m.english)
    for table in (levels, said, told):
        console.print(table)


@app.command()
def tell(
    french: French,
    english: English,
    to: Annotated[str, typer.Option(help="all, a profession, or an establishment's FINESS")] = "all",
    weight: Annotated[
        Weight, typer.Option(help="urgent: shown until it ends, read or not")
    ] = Weight.INFORMATION,
    hours: Annotated[int, typer.Option(min=1, max=2160, help="how long it is shown")] = 72,
    folder: Folder = VAR,
) -> None:
    """A message to professionals, shown inside the portal once they are signed in."""
    audience, named = announcing.audience_of(to)
    with reading(folder) as c:
        number = announcing.tell(c, system_clock(), weight, audience, named, hours, french, english)
    console.print(f"message {number} is shown: `rempart announce withdraw {number}` takes it back")


@app.command()
def withdraw(
    number: Annotated[int, typer.Argument(help="the message's number")], folder: Folder = VAR
) -> None:
    """A message is shown no more."""
    with reading(folder) as c:
        announcing.withdraw(c, system_clock(), number)
    console.print(f"message {number} is withdrawn")


@app.command()
def export(
    into: Annotated[Path, typer.Argument(help="a folder, made if it is missing")],
    origin: Annotated[str, typer.Option(help="the portal's address, for the feed's links")] = "",
    folder: Folder = VAR,
) -> None:
    """The state as files (JSON, Atom), to be served by another host while this one is down."""
    now = system_clock()
    with reading(folder) as c:
        board = store.operators_board(c, now - (DAYS + 1) * DAY)
    into.mkdir(parents=True, exist_ok=True)
    for name, content in (
        ("etat.json", as_json(board, now)),
        ("etat.atom", atom(board, origin, "fr", now)),
        ("etat.en.atom", atom(board, origin, "en", now)),
    ):
        (into / name).write_bytes(content)
        console.print(f"{into / name}: {len(content)} bytes")


def _level(name: str) -> Level:
    if name.upper() not in Level.__members__ or name == "unknown":
        raise BadInput("level: operational, maintenance, restricted or down")
    return Level[name.upper()]
