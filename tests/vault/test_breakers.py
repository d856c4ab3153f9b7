"""Breakers: all accounts together never pass an insurer's or the platform's limit by more than the rest of a lease a vault; and nobody
alone keeps the others from it."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import pytest

from rempart.foundation.clock import HOUR, MINUTE, SECOND
from rempart.vault.breakers import BreakerOpen, Breakers, DeviceBusy
from rempart.vault.directory import KnownInsurer
from rempart.vault.policy import (
    INSURER_LEAST,
    LEASE,
    PLATFORM_LEAST,
    PLATFORM_SHARE,
    UNDER_WAY,
    UNKNOWN_SHARE,
)
from tests.conftest import Database, TestClock

INSURER = KnownInsurer(1, "99000001", {}, 1_000)
"""A small one: its limit is INSURER_LEAST."""
DEVICE = uuid.UUID(int=1)
R = TypeVar("R")


def on(database: Database, work: Callable[[asyncpg.Pool], Awaitable[R]]) -> R:
    async def run() -> R:
        async with asyncpg.create_pool(database.dsn("vault"), min_size=1, max_size=4) as pool:
            return await work(pool)

    return asyncio.run(run())


def set_limit(database: Database, scope: str, key: str, units: int) -> None:
    with database.connect() as owner:
        owner.execute(
            "INSERT INTO vault.breaker (scope, key, hour_limit) VALUES (%s, %s, %s)"
            " ON CONFLICT (scope, key) DO UPDATE SET hour_limit = EXCLUDED.hour_limit",
            (scope, key, units),
        )


async def ask(
    breakers: Breakers,
    times: int,
    *,
    dear: int = 5,
    cost: int = 1,
    insurer: KnownInsurer | None = INSURER,
    device: uuid.UUID = DEVICE,
) -> int:
    """How many of so many look-ups, one after the other, the breakers let through; each gives back what it did not cost."""
    passed = 0
    for _ in range(times):
        try:
            async with breakers.reserve(device, insurer, INSURER.persons, dear) as reserved:
                reserved.spent = cost
        except BreakerOpen:
            continue
        passed += 1
    return passed


class Burst:
    """One device sends all at once, and the ledger call answers none of them yet: what it refuses, it refuses later."""

    def __init__(self, breakers: Breakers, *, dear: int, device: uuid.UUID = DEVICE) -> None:
        self._breakers, self._dear, self._device = breakers, dear, device
        self._answer, self._decided = asyncio.Event(), asyncio.Semaphore(0)
        self.under_way = self.busy = self.open = 0

    async def begin(self, requests: int) -> None:
        self._tasks = [asyncio.create_task(self._one()) for _ in range(requests)]
        for _ in range(requests):
            await self._decided.acquire()

    async def end(self) -> None:
        self._answer.set()
        await asyncio.gather(*self._tasks)

    async def _one(self) -> None:
        try:
            async with self._breakers.reserve(self._device, INSURER, INSURER.persons, self._dear) as reserved:
                self.under_way += 1
                self._decided.release()
                await self._answer.wait()
                reserved.spent = 0
        except DeviceBusy:
            self.busy += 1
            self._decided.release()
        except BreakerOpen:
            self.open += 1
            self._decided.release()


def test_a_burst_of_one_device_leaves_an_insurers_hour_to_others(database: Database) -> None:
    """Two hundred misses by NIR at once would reserve ten thousand units, five times this insurer's hour, before one of them is refused."""
    clock = TestClock()

    async def work(pool: asyncpg.Pool) -> None:
        here, elsewhere = Breakers(pool, clock), Breakers(pool, clock)
        burst = Burst(here, dear=50)
        await burst.begin(200)
        assert (burst.under_way, burst.busy, burst.open) == (UNDER_WAY, 200 - UNDER_WAY, 0)
        others = await ask(here, 400, device=uuid.UUID(int=2)) + await ask(
            elsewhere, INSURER_LEAST, device=uuid.UUID(int=3)
        )
        assert others >= INSURER_LEAST - UNDER_WAY * 50 - 2 * LEASE
        await burst.end()
        assert await ask(here, 1) == 1

    on(database, work)


def test_a_burst_again_and_again_wastes_no_more_than_the_first(database: Database) -> None:
    """A contained device, every quarter of an hour: what it is given back is the next one's."""
    clock = TestClock()

    async def work(pool: asyncpg.Pool) -> int:
        here, elsewhere = Breakers(pool, clock), Breakers(pool, clock)
        for _ in range(3):
            burst = Burst(here, dear=50)
            await burst.begin(50)
            await burst.end()
            clock.now += 15 * MINUTE
        return await ask(elsewhere, INSURER_LEAST)

    assert on(database, work) >= INSURER_LEAST - UNDER_WAY * 50 - 2 * LEASE


def test_a_device_has_its_places_again_whatever_became_of_its_requests(database: Database) -> None:
    clock = TestClock()
    set_limit(database, "insurer", "1", 200)

    async def work(pool: asyncpg.Pool) -> None:
        breakers = Breakers(pool, clock)
        for _ in range(3 * UNDER_WAY):
            with pytest.raises(BreakerOpen):
                async with breakers.reserve(DEVICE, INSURER, 0, 1_000):
                    pass
            with pytest.raises(ZeroDivisionError):
                async with breakers.reserve(DEVICE, INSURER, 0, 1):
                    1 / 0  # noqa: B018 (the ledger call fails)
        # What failed may have been counted: its units are kept.
        assert await ask(breakers, 200, dear=1) == 200 - 3 * UNDER_WAY

    on(database, work)


def test_many_accounts_together_never_pass_the_insurers_breaker(database: Database) -> None:
    """Two vaults, whatever number of accounts behind them."""
    clock = TestClock()

    async def work(pool: asyncpg.Pool) -> int:
        vaults = [Breakers(pool, clock) for _ in range(2)]
        return sum(await asyncio.gather(*(ask(each, INSURER_LEAST) for each in vaults)))

    passed = on(database, work)
    assert INSURER_LEAST - 2 * LEASE <= passed <= INSURER_LEAST


def test_requests_at_once_never_draw_more_than_was_leased(database: Database) -> None:
    """Small and dear ones, all waiting for the same lease."""
    clock = TestClock()
    set_limit(database, "insurer", "1", 400)

    async def work(pool: asyncpg.Pool) -> int:
        breakers = Breakers(pool, clock)

        async def one(number: int) -> int:
            dear = 50 if number % 3 else 5
            try:
                async with breakers.reserve(uuid.UUID(int=number), INSURER, 0, dear):
                    return dear
            except BreakerOpen:
                return 0

        return sum(await asyncio.gather(*(one(number) for number in range(60))))

    assert 400 - 50 < on(database, work) <= 400


def test_the_next_hour_opens_it_again_and_no_hour_holds_more_than_limit_and_a_lease(
    database: Database,
) -> None:
    clock = TestClock()
    told: list[tuple[int, int]] = []

    async def work(pool: asyncpg.Pool) -> None:
        breakers = Breakers(pool, clock)
        for _ in range(30):
            told.append((clock(), await ask(breakers, 150)))
            clock.now += 7 * MINUTE

    on(database, work)
    assert sum(count for _, count in told) > INSURER_LEAST
    for start, _ in told:
        within = sum(count for at, count in told if start <= at < start + HOUR)
        assert within <= INSURER_LEAST + LEASE


def test_what_was_leased_in_a_former_hour_is_void(database: Database) -> None:
    """Also what a request of that hour gives back afterwards."""
    clock = TestClock()
    set_limit(database, "insurer", "1", 400)

    async def work(pool: asyncpg.Pool) -> None:
        breakers = Breakers(pool, clock)
        assert await ask(breakers, 1, cost=0) == 1
        late = Burst(breakers, dear=50)
        await late.begin(UNDER_WAY)
        clock.now += HOUR
        set_limit(database, "insurer", "1", 0)
        await late.end()
        assert await ask(breakers, 1) == 0

    on(database, work)


def test_a_crash_wastes_a_lease_and_gives_nothing_back(database: Database) -> None:
    clock = TestClock()

    async def work(pool: asyncpg.Pool) -> int:
        # A vault that dies after one look-up, again and again: what it had leased is gone.
        return sum([await ask(Breakers(pool, clock), 1) for _ in range(INSURER_LEAST)])

    assert on(database, work) <= INSURER_LEAST // (INSURER_LEAST // 8)


def test_a_clock_turned_back_gives_no_lease_back(database: Database) -> None:
    clock = TestClock()

    async def work(pool: asyncpg.Pool) -> int:
        breakers = Breakers(pool, clock)
        await ask(breakers, 2 * INSURER_LEAST)
        clock.now -= 3 * HOUR
        return await ask(breakers, 2 * INSURER_LEAST)

    assert on(database, work) == 0


@pytest.mark.parametrize("limit", [40, 1_000, INSURER_LEAST + 500])
def test_the_operator_sets_another_limit_and_blocks_follow_it(database: Database, limit: int) -> None:
    """Two vaults: a block is an eighth of the limit that holds, so that one does not keep all of it; to the last unit."""
    clock = TestClock()
    set_limit(database, "insurer", "1", limit)

    async def work(pool: asyncpg.Pool) -> None:
        first, second = Breakers(pool, clock), Breakers(pool, clock)
        assert await ask(first, 1) == 1
        passed = await ask(second, limit, dear=1)
        assert passed == limit - max(5, min(LEASE, limit // 8))

    on(database, work)


def test_guessing_insurers_spends_a_breaker_of_its_own(database: Database) -> None:
    """Whoever asks for n° AMC that nobody has keeps nobody from an insurer, and is stopped soon."""
    clock = TestClock()
    unknown = max(PLATFORM_LEAST, INSURER.persons // PLATFORM_SHARE) // UNKNOWN_SHARE

    async def work(pool: asyncpg.Pool) -> None:
        breakers = Breakers(pool, clock)
        assert await ask(breakers, unknown, cost=5, insurer=None) == unknown // 5
        assert await ask(breakers, INSURER_LEAST) >= INSURER_LEAST - LEASE

    on(database, work)


def test_an_open_breaker_is_asked_again_after_a_second_and_at_once_for_less(database: Database) -> None:
    """All the country at an insurer whose hour is over: not everybody waits for the database to say so again."""
    clock = TestClock()
    set_limit(database, "insurer", "1", 20)

    async def work(pool: asyncpg.Pool) -> None:
        breakers = Breakers(pool, clock)
        assert await ask(breakers, 1, dear=50) == 0
        assert await ask(breakers, 1, dear=5) == 1
        set_limit(database, "insurer", "1", 1_000)
        assert await ask(breakers, 1, dear=60) == 0
        clock.now += SECOND
        assert await ask(breakers, 1, dear=60) == 1

    on(database, work)


@pytest.mark.parametrize("dear", [5, 50])
def test_an_open_breaker_refuses_known_and_unknown_insurers_before_any_probe(
    database: Database, dear: int
) -> None:
    clock = TestClock()
    set_limit(database, "platform", "", 0)

    async def work(pool: asyncpg.Pool) -> set[str]:
        breakers, details = Breakers(pool, clock), set()
        for insurer in (INSURER, None):
            with pytest.raises(BreakerOpen) as refused:
                async with breakers.reserve(DEVICE, insurer, 0, dear):
                    pass
            details.add(refused.value.detail)
        return details

    assert on(database, work) == {"platform"}
