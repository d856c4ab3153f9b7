"""The claims' daily work: RIBs that have waited, the day's settlement, letters, what time ends, the insurers' flows.

Each job may be killed anywhere and started again; none does twice what is done. Without a settlement key this worker settles nothing.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg

from rempart.claims.activation import put_ribs_in_force
from rempart.claims.expiry import expire, forget_acknowledged
from rempart.claims.flows import FlowsBusy, make_flows
from rempart.claims.letter_writing import write_letters
from rempart.claims.paying import payer_of
from rempart.claims.rib_checking import judge_typed_ribs
from rempart.claims.settlement import SettlementBusy, resume, settle
from rempart.claims.store_settlement import run_of
from rempart.claims.target import is_target_day
from rempart.foundation.clock import PARIS, Clock, instant, paris_date
from rempart.foundation.errors import Outage
from rempart.foundation.settings import WorkerSettings

_log = logging.getLogger("rempart.worker")


def settle_when_due(settings: WorkerSettings, clock: Clock) -> None:
    """Once a day on which banks settle, from the settings' hour on; a run that was cut short goes on whenever it is found."""
    if settings.settlement_key is None:
        return
    with _connected(settings) as c:
        try:
            resume(c, payer_of(settings), clock)
            put_ribs_in_force(c, clock)
            judge_typed_ribs(c, payer_of(settings).key, clock)
            if not _is_time(settings, clock) or run_of(c, paris_date(clock())) is not None:
                return
            run = settle(c, payer_of(settings), clock)
        except SettlementBusy:
            # Somebody settles by hand; the next turn looks again.
            return
    _log.info(
        "settled: %d payments, %d cents, %d without an account", run.payments, run.cents, run.without_rib
    )


def write_waiting_letters(settings: WorkerSettings, clock: Clock) -> None:
    """Into the outbox."""
    if settings.outbox_folder is None:
        return
    with _connected(settings) as c:
        write_letters(c, settings.outbox_folder, settings.debtor_name, clock)


def end_what_has_had_its_time(settings: WorkerSettings, clock: Clock) -> None:
    """Agreements nobody billed, counters older than any window, files acknowledged a week ago."""
    with _connected(settings) as c:
        expire(c, paris_date(clock()))
        forget_acknowledged(c, clock())


def make_yesterdays_flows(settings: WorkerSettings, clock: Clock) -> None:
    """Each insurer's flow of the day that is over in Paris."""
    with _connected(settings) as c:
        try:
            make_flows(c, paris_date(clock()) - timedelta(days=1), clock)
        except FlowsBusy:
            return


def _is_time(settings: WorkerSettings, clock: Clock) -> bool:
    there: datetime = instant(clock()).astimezone(PARIS)
    return is_target_day(there.date()) and there.hour >= settings.settlement_hour


@contextmanager
def _connected(settings: WorkerSettings) -> Iterator["psycopg.Connection[Any]"]:
    try:
        with psycopg.connect(settings.dsn, autocommit=True) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise Outage(type(error).__name__) from error
