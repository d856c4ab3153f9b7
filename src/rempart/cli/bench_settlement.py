"""`rempart bench settlement`: a day's claims settled, from what is due to the orders laid down for the bank, on a private PostgreSQL.

Everything is as in production but how the claims got there: they are written by set-based SQL, each with its due and its line of the
journal. Commits are durable, bank accounts are sealed and opened, orders are validated against the ISO schema.
"""

import json
import resource
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from rich.console import Console

from rempart.claims.journal import check_balanced
from rempart.claims.rib import seal_rib
from rempart.claims.settlement import Payer, Progress, settle
from rempart.database.embedded import EmbeddedCluster, running
from rempart.database.migrate import migrate
from rempart.database.roles import create_database, password_file, provision_roles
from rempart.foundation.clock import system_clock
from rempart.foundation.identifiers import check_iban
from rempart.population.professionals import synthetic_iban

INSURERS = 84
CLAIMS_A_HOUSE = 50
"""Claims of an establishment in a day's run: a million claims are twenty thousand establishments."""
_LOOK_SECONDS = 0.05
console = Console(highlight=False)


def bench_settlement(
    claims: Annotated[int, typer.Option(min=1_000, help="accepted claims to settle")] = 100_000,
    ratio: Annotated[bool, typer.Option(help="settle a tenth of them first, and tell the ratio")] = True,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures")] = None,
) -> None:
    """Settle a day of claims; report the seconds of each step, the peak memory, and the ratio to a tenth of the claims."""
    work = Path(tempfile.mkdtemp(prefix="rempart-bench-"))
    work.chmod(0o711)
    try:
        figures = measure(work, claims, with_tenth=ratio)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    text = json.dumps(figures, indent=2)
    console.print_json(text)
    if json_file is not None:
        json_file.write_text(text + "\n")


def measure(work: Path, claims: int, *, with_tenth: bool) -> dict[str, Any]:
    """All figures; each size on a database of its own, in one cluster."""
    secrets = work / "secrets"
    secrets.mkdir(mode=0o700)
    with running(EmbeddedCluster(work / "postgres", shared_buffers="2GB")) as cluster:
        provision_roles(cluster.superuser_dsn(), secrets, generate=True)
        tenth = _settle(work, cluster, claims // 10) if with_tenth else None
        whole = _settle(work, cluster, claims)
    if tenth is not None:
        whole["tenth"] = tenth
        whole["ratio"] = round(whole["seconds"] / tenth["seconds"], 2)
    return whole


def _settle(work: Path, cluster: EmbeddedCluster, claims: int) -> dict[str, Any]:
    name = f"bench_{claims}"
    create_database(cluster.superuser_dsn(), name)
    migrate(cluster.superuser_dsn(name), system_clock)
    key = X25519PrivateKey.generate()
    payer = Payer("REMPART BANC D'ESSAI", synthetic_iban(10**6), key, work / name)
    console.print(f"Filling {claims:,} claims…")
    with psycopg.connect(cluster.superuser_dsn(name), autocommit=True) as connection:
        _fill(connection, claims, key)
    steps = _Steps()
    dsn = cluster.dsn("rempart_worker", password_file(work / "secrets", "rempart_worker"), name)
    with psycopg.connect(dsn, autocommit=True) as connection, _peak_memory(cluster) as peak:
        started = time.monotonic()
        run = settle(connection, payer, system_clock, steps)
        seconds = time.monotonic() - started
        check_balanced(connection)
    return {
        "claims": claims, "establishments": -(-claims // CLAIMS_A_HOUSE), "payments": run.payments, "cents": run.cents,
        "seconds": round(seconds, 2), "claims_per_second": round(claims / seconds), "steps": steps.rounded(),
        "order_files": len(list((work / name / "bank").glob("*.xml"))), "peak_memory_mb": peak[0] >> 20,
        "worker_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }  # fmt: skip


class _Steps:
    """How long each step took, from what the run tells."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._seconds: dict[str, float] = {}

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        self._seconds[progress.step] = self._seconds.get(progress.step, 0.0) + now - self._last
        self._last = now

    def rounded(self) -> dict[str, float]:
        """Seconds that ended with each step's word."""
        return {step: round(seconds, 2) for step, seconds in self._seconds.items()}


@contextmanager
def _peak_memory(cluster: EmbeddedCluster) -> Iterator[list[int]]:
    """The most bytes that this process and PostgreSQL's held together (proportional share: a shared page counts once)."""
    import threading

    peak, stop = [0], threading.Event()

    def watch() -> None:
        while not stop.wait(_LOOK_SECONDS):
            peak[0] = max(peak[0], _held_by(_with_children(cluster.pid or 0)))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        stop.set()
        watcher.join()


def _with_children(pid: int) -> list[str]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        below = children.read_text().split()
    except OSError:
        below = []
    return ["self", str(pid), *below]


def _held_by(pids: list[str]) -> int:
    total = 0
    for pid in pids:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next(
            (int(line.split()[1]) << 10 for line in rollup.splitlines() if line.startswith("Pss:")), 0
        )
    return total


_HOUSES = """
INSERT INTO identity.establishment (id, finess, name, town, profession)
SELECT id, '99' || lpad(number::text, 7, '0'), 'Pharmacie ' || number, 'Lyon', 'pharmacy' FROM bench_house
"""
_INVOICES = """
INSERT INTO claims.invoice (id, establishment, number, digest, insurer, engagement, engagement_number, pseudonym, domain, care_date,
  received, state, total, amo, amc, patient, participation, franchise, fingerprint)
SELECT gen_random_uuid(), h.id, 'F' || n, sha256(n::text::bytea), 1 + n %% %(insurers)s, n, 'BENCH-' || n,
  substr(sha256(n::text::bytea), 1, 16), 'PHAR', '2026-01-05', %(now)s, 'accepted', 2000 + n %% 3000, 1000, 1000 + n %% 3000, 0, 0, 0,
  sha256(('f' || n)::bytea)
FROM generate_series(0, %(claims)s - 1) AS n JOIN bench_house h ON h.number = n / %(each)s
"""
_DUES = """
INSERT INTO claims.due (invoice, establishment, insurer, kind, cents, since)
SELECT id, establishment, insurer, 'invoice', amc, received FROM claims.invoice ORDER BY engagement
"""
_JOURNAL = """
INSERT INTO claims.journal (at, kind, debit, credit, cents, insurer, establishment, source)
SELECT received, 'acceptance', 'amc', 'ps', amc, insurer, establishment, id FROM claims.invoice ORDER BY engagement
"""


def _fill(c: "psycopg.Connection[Any]", claims: int, key: X25519PrivateKey) -> None:
    """Insurers, establishments with their accounts, invoices in the order of their arrival: one establishment after the other."""
    now, public = system_clock(), key.public_key()
    houses = [uuid.uuid4() for _ in range(-(-claims // CLAIMS_A_HOUSE))]
    with c.transaction():
        c.execute("CREATE TEMPORARY TABLE bench_house (number integer PRIMARY KEY, id uuid)")
        with c.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO vault.insurer (number, amc, name, signing_key, notice_key) VALUES (%s, %s, %s, '', '')",
                [(number, f"99{number:06d}", f"Mutuelle {number}") for number in range(1, INSURERS + 1)],
            )
            with cursor.copy("COPY bench_house (number, id) FROM STDIN") as copy:
                for number, house in enumerate(houses):
                    copy.write_row((number, house))
            c.execute(_HOUSES)
            with cursor.copy(
                "COPY claims.rib (id, establishment, sealed, state, asked, asked_by, effective_at, needs_second) FROM STDIN"
            ) as copy:
                for number, house in enumerate(houses):
                    rib = uuid.uuid4()
                    sealed = seal_rib(public, house, rib, check_iban(synthetic_iban(number)))
                    copy.write_row((rib, house, sealed, "in-force", now, house, now, False))
        values = {"claims": claims, "each": CLAIMS_A_HOUSE, "insurers": INSURERS, "now": now}
        for statement in (_INVOICES, _DUES, _JOURNAL):
            c.execute(statement, values)
    c.execute("VACUUM (ANALYZE)")
    c.execute("CHECKPOINT")
