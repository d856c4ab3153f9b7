"""Follows the stream: entries by index, events by id, claims by what is due; alerts are kept, sure ones are contained at once.

Nothing here looks at the wall's clock to judge: each entry is judged at its own time. The clock only says when something was done, and
lets look-ups grow old while nobody asks anything.
"""

import logging
import time
from collections import OrderedDict
from typing import Any

import psycopg

from rempart.foundation.clock import DAY, Clock
from rempart.foundation.errors import Outage
from rempart.incident import store
from rempart.incident.desk import Desk
from rempart.incident.model import Alert, Containment, Event, Lookup, in_order
from rempart.sentinel.remember import restore, saved_rows
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import Contain, Done, Refused

SAVE_EVERY = 60.0
"""Seconds between two writings of what was learnt."""
LOOK_BACK = 500
"""Events of several vaults are committed in no order of ids: so many ids are read again."""
MOST_CLAIMS = 20_000
FORGET_AFTER = 60 * DAY
_log = logging.getLogger("rempart.sentinel")


class Follower:
    """One connection, one desk, one line to the vault."""

    def __init__(
        self, connection: "psycopg.Connection[Any]", client: VaultClient, clock: Clock, *, batch: int
    ) -> None:
        self._c, self._client, self._clock, self._batch = connection, client, clock, batch
        self.desk = Desk()
        self._position = store.Position(0, 0, 0)
        self._saved = self._position
        self._waiting: list[Event] = []
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._undone: list[tuple[int, str, Containment]] = []
        self._waits: set[int] = set()
        """Alerts of which it was said that the vault does not answer."""
        self._saved_at = time.monotonic()

    def restore(self) -> None:
        """Read what was learnt, and the last days again, silently."""
        self._position = self._saved = restore(self._c, self.desk, self._batch)
        self._undone = store.undone(self._c)

    async def turn(self) -> bool:
        """Read what is new, judge it, contain. True when there may be more already."""
        entries = store.read_lookups(self._c, self._position.entry, self._batch)
        full = len(entries) == self._batch
        self._waiting += self._new_events()
        alerts: list[Alert] = []
        for seen in self._in_order(entries, full=full):
            alerts += self.desk.take(seen)
        if entries:
            self._position = store.Position(
                entries[-1].index + 1, self._position.event, max(self._position.at, entries[-1].at)
            )
        await self._answer(alerts)
        # Whoever has read everything may believe the clock; before, look-ups would seem older than the claims that follow them.
        await self._settle(self._position.at if entries else max(self._position.at, self._clock()))
        if self._undone:
            await self._retry()
        if self._position != self._saved:
            store.save_position(self._c, self._position)
            self._saved = self._position
        if time.monotonic() - self._saved_at > SAVE_EVERY:
            self.save()
        return full

    def save(self) -> None:
        """Write what was learnt since the last time."""
        rows = saved_rows(self.desk.watch)
        store.save_histories(self._c, rows, self._position.at, self._position.at - FORGET_AFTER)
        self._saved_at = time.monotonic()

    def _new_events(self) -> list[Event]:
        found = store.read_events(self._c, max(0, self._position.event - LOOK_BACK), self._batch)
        new = [event for event in found if event.id not in self._seen]
        for event in new:
            self._seen[event.id] = None
        while len(self._seen) > 4 * LOOK_BACK + self._batch:
            self._seen.popitem(last=False)
        if new:
            last = max(self._position.event, new[-1].id)
            self._position = store.Position(self._position.entry, last, self._position.at)
        return new

    def _in_order(self, entries: list[Lookup], *, full: bool) -> list[Lookup | Event]:
        """By their times. Events beyond a full batch wait for the entries before them."""
        until = entries[-1].at if full else 2**62
        events = sorted((e for e in self._waiting if e.at <= until), key=lambda e: (e.at, e.id))
        self._waiting = [e for e in self._waiting if e.at > until]
        return in_order(entries, events)

    async def _settle(self, now: int) -> None:
        due = self.desk.due(now)
        while due:
            some, due = due[:MOST_CLAIMS], due[MOST_CLAIMS:]
            claimed = store.claimed(self._c, [index for waits in some for index in waits.indexes])
            await self._answer(self.desk.settle(some, claimed, now))

    # ── alerts ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _answer(self, alerts: list[Alert]) -> None:
        for alert in alerts:
            # Kept first: what was found is not lost with the process, and what is not done yet is tried again.
            number = store.save_alert(self._c, alert, self._clock())
            _log.warning("alert %d: %s, figure %.1f", number, alert.finding.rule, alert.finding.figure)
            if alert.by_itself and alert.proposed is not None:
                self._undone.append((number, _reason(number, alert), alert.proposed))
        if alerts:
            await self._retry()

    async def _retry(self) -> None:
        waiting, self._undone = self._undone, []
        for number, reason, what in waiting:
            try:
                reply = await self._client.call(
                    Contain(what.scope.value, str(what.key), what.hold.value, reason, what.minutes)
                )
            except Outage as error:
                if number not in self._waits:
                    self._waits.add(number)
                    _log.error("alert %d waits: the vault does not answer (%s)", number, type(error).__name__)
                self._undone.append((number, reason, what))
                continue
            if isinstance(reply, Done):
                store.note_contained(self._c, number, self._clock())
            elif isinstance(reply, Refused) and reply.code == "outage":
                self._undone.append((number, reason, what))
            else:
                code = reply.code if isinstance(reply, Refused) else type(reply).__name__
                _log.error("alert %d: the vault refuses to contain: %s", number, code)
                store.note_refused(self._c, number, code)


def _reason(number: int, alert: Alert) -> str:
    return f"alert {number}: {alert.finding.rule.value}"
