"""What is done to an incident, by whichever hand: checked, then one line of its journal, never unsaid. Commands and the desk do it here."""

from dataclasses import dataclass

import msgspec

from rempart.foundation.errors import BadInput
from rempart.incident import facts as factual
from rempart.incident import store_case as store
from rempart.incident.case import Act, AlreadyDone, Incident, Verb
from rempart.incident.clocks import PACKAGES
from rempart.incident.exposure import Question
from rempart.incident.notices.templates import Templates
from rempart.incident.store_case import Connection

LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class Hand:
    """Who does it, and when (µs)."""

    actor: str
    now: int


def open_incident(c: Connection, by: Hand, title: str, aware: str) -> int:
    """A new one; its number. `aware`: since when the operator knows, as ISO 8601. Raises BadInput."""
    try:
        known = factual.read_instant(aware)
        factual.require_no_nir(title)
    except ValueError as error:
        raise BadInput(str(error)) from None
    if known > by.now or not 1 <= len(title.strip()) <= LONGEST_TITLE:
        raise BadInput("aware is in the past; a title has 1 to 200 characters")
    return store.open_incident(c, by.now, by.actor, title.strip(), known)


def say_fact(c: Connection, by: Hand, templates: Templates, incident: int, key: str, value: str) -> str:
    """Say what is known; what was noted, "" when it is unknown again. Raises BadFact."""
    templates.facts.kind(key.removesuffix(factual.ENGLISH))
    checked = factual.check(templates.facts, key, value) if value.strip() else ""
    # Each instant of the list is of something that has happened: a year typed wrong would go to the CNIL.
    if (
        checked
        and templates.facts.kind(key.removesuffix(factual.ENGLISH)).kind is factual.Kind.INSTANT
        and int(checked) > by.now
    ):
        raise factual.BadFact(
            f"{key}: {factual.moment(int(checked), factual.Language.ENGLISH)} is to come; say when it was"
        )
    store.add_act(c, incident, by.now, by.actor, Verb.FACT, key, checked)
    return checked


def words_of(act: Act, templates: Templates, language: factual.Language) -> str:
    """What an act of the journal says, as a person reads it: instants as moments, a question as its interval."""
    match act.verb:
        case Verb.OPEN:
            return factual.moment(int(act.value), language)
        case Verb.DONE:
            when, _, reference = act.value.partition(" ")
            return f"{factual.moment(int(when), language)} {reference}".strip()
        case Verb.QUESTION:
            asked = msgspec.json.decode(act.value, type=Question)
            return f"{factual.moment(asked.since, language)} – {factual.moment(asked.until, language)}"
        case Verb.FACT:
            key = act.key.removesuffix(factual.ENGLISH)
            known = {key: act.value} if act.value else {}
            # A list that was changed since may not know the key any more.
            listed = any(kind.key == key for kind in templates.facts.fact)
            return factual.Facts(templates.facts, known).shown(key, language) if listed else act.value
        case _:
            return act.value


def put_question(c: Connection, by: Hand, incident: int, question: Question) -> None:
    """Every figure that is told is counted from its answer from now on."""
    said = msgspec.json.encode(question).decode()
    store.add_act(c, incident, by.now, by.actor, Verb.QUESTION, "", said)


def question_of(incident: Incident) -> Question | None:
    """The question that was put, if one was."""
    return msgspec.json.decode(incident.question, type=Question) if incident.question else None


def note_done(
    c: Connection, by: Hand, templates: Templates, incident: Incident, duty: str, at: str, reference: str
) -> None:
    """A duty was done, now or at an ISO instant, under a receipt's number. Raises BadInput, DutyUnknown, AlreadyDone."""
    said = kept(reference)
    _require_open(templates, incident, duty)
    try:
        when = factual.read_instant(at) if at else by.now
    except ValueError as error:
        raise BadInput(str(error)) from None
    store.add_act(c, incident.id, by.now, by.actor, Verb.DONE, duty, f"{when} {said}".strip())


def waive(c: Connection, by: Hand, templates: Templates, incident: Incident, duty: str, why: str) -> None:
    """A duty is not due, and why. Raises BadInput, DutyUnknown, AlreadyDone."""
    said = kept(why)
    if not said:
        raise BadInput("why")
    _require_open(templates, incident, duty)
    store.add_act(c, incident.id, by.now, by.actor, Verb.WAIVE, duty, said)


def note_packages(c: Connection, by: Hand, templates: Templates, incident: Incident, packages: int) -> None:
    """Every insurer concerned has its package: the duties that are done by that are done."""
    for duty in templates.clocks.duty:
        if duty.done_by == PACKAGES and duty.key not in incident.done:
            store.add_act(
                c, incident.id, by.now, by.actor, Verb.DONE, duty.key, f"{by.now} {packages} packages"
            )


def kept(text: str) -> str:
    """Words that stay in the journal, which nobody can unsay. Raises BadInput when a NIR seems to be among them."""
    try:
        factual.require_no_nir(text)
    except ValueError as error:
        raise BadInput(str(error)) from None
    return text.strip()


def _require_open(templates: Templates, incident: Incident, duty: str) -> None:
    templates.clocks.find(duty)
    if duty in incident.done or duty in incident.waived:
        raise AlreadyDone(duty)
