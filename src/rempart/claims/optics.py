"""The optics kit: two lenses and a frame share a guarantee, a ceiling and a period (art. R871-2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from rempart.claims.bounds import Bounds, Wording
from rempart.claims.case import CareClass, Contract, Line, Nature
from rempart.claims.guarantee import is_shared, promised
from rempart.claims.money import ZERO, Money, total
from rempart.claims.parameters import KIT_LETTERS, Parameters
from rempart.claims.steps import Rule, Step


@dataclass(frozen=True, slots=True)
class _Kit:
    bounds: Sequence[Bounds]
    letter: str | None
    amo: Money
    before: Money
    """AMO's and earlier contracts' shares."""

    @property
    def floor(self) -> Money:
        return total([each.floor for each in self.bounds])


def kit_letter(lines: Sequence[Line]) -> str | None:
    """R871-2: a to f, from the two lenses; a lone lens counts as two alike. None without a lens whose category is known."""
    kinds = frozenset(line.lens for line in lines if line.nature is Nature.OPTICS_LENS and line.lens)
    return KIT_LETTERS.get(kinds)


def is_whole(lines: Sequence[Line]) -> bool:
    """Two lenses and a frame."""
    natures = [line.nature for line in lines]
    return natures.count(Nature.OPTICS_LENS) == 2 and Nature.OPTICS_FRAME in natures


def settle_kit(
    bounds: Sequence[Bounds], contract: Contract, limit: Money | None, used: Money, figures: Parameters, steps: list[Step]
) -> list[Money]:  # fmt: skip
    """The complementary's share of each piece. `limit`: what a shared amount leaves; `used`: what the kit's period has already used."""
    lines = [each.due.line for each in bounds]
    amo = total([each.due.amo for each in bounds])
    kit = _Kit(bounds, kit_letter(lines), amo, amo + total([each.paid for each in bounds]))
    free = [line for line in lines if not (line.care_class is CareClass.A and figures.optics_full_cover)]
    promise = _promise(kit, contract, steps)
    target = promise if limit is None else _shared(promise, limit, steps)
    most = None
    if contract.responsible and free:
        target = _at_least(kit, lines, target, figures, steps)
        most = _most(kit, figures)
        if most is not None and target > most:
            target = most
            assert kit.letter is not None
            steps.append(Step(Rule.KIT_CAPPED, most, None, (kit.letter, figures.kit_most[kit.letter])))
    target = max(target, kit.floor)
    if used and (free or not contract.responsible):
        target = _left(kit, contract, target, most, used, steps)
    return spread(target, bounds)


def _shared(promise: Money, limit: Money, steps: list[Step]) -> Money:
    if promise > limit:
        steps.append(Step(Rule.PERIOD, limit))
    return min(promise, limit)


def _promise(kit: _Kit, contract: Contract, steps: list[Step]) -> Money:
    """What the contract promises for the kit: its kit guarantee, or the sum of its pieces'."""
    guarantee = contract.kit_guarantee
    if guarantee is None:
        return total([each.share for each in kit.bounds])
    room = total([each.cap for each in kit.bounds])
    promise = _kit_guaranteed(kit, contract)
    promise = room if promise is None else min(promise, room)
    steps.append(Step(Rule.KIT_GUARANTEE, promise, None, (Wording(guarantee),)))
    return promise


def _kit_guaranteed(kit: _Kit, contract: Contract) -> Money | None:
    assert contract.kit_guarantee is not None
    base = total([each.due.line.base for each in kit.bounds])
    return promised(contract.kit_guarantee, base, kit.amo, kit.amo)


def _at_least(
    kit: _Kit, lines: Sequence[Line], target: Money, figures: Parameters, steps: list[Step]
) -> Money:
    """R871-2: a contract that covers more than the ticket modérateur covers a whole kit up to its category's minimum."""
    if kit.letter is None or target <= kit.floor or not is_whole(lines):
        return target
    least = figures.kit_least[kit.letter]
    due = min(max(ZERO, least - kit.before), total([each.cap for each in kit.bounds]))
    if due > target:
        steps.append(Step(Rule.KIT_LEAST, due, None, (kit.letter, least)))
    return max(target, due)


def _most(kit: _Kit, figures: Parameters) -> Money | None:
    return None if kit.letter is None else max(ZERO, figures.kit_most[kit.letter] - kit.before)


def _left(
    kit: _Kit, contract: Contract, target: Money, most: Money | None, used: Money, steps: list[Step]
) -> Money:
    """What the kit's period leaves: of the law's ceiling, and of the contract's own guarantee for a kit."""
    guarantee = contract.kit_guarantee
    # An amount by year or by day runs on its own window: `limit` has counted it already.
    own = None if guarantee is None or is_shared(guarantee) else _kit_guaranteed(kit, contract)
    limits = [limit for limit in (most, own) if limit is not None]
    if not limits:
        return target
    left = max(ZERO, min(limits) - used)
    if left < target:
        steps.append(Step(Rule.PERIOD, left))
    return min(target, left)


def spread(target: Money, bounds: Sequence[Bounds]) -> list[Money]:
    """A sum over lines, in their order: first each one's floor, then its own promise, then what it has room for."""
    shares, left = [ZERO] * len(bounds), target
    for level in (_floor, _share, _cap):
        for place, each in enumerate(bounds):
            more = min(left, max(ZERO, level(each) - shares[place]))
            shares[place] += more
            left -= more
    return shares


def _floor(each: Bounds) -> Money:
    return each.floor


def _share(each: Bounds) -> Money:
    return each.share


def _cap(each: Bounds) -> Money:
    return each.cap
