"""The simulated clock: it stands while a step happens, and never goes back."""

import asyncio

from rempart.drill.agenda import STEP, Agenda
from rempart.foundation.clock import HOUR, MINUTE, SharedClock
from tests.conftest import A_MONDAY

START = A_MONDAY // STEP * STEP


def play(agenda: Agenda, until: int) -> None:
    async def all_steps() -> None:
        while await agenda.next_step(until):
            pass

    asyncio.run(all_steps())


def test_what_is_due_in_one_step_happens_at_one_instant_and_in_order_of_steps():
    clock = SharedClock.begin(START)
    agenda, seen = Agenda(clock), []

    def note(name):
        async def task():
            seen.append((name, clock()))

        return task

    for name, at in (("late", 3 * HOUR), ("one", 5), ("two", STEP - 1), ("next", STEP)):
        agenda.add(START + at, note(name))
    play(agenda, START + 4 * HOUR)
    assert [name for name, _ in seen] == ["one", "two", "next", "late"]
    assert seen[0][1] == seen[1][1] == START
    assert seen[2][1] == START + STEP
    assert clock() == START + 4 * HOUR


def test_a_task_for_the_past_happens_in_the_next_step():
    clock = SharedClock.begin(START)
    agenda, seen = Agenda(clock), []

    async def second():
        seen.append(clock())

    async def first():
        agenda.add(START - HOUR, second)

    agenda.add(START, first)
    play(agenda, START + HOUR)
    assert len(seen) == 1
    assert seen[0] > START


def test_nothing_happens_beyond_the_end():
    clock = SharedClock.begin(START)
    agenda = Agenda(clock)
    agenda.add(START + 10 * MINUTE, lambda: asyncio.sleep(0))
    play(agenda, START + 10 * MINUTE)
    assert not agenda.is_empty()
