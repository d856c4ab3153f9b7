"""Civil identities by construction: the n-th birth of a population has a NIR that no other n has.

A NIR with order number 000 still tells apart sex, year, month and place. The number n is scattered over (place, last digit of the
year, month, sex) by a seeded generalised Feistel network (Black and Rogaway, CT-RSA 2002), a bijection whatever its tables. The decade
of birth is then free: a parent, a pensioner and a child each have a window of ten years, and exactly one year of a window ends in the
digit. All years lie within 1936–2025, so that two digits name one year.
"""

from hashlib import shake_256
from typing import NamedTuple

from rempart.foundation.identifiers import nir_key

FIRST_YEAR, LAST_YEAR = 1936, 2025

_METROPOLITAN = [f"{number:02d}" for number in range(1, 96) if number != 20] + ["2A", "2B"]
_PLACES = (
    [f"{department}{commune:03d}" for commune in range(1, 861) for department in _METROPOLITAN]
    + [f"97{department}{commune:02d}" for commune in range(1, 100) for department in range(1, 7)]
    + [f"99{country}" for country in range(100, 900)]
)
_MOMENTS = 240
"""Last digit of the year × month × sex; the sex is the lowest bit."""
_PLACE_COUNT = len(_PLACES)
_ABROAD = _PLACE_COUNT - 800
CAPACITY = _PLACE_COUNT * _MOMENTS
"""How many births a population can have: 20.1 million."""

# The key is linear: 97 − (share of sex, year and month + share of the place) mod 97. Shares and keys are tabled.
_PLACE_TAILS = [(f"{place}000", 97 - nir_key(f"00000{place}000")) for place in _PLACES]
_KEYS = [f"{97 - share % 97:02d}" for share in range(2 * 97)]


class _Month(NamedTuple):
    stem: str
    """Sex, year and month of a NIR."""
    share: int
    iso: str
    """Year and month of the birth date, with its hyphens."""


def _month(sex: int, year: int, month: int, printed: int) -> _Month:
    stem = f"{sex}{year % 100:02d}{printed:02d}"
    return _Month(stem, 97 - nir_key(stem + "00000000"), f"{year}-{month:02d}-")


def _incomplete(month: int) -> int:
    """The month that a NIR shows when the civil record is incomplete: 20 to 42, another for each true month."""
    return month + 19 if month % 2 else month + 30


def _months(moment: int, *, incomplete: bool) -> list[_Month]:
    """For each first year of a window, the month of birth that a moment names in it."""
    digit, month, sex = moment // 24, moment // 2 % 12 + 1, moment % 2 + 1
    printed = _incomplete(month) if incomplete else month
    by_decade = [_month(sex, decade + digit, month, printed) for decade in range(1930, LAST_YEAR + 1, 10)]
    return [
        by_decade[(start + (digit - start) % 10) // 10 - 193] for start in range(FIRST_YEAR, LAST_YEAR - 8)
    ]


_MONTHS = [_months(moment, incomplete=False) for moment in range(_MOMENTS)]
_INCOMPLETE_MONTHS = [_months(moment, incomplete=True) for moment in range(_MOMENTS)]
_DAYS = [f"{day:02d}" for day in range(32)]

Birth = tuple[int, int]
"""A place and a moment (last digit of the year, month, sex), by their numbers: what a NIR tells, but for the decade."""


class Births:
    """The births of one population. `n` runs from 0 to CAPACITY − 1."""

    def __init__(self, seed: int) -> None:
        self._first_move = _table(seed, "first", _MOMENTS, _PLACE_COUNT)
        self._second_move = _table(seed, "second", _PLACE_COUNT, _MOMENTS)
        self._third_move = _table(seed, "third", _MOMENTS, _PLACE_COUNT)

    def birth(self, n: int) -> Birth:
        """The n-th birth: two numbers give two births. Three rounds, each undone by a subtraction."""
        moment = n % _MOMENTS
        place = (n // _MOMENTS + self._first_move[moment]) % _PLACE_COUNT
        moment = (moment + self._second_move[place]) % _MOMENTS
        return (place + self._third_move[moment]) % _PLACE_COUNT, moment


def _table(seed: int, label: str, size: int, modulus: int) -> list[int]:
    """`size` seeded numbers below `modulus`."""
    stream = shake_256(f"rempart population {seed} {label}".encode()).digest(4 * size)
    return [int.from_bytes(stream[at : at + 4], "big") % modulus for at in range(0, 4 * size, 4)]


def twin_of(birth: Birth) -> Birth:
    """The second twin: same place, year and month; the other sex in half of the places.

    The place decides, not the dice: so it stays a bijection, and no two second twins share a NIR.
    """
    place, moment = birth
    return place, moment ^ (place & 1)


def civil_identity(
    birth: Birth, window: int, day: int, *, record_incomplete: bool = False
) -> tuple[str, str]:
    """NIR and ISO birth date, in the ten years from `window`. An incomplete record shows in the NIR of a birth abroad only."""
    place, moment = birth
    months = _INCOMPLETE_MONTHS if record_incomplete and place >= _ABROAD else _MONTHS
    stem, share, iso = months[moment][window - FIRST_YEAR]
    tail, place_share = _PLACE_TAILS[place]
    return f"{stem}{tail}{_KEYS[share + place_share]}", iso + _DAYS[day]
