"""What every test stands on: one private PostgreSQL a session, a fresh migrated database a test, no network, a clock that obeys."""

import logging
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from rempart.database.embedded import EmbeddedCluster, running
from rempart.database.migrate import migrate
from rempart.database.roles import create_database, password_file, provision_roles
from rempart.foundation.clock import SECOND
from rempart.foundation.logs import NoPersonFilter

TEMPLATE = "rempart_template"
A_MONDAY = 1_767_600_000 * SECOND
"""2026-01-05T08:00:00Z: nine o'clock in Paris."""
_numbers = count(1)


class NetworkForbiddenError(RuntimeError):
    """A test tried to reach something that is not this machine."""


def _guard_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
    elif event == "socket.getaddrinfo":
        address = (arguments[0], arguments[1])
    else:
        return
    if isinstance(address, tuple):
        host = address[0].decode() if isinstance(address[0], bytes) else address[0]
        if host not in {None, "", "localhost", "::1", "0.0.0.0"} and not str(host).startswith("127."):
            raise NetworkForbiddenError(f"{event}: {host}")


sys.addaudithook(_guard_network)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last, since their driver keeps an event loop in this thread; without a browser they are skipped, saying so."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
    if shutil.which("chromium") or Path("/usr/bin/chromium").exists():
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason="no /usr/bin/chromium here (apt-get install chromium)"))


@pytest.fixture(autouse=True, scope="session")
def _no_person_in_logs() -> Iterator[None]:
    # On the root logger's handlers only: a handler that pytest adds for a test inherits none. The factory sees every record.
    strict = NoPersonFilter(strict=True)
    make = logging.getLogRecordFactory()

    def checked(*arguments: Any, **options: Any) -> logging.LogRecord:
        record = make(*arguments, **options)
        strict.filter(record)
        return record

    logging.setLogRecordFactory(checked)
    yield
    logging.setLogRecordFactory(make)


@dataclass
class TestClock:
    """A `Clock` that stands still until it is told to move. Microseconds."""

    __test__ = False
    now: int = A_MONDAY

    def __call__(self) -> int:
        return self.now

    def advance(self, micros: int) -> None:
        self.now += micros


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@dataclass(frozen=True)
class Database:
    """A fresh, migrated database. `owner_dsn` is the superuser's: for looking behind the scenes, never for what is under test."""

    name: str
    cluster: EmbeddedCluster
    secrets: Path
    owner_dsn: str = field(repr=False)

    def dsn(self, role: str) -> str:
        """The DSN of a process's role: "vault", "sealer", "door", "worker", "operator", or a role's whole name."""
        name = role if role.startswith("rempart_") else f"rempart_{role}"
        return self.cluster.dsn(name, password_file(self.secrets, name), self.name)

    def connect(self, role: str = "") -> "psycopg.Connection[Any]":
        """An autocommit connection as a role, or as the superuser."""
        return psycopg.connect(self.dsn(role) if role else self.owner_dsn, autocommit=True)


@dataclass(frozen=True)
class TestCluster:
    """The session's PostgreSQL with its roles and its migrated template."""

    __test__ = False
    cluster: EmbeddedCluster
    secrets: Path

    def fresh_database(self) -> Database:
        """A copy of the template: some tens of milliseconds."""
        name = f"test_{next(_numbers)}"
        create_database(self.cluster.superuser_dsn(), name, template=TEMPLATE)
        return Database(name, self.cluster, self.secrets, self.cluster.superuser_dsn(name))

    def drop(self, database: Database) -> None:
        with psycopg.connect(self.cluster.superuser_dsn(), autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database.name))
            )


@pytest.fixture(scope="session")
def cluster() -> Iterator[TestCluster]:
    folder = Path(tempfile.mkdtemp(prefix="rempart-"))
    folder.chmod(0o711)
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700)
    try:
        with running(EmbeddedCluster(folder / "postgres", shared_buffers="128MB")) as started:
            provision_roles(started.superuser_dsn(), secrets, generate=True)
            create_database(started.superuser_dsn(), TEMPLATE)
            migrate(started.superuser_dsn(TEMPLATE), lambda: A_MONDAY)
            yield TestCluster(started, secrets)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(cluster: TestCluster) -> Iterator[Database]:
    """A fresh database for one test."""
    fresh = cluster.fresh_database()
    yield fresh
    cluster.drop(fresh)


@pytest.fixture(scope="module")
def module_database(cluster: TestCluster) -> Iterator[Database]:
    """A fresh database for the tests of one module."""
    fresh = cluster.fresh_database()
    yield fresh
    cluster.drop(fresh)
