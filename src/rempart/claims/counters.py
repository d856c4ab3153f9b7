"""Period ceilings: which window a date falls in, what of it is used, what is left. Pure: the counters themselves are kept elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from rempart.claims.case import Consumed, Ear, Per, Window
from rempart.claims.money import ZERO, Money, total
from rempart.claims.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Draw:
    """What a priced case takes from a counter: `opens` included, `closes` excluded."""

    counter: str
    window: Window
    opens: date
    closes: date
    amount: Money
    ear: Ear | None = None


def years_later(day: date, years: int) -> date:
    """The same day so many years later; 29 February becomes 1 March."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def day_after(day: date) -> date:
    """The next day."""
    return day + timedelta(days=1)


def civil_year(day: date) -> tuple[date, date]:
    """The civil year of a date: first day, and first day of the next."""
    return date(day.year, 1, 1), date(day.year + 1, 1, 1)


def optics_renewal(since: date, age: int, figures: Parameters) -> date:
    """Art. R871-2: from when another kit is covered: two years after the last one, one year for the young."""
    return years_later(
        since, figures.optics_years_young if age < figures.optics_young else figures.optics_years
    )


def audio_renewal(since: date, figures: Parameters) -> date:
    """Art. R871-2: from when another device is covered, ear by ear."""
    return years_later(since, figures.audio_years)


def used_in_year(consumed: Iterable[Consumed], counter: str, counted_on: date) -> Money:
    """What a civil-year counter has used in the year of a reimbursement."""
    found = _of(consumed, counter, Window.CIVIL_YEAR)
    return total([entry.amount for entry in found if entry.since.year == counted_on.year])


def used_on_day(consumed: Iterable[Consumed], counter: str, day: date) -> Money:
    """What a daily counter has used on a day."""
    return total([entry.amount for entry in _of(consumed, counter, Window.DAY) if entry.since == day])


def used_per(
    per: Per, consumed: Iterable[Consumed], counter: str, care_date: date, counted_on: date
) -> Money:
    """What is used of an amount by day or by year; nothing is ever used of an amount by act."""
    if per is Per.YEAR:
        return used_in_year(consumed, counter, counted_on)
    return used_on_day(consumed, counter, care_date) if per is Per.DAY else ZERO


def used_optics(consumed: Iterable[Consumed], care_date: date, age: int, figures: Parameters) -> Money:
    """What the kit's window has used on a care date."""
    found = _of(consumed, "OPTI", Window.RENEWAL)
    held = [entry for entry in found if care_date < optics_renewal(entry.since, age, figures)]
    return total([entry.amount for entry in held if entry.since <= care_date])


def used_audio(consumed: Iterable[Consumed], care_date: date, ear: Ear | None, figures: Parameters) -> Money:
    """What an ear's window has used on a care date; `ear` None: what is known without its ear."""
    found = [entry for entry in _of(consumed, "AUDI", Window.RENEWAL) if entry.ear is ear]
    held = [entry for entry in found if care_date < audio_renewal(entry.since, figures)]
    return total([entry.amount for entry in held if entry.since <= care_date])


def _of(consumed: Iterable[Consumed], counter: str, window: Window) -> list[Consumed]:
    return [
        entry
        for entry in consumed
        if entry.counter == counter and (entry.window is None or entry.window is window)
    ]


def remaining(ceiling: Money, used: Money) -> Money:
    """What is left of a ceiling, never negative."""
    return max(ZERO, ceiling - used)
