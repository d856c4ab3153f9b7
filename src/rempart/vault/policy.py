"""Meters: what each profession may ask, in units, and the reasons. The same table stands in docs/meters.md; a test compares them.

A unit is one distinct person told of. A miss weighs 5 and the *vitale* lane 10, so that guessing and NIR lists are the dearest
ways to spend a line. Password and one-time code open half the line of a passkey, for the account and for the device.
"""

from dataclasses import dataclass

from rempart.foundation.clock import DAY, HOUR
from rempart.foundation.vocabulary import ALREADY_TOLD_HOURS, Assurance, Lane, Profession

MISS_WEIGHT = 5
LANE_WEIGHT = {Lane.CARD: 1, Lane.VITALE: 10, Lane.SECRET: 1}
HOUR_SLOT, DAY_SLOT, MONTH_SLOT = 900_000_000, 14_400_000_000, 345_600_000_000
"""µs of a meter's slots: 15 minutes, 4 hours, 4 days (migrations 0010 and 0080)."""

CLAIM_DELAY = DAY
"""An accepted claim counts a day after the later of look-up and claim: whoever invoices to go on has a day to be seen."""
SURPLUS = 1
"""Units that a claimed look-up gives back beyond its own: one person, whatever the lane. For the three in ten that never become a claim,
for typing errors and for cards whose contract has ended (by card 0.7 × 2 = 1.4 units earned a look-up; 1.0 spent, and 0.3 for six misses
in a hundred). As much again as the look-up cost would make ten card look-ups of one invoiced NIR."""
YOUNG = 120
"""All that claims can give to anybody in the 28 days after its first claim: a median needs a past."""
CONFIRMED = 15
"""Units beyond the pace that one confirmation opens, for an hour: a thief who waits for the honest person's touch gets no more by it."""
WIDENING = 60
"""Units that one confirmation by passkey adds to an exhausted line."""
WIDENINGS_A_DAY = 4
UNDER_WAY = 4
"""Look-ups of one device under way at once, a vault. A person waits for one; a counter's software for two or three. Each reserves its
dearest outcome from the breakers (a miss by NIR: 50 units), so that one device holds 200 units of an insurer's hour at the most."""
LEASE = 256
"""Units that a vault takes at once from a breaker, or an eighth of a small limit: a crash wastes as many, and none is told beyond."""
INSURER_SHARE, INSURER_LEAST = 100, 2_000
"""An insurer's breaker, unless the operator sets another: 1 % of its people an hour, 2,000 units at least."""
PLATFORM_SHARE, PLATFORM_LEAST = 200, 20_000
"""The platform's: 0.5 % of all people an hour, three times the trade's peak; 20,000 units at least."""
UNKNOWN_SHARE = 50
"""An n° AMC that nobody has may be asked for with a fiftieth of the platform's. One look-up in 200 is mistyped there and costs five: at the
trade's peak less than half of that. Nobody is told of anybody by it; without a limit of its own it would spend the platform's."""


@dataclass(frozen=True, slots=True)
class Line:
    """Units an hour, a day and a month (28 to 32 days, before what claims earn) for each account, device and establishment; `pace`: units
    an hour on one device beyond which a person confirms with a passkey; how long *already told* lasts (µs)."""

    account: tuple[int, int, int]
    device: tuple[int, int, int]
    establishment: tuple[int, int, int]
    pace: int
    told_window: int

    def limits(self, assurance: Assurance, served: int = 0) -> list[int]:
        """The twelve limits in the order of the SQL call: hour, day, line of account, device, establishment, editor (serving so many)."""
        share = 1 if assurance is Assurance.PASSKEY else 2
        own = (limit // share for limit in (*self.account, *self.device))
        return [*own, *self.establishment, *editor_limits(served)]


def editor_limits(served: int) -> tuple[int, int, int]:
    """Hour, day and line of an editor, by the establishments in which its software is installed: twice an ordinary one's peak, its busy
    day, and a third of what one new device has in each. All its installations together have no more, whoever commands them.
    """
    return 200 + 30 * served, 800 + 200 * served, 200 + 40 * served


def _line(profession: Profession, pace: int, day: int, base: int, house: tuple[int, int, int]) -> Line:
    """The hour's limit leaves room for two misses by the *vitale* lane beside twice the pace: a typing error closes no counter."""
    one = (2 * pace + 100, day, base)
    return Line(one, one, house, pace, ALREADY_TOLD_HOURS[profession] * HOUR)


# pace; day and line of account and device; hour, day and line of the establishment
_FIGURES: dict[Profession, tuple[int, int, int, tuple[int, int, int]]] = {
    # Some 150 to 300 people a day in an ordinary pharmacy, on three or four counters: five to ten an hour at each, peaks of 20.
    Profession.PHARMACY: (30, 300, 120, (300, 1_000, 720)),
    # A large laboratory registers its patients between 7 and 10 in the morning.
    Profession.LABORATORY: (30, 300, 120, (300, 1_000, 720)),
    Profession.RADIOLOGY: (25, 240, 120, (200, 500, 480)),
    # One consultation takes a quarter of an hour: four people an hour, fifteen when a secretary prepares the day.
    Profession.DOCTOR: (20, 200, 120, (160, 300, 360)),
    Profession.AUXILIARY: (20, 200, 120, (160, 300, 360)),
    Profession.DENTIST: (15, 180, 110, (150, 260, 330)),
    Profession.OPTICIAN: (15, 180, 110, (150, 260, 330)),
    Profession.AUDIOLOGIST: (15, 160, 110, (140, 200, 240)),
    # Admissions of a whole hospital pass through a few desks.
    Profession.HOSPITAL: (30, 360, 120, (600, 4_000, 2_400)),
    Profession.AMBULANCE: (15, 180, 110, (150, 260, 330)),
}
LINES: dict[Profession, Line] = {
    profession: _line(profession, *figures) for profession, figures in _FIGURES.items()
}


def costs(lane: Lane) -> tuple[int, int]:
    """Units for a person found, and for a miss: the dearest outcome, whose room is required before the probe."""
    return LANE_WEIGHT[lane], LANE_WEIGHT[lane] * MISS_WEIGHT
