"""Civil identities by construction: the n-th birth of a population has a NIR that no other n has.

A NIR with order number 000 still tells apart sex, year, month and place. The number n is scattered over (place, last digit of the year,
month, sex) by a seeded generalised Feistel network (Black and Rogaway, CT-RSA 2002, on two coordinates), which is a bijection whatever
its tables. The decade of birth is then free: a parent, a pensioner and a child each have a window of ten years, and exactly one year of a
window ends in the digit. All years lie within 1936–2025, so that two digits name one year.
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
_ABROAD = len(_PLACES) - 800
_DIGITS = 240  # the year's last digit × month × sex
CAPACITY = len(_PLACES) * _DIGITS
"""How many births a population can have: a little over 20 million."""

# The key is linear: 97 − ((sex, year, month) + place) mod 97. Each half's share is tabled, the keys too.
_PLACE_SHARES = [97 - nir_key(f"00000{place}000") for place in _PLACES]
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
    """The month that a NIR shows when the civil record is incomplete: 20 to 42, one for each true month."""
    return month + 19 if month % 2 else month + 30


_YEARS = range(FIRST_YEAR, LAST_YEAR + 1)
_MONTHS = [[_month(sex, year, month, month) for year in _YEARS] for month in range(1, 13) for sex in (1, 2)]
_INCOMPLETE_MONTHS = [
    [_month(sex, year, month, _incomplete(month)) for year in _YEARS]
    for month in range(1, 13)
    for sex in (1, 2)
]


class Birth(NamedTuple):
    """What a NIR and a birth date tell, before the decade and the day are chosen."""

    place: int
    digit: int
    """Last digit of the year."""
    month_and_sex: int


class Births:
    """The births of one population. `n` runs from 0 to CAPACITY − 1."""

    def __init__(self, seed: int) -> None:
        self._places = [_table(seed, f"place {turn}", _DIGITS, len(_PLACES)) for turn in range(2)]
        self._digits = [_table(seed, f"digits {turn}", len(_PLACES), _DIGITS) for turn in range(2)]

    def birth(self, n: int) -> Birth:
        """The n-th birth: two numbers give two births."""
        (places, places_again), (digits, digits_again) = self._places, self._digits
        place, rest = divmod(n, _DIGITS)
        place = (place + places[rest]) % len(_PLACES)
        rest = (rest + digits[place]) % _DIGITS
        place = (place + places_again[rest]) % len(_PLACES)
        rest = (rest + digits_again[place]) % _DIGITS
        digit, month_and_sex = divmod(rest, 24)
        return Birth(place, digit, month_and_sex)


def _table(seed: int, label: str, size: int, modulus: int) -> list[int]:
    """`size` seeded numbers below `modulus`."""
    stream = shake_256(f"rempart population {seed} {label}".encode()).digest(4 * size)
    return [int.from_bytes(stream[at : at + 4], "big") % modulus for at in range(0, 4 * size, 4)]


def twin_of(birth: Birth) -> Birth:
    """The second twin: same place, year and month; the other sex in half of the places.

    The place decides, not the dice: so it stays a bijection, and no two second twins share a NIR.
    """
    return birth._replace(month_and_sex=birth.month_and_sex ^ (birth.place & 1))


def civil_identity(
    birth: Birth, window: int, day: int, *, record_incomplete: bool = False
) -> tuple[str, str]:
    """NIR and ISO birth date, in the ten years from `window`. An incomplete record shows in the NIR of a birth abroad only."""
    year = window + (birth.digit - window) % 10
    months = _INCOMPLETE_MONTHS if record_incomplete and birth.place >= _ABROAD else _MONTHS
    stem, share, iso = months[birth.month_and_sex][year - FIRST_YEAR]
    nir = f"{stem}{_PLACES[birth.place]}000{_KEYS[share + _PLACE_SHARES[birth.place]]}"
    return nir, f"{iso}{day:02d}"
