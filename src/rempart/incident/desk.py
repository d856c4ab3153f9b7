"""The desk where findings become alerts: it remembers what was found and held of whom in the last 28 days. No I/O."""

from collections import defaultdict, deque
from collections.abc import Collection
from uuid import UUID

from rempart.incident.model import Alert, Event, Finding, Held, Lookup
from rempart.incident.response import MEMORY, Past, respond
from rempart.incident.watch import Pending, Watch


class Desk:
    """Feeds the watch and answers what it finds. `answering` is off while the past is read again: then nothing is found twice."""

    def __init__(self, watch: Watch | None = None) -> None:
        self.watch = watch or Watch()
        self.answering = True
        self._found: dict[UUID, deque[Finding]] = defaultdict(lambda: deque(maxlen=64))
        self._held: dict[UUID, deque[Held]] = defaultdict(lambda: deque(maxlen=64))

    def take(self, seen: Lookup | Event) -> list[Alert]:
        """Whatever comes next."""
        return self.feed(seen) if isinstance(seen, Lookup) else self.note(seen)

    def feed(self, seen: Lookup) -> list[Alert]:
        """One entry of the ledger."""
        return self._answer(self.watch.feed(seen))

    def note(self, event: Event) -> list[Alert]:
        """One refusal, or a canary."""
        return self._answer(self.watch.note(event))

    def due(self, now: int) -> list[Pending]:
        """Look-ups whose claim should be there by now."""
        return self.watch.due(now)

    def settle(self, due: list[Pending], claimed: Collection[int], now: int) -> list[Alert]:
        """What became of them."""
        return self._answer(self.watch.settle(due, claimed, now)) if due else []

    def remember(self, finding: Finding, held: Held | None) -> None:
        """Something of the past, found or held before this start."""
        for key in (finding.party.device, finding.party.account):
            if key is not None:
                self._found[key].append(finding)
                if held is not None:
                    self._held[key].append(held)

    def _answer(self, findings: list[Finding]) -> list[Alert]:
        return [self._respond(finding) for finding in findings] if self.answering else []

    def _respond(self, finding: Finding) -> Alert:
        party = finding.party
        keys = [key for key in (party.device, party.account) if key is not None]
        past = Past(
            [f for f in self._found[party.device] if f.at > finding.at - MEMORY] if party.device else (),
            [held for key in keys for held in self._held[key] if held.at > finding.at - MEMORY],
        )
        alert = respond(finding, past)
        done = Held(finding.at, alert.proposed) if alert.by_itself and alert.proposed else None
        self.remember(finding, done)
        return alert
