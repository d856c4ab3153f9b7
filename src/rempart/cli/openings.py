"""`rempart insurer openings-verify`: the insurer checks, at home, that what it was handed of a day is what the ledger commits to."""

import csv
import hashlib
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from rempart.cli.insurer import read_notice_key
from rempart.cli.intake import console
from rempart.cli.intake import insurer as app
from rempart.evidence.note import VerifierKey
from rempart.evidence.opening_file import OpeningsReader, Told
from rempart.evidence.tiles import read_leaves, verify_folder
from rempart.foundation.clock import instant
from rempart.foundation.errors import BadInput, RempartError
from rempart.foundation.vocabulary import DOMAIN_BY_CODE, Lane
from rempart.intake.notice import UnreadableReference, open_reference, unwrap_load_key

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
        _verify(file, read_notice_key(key), mirror, _read_log_key(log_key), output)
    except RempartError as error:
        print(f"{error.french}\n{error.english} {error.detail} [{error.code}]", file=sys.stderr)
        raise typer.Exit(1) from error


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


def _read_log_key(text: str) -> VerifierKey:
    place = Path(text)
    try:
        return VerifierKey.parse(place.read_text().strip() if place.is_file() else text)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{place}: no verifier key") from error
