"""The operator's commands: make insurers, establishments and professionals known, issue codes, suspend, contain, read the journal.

They speak to the vault over the operator's socket; the vault journals every one of them before it is done.
"""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import psycopg
import typer
from rich.markup import escape
from rich.table import Table

from rempart.cli.output import wide_console
from rempart.cli.refusals import sentence_for
from rempart.foundation.clock import SECOND, in_paris
from rempart.foundation.errors import BadInput, RempartError
from rempart.foundation.identifiers import check_adeli, check_rpps
from rempart.foundation.settings import FrontSettings, load_settings
from rempart.foundation.vocabulary import Profession, Role
from rempart.identity.naming import check_name
from rempart.identity.referencing import enrol_establishment, enrol_insurers_seat, enrol_professional
from rempart.supervisor.home import Home
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.codes import CODES
from rempart.vaultdoor.messages import (
    AnswersReleased,
    Call,
    Done,
    Editors,
    EnrolEstablishment,
    EnrolGroup,
    EnrolInsurersSeat,
    Enrolled,
    EnrolProfessional,
    Insurers,
    IssueCode,
    IssueSoftwareCode,
    Journal,
    JournalLines,
    ListEditors,
    ListInsurers,
    Onboarded,
    PackagesReleased,
    Proposed,
    PublishAnswers,
    Refused,
    RegisterEditor,
    RegisterInsurer,
    Reply,
    SendPackages,
    SetVitale,
    SuspendAccount,
    SuspendEditor,
)
from rempart.vaultdoor.party_keys import point_in, raw_key

app = typer.Typer(no_args_is_help=True, help="The operator's acts on parties and switches.")
Folder = Annotated[Path, typer.Option("--folder", help="the platform's folder")]
VAR = Path("var")
R = TypeVar("R", bound=Reply)
console = wide_console()


class VaultRefused(RempartError):
    """The vault answered no."""

    code = "refused"
    french = "La commande est refusée."
    english = "The command is refused."

    def __init__(self, refused: Refused, call: Call) -> None:
        self.refused = refused.code
        known = CODES.get(refused.code)
        said = sentence_for(refused, call) or (known.english if known else "")
        super().__init__(f"{refused.code}: {said} {refused.detail} {refused.reference}".strip())


class SecondPersonNeeded(RempartError):
    """A command is nobody's name, and this takes two people: it was not done, and waits at the desk for both (docs/desk.md)."""

    code = "second-person"
    french = "Ce n'est pas fait : deux personnes de l'exploitation doivent approuver, à la salle de crise."
    english = "Not done: two people at the desk have to approve it."


# Their names are written by the command, once the vault has what two people approved.
_AGAIN = dict.fromkeys(
    (EnrolEstablishment, EnrolGroup, EnrolInsurersSeat, EnrolProfessional),
    " Once it is approved, type the same command again, within a day.",
) | dict.fromkeys(
    (SendPackages, PublishAnswers),
    " Once it is approved the desk does it; the same command, typed again within the hour, does what is left.",
)
_CHANGED = "What was approved is not what would be said now: nothing went. "


def ask(folder: Path, call: Call, expected: type[R]) -> R:
    """One call on the operator's socket. Raises VaultRefused, SecondPersonNeeded or Outage."""
    reply = _require_done(call, ask_any(folder, call))
    if not isinstance(reply, expected):
        raise TypeError(f"the vault answered {type(reply).__name__}")
    return reply


def who_released(folder: Path, call: SendPackages | PublishAnswers) -> str:
    """Those who approved exactly this at the desk; "" where nobody there has to. Raises VaultRefused, SecondPersonNeeded or Outage."""
    reply = _require_done(call, ask_any(folder, call))
    return reply.by if isinstance(reply, PackagesReleased | AnswersReleased) else ""


def _require_done(call: Call, reply: Reply) -> Reply:
    if isinstance(reply, Proposed):
        said = f"Proposal {reply.id} waits for thirty minutes.{_AGAIN.get(type(call), '')}"
        raise SecondPersonNeeded(f"{_CHANGED if reply.changed else ''}{said}")
    return reply


def ask_any(folder: Path, call: Call, *, seconds: float = 10.0) -> Reply:
    """The same, where there are several answers. `seconds`: how long the answer is waited for. Raises VaultRefused or Outage."""

    async def once() -> Reply:
        client = VaultClient(Home.at(folder).run / "operator.sock", timeout=seconds)
        try:
            return await client.call(call)
        finally:
            await client.close()

    reply = asyncio.run(once())
    if isinstance(reply, Refused):
        raise VaultRefused(reply, call)
    return reply


def add_establishment(
    folder: Path, finess: str, name: str, town: str, profession: Profession, group: str = ""
) -> str:
    """Make an establishment known to the vault, then name it. Answers its id. Bad input is refused before anything is written."""
    for words in (name, town):
        check_name(words)
    enrolled = ask(folder, EnrolEstablishment(finess, profession, group), Enrolled)
    _name(
        folder,
        lambda c: enrol_establishment(
            c, establishment=enrolled.id, finess=finess, name=name, town=town, profession=profession
        ),
    )
    return enrolled.id


def add_insurers_seat(folder: Path, amc: str, name: str, town: str) -> str:
    """Make an insurer's seat known to the vault, then name it. Answers its id. Bad input is refused before anything is written."""
    for words in (name, town):
        check_name(words)
    enrolled = ask(folder, EnrolEstablishment("", Profession.INSURER, amc=amc), Enrolled)
    _name(folder, lambda c: enrol_insurers_seat(c, establishment=enrolled.id, amc=amc, name=name, town=town))
    return enrolled.id


def add_professional(
    folder: Path, login: str, role: Role, establishment: str, name: str, rpps: str = "", adeli: str = ""
) -> Enrolled:
    """Give a person a seat in the vault, then name them. Answers the account's id and the one-time code. Bad input is refused before."""
    check_name(name)
    if rpps:
        check_rpps(rpps)
    if adeli:
        check_adeli(adeli)
    enrolled = ask(folder, EnrolProfessional(login, role, establishment), Enrolled)
    _name(
        folder,
        lambda c: enrol_professional(
            c, account=enrolled.id, establishment=establishment, name=name, rpps=rpps, adeli=adeli
        ),
    )
    return enrolled


def _hand_over(folder: Path, login: str, enrolled: Enrolled) -> None:
    """Print what to hand over, each on one line, to be copied.

    A new login: the portal's page with the one-time code in its fragment, which no server sees.
    A known one: the code, and where to type it.
    """
    origin = load_settings(FrontSettings, Home.at(folder).config_file("front")).origin
    if not enrolled.joins:
        console.print(f"{origin}/activation#{enrolled.code}", soft_wrap=True, highlight=False)
        return
    console.print(
        f"{login} has an account already, and nothing new until its holder joins: hand this code to the person, who signs in and types it"
        f" at {origin}/etablissement, under « Rejoindre un établissement ».",
        soft_wrap=True,
        highlight=False,
    )
    console.print(enrolled.code, soft_wrap=True, highlight=False)


def _point(path: Path) -> bytes:
    """The uncompressed point of a PEM public key. Raises BadInput."""
    try:
        return point_in(path.read_bytes())
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error


def _name(folder: Path, write: Callable[[psycopg.Connection], object]) -> None:
    with psycopg.connect(Home.at(folder).operator_dsn.read_text().strip()) as connection:
        write(connection)


@app.command("register-insurer")
def register_insurer(
    amc: str,
    name: str,
    signing_key: Annotated[str, typer.Option(help="its Ed25519 public key, as `insurer new-keys` prints it")],
    notice_key: Annotated[str, typer.Option(help="its X25519 public key, likewise")],
    folder: Folder = VAR,
) -> None:
    """Make an insurer known. Its public keys arrive by contract, on paper or in person."""
    keys = raw_key(signing_key, "signing-key"), raw_key(notice_key, "notice-key")
    ask(folder, RegisterInsurer(amc, name, *keys), Enrolled)
    console.print(f"{name} ({amc}) is known.")


@app.command()
def insurers(folder: Folder = VAR) -> None:
    """The insurers known, with their keys, to be held against the contract."""
    table = Table("n° AMC", "insurer", "people", "vitale lane", "signing key", "notice key")
    for each in ask(folder, ListInsurers(), Insurers).insurers:
        lane = "open" if each.vitale_open else "closed"
        table.add_row(each.amc, each.name, f"{each.persons:,}", lane, each.signing_key, each.notice_key)
    console.print(table)


@app.command("enrol-establishment")
def enrol_establishment_command(
    finess: str, name: str, town: str, profession: Profession, group: str = "", folder: Folder = VAR
) -> None:
    """Make an establishment known; prints its id."""
    console.print(add_establishment(folder, finess, name, town, profession, group))


@app.command("enrol-insurer-seat")
def enrol_insurer_seat(
    amc: str,
    seat: Annotated[str, typer.Argument(help="how the seat is called, e.g. « Mutuelle des Loutres »")],
    town: str,
    login: str,
    name: Annotated[str, typer.Argument(help="its first person: invites and removes the others")],
    folder: Folder = VAR,
) -> None:
    """The seat of a known insurer and its first person.

    Prints the seat's id, then the person's one-time activation link, or the code by which a known account joins.
    """
    for words in (seat, town, name):
        check_name(words)
    done = ask(folder, EnrolInsurersSeat(amc, login), Onboarded)
    _name(folder, lambda c: enrol_insurers_seat(c, done.establishment, amc, seat, town))
    _name(folder, lambda c: enrol_professional(c, done.account, done.establishment, name))
    console.print(done.establishment)
    _hand_over(folder, login, Enrolled(done.account, done.code, done.joins))


@app.command("enrol-group")
def enrol_group(label: str, folder: Folder = VAR) -> None:
    """Make a group of establishments known (a laboratory chain); prints its id."""
    console.print(ask(folder, EnrolGroup(label), Enrolled).id)


@app.command("enrol-professional")
def enrol_professional_command(
    login: str,
    role: Role,
    establishment: str,
    name: str,
    rpps: str = "",
    adeli: str = "",
    folder: Folder = VAR,
) -> None:
    """Print a new account's one-time activation link, or the code by which a known one joins.

    Hand it over in person or by post, never by e-mail.
    """
    _hand_over(folder, login, add_professional(folder, login, role, establishment, name, rpps, adeli))


@app.command("enrol-administrator")
def enrol_administrator(login: str, group: str, folder: Folder = VAR) -> None:
    """The seat of a group's administrator: prints a new account's one-time activation link, or the code by which a known one joins."""
    _hand_over(
        folder, login, ask(folder, EnrolProfessional(login, Role.ADMINISTRATOR, group=group), Enrolled)
    )


@app.command("issue-code")
def issue_code(login: str, purpose: Literal["activation", "device"], folder: Folder = VAR) -> None:
    """A new posted code: `device` binds one new device; `activation` starts afresh after the loss of all factors, and voids them."""
    issued = ask(folder, IssueCode(login, purpose), Enrolled)
    if purpose == "activation":
        _hand_over(folder, login, issued)
    else:
        console.print(issued.code)


@app.command()
def suspend(login: str, folder: Folder = VAR) -> None:
    """Suspend an account: its sessions fall at once."""
    ask(folder, SuspendAccount(login, True), Done)
    console.print(f"{login} is suspended.")


@app.command()
def reinstate(login: str, folder: Folder = VAR) -> None:
    """Undo `suspend`."""
    ask(folder, SuspendAccount(login, False), Done)
    console.print(f"{login} may sign in again.")


@app.command("register-editor")
def register_editor(
    name: str,
    public_key: Annotated[
        Path, typer.Argument(help="its P-256 public key in PEM, as `rempart-client new-key` prints it")
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="in place of the key known, which is void at once")
    ] = False,
    folder: Folder = VAR,
) -> None:
    """Make an editor of practice software known. Its public key arrives by contract."""
    ask(folder, RegisterEditor(name, _point(public_key), replace), Enrolled)
    console.print(f"{name} is known.")


@app.command("suspend-editor")
def suspend_editor(name: str, folder: Folder = VAR) -> None:
    """Suspend an editor: its software is told nothing any more, at once, wherever it is installed."""
    ask(folder, SuspendEditor(name, True), Done)
    console.print(f"{name} is suspended.")


@app.command("reinstate-editor")
def reinstate_editor(name: str, folder: Folder = VAR) -> None:
    """Undo `suspend-editor`."""
    ask(folder, SuspendEditor(name, False), Done)
    console.print(f"{name}'s software may ask again.")


@app.command()
def editors(folder: Folder = VAR) -> None:
    """The editors known, and where their software is installed."""
    table = Table("editor", "state", "establishments", "installations", "key")
    for each in ask(folder, ListEditors(), Editors).editors:
        table.add_row(each.name, each.status, str(each.establishments), str(each.devices), each.keyid)
    console.print(table)


@app.command("software-code")
def software_code(
    editor: str,
    establishment: Annotated[str, typer.Argument(help="its id, as `enrol-establishment` printed it")],
    folder: Folder = VAR,
) -> None:
    """Print the code that installs an editor's software in an establishment; its titulaire can make one too."""
    console.print(ask(folder, IssueSoftwareCode(editor, establishment), Enrolled).code)


@app.command("vitale-lane")
def vitale_lane(
    amc: str,
    state: Annotated[
        Literal["open", "closed"], typer.Argument(help="closed: no look-up by the NIR any more")
    ],
    reason: str,
    folder: Folder = VAR,
) -> None:
    """Open or close an insurer's *vitale* lane, as it asked. Closed, a look-up by the NIR finds nobody."""
    ask(folder, SetVitale(amc, state == "open", reason), Done)
    console.print(f"The vitale lane of {amc} is {state}.")


@app.command()
def journal(
    limit: int = 30,
    as_lines: Annotated[
        bool, typer.Option("--json", help="as the vault says it: a JSON object a line, times in UTC")
    ] = False,
    folder: Folder = VAR,
) -> None:
    """The acts of operators and of the accounts' holders on the vault, newest first."""
    lines, table = ask(folder, Journal(limit), JournalLines).lines, Table()
    if as_lines:
        print("\n".join(lines))
        return
    for name in ("when (Paris)", "who", "act", "on what", "more"):
        # Never cut: at night a journal is read in a narrow window.
        table.add_column(name, overflow="fold")
    for line in map(json.loads, lines):
        at = in_paris(round(datetime.fromisoformat(line["at"]).timestamp() * SECOND))
        table.add_row(
            *(escape(str(each)) for each in (at, line["actor"], line["act"], line["object"], line["detail"]))
        )
    console.print(table)
