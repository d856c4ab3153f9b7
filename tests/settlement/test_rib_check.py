"""Accounts that a campaign asks to confirm: those changed lately are not paid on before, and only the settlement run compares."""

from uuid import UUID, uuid4

import pytest

from rempart.claims.rib import seal_rib
from rempart.claims.rib_checking import judge_typed_ribs
from rempart.foundation.clock import DAY
from rempart.foundation.identifiers import check_iban
from rempart.population.professionals import synthetic_establishments, synthetic_iban
from tests.settlement.conftest import Till
from tests.settlement.filling import SEED, establishment_id


@pytest.fixture
def house(till: Till) -> UUID:
    """One house of five, whose account is number 0; all were given now."""
    till.fill(200)
    return establishment_id(next(iter(synthetic_establishments(SEED, 5))))


def ask(till: Till, house: UUID, window: int, until: int = 2**63 - 1) -> None:
    with till.database.connect("vault") as c:
        c.execute(
            "INSERT INTO claims.rib_check (campaign, establishment, window_start, until, reason_fr, reason_en)"
            " VALUES (1, %s, %s, %s, 'x', 'x')",
            (house, till.clock() - window, until),
        )


def type_again(till: Till, house: UUID, iban: str) -> None:
    number = uuid4()
    sealed = seal_rib(till.payer.key.public_key(), house, number, check_iban(iban))
    with till.database.connect("cashier") as c, c.transaction():
        c.execute("SELECT set_config('rempart.establishment', %s, true)", (str(house),))
        c.execute(
            "UPDATE claims.rib_check SET typed = %s, sealed = %s, typed_at = %s, judged = NULL",
            (number, sealed, till.clock()),
        )


def judge(till: Till) -> int:
    with till.worker() as c:
        return judge_typed_ribs(c, till.payer.key, till.clock)


def test_a_rib_changed_in_the_window_is_not_paid_on_until_it_is_confirmed(till: Till, house: UUID) -> None:
    ask(till, house, DAY)
    run = till.settle()
    assert (run.payments, run.without_rib) == (4, 1)
    type_again(till, house, synthetic_iban(0))
    assert judge(till) == 1
    till.clock.advance(DAY)
    assert till.settle().payments == 1
    assert till.one("SELECT count(*) FROM claims.due WHERE payment IS NULL") == 0


def test_a_thiefs_rib_that_the_titulaire_did_not_give_is_never_paid_on(till: Till, house: UUID) -> None:
    ask(till, house, DAY)
    # What the titulaire types is their own; what is in force is another's.
    type_again(till, house, synthetic_iban(3))
    assert judge(till) == 0
    assert till.rows("SELECT judged IS NOT NULL, confirmed FROM claims.rib_check") == [(True, None)]
    run = till.settle()
    assert (run.payments, run.without_rib) == (4, 1)
    # Typed rightly afterwards: it counts.
    type_again(till, house, synthetic_iban(0))
    assert judge(till) == 1


def test_an_account_moved_from_another_house_confirms_nothing(till: Till, house: UUID) -> None:
    ask(till, house, DAY)
    number, other = uuid4(), establishment_id(list(synthetic_establishments(SEED, 5))[1])
    sealed = seal_rib(till.payer.key.public_key(), other, number, check_iban(synthetic_iban(0)))
    till.do("UPDATE claims.rib_check SET typed = %s, sealed = %s, typed_at = 1", number, sealed)
    assert judge(till) == 0


def test_an_account_older_than_the_window_is_paid_on_meanwhile(till: Till, house: UUID) -> None:
    till.clock.advance(2 * DAY)
    ask(till, house, DAY)
    assert till.settle().payments == 5


def test_a_campaign_that_is_over_holds_nothing_back(till: Till, house: UUID) -> None:
    ask(till, house, DAY, until=till.clock())
    assert till.settle().payments == 5
