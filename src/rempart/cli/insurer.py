"""`rempart insurer flow` and `cards-open`: the insurer opens what is its own, on its own machine, with its own key."""

import base64
import csv
import hashlib
import json
import sys
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
import typer
from rich.table import Table

from rempart.claims.flow_file import Call, Cancellation
from rempart.claims.flow_reader import FlowReader, Opened
from rempart.claims.messages import Shares
from rempart.cli.intake import console
from rempart.cli.intake import insurer as app
from rempart.foundation.errors import BadInput, Outage, RempartError
from rempart.intake.package import open_package

_AMOUNTS = Shares.__struct_fields__
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
COLUMNS = (
    "kind", "invoice", "member", "engagement", "domain", "care_date", *_AMOUNTS, "establishment", "number", "prise_en_charge", "acts",
    "reference", "due_on",
)  # fmt: skip


@app.command("flow")
def flow(
    file: Annotated[Path, typer.Argument(help="The daily flow, as downloaded (.ndjson).")],
    key: Annotated[Path, typer.Option("--key", help="The insurer's notice.key.")],
    output: Annotated[
        Path | None, typer.Option("--csv", help="Write every line, opened, into this file.")
    ] = None,
) -> None:
    """Open a daily flow: who, what, how much; check every sum; print the digest to acknowledge it by."""
    try:
        _read(file, read_notice_key(key), output)
    except RempartError as error:
        print(f"{error.french}\n{error.english} {error.detail} [{error.code}]", file=sys.stderr)
        raise typer.Exit(1) from error


@app.command("cards-open")
def cards_open(
    file: Annotated[Path, typer.Argument(help="A package of cards, as handed over (.cards).")],
    key: Annotated[Path, typer.Option("--key", help="The insurer's notice.key.")],
    platform: Annotated[
        str,
        typer.Option(
            "--platform",
            help="The platform's address, whose published key must have signed; or a file with its jwks.json.",
        ),
    ],
    output: Annotated[Path | None, typer.Option(help="Default: the file's name with .zip added.")] = None,
) -> None:
    """Verify that the platform made a package of cards, then decrypt it into a ZIP: one PDF a card, named by its line in the request,
    and the list of whose each is.
    """
    target = output or file.with_name(file.name + ".zip")
    try:
        if target.exists():
            raise BadInput(f"{target} is there already")
        try:
            head = open_package(file, target, read_notice_key(key), published_keys(platform))
        except OSError as error:
            raise BadInput(f"{file}: {error.strerror}") from error
    except RempartError as error:
        print(f"{error.french}\n{error.english} {error.detail} [{error.code}]", file=sys.stderr)
        raise typer.Exit(1) from error
    with zipfile.ZipFile(target) as archive:
        cards = len(archive.namelist()) - 1
    console.print(f"{target}: {cards:,} cards of {head.amc}", soft_wrap=True)
    console.print(f"Signed by the platform, for the request {head.delivery}.", soft_wrap=True)


def _read(file: Path, key: bytes, output: Path | None) -> None:
    reader = FlowReader(key)
    with ExitStack() as stack:
        try:
            lines = stack.enter_context(file.open("rb"))
        except OSError as error:
            raise BadInput(f"{file}: {error.strerror}") from error
        writer = None
        if output is not None:
            writer = csv.DictWriter(stack.enter_context(output.open("w", newline="")), COLUMNS, restval="")
            writer.writeheader()
        for line in reader.read(lines):
            if writer is not None:
                writer.writerow(_row(line))
        lines.seek(0)
        _show(reader, hashlib.file_digest(lines, "sha256").hexdigest())


def _row(line: Opened | Cancellation | Call) -> dict[str, Any]:
    """One line as the spreadsheet has it; cents."""
    if isinstance(line, Call):
        return {"kind": "funds", "amc": line.cents, "reference": line.reference, "due_on": line.due_on}
    said = line if isinstance(line, Cancellation) else line.line
    row = {
        "kind": "cancellation", "invoice": said.invoice, "engagement": said.engagement, "domain": said.domain,
        **{name: getattr(said.amounts, name) for name in _AMOUNTS},
    }  # fmt: skip
    if isinstance(line, Opened):
        acts = line.acts
        row |= {
            "kind": "acceptance", "member": line.member, "care_date": line.line.care_date, "establishment": acts.establishment,
            "number": acts.number, "prise_en_charge": acts.prise_en_charge, "acts": " ".join(act.nature for act in acts.lines),
        }  # fmt: skip
    return row


def _show(reader: FlowReader, digest: str) -> None:
    header = reader.header
    assert header is not None
    console.print(f"[bold]{header.amc}[/bold]  {header.day}")
    table = Table("", "lines", "total", "AMO", "AMC", "patient")
    for what, lines, sums in (
        ("accepted", header.acceptances, header.accepted),
        ("cancelled", header.cancellations, header.cancelled),
    ):
        table.add_row(
            what, f"{lines:,}", *(_euros(n) for n in (sums.total, sums.amo, sums.amc, sums.patient))
        )
    table.add_row("funds called", f"{header.calls:,}", "", "", _euros(header.called), "")
    console.print(table)
    console.print("Every line opened; counts and sums are those of the header.")
    console.print(f"sha256 {digest}", soft_wrap=True)


def _euros(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def published_keys(platform: str) -> dict[str, Any]:
    """The platform's JWKS: from its address, or from a file. Raises BadInput, Outage."""
    return fetch_public(platform, "jwks.json")


def fetch_public(platform: str, name: str) -> dict[str, Any]:
    """What the platform publishes under that name: from its address, over HTTPS unless it is this machine's, or from a file.

    Raises BadInput, Outage.
    """
    parts = urlsplit(platform)
    try:
        if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE):
            answer = httpx.get(f"{parts.scheme}://{parts.netloc}/.well-known/{name}", timeout=30)
            keys = answer.raise_for_status().json()
        else:
            keys = json.loads(Path(platform).read_bytes())
    except httpx.HTTPError as error:
        raise Outage(type(error).__name__) from error
    except (OSError, ValueError) as error:
        raise BadInput(f"{platform}: no published keys") from error
    if not isinstance(keys, dict) or not isinstance(keys.get("keys"), list):
        raise BadInput(f"{platform}: no published keys")
    return keys


def read_notice_key(path: Path) -> bytes:
    """The insurer's private notice key, from its file. Raises BadInput."""
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: no notice key") from error
    if len(key) != 32:
        raise BadInput(f"{path}: no notice key")
    return key
