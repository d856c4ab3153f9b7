"""Price a case: AMO's share, the complementary's, the patient's, line by line, and what is owed apart. Pure: values in, values out.

The order, as in docs/algorithms/prise-en-charge.md: AMO line by line, rounded; each contract in turn, line by line within its bounds,
then what lines share (a kit, an ear, an amount by day or by year); the patient keeps the rest; participation and franchise apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rempart.claims.amo import Due, amo_shares
from rempart.claims.apart import franchises, participations
from rempart.claims.audio import settle_ears
from rempart.claims.bounds import Bounds, bounds_of
from rempart.claims.case import DOMAIN_OF, Case, Consumed, Contract, Line, canonical_key
from rempart.claims.counters import used_optics, used_per
from rempart.claims.guarantee import guarantee_of_line, is_shared, shared_guarantee, shared_limit
from rempart.claims.money import ZERO, Money, total
from rempart.claims.optics import settle_kit
from rempart.claims.parameters import Parameters, parameters_on
from rempart.claims.steps import Rule, Step
from rempart.foundation.vocabulary import Domain


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One line's shares; amo + amc + patient is its price. Participation and franchise are owed to AMO, apart."""

    amo: Money
    amc: Money
    patient: Money
    participation: Money
    franchise: Money


@dataclass(frozen=True, slots=True)
class Priced:
    """A case's shares. `lines` are in the input's order, `steps` in the order of the rules.

    `amcs` is one share a contract, summing to `amc`."""

    amo: Money
    amc: Money
    patient: Money
    participation: Money
    franchise: Money
    lines: tuple[PricedLine, ...]
    steps: tuple[Step, ...]
    amcs: tuple[Money, ...]


def price_case(case: Case) -> Priced:
    """Price a case under its own contract. Raises NoParameters for a care date before the table."""
    return price_contracts(case, (case.contract,))


def price_contracts(
    case: Case, contracts: Sequence[Contract], consumed: Sequence[tuple[Consumed, ...]] = ()
) -> Priced:
    """Price a case under several contracts in their order: each pays its promise on what the earlier ones leave, never beyond the price.

    `consumed` are each contract's counters, in the same order; left out, the case's own are the first one's and the others have used
    nothing. Participation and franchise always count on the case's own. A contrat responsable counts what earlier ones paid within its
    ceilings."""
    figures = parameters_on(case.care_date)
    steps: list[Step] = []
    dues = amo_shares(_in_order(case.lines), case.beneficiary, figures, steps)
    paid = [ZERO] * len(dues)
    amcs = []
    for rank, contract in enumerate(contracts):
        used = consumed[rank] if consumed else case.consumed if rank == 0 else ()
        shares = _complementary(
            replace(case, consumed=used) if used is not case.consumed else case,
            contract,
            dues,
            paid,
            figures,
            steps,
        )
        paid = [before + share for before, share in zip(paid, shares, strict=True)]
        amcs.append(total(shares))
    owed = participations(case, dues, figures, steps), franchises(case, dues, figures, steps)
    return _sum_up(dues, paid, owed, amcs, steps)


def _in_order(lines: Sequence[Line]) -> list[tuple[int, Line]]:
    """Lines with their places, in the canonical order, so that totals do not depend on how an invoice was typed."""
    placed = list(enumerate(lines))
    if len(placed) > 1:
        placed.sort(key=lambda each: canonical_key(each[1]))
    return placed


def _complementary(
    case: Case, contract: Contract, dues: Sequence[Due], paid: Sequence[Money], figures: Parameters, steps: list[Step]
) -> list[Money]:  # fmt: skip
    """One contract's share of each line: within the line's bounds first, then, domain by domain, within what lines share."""
    shares = [ZERO] * len(dues)
    groups: dict[tuple[Domain, bool], list[int]] = {}
    for place, due in enumerate(dues):
        own = guarantee_of_line(contract, due.line) is contract.guarantee
        groups.setdefault((DOMAIN_OF[due.line.nature], own), []).append(place)
    for (domain, _), places in groups.items():
        bounds = [
            bounds_of(dues[place], contract, paid[place], case.beneficiary, figures, steps)
            for place in places
        ]
        settled = _settle(case, contract, domain, bounds, figures, steps)
        for place, share in zip(places, settled, strict=True):
            shares[place] = share
            steps.append(Step(Rule.AMC, share, dues[place].place))
    return shares


def _settle(
    case: Case, contract: Contract, domain: Domain, bounds: Sequence[Bounds], figures: Parameters, steps: list[Step]
) -> list[Money]:  # fmt: skip
    limit = _limit(case, contract, domain, bounds)
    if domain is Domain.OPTI:
        used = used_optics(case.consumed, case.care_date, case.beneficiary.age, figures)
        return settle_kit(bounds, contract, limit, used, figures, steps)
    shares = [each.share for each in bounds] if limit is None else _within(limit, bounds, steps)
    if domain is Domain.AUDI:
        return settle_ears(bounds, contract, shares, case.consumed, figures, case.care_date, steps)
    return shares


def _limit(case: Case, contract: Contract, domain: Domain, bounds: Sequence[Bounds]) -> Money | None:
    """What an amount by day or by year leaves for the lines of a domain; None without such an amount."""
    guarantee = shared_guarantee(contract, bounds[0].due.line)
    if not is_shared(guarantee):
        return None
    dues = [each.due for each in bounds]
    reference = total([due.amo + due.surcharge if contract.responsible else due.amo for due in dues])
    used = used_per(guarantee.per, case.consumed, domain.value, case.care_date, case.counted_on)
    return shared_limit(guarantee, [due.line for due in dues], reference, used)


def _within(limit: Money, bounds: Sequence[Bounds], steps: list[Step]) -> list[Money]:
    """Lines in order draw on what is left of a shared amount. A contrat responsable's floor is due even when nothing is left."""
    shares = []
    for each in bounds:
        share = max(each.floor, min(each.share, limit))
        if share < each.share:
            steps.append(Step(Rule.PERIOD, limit, each.due.place))
        limit = max(ZERO, limit - share)
        shares.append(share)
    return shares


def _sum_up(
    dues: Sequence[Due], paid: Sequence[Money], owed: tuple[list[Money], list[Money]], amcs: list[Money], steps: list[Step]
) -> Priced:  # fmt: skip
    lines: list[PricedLine | None] = [None] * len(dues)
    participation, franchise = owed
    for place, due in enumerate(dues):
        rest = due.line.price - due.amo - paid[place]
        lines[due.place] = PricedLine(due.amo, paid[place], rest, participation[place], franchise[place])
    told = [line for line in lines if line is not None]
    patient = total([line.patient for line in told])
    steps.append(Step(Rule.PATIENT, patient))
    return Priced(
        total([due.amo for due in dues]), total(amcs), patient, total(participation), total(franchise), tuple(told),
        tuple(steps), tuple(amcs),
    )  # fmt: skip
