"""`rempart bench campaign`: what it takes to ask every professional for something again, and whether look-ups go on meanwhile.

The accounts are written by SQL, with a password, a bound device and an open session each; who looks up is none of them. What is timed
is the command as it is typed.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console

from rempart.cli.bench_comeback import Phase, look_up
from rempart.cli.bench_rights import Checks
from rempart.cli.floor import superuser_dsn
from rempart.cli.line import lift_breakers
from rempart.cli.taking_in import take_in
from rempart.foundation.vocabulary import Profession
from rempart.population.population import Population
from rempart.supervisor.platform import Platform, running_platform
from rempart.vaultdoor.campaigns import Kind

SEED, PERSONS, COUNTERS = 84, 2_000, 120
AN_ESTABLISHMENT = 4
"""Accounts that work in one."""
ALONE_SECONDS = 10
KINDS = (Kind.PASSWORD, Kind.RIB, Kind.SIGN_OUT, Kind.DEVICES)
console = Console()

# `%(n)s` accounts; ids apart from every other's by their first byte.
_FILL = """
INSERT INTO vault.establishment (id, finess, profession)
  SELECT ('e0000000-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, lpad((600000000 + i)::text, 9, '0'), 'pharmacy'
    FROM generate_series(1, %(n)s / %(each)s) AS i;
INSERT INTO vault.account (id, login, status, added)
  SELECT ('a0000000-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'asked-' || i, 'active', 1 FROM generate_series(1, %(n)s) AS i;
INSERT INTO vault.membership (account, establishment, role, added)
  SELECT ('a0000000-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid,
      ('e0000000-0000-4000-8000-' || lpad(to_hex(1 + i %% (%(n)s / %(each)s)), 12, '0'))::uuid, 'titulaire', 1
    FROM generate_series(1, %(n)s) AS i;
INSERT INTO vault.password (account, id, hash, added)
  SELECT id, gen_random_uuid(), '$argon2id$' || login, 1 FROM vault.account WHERE login LIKE 'asked-%%';
INSERT INTO vault.device (id, thumbprint, public_key, added)
  SELECT ('d' || substr(id::text, 2))::uuid, sha256(uuid_send(id)), substr(sha256(uuid_send(id)) || sha256('1') || sha256('2'), 1, 65), 1
    FROM vault.account WHERE login LIKE 'asked-%%';
"""
_BOUND = """
INSERT INTO vault.binding (account, device, label, how, bound, fresh_until)
  SELECT id, ('d' || substr(id::text, 2))::uuid, 'Comptoir', 'passkey', 1, 9000000000000000
    FROM vault.account WHERE login LIKE 'asked-%' ON CONFLICT DO NOTHING;
INSERT INTO vault.session (id, token_hash, account, device, establishment, role, assurance, opened, proven, expires)
  SELECT gen_random_uuid(), sha256(uuid_send(a.id)), a.id, ('d' || substr(a.id::text, 2))::uuid, m.establishment, m.role, 2, 1, 1,
      9000000000000000
    FROM vault.account a JOIN vault.membership m ON m.account = a.id WHERE a.login LIKE 'asked-%' ON CONFLICT DO NOTHING;
"""


def bench_campaign(
    accounts: Annotated[int, typer.Option(min=1_000, help="of whom something is asked")] = 200_000,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Measure how long a campaign takes to start and to end, and what look-ups wait meanwhile."""
    with tempfile.TemporaryDirectory(prefix="rempart-") as temporary:
        measured = measure(Path(temporary) / "p", accounts)
    text = json.dumps(measured, indent=2)
    console.print_json(text)
    if json_file is not None:
        json_file.write_text(text + "\n")


def measure(folder: Path, accounts: int) -> dict[str, Any]:
    """Each kind is started and ended once, on one platform, with look-ups beside."""
    population = Population(SEED, PERSONS)
    with running_platform(folder, more='shared_buffers = "512MB"\n', without=("sentinel",)) as platform:
        take_in(platform, population, console, processes=1)
        lift_breakers(platform.home.folder, (insurer.amc for insurer in population.insurers), 2_000_000_000)
        checks = Checks(platform, population)
        checks.enrol(COUNTERS)
        with psycopg.connect(superuser_dsn(platform), autocommit=True) as owner:
            # The statements are this module's own; only numbers are put in.
            for statement in (_FILL % {"n": accounts, "each": AN_ESTABLISHMENT}).split(";\n"):
                owner.execute(statement.encode())
            alone = asyncio.run(_beside(platform, checks, ("--help",)))
            alone |= asyncio.run(_looking(platform, checks, ALONE_SECONDS))
            kinds = {}
            for number, kind in enumerate(KINDS, start=1):
                owner.execute(_BOUND.encode())
                owner.execute("VACUUM (ANALYZE)")
                kinds[str(kind)] = _started_and_ended(platform, checks, kind, number)
    return {"accounts": accounts, "look_ups_alone": alone} | kinds


def _started_and_ended(platform: Platform, checks: Checks, kind: Kind, number: int) -> dict[str, Any]:
    reasons = (
        "--reason-fr",
        "Des mots de passe ont été hameçonnés.",
        "--reason-en",
        "Passwords were phished.",
    )
    asking = (str(kind), "profession", Profession.PHARMACY)
    return {
        "counted": asyncio.run(_beside(platform, checks, ("campaign", "start", *asking, *reasons))),
        "started": asyncio.run(_beside(platform, checks, ("campaign", "start", *asking, *reasons, "--go"))),
        "shown": asyncio.run(_beside(platform, checks, ("campaign", "show", str(number), "--format", "csv"))),
        "ended": asyncio.run(_beside(platform, checks, ("campaign", "end", str(number), "Mesuré."))),
    }


async def _beside(platform: Platform, checks: Checks, words: tuple[str, ...]) -> dict[str, Any]:
    """One command, as it is typed, and look-ups from its first moment to its last."""
    arguments = [*words, "--folder", str(platform.home.folder)] if words[0] == "campaign" else list(words)
    phase, began = Phase(), time.perf_counter()
    over = asyncio.Event()
    looking = asyncio.ensure_future(look_up(platform, checks, phase, over.is_set))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "rempart.cli", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    seconds = time.perf_counter() - began
    over.set()
    await looking
    if process.returncode:
        raise RuntimeError(said.decode())
    return {"command_seconds": round(seconds, 2)} | _told(phase)


async def _looking(platform: Platform, checks: Checks, seconds: float) -> dict[str, Any]:
    phase, until = Phase(), time.perf_counter() + seconds
    await look_up(platform, checks, phase, lambda: time.perf_counter() > until)
    return _told(phase)


def _told(phase: Phase) -> dict[str, Any]:
    ordered = sorted(phase.look_ups)
    return {
        "look_ups": len(ordered),
        "look_ups_refused": phase.refused_look_ups,
        "look_up_p50_ms": round(statistics.median(ordered), 1),
        "look_up_p95_ms": round(ordered[int(len(ordered) * 0.95)], 1),
        "look_up_most_ms": round(ordered[-1], 1),
    }
