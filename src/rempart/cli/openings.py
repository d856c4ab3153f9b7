"""`rempart insurer openings-verify|consultations`: what an insurer checks of the ledger, and asks of it, on its own machine."""

import csv
import hashlib
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rempart.cli.insurer import read_notice_key
from rempart.cli.intake import SigningKey, console, read_signing_key
from rempart.cli.intake import insurer as app
from rempart.evidence.note import VerifierKey
from rempart.evidence.opening_file import OpeningsReader, Told
from rempart.evidence.tiles import read_leaves, verify_folder
from rempart.foundation.clock import instant, system_clock
from rempart.foundation.errors import BadInput, Outage, RempartError
from rempart.foundation.vocabulary import DOMAIN_BY_CODE, Lane
from rempart.intake.notice import UnreadableReference, open_reference, unwrap_load_key
from rempart.vaultdoor.insurer import WHO_CONSULTED, sign_as_insurer

COLUMNS = (
    "index", "at", "member", "establishment", "account", "device", "editor", "lane", "domain", "outcome", "class", "cost", "subject",
)  # fmt: skip


@app.command("openings-verify")
def openings_verify(
    file: Annotated[Path, typer.Argument(help="The day's openings, as downloaded (.ndjson).")],
    key: Annotated[Path, typer.Option("--key", help="The insurer's notice.key.")],
    mirror: Annotated[Path, typer.Option("--mirror", help="The insurer's own copy of the ledger.")],
    log_key: Annotated[
        str,
        typer.Option(
            "--log-key", help="The ledger's verifier key, or a file that holds it, got from elsewhere."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--csv", help="Write every opening, read, into this file.")
    ] = None,
) -> None:
    """Check a day's openings against one's own copy of the ledger; print the digest to acknowledge them by."""
    try:
        _verify(file, read_notice_key(key), mirror, read_log_key(log_key), output)
    except RempartError as error:
        print(f"{error.french}\n{error.english} {error.detail} [{error.code}]", file=sys.stderr)
        raise typer.Exit(1) from error


@app.command("consultations")
def consultations(
    member: Annotated[
        str, typer.Argument(help="The insurer's own reference of the member; - reads it from standard input.")
    ],
    key: SigningKey,
    origin: Annotated[str, typer.Option(help="The platform's address.")],
) -> None:
    """Ask who consulted a member; print the AuditEvents (FHIR), one JSON object a line, newest first."""
    page = ""
    member = sys.stdin.readline().strip() if member == "-" else member
    try:
        while True:
            bundle = _ask(member, page, read_signing_key(key), origin)
            for entry in bundle.get("entry", ()):
                print(json.dumps(entry["resource"], ensure_ascii=False))
            following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
            if not following:
                return
            page = dict(parse_qsl(urlsplit(following[0]).query))["page"]
    except RempartError as error:
        print(f"{error.french}\n{error.english} {error.detail} [{error.code}]", file=sys.stderr)
        raise typer.Exit(1) from error


def _ask(member: str, page: str, key: Ed25519PrivateKey, origin: str) -> dict[str, Any]:
    # The reference is in the body, never in an address.
    body = urlencode({"patient:identifier": member} | ({"page": page} if page else {})).encode()
    headers = sign_as_insurer(WHO_CONSULTED, origin, body, key, system_clock())
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        answer = httpx.post(origin + WHO_CONSULTED, content=body, headers=headers | form, timeout=30)
    except httpx.HTTPError as error:
        raise Outage(type(error).__name__) from error
    if answer.status_code != 200:
        raise Outage(f"the platform answered {answer.status_code}: {answer.headers.get('Rempart-Code', '')}")
    content: dict[str, Any] = answer.json()
    return content


def _verify(file: Path, notice_key: bytes, mirror: Path, log_key: VerifierKey, output: Path | None) -> None:
    size = verify_folder(mirror, log_key).checkpoint.size
    reader = OpeningsReader(notice_key, log_key, lambda first, until: read_leaves(mirror, until, first), size)
    told = absent = 0
    with ExitStack() as stack:
        try:
            lines = stack.enter_context(file.open("rb"))
        except OSError as error:
            raise BadInput(f"{file}: {error.strerror}") from error
        writer = None
        if output is not None:
            writer = csv.DictWriter(stack.enter_context(output.open("w", newline="")), COLUMNS)
            writer.writeheader()
        members = _Members(reader)
        for leaf in reader.read(lines):
            told, absent = (told + 1, absent) if leaf.opening.subject else (told, absent + 1)
            member = members.of(leaf)
            if writer is not None:
                writer.writerow(_row(leaf, member))
        lines.seek(0)
        digest = hashlib.file_digest(lines, "sha256").hexdigest()
    header = reader.header
    assert header is not None
    console.print(
        f"[bold]{header.amc}[/bold]  {header.day}  leaves {header.first} to {header.until - 1}"
        if header.until
        else header.day
    )
    console.print(
        f"{told:,} answers that told of a member, {absent:,} absences; each opening is the one that the ledger commits to."
    )
    console.print(f"sha256 {digest}", soft_wrap=True)


class _Members:
    """The insurer's own references, opened with the keys of their loads."""

    def __init__(self, reader: OpeningsReader) -> None:
        self._reader = reader
        self._keys: dict[int, bytes] = {}

    def of(self, leaf: Told) -> str:
        """ "" when the entry has none. Raises UnreadableReference."""
        if not leaf.notice_ref:
            return ""
        assert self._reader.header is not None
        amc, load = self._reader.header.amc, int.from_bytes(leaf.notice_ref[:4], "big")
        if load not in self._keys:
            if load not in self._reader.load_keys:
                raise UnreadableReference(f"no key for load {load}")
            self._keys[load] = unwrap_load_key(self._reader.load_keys[load], self._reader.private_key, amc)
        return open_reference(leaf.notice_ref, self._keys[load], amc)


def _row(leaf: Told, member: str) -> dict[str, Any]:
    o = leaf.opening
    return {
        "index": leaf.index, "at": instant(o.at).isoformat(timespec="milliseconds"), "member": member,
        "establishment": o.establishment, "account": o.account, "device": o.device, "editor": o.editor or "",
        "lane": Lane(o.lane).name.lower(), "domain": DOMAIN_BY_CODE[o.domain], "outcome": o.outcome.name.lower(),
        "class": o.answer_class, "cost": o.cost, "subject": o.subject or "",
    }  # fmt: skip


def read_log_key(text: str) -> VerifierKey:
    """A verifier key, or the file that holds it. Raises BadInput, NoteMalformed."""
    place = Path(text)
    try:
        return VerifierKey.parse(place.read_text().strip() if place.is_file() else text)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{place}: no verifier key") from error
