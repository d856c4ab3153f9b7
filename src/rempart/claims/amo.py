"""What compulsory insurance pays of each line, and what it leaves: ticket modérateur, forfait journalier, out-of-pathway surcharge."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from rempart.claims.case import Beneficiary, Exoneration, Line, Nature, Pathway, Regime
from rempart.claims.hospital import stay_shares
from rempart.claims.money import ZERO, Money, portion
from rempart.claims.parameters import Parameters
from rempart.claims.steps import Rule, Step

_HEAVY = frozenset({Nature.HOSPITAL_STAY, Nature.DOCTOR, Nature.DENTAL_CARE})
_WEAK_DRUGS = frozenset({Nature.DRUG_30, Nature.DRUG_15})
_OUTSIDE_ALWAYS = frozenset({Exoneration.MATERNITY, Exoneration.WORK_ACCIDENT})
_WHY = {
    Exoneration.ALD: "affection de longue durée",
    Exoneration.MATERNITY: "maternité",
    Exoneration.WORK_ACCIDENT: "accident du travail",
    Exoneration.INVALIDITY: "invalidité",
}
_RATE_RULE = {
    Regime.GENERAL: Rule.AMO_RATE,
    Regime.ALSACE_MOSELLE: Rule.LOCAL_SCHEME,
    Regime.FSV: Rule.SOLIDARITY,
}


@dataclass(frozen=True, slots=True)
class Due:
    """A line once compulsory insurance has paid: amo + owed + surcharge is the tariff, `place` the line's place in the input.

    `owed` is what a contrat responsable must cover: ticket modérateur or its flat, and forfait journalier."""

    line: Line
    place: int
    amo: Money
    owed: Money
    surcharge: Money


def amo_shares(
    lines: Sequence[tuple[int, Line]], who: Beneficiary, figures: Parameters, steps: list[Step]
) -> list[Due]:
    """Each line's shares. `lines` are (place, line) in the canonical order.

    The heavy act's flat is due once, on the first line that owes it."""
    flat_due = True
    dues = []
    for place, line in lines:
        heavy = line.heavy_act and owes_flat(line, who)
        flat = None if not heavy else figures.heavy_flat if flat_due else ZERO
        flat_due = flat_due and not heavy
        dues.append(_share(place, line, who, figures, flat, steps))
    return dues


def amo_rate(line: Line, who: Beneficiary, figures: Parameters) -> Fraction:
    """CSS R160-5: the in-pathway rate of a line, 1 where it is exonerated."""
    return Fraction(1) if is_exonerated(line) else figures.rates[who.regime][line.nature]


def is_exonerated(line: Line) -> bool:
    """CSS L160-14: whether the line owes no ticket modérateur. An invalidity pension leaves that of drugs at 30 and 15 %."""
    if line.exoneration is None:
        return False
    return not (line.exoneration is Exoneration.INVALIDITY and line.nature in _WEAK_DRUGS)


def owes_flat(line: Line, who: Beneficiary) -> bool:
    """CSS R160-16: whether a heavy act's flat replaces the ticket modérateur; the local scheme of Alsace-Moselle pays it itself."""
    return line.nature in _HEAVY and not is_exonerated(line) and who.regime is not Regime.ALSACE_MOSELLE


def is_outside(line: Line, who: Beneficiary, figures: Parameters) -> bool:
    """CSS L162-5-3: whether the out-of-pathway surcharge applies: to doctors, from 16 years, not to maternity nor work accidents."""
    return (
        line.pathway is Pathway.OUTSIDE
        and line.nature is Nature.DOCTOR
        and who.age >= figures.pathway_youngest
        and line.exoneration not in _OUTSIDE_ALWAYS
    )


def tariff(line: Line) -> Money:
    """What the rates apply to: the base, never more than what is asked."""
    return min(line.base, line.price)


def _share(
    place: int, line: Line, who: Beneficiary, figures: Parameters, flat: Money | None, steps: list[Step]
) -> Due:
    if line.nature is Nature.HOSPITAL_STAY:
        stay = tariff(line)
        owed = stay_shares(line, stay, who.regime, amo_rate(line, who, figures), flat, figures, place, steps)
        return Due(line, place, stay - owed, owed, ZERO)
    base = tariff(line)
    rate = amo_rate(line, who, figures)
    covered = _covered(place, line, who, base, rate, flat, steps)
    if not is_outside(line, who, figures):
        return Due(line, place, covered, base - covered, ZERO)
    surcharge = min(covered, covered - portion(base, max(Fraction(0), rate - figures.pathway_surcharge)))
    if flat is not None:
        surcharge = min(covered, portion(base, figures.pathway_surcharge))
    steps.append(Step(Rule.OUTSIDE_PATHWAY, surcharge, place))
    return Due(line, place, covered - surcharge, base - covered, surcharge)


def _covered(
    place: int,
    line: Line,
    who: Beneficiary,
    base: Money,
    rate: Fraction,
    flat: Money | None,
    steps: list[Step],
) -> Money:
    """AMO's share as it is in the pathway."""
    if flat is not None:
        owed = min(flat, base)
        steps.append(Step(Rule.HEAVY_ACT if flat else Rule.HEAVY_ACT_ONCE, owed, place))
        return base - owed
    if line.heavy_act and who.regime is Regime.ALSACE_MOSELLE and line.nature in _HEAVY:
        rate = Fraction(1)
    share = portion(base, rate)
    if is_exonerated(line):
        assert line.exoneration is not None
        steps.append(Step(Rule.EXONERATION, share, place, (_WHY[line.exoneration],)))
    else:
        steps.append(Step(_RATE_RULE[who.regime], share, place, (rate, base)))
    return share
