"""Contrat responsable: what it must pay of a line, and what it may not pay (art. L871-1, R871-2)."""

from rempart.claims.amo import Due
from rempart.claims.case import Basket, Beneficiary, CareClass, Contract, Line, Nature
from rempart.claims.guarantee import count_of, promised
from rempart.claims.money import ZERO, Money, portion
from rempart.claims.parameters import Parameters

_NOT_OWED = frozenset({Nature.DRUG_30, Nature.DRUG_15})
_DENTAL = frozenset({Nature.DENTAL_CARE, Nature.DENTAL_PROSTHESIS})


def floor_of(due: Due, who: Beneficiary, figures: Parameters) -> Money:
    """R871-2: the least the complementary pays of a line: ticket modérateur (or its flat) and forfait journalier, whole; nothing for
    drugs of moderate or weak service; up to the price limit in a 100 % Santé basket."""
    if due.line.nature in _NOT_OWED:
        return ZERO
    limit = full_cover_limit(due.line, who, figures)
    return due.owed if limit is None else max(due.owed, limit - due.amo)


def full_cover_limit(line: Line, who: Beneficiary, figures: Parameters) -> Money | None:
    """L871-1: up to which price a 100 % Santé line is covered whole, None for any other line.

    The price limit of a lens or a dental act depends on corrections and acts that no invoice here tells: its price stands for it."""
    nature, price = line.nature, line.price
    if line.care_class is CareClass.A and figures.optics_full_cover:
        if nature is Nature.OPTICS_LENS:
            return price
        if nature is Nature.OPTICS_FRAME:
            return min(price, figures.optics_frame_limit_a or price)
    if nature is Nature.AUDIO and line.care_class is CareClass.I and figures.audio_full_cover:
        return min(price, figures.audio_price_limit(who.age, who.territory) or price)
    if nature in _DENTAL and line.basket is Basket.RAC0 and figures.dental_full_cover:
        return price
    return None


def excess_cap(due: Due, contract: Contract, figures: Parameters) -> Money | None:
    """R871-2: the most the complementary pays to a doctor outside OPTAM: the ticket modérateur, and of the excess the smaller of 100 %
    of the base and the OPTAM cover less 20 % of the base. None for any other line."""
    line = due.line
    if line.nature is not Nature.DOCTOR or line.optam is not False:
        return None
    most = portion(line.base, figures.responsible_excess_limit)
    guarantee = contract.guarantee
    within = promised(guarantee, line.base, due.amo, due.amo + due.surcharge, count_of(guarantee, line))
    if within is not None:
        cover = max(ZERO, within - due.owed)
        most = min(most, max(ZERO, cover - portion(line.base, figures.responsible_excess_gap)))
    return due.owed + most


def frame_cap(line: Line, figures: Parameters) -> Money | None:
    """R871-2: a frame that is not of class A is covered up to 100 €, AMO included. None for any other line."""
    if line.nature is not Nature.OPTICS_FRAME or (
        line.care_class is CareClass.A and figures.optics_full_cover
    ):
        return None
    return figures.optics_frame
