"""A campaign asks an establishment to confirm the account it is paid on: from the operator's call to the settlement's comparison."""

from rempart.claims.messages import Nothing, RibBody, RibView
from rempart.claims.rib_checking import judge_typed_ribs
from rempart.foundation.clock import MINUTE
from rempart.foundation.vocabulary import Role
from rempart.population.professionals import synthetic_iban
from rempart.vaultdoor.messages import (
    CampaignProgress,
    CampaignStarted,
    ShowCampaign,
    StartCampaign,
    ToDo,
)
from tests.authenticator import expect
from tests.cashier.conftest import Professional, Trade
from tests.cashier.test_money import referenced

REASONS = {"reason_fr": "Des RIB ont pu être vus.", "reason_en": "Accounts may have been seen."}
MINE, ANOTHER = RibBody(synthetic_iban(1)), RibBody(synthetic_iban(2))


def started(trade: Trade, who: Professional) -> int:
    place = trade.rows("SELECT finess FROM vault.establishment WHERE id = %s", who.establishment)[0][0]
    return expect(
        CampaignStarted, trade.operate(StartCampaign("rib", "establishment", place, **REASONS))
    ).number


def judged(trade: Trade) -> int:
    with trade.database.connect("worker") as c:
        return judge_typed_ribs(c, trade.settlement, trade.clock)


def state(who: Professional) -> str:
    return who.ask(RibView, "/claims/rib", Nothing()).check


def test_the_titulaire_types_it_again_and_the_settlement_compares(trade: Trade) -> None:
    who = referenced(trade)
    trade.clock.advance(10 * MINUTE)
    assert who.refused("/claims/rib/check", MINE).code == "step-up"
    who.step_up()
    assert who.refused("/claims/rib/check", MINE).code == "rib-none-to-check"
    campaign = started(trade, who)
    assert state(who) == "asked"
    assert [each.kind for each in who.browser.expect(ToDo, "to-do").demands if not each.done] == ["rib"]
    assert who.ask(RibView, "/claims/rib/check", ANOTHER).check == "typed"
    assert judged(trade) == 0
    assert state(who) == "differs"
    assert who.ask(RibView, "/claims/rib/check", MINE).check == "typed"
    assert judged(trade) == 1
    assert state(who) == ""
    shown = expect(CampaignProgress, trade.operate(ShowCampaign(campaign)))
    assert [(each.done, each.total) for each in shown.places] == [(1, 1)]
    assert [bool(each.done) for each in who.browser.expect(ToDo, "to-do").demands] == [True]


def test_an_employee_confirms_no_account_and_nobody_another_establishments(trade: Trade) -> None:
    who, other = referenced(trade), referenced(trade)
    started(trade, who)
    employee = trade.professional(role=Role.EMPLOYEE, establishment=who.establishment)
    employee.step_up()
    assert employee.refused("/claims/rib/check", MINE).code == "forbidden"
    other.step_up()
    assert other.refused("/claims/rib/check", MINE).code == "rib-none-to-check"
    assert state(who) == "asked"
