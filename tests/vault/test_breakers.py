"""Breakers: all accounts together never pass an insurer's or the platform's limit by more than the rest of a lease a vault."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import pytest

from rempart.foundation.clock import HOUR, MINUTE
from rempart.vault.breakers import BreakerOpen, Breakers
from rempart.vault.directory import KnownInsurer
from rempart.vault.policy import INSURER_LEAST, LEASE
from tests.conftest import Database, TestClock

INSURER = KnownInsurer(1, "99000001", {}, 1_000)
"""A small one: its limit is INSURER_LEAST."""
R = TypeVar("R")


def on(database: Database, work: Callable[[asyncpg.Pool], Awaitable[R]]) -> R:
    async def run() -> R:
        async with asyncpg.create_pool(database.dsn("vault"), min_size=1, max_size=4) as pool:
            return await work(pool)

    return asyncio.run(run())


async def ask(breakers: Breakers, times: int, *, dear: int = 5, cost: int = 1) -> int:
    """How many of so many look-ups the breakers let through; each gives back what it did not cost."""
    passed = 0
    for _ in range(times):
        try:
            await breakers.reserve(INSURER, INSURER.persons, dear)
        except BreakerOpen:
            continue
        breakers.give_back(INSURER, dear - cost)
        passed += 1
    return passed


def test_many_accounts_together_never_pass_the_insurers_breaker(database: Database) -> None:
    """Two vaults, whatever number of accounts behind them."""
    clock = TestClock()

    async def work(pool: asyncpg.Pool) -> int:
        vaults = [Breakers(pool, clock) for _ in range(2)]
        return sum(await asyncio.gather(*(ask(each, INSURER_LEAST) for each in vaults)))

    passed = on(database, work)
    assert INSURER_LEAST - 2 * LEASE <= passed <= INSURER_LEAST


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


def test_the_operator_sets_another_limit(database: Database) -> None:
    clock = TestClock()
    with database.connect() as owner:
        owner.execute("INSERT INTO vault.breaker (scope, key, hour_limit) VALUES ('insurer', '1', 40)")

    async def work(pool: asyncpg.Pool) -> int:
        return await ask(Breakers(pool, clock), 100)

    assert on(database, work) <= 40


@pytest.mark.parametrize("dear", [5, 50])
def test_an_open_breaker_refuses_known_and_unknown_insurers_before_any_probe(
    database: Database, dear: int
) -> None:
    clock = TestClock()
    with database.connect() as owner:
        owner.execute("INSERT INTO vault.breaker (scope, key, hour_limit) VALUES ('platform', '', 0)")

    async def work(pool: asyncpg.Pool) -> set[str]:
        breakers, details = Breakers(pool, clock), set()
        for insurer in (INSURER, None):
            with pytest.raises(BreakerOpen) as refused:
                await breakers.reserve(insurer, 0, dear)
            details.add(refused.value.detail)
        return details

    assert on(database, work) == {"platform"}
