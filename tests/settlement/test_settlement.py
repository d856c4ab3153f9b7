"""What is due is netted, ordered once, told to the cent, and called from the insurers."""

from lxml import etree

from rempart.foundation.clock import DAY
from tests.settlement.conftest import Till

NS = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}


def transfers(content: bytes) -> dict[str, int]:
    """End to end identifier → cents, as the bank reads it."""
    lines = etree.fromstring(content).iterfind(".//p:CdtTrfTxInf", NS)
    return {
        line.findtext("p:PmtId/p:EndToEndId", namespaces=NS): int(
            line.findtext("p:Amt/p:InstdAmt", namespaces=NS).replace(".", "")
        )
        for line in lines
    }


def test_every_statement_equals_its_transfer_to_the_cent(till: Till) -> None:
    till.fill(2_000)
    run = till.settle()
    assert (run.state, run.payments, run.establishments_done) == ("ordered", 50, 50)
    ordered = {name: cents for content in till.files().values() for name, cents in transfers(content).items()}
    statements = dict(
        till.rows(
            """SELECT p.statement, sum(d.cents)::bigint FROM claims.payment p JOIN claims.due d ON d.payment = p.id
               WHERE p.state = 'ordered' GROUP BY p.statement"""
        )
    )
    assert ordered == statements
    assert (
        sum(ordered.values())
        == run.cents
        == till.one("SELECT sum(amc) FROM claims.invoice WHERE state = 'accepted'")
    )
    assert till.one("SELECT sum(cents) FROM claims.call_for_funds") == run.cents
    assert till.one("SELECT count(*) FROM claims.due WHERE payment IS NULL") == 0


def test_a_second_run_on_the_same_day_does_nothing(till: Till) -> None:
    till.fill(200)
    first, files = till.settle(), till.files()
    assert till.settle() == first
    assert till.files() == files


def test_what_comes_after_the_run_is_paid_the_next_day(till: Till) -> None:
    till.fill(200)
    till.settle()
    till.do(
        """INSERT INTO claims.due (invoice, establishment, insurer, kind, cents, since)
           SELECT id, establishment, insurer, 'invoice', 777, 0 FROM claims.invoice ORDER BY number LIMIT 1"""
    )
    assert till.settle().payments == 5
    till.clock.advance(DAY)
    run = till.settle()
    assert (run.payments, run.cents) == (1, 777)
