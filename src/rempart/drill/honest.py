"""Honest people at their counters: they check rights, mistype, confirm when asked to, and invoice seven times in ten."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import msgspec

from rempart.drill.agenda import Agenda
from rempart.drill.receipts import Receipts
from rempart.drill.rhythms import ACCOUNTED, BY_VITALE, MISTYPED, TWO_DOMAINS, arrivals, moment, opening
from rempart.drill.seat import JSON, Door, Seat, Told, code_of, read_json
from rempart.drill.town import House, Town, by_card, by_vitale
from rempart.drill.wire import OUTAGES, Signs
from rempart.foundation.clock import MINUTE, SECOND
from rempart.foundation.vocabulary import Domain, Lane
from rempart.population import Person
from rempart.vaultdoor.fhir import Presentation

SESSION_GONE = frozenset({"session", "device"})
TRIES = 4
"""How often people ask, or invoice, when nobody answers; then they give up, and it counts as refused."""
_CARE: dict[Domain, list[dict[str, Any]]] = {
    Domain.PHAR: [{"nature": "drug-65", "price": 1_075, "base": 1_075, "boxes": 2}],
    Domain.LABO: [{"nature": "biology", "price": 2_700, "base": 2_700}],
    Domain.RADL: [{"nature": "doctor", "price": 4_000, "base": 4_000}],
    Domain.MED: [{"nature": "doctor", "price": 3_000, "base": 3_000}],
    Domain.AUXM: [{"nature": "auxiliary", "price": 1_613, "base": 1_613, "acts": 1}],
    Domain.DENT: [{"nature": "dental-care", "price": 2_892, "base": 2_892}],
    Domain.OPTI: [
        *[{"nature": "optics-lens", "price": 12_000, "base": 5, "glazing_class": "B", "lens_category": "a"}]
        * 2,
        {"nature": "optics-frame", "price": 10_000, "base": 5, "glazing_class": "B"},
    ],
    Domain.AUDI: [{"nature": "audio", "price": 95_000, "base": 40_000, "glazing_class": "I", "ear": "left"}],
    Domain.HOSP: [{"nature": "hospital-stay", "price": 90_000, "base": 90_000, "days": 3}],
    Domain.TRAN: [{"nature": "transport", "price": 6_000, "base": 6_000}],
    Domain.LPP: [{"nature": "lpp", "price": 2_400, "base": 2_400}],
}


@dataclass
class Tally:
    """What honest people met. `requests`: rights they wanted to check; a confirmation or a new sign-in in between counts once."""

    requests: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """By code and profession."""
    stepped_up: int = 0
    beside_thief: Counter[str] = field(default_factory=Counter)
    """The same of those whose own account a thief holds: `requests`, `stepped-up`, and codes of refusals."""
    outages: Counter[str] = field(default_factory=Counter)
    """Asked or invoiced, and nobody answered: by code. They tried again, and count by what came of that."""
    misses: int = 0
    invoices: Counter[str] = field(default_factory=Counter)

    @property
    def refused_rate(self) -> float:
        """Refused, of all honest requests at accounts that no thief holds."""
        return sum(self.refused.values()) / self.requests if self.requests else 0.0

    @property
    def stepped_up_rate(self) -> float:
        """Asked to confirm, likewise."""
        return self.stepped_up / self.requests if self.requests else 0.0


@dataclass
class HonestLife:
    """The town's honest traffic, a day at a time."""

    town: Town
    agenda: Agenda
    seed: int
    tally: Tally = field(default_factory=Tally)
    receipts: Receipts = field(default_factory=Receipts)
    """Of all that honest people were told."""
    apart: set[str] = field(default_factory=set)
    """Accounts that a thief can ask with by now: whatever meets their honest people is counted beside, not among the others."""
    idle: set[str] = field(default_factory=set)
    """Accounts whose holders sign in and ask nothing: on leave, or at the till."""
    mornings: list[Callable[[], Any]] = field(default_factory=list)
    """What else happens each day once everybody is signed in: software that is confirmed."""
    served: dict[str, Presentation] = field(default_factory=dict, repr=False)
    """By establishment, what the person showed who was found last."""
    watched: Callable[[Person, Told], None] | None = None
    """Somebody who is root on the door sees each person asked for."""

    def plan(self, day: date) -> None:
        """Put a day's sign-ins and patients on the agenda."""
        for morning in self.mornings:
            self.agenda.add(moment(day, 9.25), _quietly(morning))
        for number, house in enumerate(self.town.houses):
            opens = opening(house.rhythm, day)
            if opens is None:
                continue
            chance = random.Random(f"{self.seed} {day} {number}")  # noqa: S311 (synthetic patients)
            for seat in house.seats:
                self.agenda.add(opens - int(chance.random() * 10 * MINUTE), _quietly(seat.sign_in))
            seats = [seat for seat in house.seats if seat.account not in self.idle]
            for at in arrivals(house.rhythm, day, house.size, chance) if seats else ():
                self.agenda.add(at, self._visit(house, chance.choice(seats), chance.random(), at))

    async def serve_one(self, house: House, seat: Seat, chance: random.Random) -> None:
        """A patient more at this counter, now."""
        await self._visit(house, seat, chance.random(), seat.door.clock())()

    def _visit(self, house: House, seat: Seat, draw: float, at: int) -> Callable[[], Any]:
        async def visit() -> None:
            chance = random.Random(f"{self.seed} {at} {draw}")  # noqa: S311 (synthetic patients)
            # Regulars come first in the list, and most often.
            person = house.patients[int(len(house.patients) * chance.random() ** 1.5)]
            vitale = chance.random() < BY_VITALE
            rhythm = house.rhythm
            shown = (by_vitale if vitale else by_card)(person, rhythm.domain)
            if chance.random() < MISTYPED:
                await self._ask(seat, _mistyped(shown, chance), person)
                later = at + int((40 + 60 * chance.random()) * SECOND)
                self.agenda.add(later, lambda: self._serve(seat, shown, person, chance, later))
            else:
                await self._serve(seat, shown, person, chance, at)
            if chance.random() < TWO_DOMAINS:
                second = msgspec.structs.replace(shown, domain=rhythm.second)
                await self._also(seat, second, person, chance, at)

        return visit

    async def _serve(
        self, seat: Seat, shown: Presentation, person: Person, chance: random.Random, at: int, tries: int = 1
    ) -> None:
        told = await self._ask(seat, shown, person, tries)
        if told.code in OUTAGES and tries < TRIES:
            later = _soon(at, chance)
            self.agenda.add(later, lambda: self._serve(seat, shown, person, chance, later, tries + 1))
        elif told.open and chance.random() < ACCOUNTED:
            later = at + int((2 + 15 * chance.random()) * MINUTE)
            self.agenda.add(later, lambda: self._invoice(seat, shown.domain, told, chance, later))

    async def _also(
        self, seat: Seat, shown: Presentation, person: Person, chance: random.Random, at: int, tries: int = 1
    ) -> None:
        told = await self._ask(seat, shown, person, tries)
        if told.code in OUTAGES and tries < TRIES:
            later = _soon(at, chance)
            self.agenda.add(later, lambda: self._also(seat, shown, person, chance, later, tries + 1))

    async def _ask(self, seat: Seat, shown: Presentation, person: Person, tries: int = 1) -> Told:
        """Ask; sign in again when the twelve hours are over; confirm when asked to; count once."""
        told, confirmed = await self._be_told(seat, shown)
        if self.watched is not None:
            self.watched(person, told)
        if not told.code:
            self.receipts.keep(seat.account, told)
        if told.found:
            self.served[seat.establishment] = shown
        if told.code in OUTAGES and tries < TRIES:
            self.tally.outages[told.code] += 1
        else:
            self._count(seat, told, confirmed=confirmed)
        return told

    async def _be_told(self, seat: Seat, shown: Presentation) -> tuple[Told, bool]:
        told = await seat.check(shown)
        if told.code in SESSION_GONE:
            refused = await seat.sign_in()
            told = Told(refused) if refused in OUTAGES else told if refused else await seat.check(shown)
        if told.code != "step-up":
            return told, False
        refused = await seat.confirm()
        return (Told(refused) if refused in OUTAGES else await seat.check(shown)), True

    def _count(self, seat: Seat, told: Told, *, confirmed: bool) -> None:
        self.tally.misses += not told.code and not told.found
        if seat.account in self.apart:
            self.tally.beside_thief["requests"] += 1
            self.tally.beside_thief["stepped-up"] += confirmed
            if told.code:
                self.tally.beside_thief[told.code] += 1
            return
        self.tally.requests += 1
        self.tally.stepped_up += confirmed
        if told.code:
            self.tally.refused[f"{told.code}, {seat.profession}"] += 1

    async def _invoice(
        self, seat: Seat, domain: Domain, told: Told, chance: random.Random, at: int, tries: int = 1
    ) -> None:
        state = await invoice(seat.door, seat.device, seat.session, domain, told)
        if state in OUTAGES and tries < TRIES:
            self.tally.outages[f"invoice {state}"] += 1
            later = _soon(at, chance)
            self.agenda.add(later, lambda: self._invoice(seat, domain, told, chance, later, tries + 1))
        else:
            self.tally.invoices[state] += 1


async def invoice(door: Door, device: Signs, session: str, domain: Domain, told: Told) -> str:
    """Invoice what was just checked, after a prise en charge where the right needs one: "accepted", or why not."""
    care: dict[str, Any] = {"lines": _CARE[domain], "receipt": told.receipt}

    async def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answered = await door.post(path, msgspec.json.encode(body), device, session, JSON)
        reply = read_json(answered.body)
        return reply if answered.status == 200 else {"state": code_of(reply, answered.status)}

    if told.needs_prise_en_charge:
        agreed = await post("/claims/prise-en-charge/ask", {"care": care})
        if agreed["state"] in OUTAGES:
            return str(agreed["state"])
        if agreed["state"] != "accordee":
            return f"prise-en-charge {agreed['state']}"
        care = {"lines": _CARE[domain], "prise_en_charge": agreed["number"]}
    made = await post(
        "/claims/invoice/submit", {"number": f"D{told.leaf}", "care": care, "care_date": told.care_date}
    )
    return str(made["state"] if made["state"] != "refused" else made.get("code", "refused"))


def _soon(at: int, chance: random.Random) -> int:
    """When somebody tries again whom nobody answered."""
    return at + int((20 + 60 * chance.random()) * SECOND)


def _mistyped(shown: Presentation, chance: random.Random) -> Presentation:
    """Two digits of the member number exchanged, or the day of birth next to the right one."""
    if shown.lane is Lane.CARD and chance.random() < 0.6:
        at = chance.randrange(len(shown.adherent) - 1)
        digits = list(shown.adherent)
        digits[at], digits[at + 1] = digits[at + 1], digits[at]
        if "".join(digits) != shown.adherent:
            return msgspec.structs.replace(shown, adherent="".join(digits))
    return msgspec.structs.replace(shown, birth_date=shown.birth_date - timedelta(days=1))


def _quietly(act: Callable[[], Any]) -> Callable[[], Any]:
    async def done() -> None:
        await act()

    return done
