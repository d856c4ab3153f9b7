"""Packages that nobody acknowledged in time are recalled: by the worker every hour, by a command, with the same rule and the same line.

One a transaction, under the incident's lock, read again inside it: two hands at once tell nobody twice. Told first, noted after: killed in
between, somebody is told twice rather than never.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rempart.foundation.clock import Clock
from rempart.incident import store_case as store
from rempart.incident.case import Verb
from rempart.incident.handing_over import unacknowledged
from rempart.incident.store_case import Connection, Laid

Tell = Callable[[str], bool]
"""Tells the people of the seat of this n° AMC; False: it has none."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """One package that was due. `told` False: its insurer has no seat, and it stays due."""

    package: Laid
    told: bool


def due(c: Connection, incident: int, after_hours: int, now: int) -> list[Laid]:
    """What would be recalled now, by insurer. Raises IncidentUnknown."""
    known, laid = store.read_incident(c, incident), store.laid(c, incident)
    return [package for package, recall in unacknowledged(known, laid, after_hours, now) if recall]


def recall(
    c: Connection, incident: int, after_hours: int, clock: Clock, tell: Tell, actor: str
) -> list[Recalled]:
    """Tell whoever is due, once in `after_hours`. Killed anywhere, run it again. Raises IncidentUnknown, and what `tell` raises."""
    done = []
    for each in due(c, incident, after_hours, clock()):
        with c.transaction():
            store.hold(c, incident)
            if each not in due(c, incident, after_hours, clock()):
                continue
            told = tell(each.amc)
            if told:
                store.add_act(c, incident, clock(), actor, Verb.REMIND, str(each.insurer), str(each.issue))
            done.append(Recalled(each, told))
    return done
