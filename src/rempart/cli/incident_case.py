"""`rempart incident open|fact|about|done|clocks…`: the incident object and its clocks. Each act is journaled with it."""

import getpass
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import psycopg
import typer
from rich.markup import escape
from rich.table import Table

from rempart.cli.alerts import reading
from rempart.cli.evidence import ask_key, read_file
from rempart.cli.incident_scope import QuestionFile, configured_witnesses, question_of
from rempart.cli.operator import VAR, Folder
from rempart.cli.output import wide_console
from rempart.foundation.clock import Clock, in_paris, system_clock
from rempart.foundation.errors import Refusal
from rempart.foundation.settings import CashierSettings, load_settings
from rempart.incident import acting
from rempart.incident import facts as factual
from rempart.incident import scope_report as report
from rempart.incident import store_case as store
from rempart.incident.case import Incident, Verb
from rempart.incident.clocks import Due, State, loudest, read_clocks
from rempart.incident.exposure import Scope
from rempart.incident.facts import Language, moment
from rempart.incident.handing_over import unacknowledged
from rempart.incident.nobody_else import UNCHECKED, nobody_else
from rempart.incident.notices.rendering import Telling
from rempart.incident.notices.templates import FOLDER, Templates
from rempart.incident.resting import resting_on_another
from rempart.incident.scope import scope as read_scope
from rempart.incident.scope_professionals import professionals_seen
from rempart.incident.scope_proofs import Published, read_published
from rempart.supervisor.home import Home

app = typer.Typer()
console = wide_console()
ABOUT_TO_LAPSE, LAPSED = 4, 5
"""Exit codes of `clocks`."""
Number = Annotated[
    int, typer.Argument(help="the incident's number; without it, the one opened last", show_default=False)
]
Which = Annotated[
    int,
    typer.Option(
        "--incident", help="the incident's number; without it, the one opened last", show_default=False
    ),
]
By = Annotated[str, typer.Option("--by", help="who does it", show_default="who is logged in")]
_COLOURS = {
    State.LATE: "bold white on red", State.SOON: "bold black on yellow", State.DONE: "green", State.DONE_LATE: "yellow",
    State.WAIVED: "dim", State.WAITING: "dim",
}  # fmt: skip


class NoQuestion(Refusal):
    """An incident has a scope once it has a question."""

    code = "incident-question"
    french = "Cet incident n'a pas de périmètre : posez d'abord la question avec « rempart incident about »."
    english = "This incident has no scope: put the question first with `rempart incident about`."


@dataclass
class Room:
    """One command's view of an incident: the operator's connection, the templates, the incident itself."""

    folder: Path
    c: "psycopg.Connection[Any]"
    templates: Templates
    incident: Incident
    clock: Clock = system_clock

    def telling(self, scope: Scope | None) -> Telling:
        """What documents are made from, now."""
        seen = None if scope is None else professionals_seen(self.c, scope.question)
        operator, now = operators_name(self.folder), self.clock()
        stated = UNCHECKED if scope is None else nobody_else(self.c, scope, self._published, now)
        return Telling.of(
            self.incident, scope, store.insurers(self.c), operator, now, self.templates, seen, stated
        )

    def _published(self) -> Published:
        return read_published(self.c, ask_key(self.folder), configured_witnesses(self.folder))

    def scope(self) -> Scope:
        """Read from the ledger, anew. Raises NoQuestion."""
        question = acting.question_of(self.incident)
        if question is None:
            raise NoQuestion
        return read_scope(self.c, question)

    def hand(self, by: str) -> acting.Hand:
        """Whoever types, now."""
        return _hand(by, self.clock())

    def add(self, by: str, verb: Verb, key: str, value: str) -> None:
        """Journal an act."""
        store.add_act(self.c, self.incident.id, self.clock(), by or getpass.getuser(), verb, key, value)


@contextmanager
def room(folder: Path, number: int) -> Iterator[Room]:
    """Raises IncidentUnknown, BadTemplate, Outage."""
    with reading(folder) as c:
        found = store.read_incident(c, number or store.latest(c))
        yield Room(folder, c, read_templates(folder), found)


# ── the incident ─────────────────────────────────────────────────────────────────────────────────────────────────────


@app.command("open")
def open_incident(
    aware: Annotated[
        str,
        typer.Option(
            help="since when the operator knows: 2026-11-28T03:10, in Paris unless it has an offset"
        ),
    ],
    title: Annotated[str, typer.Option(help="a few words for everybody: no name, no number of a person")],
    by: By = "",
    folder: Folder = VAR,
) -> None:
    """Open an incident: its clocks start when the operator knew."""
    with reading(folder) as c:
        number = acting.open_incident(c, _hand(by, system_clock()), title, aware)
    console.print(f"Incident {number} is open. See `rempart incident clocks {number}`.")


@app.command("list")
def list_incidents(folder: Folder = VAR) -> None:
    """The incidents, newest first."""
    table = Table("no", "known since", "title", "facts", "done")
    with reading(folder) as c:
        for each in store.incidents(c):
            table.add_row(
                str(each.id), moment(each.aware, Language.FRENCH), each.title, str(len(each.facts)), str(len(each.done))
            )  # fmt: skip
    console.print(table)


@app.command()
def show(number: Number = 0, folder: Folder = VAR) -> None:
    """Every fact, known or not, and the question of the scope."""
    with room(folder, number) as here:
        incident = here.incident
        console.print(f"[bold]Incident {incident.id}[/bold]  {incident.title}", soft_wrap=True)
        table = Table("fact", "", "value")
        known = factual.Facts(here.templates.facts, incident.facts)
        for kind in here.templates.facts.fact:
            table.add_row(kind.key, kind.french, known.shown(kind.key, Language.FRENCH))
        console.print(table)
        console.print(f"question: {incident.question or 'none: rempart incident about'}", soft_wrap=True)


@app.command()
def fact(
    key: Annotated[str, typer.Argument(help="a key of `incident show`; with :en, the same in English")],
    value: Annotated[
        str, typer.Argument(help="an empty value: unknown again; - reads it from standard input")
    ],
    number: Which = 0,
    by: By = "",
    folder: Folder = VAR,
) -> None:
    """Say what is known. What nobody said is rendered as unknown."""
    with room(folder, number) as here:
        said = sys.stdin.read() if value == "-" else value
        checked = acting.say_fact(here.c, here.hand(by), here.templates, here.incident.id, key, said)
    console.print(f"{key}: {'unknown' if not checked else 'noted'}.")


@app.command()
def about(
    since: Annotated[str, typer.Option(help="the first instant in question")] = "",
    until: Annotated[str, typer.Option(help="before this instant; default: now")] = "",
    account: Annotated[list[str] | None, typer.Option(help="login or id; several: any of them")] = None,
    device: Annotated[list[str] | None, typer.Option(help="id")] = None,
    establishment: Annotated[list[str] | None, typer.Option(help="FINESS, n° AMC of a seat, or id")] = None,
    group: Annotated[list[str] | None, typer.Option(help="label: every establishment of the group")] = None,
    editor: Annotated[list[str] | None, typer.Option(help="name or id")] = None,
    lane: Annotated[list[str] | None, typer.Option(help="card, vitale or secret; default: any")] = None,
    insurer: Annotated[list[str] | None, typer.Option(help="n° AMC; default: any")] = None,
    question: QuestionFile = None,
    number: Which = 0,
    by: By = "",
    folder: Folder = VAR,
) -> None:
    """Put the question of the scope, as to `incident scope`, or what it wrote: every document's figures are counted from its answer."""
    with room(folder, number) as here:
        asked = (
            report.read_question(read_file(question))
            if question is not None
            else question_of(
                here.c, since, until, account, device, establishment, group, editor, lane, insurer
            )
        )
        found = read_scope(here.c, asked)
        acting.put_question(here.c, here.hand(by), here.incident.id, asked)
        resting = resting_on_another(store.acts(here.c, here.incident.id))
    answers = sum(len(person.answers) for person in found.exposed)
    console.print(f"{len(found.exposed):,} persons, {answers:,} answers.")
    if resting:
        console.print(
            f"On a former question rest: the packages of {resting.insurers:,} insurers, {resting.answers:,} published answers."
            " Tell it anew: `notify --send`, `publish --send`, `render`.",
            style="yellow", soft_wrap=True,
        )  # fmt: skip


@app.command()
def done(
    duty: Annotated[str, typer.Argument(help="its key, as `incident clocks` shows it")],
    at: Annotated[str, typer.Option(help="when, if not now")] = "",
    reference: Annotated[str, typer.Option(help="a receipt's number")] = "",
    number: Which = 0,
    by: By = "",
    folder: Folder = VAR,
) -> None:
    """Say that a duty was done."""
    with room(folder, number) as here:
        acting.note_done(here.c, here.hand(by), here.templates, here.incident, duty, at, reference)
    console.print(f"{duty}: done.")


@app.command()
def waive(
    duty: Annotated[str, typer.Argument(help="its key, as `incident clocks` shows it")],
    why: Annotated[str, typer.Argument(help="why it is not due: an authority may ask")],
    number: Which = 0,
    by: By = "",
    folder: Folder = VAR,
) -> None:
    """Say that a duty is not due, and why."""
    with room(folder, number) as here:
        acting.waive(here.c, here.hand(by), here.templates, here.incident, duty, why)
    console.print(f"{duty}: not due.")


@app.command()
def journal(
    number: Number = 0,
    as_lines: Annotated[
        bool, typer.Option("--json", help="as it is kept: a JSON object a line, times in µs")
    ] = False,
    folder: Folder = VAR,
) -> None:
    """Every act on an incident, in order."""
    templates, table = read_templates(folder), Table()
    for name in ("no", "when (Paris)", "who", "act", "about", "said"):
        # Never cut: at night a journal is read in a narrow window.
        table.add_column(name, overflow="fold")
    with reading(folder) as c:
        acts = store.acts(c, number or store.latest(c))
    for act in acts:
        if as_lines:
            print(msgspec.json.encode(act).decode())
        said = acting.words_of(act, templates, Language.FRENCH)
        row = (str(act.number), in_paris(act.at), act.actor, act.verb.value, act.key, said)
        table.add_row(*map(escape, row))
    if not as_lines:
        console.print(table)


# ── clocks ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@app.command()
def clocks(number: Number = 0, folder: Folder = VAR) -> None:
    """What is due, done, about to lapse (exit code 4), late (exit code 5); and the packages that nobody acknowledged."""
    with room(folder, number) as here:
        now = here.clock()
        dues = read_clocks(here.templates.clocks, here.incident, now)
        handed = store.handed_over(here.c, here.incident.id)
        waiting = unacknowledged(here.incident, handed, here.templates.clocks.remind_after_hours, now)
    console.print(_clocks_table(dues, now))
    for package, recall in waiting:
        said = f"{package.name} ({package.amc}): package {package.issue} not acknowledged since {moment(package.made, Language.FRENCH)}"
        console.print(
            f"{said}{'; recall it: rempart incident remind --send' if recall else ''}",
            style=_COLOURS[State.SOON] if recall else "",
            soft_wrap=True,
        )
    loud = loudest(dues)
    for due in dues:
        if due.state in {State.LATE, State.SOON} and not due.duty.aid:
            print(
                f"{due.state.upper()}: {due.duty.key} ({due.duty.law}, {due.duty.to_english})",
                file=sys.stderr,
            )
    if loud is State.LATE:
        raise typer.Exit(LAPSED)
    if loud is State.SOON or any(recall for _, recall in waiting):
        raise typer.Exit(ABOUT_TO_LAPSE)


def _clocks_table(dues: Sequence[Due], now: int) -> Table:
    table = Table("duty", "law", "to", "what", "due", "left", "state")
    for due in dues:
        when = moment(due.due, Language.FRENCH) if due.due is not None else "–"
        left = _left(due.due - now) if due.due is not None and due.done is None else ""
        state = f"{due.state}{' (aid)' if due.duty.aid else ''}{f': {due.said}' if due.said else ''}"
        table.add_row(
            due.duty.key, due.duty.law, due.duty.to, due.duty.french, when, left, state, style=_COLOURS.get(due.state, "")
        )  # fmt: skip
    return table


def _left(micros: int) -> str:
    hours, minutes = divmod(abs(micros) // 60_000_000, 60)
    return f"{'-' if micros < 0 else ''}{hours} h {minutes:02d}"


def read_templates(folder: Path) -> Templates:
    return Templates.read(Home.at(folder).folder / FOLDER)


def operators_name(folder: Path) -> str:
    file = Home.at(folder).config_file("cashier")
    return load_settings(CashierSettings, file).operator_name if file.exists() else "Rempart"


def _hand(by: str, now: int) -> acting.Hand:
    return acting.Hand(by or getpass.getuser(), now)
