"""Meters: what each profession may ask, in units, and the reasons. The same table stands in docs/meters.md; a test compares them.

A unit is one distinct person told of. A miss weighs 5 and the *vitale* lane 10, so that guessing and NIR lists are the dearest
ways to spend a line. Password and one-time code open half the line of a passkey, for the account and for the device.
"""

from dataclasses import dataclass

from rempart.foundation.clock import DAY, HOUR
from rempart.foundation.vocabulary import Assurance, Lane, Profession

MISS_WEIGHT = 5
LANE_WEIGHT = {Lane.CARD: 1, Lane.VITALE: 10}


@dataclass(frozen=True, slots=True)
class Line:
    """Units an hour and a day for each account, device and establishment, and how long *already told* lasts (µs)."""

    account: tuple[int, int]
    device: tuple[int, int]
    establishment: tuple[int, int]
    told_window: int

    def limits(self, assurance: Assurance) -> list[int]:
        """The six limits in the order of the SQL call: account hour, day; device hour, day; establishment hour, day."""
        share = 1 if assurance is Assurance.PASSKEY else 2
        return [*(limit // share for limit in (*self.account, *self.device)), *self.establishment]


LINES: dict[Profession, Line] = {
    # Some 150 to 300 people a day in an ordinary pharmacy, on three or four counters; peaks of 60 an hour.
    Profession.PHARMACY: Line((120, 400), (120, 400), (360, 1_200), 24 * HOUR),
    # A large laboratory registers its patients between 7 and 10 in the morning.
    Profession.LABORATORY: Line((120, 400), (120, 400), (480, 1_600), 30 * DAY),
    Profession.RADIOLOGY: Line((90, 300), (90, 300), (300, 1_000), 30 * DAY),
    # One consultation takes a quarter of an hour: four people an hour, ten when a secretary prepares the day.
    Profession.DOCTOR: Line((60, 160), (60, 160), (120, 320), 30 * DAY),
    Profession.AUXILIARY: Line((60, 160), (60, 160), (120, 320), 30 * DAY),
    Profession.DENTIST: Line((60, 120), (60, 120), (120, 240), 30 * DAY),
    Profession.OPTICIAN: Line((60, 160), (60, 160), (120, 320), 30 * DAY),
    Profession.AUDIOLOGIST: Line((60, 120), (60, 120), (60, 160), 30 * DAY),
    # Admissions of a whole hospital pass through a few desks.
    Profession.HOSPITAL: Line((120, 600), (120, 600), (960, 6_000), 30 * DAY),
    Profession.AMBULANCE: Line((60, 160), (60, 160), (120, 480), 30 * DAY),
}


def costs(lane: Lane) -> tuple[int, int]:
    """Units for a person found, and for a miss: the dearest outcome, whose room is required before the probe."""
    return LANE_WEIGHT[lane], LANE_WEIGHT[lane] * MISS_WEIGHT
