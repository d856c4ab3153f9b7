"""`rempart bench line`: what ledger and breakers cost, by the one SQL call with and without them, in batches as the vault makes them.

The calls without are made here from the real one's text, in the schema `bench`: no production can load them, and none can be forgotten.
"""

import json
import re
import statistics
import tempfile
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console

from rempart.cli.bench_rights import SEED, Checks
from rempart.cli.floor import fill_requests, pgbench, superuser_dsn
from rempart.cli.taking_in import take_in
from rempart.foundation.clock import system_clock
from rempart.population.population import Population
from rempart.supervisor.platform import Platform, running_platform

BATCH = 32
"""Requests a call: what 32 clients give the vault's one connection."""
LEASED = 256
"""Units of a lease; a look-up costs one."""
console = Console()
_BATCHES = """
CREATE TABLE bench.batch AS
  SELECT array_agg(session) AS session, array_agg(insurer) AS insurer, array_agg(tag) AS tag, array_agg(uuid_send(tag)) AS salt,
      array_fill('00000000-0000-0000-0000-000000000000'::uuid, ARRAY[{batch}]) AS nobody, array_fill(1::int2, ARRAY[{batch}]) AS one,
      array_fill(1, ARRAY[{batch}]) AS told, array_fill(5, ARRAY[{batch}]) AS absent,
      array_fill(2000000000, ARRAY[{batch} * 12]) AS limits, array_fill(2000000000, ARRAY[{batch}]) AS pace,
      array_fill(0::bigint, ARRAY[{batch}]) AS window
    FROM bench.request GROUP BY number / {batch} HAVING count(*) = {batch};
ALTER TABLE bench.batch ADD COLUMN place serial PRIMARY KEY;
CREATE SEQUENCE bench.head INCREMENT {batch};
ANALYZE bench.batch;
"""
_CALL = (
    "\\set place random(1, {places})\n"
    "SELECT count(*) FROM bench.batch b, LATERAL {function}({at}, b.session, b.nobody, b.insurer, b.one, b.one, b.one, 1, b.tag, b.tag,"
    " b.told, b.absent, b.limits, b.pace, b.window, b.salt, b.one, b.one) d WHERE b.place = :place;\n"
)
_LEASES = (
    "\\set turn random(1, {every})\n\\if :turn = 1\n"
    "SELECT vault.lease({at}, 'platform', '', {leased}, 2000000000);\n"
    "SELECT vault.lease({at}, 'insurer', '1', {leased}, 2000000000);\n\\endif\n"
)


def bench_line(
    persons: Annotated[int, typer.Option(min=1_000)] = 100_000,
    seconds: Annotated[int, typer.Option(min=1, help="a round of one variant")] = 5,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Measure look-ups a second of the SQL call alone: whole, without the ledger, without breakers; rounds interleaved."""
    with tempfile.TemporaryDirectory(prefix="rempart-") as temporary:
        population = Population(SEED, persons)
        with running_platform(Path(temporary) / "p", more='shared_buffers = "1GB"\n') as platform:
            take_in(platform, population, console)
            checks = Checks(platform, population)
            checks.enrol(200)
            figures = measure(platform, seconds, rounds)
    text = json.dumps(figures, indent=2)
    console.print_json(text)
    if json_file is not None:
        json_file.write_text(text + "\n")


def measure(platform: Platform, seconds: int, rounds: int) -> dict[str, Any]:
    """Medians over interleaved rounds, each variant in turn, and their ratios."""
    dsn = superuser_dsn(platform)
    with psycopg.connect(dsn, autocommit=True) as connection:
        fill_requests(connection)
        connection.execute(_BATCHES.format(batch=BATCH))
        connection.execute(without_ledger(connection))
        row = connection.execute("SELECT max(place) FROM bench.batch").fetchone()
        assert row is not None
        given = {"places": row[0], "at": system_clock()}
    lease = _LEASES.format(every=LEASED // BATCH, leased=LEASED, at=given["at"])
    scripts = {
        "with_ledger_without_breakers": _CALL.format(function="vault.disclose", **given),
        "without_ledger": _CALL.format(function="bench.disclose_without_ledger", **given),
        "with_ledger_and_breakers": lease + _CALL.format(function="vault.disclose", **given),
    }
    runs: dict[str, list[float]] = {name: [] for name in scripts}
    for script in scripts.values():
        pgbench(dsn, script, 1, 1)
    for number in range(rounds):
        for name in [*scripts][number % 3 :] + [*scripts][: number % 3]:
            runs[name].append(pgbench(dsn, scripts[name], seconds, 1) * BATCH)
    whole, bare, leased = (statistics.median(runs[name]) for name in scripts)
    return {
        "lookups_per_second": {name: round(statistics.median(run), 1) for name, run in runs.items()},
        "runs": {name: [round(one, 1) for one in run] for name, run in runs.items()},
        "ledger_ratio": round(whole / bare, 3),
        "breakers_ratio": round(leased / whole, 3),
    }


def without_ledger(connection: psycopg.Connection[Any]) -> str:
    """The real call's text, less commitment, leaf, entry and head."""
    row = connection.execute(
        "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'disclose' AND pronamespace = 'vault'::regnamespace"
    ).fetchone()
    assert row is not None
    text = str(row[0]).replace("FUNCTION vault.disclose(", "FUNCTION bench.disclose_without_ledger(")
    for gone, instead in (
        (r"o_leaf := array_append\(o_leaf, sha256\(.*?\)\)\);", "o_leaf := array_append(o_leaf, p_salt[i]);"),
        (r"UPDATE evidence\.log .*? INTO head;", "head := nextval('bench.head') + 1000000000;"),
        (r"INSERT INTO evidence\.leaf .*?;", ""),
        (r"INSERT INTO evidence\.entry .*?;", ""),
    ):
        text, found = re.subn(gone, instead, text, flags=re.DOTALL)
        if found != 1:
            raise RuntimeError(f"the call has changed: {gone} was found {found} times")
    return text
