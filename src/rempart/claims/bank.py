"""What the bank's word changes: a transfer executed leaves the bank account; one rejected or returned is due again.

A report may be taken any number of times: a payment's state says what was believed already. Never while a run is under way or cut short.
"""

from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from rempart.claims.bank_reasons import reason
from rempart.claims.bank_report import BankReport, Fate, Outcome
from rempart.claims.settlement import SettlementBusy, alone
from rempart.claims.store_settlement import put_letter, reopen, unfinished_run
from rempart.foundation.clock import Clock
from rempart.foundation.errors import Refusal

Connection = psycopg.Connection[Any]


class ReportContradicts(Refusal):
    """The report speaks of a transfer otherwise than we ordered it; nothing of it was taken."""

    code = "bank-report-contradicts"
    french = "Ce fichier de la banque contredit ce qui a été ordonné : rien n'en a été pris. Voyez le virement indiqué avec la banque."
    english = "This file of the bank contradicts what was ordered: nothing of it was taken. Take the transfer named up with the bank."


@dataclass(frozen=True, slots=True)
class Taken:
    """What a report changed. `known`: what it repeats; `unknown`: end to end identifiers that are not ours."""

    executed: int = 0
    rejected: int = 0
    underway: int = 0
    known: int = 0
    unknown: tuple[str, ...] = ()
    rejections: tuple["Rejection", ...] = ()


@dataclass(frozen=True, slots=True)
class Rejection:
    """A payment that did not arrive: whom to tell."""

    establishment: UUID
    end_to_end: str
    cents: int
    reason: str
    rib_refused: bool


@dataclass(frozen=True, slots=True)
class _Payment:
    id: UUID
    establishment: UUID
    rib: UUID
    end_to_end: str
    cents: int
    state: str


def take_report(c: Connection, report: BankReport, clock: Clock) -> Taken:
    """Believe a report, whole or not at all. `c`: autocommit, as rempart_worker. Raises SettlementBusy, ReportContradicts."""
    with alone(c):
        if unfinished_run(c) is not None:
            raise SettlementBusy("finish the run that was cut short first")
        with c.transaction():
            return _take(c, report, clock())


def _take(c: Connection, report: BankReport, at: int) -> Taken:
    counts = dict.fromkeys(Fate, 0)
    known, unknown, rejections = 0, [], []
    payments = _payments(c, report)
    for outcome in _outcomes(report, payments):
        payment = payments.get(outcome.end_to_end_id)
        if payment is None:
            unknown.append(outcome.end_to_end_id)
            continue
        if outcome.cents not in {None, payment.cents}:
            raise ReportContradicts(outcome.end_to_end_id)
        if _already(payment, outcome.fate):
            known += 1
            continue
        counts[outcome.fate] += 1
        if outcome.fate is Fate.PAID:
            _execute(c, payment, at)
        elif outcome.fate in {Fate.REJECTED, Fate.RETURNED}:
            rejections.append(_reject(c, payment, outcome.reason_code, at))
    return Taken(
        counts[Fate.PAID], len(rejections), counts[Fate.UNDERWAY], known, tuple(unknown), tuple(rejections)
    )


def _outcomes(report: BankReport, payments: dict[str, _Payment]) -> list[Outcome]:
    """Those named, and the rest of the order where the report says one thing of it."""
    outcomes = list(report.outcomes)
    if report.rest is not None:
        named = {outcome.end_to_end_id for outcome in outcomes}
        outcomes += [Outcome(name, report.rest, report.rest_reason) for name in payments if name not in named]
    return outcomes


def _already(payment: _Payment, fate: Fate) -> bool:
    """Was this believed before? A rejection is final; after an execution, only a return is news."""
    if payment.state == "rejected":
        if fate is Fate.PAID:
            raise ReportContradicts(payment.end_to_end)
        return True
    if payment.state == "executed":
        if fate is Fate.REJECTED:
            raise ReportContradicts(payment.end_to_end)
        return fate is not Fate.RETURNED
    return False


# ── SQL ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

_PAYMENT: LiteralString = """
SELECT p.id, p.establishment, p.rib, p.end_to_end, p.cents, p.state FROM claims.payment p
"""


def _payments(c: Connection, report: BankReport) -> dict[str, _Payment]:
    """The payments a report may speak of: those of its order, or those it names."""
    if report.original_message_id:
        where: LiteralString = (
            "JOIN claims.order_file f ON f.run = p.run AND f.part = p.part AND f.message_id = %s"
            " WHERE p.state IN ('ordered', 'executed', 'rejected')"
        )
        values: tuple[Any, ...] = (report.original_message_id,)
    else:
        where = "WHERE p.end_to_end = ANY (%s) AND p.part IS NOT NULL AND p.state IN ('ordered', 'executed', 'rejected')"
        values = ([outcome.end_to_end_id for outcome in report.outcomes],)
    with c.cursor(row_factory=class_row(_Payment)) as cursor:
        return {
            payment.end_to_end: payment
            for payment in cursor.execute(_PAYMENT + where + " FOR UPDATE OF p", values)
        }


def _execute(c: Connection, payment: _Payment, at: int) -> None:
    c.execute("UPDATE claims.payment SET state = 'executed', settled = %s WHERE id = %s", (at, payment.id))
    _journal(c, payment, "execution", "orders", "bank", at)


def _reject(c: Connection, payment: _Payment, code: str, at: int) -> Rejection:
    """Due again for the next run; its statement stays what it was. The account is paid no more if it is what the bank refused."""
    if payment.state == "executed":
        _journal(c, payment, "return", "bank", "orders", at)
    c.execute(
        """INSERT INTO claims.journal (at, kind, debit, credit, cents, insurer, establishment, source)
           SELECT %s, 'rejection', CASE WHEN sum(cents) > 0 THEN 'orders' ELSE 'ps' END,
                  CASE WHEN sum(cents) > 0 THEN 'ps' ELSE 'orders' END, abs(sum(cents)), insurer, establishment, payment
           FROM claims.due WHERE payment = %s GROUP BY insurer, establishment, payment HAVING sum(cents) <> 0""",
        (at, payment.id),
    )
    c.execute(
        """INSERT INTO claims.rejected_line (payment, invoice, establishment, insurer, kind, cents)
           SELECT payment, invoice, establishment, insurer, kind, cents FROM claims.due WHERE payment = %s""",
        (payment.id,),
    )
    reopen(c, payment.id)
    why = reason(code)
    c.execute(
        "UPDATE claims.payment SET state = 'rejected', reason = %s, settled = %s WHERE id = %s",
        (why.code, at, payment.id),
    )
    if why.rib:
        c.execute(
            "UPDATE claims.rib SET state = 'replaced' WHERE id = %s AND state = 'in-force'", (payment.rib,)
        )
    facts = {
        "statement": payment.end_to_end,
        "cents": payment.cents,
        "reason": why.code,
        "rib_refused": why.rib,
    }
    put_letter(c, payment.establishment, "payment-rejected", at, facts)
    return Rejection(payment.establishment, payment.end_to_end, payment.cents, why.code, why.rib)


def _journal(c: Connection, payment: _Payment, kind: str, debit: str, credit: str, at: int) -> None:
    c.execute(
        """INSERT INTO claims.journal (at, kind, debit, credit, cents, establishment, source)
           VALUES (%s, %s, %s, %s, %s, %s, %s)""",
        (at, kind, debit, credit, payment.cents, payment.establishment, payment.id),
    )
