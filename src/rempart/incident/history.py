"""What was learnt, as bytes in a row: counts and shares of one device or house."""

import msgspec

from rempart.incident.rhythm import BANDS, Rhythm
from rempart.incident.spread import Spread
from rempart.incident.unclaimed import Claimed, allowed
from rempart.incident.watch import DeviceMemory, HouseMemory, Paced

DEVICE, HOUSE = 1, 2


class Learnt(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Version 1. `first`: the first look-up; the rest as in Rhythm, Claimed, Spread."""

    version: int
    profession: str
    first: int
    day: int
    since: int
    sums: list[float]
    bins: list[float]
    claims: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    spread: tuple[int, float, float] = (0, 0.0, 0.0)


_decoder = msgspec.msgpack.Decoder(Learnt)


def write_device(device: DeviceMemory) -> bytes:
    """The row of a device."""
    rhythm, claims, spread = device.paced.rhythm, device.claims, device.known
    return msgspec.msgpack.encode(
        Learnt(
            1, rhythm.profession, device.first, rhythm.day, rhythm.since, rhythm.sums, rhythm.bins,
            (claims.slow, claims.fast, claims.open, claims.all), (spread.windows, spread.mean, spread.squares),
        )
    )  # fmt: skip


def write_house(house: HouseMemory) -> bytes:
    """The row of an establishment."""
    rhythm = house.paced.rhythm
    return msgspec.msgpack.encode(
        Learnt(1, rhythm.profession, house.first, rhythm.day, rhythm.since, rhythm.sums, rhythm.bins)
    )


def read_device(state: bytes) -> DeviceMemory:
    """A device as it was learnt; its running day comes from the stream. Raises msgspec.DecodeError."""
    learnt = _decoder.decode(state)
    return DeviceMemory(
        Paced(_rhythm(learnt, house=False)),
        learnt.first,
        known=Spread(*learnt.spread),
        claims=Claimed(*learnt.claims, allowed(learnt.profession)),
    )


def read_house(state: bytes) -> HouseMemory:
    """Likewise."""
    learnt = _decoder.decode(state)
    return HouseMemory(Paced(_rhythm(learnt, house=True)), learnt.first)


def _rhythm(learnt: Learnt, *, house: bool) -> Rhythm:
    if len(learnt.sums) != 4 * BANDS or len(learnt.bins) != 4:
        raise msgspec.DecodeError("a week has four kinds of day")
    return Rhythm(
        learnt.profession, house, learnt.sums, learnt.bins, day=learnt.day, since=learnt.since
    )  # fmt: skip
