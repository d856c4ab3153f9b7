"""What a contract promises the complementary will pay, before the law's floor and ceilings."""

from collections.abc import Iterable

from rempart.claims.case import OPTICS, Basis, Contract, Guarantee, Line, Nature, Per
from rempart.claims.money import ZERO, Money, portion

_INCLUDING = frozenset({Basis.BASE_INCLUDING_AMO, Basis.AMOUNT_INCLUDING_AMO})
_AMOUNTS = frozenset({Basis.AMOUNT_INCLUDING_AMO, Basis.AMOUNT_ON_TOP_OF_AMO})


def guarantee_of_line(contract: Contract, line: Line) -> Guarantee:
    """The guarantee that concerns a line: a doctor outside OPTAM may have another one."""
    if line.optam is False and line.nature is Nature.DOCTOR and contract.guarantee_non_optam is not None:
        return contract.guarantee_non_optam
    return contract.guarantee


def promised(guarantee: Guarantee, base: Money, amo: Money, reference: Money, count: int = 1) -> Money | None:
    """What the complementary may pay, None for the real cost.

    `reference` is what is deducted where AMO's share is included: AMO's share, and for a contrat responsable the out-of-pathway
    surcharge too, as if AMO had paid its in-pathway part. `count`: acts or days, for an amount."""
    basis = guarantee.basis
    if basis is Basis.REAL_COST:
        return None
    if basis is Basis.NONE:
        return ZERO
    if basis is Basis.AMO_SHARE:
        return portion(amo, guarantee.percent)
    whole = guarantee.amount.times(count) if basis in _AMOUNTS else portion(base, guarantee.percent)
    return max(ZERO, whole - reference) if basis in _INCLUDING else whole


def count_of(guarantee: Guarantee, line: Line) -> int:
    """How many times an amount is promised for a line: acts of an auxiliary, days of a stay, else once."""
    if guarantee.per is Per.ACT and line.nature is Nature.AUXILIARY:
        return line.acts
    if guarantee.per is Per.DAY and line.nature is Nature.HOSPITAL_STAY:
        return max(1, line.days)
    return 1


def shared_guarantee(contract: Contract, line: Line) -> Guarantee:
    """The guarantee whose amount by day or by year a line draws on: the kit's for its pieces, else the line's own."""
    if contract.kit_guarantee is not None and line.nature in OPTICS:
        return contract.kit_guarantee
    return guarantee_of_line(contract, line)


def includes_amo(guarantee: Guarantee) -> bool:
    """Whether what it promises counts AMO's share."""
    return guarantee.basis in _INCLUDING


def is_shared(guarantee: Guarantee) -> bool:
    """Whether the amount is one for several lines: by day or by year."""
    return guarantee.basis in _AMOUNTS and guarantee.per is not Per.ACT


def shared_limit(guarantee: Guarantee, lines: Iterable[Line], reference: Money, used: Money) -> Money:
    """What is left, for the complementary, of an amount by day or by year, over the lines of one domain."""
    count = max((count_of(guarantee, line) for line in lines), default=1)
    left = guarantee.amount.times(count) - used
    return max(ZERO, left - reference if guarantee.basis in _INCLUDING else left)


def wording(guarantee: Guarantee) -> str:
    """The guarantee in French words."""
    percent = f"{guarantee.percent * 100} %"
    amount = guarantee.amount.french
    per = {Per.ACT: "par acte", Per.DAY: "par jour", Per.YEAR: "par an"}[guarantee.per]
    return {
        Basis.BASE_INCLUDING_AMO: f"{percent} de la base, assurance maladie comprise",
        Basis.BASE_ON_TOP_OF_AMO: f"{percent} de la base, en plus de l'assurance maladie",
        Basis.AMO_SHARE: f"{percent} du remboursement de l'assurance maladie",
        Basis.AMOUNT_INCLUDING_AMO: f"{amount} {per}, assurance maladie comprise",
        Basis.AMOUNT_ON_TOP_OF_AMO: f"{amount} {per}, en plus de l'assurance maladie",
        Basis.REAL_COST: "frais réels",
        Basis.NONE: "aucune",
    }[guarantee.basis]
