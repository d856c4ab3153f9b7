"""An engaged invoice within its terms is never refused: properties of the pure judge, for any guarantee, any lines, any counters."""

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rempart.claims.care import NATURES, PricedCare, Taking, is_renewed_early, price_care
from rempart.claims.case import Exoneration, Nature, Window
from rempart.claims.engagement import ContractTerms, Engagement, GuaranteeTerms
from rempart.claims.invoice import fingerprint, judge_agreed, judge_engaged
from rempart.claims.messages import Care, InvoiceBody, Line
from rempart.claims.prise_en_charge import (
    SENDING,
    Agreement,
    decide_by_rule,
    freeze,
    has_expired,
    months_later,
    needs_prise_en_charge,
    number_of,
    validity,
)
from rempart.claims.rejects import Reject, Rejected
from rempart.foundation.vocabulary import Domain

on_any_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""What is shown is not a speed: a busy machine must not make it fail."""
FIRST, LAST = date(2024, 1, 1), date(2027, 12, 31)
days = st.dates(FIRST, LAST)
cents = st.integers(0, 300_000)
percents = st.builds(
    GuaranteeTerms, st.sampled_from(["base-including-amo", "base-on-top-of-amo", "amo-share"]), percent=st.integers(0, 600)
)  # fmt: skip
amounts = st.builds(
    GuaranteeTerms, st.sampled_from(["amount-including-amo", "amount-on-top-of-amo"]), amount_cents=cents,
    per=st.sampled_from(["act", "day", "year", None]),
)  # fmt: skip
plain = st.builds(GuaranteeTerms, st.sampled_from(["real-cost", "none"]))


def contracts(pec: bool) -> st.SearchStrategy[tuple[ContractTerms, ...]]:
    """One to three, in order."""
    one = st.builds(
        ContractTerms, st.sampled_from(["A", "B", "C"]), st.just("words"), st.booleans(), st.just(pec), st.one_of(percents, amounts, plain)
    )  # fmt: skip
    return st.lists(one, min_size=1, max_size=3).map(tuple)


def engagements(pec: bool) -> st.SearchStrategy[Engagement]:
    return st.builds(
        Engagement, st.just("0000-0000-0"), st.just(1), st.just("99000001"), st.sampled_from(Domain), days, contracts(pec),
        st.binary(min_size=16, max_size=16), st.integers(0, 100),
    )  # fmt: skip


@st.composite
def lines(draw: st.DrawFn, domain: Domain) -> list[Line]:
    """What may be billed in a domain, complete."""
    natures = draw(st.lists(st.sampled_from(sorted(NATURES[domain])), min_size=1, max_size=4))
    found: list[Line] = []
    for nature in natures:
        known = sum(line.nature == nature for line in found)
        if known == {Nature.OPTICS_LENS: 2, Nature.OPTICS_FRAME: 1}.get(nature, 9):
            continue
        found.append(_line(draw, nature))
    return found


def _line(draw: st.DrawFn, nature: Nature) -> Line:
    equipment = nature in {Nature.OPTICS_LENS, Nature.OPTICS_FRAME}
    classes = ["A", "B"] if equipment else ["I", "II"] if nature is Nature.AUDIO else [""]
    return Line(
        nature=nature, price=draw(cents), base=draw(cents), pathway=draw(st.sampled_from(["", "coordinated", "outside"])),
        optam=draw(st.sampled_from([None, True, False])), exonerations=draw(st.lists(st.sampled_from(list(Exoneration)), max_size=3)),
        glazing_class=draw(st.sampled_from(classes)), basket=draw(st.sampled_from(["", "rac0", "moderated", "free"])),
        lens_category=draw(st.sampled_from(["a", "c", "f"])) if nature is Nature.OPTICS_LENS else "",
        ear=draw(st.sampled_from(["left", "right"])) if nature is Nature.AUDIO else "",
        boxes=draw(st.integers(0, 5)), days=draw(st.integers(0, 40)), acts=draw(st.integers(0, 5)), heavy_act=draw(st.booleans()),
    )  # fmt: skip


@st.composite
def counters(draw: st.DrawFn, domain: Domain) -> list[Taking]:
    """What others have taken, of any contract, at any date."""
    one = st.builds(
        Taking, st.sampled_from(["A", "B", "C", "GONE"]), st.sampled_from([domain.value, "participation", "franchise"]),
        st.sampled_from(Window), days, st.integers(1, 500_000),
    )  # fmt: skip
    return draw(st.lists(one, max_size=4))


def sums(priced: PricedCare) -> None:
    whole = priced.shares
    assert whole.amo + whole.amc + whole.patient == whole.total
    assert min(whole.amo, whole.amc, whole.patient) >= 0
    for name in ("total", "amo", "amc", "patient"):
        assert sum(getattr(line, name) for line in priced.lines) == getattr(whole, name)
    assert all(line.amc >= 0 and line.patient >= 0 for line in priced.lines)
    assert all(taking.cents > 0 for taking in priced.takings)


@on_any_machine
@given(st.data())
def test_an_engaged_invoice_within_its_terms_is_never_refused(data: st.DataObject) -> None:
    terms = data.draw(engagements(pec=False))
    care = Care(
        data.draw(lines(terms.domain)),
        regime=data.draw(st.sampled_from(["general", "alsace-moselle", "fsv"])),
    )
    sent = terms.care_date + timedelta(days=data.draw(st.integers(0, 730)))
    body = InvoiceBody("F1", care, terms.care_date.isoformat())
    sums(judge_engaged(body, terms, data.draw(counters(terms.domain)), sent))


@on_any_machine
@given(st.data())
def test_what_was_agreed_is_paid_as_agreed_whenever_it_is_billed_in_time(data: st.DataObject) -> None:
    terms = data.draw(engagements(pec=True))
    care = Care(data.draw(lines(terms.domain)))
    taken = data.draw(counters(terms.domain))
    agreement, priced = agreed(terms, care, taken)
    care_date = data.draw(st.dates(agreement.valid_from, agreement.valid_to))
    sent = data.draw(st.dates(care_date, agreement.valid_to + SENDING))
    billed = judge_agreed(InvoiceBody("F1", care, care_date.isoformat()), agreement, sent)
    sums(billed)
    assert billed.shares.amc <= agreement.shares.amc
    if care_date == terms.care_date:
        assert billed.shares == priced.shares


@on_any_machine
@given(st.data())
def test_less_than_was_agreed_is_never_refused_nor_paid_above_it(data: st.DataObject) -> None:
    terms = data.draw(engagements(pec=True))
    care = Care(data.draw(lines(terms.domain)))
    agreement, _ = agreed(terms, care, [])
    fewer = [
        msgspec.structs.replace(line, price=data.draw(st.integers(0, line.price))) for line in care.lines
    ]
    billed = judge_agreed(
        InvoiceBody("F1", Care(fewer), terms.care_date.isoformat()), agreement, terms.care_date
    )
    sums(billed)
    assert billed.shares.amc <= agreement.shares.amc


def agreed(terms: Engagement, care: Care, taken: list[Taking]) -> tuple[Agreement, PricedCare]:
    priced = price_care(care, terms, terms.care_date, terms.care_date, taken)
    frozen = freeze(care, terms, terms.care_date, taken)
    return Agreement(
        "P0000-0000-0", "accordee", False, *validity(terms), frozen, terms.pseudonym, priced.shares, care.lines
    ), priced  # fmt: skip


@on_any_machine
@given(st.data())
def test_an_amount_by_year_is_never_passed_however_it_is_cut(data: st.DataObject) -> None:
    """Invoice after invoice, each sees what the ones before took: the sum stays within the amount (a contract that is not responsible)."""
    ceiling = data.draw(st.integers(0, 100_000))
    guarantee = GuaranteeTerms("amount-on-top-of-amo", amount_cents=ceiling, per="year")
    terms = Engagement(
        "",
        1,
        "99000001",
        Domain.LPP,
        date(2026, 1, 5),
        (ContractTerms("A", "", False, False, guarantee),),
        bytes(16),
        40,
    )
    taken: list[Taking] = []
    for day in data.draw(st.lists(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=6)):
        taken += price_care(Care(data.draw(lines(Domain.LPP))), terms, day, day, taken).takings
    assert (
        sum(each.cents for each in taken if each.counted_by is Window.CIVIL_YEAR and each.counter == "LPP")
        <= ceiling
    )


@on_any_machine
@given(st.data())
def test_two_kits_in_one_period_are_never_both_agreed_by_rule(data: st.DataObject) -> None:
    terms = data.draw(engagements(pec=True))
    terms = Engagement(
        terms.number, 1, terms.amc, Domain.OPTI, terms.care_date, terms.contracts, terms.pseudonym, 40
    )
    first = Care(data.draw(lines(Domain.OPTI)))
    decision, priced = decide_by_rule(first, terms, [], terms.care_date)
    assume(decision.state == "accordee")
    for days_between in (0, 1, 365, 729):
        later = terms.care_date + timedelta(days=days_between)
        assert is_renewed_early(first, terms, later, priced.takings)


@given(st.data(), st.randoms())
def test_the_same_care_has_one_fingerprint_whatever_the_order_of_its_lines(
    data: st.DataObject, random: object
) -> None:
    domain = data.draw(st.sampled_from(Domain))
    written = data.draw(lines(domain))
    mixed = data.draw(st.permutations(written))
    first = fingerprint(1, bytes(16), domain, "2026-01-05", Care(written))
    assert first == fingerprint(1, bytes(16), domain, "2026-01-05", Care(mixed, receipt="another"))
    assert first != fingerprint(2, bytes(16), domain, "2026-01-05", Care(written))


@on_any_machine
@given(st.data())
def test_a_line_of_another_domain_is_always_refused_naming_it(data: st.DataObject) -> None:
    terms = data.draw(engagements(pec=False))
    strange = data.draw(st.sampled_from(sorted(set(Nature) - NATURES[terms.domain])))
    body = InvoiceBody("F1", Care([Line(nature=strange, price=100, base=100)]), terms.care_date.isoformat())
    with pytest.raises(Rejected) as refused:
        judge_engaged(body, terms, [], terms.care_date)
    assert (refused.value.reject, refused.value.detail) == (Reject.NATURE, "lines[0].nature")


def test_a_contract_that_wants_a_prise_en_charge_makes_it_needed() -> None:
    guarantee = GuaranteeTerms("real-cost")
    pair = (ContractTerms("A", "", True, False, guarantee), ContractTerms("B", "", True, True, guarantee))
    assert needs_prise_en_charge(Engagement("", 1, "", Domain.DENT, FIRST, pair, bytes(16), 40))


def test_months_end_with_their_last_day() -> None:
    assert months_later(date(2025, 11, 30), 3) == date(2026, 2, 28)
    assert months_later(date(2026, 1, 31), 3) == date(2026, 4, 30)
    assert months_later(date(2026, 9, 15), 6) == date(2027, 3, 15)


def test_an_agreement_can_be_billed_until_the_sixtieth_day_after_its_validity() -> None:
    last = date(2026, 4, 5)
    assert not has_expired(last, last + timedelta(days=60))
    assert has_expired(last, last + timedelta(days=61))


@given(st.integers(0, 2**40 - 1), st.integers(0, 2**40 - 1))
def test_numbers_differ_and_check_themselves(one: int, other: int) -> None:
    assume(one != other)
    assert number_of(one) != number_of(other)
    assert len(number_of(one)) == 12
