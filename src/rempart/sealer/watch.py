"""The sealer's round: what arrived, what is unfinished, what was approved, what may be dropped.

Every step may die at any point and be done again.
"""

import logging
import time
from dataclasses import dataclass, field
from uuid import UUID

import psycopg

from rempart.foundation.errors import BadInput, Outage, Refusal, RempartError
from rempart.intake.errors import Lost, TriedTooOften, sentence_of
from rempart.intake.rejects import sentence
from rempart.sealer import store
from rempart.sealer.load import Stopping, Workshop, finish_approved, load_file
from rempart.sealer.spool import Spool
from rempart.sealer.store import Delivery

MOST_ATTEMPTS = 3
GRACE_SECONDS = 30.0
"""A look-up that read the old generation's number may still be about to read its table."""
_TIDY_SECONDS = 5.0
_PATIENCE_MS = 200
_REJECTS_TOLD = 100
_log = logging.getLogger(__name__)


@dataclass
class Round:
    """One sealer's round over its spool."""

    workshop: Workshop
    spool: Spool
    grace_seconds: float = GRACE_SECONDS
    _unused_since: dict[str, float] = field(default_factory=dict)
    _tidied: float = float("-inf")

    def begin(self) -> None:
        """After a start: forget halves of copies, and tell what a sealer that died had done but not told."""
        self.spool.prepare()
        for held in self.spool.held():
            found = store.find_delivery(self.workshop.connection, UUID(held))
            if found is not None and found.state not in {"received", "checking"}:
                self.tell(found.id)
                self.spool.forget(held)
        for waiting in self.spool.told_waiting():
            self.tell(UUID(waiting))

    def step(self) -> bool:
        """One round; True when there was something to do. Raises psycopg.OperationalError when the database is gone."""
        worked = False
        if self.workshop.offline is not None:
            self.workshop.offline.publish_when_due(self.workshop.connection)
        for arrival in self.spool.arrivals():
            self.take(arrival)
            worked = True
        for delivery in store.unfinished_deliveries(self.workshop.connection):
            if self.workshop.stopping():
                return True
            self.load(delivery)
            worked = True
        for delivery in store.approved_deliveries(self.workshop.connection):
            self.finish(delivery)
            worked = True
        if worked or time.monotonic() - self._tidied > _TIDY_SECONDS:
            self.tidy()
        return worked

    def take(self, arrival: str) -> None:
        """A file is copied, then recorded, then removed from the spool: in that order it is never lost, and never taken twice."""
        taken = self.spool.take(arrival)
        if taken is not None:
            note = taken.note
            received = note.received if 0 < note.received <= self.workshop.clock() else self.workshop.clock()
            store.record_delivery(
                self.workshop.connection, UUID(arrival), note.sender, note.filename, taken.digest, received
            )
        self.spool.clear_arrival(arrival)

    def load(self, delivery: Delivery) -> None:
        """Take one delivery in, or refuse it, or leave it for the next round; tell in any case."""
        connection = self.workshop.connection
        try:
            if delivery.attempts >= MOST_ATTEMPTS:
                raise TriedTooOften
            taken = self.spool.taken(delivery.hex)
            if taken is None:
                raise Lost
            store.begin_attempt(connection, delivery.id)
            load_file(self.workshop, delivery, taken)
        except Stopping:
            store.give_back(connection, delivery.id)
            return
        except (BadInput, Refusal) as refusal:
            self._refuse(delivery, refusal)
        except (Outage, psycopg.Error) as error:
            if connection.broken:
                raise
            _log.error("delivery %s: %s", delivery.hex, type(error).__name__)
            return
        self.tell(delivery.id)
        self.spool.forget(delivery.hex)

    def finish(self, delivery: Delivery) -> None:
        """Swap to what a second person approved."""
        try:
            finish_approved(self.workshop, delivery)
        except (BadInput, Refusal) as refusal:
            self._refuse(delivery, refusal)
        self.tell(delivery.id)

    def tell(self, delivery: UUID) -> None:
        """Write what became of it where doors can read it."""
        found = store.find_delivery(self.workshop.connection, delivery)
        if found is None:
            return
        rejects = store.first_rejects(self.workshop.connection, delivery, _REJECTS_TOLD)
        self.spool.tell(
            found.hex,
            {
                "delivery": found.hex,
                "state": found.state,
                "code": found.code,
                "french": sentence_of(found.code, french=True),
                "english": sentence_of(found.code, french=False),
                "detail": found.detail,
                "lines": found.lines,
                "persons": found.persons,
                "rejected": found.rejected,
                "leaving": found.leaving,
                "rejects": [
                    {
                        "line": reject.line,
                        "field": reject.field,
                        "code": reject.code,
                        "french": sentence(reject.code, french=True),
                        "english": sentence(reject.code, french=False),
                    }
                    for reject in rejects
                ],
            },
        )

    def tidy(self) -> None:
        """Drop old generations, and tables of loads that died, once nobody can still be reading them."""
        now = self._tidied = time.monotonic()
        unused = store.unused_tables(self.workshop.connection)
        self._unused_since = {name: self._unused_since.get(name, now) for name in unused}
        for name, since in self._unused_since.items():
            if now - since >= self.grace_seconds:
                store.drop_table(self.workshop.connection, name, _PATIENCE_MS)
        self.spool.prune(time.time())

    def _refuse(self, delivery: Delivery, refusal: RempartError) -> None:
        _log.info("delivery %s refused: %s", delivery.hex, refusal.code)
        store.refuse(
            self.workshop.connection,
            delivery.id,
            delivery.number,
            refusal.code,
            refusal.detail,
            self.workshop.clock(),
        )
