"""Attacks on the settlement, named after what the thief does: whatever one establishment does, the others are paid."""

import pytest

from rempart.claims.journal import check_balanced
from tests.settlement.conftest import Till

VICTIM = "(SELECT min(establishment::text)::uuid FROM claims.due)"
HOSTILE = {
    "invoices of a thousand million euros": (
        "AM02",
        f"""WITH billed AS (UPDATE claims.due SET cents = 50000000000 WHERE establishment = {VICTIM} RETURNING invoice)
        INSERT INTO claims.journal (at, kind, debit, credit, cents, insurer, establishment, source)
        SELECT j.at, 'acceptance', 'amc', 'ps', 50000000000 - j.cents, j.insurer, j.establishment, gen_random_uuid()
        FROM claims.journal j JOIN billed ON billed.invoice = j.source""",
    ),
    "a name without a Latin letter": ("RR03", f"UPDATE identity.establishment SET name = '薬局' WHERE id = {VICTIM}"),
}  # fmt: skip


@pytest.mark.parametrize("attack", HOSTILE)
def test_one_establishment_does_not_stop_the_payment_of_all(till: Till, attack: str) -> None:
    why, hostile = HOSTILE[attack]
    till.fill(120)
    till.do(hostile)
    run = till.settle()
    assert (run.state, run.payments, run.without_rib) == ("ordered", 2, 1)
    assert till.rows("SELECT state, count(*) FROM claims.payment GROUP BY state ORDER BY state") == [
        ("ordered", 2),
        ("withdrawn", 1),
    ]
    # Its dues stay due, its account stays in force, it is told, and the journal agrees.
    assert till.one(f"SELECT bool_and(payment IS NULL) FROM claims.due WHERE establishment = {VICTIM}")
    assert till.one(f"SELECT state FROM claims.rib WHERE establishment = {VICTIM}") == "in-force"
    assert till.rows("SELECT facts->>'reason' FROM claims.letter") == [(why,)]
    with till.worker() as c:
        check_balanced(c)
