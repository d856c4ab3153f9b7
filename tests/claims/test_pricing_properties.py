"""What holds for every case: shares that sum, a complementary that never falls when the guarantee rises, totals that no order changes."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from rempart.claims.case import (
    OPTICS,
    Basis,
    Basket,
    Beneficiary,
    CareClass,
    Case,
    Consumed,
    Contract,
    Ear,
    Exoneration,
    Guarantee,
    Lens,
    Line,
    Nature,
    Pathway,
    Per,
    Regime,
)
from rempart.claims.draws import draws_of
from rempart.claims.money import Money
from rempart.claims.pricing import price_case, price_contracts

cents = st.integers(0, 500_000).map(Money)
small = st.integers(0, 30_000).map(Money)
guarantees = st.builds(
    Guarantee,
    st.sampled_from(Basis),
    st.integers(0, 400).map(lambda percent: Fraction(percent, 100)),
    st.integers(0, 100_000).map(Money),
    st.sampled_from(Per),
)
contracts = st.builds(Contract, st.booleans(), guarantees, st.none() | guarantees, st.none() | guarantees)
people = st.builds(
    Beneficiary, st.integers(0, 100), st.sampled_from(Regime), st.sampled_from([None, "75", "974"])
)
days = st.dates(date(2015, 4, 1), date(2026, 12, 31))


@st.composite
def lines(draw: st.DrawFn) -> Line:
    nature = draw(st.sampled_from(Nature))
    classes = {Nature.AUDIO: [CareClass.I, CareClass.II]}.get(nature, [CareClass.A, CareClass.B])
    return Line(
        nature,
        draw(cents if nature is Nature.HOSPITAL_STAY else small),
        draw(cents if nature is Nature.HOSPITAL_STAY else small),
        draw(st.sampled_from(Pathway)),
        draw(st.sampled_from([None, True, False])),
        draw(st.none() | st.sampled_from(Exoneration)),
        draw(st.sampled_from(classes)) if nature in OPTICS or nature is Nature.AUDIO else None,
        draw(st.none() | st.sampled_from(Basket)),
        draw(st.sampled_from(Lens)) if nature is Nature.OPTICS_LENS else None,
        draw(st.none() | st.sampled_from(Ear)),
        draw(st.integers(1, 12)),
        draw(st.integers(0, 60)),
        draw(st.integers(1, 12)),
        draw(st.booleans()),
    )


def one_kit(found: list[Line]) -> tuple[Line, ...]:
    """At most two lenses and a frame."""
    kept: list[Line] = []
    for line in found:
        most = {Nature.OPTICS_LENS: 2, Nature.OPTICS_FRAME: 1}.get(line.nature, 99)
        if sum(each.nature is line.nature for each in kept) < most:
            kept.append(line)
    return tuple(kept)


uses = st.builds(
    Consumed,
    st.sampled_from(["participation", "franchise", "OPTI", "AUDI", "DENT", "PHAR", "MED"]),
    st.dates(date(2014, 1, 1), date(2026, 12, 31)),
    small,
    st.none() | st.sampled_from(Ear),
)
cases = st.builds(
    Case,
    days,
    people,
    contracts,
    st.lists(lines(), min_size=1, max_size=7).map(one_kit),
    st.lists(uses, max_size=3).map(tuple),
)


@given(cases)
def test_shares_are_never_negative_and_sum_to_the_price(case: Case) -> None:
    priced = price_case(case)
    for line, shares in zip(case.lines, priced.lines, strict=True):
        assert min(shares.amo, shares.amc, shares.patient, shares.participation, shares.franchise) >= 0
        assert shares.amo + shares.amc + shares.patient == line.price
    for share in ("amo", "amc", "patient", "participation", "franchise"):
        assert getattr(priced, share) == sum(getattr(line, share) for line in priced.lines)


@given(cases, st.randoms(use_true_random=False))
def test_totals_are_the_same_whatever_the_order_of_the_lines(case: Case, random: object) -> None:
    shuffled = list(case.lines)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = price_case(case), price_case(replace(case, lines=tuple(shuffled)))
    for share in ("amo", "amc", "patient", "participation", "franchise"):
        assert getattr(first, share) == getattr(second, share)


def raised(guarantee: Guarantee | None, more: int) -> Guarantee | None:
    return guarantee and replace(
        guarantee, percent=guarantee.percent + Fraction(more, 100), amount=guarantee.amount + Money(more * 50)
    )


@settings(max_examples=400)
@given(cases, st.integers(0, 200))
def test_the_complementary_never_falls_when_the_guarantee_rises(case: Case, more: int) -> None:
    contract = case.contract
    richer = replace(
        contract,
        guarantee=raised(contract.guarantee, more),
        guarantee_non_optam=raised(contract.guarantee_non_optam, more),
        kit_guarantee=raised(contract.kit_guarantee, more),
    )
    assert price_case(replace(case, contract=richer)).amc >= price_case(case).amc


@given(cases, guarantees)
def test_what_is_apart_depends_on_no_guarantee(case: Case, guarantee: Guarantee) -> None:
    other = Contract(not case.contract.responsible, guarantee)
    first, second = price_case(case), price_case(replace(case, contract=other))
    assert (first.participation, first.franchise, first.amo) == (
        second.participation,
        second.franchise,
        second.amo,
    )


@given(cases, st.lists(contracts, min_size=1, max_size=3))
def test_several_contracts_never_pay_more_than_the_price(case: Case, others: list[Contract]) -> None:
    priced = price_contracts(case, [case.contract, *others])
    assert priced.amcs[0] == price_case(case).amc
    assert priced.amo + sum(priced.amcs, Money(0)) + priced.patient == sum(line.price for line in case.lines)
    assert min(priced.patient, *priced.amcs) >= 0


@given(cases)
def test_a_responsible_contract_leaves_the_surcharge_to_the_patient(case: Case) -> None:
    contract = replace(case.contract, responsible=True)
    priced = price_contracts(replace(case, contract=contract), [contract, contract])
    surcharges = [step.amount for step in priced.steps if step.rule == "outside-pathway"]
    assert priced.patient >= sum(surcharges)


@given(cases)
def test_yearly_debts_stay_within_fifty_euros(case: Case) -> None:
    priced = price_case(case)
    assert max(priced.participation, priced.franchise) <= 5_000
    for line in priced.lines:
        assert line.franchise <= line.amo


@given(cases)
def test_what_a_case_draws_is_what_it_paid(case: Case) -> None:
    priced = price_case(case)
    for draw in draws_of(case, priced):
        assert draw.opens <= max(case.care_date, case.counted_on) < draw.closes
        assert 0 < draw.amount <= sum(line.price for line in case.lines) + priced.participation


@given(cases)
def test_each_step_reads_as_a_sentence(case: Case) -> None:
    for step in price_case(case).steps:
        assert step.sentence.endswith(".")
        assert "{" not in step.sentence
        assert step.article
        assert step.amount >= 0
