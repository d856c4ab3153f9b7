"""Hearing aids: each ear has a ceiling of its own, over four years (art. R871-2)."""

from collections.abc import Sequence
from datetime import date

from rempart.claims.bounds import Bounds
from rempart.claims.case import CareClass, Consumed, Contract, Ear
from rempart.claims.counters import remaining, used_audio
from rempart.claims.money import ZERO, Money, total
from rempart.claims.parameters import Parameters
from rempart.claims.steps import Rule, Step


def settle_ears(
    bounds: Sequence[Bounds], contract: Contract, shares: list[Money], consumed: Sequence[Consumed], figures: Parameters,
    care_date: date, steps: list[Step],
) -> list[Money]:  # fmt: skip
    """The shares, brought under each ear's ceiling. Class I has none: its price limit bounds it.

    A line without its ear is an ear of its own."""
    ceiling = figures.audio_ear
    if not contract.responsible or ceiling is None:
        return shares
    ears: dict[Ear | int, list[int]] = {}
    for place, each in enumerate(bounds):
        if each.due.line.care_class is not CareClass.I:
            ears.setdefault(each.due.line.ear or place, []).append(place)
    unknown = used_audio(consumed, care_date, None, figures)
    for ear, places in ears.items():
        used = used_audio(consumed, care_date, ear, figures) if isinstance(ear, Ear) else ZERO
        before = total([bounds[place].due.amo + bounds[place].paid for place in places])
        left = remaining(ceiling, used + before)
        # What was used without telling the ear is taken from the ears in order, so that it is counted once.
        taken = min(unknown, left)
        unknown, left = unknown - taken, left - taken
        for place in places:
            if shares[place] > left:
                steps.append(Step(Rule.EAR_CAPPED, left, bounds[place].due.place, (ceiling,)))
                shares[place] = left
            left -= shares[place]
    return shares
