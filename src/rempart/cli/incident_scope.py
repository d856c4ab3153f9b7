"""`rempart incident scope|hit|verify-proofs`: who is exposed, exactly; whether a house was hit; the proofs of it, checked alone."""

import base64
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import psycopg
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from rempart.cli.evidence import Dsn, Folder, Witnesses, ask_key, operator_dsn, read_file, read_key
from rempart.cli.output import wide_console
from rempart.evidence.cosignature import WitnessKey
from rempart.evidence.errors import LedgerBroken, LedgerUnreadable
from rempart.evidence.note import VerifierKey
from rempart.evidence.opening import ANSWER_CLASSES
from rempart.evidence.witnesses import read_witnesses
from rempart.foundation.clock import in_paris, system_clock
from rempart.foundation.errors import BadInput, RempartError
from rempart.foundation.settings import VaultSettings, load_settings
from rempart.incident import scope_report as report
from rempart.incident.asking import Named
from rempart.incident.asking import question_of as asked_of
from rempart.incident.exposure import Question, Scope
from rempart.incident.scope import scope as read_scope
from rempart.incident.scope_hit import Hit, hit_establishment, hit_group, touched
from rempart.incident.scope_negative import Depth, Negative, state_negative
from rempart.incident.scope_professionals import (
    BASIS,
    NEVER_SHOWN,
    SENTENCES,
    ProfessionalsSeen,
    professionals_seen,
)
from rempart.incident.scope_proofs import Published, Shown, prove_answers, read_published, verify_shown
from rempart.incident.scope_store import Connection, insurer_numbers, one_snapshot
from rempart.supervisor.home import Home

app = typer.Typer(
    no_args_is_help=True,
    help="An incident: who is exposed, whom to tell, what to do (docs/incident.md).",
)
console = wide_console()
STDOUT = "-"
SIGNED_WITHIN = 5.0
"""Seconds that `--proofs` waits for the checkpoint that covers the last answers: the merge delay is two."""

QuestionFile = Annotated[
    Path | None,
    typer.Option(
        "--question", help="a question in JSON, or what `scope --json` wrote, instead of the options"
    ),
]
JsonFile = Annotated[
    str, typer.Option("--json", help="write everything into this file; - writes it here, and nothing else")
]


@dataclass(frozen=True)
class _Found:
    """Everything that the command says."""

    scope: Scope
    insurers: dict[int, tuple[str, str]]
    published: Published
    shown: list[Shown]
    seconds: float
    unproved: RempartError | None
    """Why an answer in question could not be proved: the list stands as the database has it, and nothing vouches for it."""

    @property
    def all_proved(self) -> bool:
        """Nothing is left to wait for: each answer has its proof, or one never will."""
        told = sum(len(person.answers) for person in self.scope.exposed)
        return self.unproved is not None or len(self.shown) == told


@app.command("scope")
def scope_command(
    since: Annotated[
        str, typer.Option(help="from this instant on: ISO, Paris's time without an offset")
    ] = "",
    until: Annotated[str, typer.Option(help="before this instant; default: now")] = "",
    account: Annotated[list[str] | None, typer.Option(help="login or id; several: any of them")] = None,
    device: Annotated[list[str] | None, typer.Option(help="id")] = None,
    establishment: Annotated[list[str] | None, typer.Option(help="FINESS, n° AMC of a seat, or id")] = None,
    group: Annotated[list[str] | None, typer.Option(help="label: every establishment of the group")] = None,
    editor: Annotated[list[str] | None, typer.Option(help="name or id")] = None,
    lane: Annotated[list[str] | None, typer.Option(help="card, vitale or secret; default: any")] = None,
    insurer: Annotated[list[str] | None, typer.Option(help="n° AMC; default: any")] = None,
    question: QuestionFile = None,
    counted: Annotated[
        bool,
        typer.Option("--counted", help="do not recompute every entry of the interval: faster, and says less"),
    ] = False,
    whole: Annotated[
        bool, typer.Option("--whole", help="read the whole ledger for the negative statement")
    ] = False,
    json_file: JsonFile = "",
    proofs: Annotated[
        Path | None, typer.Option(help="write each answer's opening and proof, a line each")
    ] = None,
    dsn: Dsn = "",
    home: Folder = Path("var"),
    key: Annotated[
        str,
        typer.Option("--key", help="the log's verifier key, or a file of it; default: the running vault's"),
    ] = "",
    witness: Witnesses = None,
    operations_key: Annotated[
        str, typer.Option(help="the public key of the key store's count, base64, noted when it began")
    ] = "",
) -> None:
    """Who was told of by these parties in this interval: exact persons, what each answer revealed, proofs, and that nobody else was."""
    quiet = json_file == STDOUT
    with said_plainly(), reading(dsn, home) as c:
        count_key = _operations_key(operations_key)
        asked = (
            report.read_question(read_file(question))
            if question is not None
            else question_of(c, since, until, account, device, establishment, group, editor, lane, insurer)
        )
        witnesses = [WitnessKey.parse(text) for text in witness or ()] or configured_witnesses(home)
        log_key = read_key(key) if key else ask_key(home)
        found = _find(c, asked, log_key, witnesses)
        end = time.monotonic() + SIGNED_WITHIN
        while proofs is not None and not found.all_proved and time.monotonic() < end:
            # The last answers are signed within two seconds: a file of proofs lacks none of them for that.
            time.sleep(0.1)
            found = _find(c, asked, log_key, witnesses)
        if proofs is not None:
            _write_private(proofs, b"".join(msgspec.json.encode(each) + b"\n" for each in found.shown))
        if not quiet:
            _print_scope(found)
        # The list is on the screen; what follows may take its time.
        professionals = professionals_seen(c, asked)
        negative, refused = _negative(c, found, counted=counted, whole=whole, key=count_key, quiet=quiet)
        if json_file:
            write_json(json_file, _everything(found, professionals, negative, refused))
        if not quiet:
            _print_negative(negative)
            _print_professionals(professionals)
        if refused is not None:
            raise refused


@app.command("hit")
def hit_command(
    question: Annotated[
        Path, typer.Option("--question", help="what `scope --json` wrote, or a question in JSON")
    ],
    establishment: Annotated[str, typer.Option(help="FINESS: each that had it, or n° AMC of a seat")] = "",
    group: Annotated[str, typer.Option(help="label of a group: as one, and each of its establishments")] = "",
    everybody: Annotated[
        bool, typer.Option("--all", help="every establishment that was hit; no other was")
    ] = False,
    json_file: JsonFile = "",
    dsn: Dsn = "",
    home: Folder = Path("var"),
) -> None:
    """*Were we hit?* One establishment's, or one group's, own exact answer, or those of all that were hit: counts only."""
    with said_plainly(), reading(dsn, home) as c, one_snapshot(c):
        if bool(establishment) + bool(group) + everybody != 1:
            raise BadInput("give --establishment, --group or --all")
        found = read_scope(c, report.read_question(read_file(question)))
        whole: Hit | None = None
        if establishment:
            houses = hit_establishment(c, found, establishment)
            # Of a FINESS that was sold each has an answer of its own, and they have none together.
            whole = houses[0].hit if len(houses) == 1 else None
        elif group:
            whole, houses = hit_group(c, found, group)
        else:
            houses = touched(c, found)
        content = (report.hit_as_json(whole) if whole else {}) | {
            "asked": establishment or group,
            "establishments": {house.place.called: report.hit_as_json(house.hit) for house in houses},
        }
        if json_file:
            write_json(json_file, content)
        if json_file != STDOUT:
            _print_hit(whole, [(house.place.called, house.hit) for house in houses], establishment)


@app.command("verify-proofs")
def verify_proofs(
    file: Annotated[Path, typer.Argument(help="what `scope --proofs` wrote")],
    key: Annotated[
        str, typer.Option("--key", help="the log's verifier key, or a file of it, got from elsewhere")
    ],
    witness: Witnesses = None,
) -> None:
    """Check every line of a file of proofs, offline: opening, leaf, path, signatures."""
    with said_plainly():
        log_key, witnesses = read_key(key), [WitnessKey.parse(text) for text in witness or ()]
        verified = 0
        for number, line in enumerate(read_file(file).splitlines(), start=1):
            try:
                shown = msgspec.json.decode(line, type=Shown)
            except msgspec.MsgspecError:
                raise BadInput(f"line {number} is no proof") from None
            verify_shown(shown, log_key, witnesses)
            verified = number
        console.print(
            f"{verified:,} answers: each opening is what its leaf commits to, each leaf is under its signed root."
        )


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def question_of(
    c: Connection,
    since: str,
    until: str,
    accounts: Sequence[str] | None,
    devices: Sequence[str] | None,
    establishments: Sequence[str] | None,
    groups: Sequence[str] | None,
    editors: Sequence[str] | None,
    lanes: Sequence[str] | None,
    insurers: Sequence[str] | None,
) -> Question:
    """The question that options put. Raises BadInput, NoSuchParty."""
    if not since:
        raise BadInput("give --since, or --question")
    named = Named(
        accounts or (), devices or (), establishments or (), groups or (), editors or (), lanes or (), insurers or ()
    )  # fmt: skip
    end = report.read_instant(until) if until else system_clock()
    return asked_of(c, report.read_instant(since), end, named)


def configured_witnesses(home: Path) -> list[WitnessKey]:
    """The witnesses that the platform's own settings name, where this is the platform's machine."""
    place = Home.at(home).config_file("vault")
    if not place.is_file():
        return []
    return [each.key for each in read_witnesses(load_settings(VaultSettings, place).witnesses)]


def _find(c: Connection, question: Question, key: VerifierKey, witnesses: Sequence[WitnessKey]) -> _Found:
    began = time.perf_counter()
    with one_snapshot(c):
        found = read_scope(c, question)
        published = read_published(c, key, witnesses)
        shown, unproved = list[Shown](), None
        try:
            indexes = (told.index for person in found.exposed for told in person.answers)
            shown = prove_answers(c, published, indexes)
        except LedgerBroken as error:
            unproved = error
        seconds = time.perf_counter() - began
        return _Found(found, insurer_numbers(c), published, shown, seconds, unproved)


def _negative(
    c: Connection, found: _Found, *, counted: bool, whole: bool, key: bytes, quiet: bool
) -> tuple[Negative | None, RempartError | None]:
    """The statement, or why there is none: the list is printed and written all the same."""
    if found.unproved is not None:
        return None, found.unproved
    depth = Depth.COUNTED if counted else Depth.RECOMPUTED
    bar = Progress(
        TextColumn("reading entries"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True),
        transient=True, disable=quiet,
    )  # fmt: skip
    with bar:
        task = bar.add_task("")
        try:
            return state_negative(
                c, found.scope, found.published, depth, whole=whole, operations_key=key,
                progress=lambda done, all_: bar.update(task, completed=done, total=all_),
            ), None  # fmt: skip
        except RempartError as error:
            return None, error


def _operations_key(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise BadInput("--operations-key is not base64") from None


@contextmanager
def reading(dsn: str, home: Path) -> Iterator[Connection]:
    try:
        with psycopg.connect(operator_dsn(dsn, home), autocommit=True) as c:
            yield c
    except psycopg.Error as error:
        raise LedgerUnreadable(f"the database does not answer: {type(error).__name__}") from error


@contextmanager
def said_plainly() -> Iterator[None]:
    try:
        yield
    except RempartError as error:
        print(f"{error.french}\n{error.english} {error.detail} [{error.code}]", file=sys.stderr)
        raise typer.Exit(1) from error


# ── telling ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _everything(
    found: _Found, professionals: ProfessionalsSeen, negative: Negative | None, refused: RempartError | None
) -> dict[str, Any]:
    return report.scope_as_json(found.scope, found.insurers) | {
        "seconds": round(found.seconds, 3),
        "proved": len(found.shown),
        "cautions": report.cautions_of(found.scope, system_clock()),
        "negative": report.negative_as_json(negative) if negative else None,
        "negative_refused": None if refused is None else {"code": refused.code, "detail": refused.detail},
        "professionals": report.professionals_as_json(professionals),
    }


def _print_scope(found: _Found) -> None:
    scope = found.scope
    counts = report.counts_of(scope)
    answers = sum(len(person.answers) for person in scope.exposed)
    console.print(
        f"[bold]{len(scope.exposed):,} persons exposed[/bold], by {answers:,} answers; {scope.absences:,} more answers told of nobody."
        f" Found and proved in {found.seconds:.2f} s."
    )
    console.print(
        f"From {in_paris(scope.question.since, exact=True)} to {in_paris(scope.question.until, exact=True)} (not included), Paris's time."
    )
    table = Table("n° AMC", "insurer", "persons", "answers", "first", "last")
    groups: dict[int, list[Any]] = {}
    for person in scope.exposed:
        groups.setdefault(person.insurer, []).append(person)
    for number, persons in groups.items():
        amc, name = found.insurers.get(number, (str(number), ""))
        times = [told.at for person in persons for told in person.answers]
        first, last = (in_paris(at, exact=True) for at in (min(times), max(times)))
        table.add_row(
            escape(amc), escape(name), f"{len(persons):,}", f"{len(times):,}", first, last
        )  # fmt: skip
    if groups:
        console.print(table)
    for what in ("lane", "domain"):
        if counts[what]:
            console.print(
                f"By {what}: " + ", ".join(f"{name} {n:,}" for name, n in counts[what].most_common())
            )
    if answers:
        console.print(
            f"Asked by {len(counts['account']):,} accounts, on {len(counts['device']):,} devices,"
            f" for {len(counts['establishment']):,} establishments."
        )
    for kind in sorted({told.answer_class for person in scope.exposed for told in person.answers}):
        console.print(
            f"An answer of class {kind} said at most: {', '.join(ANSWER_CLASSES[kind])}; for one domain and one date."
        )
    for line in report.cautions_of(scope, system_clock()):
        console.print(f"[bold]Careful.[/bold] {line}", soft_wrap=True)
    missing = answers - len(found.shown)
    if found.unproved is not None:
        console.print(
            "[bold]Of these answers at least one CANNOT be proved: the database was changed.[/bold]"
        )
    elif missing:
        console.print(
            f"{missing:,} of these answers are not signed yet: their proofs come within two seconds."
        )


def _print_negative(negative: Negative | None) -> None:
    if negative is None:
        console.print(
            "\n[bold]That nobody else is concerned CANNOT be said.[/bold] The reason follows at the end."
        )
        return
    console.print("\n[bold]Nobody else[/bold]")
    for line in report.statement_of(negative):
        console.print(line, soft_wrap=True, markup=False)
    console.print("This says so much, assuming that:")
    for line in report.assumptions_of(negative):
        console.print(f"- {line}", soft_wrap=True, markup=False)


def _print_professionals(seen: ProfessionalsSeen) -> None:
    console.print(
        f"\n[bold]Professionals' own data[/bold], apart from the above: at most {seen.people:,} people of {len(seen.seen):,}"
        f" establishments, through {len(seen.accounts):,} accounts.",
        soft_wrap=True,
    )
    kinds = sorted({kind for each in seen.seen for kind in each.kinds})
    for kind in kinds:
        houses = sum(kind in each.kinds for each in seen.seen)
        console.print(f"- {SENTENCES[kind][1]}: {houses:,} establishments", soft_wrap=True, markup=False)
    console.print(f"Never shown to anybody: {NEVER_SHOWN}.", soft_wrap=True, markup=False)
    for line in BASIS:
        console.print(f"- {line}", soft_wrap=True, markup=False)


def _print_hit(whole: Hit | None, houses: list[tuple[str, Hit]], sold: str) -> None:
    if whole:
        sentences = list(report.hit_sentences(whole))
    elif sold:
        sentences = [f"{name}: {said}" for name, hit in houses for said in report.hit_sentences(hit)]
    else:
        sentences = [f"{len(houses):,} establishments were hit; no other was."]
    for sentence in sentences:
        console.print(escape(sentence), soft_wrap=True)
    table = Table(
        "establishment",
        "answers made here",
        "persons",
        "by its accounts elsewhere",
        "its persons exposed",
        "of them by others",
    )
    for number, hit in houses:
        table.add_row(
            escape(number),
            *(f"{n:,}" for n in (hit.answers, hit.persons, hit.elsewhere, hit.served, hit.served_by_others)),
        )
    console.print(table)
    console.print(
        "Persons are one for each insurer. Entries are kept three years. The question is the file's, edges included."
    )


def write_json(where: str, content: dict[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    if where == STDOUT:
        sys.stdout.write(text)
    else:
        _write_private(Path(where), text.encode())


def _write_private(place: Path, data: bytes) -> None:
    """Pseudonyms and sealed references: for whoever may read them. Raises BadInput."""
    try:
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
    except OSError as error:
        raise BadInput(f"{place} cannot be written: {error.strerror}") from error
