"""The dated figures of the law, read once from parameters.toml and chosen by care date."""

import tomllib
from dataclasses import dataclass, fields
from datetime import date
from fractions import Fraction
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from rempart.claims.case import Lens, Nature, Regime
from rempart.claims.money import Money
from rempart.foundation.errors import BadInput

KIT_LETTERS = {
    frozenset({Lens.A}): "a",
    frozenset({Lens.A, Lens.C}): "b",
    frozenset({Lens.C}): "c",
    frozenset({Lens.A, Lens.F}): "d",
    frozenset({Lens.C, Lens.F}): "e",
    frozenset({Lens.F}): "f",
}
"""Art. R871-2: the kit's letter follows from its two lenses."""


class NoParameters(BadInput):
    """The care is older than the table."""

    code = "care-date"
    french = "Cette date de soins est antérieure aux premiers paramètres connus : vérifiez la date."
    english = "This care date is before the first known parameters: check the date."


@dataclass(frozen=True, slots=True)
class Parameters:
    """Every figure that holds on one day. Money in cents; None where the rule did not exist yet."""

    rates: dict[Regime, dict[Nature, Fraction]]
    pathway_surcharge: Fraction
    pathway_youngest: int
    heavy_flat: Money
    hospital_forfait: Money
    hospital_last_day: int
    participation_unit: Money
    participation_times_a_day: int
    participation_year: Money
    participation_adult: int
    franchise_box: Money
    franchise_act: Money
    franchise_trip: Money
    franchise_act_day: Money
    franchise_trip_day: Money
    franchise_year: Money
    responsible_excess_limit: Fraction
    responsible_excess_gap: Fraction
    optics_full_cover: bool
    optics_frame_limit_a: Money | None
    optics_frame: Money
    optics_years: int
    optics_years_young: int
    optics_young: int
    kit_least: dict[str, Money]
    kit_most: dict[str, Money]
    audio_full_cover: bool
    audio_limit: Money | None
    audio_limit_young: Money | None
    audio_limit_reunion: Money | None
    audio_limit_reunion_young: Money | None
    audio_adult: int
    audio_ear: Money | None
    audio_years: int
    dental_full_cover: bool

    def audio_price_limit(self, age: int, territory: str | None) -> Money | None:
        """Price limit of a class I device, by age and territory."""
        young = age < self.audio_adult
        if territory == "974":
            return self.audio_limit_reunion_young if young else self.audio_limit_reunion
        return self.audio_limit_young if young else self.audio_limit


@cache
def table() -> dict[str, Any]:
    """parameters.toml as it is written, articles and sources included."""
    return tomllib.loads(files("rempart.claims").joinpath("parameters.toml").read_text("utf-8"))


@cache
def first_day() -> date:
    """The first care date that can be priced."""
    day: date = table()["rates"]["general"]["doctor"][0]["from"]
    return day


@cache
def switches() -> tuple[date, ...]:
    """Every date on which some figure changes, in order."""
    sections = [*table()["rates"].values(), *(values for name, values in table().items() if name != "rates")]
    return tuple(
        sorted(
            {
                step["from"]
                for section in sections
                for name, series in section.items()
                if name != "article"
                for step in series
            }
        )
    )


@lru_cache(maxsize=4096)
def parameters_on(day: date) -> Parameters:
    """The figures that hold on a care date. Raises NoParameters before the first one."""
    if day < first_day():
        raise NoParameters(f"{day} < {first_day()}")
    return _resolve(max(switch for switch in switches() if switch <= day))


@cache
def _resolve(day: date) -> Parameters:
    sections = table()
    rates = {
        regime: {nature: Fraction(_value(sections["rates"][regime][nature], day), 100) for nature in Nature}
        for regime in Regime
    }
    kits = {
        f"kit_{bound}": {
            letter: Money(_value(sections["optics"][f"{letter}_{bound}"], day)) for letter in "abcdef"
        }
        for bound in ("least", "most")
    }
    found: dict[str, Any] = {"rates": rates, **kits}
    for field in fields(Parameters):
        if field.name not in found:
            section, name = field.name.split("_", 1)
            found[field.name] = _typed(field.type, _value(sections[section][name], day))
    return Parameters(**found)


def _value(series: list[dict[str, Any]], day: date) -> Any:
    held = [step["value"] for step in series if step["from"] <= day]
    return held[-1] if held else None


def _typed(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if kind in {bool, int}:
        return kind(value)
    return Fraction(value, 100) if kind is Fraction else Money(value)
