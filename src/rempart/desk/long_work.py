"""Work that takes seconds or minutes, done beside the event loop: one of a kind for each owner, few in all, each with its progress.

A result is kept for an hour, and few of them: whoever asks too much has to ask again, and nobody fills this process's memory.
"""

import logging
import secrets
import threading
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import psycopg

from rempart.foundation.clock import HOUR, Clock
from rempart.foundation.errors import Outage, Refusal, RempartError

AT_ONCE = 2
"""In all: the ledger is read beside the platform's own work."""
KEPT = 4
"""Results, of everybody."""
LIFE = HOUR
AN_HOUR = 40
"""How often one owner may ask within the hour."""
_log = logging.getLogger("rempart.desk")


class UnderWay(Refusal):
    """One at a time."""

    code = "work-under-way"
    french = "Votre demande précédente est encore en cours : attendez sa fin, ou arrêtez-la."
    english = "What you asked before is still under way: wait for its end, or stop it."


class Busy(Refusal):
    """Others' work holds every place."""

    code = "work-busy"
    french = (
        "D'autres demandes longues sont en cours : recommencez dans une minute, ou passez par la commande."
    )
    english = "Other long work is under way: try again in a minute, or use the command."


class TooOften(Refusal):
    """A session left open must not read the ledger all night."""

    code = "work-too-often"
    french = "Trop de demandes longues depuis une heure : attendez, ou passez par la commande."
    english = "Too much long work was asked within the hour: wait, or use the command."


class Stopped(Refusal):
    """By whoever asked."""

    code = "work-stopped"
    french = "Arrêté à votre demande."
    english = "Stopped, as you asked."


class DatabaseSilent(Outage):
    """The database does not answer the desk."""

    code = "outage"
    french = "La base ne répond pas : recommencez dans une minute, ou passez par les commandes."
    english = "The database does not answer: try again in a minute, or use the commands."


class Unexpected(Outage):
    """A surprise; its reference is in the desk's log."""

    code = "internal"
    french = "Erreur inattendue : donnez cette référence à l'assistance."
    english = "Unexpected error: give this reference to support."


@dataclass
class Job:
    """One piece of work. Written by its thread, read by the loop."""

    owner: str
    kind: str
    began: int
    done: int = 0
    of: int = 0
    result: Any = field(default=None, repr=False)
    error: RempartError | None = None
    ended: int = 0
    stopping: bool = False
    connection: "psycopg.Connection[Any] | None" = field(default=None, repr=False)
    """What is stopped with it."""

    @property
    def running(self) -> bool:
        """Not over yet."""
        return not self.ended

    def progress(self, done: int, of: int) -> None:
        """So far. Raises Stopped."""
        self.done, self.of = done, of
        if self.stopping:
            raise Stopped


class LongWork:
    """Everybody's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: OrderedDict[tuple[str, str], Job] = OrderedDict()
        self._asked: defaultdict[str, deque[int]] = defaultdict(deque)

    def start(
        self, owner: str, kind: str, work: Callable[[Job], Any], *, crowded: bool = True, often: bool = True
    ) -> Job:
        """Begin. `crowded`: it takes one of the few places; `often`: it counts within the hour. Raises UnderWay, Busy, TooOften."""
        now = self._clock()
        self._forget(now)
        mine = self._jobs.get((owner, kind))
        if mine is not None and mine.running:
            raise UnderWay
        if crowded and sum(job.running for job in self._jobs.values()) >= AT_ONCE:
            raise Busy
        if often:
            self._require_seldom(owner, now)
        job = Job(owner, kind, now)
        self._jobs[owner, kind] = job
        self._jobs.move_to_end((owner, kind))
        threading.Thread(target=self._run, args=(job, work), daemon=True, name=f"{kind} of {owner}").start()
        return job

    def find(self, owner: str, kind: str) -> Job | None:
        """The last of this kind, if it is still kept: as it is at this instant, whatever its thread does next."""
        self._forget(self._clock())
        job = self._jobs.get((owner, kind))
        return None if job is None else copy(job)

    def stop(self, owner: str, kind: str) -> None:
        """At its next step; a statement under way is cancelled. Takes up to two seconds."""
        job = self._jobs.get((owner, kind))
        if job is None or not job.running:
            return
        job.stopping = True
        connection = job.connection
        if connection is not None:
            connection.cancel_safe(timeout=2.0)

    def _require_seldom(self, owner: str, now: int) -> None:
        asked = self._asked[owner]
        while asked and asked[0] <= now - HOUR:
            asked.popleft()
        if len(asked) >= AN_HOUR:
            raise TooOften
        asked.append(now)

    def _forget(self, now: int) -> None:
        over = [key for key, job in self._jobs.items() if job.ended]
        old = [key for key in over if self._jobs[key].ended <= now - LIFE]
        for key in {*old, *over[: max(0, len(over) - KEPT)]}:
            del self._jobs[key]

    def _run(self, job: Job, work: Callable[[Job], Any]) -> None:
        try:
            job.result = work(job)
        except RempartError as error:
            job.error = Stopped() if job.stopping else error
        except psycopg.OperationalError as error:
            job.error = Stopped() if job.stopping else DatabaseSilent(type(error).__name__)
        except Exception as error:  # noqa: BLE001 (the thread's last net: whoever asked is told, by a reference)
            reference = secrets.token_hex(4)
            _log.error("internal error %s in %s, reference %s", type(error).__name__, job.kind, reference)
            job.error = Unexpected(reference)
        finally:
            job.connection = None
            job.ended = max(self._clock(), 1)
