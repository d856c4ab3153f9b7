"""Migrations run once, in order, whole; a history that was edited is refused."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from rempart.database.errors import BadSecretFile, MigrationFailed, MigrationRefused
from rempart.database.migrate import FOLDER, migrate, pending_migrations, read_migrations
from rempart.database.roles import create_database, password_file, provision_roles

ONE, TWO = "0001_one.sql", "0002_two.sql"


@pytest.fixture
def empty(cluster):
    """The DSN of a database in which nothing ran yet."""
    name = "test_migrations"
    create_database(cluster.cluster.superuser_dsn(), name)
    yield cluster.cluster.superuser_dsn(name)
    with psycopg.connect(cluster.cluster.superuser_dsn(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / ONE).write_text("CREATE SCHEMA a; CREATE TABLE a.one (n int);")
    (tmp_path / TWO).write_text("INSERT INTO a.one VALUES (2);")
    return tmp_path


def rows(dsn: str) -> list[tuple[int]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute("SELECT n FROM a.one").fetchall()


def test_files_run_once_in_order_and_belong_to_the_owner(empty, files, clock):
    assert pending_migrations(empty, files) == [ONE, TWO]
    assert migrate(empty, clock, files) == [ONE, TWO]
    assert migrate(empty, clock, files) == []
    assert pending_migrations(empty, files) == []
    assert rows(empty) == [(2,)]
    with psycopg.connect(empty) as connection:
        assert connection.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'one'").fetchone() == (
            "rempart_owner",
        )
        assert connection.execute("SELECT name, at FROM migration.applied ORDER BY name").fetchall() == [
            (ONE, clock.now),
            (TWO, clock.now),
        ]


def test_a_file_changed_after_it_ran_is_refused(empty, files, clock):
    migrate(empty, clock, files)
    (files / ONE).write_text((files / ONE).read_text() + " ")
    with pytest.raises(MigrationRefused, match=f"{ONE} changed"):
        migrate(empty, clock, files)


def test_a_file_that_vanished_is_refused(empty, files, clock):
    migrate(empty, clock, files)
    (files / TWO).unlink()
    with pytest.raises(MigrationRefused, match=f"{TWO} ran here"):
        migrate(empty, clock, files)


def test_a_file_that_comes_late_is_refused(empty, files, clock):
    (files / ONE).rename(files / "0000_one.sql")
    migrate(empty, clock, files)
    (files / "0001_late.sql").write_text("SELECT 1")
    with pytest.raises(MigrationRefused, match="sorts before"):
        migrate(empty, clock, files)


def test_a_file_that_fails_leaves_nothing_and_the_ones_before_stay(empty, files, clock):
    (files / TWO).write_text("INSERT INTO a.one VALUES (1); SELECT 1/0;")
    with pytest.raises(MigrationFailed, match=f"{TWO}: division by zero"):
        migrate(empty, clock, files)
    assert rows(empty) == []
    (files / TWO).write_text("INSERT INTO a.one VALUES (2);")
    assert migrate(empty, clock, files) == [TWO]


@pytest.mark.parametrize("name", ["1_short.sql", "0003-dash.sql", "0003_Upper.sql", "0002_zwei.sql"])
def test_a_bad_or_taken_number_is_refused(empty, files, clock, name):
    (files / name).write_text("SELECT 1")
    with pytest.raises(MigrationRefused, match=name):
        migrate(empty, clock, files)


def test_a_file_that_ends_the_transaction_is_refused_before_anything_runs(empty, files, clock):
    (files / TWO).write_text("INSERT INTO a.one VALUES (2);\ncommit;\nSELECT 1/0;")
    with pytest.raises(MigrationRefused, match=TWO):
        migrate(empty, clock, files)
    with psycopg.connect(empty) as connection:
        assert connection.execute("SELECT to_regclass('a.one')").fetchone() == (None,)


def test_two_runners_at_once_run_each_file_once(empty, files, clock):
    with ThreadPoolExecutor(2) as pool:
        ran = sorted(pool.map(lambda _: migrate(empty, clock, files), range(2)))
    assert ran == [[], [ONE, TWO]]
    assert rows(empty) == [(2,)]


def test_a_role_that_is_not_the_owners_may_not_migrate(database, clock):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        migrate(database.dsn("vault"), clock)


def test_the_projects_files_are_all_there_and_ran(database):
    with database.connect() as connection:
        ran = {row[0] for row in connection.execute("SELECT name FROM migration.applied")}
    assert ran == {migration.name for migration in read_migrations(FOLDER)}


def test_provisioning_takes_the_password_from_its_file(cluster, tmp_path):
    with pytest.raises(BadSecretFile, match="rempart_vault"):
        provision_roles(cluster.cluster.superuser_dsn(), tmp_path, generate=False)


def test_provisioning_refuses_a_secret_that_others_may_read(cluster, tmp_path):
    password_file(tmp_path, "rempart_vault").write_text("*:*:*:rempart_vault:known-to-all\n")
    password_file(tmp_path, "rempart_vault").chmod(0o644)
    with pytest.raises(BadSecretFile, match="chmod 600"):
        provision_roles(cluster.cluster.superuser_dsn(), tmp_path, generate=False)


def test_provisioning_again_changes_nothing(cluster, database):
    provision_roles(cluster.cluster.superuser_dsn(), cluster.secrets, generate=False)
    with database.connect("vault") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
