"""The state behind the rules: what is remembered of each device, house and person, and which rule is asked when. No I/O, no clock.

Everything is counted by the stream's own times, entry by entry; a quiet party costs nothing. `Watch` is not pure, its rules are.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from rempart.foundation.clock import DAY, HOUR, MINUTE
from rempart.incident import (
    canary,
    hours,
    insisting,
    misses,
    new_device,
    one_person,
    order,
    pace,
    sign_in,
    spread,
    together,
    unclaimed,
)
from rempart.incident.cusum import after_bin
from rempart.incident.model import Event, Evidence, Finding, Lookup, Party, Rule, Strength
from rempart.incident.rhythm import BIN, Rhythm, when

QUIET = 30 * MINUTE
"""A rule that spoke of a party says nothing more of it for so long: one crossing, one alert."""
_MOST_EVIDENCE = 100
MOST_PERSONS = 2_000_000
"""Persons remembered for *one person*; the longest unasked for is forgotten first."""
_MOST_TRYING = 50_000
_NIL = UUID(int=0)
_ODD_DAY = 6 * HOUR
"""A night belongs to the day on which it began."""


@dataclass(slots=True)
class Paced:
    """A rhythm and the sum that runs against it."""

    rhythm: Rhythm
    bin: int = 0
    total: float = 0.0
    count: int = 0
    carried: int = 0
    """New persons in the sum's bins that are over."""

    def add(self, at: int) -> pace.Pace:
        """One more new person at this time."""
        day, kind, band = when(at - at % BIN)
        self.rhythm.count(day, band)
        now = at // BIN
        if now > self.bin:
            self._close(now)
        self.count += 1
        return pace.Pace(self.total, self.count, self.rhythm.expect(kind, band), self.carried + self.count)

    def _close(self, now: int) -> None:
        # Empty bins only lower the sum: at most as many as it takes to reach 0.
        passed, count = self.bin, self.count
        while passed < now and (count or self.total):
            _, kind, band = when(passed * BIN)
            self.total = after_bin(self.total, count, self.rhythm.expect(kind, band), pace.SLACK)
            self.carried = self.carried + count if self.total else 0
            passed, count = passed + 1, 0
        self.bin, self.count = now, 0

    def forgive(self) -> None:
        """It was told: the sum begins again."""
        self.total, self.count, self.carried = 0.0, 0, 0


@dataclass(slots=True)
class DeviceMemory:
    """What is remembered of one device."""

    paced: Paced
    first: int
    recent: deque[int] = field(default_factory=lambda: deque(maxlen=_MOST_EVIDENCE))
    insurers: deque[int] = field(default_factory=lambda: deque(maxlen=20))
    steps: deque[int] = field(default_factory=lambda: deque(maxlen=order.WINDOW))
    buckets: list[int] = field(default_factory=list)
    known: spread.Spread = field(default_factory=spread.Spread)
    missed: float = 0.0
    claims: unclaimed.Claimed = field(default_factory=unclaimed.Claimed)
    open: deque[int] = field(default_factory=lambda: deque(maxlen=_MOST_EVIDENCE))
    odd_day: int = 0
    odd: int = 0
    first_day: int = 0
    canaries: dict[UUID, int] = field(default_factory=dict)
    unconfirmed: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=64))
    refused: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=64))
    spoke: dict[Rule, int] = field(default_factory=dict)
    found: int = 0
    """When any rule but *canary* last found something; 0: never."""


@dataclass(slots=True)
class Tried:
    """Logins refused from one device lately: when, in which event."""

    logins: dict[str, tuple[int, int]] = field(default_factory=dict)
    spoke: int = 0


@dataclass(slots=True)
class HouseMemory:
    """What is remembered of one establishment."""

    paced: Paced
    first: int
    recent: deque[int] = field(default_factory=lambda: deque(maxlen=_MOST_EVIDENCE))
    spoke: int = 0


@dataclass(slots=True)
class Pending:
    """A look-up that was charged, until its claim should be there: its own index and those of later answers about the same person."""

    at: int
    device: UUID
    account: UUID
    establishment: UUID
    subject: UUID
    indexes: list[int]


class Watch:
    """Feed it the stream in the order of its times (a little disorder harms nothing)."""

    def __init__(self) -> None:
        self.devices: dict[UUID, DeviceMemory] = {}
        self.houses: dict[UUID, HouseMemory] = {}
        self.touched: set[UUID] = set()
        """Devices and houses that changed since somebody cleared this."""
        self._persons: OrderedDict[UUID, dict[UUID, int]] = OrderedDict()
        self._asked = 0
        self._person_spoke: OrderedDict[UUID, int] = OrderedDict()
        self._pending: tuple[deque[Pending], deque[Pending]] = (deque(), deque())
        self._pending_of: dict[tuple[UUID, UUID], Pending] = {}
        self._bursts: OrderedDict[UUID, together.Burst] = OrderedDict()
        self._tried: OrderedDict[UUID, Tried] = OrderedDict()
        self._logins: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._login_windows = (0, 0.0, 0)
        """Window that runs, its usual count, when it last spoke."""

    # ── look-ups ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def feed(self, seen: Lookup) -> list[Finding]:
        """One entry of the ledger."""
        if seen.withheld:
            # It says nothing of whoever asked: an honest counter meets new faces while only known people are served.
            return []
        device, house = self._device(seen), self._house(seen)
        self.touched.update((seen.device, seen.establishment))
        party = Party(
            seen.device, seen.account, seen.establishment, seen.editor if seen.editor != _NIL else None
        )
        device.recent.append(seen.index)
        house.recent.append(seen.index)
        found: list[Finding | None] = []
        if seen.told:
            self._pend(seen)
            found.append(self._one_person(seen, party))
        if seen.cost > 0:
            found += self._charged(seen, device, party)
        if seen.new_person:
            device.unconfirmed.clear()
            found += self._told(seen, device, house, party)
        return self._said(found)

    def _charged(self, seen: Lookup, device: DeviceMemory, party: Party) -> Iterator[Finding | None]:
        evidence = Evidence(tuple(device.recent))
        device.missed = misses.after_lookup(device.missed, told=seen.told)
        missing = misses.judge_misses(device.missed, party, seen.at, evidence)
        if missing:
            device.missed = 0.0
        yield missing
        device.steps.append(seen.step)
        yield order.judge_order(device.steps, party, seen.at, evidence)

    def _told(
        self, seen: Lookup, device: DeviceMemory, house: HouseMemory, party: Party
    ) -> Iterator[Finding | None]:
        evidence = Evidence(tuple(device.recent))
        at_house = house.paced.add(seen.at)
        at_device = device.paced.add(seen.at)
        running = pace.judge_device(at_device, party, seen.at, evidence)
        # Before the sum begins again: a device that alarms by itself moves with the others too.
        yield from self._together(seen, device, at_device, party, alarmed=running is not None)
        if running:
            device.paced.forgive()
        yield running
        crowded = pace.judge_establishment(at_house, party, seen.at, Evidence(tuple(house.recent)))
        if crowded and house.spoke <= seen.at - QUIET:
            house.spoke = seen.at
            house.paced.forgive()
            yield crowded
        yield self._hours(seen, device, house, party, evidence)
        yield self._spread(seen, device, party, evidence)
        yield self._new_device(seen, device, house, party, evidence)

    def _hours(
        self, seen: Lookup, device: DeviceMemory, house: HouseMemory, party: Party, evidence: Evidence
    ) -> Finding | None:
        _, _, band = when(seen.at - seen.at % BIN)
        rhythm = house.paced.rhythm
        if not hours.is_odd(
            seen.profession,
            night=band in (11, 0, 1, 2),
            share=rhythm.share_of_band(band),
            learnt=rhythm.learnt(),
        ):
            return None
        day, _, _ = when((seen.at - _ODD_DAY) // BIN * BIN)
        device.odd = device.odd + 1 if day == device.odd_day else 1
        device.odd_day = day
        return hours.judge_hours(hours.Hours(device.odd, seen.profession), party, seen.at, evidence)

    def _spread(self, seen: Lookup, device: DeviceMemory, party: Party, evidence: Evidence) -> Finding | None:
        device.buckets.append(seen.bucket)
        if len(device.buckets) < spread.WINDOW:
            return None
        distinct = len(set(device.buckets))
        device.buckets.clear()
        finding = spread.judge_spread(device.known, distinct, party, seen.at, evidence)
        if finding is None:
            device.known = device.known.learn(distinct)
        return finding

    def _new_device(
        self, seen: Lookup, device: DeviceMemory, house: HouseMemory, party: Party, evidence: Evidence
    ) -> Finding | None:
        age = seen.at - device.first
        if age >= new_device.NEW_FOR:
            return None
        device.first_day += 1
        if device.first_day < new_device.THRESHOLD:
            return None
        _, kind, band = when(seen.at - seen.at % BIN)
        usual = house.paced.rhythm.expect(kind, band).mean * (1 + age / BIN)
        new = new_device.NewDevice(age, seen.at - house.first, device.first_day, usual)
        return new_device.judge_new_device(new, party, seen.at, evidence)

    def _one_person(self, seen: Lookup, party: Party) -> Finding | None:
        asked = self._persons.get(seen.subject)
        if asked is None:
            asked = self._persons[seen.subject] = {}
        self._persons.move_to_end(seen.subject)
        if seen.establishment not in asked:
            self._asked += 1
        asked[seen.establishment] = seen.at
        self._forget_persons(seen.at)
        if len(asked) < one_person.DAY_THRESHOLD:
            return None
        for place in [place for place, at in asked.items() if at < seen.at - 7 * DAY]:
            del asked[place]
            self._asked -= 1
        mean = self._asked / len(self._persons)
        day = sum(at > seen.at - DAY for at in asked.values())
        figures = one_person.Asked(day, len(asked), mean, mean)
        finding = one_person.judge_person(figures, party, seen.at, Evidence((seen.index,)))
        if finding is None or self._person_spoke.get(seen.subject, 0) > seen.at - DAY:
            return None
        self._person_spoke[seen.subject] = seen.at
        if len(self._person_spoke) > 10_000:
            self._person_spoke.popitem(last=False)
        return finding

    def _forget_persons(self, now: int) -> None:
        while self._persons:
            oldest = next(iter(self._persons))
            places = self._persons[oldest]
            if len(self._persons) <= MOST_PERSONS and max(places.values()) > now - 7 * DAY:
                return
            self._asked -= len(places)
            del self._persons[oldest]

    def _together(
        self, seen: Lookup, device: DeviceMemory, now: pace.Pace, party: Party, *, alarmed: bool
    ) -> list[Finding]:
        device.insurers.append(seen.insurer)
        begins = now.counted >= together.BURST_FEWEST and pace.running_total(now) >= together.BURST
        if not (begins or alarmed):
            return []
        insurer, times = Counter(device.insurers).most_common(1)[0]
        mostly = insurer if times >= 0.7 * len(device.insurers) else 0
        self._bursts[seen.device] = together.Burst(seen.at, party, mostly, tuple(device.recent))
        self._bursts.move_to_end(seen.device)
        while next(iter(self._bursts.values())).at < seen.at - together.WINDOW:
            self._bursts.popitem(last=False)
        if len(self._bursts) < together.SAME_INSURER:
            return []
        return together.judge_together(list(self._bursts.values()), seen.at)

    # ── claims ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _pend(self, seen: Lookup) -> None:
        key = (seen.establishment, seen.subject)
        before = self._pending_of.get(key)
        if before is not None and seen.cost == 0:
            before.indexes.append(seen.index)
        elif seen.cost > 0:
            waits = Pending(
                seen.at, seen.device, seen.account, seen.establishment, seen.subject, [seen.index]
            )
            self._pending_of[key] = waits
            late = unclaimed.matures_after(seen.profession) > DAY
            self._pending[late].append(waits)

    def due(self, now: int) -> list[Pending]:
        """Look-ups whose claim should be there by now; each is given once."""
        due = []
        for queue, delay in zip(self._pending, (DAY, 3 * DAY), strict=True):
            while queue and queue[0].at <= now - delay:
                waits = queue.popleft()
                key = (waits.establishment, waits.subject)
                if self._pending_of.get(key) is waits:
                    del self._pending_of[key]
                due.append(waits)
        return due

    def settle(self, due: list[Pending], claimed: Collection[int], now: int) -> list[Finding]:
        """What became of them. `claimed`: those of their indexes that an accepted claim names."""
        found = []
        for waits in due:
            device = self.devices[waits.device]
            self.touched.add(waits.device)
            billed = any(index in claimed for index in waits.indexes)
            if not device.claims.all:
                device.claims = replace(
                    device.claims, allowed=unclaimed.allowed(device.paced.rhythm.profession)
                )
            device.claims = device.claims.after(claimed=billed)
            if billed:
                continue
            device.open.append(waits.indexes[0])
            party = Party(waits.device, waits.account, waits.establishment)
            finding = unclaimed.judge_claims(device.claims, party, now, Evidence(tuple(device.open)))
            if finding:
                device.claims = replace(device.claims, slow=0.0, fast=0.0)
                device.open.clear()
            found += self._said([finding])
        return found

    # ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def note(self, event: Event) -> list[Finding]:
        """One refusal, or a canary."""
        if event.kind == "sign-in-refused":
            return self._sign_in(event)
        device = self.devices.get(event.device) if event.device else None
        if device is None and event.device and event.kind == "canary":
            device = self.devices[event.device] = DeviceMemory(Paced(Rhythm("", False)), event.at)
        if device is None:
            return []
        party = Party(event.device, event.account, event.establishment, event.editor)
        if event.kind == "canary":
            return self._said([self._canary(event, device, party)])
        if event.kind == "confirmed":
            device.unconfirmed.clear()
        elif event.kind in {"step-up", "exhausted", "contained"}:
            return self._said([self._insisting(event, device, party)])
        return []

    def _canary(self, event: Event, device: DeviceMemory, party: Party) -> Finding | None:
        device.canaries[event.subject or UUID(int=event.id)] = event.at
        for subject in [s for s, at in device.canaries.items() if at < event.at - canary.MEMORY]:
            del device.canaries[subject]
        evidence = Evidence((event.index,) if event.index is not None else (), (event.id,))
        other = device.found > event.at - canary.MEMORY
        return canary.judge_canary(
            len(device.canaries), other=other, party=party, at=event.at, evidence=evidence
        )

    def _insisting(self, event: Event, device: DeviceMemory, party: Party) -> Finding | None:
        if event.kind == "step-up":
            device.unconfirmed.append((event.at, event.id))
        device.refused.append((event.at, event.id))
        for events, window in (
            (device.unconfirmed, insisting.WINDOW),
            (device.refused, insisting.BUSY_WINDOW),
        ):
            while events and events[0][0] < event.at - window:
                events.popleft()
        evidence = Evidence(tuple(device.recent), tuple(number for _, number in device.refused))
        finding = insisting.judge_insisting(
            len(device.unconfirmed), len(device.refused), party, event.at, evidence
        )
        if finding:
            device.unconfirmed.clear()
            device.refused.clear()
        return finding

    def _sign_in(self, event: Event) -> list[Finding]:
        found = self._platform_sign_ins(event)
        if event.device is None:
            return found
        tried = self._tried.setdefault(event.device, Tried())
        self._tried.move_to_end(event.device)
        if len(self._tried) > _MOST_TRYING:
            self._tried.popitem(last=False)
        tried.logins[event.detail] = (event.at, event.id)
        for login in [x for x, (at, _) in tried.logins.items() if at < event.at - sign_in.DEVICE_WINDOW]:
            del tried.logins[login]
        evidence = Evidence((), tuple(number for _, number in tried.logins.values()))
        # Before a sign-in a device is a keyed hash of its key, which is no party that could be held; it opens nothing either.
        finding = sign_in.judge_device_sign_ins(len(tried.logins), event.at, evidence)
        if finding is None or tried.spoke > event.at - QUIET:
            return found
        tried.spoke = event.at
        return [*found, finding]

    def _platform_sign_ins(self, event: Event) -> list[Finding]:
        window, usual, spoke = self._login_windows
        now = event.at // sign_in.PLATFORM_WINDOW
        if now > window:
            # An exponential mean over some three days of windows; the empty ones pull it down at once.
            gone = min(now - window, 432)
            usual = (usual + (len(self._logins) - usual) / 432) * (431 / 432) ** (gone - 1)
        self._logins[event.detail] = (event.at, event.id)
        self._logins.move_to_end(event.detail)
        while next(iter(self._logins.values()))[0] < event.at - sign_in.PLATFORM_WINDOW:
            self._logins.popitem(last=False)
        evidence = Evidence((), tuple(number for _, number in self._logins.values())[-_MOST_EVIDENCE:])
        finding = sign_in.judge_platform_sign_ins(len(self._logins), usual, event.at, evidence)
        if finding is None or spoke > event.at - HOUR:
            self._login_windows = (max(now, window), usual, spoke)
            return []
        self._login_windows = (max(now, window), usual, event.at)
        return [finding]

    # ── what is shared ───────────────────────────────────────────────────────────────────────────────────────────────

    def _said(self, found: Sequence[Finding | None]) -> list[Finding]:
        """Those that were not said of the same device a moment ago. A stronger one is said at once."""
        said = []
        for finding in found:
            if finding is None:
                continue
            device = self.devices.get(finding.party.device) if finding.party.device else None
            if device is None or finding.rule is Rule.ONE_PERSON:
                said.append(finding)
                continue
            surely = finding.rule is Rule.CANARY and finding.strength is Strength.SURE
            if device.spoke.get(finding.rule, 0) > finding.at - QUIET and not surely:
                continue
            device.spoke[finding.rule] = finding.at
            device.paced.rhythm.spoilt |= finding.rule is not Rule.PACE_DEVICE
            if finding.rule is not Rule.CANARY:
                device.found = finding.at
            said.append(finding)
        return said

    def _device(self, seen: Lookup) -> DeviceMemory:
        device = self.devices.get(seen.device)
        if device is None or not device.paced.rhythm.profession:
            fresh = DeviceMemory(Paced(Rhythm(seen.profession, False)), seen.at)
            if device is not None:
                device.paced, device.first = fresh.paced, seen.at
                return device
            device = self.devices[seen.device] = fresh
        return device

    def _house(self, seen: Lookup) -> HouseMemory:
        house = self.houses.get(seen.establishment)
        if house is None:
            house = self.houses[seen.establishment] = HouseMemory(
                Paced(Rhythm(seen.profession, True)), seen.at
            )
        return house
