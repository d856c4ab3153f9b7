"""`rempart onboarding`: an application is checked, approved by two people, enrolled once; its code goes by post (docs/onboarding.md)."""

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO
from uuid import UUID

import psycopg
import typer
from rich.table import Table

from rempart.claims.application_letters import Sender, acceptance, refusal
from rempart.cli.operator import VAR, Folder, ask, console
from rempart.foundation.clock import PARIS, SECOND, paris_date, system_clock
from rempart.foundation.errors import BadInput, Refusal
from rempart.foundation.settings import FrontSettings, load_settings
from rempart.identity import store_dossiers
from rempart.identity.application import Application, digest_of, read_application
from rempart.identity.checks import COMES_LATER, SENTENCES, Doubt, doubts_of
from rempart.identity.referencing import enter_holder, enter_place, known_of_paper
from rempart.identity.refusing import Ground
from rempart.supervisor.home import Home
from rempart.vaultdoor.messages import (
    ApproveApplication,
    ClearDossiers,
    Done,
    EnrolApplication,
    Onboarded,
    RefuseApplication,
)

app = typer.Typer(no_args_is_help=True, help="Référencement: check, approve by two, enrol, post.")
File = Annotated[Path, typer.Argument(help="the application, in JSON (docs/onboarding.md)")]
MOMENT = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]
AT_ONCE = 200
"""Dossiers that the vault clears by one call."""


class NotLookedAt(Refusal):
    """A doubt that nobody says they looked at."""

    code = "doubts"
    french = "Rien n'est proposé : regardez d'abord ce que les vérifications ont trouvé."
    english = "Nothing is proposed: look first at what the checks found."


@app.command()
def check(file: File, folder: Folder = VAR) -> None:
    """What to look at before it is proposed, and the digest by which two people mean the same application. Changes nothing."""
    application = _read(file)
    _print(_doubts(folder, application))
    console.print(digest_of(application), soft_wrap=True, highlight=False)


@app.command()
def dossiers(
    all_: Annotated[bool, typer.Option("--all", help="those that were decided too")] = False,
    folder: Folder = VAR,
) -> None:
    """What came by the public page, the oldest first: only what is clear. To read one takes the desk and the vault."""
    with psycopg.connect(Home.at(folder).operator_dsn.read_text().strip()) as connection:
        found = store_dossiers.listed(connection, undecided=not all_)
    table = Table("received", "FINESS", "SIRET", "profession", "state", "documents", "dossier")
    for each in found:
        documents = ", ".join(
            f"{document.about} ({document.size // 1024 + 1} KiB)" for document in each.documents
        )
        table.add_row(
            f"{paris_date(each.received)}", each.finess, each.siret, each.profession, each.state, documents, str(each.id)
        )  # fmt: skip
    console.print(table if found else "No dossier waits." if not all_ else "No dossier.")


@app.command()
def clear(
    since: Annotated[datetime | None, typer.Option(formats=MOMENT, help="received from this moment on, Paris")] = None,
    until: Annotated[datetime | None, typer.Option(formats=MOMENT, help="received before this moment")] = None,
    finess: Annotated[str, typer.Option(help="of this FINESS only")] = "",
    profession: Annotated[str, typer.Option(help="of this profession only")] = "",
    go: Annotated[bool, typer.Option("--go", help="do it; without, it is only counted")] = False,
    folder: Folder = VAR,
) -> None:  # fmt: skip
    """Clear made-up dossiers that nobody proposed: decided unread, erased at once. They have to be said by something."""
    if not (since or until or finess or profession):
        raise BadInput("say which: --since, --until, --finess or --profession")
    start, end = _moment(since) if since else 0, _moment(until) if until else system_clock()
    with psycopg.connect(Home.at(folder).operator_dsn.read_text().strip(), autocommit=True) as connection:
        found = store_dossiers.clearable(connection, start, end, finess, profession)
        if not go:
            console.print(f"{len(found)} would be cleared. Nothing is done yet: --go.")
            return
        gone = 0
        for several in _several(found):
            # The vault's journal has each before it is erased.
            ask(folder, ClearDossiers([str(each) for each in several]), Done)
            gone += store_dossiers.clear(connection, several, system_clock())
    console.print(f"{gone} cleared.")


@app.command()
def propose(
    file: File,
    seen: Annotated[
        list[str] | None, typer.Option("--seen", help="a doubt you looked into, once for each")
    ] = None,
    folder: Folder = VAR,
) -> None:
    """Propose it: somebody else approves at the desk, comparing the digest. Every doubt has to be looked into first."""
    application = _read(file)
    doubts = _doubts(folder, application)
    left = [each for each in doubts if each not in (seen or [])]
    if left:
        _print(left)
        raise NotLookedAt(" ".join(left))
    call = ApproveApplication(
        digest_of(application),
        application.finess,
        application.profession,
        application.login,
        [str(each) for each in doubts],
    )
    ask(folder, call, Done)
    console.print("Approved.")


@app.command()
def enrol(
    file: File,
    letter: Annotated[
        Path,
        typer.Option(
            help="the PDF to be posted: a new file, which only you may read; the code is nowhere else"
        ),
    ],
    operator: Annotated[str, typer.Option(help="who signs the letter")] = "Rempart",
    folder: Folder = VAR,
) -> None:
    """Enrol what was approved, and write the letter with the one-time code, which is not shown.

    Refused where somebody else applied or was enrolled meanwhile, and nobody looked at that: check and propose it again.
    """
    application = _read(file)
    page = load_settings(FrontSettings, Home.at(folder).config_file("front")).origin
    # Opened first: a code that cannot be written down is not issued.
    with _new_file(letter) as paper:
        try:
            done = _enrol(folder, application)
        except BaseException:
            letter.unlink()
            raise
        paper.write(
            acceptance(application, Sender(operator, page), done.code, system_clock(), joins=done.joins)
        )
    console.print(
        f"{application.finess} is referenced. Post {letter}, then destroy the file.", soft_wrap=True
    )


@app.command()
def refuse(
    file: File,
    ground: Annotated[Ground, typer.Option(help="why, from the closed list")],
    letter: Annotated[Path, typer.Option(help="the PDF to be posted: a new file, which only you may read")],
    words: Annotated[str, typer.Option(help="a sentence of your own, beside it")] = "",
    operator: Annotated[str, typer.Option(help="who signs the letter")] = "Rempart",
    folder: Folder = VAR,
) -> None:
    """Refuse it, and write the letter that says why. An approval that it had is void."""
    application = _read(file)
    told = refusal(application, Sender(operator, ""), ground, words, system_clock())
    with _new_file(letter) as paper:
        try:
            call = RefuseApplication(
                digest_of(application), application.finess, application.profession, application.login, ground
            )
            ask(folder, call, Done)
        except BaseException:
            letter.unlink()
            raise
        paper.write(told)
    console.print(f"{application.finess} is refused: {ground}. Post {letter}.", soft_wrap=True)


def _read(file: Path) -> Application:
    try:
        return read_application(file.read_bytes())
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}") from error


def _doubts(folder: Path, application: Application) -> list[Doubt]:
    with psycopg.connect(Home.at(folder).operator_dsn.read_text().strip()) as connection:
        known = known_of_paper(connection, application)
    return doubts_of(application, known, paris_date(system_clock()))


def _enrol(folder: Path, application: Application) -> Onboarded:
    later = [str(each) for each in _doubts(folder, application) if each in COMES_LATER]
    call = EnrolApplication(
        digest_of(application), application.finess, application.profession, application.login, doubts=later
    )
    done = ask(folder, call, Onboarded)
    with psycopg.connect(Home.at(folder).operator_dsn.read_text().strip()) as connection:
        enter_place(connection, done.establishment, application, system_clock())
        enter_holder(connection, done.account, done.establishment, application)
    return done


def _several(found: list[UUID]) -> list[list[UUID]]:
    return [found[start : start + AT_ONCE] for start in range(0, len(found), AT_ONCE)]


def _moment(moment: datetime) -> int:
    """As Paris's clock says it."""
    return int(moment.replace(tzinfo=PARIS).timestamp()) * SECOND


def _new_file(path: Path) -> BinaryIO:
    """Never over another one, and nobody else's to read. Raises BadInput."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error


def _print(doubts: list[Doubt]) -> None:
    table = Table("to look at", "")
    for each in doubts:
        table.add_row(each, "\n".join(SENTENCES[each]))
    console.print(table if doubts else "Nothing to look at.")
