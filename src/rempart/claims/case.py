"""The vocabulary of a case to price: who, under which contract, which lines of care. Values only."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction

from rempart.claims.money import Money
from rempart.foundation.vocabulary import Domain


class Nature(StrEnum):
    """What kind of care a line is. Declared in the canonical order: the order in which shared ceilings are drawn on."""

    HOSPITAL_STAY = "hospital-stay"
    DOCTOR = "doctor"
    DENTAL_CARE = "dental-care"
    DENTAL_PROSTHESIS = "dental-prosthesis"
    BIOLOGY = "biology"
    AUXILIARY = "auxiliary"
    DRUG_100 = "drug-100"
    DRUG_65 = "drug-65"
    DRUG_30 = "drug-30"
    DRUG_15 = "drug-15"
    LPP = "lpp"
    OPTICS_LENS = "optics-lens"
    OPTICS_FRAME = "optics-frame"
    AUDIO = "audio"
    TRANSPORT = "transport"


DRUGS = frozenset({Nature.DRUG_100, Nature.DRUG_65, Nature.DRUG_30, Nature.DRUG_15})
OPTICS = frozenset({Nature.OPTICS_LENS, Nature.OPTICS_FRAME})
DOMAIN_OF = {
    Nature.HOSPITAL_STAY: Domain.HOSP,
    Nature.DOCTOR: Domain.MED,
    Nature.DENTAL_CARE: Domain.DENT,
    Nature.DENTAL_PROSTHESIS: Domain.DENT,
    Nature.BIOLOGY: Domain.LABO,
    Nature.AUXILIARY: Domain.AUXM,
    Nature.DRUG_100: Domain.PHAR,
    Nature.DRUG_65: Domain.PHAR,
    Nature.DRUG_30: Domain.PHAR,
    Nature.DRUG_15: Domain.PHAR,
    Nature.LPP: Domain.LPP,
    Nature.OPTICS_LENS: Domain.OPTI,
    Nature.OPTICS_FRAME: Domain.OPTI,
    Nature.AUDIO: Domain.AUDI,
    Nature.TRANSPORT: Domain.TRAN,
}
"""The column of the guarantee grid each nature belongs to."""


class Regime(StrEnum):
    """The compulsory scheme."""

    GENERAL = "general"
    ALSACE_MOSELLE = "alsace-moselle"
    FSV = "fsv"


class Pathway(StrEnum):
    """Parcours de soins coordonnés."""

    COORDINATED = "coordinated"
    OUTSIDE = "outside"


class Exoneration(StrEnum):
    """Why a line owes no ticket modérateur."""

    ALD = "ald"
    MATERNITY = "maternity"
    WORK_ACCIDENT = "work-accident"
    INVALIDITY = "invalidity"


class CareClass(StrEnum):
    """Optics A (100 % Santé) or B (free); audio I (100 % Santé) or II (free)."""

    A = "A"
    B = "B"
    I = "I"  # noqa: E741 - the law's own numeral
    II = "II"


class Basket(StrEnum):
    """Dental baskets: no remainder, moderated prices, free prices."""

    RAC0 = "rac0"
    MODERATED = "moderated"
    FREE = "free"


class Lens(StrEnum):
    """Art. R871-2's three kinds of lens: mild single vision (a), stronger or multifocal (c), strongest multifocal (f)."""

    A = "a"
    C = "c"
    F = "f"


class Ear(StrEnum):
    """Each ear has its own ceiling."""

    LEFT = "left"
    RIGHT = "right"


class Basis(StrEnum):
    """What a guarantee counts from; the products' file has the same words (docs/files/products.md)."""

    BASE_INCLUDING_AMO = "base-including-amo"
    BASE_ON_TOP_OF_AMO = "base-on-top-of-amo"
    AMO_SHARE = "amo-share"
    AMOUNT_INCLUDING_AMO = "amount-including-amo"
    AMOUNT_ON_TOP_OF_AMO = "amount-on-top-of-amo"
    REAL_COST = "real-cost"
    NONE = "none"


class Per(StrEnum):
    """What an amount is counted by."""

    ACT = "act"
    DAY = "day"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Guarantee:
    """What a contract promises on a domain. `percent` for the bases that are a percentage (1 is 100 %), `amount` for the others."""

    basis: Basis
    percent: Fraction = Fraction(0)
    amount: Money = Money(0)  # noqa: RUF009 - immutable
    per: Per = Per.ACT


NOTHING = Guarantee(Basis.NONE)


@dataclass(frozen=True, slots=True)
class Contract:
    """A complementary contract, as far as one invoice needs it."""

    responsible: bool
    guarantee: Guarantee
    guarantee_non_optam: Guarantee | None = None
    kit_guarantee: Guarantee | None = None
    """Optics: for the whole kit, in place of `guarantee` on each piece."""


@dataclass(frozen=True, slots=True)
class Beneficiary:
    """Years on the care date, scheme, and the département or overseas code where care is given. Nothing that names anybody."""

    age: int
    regime: Regime = Regime.GENERAL
    territory: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of care. A field that does not concern the nature has no effect."""

    nature: Nature
    price: Money
    base: Money
    pathway: Pathway = Pathway.COORDINATED
    optam: bool | None = None
    exoneration: Exoneration | None = None
    care_class: CareClass | None = None
    basket: Basket | None = None
    lens: Lens | None = None
    ear: Ear | None = None
    boxes: int = 1
    days: int = 0
    acts: int = 1
    heavy_act: bool = False


class Window(StrEnum):
    """How long a counter counts."""

    CIVIL_YEAR = "civil-year"
    """The civil year of the reimbursement."""
    RENEWAL = "renewal"
    """From a care date, until the equipment may be renewed."""
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Consumed:
    """What a counter has already used. `counter` is a Domain's code, PARTICIPATION or FRANCHISE; `since` the day its period began.

    `window` None: whichever window a rule looks at, as in the cases' file."""

    counter: str
    since: date
    amount: Money
    ear: Ear | None = None
    window: Window | None = None


PARTICIPATION, FRANCHISE = "participation", "franchise"


@dataclass(frozen=True, slots=True)
class Case:
    """One invoice's worth of care for one beneficiary on one day."""

    care_date: date
    beneficiary: Beneficiary
    contract: Contract
    lines: tuple[Line, ...]
    consumed: tuple[Consumed, ...] = field(default=())
    reimbursed_on: date | None = None
    """Civil-year counters run on the reimbursement's date; None: the care date."""

    @property
    def counted_on(self) -> date:
        """The date that chooses the civil year of a counter."""
        return self.reimbursed_on or self.care_date


_NATURE_RANK = {nature: rank for rank, nature in enumerate(Nature)}


def canonical_key(line: Line) -> tuple[object, ...]:
    """Where a line stands when something is shared between lines: by nature as declared above, heavy acts first, then dearest base
    first, then by every other field."""
    return (
        _NATURE_RANK[line.nature], not line.heavy_act, -line.base, -line.price, line.pathway, line.exoneration or "", str(line.optam),
        line.care_class or "", line.basket or "", line.lens or "", line.ear or "", line.boxes, line.days, line.acts,
    )  # fmt: skip
