"""Migrations: plain SQL files, in order, once each.

Rules. A file is `NNNN_name.sql`. Files run in the order of their numbers, each in one transaction of the owner's, under one advisory lock
for all runners of this database, with a limit on how long a lock may be waited for and how long a statement may last. The SHA-256 of each
file is recorded with it: a file that changed after it ran, that vanished, or that sorts before one that ran, is refused.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from rempart.database.errors import MigrationFailed, MigrationRefused
from rempart.database.roles import OWNER
from rempart.foundation.clock import Clock

FOLDER = Path(__file__).parent / "migrations"
TURN_TIMEOUT = "15min"
LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "10min"
_NAME = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
_TRANSACTION = re.compile(r"^\s*(COMMIT|ROLLBACK|BEGIN)\s*(;|TRANSACTION|WORK)", re.IGNORECASE | re.MULTILINE)
_LOCK = 0x4D494752


@dataclass(frozen=True)
class Migration:
    """One file, read."""

    name: str
    text: str
    sha256: str


def read_migrations(folder: Path = FOLDER) -> list[Migration]:
    """All files in order. Raises `MigrationRefused` on a name that is none or a number used twice."""
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        if _NAME.fullmatch(path.name) is None:
            raise MigrationRefused(f"{path.name}: not NNNN_name.sql")
        if found and found[-1].name[:4] == path.name[:4]:
            raise MigrationRefused(f"{path.name}: number {path.name[:4]} is taken")
        raw = path.read_bytes()
        if _TRANSACTION.search(raw.decode()):
            raise MigrationRefused(
                f"{path.name}: the runner begins and ends the transaction, the file must not"
            )
        found.append(Migration(path.name, raw.decode(), hashlib.sha256(raw).hexdigest()))
    return found


def migrate(dsn: str, clock: Clock, folder: Path = FOLDER) -> list[str]:
    """Run what has not run yet; the names of what ran. `dsn`: a role that may act as the owner.

    Raises `MigrationRefused` before anything is done, `MigrationFailed` with the file and PostgreSQL's words; files before it stay.
    """
    files = read_migrations(folder)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"SET ROLE {OWNER}")
        _take_turn(connection)
        connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        _prepare_record(connection)
        pending = _pending(connection, files)
        for migration in pending:
            _run(connection, migration, clock)
    return [migration.name for migration in pending]


def pending_migrations(dsn: str, folder: Path = FOLDER) -> list[str]:
    """The names of the files that have not run. Writes nothing."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"SET ROLE {OWNER}")
        if connection.execute("SELECT to_regclass('migration.applied')").fetchone() == (None,):
            return [migration.name for migration in read_migrations(folder)]
        return [migration.name for migration in _pending(connection, read_migrations(folder))]


def _take_turn(connection: psycopg.Connection[Any]) -> None:
    connection.execute(f"SET lock_timeout = '{TURN_TIMEOUT}'")
    try:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    except psycopg.errors.LockNotAvailable as error:
        raise MigrationFailed(f"another runner has been at work for {TURN_TIMEOUT}") from error


def _prepare_record(connection: psycopg.Connection[Any]) -> None:
    connection.execute(
        "CREATE SCHEMA IF NOT EXISTS migration;"
        "CREATE TABLE IF NOT EXISTS migration.applied (name text PRIMARY KEY, sha256 text NOT NULL, at bigint NOT NULL)"
    )


def _pending(connection: psycopg.Connection[Any], files: list[Migration]) -> list[Migration]:
    applied: dict[str, str] = dict(
        connection.execute("SELECT name, sha256 FROM migration.applied").fetchall()
    )
    known = {migration.name: migration for migration in files}
    for name, sha256 in applied.items():
        if name not in known:
            raise MigrationRefused(
                f"{name} ran here and is not among the files: this database is newer than this program"
            )
        if known[name].sha256 != sha256:
            raise MigrationRefused(f"{name} changed after it ran: write a new file instead")
    pending = [migration for migration in files if migration.name not in applied]
    late = [migration.name for migration in pending if applied and migration.name < max(applied)]
    if late:
        raise MigrationRefused(
            f"{late[0]} sorts before {max(applied)}, which already ran: give it a higher number"
        )
    return pending


def _run(connection: psycopg.Connection[Any], migration: Migration, clock: Clock) -> None:
    try:
        with connection.transaction():
            connection.execute(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'")
            connection.execute(migration.text.encode())
            if connection.info.transaction_status != TransactionStatus.INTRANS:
                raise MigrationFailed(f"{migration.name} ends its own transaction: write no COMMIT")
            connection.execute(
                "INSERT INTO migration.applied (name, sha256, at) VALUES (%s, %s, %s)",
                (migration.name, migration.sha256, clock()),
            )
    except psycopg.Error as error:
        raise MigrationFailed(
            f"{migration.name}: {error.diag.message_primary or type(error).__name__}"
        ) from error
