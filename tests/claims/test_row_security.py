"""Row security, table by table: two establishments, two insurers, and a cashier that says for whom it works."""

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from tests.conftest import Database

ONE, TWO = uuid.UUID(int=1), uuid.UUID(int=2)
"""Two establishments."""
BY_ESTABLISHMENT = ("prise_en_charge", "invoice", "due", "journal", "rib", "payment", "letter")
BY_INSURER = (
    "prise_en_charge",
    "invoice",
    "due",
    "journal",
    "act_lines",
    "flow",
    "call_for_funds",
    "counter",
)
OF_NO_PARTY = ("run", "order_file")
"""The cashier is granted nothing on these."""
Owner = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def filled(module_database: Database) -> Database:
    """One row of each table for each (establishment, insurer): (1, 1) and (2, 2)."""
    with module_database.connect() as owner:
        owner.execute("SET session_replication_role = replica")
        tables = {*BY_ESTABLISHMENT, *BY_INSURER}
        for number, place in ((1, ONE), (2, TWO)):
            for table in sorted(tables):
                _fill(owner, table, number, place)
    return module_database


def _fill(owner: Owner, table: str, number: int, place: uuid.UUID) -> None:
    """A row made from the table's own columns: whatever is asked of them, whoever owns it."""
    columns = owner.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND NOT attisdropped AND attidentity = '' AND attgenerated = ''",
        (f"claims.{table}",),
    ).fetchall()
    checks = "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'"
    for (name,) in owner.execute(checks, (f"claims.{table}",)).fetchall():
        owner.execute(f'ALTER TABLE claims.{table} DROP CONSTRAINT "{name}"'.encode())
    values = {name: _value(name, kind, number, place) for name, kind in columns}
    names, marks = ", ".join(f'"{name}"' for name in values), ", ".join(["%s"] * len(values))
    owner.execute(f"INSERT INTO claims.{table} ({names}) VALUES ({marks})".encode(), list(values.values()))


def _value(name: str, kind: str, number: int, place: uuid.UUID) -> object:
    if name == "establishment":
        return place
    if name == "insurer":
        return number
    return {
        "uuid": uuid.UUID(int=100 + number), "text": f"row-{number}", "bytea": bytes([number]), "date": f"2026-01-0{number}",
        "boolean": False, "jsonb": "{}",
    }.get(kind, number)  # fmt: skip


@pytest.fixture
def cashier(filled: Database) -> Iterator[Owner]:
    with psycopg.connect(filled.dsn("cashier")) as connection:
        yield connection
        connection.rollback()


def work_for(
    connection: Owner, establishment: uuid.UUID | str = "", insurer: int | str = "", counted: int | str = ""
) -> None:
    connection.execute(
        "SELECT set_config('rempart.establishment', %s, true), set_config('rempart.insurer', %s, true),"
        " set_config('rempart.counted_insurer', %s, true)",
        (str(establishment), str(insurer), str(counted)),
    )  # fmt: skip


def seen(connection: Owner, table: str, column: str) -> list[Any]:
    return [
        value for (value,) in connection.execute(f"SELECT {column} FROM claims.{table}".encode()).fetchall()
    ]


def test_every_table_of_the_claims_zone_is_in_this_test(filled: Database) -> None:
    with filled.connect() as owner:
        tables = {
            name
            for (name,) in owner.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'claims'"
            ).fetchall()
        }
        open_ones = owner.execute(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'claims' AND relkind = 'r'"
            " AND NOT relrowsecurity AND has_any_column_privilege('rempart_cashier', c.oid, 'SELECT, INSERT, UPDATE')"
        ).fetchall()
    assert tables >= {*BY_ESTABLISHMENT, *BY_INSURER, *OF_NO_PARTY}
    assert open_ones == [], "a table that the cashier may touch has no row security"


@pytest.mark.parametrize("table", BY_ESTABLISHMENT)
def test_an_establishment_sees_its_own_rows_alone(cashier: Owner, table: str) -> None:
    for place in (ONE, TWO):
        work_for(cashier, establishment=place)
        assert seen(cashier, table, "establishment") == [place]


@pytest.mark.parametrize("table", BY_INSURER)
def test_an_insurer_sees_its_own_rows_alone(cashier: Owner, table: str) -> None:
    for number in (1, 2):
        work_for(cashier, insurer=number)
        assert seen(cashier, table, "insurer") == [number]


@pytest.mark.parametrize("table", sorted({*BY_ESTABLISHMENT, *BY_INSURER}))
def test_nobody_in_particular_sees_nothing(cashier: Owner, table: str) -> None:
    assert seen(cashier, table, "1") == []


@pytest.mark.parametrize("table", sorted(set(BY_INSURER) - set(BY_ESTABLISHMENT)))
def test_an_establishment_sees_nothing_of_what_is_the_insurers(cashier: Owner, table: str) -> None:
    work_for(cashier, establishment=ONE)
    assert seen(cashier, table, "1") == []


@pytest.mark.parametrize("table", sorted(set(BY_ESTABLISHMENT) - set(BY_INSURER)))
def test_an_insurer_sees_nothing_of_what_is_the_establishments(cashier: Owner, table: str) -> None:
    work_for(cashier, insurer=1)
    assert seen(cashier, table, "1") == []


def test_an_acceptance_counts_one_insurers_counters_and_reads_no_act_lines(cashier: Owner) -> None:
    work_for(cashier, establishment=ONE, counted=2)
    assert seen(cashier, "counter", "insurer") == [2]
    assert seen(cashier, "act_lines", "1") == []
    assert seen(cashier, "invoice", "insurer") == [1]


@pytest.mark.parametrize("table", ["invoice", "prise_en_charge", "rib"])
def test_another_establishments_row_can_neither_be_changed_nor_taken(cashier: Owner, table: str) -> None:
    work_for(cashier, establishment=ONE)
    changed = cashier.execute(
        f"UPDATE claims.{table} SET state = state WHERE establishment = %s".encode(), (TWO,)
    )
    assert changed.rowcount == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        cashier.execute(f"UPDATE claims.{table} SET establishment = %s".encode(), (TWO,))


@pytest.mark.parametrize("table", ["due", "journal"])
def test_money_is_written_for_oneself_alone_and_never_changed(cashier: Owner, table: str) -> None:
    work_for(cashier, establishment=ONE)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), cashier.transaction():
        cashier.execute(f"UPDATE claims.{table} SET cents = 1".encode())
    columns = {
        "due": "(invoice, establishment, insurer, kind, cents, since) VALUES (gen_random_uuid(), %s, 1, 'invoice', 1, 0)",
        "journal": "(at, kind, debit, credit, cents, insurer, establishment, source)"
        " VALUES (0, 'acceptance', 'amc', 'ps', 1, 1, %s, gen_random_uuid())",
    }[table]
    with pytest.raises(psycopg.errors.InsufficientPrivilege), cashier.transaction():
        cashier.execute(f"INSERT INTO claims.{table} {columns}".encode(), (TWO,))


@pytest.mark.parametrize("table", OF_NO_PARTY)
def test_the_runs_own_books_are_closed_to_the_cashier(cashier: Owner, table: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        seen(cashier, table, "1")
