"""An invoice is cancelled while the run nets it: nothing is paid twice or lost, and what was paid is not taken back unannounced."""

import uuid
from pathlib import Path
from threading import Thread

from rempart.claims import store_settlement
from rempart.claims.bank import take_report
from rempart.claims.bank_report import BankReport, Fate, Outcome
from rempart.claims.journal import check_balanced
from rempart.claims.messages import Care, Invoice, InvoiceBody, Line, NumberBody
from rempart.claims.settlement import Payer, Progress, settle
from rempart.foundation.clock import DAY
from rempart.foundation.vocabulary import Domain
from rempart.population.professionals import synthetic_iban
from tests.cashier.conftest import Professional, Trade
from tests.cashier.test_money import referenced

DRUG = Line(nature="drug-65", price=1_075, base=1_075)


def billed(who: Professional, number: str) -> Invoice:
    receipt = who.receipt(who.trade.insure(who.trade.insurer()), Domain.PHAR)
    answer = who.ask_invoice(InvoiceBody(number, Care([DRUG], receipt), who.trade.today().isoformat()))
    assert answer.state == "accepted"
    return answer


def cancel(who: Professional, number: str) -> Invoice:
    return who.ask(Invoice, "/claims/invoice/cancel", NumberBody(number))


def payer(trade: Trade, folder: Path) -> Payer:
    return Payer("REMPART", synthetic_iban(9), trade.settlement, folder)


def paid(trade: Trade, who: Professional) -> list[int]:
    """Each payment of this establishment, in order."""
    found = trade.rows(
        "SELECT cents FROM claims.payment WHERE establishment = %s ORDER BY ordered", who.establishment
    )
    return [int(cents) for (cents,) in found]


def back(trade: Trade, who: Professional) -> list[str]:
    """How amounts were taken back from this establishment."""
    return [
        kind
        for (kind,) in trade.rows(
            "SELECT kind FROM claims.due WHERE cents < 0 AND establishment = %s", who.establishment
        )
    ]


def test_an_invoice_cancelled_after_the_run_opened_and_before_it_is_netted_is_not_paid(
    trade: Trade, tmp_path: Path
) -> None:
    who = referenced(trade)
    billed(who, "F1")
    kept = billed(who, "F2").shares.amc

    def told(progress: Progress) -> None:
        if progress.step == "open":
            cancel(who, "F1")

    trade.clock.advance(DAY)
    with trade.database.connect("worker") as c:
        settle(c, payer(trade, tmp_path), trade.clock, told)
        check_balanced(c)
        assert (paid(trade, who), back(trade, who)) == ([kept], ["cancellation"])
        trade.clock.advance(DAY)
        settle(c, payer(trade, tmp_path), trade.clock)
        check_balanced(c)
    assert paid(trade, who) == [kept]


def test_an_invoice_cancelled_while_its_batch_commits_is_recovered_after_a_notice(
    trade: Trade, tmp_path: Path
) -> None:
    """The batch has taken it and nobody else can see that yet: the cancellation waits for the batch, then knows that it is an indu."""
    who = referenced(trade)
    amount = billed(who, "F1").shares.amc
    trade.clock.advance(DAY)
    who.wake()
    thief = Thread(target=cancel, args=(who, "F1"))
    with trade.database.connect("worker") as c, trade.database.connect() as owner:
        with c.transaction():
            store_settlement.open_run(c, trade.today(), trade.clock())
        run = store_settlement.run_of(c, trade.today())
        assert run is not None
        with c.transaction():
            store_settlement.net_batch(c, run, uuid.UUID(int=2**128 - 1), 1, "RACE-", 10)
            thief.start()
            while (
                thief.is_alive() and not owner.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone()
            ):
                pass
        thief.join()
        settle(c, payer(trade, tmp_path), trade.clock)
        check_balanced(c)
    assert (paid(trade, who), back(trade, who)) == ([amount], ["indu"])
    letters = trade.rows("SELECT kind FROM claims.letter WHERE establishment = %s", who.establishment)
    assert ("indu",) in letters


def test_what_was_cancelled_is_not_paid_again_when_the_bank_sends_its_transfer_back(
    trade: Trade, tmp_path: Path
) -> None:
    """It was never received: there is no indu to wait for, and nothing to pay meanwhile."""
    who = referenced(trade)
    billed(who, "F1")
    trade.clock.advance(DAY)
    with trade.database.connect("worker") as c:
        settle(c, payer(trade, tmp_path), trade.clock)
        who.wake()
        cancel(who, "F1")
        kept = billed(who, "F2").shares.amc
        [(reference,)] = trade.rows(
            "SELECT end_to_end FROM claims.payment WHERE establishment = %s", who.establishment
        )
        report = BankReport("pain.002", "B1", "", (Outcome(reference, Fate.REJECTED, "AM04"),))
        assert take_report(c, report, trade.clock).rejected == 1
        trade.clock.advance(DAY)
        settle(c, payer(trade, tmp_path), trade.clock)
        check_balanced(c)
    assert paid(trade, who)[1:] == [kept]
    assert (
        trade.rows("SELECT 1 FROM claims.due WHERE payment IS NULL AND establishment = %s", who.establishment)
        == []
    )
