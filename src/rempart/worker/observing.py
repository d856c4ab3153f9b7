"""The worker looks once a minute whether each service works, and writes down what changed: the status page never guesses."""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path

import psycopg

from rempart.foundation.clock import DAY, Clock
from rempart.foundation.errors import Outage
from rempart.foundation.settings import WorkerSettings
from rempart.status import store
from rempart.status.levels import DAYS, changes_between
from rempart.status.model import Level, Service
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import Health, Healthy

_log = logging.getLogger("rempart.worker")
_NOTHING_TOLD = frozenset({"closed", "claims-only"})
_NOTHING_TAKEN = frozenset({"closed", "read-only"})
_WIDE = frozenset({"platform", "insurer", "lane", "profession"})


def observe(settings: WorkerSettings, clock: Clock) -> None:
    """Ask, compare, write. A database that does not answer leaves the page to say that nobody looked."""
    vault = _health(settings.run_folder / "worker.sock")
    cashier = _health(settings.run_folder / "claims-worker.sock")
    now = clock()
    try:
        with psycopg.connect(settings.dsn, autocommit=True) as c:
            seen = levels(vault, cashier, store.standing_holds(c, now))
            changes = changes_between(store.levels_known(c), seen, now)
            store.write_changes(c, changes, now, now - (DAYS + 1) * DAY)
    except psycopg.OperationalError as error:
        _log.warning("the services' state was not written: %s", type(error).__name__)


def _health(socket: Path) -> Healthy | None:
    async def ask() -> Healthy | None:
        client = VaultClient(socket, timeout=5.0)
        try:
            reply = await client.call(Health())
        finally:
            await client.close()
        return reply if isinstance(reply, Healthy) else None

    try:
        return asyncio.run(ask())
    except Outage:
        return None


def levels(
    vault: Healthy | None, cashier: Healthy | None, holds: Iterable[tuple[str, str]]
) -> dict[Service, Level]:
    """What can be used: by the two zones' own word, and by the switches that stand over many."""
    standing = set(holds)
    everywhere = {hold for scope, hold in standing if scope == "platform"}
    somewhere = {hold for scope, hold in standing if scope in _WIDE}
    told = _level(
        vault is not None and vault.ready and not vault.restored, everywhere & _NOTHING_TOLD, somewhere
    )
    taken = _level(_both(vault, cashier), everywhere & _NOTHING_TAKEN, somewhere & _NOTHING_TAKEN)
    return {
        Service.SIGN_IN: _level(vault is not None and vault.database, set(), set()),
        Service.RIGHTS: told,
        Service.SOFTWARE: told,
        # A prise en charge is a look-up and a writing at once.
        Service.PRISES_EN_CHARGE: max(told, taken),
        Service.INVOICES: taken,
        Service.PAYMENTS: _level(_both(vault, cashier), set(), set()),
        Service.LEDGER: _level(vault is not None, set(), set()),
    }


def _both(vault: Healthy | None, cashier: Healthy | None) -> bool:
    return vault is not None and vault.database and cashier is not None and cashier.ready


def _level(works: bool, closed: set[str], restricted: set[str]) -> Level:
    if not works or closed:
        return Level.DOWN
    return Level.RESTRICTED if restricted else Level.OPERATIONAL
