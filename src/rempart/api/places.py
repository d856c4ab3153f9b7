"""How many requests may be under way at once: in all, and from one address. Pure bookkeeping; the clock plays no part.

A count of what is in flight, not of requests a second: a chain of pharmacies behind one address asks often and waits briefly, so it holds
few places at a time, while whoever floods, or sends drop by drop, holds many. Memory is bounded by the places themselves: an
address is forgotten with its last request.
"""

from rempart.vaultdoor.messages import Refused


class Places:
    """Taken at the door, left on the way out."""

    def __init__(self, in_all: int, per_address: int) -> None:
        self._in_all, self._per_address = in_all, per_address
        self._taken: dict[str, int] = {}
        self.in_flight = 0

    def take(self, address: str) -> Refused | None:
        """A place for one request, or why there is none. Who was refused has nothing to leave."""
        taken = self._taken.get(address, 0)
        if taken >= self._per_address:
            return Refused("crowded")
        if self.in_flight >= self._in_all:
            return Refused("saturated")
        self._taken[address] = taken + 1
        self.in_flight += 1
        return None

    def leave(self, address: str) -> None:
        """Once for each place taken."""
        self.in_flight -= 1
        left = self._taken[address] - 1
        if left:
            self._taken[address] = left
        else:
            del self._taken[address]

    @property
    def addresses(self) -> int:
        """How many addresses hold a place."""
        return len(self._taken)
