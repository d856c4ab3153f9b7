"""`rempart bench line`: what ledger and breakers cost, by the one SQL call with and without them, in batches as the vault makes them.

The calls without are made here from the real one's text, in the schema `bench`: no production can load them, and none can be forgotten.
"""

import json
import os
import random
import re
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console

from rempart.cli.bench_rights import SEED, Checks
from rempart.cli.floor import fill_requests, superuser_dsn
from rempart.cli.taking_in import take_in
from rempart.foundation.clock import system_clock
from rempart.population.population import Population
from rempart.supervisor.platform import Platform, running_platform

BATCH = 32
"""Requests a call: what 32 clients give the vault's one connection."""
LEASED_UNITS = 256
"""Units of a lease; a look-up costs one."""
WITH, WITHOUT, LEASED = "with_ledger_without_breakers", "without_ledger", "with_ledger_and_breakers"
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
    "SELECT count(*) FROM bench.batch b, LATERAL {function}({at}, b.session, b.nobody, b.insurer, b.one, b.one, b.one, 1, b.tag, b.tag,"
    " b.told, b.absent, b.limits, b.pace, b.window, b.salt, b.one, b.one) d WHERE b.place = %s"
)
_LEASE = "SELECT vault.lease({at}, %s, %s, 1, {leased}, 2000000000)"


def bench_line(
    persons: Annotated[int, typer.Option(min=1_000)] = 100_000,
    seconds: Annotated[int, typer.Option(min=1, help="a round of one variant")] = 5,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Measure look-ups a second of the SQL call alone: with breakers, without them, without the ledger; rounds interleaved."""
    with tempfile.TemporaryDirectory(prefix="rempart-") as temporary:
        population = Population(SEED, persons)
        with running_platform(
            Path(temporary) / "p", more='shared_buffers = "1GB"\n', without=("sentinel",)
        ) as platform:
            take_in(platform, population, console)
            checks = Checks(platform, population)
            checks.enrol(200)
            figures = measure(platform, seconds, rounds)
    text = json.dumps(figures, indent=2)
    console.print_json(text)
    if json_file is not None:
        json_file.write_text(text + "\n")


@dataclass
class Round:
    """One variant for some seconds, on one connection as the vault has: wall time, and the server's processor time, which other work on the
    machine disturbs less."""

    lookups: int
    seconds: float
    processor_seconds: float


def measure(platform: Platform, seconds: int, rounds: int) -> dict[str, Any]:
    """Interleaved rounds of each variant: look-ups a second and µs of the server's processor a look-up, medians and their ratios."""
    with psycopg.connect(superuser_dsn(platform), autocommit=True) as connection:
        fill_requests(connection)
        connection.execute(_BATCHES.format(batch=BATCH))
        connection.execute(without_ledger(connection))
        row = connection.execute("SELECT max(place) FROM bench.batch").fetchone()
        assert row is not None
        at, places = system_clock(), int(row[0])
        whole = _CALL.format(function="vault.disclose", at=at)
        bare = _CALL.format(function="bench.disclose_without_ledger", at=at)
        variants = {WITH: (whole, False), WITHOUT: (bare, False), LEASED: (whole, True)}
        runs: dict[str, list[Round]] = {name: [] for name in variants}
        for number in range(rounds + 1):
            turn = number % len(variants)
            for name in [*variants, *variants][turn : turn + len(variants)]:
                call, leasing = variants[name]
                runs[name].append(
                    _round(connection, call, places, seconds if number else 1, at if leasing else 0)
                )
    # The first round warms caches and plans.
    kept = {name: run[1:] for name, run in runs.items()}
    per_second = {name: statistics.median(r.lookups / r.seconds for r in run) for name, run in kept.items()}
    micros = {
        name: statistics.median(r.processor_seconds / r.lookups * 1e6 for r in run)
        for name, run in kept.items()
    }
    return {
        "lookups_per_second": {name: round(value) for name, value in per_second.items()},
        "processor_us_per_lookup": {name: round(value, 1) for name, value in micros.items()},
        "ledger_ratio": round(per_second[WITH] / per_second[WITHOUT], 3),
        "ledger_ratio_processor": round(micros[WITHOUT] / micros[WITH], 3),
        "breakers_ratio": round(per_second[LEASED] / per_second[WITH], 3),
        "breakers_ratio_processor": round(micros[WITH] / micros[LEASED], 3),
    }


def _round(
    connection: psycopg.Connection[Any], call: str, places: int, seconds: float, leasing_at: int
) -> Round:
    """`leasing_at`: the breakers' clock; 0 for none. Each lease of both breakers serves LEASED look-ups."""
    chance, calls = random.Random(places), 0  # noqa: S311 (which batch comes next)
    began, spent = time.monotonic(), _processor(connection.info.backend_pid)
    while time.monotonic() - began < seconds:
        if leasing_at and calls % (LEASED_UNITS // BATCH) == 0:
            for scope, key in (("platform", ""), ("insurer", "1")):
                connection.execute(_LEASE.format(at=leasing_at, leased=LEASED_UNITS), (scope, key))
        connection.execute(call, (chance.randint(1, places),), prepare=True).fetchone()
        calls += 1
    return Round(calls * BATCH, time.monotonic() - began, _processor(connection.info.backend_pid) - spent)


def _processor(pid: int) -> float:
    """Seconds so far of one server process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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
