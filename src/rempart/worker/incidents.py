"""Every hour: packages that nobody acknowledged are recalled, and what of an incident cannot wait is said in the log until it is done."""

import asyncio
import logging
from pathlib import Path

import psycopg

from rempart.foundation.clock import HOUR, Clock
from rempart.foundation.errors import Outage
from rempart.foundation.settings import WorkerSettings
from rempart.incident import store_case as store
from rempart.incident.case import Incident
from rempart.incident.clocks import Clocks, State, read_clocks
from rempart.incident.handing_over import overdue
from rempart.incident.notices.templates import Templates
from rempart.incident.reminding import recall
from rempart.incident.store_case import Connection
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import Done, Recall, Refused, Reply

ACTOR = "worker"
"""In the incident's journal; row security lets the worker write under no other name, and no other act."""
_log = logging.getLogger("rempart.worker")


def recall_packages(settings: WorkerSettings, clock: Clock) -> None:
    """Of every incident. Raises BadTemplate (a clock that cannot be read is no reason to be silent), Outage."""
    clocks = Templates.read(settings.templates_folder).clocks
    socket = settings.run_folder / "worker.sock"
    try:
        with psycopg.connect(settings.dsn, autocommit=True) as c:
            for incident in store.incidents(c):
                _recall(c, incident.id, clocks, clock, socket)
                _say_clocks(incident, clocks, clock())
    except psycopg.OperationalError as error:
        raise Outage(type(error).__name__) from error


def _recall(c: Connection, incident: int, clocks: Clocks, clock: Clock, socket: Path) -> None:
    hours = clocks.remind_after_hours
    for each in recall(c, incident, hours, clock, lambda amc: _tell(socket, amc, incident), ACTOR):
        if each.told:
            _log.warning(
                "incident %d: package %d of %s recalled", incident, each.package.issue, each.package.amc
            )
        else:
            _log.error("incident %d: %s has no seat to tell: by other means", incident, each.package.amc)
    now = clock()
    for package in overdue(store.laid(c, incident), hours, now):
        waited = (now - package.made) // HOUR
        _log.error(
            "incident %d: package %d of %s not acknowledged for %d h",
            incident,
            package.issue,
            package.amc,
            waited,
        )


def _say_clocks(incident: Incident, clocks: Clocks, now: int) -> None:
    for each in read_clocks(clocks, incident, now):
        if each.duty.aid or each.state not in {State.LATE, State.SOON}:
            continue
        level = logging.CRITICAL if each.state is State.LATE else logging.ERROR
        _log.log(level, "incident %d: %s is %s (%s)", incident.id, each.duty.key, each.state, each.duty.law)


def _tell(socket: Path, amc: str, incident: int) -> bool:
    async def ask() -> Reply:
        client = VaultClient(socket, timeout=5.0)
        try:
            return await client.call(Recall(amc, incident))
        finally:
            await client.close()

    reply = asyncio.run(ask())
    if isinstance(reply, Refused) and reply.code == "not-found":
        return False
    if not isinstance(reply, Done):
        raise Outage(reply.code if isinstance(reply, Refused) else "recall")
    return True
