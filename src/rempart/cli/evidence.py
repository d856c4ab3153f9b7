"""`rempart evidence`: publish the ledger, check it offline, prove one answer.

No command here shows who asked or about whom.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from rempart.cli import release
from rempart.evidence import store, tiles
from rempart.evidence.audit import audit_ledger
from rempart.evidence.cosignature import Cosignature, WitnessKey, read_cosignatures
from rempart.evidence.errors import LedgerBroken, LedgerUnreadable, NoteRefused
from rempart.evidence.merkle import Frontier
from rempart.evidence.mirror import over_http, update_mirror
from rempart.evidence.note import Checkpoint, VerifierKey, open_checkpoint, to_base64
from rempart.evidence.opening import ANSWER_CLASSES
from rempart.evidence.proof import open_proof
from rempart.foundation.clock import SECOND, instant
from rempart.foundation.errors import RempartError
from rempart.foundation.vocabulary import DOMAIN_BY_CODE, Lane
from rempart.supervisor.home import Home

BATCH = 10_000

app = typer.Typer(
    name="evidence", help="The ledger: publish it, check it offline, prove one answer.", no_args_is_help=True
)

Published = Annotated[Path, typer.Argument(help="The published folder (C2SP tlog-tiles).")]
Dsn = Annotated[
    str,
    typer.Option(
        "--dsn",
        envvar="REMPART_OPERATOR_DSN",
        help="Database, as the operator's role. Default: the running platform's.",
    ),
]
Folder = Annotated[Path, typer.Option("--folder", help="Folder of the running platform.")]
Key = Annotated[
    str,
    typer.Option(
        "--key", help="The log's verifier key (name+id+base64), or a file that holds it, got from elsewhere."
    ),
]


Witnesses = Annotated[
    list[str] | None,
    typer.Option("--witness", help="A witness's vkey, got from the witness: it must have cosigned."),
]


@app.command()
def export(published: Published, dsn: Dsn = "", home: Folder = Path("var"), key: Key = "") -> None:
    """Publish every leaf up to the latest checkpoint.

    Run again, it adds what is new and refuses another history.
    """
    with said_plainly(), store.reading(operator_dsn(dsn, home)) as connection:
        started = time.perf_counter()
        log_key = read_key(key) if key else ask_key(home)
        note = store.latest_checkpoint(connection)
        export = tiles.export_tiles(
            published, store.stream_commitments(connection, batch=BATCH), note, log_key
        )
        _print_checkpoint(export.checkpoint)
        say("files", f"{export.written} written, {export.kept} already there")
        say("time", f"{time.perf_counter() - started:.2f} s")


@app.command()
def verify(
    published: Published,
    key: Key = "",
    since: Annotated[
        Path | None,
        typer.Option("--since", help="An older checkpoint file that you kept: the log may only have grown."),
    ] = None,
    witness: Witnesses = None,
) -> None:
    """Recompute every hash of a published folder, offline, and compare with the signed root."""
    with said_plainly():
        started = time.perf_counter()
        log_key = read_key(key) if key else tiles.read_verifier_key(published)
        older = open_checkpoint(read_file(since), log_key) if since is not None else None
        verified = tiles.verify_folder(published, log_key, since=older)
        _print_checkpoint(verified.checkpoint)
        say("signed", f"by {log_key.name}, key {log_key.key_id.hex()}")
        witnesses = [WitnessKey.parse(text) for text in witness or ()]
        _require_all(witnesses, read_cosignatures(read_file(published / tiles.CHECKPOINT), witnesses))
        if older is not None:
            say("grown", f"from {older.size} leaves, none rewritten")
        say("verified", f"every hash of {verified.checkpoint.size} leaves, {verified.tiles} tiles")
        say("time", f"{time.perf_counter() - started:.2f} s")
        if not key:
            print(
                "The key was read from the folder itself: compare it with the one published elsewhere, or give --key."
            )


@app.command()
def audit(
    dsn: Dsn = "",
    home: Folder = Path("var"),
    key: Key = "",
    state: Annotated[
        Path | None,
        typer.Option(
            "--state", help="File with the frontier of the former audit: go on from it, then replace it."
        ),
    ] = None,
) -> None:
    """Check the database's ledger against itself: no gap, no rewritten leaf or entry, every signed root."""
    with said_plainly(), store.reading(operator_dsn(dsn, home)) as connection:
        started = time.perf_counter()
        log_key = read_key(key) if key else ask_key(home)
        since = Frontier.restore(read_file(state)) if state is not None and state.exists() else None
        report = audit_ledger(connection, batch=BATCH, since=since, key=log_key)
        if state is not None:
            _replace_file(state, report.frontier.serialise())
        say("size", f"{report.size} leaves, {report.signed_size} signed")
        say("root", to_base64(report.root))
        say(
            "audited",
            f"{report.leaves} leaves, {report.openings} entries, {report.checkpoints} checkpoints"
            + (f"; {report.pruned} entries pruned" if report.pruned else ""),
        )
        say("time", f"{time.perf_counter() - started:.2f} s")


@app.command()
def prove(published: Published, index: int, key: Key = "") -> None:
    """Print the proof of one leaf (C2SP tlog-proof), verified before it is printed."""
    with said_plainly():
        log_key = read_key(key) if key else tiles.read_verifier_key(published)
        sys.stdout.write(tiles.prove_leaf(published, index, log_key).decode())


@app.command()
def mirror(
    address: Annotated[str, typer.Argument(metavar="URL", help="The log's address, e.g. https://…/ledger.")],
    folder: Annotated[Path, typer.Argument(help="The copy: made, or brought up to date.")],
    key: Annotated[
        str,
        typer.Option("--key", help="The log's verifier key, or a file that holds it, got from elsewhere."),
    ],
) -> None:
    """Copy the public log, or what is new of it. Refuses another history, or less than before, and keeps the proof."""
    with said_plainly():
        started = time.perf_counter()
        brought = update_mirror(folder, read_key(key), over_http(address))
        _print_checkpoint(brought.checkpoint)
        former = f"continues the {brought.former.size} copied before" if brought.former else "a first copy"
        say("copied", f"{brought.added} leaves, {brought.fetched} files; {former}")
        say("time", f"{time.perf_counter() - started:.2f} s")


@app.command(name="verify-proof")
def verify_proof(
    file: Annotated[Path, typer.Argument(help="A tlog-proof file.")],
    key: Annotated[str, typer.Option("--key", help="The log's verifier key, or a file that holds it.")],
    witness: Witnesses = None,
) -> None:
    """Check a proof file that stands alone; with witnesses, that each of them cosigned its checkpoint."""
    with said_plainly():
        witnesses = [WitnessKey.parse(text) for text in witness or ()]
        proved = open_proof(read_file(file), read_key(key), witnesses)
        _require_all(witnesses, proved.cosignatures)
        _print_checkpoint(proved.checkpoint)
        say("leaf", f"{proved.index}, commitment {proved.commitment.hex()}")


@app.command()
def show(index: int, dsn: Dsn = "", home: Folder = Path("var")) -> None:
    """Show one entry as committed: when, which class of answer. Neither who asked nor about whom."""
    with said_plainly(), store.reading(operator_dsn(dsn, home)) as connection:
        entry = store.read_entry(connection, index)
        opening = entry.opening
        say("leaf", f"{entry.index}, commitment {entry.commitment.hex()}")
        say("at", instant(opening.at).isoformat(timespec="milliseconds"))
        say("lane", Lane(opening.lane).name.lower())
        say("domain", DOMAIN_BY_CODE[opening.domain])
        say("outcome", opening.outcome.name.lower())
        say("class", f"{opening.answer_class}: at most {', '.join(ANSWER_CLASSES[opening.answer_class])}")
        say("cost", f"{opening.cost} units")


app.command(name="release-key")(release.make_key)
app.command(name="release-request")(release.request)
app.command(name="release-sign")(release.sign)
app.command(name="release")(release.release)


@contextmanager
def said_plainly() -> Iterator[None]:
    # Whatever is off ends the command with a sentence and exit code 1.
    try:
        yield
    except LedgerBroken as error:
        where = "" if error.index is None else f" First leaf concerned: {error.index}."
        print(f"{error.english} {error.detail}.{where} [{error.code}]", file=sys.stderr)
        raise typer.Exit(1) from error
    except RempartError as error:
        print(f"{error.english} {error.detail}. [{error.code}]", file=sys.stderr)
        raise typer.Exit(1) from error


def _print_checkpoint(checkpoint: Checkpoint) -> None:
    say("ledger", checkpoint.origin)
    say("size", f"{checkpoint.size} leaves")
    say("root", to_base64(checkpoint.root))


def say(what: str, value: str) -> None:
    print(f"{what:<9} {value}")


def _require_all(witnesses: list[WitnessKey], cosignatures: tuple[Cosignature, ...]) -> None:
    found = {each.witness.public: each for each in cosignatures}
    for each in witnesses:
        if each.public not in found:
            raise NoteRefused(f"{each.name} did not cosign")
        when = instant(found[each.public].second * SECOND).isoformat(timespec="seconds")
        say("cosigned", f"by {each.name}, {when}")


def read_key(text: str) -> VerifierKey:
    place = Path(text)
    return VerifierKey.parse(read_file(place).decode("utf-8", "replace").strip() if place.is_file() else text)


def ask_key(home: Path) -> VerifierKey:
    """The running vault says with which key it signs."""
    from rempart.vaultdoor.client import VaultClient
    from rempart.vaultdoor.messages import Checkpoint as AskCheckpoint
    from rempart.vaultdoor.messages import SignedCheckpoint

    async def ask() -> object:
        client = VaultClient(Home.at(home).run / "operator.sock")
        try:
            return await client.call(AskCheckpoint())
        finally:
            await client.close()

    reply = asyncio.run(ask())
    if not isinstance(reply, SignedCheckpoint):
        raise LedgerUnreadable("the vault did not say with which key it signs: give --key")
    return VerifierKey.parse(reply.verifier_key)


def operator_dsn(dsn: str, home: Path) -> str:
    return dsn or read_file(Home.at(home).operator_dsn).decode().strip()


def read_file(place: Path) -> bytes:
    try:
        return place.read_bytes()
    except OSError as error:
        raise LedgerUnreadable(f"{place} cannot be read: {error.strerror}") from error


def _replace_file(place: Path, data: bytes) -> None:
    staged = place.with_name(f".{place.name}.part")
    try:
        staged.write_bytes(data)
        staged.replace(place)
    except OSError as error:
        raise LedgerUnreadable(f"{place} cannot be written: {error.strerror}") from error
