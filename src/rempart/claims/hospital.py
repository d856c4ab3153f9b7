"""A hospital stay: ticket modérateur, forfait journalier and how the one is imputed on the other.

For public stays in medicine, surgery and obstetrics."""

from fractions import Fraction

from rempart.claims.case import Exoneration, Line, Regime
from rempart.claims.money import ZERO, Money, portion
from rempart.claims.parameters import Parameters
from rempart.claims.steps import Rule, Step

_NO_FORFAIT = {Exoneration.MATERNITY: "maternité", Exoneration.WORK_ACCIDENT: "accident du travail"}


def stay_shares(
    line: Line, stay: Money, regime: Regime, rate: Fraction, flat: Money | None, figures: Parameters, place: int,
    steps: list[Step],
) -> Money:  # fmt: skip
    """What a stay leaves to the complementary and the patient; AMO pays the rest of it.

    `flat` is the heavy act's flat that replaces the ticket modérateur, None without one. Arrêté du 17 avril 2018, annexe 1."""
    first, later = forfait_journalier(line, regime, figures, place, steps)
    if flat is not None:
        owed = flat + first + later
        steps.append(Step(Rule.HEAVY_ACT if flat else Rule.HEAVY_ACT_ONCE, flat, place))
        steps.append(Step(Rule.FORFAIT_ADDED, owed, place))
    else:
        ticket = stay_ticket(stay, line.days, rate, figures)
        steps.append(Step(Rule.HOSPITAL_TICKET, ticket, place))
        owed = imputed(ticket, first) + later
        steps.append(Step(Rule.FORFAIT_IMPUTED, owed, place))
    owed = min(owed, stay)
    steps.append(Step(Rule.STAY_AMO, stay - owed, place))
    return owed


def stay_ticket(stay: Money, days: int, rate: Fraction, figures: Parameters) -> Money:
    """CSS R160-5: the ticket modérateur of a stay; from the 31st day there is none, so only the first thirty days' part bears it."""
    last = figures.hospital_last_day
    borne = stay if days <= last else portion(stay, Fraction(last, days))
    return borne - portion(borne, rate)


def forfait_journalier(
    line: Line, regime: Regime, figures: Parameters, place: int, steps: list[Step]
) -> tuple[Money, Money]:
    """CSS L174-4: the forfait of the days that bear a ticket modérateur, and of those from the 31st on. The discharge day is counted."""
    why = (
        "régime local"
        if regime is Regime.ALSACE_MOSELLE
        else _NO_FORFAIT.get(line.exoneration)
        if line.exoneration
        else None
    )
    if why:
        steps.append(Step(Rule.FORFAIT_EXEMPT, ZERO, place, (why,)))
        return ZERO, ZERO
    unit, first = figures.hospital_forfait, min(line.days, figures.hospital_last_day)
    steps.append(Step(Rule.FORFAIT_JOURNALIER, unit.times(line.days), place, (line.days, unit)))
    return unit.times(first), unit.times(line.days - first)


def imputed(ticket: Money, forfait: Money) -> Money:
    """CSS L174-4: the forfait is imputed on the ticket modérateur; the larger of the two is due, never their sum."""
    return max(ticket, forfait)
