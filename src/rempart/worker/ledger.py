"""The ledger is recomputed and compared while it grows: a rewritten leaf is seen within a minute, not on the day somebody asks.

Each audit goes on from where the one before ended; once a night everything is recomputed from the first leaf. How far it got is kept in a
file, outside the database, which its owner could rewrite together with the leaves.
"""

import logging
from datetime import datetime, time, timedelta
from pathlib import Path

import msgspec
import psycopg

from rempart.evidence.audit import AuditReport, audit_ledger
from rempart.evidence.daily import make_openings
from rempart.evidence.errors import (
    LedgerBroken,
    LedgerUnreadable,
    NoteMalformed,
    NoteRefused,
    OpeningsBusy,
)
from rempart.evidence.merkle import Frontier
from rempart.evidence.note import VerifierKey
from rempart.foundation.clock import PARIS, SECOND, Clock, paris_date
from rempart.foundation.settings import WorkerSettings

_log = logging.getLogger("rempart.worker")


class LastAudit(msgspec.Struct, frozen=True):
    """What `rempart status` shows. `at` in µs; `size` the leaves found sound so far."""

    at: int
    sound: bool
    size: int
    signed_size: int
    whole: bool
    """From the first leaf, not from where the audit before ended."""
    error: str = ""


def audit(settings: WorkerSettings, clock: Clock, *, whole: bool) -> LastAudit:
    """One audit, written to `last.json`. An unsound ledger is said in the log at each audit until somebody looks; the file that tells how
    far the ledger was sound then stays as it is. Raises `LedgerUnreadable` when the database does not answer: that is no verdict.
    """
    frontier_file = settings.state_folder / "frontier"
    known = Frontier.restore(frontier_file.read_bytes()) if frontier_file.exists() else Frontier()
    key = VerifierKey.parse(settings.verifier_key) if settings.verifier_key else None
    try:
        report = _read(settings, Frontier() if whole else known, key)
    except (LedgerBroken, NoteRefused, NoteMalformed) as error:
        where = f"{error.code} at leaf {error.index}" if isinstance(error, LedgerBroken) else error.code
        _log.critical("the ledger is not sound: %s", where)
        return _tell(settings, LastAudit(clock(), False, known.size, 0, whole, where))
    if report.size < known.size:
        _log.critical("the ledger is not sound: %d leaves where there were %d", report.size, known.size)
        return _tell(
            settings, LastAudit(clock(), False, known.size, report.signed_size, whole, "shorter than it was")
        )
    _replace(frontier_file, report.frontier.serialise())
    _log.info(
        "ledger audited: %d leaves, %d of them now, %d checkpoints",
        report.size,
        report.leaves,
        report.checkpoints,
    )
    return _tell(settings, LastAudit(clock(), True, report.size, report.signed_size, whole))


def make_yesterdays_openings(settings: WorkerSettings, clock: Clock) -> None:
    """Each insurer's openings of the day that is over in Paris, once. Raises `LedgerUnreadable` when the database does not answer."""
    today = paris_date(clock())
    ended = int(datetime.combine(today, time(), PARIS).timestamp()) * SECOND
    key = VerifierKey.parse(settings.verifier_key) if settings.verifier_key else None
    try:
        with psycopg.connect(settings.dsn, autocommit=True) as connection:
            made = make_openings(connection, today - timedelta(days=1), ended, clock, key)
    except OpeningsBusy:
        return
    except psycopg.Error as error:
        raise LedgerUnreadable(type(error).__name__) from error
    if made:
        _log.info("openings made: %d files, %d leaves", len(made), sum(file.rows for file in made))


def _read(settings: WorkerSettings, since: Frontier, key: VerifierKey | None) -> AuditReport:
    try:
        with psycopg.connect(settings.dsn, autocommit=True) as connection:
            return audit_ledger(connection, batch=settings.audit_batch, since=since, key=key)
    except psycopg.Error as error:
        raise LedgerUnreadable(type(error).__name__) from error


def _tell(settings: WorkerSettings, verdict: LastAudit) -> LastAudit:
    _replace(settings.state_folder / "last.json", msgspec.json.encode(verdict) + b"\n")
    return verdict


def _replace(path: Path, content: bytes) -> None:
    staged = path.with_name(f".{path.name}.part")
    staged.write_bytes(content)
    staged.replace(path)
