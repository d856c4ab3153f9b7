"""Dossiers of référencement that have had their time are erased: an unfinished one after an hour, what can be read of a decided one after a
month, everything after six (rempart.identity.store_dossiers)."""

import logging

import psycopg

from rempart.foundation.clock import Clock
from rempart.foundation.settings import WorkerSettings
from rempart.identity import store_dossiers

_log = logging.getLogger("rempart.worker")


def erase_dossiers(settings: WorkerSettings, clock: Clock) -> int:
    """How many lost something. A count is all that is logged."""
    with psycopg.connect(settings.dsn, autocommit=True) as connection:
        erased = store_dossiers.erase(connection, clock())
    if erased:
        _log.info("%d dossiers erased, whole or in part", erased)
    return erased
