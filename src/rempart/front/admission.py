"""The queue before signing in: on the day when everybody comes back at once, each is told their place, and who works is not slowed.

Signing in is what costs (Argon2, a commit or two); a look-up costs a hundredth of it. So a few sign-ins are let through at a time, in the
order in which people came. A ticket is a number, signed: nothing is kept of who waits, be they ten or two hundred thousand. What is kept is
the last number given, the number whose turn it is, and how often the last few thousand numbers were used.

The turn moves on as sign-ins end, and faster where those whose turn it was do not come: their number stays good for a while. How many
numbers one address may draw is bounded, in tables of a fixed size under a secret of this process: nobody fills them or
aims at somebody else's place in them. The clock is passed in, in seconds, and only ever compared with itself.
"""

import asyncio
import base64
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass

from rempart.vaultdoor.messages import Refused

QUEUED = frozenset(
    {
        "/acts/sign-in/begin",
        "/acts/sign-in/password",
        "/acts/activation/password",
    }
)
"""What takes a turn. A passkey's second half needs the challenge of its first, which took one."""
HEADER = b"rempart-ticket"
AT_ONCE = 6
"""Sign-ins under way: what keeps the vault's two Argon2 threads busy, and no more."""
WAITING_HERE = 24
"""Requests whose turn it is that wait for one of those to end, in this process; beyond, they are asked to come again in a second."""
LONGEST_HERE = 5.0
"""Seconds that they wait here."""
LONGEST_STEP = 60.0
"""Seconds that count at once of a time in which nobody came at all."""
LEAST_RATE = 2.0
FASTEST = 64
"""By how much the turn moves faster while nobody comes at all, doubled each second: numbers that a script drew are soon passed over."""
USES = 3
"""A mistyped password is not a reason to queue again."""
REMEMBERED = 16_384
"""Numbers behind the turn that are still good; older ones queue again."""
LONGEST_WAIT, SHORTEST_WAIT = 15.0, 1.0
"""Seconds until somebody who waits asks again, where the crowd is small."""
LOOKS_A_SECOND = 200
"""What all who wait may ask together: the larger the crowd, the more rarely each asks."""
_SLOTS = 4_096
_START_RATE = 20.0


@dataclass(frozen=True, slots=True)
class Place:
    """Somebody's place: how many turns before theirs, the seconds that this takes, when to ask again, and the ticket to show."""

    ahead: int
    seconds: int
    again: int
    ticket: str


class Bounds:
    """How many numbers one address may draw: a burst at once, then some a second.

    Two tables of a fixed size, in which addresses may fall together: one is out of room only where it is in both.
    """

    def __init__(self, secret: bytes, burst: int, per_second: float) -> None:
        self._secret, self._step, self._room = secret, 1 / per_second, burst / per_second
        self._until = ([0.0] * _SLOTS, [0.0] * _SLOTS)

    def allows(self, address: str, now: float) -> bool:
        """Count one, if there is room."""
        digest = hmac.digest(self._secret, b"address\0" + address.encode(), "sha256")
        slots = (int.from_bytes(digest[:4]) % _SLOTS, int.from_bytes(digest[4:8]) % _SLOTS)
        then = [max(table[slot], now) + self._step for table, slot in zip(self._until, slots, strict=True)]
        if min(then) - now > self._room:
            return False
        for table, slot, until in zip(self._until, slots, then, strict=True):
            table[slot] = until
        return True


class Admission:
    """One queue, for one process. `secret`: 32 random bytes; tickets of a former start queue again."""

    def __init__(self, secret: bytes, clock: Callable[[], float], at_once: int = AT_ONCE) -> None:
        self._secret, self._clock, self._at_once = secret, clock, at_once
        self._issued = self._turn = 0
        self._uses = bytearray(REMEMBERED)
        self._running = self._waiting_here = 0
        self._room = asyncio.Condition()
        self._last = self._busy_at = clock()
        self._credit = 0.0
        self._rate, self._rated, self._ended = _START_RATE, clock(), 0
        # A hospital's two hundred people come back behind one address.
        self._by_address = Bounds(secret, burst=240, per_second=4)

    @property
    def ahead(self) -> int:
        """How many numbers wait for their turn."""
        return self._issued - self._turn

    @property
    def _pace(self) -> float:
        """Sign-ins a second, as measured lately."""
        return max(self._rate, LEAST_RATE)

    async def enter(self, address: str, device: str, ticket: str) -> Place | Refused | None:
        """None: go on, and `leave` afterwards. A Place: not yet. A refusal: this address drew too many numbers."""
        now = self._clock()
        self._move(now)
        number = self.read(ticket, device)
        if number is None and self.ahead == 0 and self._running < self._at_once:
            self._running += 1
            return None
        if number is None:
            return self._draw(address, device, now)
        if number > self._turn:
            return self._place(number, ticket)
        if not self._use(number):
            return self._draw(address, device, now)
        self._busy_at = now
        if await self._take_room():
            return None
        self._uses[number % REMEMBERED] -= 1
        # When half of those who wait here are through.
        soon = -int(-WAITING_HERE / 2 / self._pace // 1)
        return Place(1, soon, soon, ticket)

    def look(self, ticket: str, device: str) -> Place | None:
        """Where a ticket stands, without using it; None for what is no ticket of this device's."""
        self._move(self._clock())
        number = self.read(ticket, device)
        return None if number is None else self._place(number, ticket)

    async def leave(self) -> None:
        """What was let in has been answered."""
        async with self._room:
            self._running -= 1
            self._turn_to(self._turn + 1)
            self._ended += 1
            self._room.notify()
        self._measure(self._clock())

    async def _take_room(self) -> bool:
        """Wait for one of those under way to end: they take a tenth of a second."""
        if self._waiting_here >= WAITING_HERE:
            return False
        self._waiting_here += 1
        try:
            async with asyncio.timeout(LONGEST_HERE), self._room:
                await self._room.wait_for(lambda: self._running < self._at_once)
                self._running += 1
        except TimeoutError:
            return False
        finally:
            self._waiting_here -= 1
        return True

    def _draw(self, address: str, device: str, now: float) -> Place | Refused:
        if not self._by_address.allows(address, now):
            return Refused("crowded")
        self._issued += 1
        return self._place(self._issued, self.write(self._issued, device))

    def _use(self, number: int) -> bool:
        slot = number % REMEMBERED
        if self._turn - number >= REMEMBERED or self._uses[slot] >= USES:
            return False
        self._uses[slot] += 1
        return True

    def _place(self, number: int, ticket: str) -> Place:
        ahead = max(0, number - self._turn)
        seconds = ahead / self._pace
        # Each asks again at half the wait, for it may go faster than was thought; and numbers that follow one another spread.
        spread = 0.4 + (number % 16) / 80
        longest = max(LONGEST_WAIT, self.ahead / LOOKS_A_SECOND)
        again = min(max(seconds * spread, SHORTEST_WAIT), longest)
        return Place(ahead, -int(-seconds // 1), -int(-again // 1), ticket)

    def _move(self, now: float) -> None:
        """Where places stay free although people wait, those whose turn it was have not come: the turn moves on."""
        passed, self._last = min(now - self._last, LONGEST_STEP), now
        free = self._at_once - self._running - self._waiting_here
        if free <= 0 or not self.ahead:
            self._busy_at, self._credit = now, 0.0
            return
        # At the pace at which these places would have been served. Those who wait ask again after a second or more: only a longer silence
        # says that they are gone, and then the turn goes faster and faster.
        faster = min(2 ** int(min(now - self._busy_at, 16)), FASTEST)
        self._credit += passed * self._pace * free / self._at_once * faster
        whole = int(self._credit)
        self._credit -= whole
        self._turn_to(self._turn + whole)

    def _turn_to(self, number: int) -> None:
        """The ring forgets what is as old as the ring is long."""
        for each in range(self._turn + 1, min(self._issued, number) + 1):
            self._turn = each
            self._uses[each % REMEMBERED] = 0

    def _measure(self, now: float) -> None:
        """Sign-ins a second, over the last few seconds."""
        if now - self._rated < 2.0:
            return
        seen = self._ended / (now - self._rated)
        self._rate, self._rated, self._ended = (self._rate + seen) / 2, now, 0

    # ── tickets ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def write(self, number: int, device: str) -> str:
        """A number, for one device key."""
        body = struct.pack(">Q", number)
        return base64.urlsafe_b64encode(body + self._seal(body, device)).decode().rstrip("=")

    def read(self, ticket: str, device: str) -> int | None:
        """The number; None for what this process did not write for this device key."""
        try:
            data = base64.urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
        except ValueError:
            return None
        if len(data) != 24 or not hmac.compare_digest(data[8:], self._seal(data[:8], device)):
            return None
        number: int = struct.unpack(">Q", data[:8])[0]
        return number

    def _seal(self, body: bytes, device: str) -> bytes:
        return hmac.digest(self._secret, b"ticket\0" + body + device.encode(), "sha256")[:16]
