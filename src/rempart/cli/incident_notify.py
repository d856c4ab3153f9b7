"""`rempart incident render|notify|remind|templates`: what is told of an incident, to whom. Nothing leaves without `--send`."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from rempart.claims.durable import write_durably
from rempart.cli.incident_case import By, Number, Room, console, operators_name, read_templates, room
from rempart.cli.incident_publish import wait_until_settled
from rempart.cli.operator import VAR, Folder, VaultRefused, ask, who_released
from rempart.evidence.note import VerifierKey
from rempart.foundation.clock import system_clock
from rempart.incident import acting
from rempart.incident import store_case as store
from rempart.incident.case import Incident
from rempart.incident.documents import write_documents
from rempart.incident.exposure import Exposed
from rempart.incident.handing_over import Planned, Proofs, digest_of_plan, no_proofs, plan, send_all
from rempart.incident.nobody_else import require_over
from rempart.incident.notices.making import Package, render_documents
from rempart.incident.notices.rendering import (
    Insurer,
    Telling,
    check_templates,
)
from rempart.incident.notices.templates import FOLDER, shipped
from rempart.incident.reminding import due, recall
from rempart.incident.scope_proofs import prove_answers, read_published
from rempart.supervisor.home import Home
from rempart.vaultdoor.messages import (
    Checkpoint,
    Done,
    IncidentStatement,
    SendPackages,
    SignedCheckpoint,
    Stated,
    StatePackage,
    StateReleased,
    TellInsurer,
    TellReleased,
)

app = typer.Typer()
templates_app = typer.Typer(no_args_is_help=True, help="The templates of what is told, and their lists.")
app.add_typer(templates_app, name="templates")


# ── documents ────────────────────────────────────────────────────────────────────────────────────────────────────────


@app.command("render")
def render_command(
    number: Number = 0,
    output: Annotated[
        Path | None, typer.Option(help="Default: outbox/incidents/NUMBER in the platform's folder.")
    ] = None,
    folder: Folder = VAR,
) -> None:
    """Write every document that is not an insurer's: PDF, text in both languages, JSON. Sends nothing."""
    with room(folder, number) as here:
        target = output or Home.at(folder).outbox / "incidents" / str(here.incident.id)
        telling = here.telling(here.scope() if here.incident.question else None)
        check_templates(telling)
        with _bar("documents") as bar:
            task = bar.add_task("documents", total=None)
            made = write_documents(here.c, telling, target, lambda: bar.advance(task))
    console.print(f"{made} documents in {target}", soft_wrap=True)
    _say_nobody_else(telling)


# ── packages ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@app.command()
def notify(
    number: Number = 0,
    sending: Annotated[bool, typer.Option("--send", help="really hand the packages over")] = False,
    everybody: Annotated[
        bool, typer.Option("--everybody", help="also tell the insurers of whom nobody is exposed")
    ] = False,
    proofs: Annotated[bool, typer.Option("--proofs", help="add an inclusion proof of each answer")] = False,
    output: Annotated[
        Path | None, typer.Option(help="also write here: the documents, or with --send the sealed packages")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="with --send: write what was done, and how long it took")
    ] = None,
    by: By = "",
    folder: Folder = VAR,
) -> None:
    """One package an insurer: who of its members is exposed, the facts, the letters, the stage texts. A dry run unless told `--send`.

    Run again, it hands over what is new and nothing twice. Once two people at the desk may approve it, it is proposed to them.
    """
    with room(folder, number) as here:
        if sending:
            wait_until_settled(here.incident, here.clock())
        scope = here.scope()
        telling = here.telling(scope)
        check_templates(telling)
        planned = plan(telling, store.handed_over(here.c, here.incident.id), everybody=everybody)
        if output is not None:
            output.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not sending:
            _dry_run(telling, planned, output)
            _say_nobody_else(telling)
            return
        require_over(scope.question, telling.at)
        began = time.perf_counter()
        released = _who_released(folder, telling, planned, everybody=everybody, proofs=proofs)
        hand = _Hand(released or here.hand(by).actor, approved=bool(released))
        silent = _send_all(here, telling, planned, _proofs(here) if proofs else no_proofs, output, hand)
        if planned and not silent:
            acting.note_packages(here.c, here.hand(hand.name), here.templates, here.incident, len(planned))
    told = _Told(
        here.incident.id, len(planned), sum(not each.same for each in planned), sum(len(each.exposed) for each in planned),
        round(time.perf_counter() - began, 2), silent,
    )  # fmt: skip
    console.print(
        f"{told.handed_over} packages handed over, {told.packages - told.handed_over} were there already."
    )
    if silent:
        said = f"No seat to tell: {', '.join(silent)}. Hand these over by other means (--output), then `incident done`."
        console.print(said, style="yellow", soft_wrap=True)
    if json_file is not None:
        write_durably(json_file, msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")


@dataclass(frozen=True)
class _Told:
    """What `notify --send --json` writes."""

    incident: int
    packages: int
    handed_over: int
    persons: int
    seconds: float
    without_seat: list[str]


@dataclass(frozen=True)
class _Hand:
    """Under whose name they go; `approved`: by two people, so that they go under their release."""

    name: str
    approved: bool


def _who_released(
    folder: Path, telling: Telling, planned: Sequence[Planned], *, everybody: bool, proofs: bool
) -> str:
    """Those who approved what is still to go; "" where nobody has to, or nothing is. Raises SecondPersonNeeded."""
    left = [each for each in planned if not each.same]
    if not left:
        return ""
    amcs, persons = [each.insurer.amc for each in left], sum(len(each.exposed) for each in left)
    digest = digest_of_plan(telling, planned).hex()
    return who_released(folder, SendPackages(telling.incident.id, everybody, proofs, amcs, persons, digest))


def _send_all(
    here: Room, telling: Telling, planned: Sequence[Planned], proofs: Proofs, output: Path | None, hand: _Hand
) -> list[str]:
    """Seal and hand over one after the other; the n° AMC of those with no seat to tell."""
    with _bar("packages") as bar:
        task = bar.add_task("packages", total=len(planned))

        def done(each: Planned, _package: Package | None) -> None:
            # Those that the desk handed over too: an insurer without a seat is given the file.
            if output is not None:
                lies = store.sealed(here.c, here.incident.id, each.insurer.number, each.issue)
                if lies:
                    write_durably(output / f"{each.insurer.amc}-{each.issue}.incident", lies)
            bar.advance(task)

        def sign(said: IncidentStatement) -> str:
            call = StateReleased(said) if hand.approved else StatePackage(said)
            return ask(here.folder, call, Stated).statement

        def tell(insurer: Insurer) -> bool:
            number = here.incident.id
            if hand.approved:
                return _tell(here.folder, TellReleased(number, insurer.amc))
            return _tell(here.folder, TellInsurer(insurer.amc, "incident:package", f"incident {number}"))

        return send_all(here.c, telling, planned, sign, tell, here.clock, hand.name, proofs, done)


def _dry_run(telling: Telling, planned: Sequence[Planned], output: Path | None) -> None:
    table = Table("n° AMC", "insurer", "persons", "answers", "issue", "")
    for each in planned:
        answers = sum(len(person.answers) for person in each.exposed)
        state = "there already" if each.same else "new"
        table.add_row(
            each.insurer.amc, each.insurer.name, f"{len(each.exposed):,}", f"{answers:,}", str(each.issue), state
        )  # fmt: skip
        if output is not None:
            for name, content in render_documents(telling, each.insurer).items():
                write_durably(output / f"{each.insurer.amc}-{name}", content)
    console.print(table)
    console.print("Nothing was handed over: add --send.")


def _say_nobody_else(telling: Telling) -> None:
    """What the documents say instead of "nobody else", when that could not be stated."""
    if telling.scope is not None and not telling.nobody_else.stated:
        said = f"“Nobody else” is not said: {telling.nobody_else.reason(english=True)} [{telling.nobody_else.code}]"
        console.print(said, style="yellow", soft_wrap=True, markup=False)


@app.command()
def remind(
    number: Number = 0,
    sending: Annotated[bool, typer.Option("--send", help="really recall them")] = False,
    by: By = "",
    folder: Folder = VAR,
) -> None:
    """Recall the packages that nobody acknowledged in time, to the people of each insurer's seat. A dry run unless told `--send`."""
    with room(folder, number) as here:
        number, hours = here.incident.id, here.templates.clocks.remind_after_hours
        late = due(here.c, number, hours, here.clock())
        for package in late:
            console.print(f"{package.name} ({package.amc}): package {package.issue}", soft_wrap=True)
        if sending:

            def tell(amc: str) -> bool:
                return _tell(folder, TellInsurer(amc, "incident:remind", f"incident {number}"))

            for each in recall(here.c, number, hours, here.clock, tell, here.hand(by).actor):
                if not each.told:
                    said = f"No seat to tell: {each.package.amc}. By other means, then."
                    console.print(said, style="yellow", soft_wrap=True)
    console.print(f"{len(late)} {'recalled' if sending else 'to recall: add --send'}.")


def _tell(folder: Path, call: TellInsurer | TellReleased) -> bool:
    try:
        ask(folder, call, Done)
    except VaultRefused as error:
        if error.refused != "not-found":
            raise
        return False
    return True


def _proofs(here: Room) -> Proofs:
    signed = ask(here.folder, Checkpoint(), SignedCheckpoint)
    published = read_published(here.c, VerifierKey.parse(signed.verifier_key))

    def made(exposed: Sequence[Exposed]) -> list[bytes]:
        indexes = [answer.index for person in exposed for answer in person.answers]
        return [msgspec.json.encode(shown) + b"\n" for shown in prove_answers(here.c, published, indexes)]

    return made


# ── templates ────────────────────────────────────────────────────────────────────────────────────────────────────────


@templates_app.command("export")
def export(
    target: Annotated[
        Path | None, typer.Argument(help="Default: incident-templates in the platform's folder.")
    ] = None,
    folder: Folder = VAR,
) -> None:
    """Copy the shipped templates and lists to a folder, to be changed there. A file that is there stays."""
    place = target or Home.at(folder).folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    written = 0
    for name, text in sorted(shipped().items()):
        if not (place / name).exists():
            write_durably(place / name, text.encode())
            written += 1
    console.print(
        f"{written} files in {place}; those you do not change may be removed again.", soft_wrap=True
    )


@templates_app.command("check")
def check(folder: Folder = VAR) -> None:
    """Render every document, with everything known and with nothing known. Says the first thing that is wrong."""
    telling = Telling.of(
        Incident(0, "", 0, 0), None, (), operators_name(folder), system_clock(), read_templates(folder)
    )
    console.print(f"{check_templates(telling)} documents can be rendered.")


def _bar(what: str) -> Progress:
    return Progress(TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console)
