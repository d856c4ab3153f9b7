"""Money: whole cents. Every rounding of the trade is half-up, to the cent, and happens in `portion`."""

import re
from fractions import Fraction
from typing import Self

_EUROS = re.compile(r"(0|[1-9][0-9]{0,8})(?:\.([0-9]{1,2}))?")


class Money(int):
    """An amount in cents. Adding or subtracting two amounts gives an amount; there is no other arithmetic on it."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """ "12.34", "12.3" or "12" euros. Raises ValueError for anything else: a sign, a comma, a third decimal."""
        found = _EUROS.fullmatch(text)
        if found is None:
            raise ValueError("an amount in euros, such as 12.34")
        return cls(int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")))

    def __add__(self, other: "Money") -> "Money":  # type: ignore[override]
        return Money(int.__add__(self, other))

    def __sub__(self, other: "Money") -> "Money":  # type: ignore[override]
        return Money(int.__sub__(self, other))

    def times(self, count: int) -> "Money":
        """So many times the amount."""
        return Money(int(self) * count)

    def __str__(self) -> str:
        sign, cents = ("-", -int(self)) if self < 0 else ("", int(self))
        return f"{sign}{cents // 100}.{cents % 100:02d}"

    def __repr__(self) -> str:
        return f"Money({int(self)})"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    @property
    def french(self) -> str:
        """As a pharmacist reads it: "1 234,50 €"."""
        sign, cents = ("-", -int(self)) if self < 0 else ("", int(self))
        return f"{sign}{cents // 100:,}".replace(",", " ") + f",{cents % 100:02d} €"


ZERO = Money(0)


def portion(amount: Money, rate: Fraction) -> Money:
    """That part of an amount, rounded half-up to the cent: 70 % of 10.75 is 7.53 (7.525)."""
    over, under = rate.numerator, rate.denominator
    return Money((2 * int(amount) * over + under) // (2 * under))


def total(amounts: "list[Money] | tuple[Money, ...]") -> Money:
    """The sum, an amount even when there is nothing to add."""
    return Money(sum(map(int, amounts)))
