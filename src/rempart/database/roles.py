"""Roles and databases. Roles are the cluster's, and several databases may share them; everything here may be run again."""

import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from rempart.database.embedded import write_password_file
from rempart.database.errors import BadSecretFile
from rempart.foundation.settings import DEVELOPMENT_MARKER

OWNER = "rempart_owner"


@dataclass(frozen=True)
class Role:
    """A process's role. `statement_timeout` in seconds, 0 for none; `search_path` for a library that names no schema."""

    name: str
    connections: int
    statement_timeout: int
    search_path: str = "pg_catalog"


LOGINS: tuple[Role, ...] = (
    Role("rempart_vault", 20, 10),
    # A load lasts as long as its file.
    Role("rempart_sealer", 20, 0),
    Role("rempart_door", 20, 5),
    Role("rempart_cashier", 20, 10),
    # The audit of a long ledger is one snapshot.
    Role("rempart_worker", 10, 0, "jobs, pg_catalog"),
    Role("rempart_sentinel", 5, 60),
    Role("rempart_desk", 5, 10),
    Role("rempart_operator", 5, 60),
)
IDLE_IN_TRANSACTION_SECONDS = 60
# Several supervisors or test sessions may provision one cluster at once.
_LOCK = 0x52454D50


def provision_roles(maintenance_dsn: str, secrets_folder: Path, *, generate: bool) -> None:
    """Create the roles that are missing and set each password from its file `secrets_folder/<role>.pgpass`.

    `maintenance_dsn`: a superuser, or a role with CREATEROLE. `generate`: write a development secret where a file is missing (the embedded
    default); otherwise a missing file raises `BadSecretFile`.
    """
    passwords = {role.name: _password(secrets_folder, role.name, generate=generate) for role in LOGINS}
    with psycopg.connect(maintenance_dsn, autocommit=True) as connection, connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        _create_owner(connection)
        for role in LOGINS:
            _create_login(connection, role, passwords[role.name])
        # The owner gives schema capsule to the sealer, which makes one table a load in it.
        connection.execute(
            sql.SQL("GRANT rempart_sealer TO {} WITH INHERIT FALSE, SET TRUE").format(sql.Identifier(OWNER))
        )


def create_database(maintenance_dsn: str, name: str, *, template: str | None = None) -> None:
    """A database of the owner's, closed to PUBLIC, that the logins may connect to. One that exists is brought to the same state."""
    with psycopg.connect(maintenance_dsn, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            statement = sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(OWNER)
            )
            if template is not None:
                statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
            connection.execute(statement)
        # A database's own privileges are not copied from its template.
        logins = sql.SQL(", ").join(sql.Identifier(role.name) for role in LOGINS)
        connection.execute(
            sql.SQL("REVOKE ALL ON DATABASE {0} FROM PUBLIC; GRANT CONNECT ON DATABASE {0} TO {1}").format(
                sql.Identifier(name), logins
            )
        )


def password_file(secrets_folder: Path, role: str) -> Path:
    """Where a role's password lies."""
    return secrets_folder / f"{role}.pgpass"


def _create_owner(connection: psycopg.Connection[Any]) -> None:
    if not _exists(connection, OWNER):
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(OWNER)))
    # PostgreSQL 16 gives a creator that is no superuser the right to administer a role, not to act as it.
    connection.execute(
        sql.SQL(
            "DO $$ BEGIN IF NOT pg_has_role(current_user, {0}, 'SET') THEN GRANT {1} TO CURRENT_USER; END IF; END $$"
        ).format(sql.Literal(OWNER), sql.Identifier(OWNER))
    )


def _create_login(connection: psycopg.Connection[Any], role: Role, password: str) -> None:
    name = sql.Identifier(role.name)
    if not _exists(connection, role.name):
        connection.execute(sql.SQL("CREATE ROLE {}").format(name))
    # The server gets the SCRAM verifier: the password is in no statement, so in no log.
    verifier = connection.pgconn.encrypt_password(
        password.encode(), role.name.encode(), b"scram-sha-256"
    ).decode()
    connection.execute(
        sql.SQL("ALTER ROLE {} LOGIN INHERIT NOCREATEDB NOCREATEROLE CONNECTION LIMIT {} PASSWORD {}").format(
            name, sql.Literal(role.connections), sql.Literal(verifier)
        )
    )
    for setting, value in (
        ("search_path", sql.SQL(role.search_path)),
        ("statement_timeout", sql.Literal(f"{role.statement_timeout}s")),
        ("idle_in_transaction_session_timeout", sql.Literal(f"{IDLE_IN_TRANSACTION_SECONDS}s")),
    ):
        connection.execute(sql.SQL("ALTER ROLE {} SET {} = {}").format(name, sql.Identifier(setting), value))


def _exists(connection: psycopg.Connection[Any], role: str) -> bool:
    assert connection.info.transaction_status == TransactionStatus.INTRANS
    return connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is not None


def _password(folder: Path, role: str, *, generate: bool) -> str:
    path = password_file(folder, role)
    if generate and not path.exists():
        write_password_file(path, role, secrets.token_urlsafe(32), DEVELOPMENT_MARKER)
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise BadSecretFile(f"{path}: others may read it (chmod 600)")
        lines = path.read_text().splitlines()
    except OSError as error:
        raise BadSecretFile(f"{path}: {os.strerror(error.errno or 0)}") from error
    for line in lines:
        fields = line.split(":")
        if not line.startswith("#") and len(fields) == 5 and fields[3] == role and fields[4]:
            return fields[4]
    raise BadSecretFile(f"{path}: no line *:*:*:{role}:PASSWORD")
