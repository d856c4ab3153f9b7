"""Between which amounts the complementary's share of one line lies, once AMO has paid and earlier contracts too."""

from dataclasses import dataclass

from rempart.claims.amo import Due
from rempart.claims.case import Beneficiary, Contract, Guarantee
from rempart.claims.guarantee import count_of, guarantee_of_line, promised, wording
from rempart.claims.money import ZERO, Money
from rempart.claims.parameters import Parameters
from rempart.claims.responsible import excess_cap, floor_of, frame_cap, full_cover_limit
from rempart.claims.steps import Rule, Step


@dataclass(frozen=True, slots=True)
class Bounds:
    """`want`: the contract's promise. `floor`: what the law makes it pay. `cap`: what it cannot or may not pay beyond.

    `paid`: what earlier contracts paid."""

    due: Due
    want: Money
    floor: Money
    cap: Money
    paid: Money

    @property
    def share(self) -> Money:
        """The share when nothing is shared with other lines."""
        return max(self.floor, min(self.want, self.cap))


def bounds_of(
    due: Due, contract: Contract, paid: Money, who: Beneficiary, figures: Parameters, steps: list[Step]
) -> Bounds:
    """The promise, the floor and the caps of one line."""
    room = max(ZERO, due.line.price - due.amo - paid)
    forbidden = due.surcharge if contract.responsible else ZERO
    guarantee = guarantee_of_line(contract, due.line)
    promise = promised(guarantee, due.line.base, due.amo, due.amo + forbidden, count_of(guarantee, due.line))
    want = room if promise is None else min(promise, room)
    steps.append(Step(Rule.GUARANTEE, want, due.place, (Wording(guarantee),)))
    if not contract.responsible:
        return Bounds(due, want, ZERO, room, paid)
    floor = min(max(ZERO, floor_of(due, who, figures) - paid), room)
    cap = _cap(due, contract, max(ZERO, room - forbidden), paid, figures, want, steps)
    cap = max(cap, floor)
    if floor > want:
        full = full_cover_limit(due.line, who, figures) is not None
        steps.append(Step(Rule.FULL_COVER if full else Rule.FLOOR, floor, due.place))
    return Bounds(due, want, floor, cap, paid)


class Wording:
    """A guarantee's words, written only when a step is read."""

    __slots__ = ("guarantee",)

    def __init__(self, guarantee: Guarantee) -> None:
        self.guarantee = guarantee

    def __str__(self) -> str:
        return wording(self.guarantee)


def _cap(
    due: Due,
    contract: Contract,
    room: Money,
    paid: Money,
    figures: Parameters,
    want: Money,
    steps: list[Step],
) -> Money:
    """The smallest of what the law allows; each limit that bites leaves its step."""
    cap = room
    if due.surcharge and want > cap:
        steps.append(Step(Rule.SURCHARGE_FORBIDDEN, cap, due.place))
    excess = excess_cap(due, contract, figures)
    if excess is not None:
        cap = min(cap, max(ZERO, excess - paid))
        if want > cap:
            steps.append(Step(Rule.EXCESS_CAPPED, cap, due.place))
    frame = frame_cap(due.line, figures)
    if frame is not None:
        cap = min(cap, max(ZERO, frame - due.amo - paid))
        if want > cap:
            steps.append(Step(Rule.FRAME_CAPPED, cap, due.place, (frame,)))
    return cap
