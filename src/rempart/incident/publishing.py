"""*Were we hit?*, told to everybody at once: each party's own answer is counted here, once, and laid where the portal reads its own alone.

The order: the negative is stated over the whole interval first, since whoever has no answer is told "not concerned"; then every answer is
counted in one snapshot; then all are written in one transaction with the journal's line, in the place of those before.
"""

import hashlib
from dataclasses import dataclass
from uuid import UUID

import msgspec

from rempart.foundation.errors import BadInput, Refusal
from rempart.incident import store_answers as store
from rempart.incident.acting import Hand, kept
from rempart.incident.case import Incident, Verb
from rempart.incident.exposure import Question, Scope
from rempart.incident.facts import ENGLISH, Language
from rempart.incident.nobody_else import NotOver, require_about, require_over
from rempart.incident.notices.figures import figures_of, words
from rempart.incident.scope_hit import Hit, Reckoning, reckon
from rempart.incident.scope_negative import Negative
from rempart.incident.scope_professionals import professionals_seen
from rempart.incident.scope_store import groups, one_snapshot
from rempart.incident.store_answers import PartyAnswer, PublicWords, Published
from rempart.incident.store_case import Connection, acts, add_act, hold

_NOBODY = Hit(0, 0, 0, 0, 0)


class NothingSaid(Refusal):
    """Who is told whether it was hit is told first by what."""

    code = "incident-words"
    french = "Dites d'abord ce qui s'est passé (le fait « nature ») : ces mots sont lus par tous les professionnels."
    english = "Say first what happened (the fact `nature`): every professional reads these words."


class NotPublished(Refusal):
    """There is nothing to withdraw."""

    code = "incident-not-published"
    french = "Les réponses de cet incident ne sont pas publiées."
    english = "The answers of this incident are not published."


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads that they were hit. Everybody else reads that they were not."""

    houses: int
    seats: int
    groups: int


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that would be published. Made by `count_answers` alone."""

    shown: Published
    parties: tuple[PartyAnswer, ...]
    """Establishments, seats and groups that were touched; no other was."""


def count_answers(c: Connection, incident: Incident, scope: Scope, negative: Negative, now: int) -> Answers:
    """Each party's own answer, and the words that go with it. Writes nothing. `c`: as rempart_operator; `now` in µs.

    Raises NothingSaid, NotOver, OtherScope, LedgerUnreadable.
    """
    for lacking in missing(incident, scope.question, now):
        raise lacking
    require_about(negative, scope)
    with one_snapshot(c):
        parties = _parties(c, scope, reckon(c, scope))
    shown = Published(
        incident.id,
        0,
        now,
        scope.question.since,
        scope.question.until,
        scope.size,
        _public_words(incident, scope),
    )
    return Answers(shown, parties)


def missing(incident: Incident, question: Question, now: int) -> list[Refusal]:
    """What has to be said, or has to be over, before anything may be counted."""
    lacking: list[Refusal] = []
    if not incident.facts.get("nature"):
        lacking.append(NothingSaid())
    try:
        require_over(question, now)
    except NotOver as error:
        lacking.append(error)
    return lacking


def readers(c: Connection, answers: Answers) -> Readers:
    """How many establishments, insurers' seats and groups were hit."""
    houses, seats = store.houses_and_seats(c, [each.party for each in answers.parties])
    return Readers(houses, seats, len(answers.parties) - houses - seats)


def digest_of(answers: Answers) -> bytes:
    """SHA-256 of all that anybody would read but when it was counted: what is approved by it is what is published."""
    shown = answers.shown
    said = shown.incident, shown.since, shown.until, shown.words, answers.parties
    return hashlib.sha256(msgspec.json.encode(said)).digest()


def are_published(c: Connection, answers: Answers) -> bool:
    """Is this what everybody reads already, whenever it was counted? `c`: as rempart_operator."""
    shown, now = answers.shown, store.published(c, answers.shown.incident)
    if now is None or (now.since, now.until, now.words) != (shown.since, shown.until, shown.words):
        return False
    return store.answers_of(c, shown.incident) == set(answers.parties)


def publish(c: Connection, answers: Answers, actor: str) -> int:
    """Whole or not at all, in the place of what was published before. How often it was, this time included."""
    incident, at = answers.shown.incident, answers.shown.at
    with c.transaction():
        hold(c, incident)
        issue = 1 + sum(act.verb is Verb.PUBLISH for act in acts(c, incident))
        shown = Published(
            incident,
            issue,
            at,
            answers.shown.since,
            answers.shown.until,
            answers.shown.size,
            answers.shown.words,
        )
        store.replace_answers(c, shown, answers.parties)
        add_act(c, incident, at, actor, Verb.PUBLISH, str(issue), str(len(answers.parties)))
    return issue


def unpublish(c: Connection, by: Hand, incident: int, why: str) -> None:
    """Nobody can read it any more; the journal says who withdrew it and why. Raises BadInput (why), NotPublished."""
    said = kept(why)
    if not said:
        raise BadInput("why")
    with c.transaction():
        hold(c, incident)
        if not store.remove_answers(c, incident):
            raise NotPublished
        add_act(c, incident, by.now, by.actor, Verb.UNPUBLISH, "", said)


def _parties(c: Connection, scope: Scope, reckoning: Reckoning) -> tuple[PartyAnswer, ...]:
    hits = reckoning.every_house()
    seen = {each.place.id: each for each in professionals_seen(c, scope.question).seen}
    found = []
    for house in sorted(hits.keys() | seen.keys()):
        own = seen.get(house)
        kinds = tuple(kind.value for kind in own.kinds) if own else ()
        found.append(PartyAnswer(house, hits.get(house, _NOBODY), kinds, own.people if own else 0))
    touched = {each.party for each in found}
    for group, houses in sorted(groups(c, sorted(touched)).items()):
        found.append(PartyAnswer(group, reckoning.hit(houses), _kinds_of(found, houses), 0))
    return tuple(found)


def _kinds_of(found: list[PartyAnswer], houses: frozenset[UUID]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kind for each in found if each.party in houses for kind in each.own))


def _public_words(incident: Incident, scope: Scope) -> PublicWords:
    figures = figures_of(scope.exposed)
    french, english = words(figures, Language.FRENCH), words(figures, Language.ENGLISH)

    def said(key: str) -> tuple[str, str]:
        text = incident.facts.get(key, "")
        return text, incident.facts.get(key + ENGLISH, text)

    return PublicWords(
        incident.title, incident.aware, *said("nature"), *said("measures_taken"), *said("public_contact"),
        *((french["fields"], english["fields"]) if scope.exposed else ("", "")),
    )  # fmt: skip
