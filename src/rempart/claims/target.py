"""The days on which banks settle: TARGET's calendar (ECB, guideline (EU) 2022/912, annex III)."""

from datetime import date, timedelta

_FIXED = frozenset({(1, 1), (5, 1), (12, 25), (12, 26)})


def is_target_day(day: date) -> bool:
    """Monday to Friday, but for New Year's Day, Good Friday, Easter Monday, 1 May, 25 and 26 December."""
    if day.weekday() >= 5 or (day.month, day.day) in _FIXED:
        return False
    return day - _easter(day.year) not in {timedelta(days=-2), timedelta(days=1)}


def next_target_day(day: date, after: int = 0) -> date:
    """`day` itself if banks settle then, else the next one; then `after` such days later."""
    while not is_target_day(day):
        day += timedelta(days=1)
    for _ in range(after):
        day = next_target_day(day + timedelta(days=1))
    return day


def _easter(year: int) -> date:
    """Easter Sunday, Gregorian (Butcher's algorithm, in Meeus, *Astronomical Algorithms*, chapter 8)."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)
