"""The floor of the benches: the one SQL call itself, by pgbench, on the database of a bench. What is made here lies in the schema `bench`,
which no migration makes: only the superuser of an embedded cluster can, so that no production has it.
"""

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from rempart.database.embedded import EmbeddedCluster, packaged_binaries
from rempart.foundation.clock import DAY, system_clock
from rempart.supervisor.platform import Platform

_TABLE = """
DROP SCHEMA IF EXISTS bench CASCADE;
CREATE SCHEMA bench;
CREATE TABLE bench.request (number integer PRIMARY KEY, session uuid, insurer smallint, tag uuid);
"""
_CALL = (
    "\\set number random(1, {rows})\n"
    "SELECT d.* FROM bench.request r, LATERAL vault.disclose({at}, ARRAY[r.session],"
    " ARRAY['00000000-0000-0000-0000-000000000000'::uuid], ARRAY[r.insurer], '{{1}}'::int2[], '{{1}}'::int2[], '{{1}}'::int2[], 1,"
    " ARRAY[r.tag], ARRAY[r.tag], '{{1}}'::int[], '{{5}}'::int[], array_fill(2000000000, ARRAY[12]), '{{2000000000}}'::int[],"
    " '{{{window}}}'::bigint[], ARRAY[uuid_send(r.tag)], '{{1}}'::int2[], '{{5}}'::int2[]) d WHERE r.number = :number;\n"
)
_METERS_AS_BEFORE = "UPDATE vault.meter SET hour = array_fill(0, ARRAY[5]), day = array_fill(0, ARRAY[7]), month = array_fill(0, ARRAY[8])"
"""The floor spends the lines of the accounts that the door is then asked with."""
_ROWS = 60_000


def floor(platform: Platform, seconds: int, clients: int) -> float:
    """Calls a second of vault.disclose, one request each, for people drawn from the same capsules and the sessions just opened."""
    dsn = superuser_dsn(platform)
    with psycopg.connect(dsn, autocommit=True) as connection:
        rows = fill_requests(connection)
    ran = pgbench(dsn, _CALL.format(rows=rows, at=system_clock(), window=DAY), seconds, clients)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(_METERS_AS_BEFORE)
    return ran


def pgbench(dsn: str, script: str, seconds: int, clients: int) -> float:
    """Transactions a second of a script."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.sql"
        file.write_text(script)
        command = [
            str(packaged_binaries() / "pgbench"),
            "-n",
            "-M",
            "prepared",
            "-c",
            str(clients),
            "-j",
            "1",
        ]
        ran = subprocess.run(
            [*command, "-T", str(seconds), "-f", str(file), dsn],
            check=False, capture_output=True, text=True, timeout=seconds + 60,
        )  # fmt: skip
    found = re.search(r"tps = ([0-9.]+)", ran.stdout)
    if found is None:
        raise RuntimeError(ran.stderr)
    return float(found[1])


def fill_requests(connection: psycopg.Connection[Any]) -> int:
    """`bench.request`: people of every insurer, each with a session that stands. Answers how many."""
    connection.execute(_TABLE)
    insurers = connection.execute(
        "SELECT number, generation, persons FROM vault.insurer WHERE generation > 0"
    ).fetchall()
    total = sum(persons for _, _, persons in insurers)
    for number, generation, persons in insurers:
        share = max(1, _ROWS * persons // max(1, total))
        # Table names are made of numbers that we read from our own table.
        connection.execute(
            f"INSERT INTO bench.request SELECT (SELECT count(*) FROM bench.request) + row_number() OVER (), NULL, {number}, tag"  # noqa: S608
            f" FROM (SELECT tag FROM capsule.i{number}_g{generation} ORDER BY random() LIMIT {share}) t"
        )
    connection.execute(
        "WITH s AS (SELECT id, row_number() OVER () - 1 AS k, count(*) OVER () AS n FROM vault.session WHERE establishment IS NOT NULL)"
        " UPDATE bench.request r SET session = s.id FROM s WHERE s.k = r.number % s.n"
    )
    connection.execute("ANALYZE bench.request")
    row = connection.execute("SELECT count(*) FROM bench.request").fetchone()
    assert row is not None
    return int(row[0])


def superuser_dsn(platform: Platform) -> str:
    """Of the bench's own embedded cluster."""
    return EmbeddedCluster(platform.home.postgres).superuser_dsn("rempart")
