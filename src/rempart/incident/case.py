"""An incident: what its acts say, in their order. Acts are only ever added; a fact that was wrong is said anew, the former one stays."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from rempart.foundation.errors import BadInput, Refusal


class IncidentUnknown(BadInput):
    """No incident bears this number."""

    code = "incident-unknown"
    french = "Aucun incident ne porte ce numéro : « rempart incident list » les donne."
    english = "No incident has this number: see `rempart incident list`."


class DutyUnknown(BadInput):
    """No duty of clocks.toml has this key."""

    code = "incident-duty"
    french = "Aucune obligation ne porte ce nom : « rempart incident clocks » les donne."
    english = "No duty has this name: see `rempart incident clocks`."


class AlreadyDone(Refusal):
    """A duty is done or waived once."""

    code = "incident-duty-done"
    french = "Cette obligation est déjà remplie ou écartée."
    english = "This duty is done or waived already."


class Verb(StrEnum):
    """What may be done to an incident."""

    OPEN = "open"
    """key: the title; value: when the operator knew (µs)."""
    FACT = "fact"
    """key, value; an empty value: unknown again."""
    QUESTION = "question"
    """value: the question of the scope, as JSON."""
    DONE = "done"
    """key: a duty; value: when (µs), a space, a reference."""
    WAIVE = "waive"
    """key: a duty; value: why it is not due."""
    HAND_OVER = "hand-over"
    """key: the insurer's number; value: the issue."""
    REMIND = "remind"
    """key: the insurer's number; value: the issue."""
    PUBLISH = "publish"
    """key: how often it was; value: parties that were hit."""
    UNPUBLISH = "unpublish"
    """value: why."""


@dataclass(frozen=True, slots=True)
class Act:
    """One line of an incident's journal."""

    number: int
    at: int
    actor: str
    verb: Verb
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Done:
    """A duty done, when, under which reference."""

    at: int
    reference: str


@dataclass(frozen=True, slots=True)
class Incident:
    """What the acts come to."""

    id: int
    title: str
    aware: int
    opened: int
    facts: dict[str, str] = field(default_factory=dict)
    question: str = ""
    done: dict[str, Done] = field(default_factory=dict)
    waived: dict[str, str] = field(default_factory=dict)
    reminded: dict[tuple[int, int], int] = field(default_factory=dict)
    """(insurer, issue) → when it was last recalled."""
    published: int = 0
    """Since when each establishment's own answer can be read in the portal (µs); 0: it cannot."""


def incident_of(number: int, acts: Iterable[Act]) -> Incident:
    """Read the acts from the first on. Raises IncidentUnknown when there is none."""
    stream = iter(acts)
    first = next(stream, None)
    if first is None or first.verb is not Verb.OPEN:
        raise IncidentUnknown(str(number))
    incident = Incident(number, first.key, int(first.value), first.at)
    for act in stream:
        incident = _after(incident, act)
    return incident


def _after(incident: Incident, act: Act) -> Incident:  # noqa: PLR0911 (one a verb)
    match act.verb:
        case Verb.FACT:
            said = incident.facts | {act.key: act.value}
            return replace(incident, facts={key: value for key, value in said.items() if value})
        case Verb.QUESTION:
            return replace(incident, question=act.value)
        case Verb.DONE:
            at, _, reference = act.value.partition(" ")
            return replace(incident, done=incident.done | {act.key: Done(int(at), reference)})
        case Verb.WAIVE:
            return replace(incident, waived=incident.waived | {act.key: act.value})
        case Verb.REMIND:
            return replace(incident, reminded=incident.reminded | {(int(act.key), int(act.value)): act.at})
        case Verb.PUBLISH | Verb.UNPUBLISH:
            return replace(incident, published=act.at if act.verb is Verb.PUBLISH else 0)
        case _:
            return incident
