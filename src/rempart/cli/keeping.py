"""`rempart evidence operations|prune`: the key store's count against the ledger; what goes when its retention is over."""

import base64
import getpass
import itertools
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import psycopg
import typer

from rempart.cli.evidence import Dsn, Folder, app, operator_dsn, read_file, said_plainly, say
from rempart.evidence import sealing, store
from rempart.evidence.errors import LedgerUnreadable
from rempart.evidence.operations import ASSUMPTIONS, OperationsBroken, Statement, check_chain
from rempart.evidence.pruning import RETENTION, plan, prune
from rempart.foundation.clock import PARIS, SECOND, instant, system_clock
from rempart.foundation.errors import BadInput
from rempart.supervisor.home import Home


@app.command()
def operations(
    dsn: Dsn = "",
    home: Folder = Path("var"),
    key: Annotated[
        str,
        typer.Option(
            "--key", help="The public key of the count, base64, noted when the vault first started."
        ),
    ] = "",
    file: Annotated[
        Path | None,
        typer.Option("--file", help="The count's file. Default: beside the running platform's keys."),
    ] = None,
) -> None:
    """Hold the key store's own count of its operations against the ledger; say on which assumptions."""
    with said_plainly(), store.reading(operator_dsn(dsn, home)) as connection:
        place = file or Home.at(home).keys / "store.json.operations"
        with connection.transaction():
            row = connection.execute("SELECT size FROM evidence.log WHERE id = 1").fetchone()
            assert row is not None
            lines = _same(read_file(place).splitlines(), _of_table(connection))
            public = _public_key(key, lines)
            statement = check_chain(lines, public, size=int(row[0]))
        _tell(statement, int(row[0]))
        sealed = _sealing(connection, place.with_suffix(".sealing"), public)
        _tell_sealing(sealed)
        print("This says so much, assuming that:")
        for assumption in ASSUMPTIONS:
            print(f"- {assumption}")
        if not key:
            print(
                "The key was read from the count itself: compare it with the one noted when it began, or give --key."
            )
    if statement.faults or sealed.faults:
        raise typer.Exit(1)


def _sealing(connection: "psycopg.Connection[Any]", place: Path, public: bytes) -> sealing.Statement:
    # The sealer works meanwhile. What is loaded was counted before, so it is read first; whose files there are, last.
    loaded = dict(
        connection.execute(
            "SELECT id, capsules FROM intake.delivery WHERE kind IN ('full', 'delta') AND state IN ('loaded', 'waiting')"
        ).fetchall()
    )
    lines = read_file(place).splitlines() if place.exists() else []
    known = connection.execute("SELECT id FROM intake.delivery").fetchall()
    return sealing.check_sealing(lines, public, {row[0].hex: loaded.get(row[0], 0) for row in known})


def _of_table(connection: "psycopg.Connection[Any]") -> list[bytes]:
    rows = connection.execute("SELECT line FROM evidence.operations ORDER BY sequence").fetchall()
    return [str(row[0]).encode() for row in rows]


def _same(of_file: list[bytes], of_table: list[bytes]) -> list[bytes]:
    # A running vault writes the file first: it may be one line ahead.
    lines = list(itertools.islice(of_file, len(of_table)))
    if lines != of_table or len(of_file) > len(of_table) + 1:
        raise OperationsBroken("the file beside the key store and the table are not the same")
    return lines


def _public_key(key: str, lines: list[bytes]) -> bytes:
    try:
        text = key or str(msgspec.json.decode(lines[0])["record"]["key"])
        return base64.b64decode(text, validate=True)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise BadInput("no public key") from error


def _tell(statement: Statement, size: int) -> None:
    last = statement.last
    say(
        "count",
        f"{statement.records} records, the last at {instant(last.at).isoformat(timespec='seconds')}, key {last.key}",
    )
    for purpose, made in last.counts.items():
        say("", f"{purpose}: {made} operations")
    say(
        "checks",
        f"{last.asked} rights checks derived a key: {last.answered} answered, {last.refused} refused, {last.failed} failed",
    )
    say(
        "leaves",
        f"{last.leaves} while the vault counted; {last.unseen} when no vault did; {size} in the ledger now",
    )
    for fault in statement.faults:
        say("ALARM", fault)
    if not statement.faults:
        say(
            "agreed",
            "every capsule derivation belongs to a rights check, every answer has its leaf, no leaf is without an answer",
        )


def _tell_sealing(statement: sealing.Statement) -> None:
    say(
        "sealer",
        f"{statement.records} records, {statement.sealed} capsules sealed, {statement.probed} cards looked for",
    )
    for purpose, made in statement.operations.items():
        say("", f"{purpose}: {made} operations")
    for fault in statement.faults:
        say("ALARM", fault)
    if not statement.faults:
        say(
            "agreed",
            "every capsule derivation of the sealer is a delivered line's capsule or a card asked for, every delivery is counted",
        )


@app.command(name="prune")
def prune_command(
    dsn: Dsn = "",
    home: Folder = Path("var"),
    before: Annotated[
        datetime | None,
        typer.Option(
            "--before",
            formats=["%Y-%m-%d"],
            help="A day in Paris. Default: three years ago, the latest there may be.",
        ),
    ] = None,
    do: Annotated[
        bool, typer.Option("--do", help="Remove; without it, only say what would be removed.")
    ] = False,
) -> None:
    """Remove the openings of answers older than three years. Leaves, checkpoints and proofs stay. Dry run unless told otherwise."""
    with said_plainly():
        now = system_clock()
        cutoff = int(before.replace(tzinfo=PARIS).timestamp()) * SECOND if before else now - RETENTION
        try:
            with psycopg.connect(operator_dsn(dsn, home), autocommit=True) as connection:
                done = (
                    prune(connection, cutoff, now, getpass.getuser()) if do else plan(connection, cutoff, now)
                )
        except psycopg.OperationalError as error:
            raise LedgerUnreadable(f"the database does not answer: {type(error).__name__}") from error
        say("cutoff", instant(cutoff).isoformat(timespec="seconds"))
        say("removed" if do else "would go", f"{done.entries} entries, all below index {done.horizon}")
        if not do:
            print(
                "Nothing was removed: say --do. First keep an export, and have the insurers acknowledge their openings."
            )
