"""A thief with live means of asking: goes through his list, reacts to refusals as his scenario says, counts what he was told."""

import asyncio
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from rempart.drill.agenda import STEP, Agenda
from rempart.drill.grip import Grip
from rempart.drill.honest import SESSION_GONE, invoice
from rempart.drill.knowledge import Target
from rempart.drill.loot import Loot
from rempart.drill.pace import Pace
from rempart.drill.rhythms import Rhythm
from rempart.drill.scenario import Thief
from rempart.drill.seat import JSON, Told
from rempart.drill.wire import OUTAGES
from rempart.foundation.clock import MINUTE, Clock, paris_date
from rempart.foundation.errors import Refusal
from rempart.foundation.vocabulary import Domain

REFUSALS = frozenset({
    "exhausted", "contained", "step-up", "forbidden", "editor", "credentials", "device-pending",
})  # fmt: skip
BESIDE = ("/acts/journal", "/acts/members", "/claims/invoice/list", "/claims/prise-en-charge/list")
"""What an endpoint hopper tries after a refusal: none of it tells a person."""


class ListOver(Refusal):
    """He has asked for everybody he knows."""

    code = "drill-list"
    french = "La liste du voleur est épuisée : donnez-lui plus de personnes (population.persons)."
    english = "The thief's list is at its end: give him more people (population.persons)."


@dataclass
class AskingThief:
    """Asks with his grips, from `begins` to `ends` (µs)."""

    plan: Thief
    grips: list[Grip]
    targets: Iterator[Target]
    agenda: Agenda
    clock: Clock
    ends: int
    loot: Loot
    chance: random.Random
    rhythm: Rhythm
    pace: Pace = field(init=False)
    turn_of: int = 0
    endpoint: int = 0
    done: bool = False
    again: deque[Target] = field(default_factory=deque)
    """Whom he asked for when nobody answered."""
    _today: date | None = None

    def __post_init__(self) -> None:
        together = 1 if "switch-account" in self.plan.adapts else len(self.grips)
        self.pace = Pace(self.plan, together, self.chance)

    def begin(self, at: int) -> None:
        """Put his first turn on the agenda."""
        self.agenda.add(at, self.turn)

    async def turn(self) -> None:
        """What he does in this step; then the next turn."""
        now = self.clock()
        if self.done or now >= self.ends:
            self.agenda.step = STEP
            return
        if self._today != paris_date(now):
            self._today = paris_date(now)
            self.pace.new_day()
        if self.pace.is_up(self.rhythm, now):
            await self._work(self.pace.due())
        self.agenda.step = self.pace.step
        if not self.done:
            self.agenda.add(now + self.pace.step, self.turn)

    async def insist(self) -> str:
        """One request more, at once, for the next on his list: the refusal's code, or "". Raises ListOver."""
        grip = self.grips[0]
        target = next(self.targets, None)
        if target is None:
            raise ListOver
        told = await grip.ask(target.shown, self.endpoint)
        self._note(grip, target, told)
        return told.code

    async def _work(self, many: int) -> None:
        """Share this step's requests among the accounts in use; each account's go one after the other."""
        grips = self._in_use()
        if not grips:
            self.done = True
            return
        shares: dict[int, int] = {}
        for number in range(many):
            shares[(self.turn_of + number) % len(grips)] = (
                shares.get((self.turn_of + number) % len(grips), 0) + 1
            )
        self.turn_of += many
        await asyncio.gather(*(self._ask_on(grips[which], share) for which, share in shares.items()))

    def _in_use(self) -> list[Grip]:
        alive = [grip for grip in self.grips if not grip.given_up]
        if "switch-account" in self.plan.adapts and alive:
            # The one that was refused least: after a refusal, the next.
            return [min(alive, key=lambda grip: grip.refusals)]
        return alive

    async def _ask_on(self, grip: Grip, many: int) -> None:
        for _ in range(many):
            if grip.given_up:
                return
            target = self.again.popleft() if self.again else next(self.targets, None)
            if target is None:
                self.done = True
                return
            told = await grip.ask(target.shown, self.endpoint)
            self._note(grip, target, told)
            if told.code in OUTAGES:
                # Nobody answers: he asks for the same person at his next turn.
                self.again.append(target)
                self.pace.refused()
                grip.given_up = "stop-on-refusal" in self.plan.adapts
                return
            if told.code:
                await self._after_refusal(grip, told)
            elif told.open and "fake-claims" in self.plan.adapts:
                self._invoice_later(grip, target.shown.domain, told)

    def _note(self, grip: Grip, target: Target, told: Told) -> None:
        loot, now = self.loot, self.clock()
        loot.began, loot.ended = loot.began or now, now
        loot.asked += 1
        loot.answers[told.code or ("told" if told.found else "absent")] += 1
        if told.code:
            return
        self.pace.answered()
        loot.receipts.keep(grip.victim.account, told)
        if told.found and target.person is not None:
            grip.told += 1
            loot.take(target.person, now)

    async def _after_refusal(self, grip: Grip, told: Told) -> None:
        """A session that is over is no refusal: malware waits for the next sign-in. Whatever is copied is over with it."""
        self.pace.refused()
        if told.code in SESSION_GONE and grip.kind == "copied":
            grip.given_up = True
        if told.code not in REFUSALS:
            return
        grip.refusals += 1
        if "stop-on-refusal" in self.plan.adapts:
            grip.given_up = True
        if "switch-endpoint" in self.plan.adapts:
            self.endpoint += 1
            path = BESIDE[self.endpoint % len(BESIDE)]
            answered = await grip.door.post(path, b"{}", grip.device, grip.session, JSON)
            self.loot.answers[f"{path} {answered.status}"] += 1

    def _invoice_later(self, grip: Grip, domain: Domain, told: Told) -> None:
        async def bill() -> None:
            state = await invoice(grip.door, grip.device, grip.session, domain, told)
            self.loot.answers[f"invoice {state}"] += 1

        self.agenda.add(self.clock() + int((5 + 20 * self.chance.random()) * MINUTE), bill)
