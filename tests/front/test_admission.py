"""The queue before signing in: order, bounds, and that nobody gains by pushing; on a simulated clock."""

import asyncio
import random

import pytest

from rempart.front.admission import (
    AT_ONCE,
    LONGEST_WAIT,
    REMEMBERED,
    SHORTEST_WAIT,
    USES,
    Admission,
    Bounds,
    Place,
)
from rempart.vaultdoor.messages import Refused

SECRET = bytes(32)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> Admission:
    return Admission(SECRET, clock)


async def fill(queue: Admission) -> None:
    """As many sign-ins as may be under way."""
    for number in range(AT_ONCE):
        assert await queue.enter(f"full-{number}", f"full-{number}", "") is None


async def draw(queue: Admission, who: str) -> Place:
    place = await queue.enter(who, who, "")
    assert isinstance(place, Place)
    return place


def test_on_an_ordinary_day_there_is_no_queue(queue: Admission) -> None:
    async def day() -> None:
        for number in range(1_000):
            assert await queue.enter(f"house-{number}", f"device-{number}", "") is None
            await queue.leave()

    asyncio.run(day())
    assert queue.ahead == 0


def test_places_are_given_in_order_and_the_turn_comes_as_others_end(queue: Admission) -> None:
    async def day() -> None:
        await fill(queue)
        first, second = await draw(queue, "first"), await draw(queue, "second")
        assert (first.ahead, second.ahead) == (1, 2)
        # Coming back does not move anybody forward.
        again = await queue.enter("second", "second", second.ticket)
        assert isinstance(again, Place)
        assert again.ahead == 2
        await queue.leave()
        assert await queue.enter("first", "first", first.ticket) is None
        still = queue.look(second.ticket, "second")
        assert still is not None
        assert still.ahead == 1

    asyncio.run(day())


def test_a_ticket_serves_the_key_that_drew_it_and_few_times(queue: Admission) -> None:
    async def day() -> None:
        await fill(queue)
        ticket = (await draw(queue, "first")).ticket
        await queue.leave()
        assert queue.look(ticket, "thief") is None
        for _ in range(USES):
            assert await queue.enter("first", "first", ticket) is None
            await queue.leave()
        for number in range(AT_ONCE):
            await queue.enter(f"more-{number}", f"more-{number}", "")
        assert isinstance(await queue.enter("first", "first", ticket), Place)

    asyncio.run(day())


@pytest.mark.parametrize("forged", ["", "A" * 32, "é", "A" * 31, "////"])
def test_a_forged_ticket_is_none(queue: Admission, forged: str) -> None:
    assert queue.read(forged, "device") is None


def test_an_altered_ticket_is_none(queue: Admission) -> None:
    ticket = queue.write(7, "device")
    assert queue.read(ticket, "device") == 7
    for position in range(len(ticket)):
        other = "A" if ticket[position] != "A" else "B"
        altered = ticket[:position] + other + ticket[position + 1 :]
        assert queue.read(altered, "device") is None


def test_one_address_draws_so_many_and_nobody_else_waits_for_the_rest(queue: Admission) -> None:
    async def flood() -> None:
        await fill(queue)
        answers = [await queue.enter("flood", f"key-{number}", "") for number in range(5_000)]
        assert sum(isinstance(each, Refused) for each in answers) > 4_700
        assert (await draw(queue, "honest")).ahead < 300

    asyncio.run(flood())


def test_numbers_that_nobody_comes_for_are_passed_over_within_seconds(queue: Admission, clock: Clock) -> None:
    async def flood() -> None:
        await fill(queue)
        for number in range(20_000):
            await queue.enter(f"bot-{number}", f"key-{number}", "")
        honest = await draw(queue, "honest")
        assert honest.ahead > 10_000
        for _ in range(AT_ONCE):
            await queue.leave()
        waited = 0.0
        while (place := queue.look(honest.ticket, "honest")) and place.ahead:
            clock.now += 1.0
            waited += 1.0
        # Looked at once a second, by one person alone.
        assert waited < 30
        assert await queue.enter("honest", "honest", honest.ticket) is None

    asyncio.run(flood())


def test_memory_does_not_grow_with_who_waits(queue: Admission) -> None:
    async def crowd() -> int:
        await fill(queue)
        before = _size(queue)
        for number in range(50_000):
            await queue.enter(f"10.0.{number >> 8}.{number & 255}", f"key-{number}", "")
        return _size(queue) - before

    assert asyncio.run(crowd()) == 0


def test_a_late_ticket_queues_again(queue: Admission, clock: Clock) -> None:
    async def day() -> None:
        await fill(queue)
        late = await draw(queue, "late")
        for number in range(REMEMBERED + 10):
            await queue.enter(f"{number}", f"{number}", "")
        for _ in range(AT_ONCE):
            await queue.leave()
        while queue.ahead:
            clock.now += 1.0
            queue.look(late.ticket, "late")
        await fill(queue)
        assert isinstance(await queue.enter("late", "late", late.ticket), Place)

    asyncio.run(day())


def test_nobody_asks_all_the_time_and_nobody_sleeps_through_their_turn(
    queue: Admission, clock: Clock
) -> None:
    async def crowd() -> list[Place]:
        await fill(queue)
        return [await draw(queue, str(number)) for number in range(2_000)]

    places = asyncio.run(crowd())
    assert all(SHORTEST_WAIT <= place.again <= LONGEST_WAIT for place in places)
    assert [place.ahead for place in places] == sorted(place.ahead for place in places)
    assert places[-1].seconds > 60


def test_a_crowd_gets_through_at_the_pace_of_the_few_who_are_served(queue: Admission, clock: Clock) -> None:
    """A day in simulated time: 600 people at once, a tenth of a second each for six at a time: sixty a second at best."""
    chance = random.Random(6)
    served: list[float] = []
    waiting: list[tuple[float, int, str]] = []
    ends: list[float] = []

    async def day() -> None:
        for number in range(600):
            answer = await queue.enter(f"a{number}", f"d{number}", "")
            if answer is None:
                ends.append(clock.now + 0.1)
            elif isinstance(answer, Place):
                waiting.append((clock.now + answer.again + chance.random(), number, answer.ticket))
        while waiting or ends:
            clock.now = min([*ends, *(at for at, _, _ in waiting)])
            if ends and min(ends) <= clock.now:
                ends.remove(min(ends))
                served.append(clock.now)
                await queue.leave()
                continue
            waiting.sort()
            _, number, ticket = waiting.pop(0)
            place = queue.look(ticket, f"d{number}")
            assert place is not None
            if place.ahead or len(ends) >= AT_ONCE:
                waiting.append((clock.now + place.again * (1 + chance.random() / 10), number, ticket))
            elif await queue.enter(f"a{number}", f"d{number}", ticket) is None:
                ends.append(clock.now + 0.1)

    asyncio.run(day())
    assert len(served) == 600
    assert clock.now < 40


def test_bounds_forget(clock: Clock) -> None:
    bounds = Bounds(SECRET, burst=3, per_second=1)
    assert [bounds.allows("x", 0.0) for _ in range(4)] == [True, True, True, False]
    assert bounds.allows("y", 0.0)
    assert bounds.allows("x", 1.0)


def _size(queue: Admission) -> int:
    """Bytes that the queue itself holds."""
    import sys

    held = [*vars(queue).values(), *vars(queue._by_address).values(), *queue._by_address._until]
    return sum(sys.getsizeof(each) for each in held if not isinstance(each, int | float))
