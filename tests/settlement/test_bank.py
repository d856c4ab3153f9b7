"""The bank's word and the insurers' funds, and an indu recovered: the journal follows to the cent."""

import psycopg
import pytest

from rempart.claims.bank import ReportContradicts, Taken, take_report
from rempart.claims.bank_report import BankReport, Fate, Outcome
from rempart.claims.funds import TooMuchReceived, receive_funds
from rempart.claims.journal import JournalUnbalanced, balances, check_balanced
from rempart.claims.settlement import message_id
from rempart.foundation.clock import DAY, paris_date
from tests.settlement.conftest import Till


def report(*outcomes: Outcome, order: str = "", rest: Fate | None = None) -> BankReport:
    return BankReport("pain.002", "M1", order, outcomes, rest)


def take(till: Till, told: BankReport) -> Taken:
    with till.worker() as c:
        taken = take_report(c, told, till.clock)
        check_balanced(c)
        return taken


def settled(till: Till, claims: int = 120) -> list[tuple[str, int]]:
    till.fill(claims)
    till.settle()
    return till.rows("SELECT end_to_end, cents FROM claims.payment ORDER BY end_to_end")


def test_a_rejected_transfer_is_due_again_and_paid_the_next_day(till: Till) -> None:
    (first, cents), *_ = settled(till)
    order = message_id(paris_date(till.clock()), 1)
    told = report(Outcome(first, Fate.REJECTED, "AM04", cents), order=order, rest=Fate.PAID)
    taken = take(till, told)
    assert (taken.rejected, taken.executed) == (1, 2)
    assert take(till, told).known == 3
    assert till.one("SELECT sum(cents) FROM claims.due WHERE payment IS NULL") == cents
    assert till.one("SELECT sum(cents)::bigint FROM claims.rejected_line") == cents
    assert (
        till.one("SELECT facts ->> 'statement' FROM claims.letter WHERE kind = 'payment-rejected'") == first
    )
    till.clock.advance(DAY)
    assert till.settle().cents == cents
    with till.worker() as c:
        check_balanced(c)
    # Called once: what was rejected is credited, what is ordered anew is called.
    assert till.one("SELECT sum(cents)::bigint FROM claims.call_for_funds") == till.one(
        "SELECT sum(amc)::bigint FROM claims.invoice"
    )


def test_an_account_that_is_closed_is_paid_no_more(till: Till) -> None:
    (first, _), *_ = settled(till)
    taken = take(till, report(Outcome(first, Fate.REJECTED, "AC04")))
    assert taken.rejections[0].rib_refused
    till.clock.advance(DAY)
    run = till.settle()
    assert (run.payments, run.without_rib) == (0, 1)


def test_a_transfer_that_comes_back_after_its_execution_is_due_again(till: Till) -> None:
    (first, cents), *_ = settled(till)
    take(till, report(Outcome(first, Fate.PAID)))
    assert take(till, report(Outcome(first, Fate.RETURNED, "MD07"))).rejected == 1
    assert take(till, report(Outcome(first, Fate.RETURNED, "MD07"))).known == 1
    assert till.one("SELECT sum(cents)::bigint FROM claims.due WHERE payment IS NULL") == cents


def test_a_report_with_another_amount_is_not_believed_at_all(till: Till) -> None:
    (first, cents), (second, _), *_ = settled(till)
    with pytest.raises(ReportContradicts):
        take(till, report(Outcome(second, Fate.PAID), Outcome(first, Fate.REJECTED, "", cents + 1)))
    assert till.rows("SELECT DISTINCT state FROM claims.payment") == [("ordered",)]


def test_somebody_elses_transfer_is_told_and_changes_nothing(till: Till) -> None:
    settled(till)
    assert take(till, report(Outcome("XX-1", Fate.PAID))).unknown == ("XX-1",)


def test_funds_are_received_once_and_never_beyond_the_call(till: Till) -> None:
    settled(till)
    reference, cents = till.rows("SELECT reference, cents FROM claims.call_for_funds LIMIT 1")[0]
    with till.worker() as c:
        assert receive_funds(c, reference, cents - 1, "B1", till.clock)
        assert not receive_funds(c, reference, cents - 1, "B1", till.clock)
        with pytest.raises(TooMuchReceived):
            receive_funds(c, reference, 2, "B2", till.clock)
        assert receive_funds(c, reference, 1, "B2", till.clock)
        check_balanced(c)
        assert balances(c)["bank"] == cents
    assert (
        till.one("SELECT received FROM claims.call_for_funds WHERE reference = %s", reference) == till.clock()
    )


def owe_back(till: Till, cents: int, not_before: int) -> None:
    """An indu as a late cancellation leaves it: due, and in the journal."""
    till.do(
        """WITH one AS (SELECT id, establishment, insurer FROM claims.invoice ORDER BY number LIMIT 1), owed AS (
             INSERT INTO claims.due (invoice, establishment, insurer, kind, cents, since, not_before)
             SELECT id, establishment, insurer, 'indu', -%s, 0, %s FROM one)
           INSERT INTO claims.journal (at, kind, debit, credit, cents, insurer, establishment, source)
           SELECT 0, 'cancellation', 'ps', 'amc', %s, insurer, establishment, id FROM one""",
        cents, not_before, cents,
    )  # fmt: skip


@pytest.mark.parametrize(("beyond", "left"), [(-1, 0), (0, 0), (500, -500)])
def test_an_indu_is_recovered_from_what_is_due_and_never_beyond_it(
    till: Till, beyond: int, left: int
) -> None:
    till.fill(40)
    total = till.one("SELECT sum(amc)::bigint FROM claims.invoice")
    owe_back(till, total + beyond, 0)
    run = till.settle()
    assert (run.payments, run.cents) == (1, max(-beyond, 0))
    assert till.one("SELECT coalesce(sum(cents), 0)::bigint FROM claims.due WHERE payment IS NULL") == left
    assert till.one("SELECT state FROM claims.payment") == ("ordered" if beyond < 0 else "executed")
    with till.worker() as c:
        check_balanced(c)


def test_an_indu_waits_for_its_notice(till: Till) -> None:
    till.fill(40)
    owe_back(till, 100, till.clock() + 30 * DAY)
    assert till.settle().cents == till.one("SELECT sum(amc)::bigint FROM claims.invoice")
    till.clock.advance(31 * DAY)
    run = till.settle()
    # Nothing is due to it by then: it is carried.
    assert (run.payments, run.carried) == (0, 1)


def test_a_row_of_the_journal_that_nothing_explains_is_found(till: Till) -> None:
    settled(till)
    till.do(
        """INSERT INTO claims.journal (at, kind, debit, credit, cents, establishment, source)
           SELECT 0, 'execution', 'orders', 'bank', 5, establishment, id FROM claims.payment LIMIT 1"""
    )
    with till.worker() as c, pytest.raises(JournalUnbalanced, match="orders"):
        check_balanced(c)


@pytest.mark.parametrize("change", ["UPDATE claims.journal SET cents = 1", "DELETE FROM claims.journal"])
def test_even_the_owner_rewrites_no_journal(till: Till, change: str) -> None:
    with pytest.raises(psycopg.errors.RaiseException):
        till.do(change)
