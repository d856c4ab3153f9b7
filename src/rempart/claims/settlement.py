"""The settlement run: from what is due to each establishment to the order at the bank, its statements and the calls for funds.

Steps (docs/algorithms/settlement.md). Each is one transaction or one rename, and looks first at what is already done, so that starting
again is the normal path: open, net (batch by batch), for each part stage → record → hand over → ordered, call for funds, end.

Why in this order: the file is durable beside the bank's folder before its digest is recorded, it is recorded before it is renamed into
that folder, and it is there before any payment is called ordered. So a file that is recorded and no longer staged was handed over,
even if somebody has taken it from the bank's folder already: it is never handed over twice. And no statement precedes its order.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from rempart.claims import store_settlement as store
from rempart.claims.credit_transfer import (
    MOST_CENTS,
    BadOrder,
    CreditTransferFile,
    Transfer,
    check_transfer,
    write,
)
from rempart.claims.durable import flush_folder, write_durably
from rempart.claims.rib import RibUnreadable, open_rib
from rempart.claims.store_settlement import Connection, Netted, OrderFile, Run
from rempart.claims.target import next_target_day
from rempart.foundation.clock import SECOND, Clock, instant, paris_date
from rempart.foundation.errors import Outage, Refusal

BATCH = 500
"""Establishments netted in one transaction."""
PART = 10_000
"""Transfers in one file at the most: what a bank takes."""
_log = logging.getLogger("rempart.settlement")


class SettlementBusy(Refusal):
    """Two processes never move money at once."""

    code = "settlement-busy"
    french = "Un règlement est déjà en cours : attendez sa fin (`rempart settlement status`)."
    english = "A settlement is already under way: wait for its end (`rempart settlement status`)."


class OrderChanged(Outage):
    """The file that waits is not the one that was recorded."""

    code = "order-changed"
    french = "L'ordre de virement en attente a été modifié sur le disque : il n'est pas remis à la banque. Faites-le vérifier."
    english = "The transfer order that waits was changed on disk: it is not handed to the bank. Have it looked into."


@dataclass(frozen=True)
class Payer:
    """Who pays, from which account, and where orders are laid down. `key` opens RIBs; `funds_days`: working days an insurer has."""

    name: str
    iban: str = field(repr=False)
    key: X25519PrivateKey = field(repr=False)
    outbox: Path
    funds_days: int = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """Something is durable: how far the step is."""

    step: str
    done: int
    of: int


Told = Callable[[Progress], None]


def settle(c: Connection, payer: Payer, clock: Clock, told: Told = lambda _: None) -> Run:
    """Finish whatever run was cut short, then settle today's dues, once. `c`: autocommit, as rempart_worker. Answers the day's run.

    Raises SettlementBusy; BadOrder and OrderChanged, which leave the run where it is.
    """
    with alone(c):
        today = paris_date(clock())
        _finish(c, payer, clock, told)
        run = store.run_of(c, today)
        if run is not None:
            return run
        with c.transaction():
            store.open_run(c, today, clock())
        run = _fresh(c, today)
        told(Progress("open", 0, run.establishments))
        return _go_on(c, run, payer, clock, told)


def resume(c: Connection, payer: Payer, clock: Clock, told: Told = lambda _: None) -> None:
    """Finish whatever run was cut short, and open none. Raises as `settle`."""
    with alone(c):
        _finish(c, payer, clock, told)


@contextmanager
def alone(c: Connection) -> Iterator[None]:
    """Hold the lock of whoever moves money. Raises SettlementBusy."""
    if not store.take_lock(c):
        raise SettlementBusy
    try:
        yield
    finally:
        if not c.broken:
            store.give_lock(c)


def _finish(c: Connection, payer: Payer, clock: Clock, told: Told) -> None:
    while (cut_short := store.unfinished_run(c)) is not None:
        _go_on(c, cut_short, payer, clock, told)


def _go_on(c: Connection, run: Run, payer: Payer, clock: Clock, told: Told) -> Run:
    if run.state == "netting":
        run = _net(c, run, told)
    parts = store.parts_to_order(c, run.id)
    for done, part in enumerate(parts, 1):
        _order_part(c, run, part, payer, clock, told)
        told(Progress("order", done, len(parts)))
    with c.transaction():
        store.put_ordered(c, run.id, None, clock())
        due_on = next_target_day(run.day, payer.funds_days)
        store.call_funds(c, run, clock(), f"AF{run.day:%Y%m%d}-", due_on)
        store.end_run(c, run.id, clock())
    told(Progress("end", 1, 1))
    return _fresh(c, run.day)


def _net(c: Connection, run: Run, told: Told) -> Run:
    """Batch after batch of establishments, in the order of their ids."""
    prefix = f"RP{run.day:%Y%m%d}-"
    while (batch := store.next_batch(c, run.netted_to, BATCH)) is not None:
        with c.transaction():
            store.net_batch(c, run, batch[0], batch[1], prefix, PART)
        run = _fresh(c, run.day)
        told(Progress("net", run.establishments_done, max(run.establishments, run.establishments_done)))
    with c.transaction():
        store.end_netting(c, run.id)
    told(Progress("netted", run.establishments, run.establishments))
    return _fresh(c, run.day)


def _order_part(c: Connection, run: Run, part: int, payer: Payer, clock: Clock, told: Told) -> None:
    waiting, bank = payer.outbox / "staged", payer.outbox / "bank"
    name = f"{message_id(run.day, part)}.xml"
    for folder in (waiting, bank):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = store.staged_part(c, run.id, part)
    if file is None:
        file = _stage(c, run, part, payer, waiting / name, clock, told)
        if file is None:
            return
    if (waiting / name).exists():
        if hashlib.sha256((waiting / name).read_bytes()).digest() != file.digest:
            raise OrderChanged(name)
        (waiting / name).rename(bank / name)
        flush_folder(bank)
        flush_folder(waiting)
        told(Progress("handed", part, part))
    with c.transaction():
        store.put_ordered(c, run.id, part, clock())


def _stage(
    c: Connection, run: Run, part: int, payer: Payer, path: Path, clock: Clock, told: Told
) -> OrderFile | None:
    """Write the part's file durably, then record its digest. None when no payment of it could be kept."""
    transfers = _open_ribs(c, store.payments_of_part(c, run.id, part), payer, clock)
    if not transfers:
        return None
    # Everything comes from the run's own row: started again, it gives the same bytes.
    order = CreditTransferFile(
        message_id=message_id(run.day, part), created=instant(run.opened - run.opened % SECOND),
        requested_date=next_target_day(run.day), debtor_name=payer.name, debtor_iban=payer.iban, debtor_bic=None,
        transfers=tuple(transfers),
    )  # fmt: skip
    content = write(order)
    write_durably(path, content)
    told(Progress("staged", part, part))
    digest = hashlib.sha256(content).digest()
    file = OrderFile(part, order.message_id, digest, len(transfers), order.cents, clock(), None)
    with c.transaction():
        store.put_staged(c, run.id, file)
    told(Progress("recorded", part, part))
    return file


def _open_ribs(c: Connection, payments: list[Netted], payer: Payer, clock: Clock) -> list[Transfer]:
    """The only place where a RIB is read. One that does not open, and a transfer that no bank takes, keep nobody else from being paid."""
    transfers = []
    for payment in payments:
        try:
            iban = open_rib(payer.key, payment.establishment, payment.rib, bytes(payment.sealed))
        except RibUnreadable as error:
            with c.transaction():
                # ISO 20022's AC01: the account number is not one. That is what its establishment has to know.
                store.withdraw(c, payment, error.code, "AC01", clock())
            continue
        remittance = f"Tiers payant {payment.end_to_end}"
        transfer = Transfer(payment.end_to_end, payment.cents, payment.name, iban, remittance)
        try:
            check_transfer(transfer, payment.end_to_end)
        except BadOrder as error:
            # The operator's to look into: an amount that no invoice explains, a name without a Latin letter.
            _log.error("%s: a transfer that no bank takes is withdrawn", payment.end_to_end)
            with c.transaction():
                store.withdraw(
                    c, payment, error.code, "AM02" if payment.cents > MOST_CENTS else "RR03", clock()
                )
            continue
        transfers.append(transfer)
    return transfers


def message_id(day: date, part: int) -> str:
    """The name of a part's order, at the bank and on disk."""
    return f"REMPART-{day:%Y%m%d}-{part:04d}"


def _fresh(c: Connection, day: date) -> Run:
    run = store.run_of(c, day)
    assert run is not None
    return run
