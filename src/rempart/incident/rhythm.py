"""A party's own week: how many new persons it is told of in ten minutes, by kind of day and two-hour band; and when it works at all.

Learnt day by day, from days on which nothing was found; before that, what is usual of its profession.
"""

from dataclasses import dataclass, field
from functools import lru_cache

from rempart.foundation.clock import HOUR, MINUTE, PARIS, instant
from rempart.incident.cusum import Expected

BIN = 10 * MINUTE
BANDS = 12
"""Two-hour bands a day; kinds of day: Monday, Tuesday to Friday, Saturday, Sunday."""
_BINS = 12
"""Bins in a band."""
_PRIOR_BINS = 36
"""The profession's figure weighs as much as three days of one's own."""
_MOST_BINS = 16 * 12
"""What was learnt is halved beyond this: after sixteen weeks of Mondays, or four of ordinary days."""
MOST_LEARNT = 2
"""A band learns twice its mean at the most, and one new person a bin."""
_UNKNOWN, _KNOWN = 0.7, 0.35
"""How uncertain a mean is from day to day: without any history, and with plenty."""

USUAL: dict[str, tuple[float, float]] = {
    # New persons in ten minutes at work, on one device and in the whole house: the upper end of ordinary.
    "pharmacy": (2.5, 6.0),
    "laboratory": (3.5, 7.0),
    "radiology": (2.0, 4.0),
    "doctor": (1.2, 2.0),
    "auxiliary": (1.0, 1.5),
    "dentist": (0.8, 1.2),
    "optician": (0.8, 1.2),
    "audiologist": (0.6, 1.0),
    "hospital": (3.0, 14.0),
    "ambulance": (0.8, 1.5),
}
_OTHER = (1.0, 2.0)
ALL_NIGHT = frozenset({"hospital", "ambulance"})
"""Who works at night: for them no hour is odd."""
_SHAPE = {
    "hospital": (0.2, 0.2, 0.2, 0.5, 1.0, 1.0, 0.8, 0.8, 0.8, 0.5, 0.3, 0.2),
    "": (0.01, 0.01, 0.01, 0.4, 1.0, 1.0, 0.8, 1.0, 1.0, 0.8, 0.1, 0.01),
}
"""How much of it in each two-hour band of a day, from midnight."""
_DAYS = (1.3, 1.0, 0.7, 0.05)


@lru_cache(maxsize=65536)
def when(at: int) -> tuple[int, int, int]:
    """Civil day in Paris (its ordinal), kind of day, band. `at` rounded to ten minutes by the caller, for the cache's sake."""
    there = instant(at).astimezone(PARIS)
    kind = (0, 1, 1, 1, 1, 2, 3)[there.weekday()]
    return there.date().toordinal(), kind, there.hour // 2


def is_night(at: int) -> bool:
    """Between 22:00 and 06:00 in Paris."""
    return not 6 <= instant(at).astimezone(PARIS).hour < 22


def prior(profession: str, kind: int, band: int, *, house: bool) -> float:
    """What is usual of the profession, in a bin."""
    rate = USUAL.get(profession, _OTHER)[house]
    shape = _SHAPE["hospital"] if profession in ALL_NIGHT else _SHAPE[""]
    day = max(_DAYS[kind], 0.5) if profession in ALL_NIGHT else _DAYS[kind]
    return rate * shape[band] * day


@dataclass(slots=True)
class Rhythm:
    """What was learnt of one device or establishment. `sums` and `bins`: by kind of day and band, flat."""

    profession: str
    house: bool
    sums: list[float] = field(default_factory=lambda: [0.0] * (4 * BANDS))
    bins: list[float] = field(default_factory=lambda: [0.0] * 4)
    day: int = 0
    """The day that runs, not learnt yet."""
    running: list[int] = field(default_factory=lambda: [0] * BANDS)
    spoilt: bool = False
    """Something was found today: nothing is learnt of it."""
    since: int = 0
    """The first day known."""

    def expect(self, kind: int, band: int) -> Expected:
        """The mean of a bin, and how uncertain it is. A rush may begin early: two fifths of the neighbouring bands count too."""
        own = self._mean(kind, band)
        near = max(self._mean(kind, (band - 1) % BANDS), self._mean(kind, (band + 1) % BANDS))
        seen = self.bins[kind]
        share = seen / (seen + _PRIOR_BINS)
        return Expected(max(own, 0.4 * near), _UNKNOWN + (_KNOWN - _UNKNOWN) * share)

    def count(self, day: int, band: int) -> None:
        """One more new person. A day that is over is learnt first."""
        if day > self.day:
            self.close(day)
        # A day that was learnt already is read again after a restart.
        self.running[band] += day == self.day

    def close(self, day: int) -> None:
        """Learn the day that ran and the empty ones since, up to `day` (28 at the most)."""
        if self.day == 0:
            self.since = self.day = day
            return
        for passed in range(max(self.day, day - 28), day):
            counts = self.running if passed == self.day else _NOTHING
            if not (self.spoilt and passed == self.day):
                self._learn((0, 1, 1, 1, 1, 2, 3)[(passed - 1) % 7], counts)
        self.day, self.running, self.spoilt = day, [0] * BANDS, False

    def _learn(self, kind: int, counts: "list[int] | tuple[int, ...]") -> None:
        base = kind * BANDS
        for band, count in enumerate(counts):
            # A house that grows is learnt in days, a burst is not.
            self.sums[base + band] += min(count, MOST_LEARNT * self._mean(kind, band) * _BINS + _BINS)
        self.bins[kind] += _BINS
        if self.bins[kind] > _MOST_BINS:
            self.bins[kind] /= 2
            for band in range(BANDS):
                self.sums[base + band] /= 2

    def _mean(self, kind: int, band: int) -> float:
        before = prior(self.profession, kind, band, house=self.house)
        return (self.sums[kind * BANDS + band] + before * _PRIOR_BINS) / (self.bins[kind] + _PRIOR_BINS)

    def learnt(self) -> float:
        """New persons of all the days learnt."""
        return sum(self.sums)

    def share_of_band(self, band: int) -> float:
        """How much of what it is told of falls into this band, whatever the day."""
        whole = self.learnt()
        return sum(self.sums[kind * BANDS + band] for kind in range(4)) / whole if whole else 0.0


_NOTHING = (0,) * BANDS
assert 2 * HOUR == _BINS * BIN
