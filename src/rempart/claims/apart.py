"""Participation forfaitaire and franchise: debts to compulsory insurance, never paid by the complementary, shown apart from the shares."""

from collections.abc import Sequence

from rempart.claims.amo import Due
from rempart.claims.case import DRUGS, FRANCHISE, PARTICIPATION, Case, Exoneration, Nature
from rempart.claims.counters import remaining, used_in_year
from rempart.claims.money import ZERO, Money
from rempart.claims.parameters import Parameters
from rempart.claims.steps import Rule, Step

_PARTICIPATION = frozenset({Nature.DOCTOR, Nature.BIOLOGY})


def participations(case: Case, dues: Sequence[Due], figures: Parameters, steps: list[Step]) -> list[Money]:
    """L160-13 II, D160-5: each doctor's act and each biology act that AMO pays, outside a stay; four a day for one professional
    (here: one nature); 50 € a civil year. Not for minors, nor maternity."""
    found = [ZERO] * len(dues)
    if case.beneficiary.age < figures.participation_adult or _has_stay(dues):
        return found
    left: Money | None = None
    times: dict[Nature, int] = {}
    for place, due in enumerate(dues):
        nature = due.line.nature
        if nature not in _PARTICIPATION or not due.amo or due.line.exoneration is Exoneration.MATERNITY:
            continue
        times[nature] = times.get(nature, 0) + 1
        if times[nature] > figures.participation_times_a_day:
            continue
        if left is None:
            left = remaining(
                figures.participation_year, used_in_year(case.consumed, PARTICIPATION, case.counted_on)
            )
        found[place] = min(figures.participation_unit, left)
        left -= found[place]
        if found[place]:
            steps.append(Step(Rule.PARTICIPATION, found[place], due.place))
    return found


def franchises(case: Case, dues: Sequence[Due], figures: Parameters, steps: list[Step]) -> list[Money]:
    """L160-13 III, D160-9: each box, auxiliary's act and trip; by day for acts and for trips; 50 € a civil year; never above what AMO
    pays for the line. Not for minors, nor maternity, nor drugs and acts within a stay."""
    found = [ZERO] * len(dues)
    if case.beneficiary.age < figures.participation_adult:
        return found
    year: Money | None = None
    stay = _has_stay(dues)
    acts, trips = figures.franchise_act_day, figures.franchise_trip_day
    for place, due in enumerate(dues):
        line = due.line
        if line.exoneration is Exoneration.MATERNITY:
            continue
        if line.nature in DRUGS and not stay:
            owed = figures.franchise_box.times(line.boxes)
        elif line.nature is Nature.AUXILIARY and not stay:
            owed = min(figures.franchise_act.times(line.acts), acts)
        elif line.nature is Nature.TRANSPORT:
            owed = min(figures.franchise_trip, trips)
        else:
            continue
        if year is None:
            year = remaining(figures.franchise_year, used_in_year(case.consumed, FRANCHISE, case.counted_on))
        owed = min(owed, due.amo, year)
        year -= owed
        if line.nature is Nature.AUXILIARY:
            acts -= owed
        elif line.nature is Nature.TRANSPORT:
            trips -= owed
        found[place] = owed
        if owed:
            steps.append(Step(Rule.FRANCHISE, owed, due.place))
    return found


def _has_stay(dues: Sequence[Due]) -> bool:
    return any(due.line.nature is Nature.HOSPITAL_STAY for due in dues)
