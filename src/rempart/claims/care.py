"""From care as a professional words it, and what was guaranteed, to shares: one or several contracts in order, ceilings counted. Pure.

The guarantee is always the one that was signed or frozen, never the contract of today.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import TypeVar

from rempart.claims.case import (
    DOMAIN_OF,
    FRANCHISE,
    PARTICIPATION,
    Basket,
    Beneficiary,
    CareClass,
    Case,
    Consumed,
    Contract,
    Ear,
    Exoneration,
    Lens,
    Line,
    Nature,
    Pathway,
    Regime,
    Window,
)
from rempart.claims.counters import Draw, audio_renewal, optics_renewal
from rempart.claims.draws import draws_of
from rempart.claims.engagement import ContractTerms, Engagement
from rempart.claims.formula import contract_of
from rempart.claims.guarantee import is_shared
from rempart.claims.messages import Care, Shares, StepView
from rempart.claims.messages import Line as WrittenLine
from rempart.claims.money import Money
from rempart.claims.parameters import Parameters, parameters_on
from rempart.claims.pricing import Priced, PricedLine, price_contracts
from rempart.claims.rejects import Reject, Rejected
from rempart.foundation.vocabulary import Domain

NATURES: dict[Domain, frozenset[Nature]] = {
    Domain.PHAR: frozenset({Nature.DRUG_100, Nature.DRUG_65, Nature.DRUG_30, Nature.DRUG_15}),
    Domain.LABO: frozenset({Nature.BIOLOGY}),
    Domain.RADL: frozenset({Nature.DOCTOR}),
    Domain.MED: frozenset({Nature.DOCTOR}),
    Domain.AUXM: frozenset({Nature.AUXILIARY}),
    Domain.DENT: frozenset({Nature.DENTAL_CARE, Nature.DENTAL_PROSTHESIS}),
    Domain.OPTI: frozenset({Nature.OPTICS_LENS, Nature.OPTICS_FRAME}),
    Domain.AUDI: frozenset({Nature.AUDIO}),
    Domain.HOSP: frozenset({Nature.HOSPITAL_STAY}),
    Domain.EXTE: frozenset({Nature.DOCTOR}),
    Domain.TRAN: frozenset({Nature.TRANSPORT}),
    Domain.LPP: frozenset({Nature.LPP}),
}
"""What may be billed on an engagement of each domain: its guarantee is worth for nothing else."""

_CLASSES = {
    Nature.OPTICS_LENS: (CareClass.A, CareClass.B),
    Nature.OPTICS_FRAME: (CareClass.A, CareClass.B),
    Nature.AUDIO: (CareClass.I, CareClass.II),
}
_AT_MOST = {Nature.OPTICS_LENS: 2, Nature.OPTICS_FRAME: 1}
_BEST_FIRST = (Exoneration.MATERNITY, Exoneration.WORK_ACCIDENT, Exoneration.ALD, Exoneration.INVALIDITY)
"""The most favourable first: all lift the ticket modérateur (an invalidity pension not that of weak drugs), the first two also the forfait
journalier and the out-of-pathway surcharge, maternity also the participation."""
_TERRITORY = re.compile(r"(0[1-9]|[1-8][0-9]|9[0-5]|2[AB]|97[1-8]|98[46-8])?")
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Taking:
    """What a source takes from one counter under one contract. `since` opens the window."""

    product: str
    counter: str
    counted_by: Window
    since: date
    cents: int
    ear: Ear | None = None


@dataclass(frozen=True)
class PricedCare:
    """Shares of the whole and of each line, the steps that led there, and what it takes from counters. Cents."""

    shares: Shares
    lines: tuple[Shares, ...]
    steps: tuple[StepView, ...]
    takings: tuple[Taking, ...]


def price_care(
    care: Care, terms: Engagement, care_date: date, counted_on: date, taken: Sequence[Taking] = ()
) -> PricedCare:
    """Price what was done under what was guaranteed. `taken`: what the beneficiary's counters hold already; `counted_on` chooses the civil
    year. Raises Rejected (nature, lines), NoParameters, BadFormula."""
    lines = read_lines(care, terms.domain)
    contracts = [_contract(each, terms.domain) for each in terms.contracts]
    consumed = [_consumed(rank, terms, care_date, taken) for rank in range(len(contracts))]
    who = Beneficiary(terms.age, Regime(care.regime), care.territory or None)
    case = Case(care_date, who, contracts[0], lines, consumed[0], counted_on)
    stages = [price_contracts(case, contracts[: rank + 1], consumed) for rank in range(len(contracts))]
    takings = [
        taking for rank in range(len(contracts)) for taking in _takings(rank, case, contracts, stages, terms)
    ]
    return _worded(stages[-1], takings)


def read_lines(care: Care, domain: Domain) -> tuple[Line, ...]:
    """The lines in the pricing's vocabulary. Raises Rejected naming the line and the field: nature, or lines."""
    if _TERRITORY.fullmatch(care.territory) is None:
        raise Rejected(Reject.LINES, "territory")
    lines = tuple(_line(f"lines[{place}]", line, domain) for place, line in enumerate(care.lines))
    for nature, most in _AT_MOST.items():
        if sum(line.nature is nature for line in lines) > most:
            raise Rejected(Reject.LINES, f"lines: {nature.value} > {most}")
    return lines


def cap(priced: PricedCare, agreed: int, *, offline: bool = False) -> PricedCare:
    """The complementary's part brought down to what was agreed, or to what an offline card's use is honoured up to; the patient keeps the
    rest, last lines first."""
    over = priced.shares.amc - agreed
    if over <= 0:
        return priced
    lines, left = list(priced.lines), over
    for place in reversed(range(len(lines))):
        part = min(left, lines[place].amc)
        lines[place] = _moved(lines[place], part)
        left -= part
    if offline:
        sentence = f"L'utilisation de la carte hors ligne est honorée jusqu'à {Money(agreed).french}."
        step = StepView("offline", "Carte hors ligne", agreed, sentence)
    else:
        sentence = (
            f"La prise en charge accorde {Money(agreed).french} au plus à la charge de la complémentaire."
        )
        step = StepView("agreed", "Prise en charge", agreed, sentence)
    takings = tuple(
        taking
        if taking.counter in {PARTICIPATION, FRANCHISE}
        else replace(taking, cents=max(0, taking.cents - over))
        for taking in priced.takings
    )
    kept = tuple(taking for taking in takings if taking.cents)
    return PricedCare(_moved(priced.shares, over), tuple(lines), (*priced.steps, step), kept)


def left_of_year(terms: Engagement, counted_on: date, taken: Sequence[Taking]) -> int:
    """What the first contract's amount by year still holds, cents; -1 when its guarantee is no such amount."""
    contract = _contract(terms.contracts[0], terms.domain)
    if not is_shared(contract.guarantee) or contract.guarantee.per != "year":
        return -1
    used = sum(
        taking.cents
        for taking in taken
        if taking.product == terms.contracts[0].product and taking.counter == terms.domain
        and taking.counted_by is Window.CIVIL_YEAR and taking.since.year == counted_on.year
    )  # fmt: skip
    return max(0, int(contract.guarantee.amount) - used)


def is_renewed_early(care: Care, terms: Engagement, care_date: date, taken: Sequence[Taking]) -> bool:
    """Whether the equipment (a kit, an ear's device) is within the window of one that is already counted, before or after it."""
    figures = parameters_on(care_date)
    # Only audio counts by ear: a pair of glasses whose lines name one would be near nothing.
    ears = {line.ear for line in care.lines} if terms.domain is Domain.AUDI else {""}
    near = [
        taking
        for taking in taken
        if taking.counter == terms.domain
        and taking.counted_by is Window.RENEWAL
        and (taking.ear or "") in ears
    ]
    return any(
        _renewal(min(taking.since, care_date), terms, figures) > max(taking.since, care_date)
        for taking in near
    )


def _renewal(since: date, terms: Engagement, figures: Parameters) -> date:
    return (
        optics_renewal(since, terms.age, figures)
        if terms.domain is Domain.OPTI
        else audio_renewal(since, figures)
    )


def _line(path: str, line: WrittenLine, domain: Domain) -> Line:
    nature = _read(Nature, line.nature, Reject.NATURE, f"{path}.nature")
    if nature not in NATURES[domain]:
        raise Rejected(Reject.NATURE, f"{path}.nature")
    care_class = _optional(CareClass, line.glazing_class, f"{path}.glazing_class")
    lens, ear = _optional(Lens, line.lens_category, path), _optional(Ear, line.ear, path)
    if nature in _CLASSES and care_class not in _CLASSES[nature]:
        raise Rejected(Reject.LINES, f"{path}.glazing_class")
    if nature is Nature.OPTICS_LENS and care_class is CareClass.B and lens is None:
        raise Rejected(Reject.LINES, f"{path}.lens_category")
    if nature is Nature.AUDIO and ear is None:
        raise Rejected(Reject.LINES, f"{path}.ear")
    return Line(
        nature, Money(line.price), Money(line.base), Pathway(line.pathway or Pathway.COORDINATED), line.optam,
        _best_exoneration(line.exonerations, path), care_class, _optional(Basket, line.basket, path), lens, ear, line.boxes or 1,
        line.days, line.acts or 1, line.heavy_act,
    )  # fmt: skip


def _best_exoneration(names: Sequence[str], path: str) -> Exoneration | None:
    named = {_read(Exoneration, name, Reject.LINES, f"{path}.exonerations") for name in names}
    return next((each for each in _BEST_FIRST if each in named), None)


def _read(kind: type[E], text: str, reject: Reject, where: str) -> E:
    try:
        return kind(text)
    except ValueError:
        raise Rejected(reject, where) from None


def _optional(kind: type[E], text: str, where: str) -> E | None:
    return _read(kind, text, Reject.LINES, where) if text else None


def _contract(terms: ContractTerms, domain: Domain) -> Contract:
    guarantee = terms.guarantee
    grid_cell = {
        "rate_basis": guarantee.basis, "percent": guarantee.percent, "amount_cents": guarantee.amount_cents, "per": guarantee.per
    }  # fmt: skip
    return contract_of(grid_cell, domain, responsible=terms.responsible)


def _counted_as(domain: Domain) -> str:
    """The counter that pricing looks at for this domain's natures."""
    return DOMAIN_OF[min(NATURES[domain])].value


def _consumed(rank: int, terms: Engagement, care_date: date, taken: Sequence[Taking]) -> tuple[Consumed, ...]:
    """One contract's counters. What a contract that is no longer there has used counts for the first one."""
    products = [each.product for each in terms.contracts]
    figures = parameters_on(care_date)
    found = []
    for taking in taken:
        owner = products.index(taking.product) if taking.product in products else 0
        apart = taking.counter in {PARTICIPATION, FRANCHISE}
        if owner != rank or not (apart or taking.counter == terms.domain):
            continue
        counter = taking.counter if apart else _counted_as(terms.domain)
        since = _since(taking, terms, care_date, figures)
        found.append(Consumed(counter, since, Money(taking.cents), taking.ear, taking.counted_by))
    return tuple(found)


def _since(taking: Taking, terms: Engagement, care_date: date, figures: Parameters) -> date:
    """A later equipment counts too when it is billed first: else two invoices in the other order would pass the ceiling."""
    if taking.counted_by is not Window.RENEWAL or taking.since <= care_date:
        return taking.since
    return care_date if taking.since < _renewal(care_date, terms, figures) else taking.since


def _takings(
    rank: int, case: Case, contracts: Sequence[Contract], stages: Sequence[Priced], terms: Engagement
) -> list[Taking]:
    """What one contract takes: of its amounts by day or year its own part; of the equipment's window what all have reached so far."""
    reached = replace(case, contract=contracts[rank])
    own = stages[rank] if rank == 0 else _difference(stages[rank - 1], stages[rank])
    draws = [
        draw
        for draw in draws_of(reached, stages[rank])
        if draw.window is Window.RENEWAL and any(line.amc for line in own.lines)
    ]
    draws += [draw for draw in draws_of(reached, own) if draw.window is not Window.RENEWAL]
    product = terms.contracts[rank].product
    found = [_taking(draw, product, terms.domain) for draw in draws]
    return [taking for taking in found if rank == 0 or taking.counter == terms.domain]


def _difference(before: Priced, after: Priced) -> Priced:
    lines = tuple(
        PricedLine(new.amo, new.amc - old.amc, new.patient, new.participation, new.franchise)
        for old, new in zip(before.lines, after.lines, strict=True)
    )
    return replace(after, lines=lines, amc=after.amc - before.amc)


def _taking(draw: Draw, product: str, domain: Domain) -> Taking:
    counter = draw.counter if draw.counter in {PARTICIPATION, FRANCHISE} else domain.value
    return Taking(product, counter, draw.window, draw.opens, int(draw.amount), draw.ear)


def _worded(priced: Priced, takings: Sequence[Taking]) -> PricedCare:
    whole = _shares(priced, sum(int(line.amo + line.amc + line.patient) for line in priced.lines))
    lines = tuple(_shares(line, int(line.amo + line.amc + line.patient)) for line in priced.lines)
    steps = tuple(StepView(step.rule, step.article, int(step.amount), step.sentence) for step in priced.steps)
    return PricedCare(whole, lines, steps, _merged(takings))


def _shares(part: Priced | PricedLine, total: int) -> Shares:
    return Shares(
        total, int(part.amo), int(part.amc), int(part.patient), int(part.participation), int(part.franchise)
    )


def _moved(shares: Shares, cents: int) -> Shares:
    return Shares(
        shares.total,
        shares.amo,
        shares.amc - cents,
        shares.patient + cents,
        shares.participation,
        shares.franchise,
    )


def _merged(takings: Sequence[Taking]) -> tuple[Taking, ...]:
    """Two contracts of one product draw on one counter."""
    found: dict[tuple[object, ...], Taking] = {}
    for taking in takings:
        key = (taking.product, taking.counter, taking.counted_by, taking.ear)
        before = found[key].cents if key in found else 0
        found[key] = replace(taking, cents=before + taking.cents)
    return tuple(found.values())
