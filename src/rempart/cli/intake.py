"""`rempart intake`: lay insurers' files down for the sealer, follow them, approve. `rempart insurer`: the insurer's own side."""

import base64
import getpass
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast
from uuid import UUID

import httpx
import psycopg
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from rempart.cli.output import wide_console
from rempart.foundation.clock import in_paris, system_clock
from rempart.foundation.errors import BadInput, Outage, Refusal, RempartError
from rempart.intake.envelope import MAGIC, seal_file
from rempart.intake.errors import sentence_of
from rempart.intake.model import Kind
from rempart.intake.rejects import sentence
from rempart.intake.upload import sign_upload
from rempart.supervisor.depositing import intake_recipient, lay_down
from rempart.supervisor.home import Home

app = typer.Typer(no_args_is_help=True, help="Insurers' files: lay them down, follow them, approve.")
insurer = typer.Typer(no_args_is_help=True, help="The insurer's own side: keys, envelopes, uploads.")
console = wide_console()

MANIFEST_SUFFIX = ".manifest.json"
_DONE = {"loaded", "refused", "waiting"}
Folder = Annotated[Path, typer.Option("--folder", help="The platform's folder.")]
VAR = Path("var")


class NoSuchDelivery(BadInput):
    code = "no-such-delivery"
    french = "Aucune livraison, ou plusieurs, ne commence ainsi."
    english = "No delivery, or several, begins like this."


class NoManifest(BadInput):
    code = "no-manifest"
    french = "Un fichier en clair a besoin de son manifeste, nommé comme lui avec .manifest.json en plus."
    english = "A plain file needs its manifest, named after it with .manifest.json added."


class SamePerson(Refusal):
    code = "same-person"
    french = "Celui qui a déposé le fichier ne peut pas l'approuver."
    english = "Whoever laid the file down cannot approve it."


class TakesTooLong(Outage):
    code = "sealer-silent"
    french = "Le scellement ne répond pas : la plate-forme tourne-t-elle ?"
    english = "The sealer does not answer: is the platform running?"


@dataclass(frozen=True)
class Taken:
    """What became of a delivery."""

    delivery: str
    amc: str
    kind: str
    sequence: int
    filename: str
    state: str
    code: str
    detail: str
    lines: int
    lines_done: int
    persons: int
    rejected: int
    leaving: int
    received: int


_SELECT = (
    "SELECT replace(id::text, '-', ''), amc, coalesce(kind, ''), coalesce(sequence, 0), filename, state, code, detail, lines, lines_done,"
    " persons, rejected, leaving, received FROM intake.delivery "
)


def deposit(spool: Path, file: Path, sender: str, now: int) -> str:
    """Lay a file down for the sealer: bytes first, then the note whose arrival is the delivery. Returns the delivery's number.

    A file that is no envelope is plain: its manifest goes along, and the sealer takes it in a demonstration only. Raises NoManifest.
    """
    manifest = ""
    with file.open("rb") as source:
        plain = source.read(len(MAGIC)) != MAGIC
    if plain:
        beside = file.with_name(file.name + MANIFEST_SUFFIX)
        if not beside.exists():
            raise NoManifest(beside.name)
        manifest = beside.read_text()
    return lay_down(spool, file, sender, now, manifest)


def follow(
    connection: "psycopg.Connection[Any]",
    deliveries: Sequence[str],
    show: Callable[[dict[str, Taken]], object] = lambda _: None,
    silence: float = 60.0,
) -> dict[str, Taken]:
    """Wait until each delivery is loaded, refused or waiting. `show` is called with what is known whenever something moved.

    Raises TakesTooLong when nothing moves for `silence` seconds.
    """
    moved, last = time.monotonic(), dict[str, Taken]()
    while True:
        rows = connection.execute(
            _SELECT + "WHERE id = ANY (%s)",
            ([UUID(one) for one in deliveries],),
        )
        found = {row[0]: Taken(*row) for row in rows}
        if found != last:
            moved, last = time.monotonic(), found
            show(found)
        if len(found) == len(deliveries) and all(one.state in _DONE for one in found.values()):
            return found
        if time.monotonic() - moved > silence:
            raise TakesTooLong
        time.sleep(0.05)


@app.command()
def load(
    files: Annotated[
        list[Path], typer.Argument(help="Envelopes; in a demonstration also plain files with their manifest.")
    ],
    folder: Folder = VAR,
    sender: Annotated[str, typer.Option(help="Who lays the files down.")] = "",
) -> None:
    """Take files in, in the order given (products first), and show what became of each."""
    with _said_plainly(), operator_connection(folder) as connection, _bar() as progress:
        spool, who = Home.at(folder).spool, sender or getpass.getuser()
        deliveries = {deposit(spool, file, who, system_clock()): file.name for file in files}
        bars = {delivery: progress.add_task(name, total=1) for delivery, name in deliveries.items()}
        done = follow(connection, list(deliveries), lambda found: _advance(progress, bars, found))
    for delivery in deliveries:
        _tell(connection_rejects(folder, delivery), done[delivery])
    if any(one.state == "refused" for one in done.values()):
        raise typer.Exit(1)


@app.command()
def status(
    delivery: Annotated[str, typer.Argument(help="A delivery's number, or how it begins.")] = "",
    folder: Folder = VAR,
    many: Annotated[int, typer.Option(help="How many, newest first.")] = 30,
) -> None:
    """The latest deliveries, or one with its rejects."""
    with _said_plainly(), operator_connection(folder) as connection:
        if delivery:
            one = _find(connection, delivery)
            _tell(connection_rejects(folder, one.delivery), one)
            return
        rows = connection.execute(_SELECT + "ORDER BY received DESC, number DESC LIMIT %s", (many,))
        table = Table(
            "delivery",
            "insurer",
            "file",
            Column("state", no_wrap=True),
            "lines",
            "persons",
            "rejected",
            "leaving",
            "received (UTC)",
        )
        for one in (Taken(*row) for row in rows):
            table.add_row(
                one.delivery[:12], one.amc, f"{one.kind} {one.sequence or ''}", _state(one), f"{one.lines_done:,}/{one.lines:,}",
                f"{one.persons:,}", f"{one.rejected:,}", f"{one.leaving:,}", in_paris(one.received),
            )  # fmt: skip
        console.print(table)


@app.command()
def approve(
    delivery: Annotated[str, typer.Argument(help="A waiting delivery's number, or how it begins.")],
    by: Annotated[str, typer.Option("--by", help="Who approves; not who laid the file down.")] = "",
    folder: Folder = VAR,
) -> None:
    """As a second person, accept a full file that removes more than 5 % of the people."""
    with _said_plainly(), operator_connection(folder) as connection:
        one = _find(connection, delivery)
        if one.state != "waiting":
            raise NoSuchDelivery("not waiting")
        who = by or getpass.getuser()
        row = connection.execute(
            "SELECT sender FROM intake.delivery WHERE id = %s", (UUID(one.delivery),)
        ).fetchone()
        if row is None or row[0] == who:
            raise SamePerson
        connection.execute(
            "INSERT INTO intake.approval (delivery, approver, at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (UUID(one.delivery), who, system_clock()),
        )
        deadline = time.monotonic() + 60
        while (one := _find(connection, one.delivery)).state == "waiting":
            if time.monotonic() > deadline:
                raise TakesTooLong
            time.sleep(0.05)
        _tell([], one)


@app.command()
def recipient(folder: Folder = VAR) -> None:
    """Print the intake key's recipient (age1…): what insurers encrypt to."""
    with _said_plainly():
        console.print(intake_recipient(Home.at(folder)))


@insurer.command("new-keys")
def new_keys(
    folder: Annotated[Path, typer.Argument(help="Where signing.key and notice.key are written (0600).")],
) -> None:
    """Make an insurer's two keys; print the public halves, which the operator registers."""
    folder.mkdir(parents=True, exist_ok=True)
    signing, notice = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
    for name, private in (("signing", signing.private_bytes_raw()), ("notice", notice.private_bytes_raw())):
        with _new(folder / f"{name}.key") as file:
            file.write(base64.b64encode(private) + b"\n")
    console.print(f"signing {base64.b64encode(signing.public_key().public_bytes_raw()).decode()}")
    console.print(f"notice  {base64.b64encode(notice.public_key().public_bytes_raw()).decode()}")


SigningKey = Annotated[Path, typer.Option("--key", help="The insurer's signing.key.")]


@insurer.command("seal-file")
def seal_file_command(
    file: Annotated[Path, typer.Argument(help="The CSV: plain, .gz or .zst.")],
    amc: Annotated[str, typer.Option(help="The insurer's n° AMC.")],
    kind: Annotated[Kind, typer.Option(help="What it holds.")],
    sequence: Annotated[int, typer.Option(help="1, 2, 3… over members' files; 1 for products and cards.")],
    key: SigningKey,
    recipient: Annotated[str, typer.Option(help="The platform's intake key (age1…).")],
    output: Annotated[Path | None, typer.Option(help="Default: the file's name with .rempart added.")] = None,
) -> None:
    """Sign and encrypt a file: the only form in which a platform takes it."""
    with _said_plainly():
        target = output or file.with_name(file.name + ".rempart")
        manifest = seal_file(
            file, target, amc, kind, sequence, read_signing_key(key), recipient, system_clock()
        )
        console.print(f"{target}: {manifest.lines:,} lines, {target.stat().st_size:,} bytes")


@insurer.command()
def send(
    file: Annotated[Path, typer.Argument(help="An envelope made by seal-file.")],
    amc: Annotated[str, typer.Option(help="The insurer's n° AMC.")],
    key: SigningKey,
    origin: Annotated[str, typer.Option(help="The platform's address.")],
) -> None:
    """Upload an envelope with a signed request; print the delivery's number."""
    with _said_plainly(), file.open("rb") as body:
        target = f"/intake/{amc}/{file.name}"
        digest = hashlib.file_digest(body, "sha256").digest()
        signed = sign_upload(target, origin, digest, read_signing_key(key), system_clock())
        body.seek(0)
        headers = {
            "Content-Digest": signed.content_digest,
            "Signature-Input": signed.signature_input,
            "Signature": signed.signature,
            "Content-Length": str(file.stat().st_size),
            "Content-Type": "application/octet-stream",
        }
        answer = httpx.put(origin + target, content=body, headers=headers, timeout=120)
        console.print_json(answer.text)
        if answer.status_code != 202:
            raise typer.Exit(1)


@contextmanager
def operator_connection(folder: Path) -> Iterator["psycopg.Connection[Any]"]:
    """The operator's connection to the running platform's database."""
    place = Home.at(folder).operator_dsn
    try:
        dsn = place.read_text().strip()
    except OSError:
        raise TakesTooLong(str(place)) from None
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def connection_rejects(folder: Path, delivery: str, many: int = 20) -> list[tuple[int, str, str]]:
    """The first rejects of a delivery: line, field, code."""
    with operator_connection(folder) as connection:
        rows = connection.execute(
            "SELECT line, field, code FROM intake.reject WHERE delivery = %s ORDER BY line, field LIMIT %s",
            (UUID(delivery), many),
        )
        return cast("list[tuple[int, str, str]]", rows.fetchall())


def _find(connection: "psycopg.Connection[Any]", begins: str) -> Taken:
    rows = connection.execute(
        _SELECT + "WHERE starts_with(replace(id::text, '-', ''), %s) LIMIT 2",
        (begins,),
    ).fetchall()
    if len(rows) != 1:
        raise NoSuchDelivery
    return Taken(*rows[0])


def _tell(rejects: list[tuple[int, str, str]], one: Taken) -> None:
    console.print(f"[bold]{one.filename or one.delivery}[/bold] {_state(one)}  (delivery {one.delivery})")
    if one.code:
        console.print(
            f"  {sentence_of(one.code, french=True)} {one.detail}\n  {sentence_of(one.code, french=False)}"
        )
    if one.state != "refused":
        console.print(
            f"  {one.lines:,} lines, {one.persons:,} persons, {one.rejected:,} rejected, {one.leaving:,} leaving"
        )
    for line, field, code in rejects:
        console.print(
            f"  line {line}, {field or '–'}: {code}. {sentence(code, french=True)} / {sentence(code, french=False)}"
        )
    if one.rejected > len(rejects) > 0:
        console.print(f"  … and {one.rejected - len(rejects):,} more rejected lines")


def _state(one: Taken) -> str:
    colour = {"loaded": "green", "refused": "red", "waiting": "yellow"}.get(one.state, "cyan")
    return f"[{colour}]{one.state}[/{colour}]" + (f" ({one.code})" if one.code else "")


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}/{task.total:,.0f} lines"), TimeElapsedColumn(),
        console=console,
    )  # fmt: skip


def _advance(progress: Progress, bars: dict[str, TaskID], found: dict[str, Taken]) -> None:
    for delivery, one in found.items():
        total = max(one.lines, 1)
        progress.update(
            bars[delivery], total=total, completed=total if one.state in _DONE else one.lines_done
        )


@contextmanager
def _said_plainly() -> Iterator[None]:
    # Whatever is off ends the command with a sentence and exit code 1.
    try:
        yield
    except RempartError as error:
        print(f"{error.english} {error.detail} [{error.code}]", file=sys.stderr)
        raise typer.Exit(1) from error


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """The insurer's signing key, from its file. Raises BadInput."""
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(path.read_bytes(), validate=False))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: no signing key") from error


@contextmanager
def _new(path: Path) -> Iterator[Any]:
    """A new file, of the owner only, on disk when this ends."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
