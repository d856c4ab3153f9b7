"""What a priced case takes from counters, so that whoever keeps them can reserve, release or add it up. Pure."""

from collections.abc import Iterator

from rempart.claims.case import DOMAIN_OF, FRANCHISE, PARTICIPATION, Case, Ear, Guarantee, Line, Per, Window
from rempart.claims.counters import Draw, audio_renewal, civil_year, day_after, optics_renewal
from rempart.claims.guarantee import includes_amo, is_shared, shared_guarantee
from rempart.claims.money import Money, total
from rempart.claims.parameters import Parameters, parameters_on
from rempart.claims.pricing import Priced, PricedLine
from rempart.foundation.vocabulary import Domain


def draws_of(case: Case, priced: Priced) -> tuple[Draw, ...]:
    """Every counter the case draws on, with its window; nothing is drawn for a zero amount.

    Equipment windows (optics, audio) count AMO and complementary together, as their ceilings do; a guarantee's amount by day or by year
    counts what the guarantee counts; participation and franchise count themselves."""
    figures = parameters_on(case.care_date)
    pairs = list(zip(case.lines, priced.lines, strict=True))
    found = [*_apart(case, priced), *_equipment(case, pairs, figures), *_guarantees(case, pairs)]
    return tuple(draw for draw in found if draw.amount)


def _apart(case: Case, priced: Priced) -> Iterator[Draw]:
    opens, closes = civil_year(case.counted_on)
    yield Draw(PARTICIPATION, Window.CIVIL_YEAR, opens, closes, priced.participation)
    yield Draw(FRANCHISE, Window.CIVIL_YEAR, opens, closes, priced.franchise)


def _equipment(case: Case, pairs: list[tuple[Line, PricedLine]], figures: Parameters) -> Iterator[Draw]:
    kit = [shares for line, shares in pairs if DOMAIN_OF[line.nature] is Domain.OPTI]
    closes = optics_renewal(case.care_date, case.beneficiary.age, figures)
    yield Draw(Domain.OPTI.value, Window.RENEWAL, case.care_date, closes, _reached(kit))
    for ear in (Ear.LEFT, Ear.RIGHT, None):
        aids = [shares for line, shares in pairs if DOMAIN_OF[line.nature] is Domain.AUDI and line.ear is ear]
        closes = audio_renewal(case.care_date, figures)
        yield Draw(Domain.AUDI.value, Window.RENEWAL, case.care_date, closes, _reached(aids), ear)


def _guarantees(case: Case, pairs: list[tuple[Line, PricedLine]]) -> Iterator[Draw]:
    groups: dict[tuple[Domain, Guarantee], list[PricedLine]] = {}
    for line, shares in pairs:
        guarantee = shared_guarantee(case.contract, line)
        if is_shared(guarantee):
            groups.setdefault((DOMAIN_OF[line.nature], guarantee), []).append(shares)
    for (domain, guarantee), lines in groups.items():
        amount = _reached(lines) if includes_amo(guarantee) else total([line.amc for line in lines])
        yearly = guarantee.per is Per.YEAR
        opens, closes = civil_year(case.counted_on) if yearly else (case.care_date, day_after(case.care_date))
        yield Draw(domain.value, Window.CIVIL_YEAR if yearly else Window.DAY, opens, closes, amount)


def _reached(lines: list[PricedLine]) -> Money:
    return total([line.amo + line.amc for line in lines])
