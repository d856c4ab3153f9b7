"""Windows, several contracts, and products' cells turned into guarantees."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from rempart.claims.case import (
    Basis,
    Beneficiary,
    CareClass,
    Case,
    Consumed,
    Contract,
    Ear,
    Guarantee,
    Lens,
    Line,
    Nature,
    Pathway,
    Per,
    Window,
)
from rempart.claims.counters import Draw, optics_renewal, remaining, years_later
from rempart.claims.draws import draws_of
from rempart.claims.formula import BadFormula, contract_of, guarantee_of
from rempart.claims.money import Money, portion
from rempart.claims.parameters import parameters_on, switches
from rempart.claims.pricing import price_case, price_contracts
from rempart.foundation.vocabulary import Domain
from rempart.population.products import products_of

DAY = date(2025, 2, 3)
WHOLE = Contract(True, Guarantee(Basis.BASE_INCLUDING_AMO, Fraction(1)))
REAL = Contract(True, Guarantee(Basis.REAL_COST))
KIT = (
    Line(Nature.OPTICS_LENS, Money(20_000), Money(5), care_class=CareClass.B, lens=Lens.A),
    Line(Nature.OPTICS_LENS, Money(20_000), Money(5), care_class=CareClass.B, lens=Lens.A),
    Line(Nature.OPTICS_FRAME, Money(10_000), Money(5), care_class=CareClass.B),
)
VISIT = Line(Nature.DOCTOR, Money(6_000), Money(3_000), optam=True)


def amc(case: Case) -> Money:
    return price_case(case).amc


@pytest.mark.parametrize(("age", "care", "covered"), [
    (40, date(2025, 2, 2), False), (40, date(2025, 2, 3), True), (15, date(2024, 2, 2), False), (15, date(2024, 2, 3), True),
])  # fmt: skip
def test_another_kit_is_covered_from_the_anniversary_on(age: int, care: date, covered: bool) -> None:
    used = Consumed("OPTI", date(2023, 2, 3), Money(42_000))
    case = Case(care, Beneficiary(age), REAL, KIT, (used,))
    assert (amc(case) > 0) is covered


def test_29_february_is_renewed_on_1_march() -> None:
    assert years_later(date(2024, 2, 29), 2) == date(2026, 3, 1)
    assert optics_renewal(date(2024, 2, 29), 40, parameters_on(DAY)) == date(2026, 3, 1)


def test_an_amount_by_year_runs_on_the_reimbursement_date() -> None:
    yearly = Contract(False, Guarantee(Basis.AMOUNT_ON_TOP_OF_AMO, amount=Money(5_000), per=Per.YEAR))
    line = Line(Nature.DENTAL_PROSTHESIS, Money(50_000), Money(12_000))
    case = Case(
        date(2024, 12, 31),
        Beneficiary(40),
        yearly,
        (line,),
        (Consumed("DENT", date(2024, 1, 1), Money(5_000)),),
    )
    assert amc(case) == 0
    assert amc(replace(case, reimbursed_on=date(2025, 1, 3))) == 5_000


def test_the_other_ear_has_its_own_ceiling() -> None:
    used = (Consumed("AUDI", date(2024, 1, 1), Money(170_000), Ear.LEFT),)
    aid = Line(Nature.AUDIO, Money(150_000), Money(40_000), care_class=CareClass.II, ear=Ear.LEFT)
    case = Case(DAY, Beneficiary(40), REAL, (aid,), used)
    assert amc(case) == 0
    assert amc(replace(case, lines=(replace(aid, ear=Ear.RIGHT),))) == 126_000


def test_what_a_case_draws_fills_the_window_it_is_given_back_to() -> None:
    case = Case(DAY, Beneficiary(40), REAL, KIT)
    draws = draws_of(case, price_case(case))
    assert draws == (Draw("OPTI", Window.RENEWAL, DAY, date(2027, 2, 3), Money(42_000)),)
    given_back = tuple(
        Consumed(each.counter, each.opens, each.amount, each.ear, each.window) for each in draws
    )
    assert amc(replace(case, consumed=given_back)) == 0


def test_a_window_of_one_kind_does_not_count_in_another() -> None:
    case = Case(DAY, Beneficiary(40), REAL, KIT)
    used = Consumed("OPTI", DAY, Money(42_000), window=Window.CIVIL_YEAR)
    assert amc(replace(case, consumed=(used,))) == amc(case)


def test_what_is_left_is_never_negative() -> None:
    assert remaining(Money(100), Money(130)) == 0


def test_a_second_contract_pays_on_what_the_first_leaves() -> None:
    over = Contract(False, Guarantee(Basis.AMOUNT_ON_TOP_OF_AMO, amount=Money(2_000)))
    case = Case(DAY, Beneficiary(40), WHOLE, (VISIT,))
    priced = price_contracts(case, [WHOLE, over, over])
    assert (priced.amo, priced.amcs, priced.patient) == (2_100, (900, 2_000, 1_000), 0)


def test_attack_a_second_responsible_contract_cannot_pay_the_surcharge() -> None:
    line = Line(Nature.DOCTOR, Money(2_500), Money(2_500), Pathway.OUTSIDE)
    case = Case(DAY, Beneficiary(40), WHOLE, (line,))
    assert price_contracts(case, [WHOLE, REAL]).patient == 1_000


def test_attack_two_responsible_contracts_cannot_pass_the_kit_ceiling() -> None:
    priced = price_contracts(Case(DAY, Beneficiary(40), REAL, KIT), [REAL, REAL])
    assert priced.amo + sum(priced.amcs, Money(0)) == 42_000


def test_every_cell_of_every_synthetic_product_becomes_a_guarantee() -> None:
    seen = set()
    for insurer in range(4):
        for product in products_of(insurer):
            for cell in product.grid:
                found = guarantee_of(
                    {"rate_basis": cell.rate_basis, "percent": cell.percent, "amount_cents": cell.amount_cents, "per": cell.per}
                )  # fmt: skip
                assert found.basis.value == cell.rate_basis
                assert found.percent == Fraction(cell.percent or 0, 100)
                assert found.amount == (cell.amount_cents or 0)
                seen.add(found.basis)
    assert len(seen) >= 5


def test_an_optics_amount_is_for_the_kit() -> None:
    cell = {"rate_basis": "amount-on-top-of-amo", "percent": None, "amount_cents": 15_000, "per": "year"}
    contract = contract_of(cell, Domain.OPTI, responsible=True)
    assert amc(Case(DAY, Beneficiary(40), contract, KIT)) == 15_000
    assert contract_of(cell, Domain.DENT, responsible=True).kit_guarantee is None


@pytest.mark.parametrize("cell", [
    {}, {"rate_basis": "half"}, {"rate_basis": "amo-share"}, {"rate_basis": "amo-share", "percent": -1},
    {"rate_basis": "amo-share", "percent": True}, {"rate_basis": "amount-on-top-of-amo", "amount_cents": 1, "per": "month"},
    {"rate_basis": "amount-on-top-of-amo", "amount_cents": "100"},
])  # fmt: skip
def test_an_incomplete_cell_is_refused(cell: dict[str, object]) -> None:
    with pytest.raises(BadFormula):
        guarantee_of(cell)


def test_money_rounds_half_up_and_reads_euros() -> None:
    assert portion(Money(1_075), Fraction(7, 10)) == 753
    assert str(Money.parse("12.3")) == "12.30"
    assert Money(123_450).french == "1 234,50 €"
    for text in ("12,30", "-1", "1.005", "", "01", "1e2"):
        with pytest.raises(ValueError, match="euros"):
            Money.parse(text)


def test_each_switch_of_the_table_changes_something() -> None:
    for day in switches()[1:]:
        assert parameters_on(day) != parameters_on(day.fromordinal(day.toordinal() - 1))
