"""Two coarse features of a look-up, for detection: where in the country (or in an insurer's numbers), and how far from the device's last.

They need the identifier, so they are made where it passes through memory; what is kept of it is one keyed byte, and one of six classes. Of
a device's last identifier this process keeps six digits, for an hour.
"""

import asyncio
import uuid
from collections import OrderedDict

from rempart.foundation.clock import HOUR, Clock
from rempart.foundation.vocabulary import Lane
from rempart.vault.keystore import Prf
from rempart.vaultdoor.fhir import Presentation

NONE, SAME, NEXT, NEAR, AROUND, FAR = range(6)
"""Classes of the step: none before, the same, the next number, within ten upwards, within a hundred, far or downwards."""
_MODULUS = 1_000_000
_MOST_DEVICES = 200_000
_FORGET_SECONDS = 60


class Features:
    """Made once a vault process."""

    def __init__(self, prf: Prf) -> None:
        self._prf = prf
        self._last: OrderedDict[uuid.UUID, tuple[int, int]] = OrderedDict()

    def of(self, presentation: Presentation, device: uuid.UUID, now: int) -> tuple[int, int]:
        """Bucket (0 to 255) and class of the step."""
        if presentation.lane is Lane.VITALE:
            place, number = presentation.nir[5:7], presentation.nir[7:13]
        elif presentation.lane is Lane.CARD:
            place, number = presentation.amc + presentation.adherent[:3], presentation.adherent
        else:
            # A card's secret has no neighbours.
            return self._bucket(presentation.amc), FAR
        return self._bucket(place), self._step(device, _low_digits(number), now)

    def _bucket(self, place: str) -> int:
        return self._prf(b"feature-bucket\0" + place.encode())[0]

    def _step(self, device: uuid.UUID, number: int, now: int) -> int:
        self.forget(now)
        before = self._last.pop(device, None)
        self._last[device] = (number, now)
        if len(self._last) > _MOST_DEVICES:
            self._last.popitem(last=False)
        return step_class(before[0], number) if before is not None else NONE

    async def follow(self, clock: Clock) -> None:
        """For ever: forget also when nobody asks anything."""
        while True:
            await asyncio.sleep(_FORGET_SECONDS)
            self.forget(clock())

    def forget(self, now: int) -> None:
        """What is an hour old, or of a time that has not come: the clock was turned back."""
        while self._last and not 0 <= now - next(iter(self._last.values()))[1] < HOUR:
            self._last.popitem(last=False)


def step_class(before: int, number: int) -> int:
    """The class of the distance between two numbers modulo a million."""
    step = (number - before) % _MODULUS
    for limit, name in ((0, SAME), (1, NEXT), (10, NEAR), (100, AROUND)):
        if step <= limit:
            return name
    return FAR


def _low_digits(text: str) -> int:
    digits = "".join(char for char in text if char.isdigit())[-6:]
    return int(digits) if digits else 0
