"""The cases' file (docs/files/pricing-cases.md), read strictly: an unknown key or value, or a missing one, is an error naming its path."""

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

import msgspec

from rempart.claims.case import (
    DOMAIN_OF,
    FRANCHISE,
    PARTICIPATION,
    Basis,
    Basket,
    Beneficiary,
    CareClass,
    Case,
    Consumed,
    Contract,
    Ear,
    Exoneration,
    Guarantee,
    Lens,
    Line,
    Nature,
    Pathway,
    Per,
    Regime,
)  # fmt: skip
from rempart.claims.money import Money
from rempart.claims.parameters import parameters_on
from rempart.foundation.errors import BadInput
from rempart.foundation.vocabulary import Domain

_MOST_PERCENT = 10_000
_PERCENT = frozenset({Basis.BASE_INCLUDING_AMO, Basis.BASE_ON_TOP_OF_AMO, Basis.AMO_SHARE})
_AMOUNT = frozenset({Basis.AMOUNT_INCLUDING_AMO, Basis.AMOUNT_ON_TOP_OF_AMO})
_CLASSES = {
    Nature.OPTICS_LENS: (CareClass.A, CareClass.B),
    Nature.OPTICS_FRAME: (CareClass.A, CareClass.B),
    Nature.AUDIO: (CareClass.I, CareClass.II),
}
_AT = re.compile(r"^(.*?)(?: - at `(?:key in )?\$\.?(.*)`)?$", re.DOTALL)

_FIELD = re.compile(r"Object (missing required|contains unknown) field `(.*)`")

COUNTERS = (
    {domain.value.lower(): (domain.value, None) for domain in Domain}
    | {name: (name, None) for name in (PARTICIPATION, FRANCHISE)}
    | {"optics": ("OPTI", None), "audio": ("AUDI", None), "audio-left": ("AUDI", Ear.LEFT), "audio-right": ("AUDI", Ear.RIGHT)}
    | {"dental": ("DENT", None), "doctor": ("MED", None), "biology": ("LABO", None), "auxiliary": ("AUXM", None)}
    | {"drug": ("PHAR", None), "hospital": ("HOSP", None), "transport": ("TRAN", None)}
)  # fmt: skip
"""The names a consumed counter goes by: a domain's code in either case, its English word, an ear, participation, franchise."""

Euros = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,2})?$")]
Count = Annotated[int, msgspec.Meta(ge=1, le=9_999)]
Territory = Annotated[str, msgspec.Meta(pattern=r"^(0[1-9]|[1-8][0-9]|9[0-5]|2[AB]|97[1-8]|98[46-8])$")]


class BadCases(BadInput):
    """The file is not as docs/files/pricing-cases.md says."""

    code = "cases"
    french = "Le fichier de cas n'est pas conforme (docs/files/pricing-cases.md) : corrigez l'endroit indiqué. Rien n'a été écrit."
    english = "The cases' file is not as docs/files/pricing-cases.md says: correct the place named. Nothing was written."


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class _Guarantee(_Strict, frozen=True):
    basis: Basis
    percent: Decimal | None = None
    amount: Euros | None = None
    per: Per | None = None


class _Contract(_Strict, frozen=True):
    responsible: bool
    guarantee: _Guarantee
    guarantee_non_optam: _Guarantee | None = None
    kit_guarantee: _Guarantee | None = None


class _Beneficiary(_Strict, frozen=True):
    age: Annotated[int, msgspec.Meta(ge=0, le=150)]
    regime: Regime
    territory: Territory | None = None


class _Line(_Strict, frozen=True):
    nature: Nature
    price: Euros
    base: Euros
    pathway: Pathway = Pathway.COORDINATED
    optam: bool | None = None
    exoneration: Exoneration | None = None
    care_class: CareClass | None = msgspec.field(default=None, name="class")
    basket: Basket | None = None
    lens_category: Lens | None = None
    ear: Ear | None = None
    boxes: Count | None = None
    days: Annotated[int, msgspec.Meta(ge=0, le=9_999)] | None = None
    acts: Count | None = None
    heavy_act: bool = False


class _Consumed(_Strict, frozen=True):
    domain: str
    since: datetime.date
    amount: Euros


class _Expect(_Strict, frozen=True):
    amo: Euros | None = None
    amc: Euros | None = None
    patient: Euros | None = None
    participation: Euros | None = None
    franchise: Euros | None = None


class _Case(_Strict, frozen=True):
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    care_date: datetime.date
    beneficiary: _Beneficiary
    contract: _Contract
    lines: Annotated[list[_Line], msgspec.Meta(min_length=1, max_length=1_000)]
    source: str | None = None
    status: Literal["published", "derived", "price chosen"] | None = None
    consumed: list[_Consumed] = []
    expect: _Expect | None = None


class _File(_Strict, frozen=True):
    cases: list[_Case]
    note: str | None = None
    version: Literal[1] = 1


@dataclass(frozen=True, slots=True)
class NamedCase:
    """A case with its id and what its author expects, by share."""

    id: str
    case: Case
    expect: dict[str, Money]


def read_cases(data: bytes) -> list[NamedCase]:
    """The cases of a file.

    Raises BadCases, its detail "path: what is wrong", such as "cases[3].lines[0].nature: Invalid enum value 'spa'"."""
    try:
        file = msgspec.json.decode(data, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadCases(_located(str(error))) from None
    _check_ids(file.cases)
    return [_named(f"cases[{place}]", raw) for place, raw in enumerate(file.cases)]


def _located(message: str) -> str:
    found = _AT.fullmatch(message)
    assert found is not None
    what, path = found[1], found[2] or ""
    field = _FIELD.fullmatch(what)
    if field is not None:
        path = f"{path}.{field[2]}" if path else field[2]
        what = "missing" if field[1] == "missing required" else "unknown key"
    return f"{path}: {what}" if path else what


def _check_ids(cases: Sequence[_Case]) -> None:
    seen: set[str] = set()
    for place, raw in enumerate(cases):
        if raw.id in seen:
            raise BadCases(f"cases[{place}].id: {raw.id!r} is already taken")
        seen.add(raw.id)


def _named(path: str, raw: _Case) -> NamedCase:
    parameters_on(raw.care_date)
    lines = tuple(_line(f"{path}.lines[{n}]", line, raw.care_date) for n, line in enumerate(raw.lines))
    for nature, most in ((Nature.OPTICS_LENS, 2), (Nature.OPTICS_FRAME, 1)):
        if sum(line.nature is nature for line in lines) > most:
            raise BadCases(f"{path}.lines: more than {most} {nature.value}: a case holds one kit")
    who = Beneficiary(raw.beneficiary.age, raw.beneficiary.regime, raw.beneficiary.territory)
    consumed = tuple(
        _consumed(f"{path}.consumed[{n}]", entry, raw.care_date) for n, entry in enumerate(raw.consumed)
    )
    case = Case(raw.care_date, who, _contract(f"{path}.contract", raw.contract), lines, consumed)
    return NamedCase(raw.id, case, _expect(raw.expect))


def _line(path: str, raw: _Line, care_date: datetime.date) -> Line:
    allowed = _CLASSES.get(raw.nature)
    if allowed and raw.care_class is not None and raw.care_class not in allowed:
        raise BadCases(f"{path}.class: {raw.care_class.value} is not a class of {raw.nature.value}")
    if allowed and raw.care_class is None and care_date.year >= 2020:
        raise BadCases(f"{path}.class: missing, {' or '.join(allowed)} for {raw.nature.value}")
    if raw.nature is Nature.OPTICS_LENS and raw.care_class is not CareClass.A and raw.lens_category is None:
        raise BadCases(f"{path}.lens_category: missing for {raw.nature.value}")
    if raw.nature is Nature.HOSPITAL_STAY and raw.days is None:
        raise BadCases(f"{path}.days: missing for {raw.nature.value}")
    return Line(
        raw.nature, Money.parse(raw.price), Money.parse(raw.base), raw.pathway, raw.optam, raw.exoneration, raw.care_class, raw.basket,
        raw.lens_category, raw.ear, raw.boxes or 1, raw.days or 0, raw.acts or 1, raw.heavy_act,
    )  # fmt: skip


def _contract(path: str, raw: _Contract) -> Contract:
    return Contract(
        raw.responsible,
        _guarantee(f"{path}.guarantee", raw.guarantee),
        None if raw.guarantee_non_optam is None else _guarantee(f"{path}.guarantee_non_optam", raw.guarantee_non_optam),
        None if raw.kit_guarantee is None else _guarantee(f"{path}.kit_guarantee", raw.kit_guarantee),
    )  # fmt: skip


def _guarantee(path: str, raw: _Guarantee) -> Guarantee:
    for field, given, bases in (("percent", raw.percent, _PERCENT), ("amount", raw.amount, _AMOUNT)):
        if (given is not None) != (raw.basis in bases):
            what = "missing" if given is None else "not wanted"
            raise BadCases(f"{path}.{field}: {what} with {raw.basis.value}")
    if raw.per is not None and raw.basis not in _AMOUNT:
        raise BadCases(f"{path}.per: not wanted with {raw.basis.value}")
    if raw.percent is not None and not (raw.percent.is_finite() and 0 <= raw.percent <= _MOST_PERCENT):
        raise BadCases(f"{path}.percent: from 0 to {_MOST_PERCENT}")
    percent = Fraction(raw.percent) / 100 if raw.percent is not None else Fraction(0)
    return Guarantee(raw.basis, percent, Money.parse(raw.amount or "0"), raw.per or Per.ACT)


def _consumed(path: str, raw: _Consumed, care_date: datetime.date) -> Consumed:
    named = COUNTERS.get(raw.domain.lower()) or _by_nature(raw.domain)
    if named is None:
        raise BadCases(f"{path}.domain: {raw.domain!r} is not a counter")
    if raw.since > care_date:
        raise BadCases(f"{path}.since: after the care date")
    return Consumed(named[0], raw.since, Money.parse(raw.amount), named[1])


def _by_nature(name: str) -> tuple[str, None] | None:
    return next(((DOMAIN_OF[nature].value, None) for nature in Nature if nature.value == name), None)


def _expect(raw: _Expect | None) -> dict[str, Money]:
    if raw is None:
        return {}
    given: dict[str, Any] = msgspec.structs.asdict(raw)
    return {name: Money.parse(text) for name, text in given.items() if text is not None}
