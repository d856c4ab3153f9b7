"""A scope asked at the desk: the functions of the command, in a thread, and of the answer what a page needs. Pseudonyms, never a person."""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from rempart.desk.long_work import Job
from rempart.evidence.cosignature import WitnessKey
from rempart.evidence.note import VerifierKey
from rempart.evidence.opening import ANSWER_CLASSES
from rempart.foundation.errors import RempartError
from rempart.foundation.vocabulary import DOMAIN_BY_CODE
from rempart.incident.exposure import Exposed, Question, Scope
from rempart.incident.scope import require_askable, require_at_most
from rempart.incident.scope import scope as read_scope
from rempart.incident.scope_negative import Negative, state_negative
from rempart.incident.scope_professionals import ProfessionalsSeen, professionals_seen
from rempart.incident.scope_proofs import Shown, prove_answers, read_published
from rempart.incident.scope_store import insurer_numbers

MOST_ANSWERS = 250_000
"""In memory at once: some 200 MB while they are counted, a quarter of it afterwards."""
PART = 5_000
"""Proofs in one file: some eight megabytes."""
PAGE = 100
"""Persons on one page."""
STATEMENT_SECONDS = 900
Connection = psycopg.Connection[Any]


class Row(NamedTuple):
    """One person, by pseudonym."""

    insurer: int
    subject: UUID
    answers: int
    first: int
    last: int
    classes: tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """One insurer's persons."""

    number: int
    amc: str
    name: str
    persons: int
    answers: int
    first: int
    last: int


@dataclass(frozen=True)
class Counted:
    """What is shown of an answered question."""

    question: Question
    size: int
    rows: Sequence[Row]
    parts: Sequence[Part]
    classes: Sequence[tuple[int, int, int, tuple[str, ...]]]
    """Class, persons, answers, the fields it can have said."""
    lanes: Counter[str]
    domains: Counter[str]
    accounts: int
    devices: int
    establishments: int
    absences: int
    before: int
    after: int
    pruned_before: int
    indexes: Sequence[int]
    """Of every answer, in order: what proofs are made of."""
    negative: Negative | None
    refused: RempartError | None
    """Why there is no statement."""
    professionals: ProfessionalsSeen
    at: int

    @property
    def answers(self) -> int:
        """That told of somebody."""
        return len(self.indexes)

    @property
    def files(self) -> int:
        """Of proofs."""
        return -(-len(self.indexes) // PART)


def count(
    c: Connection,
    question: Question,
    key: VerifierKey,
    witnesses: Sequence[WitnessKey],
    job: Job,
    at: int,
    *,
    whole: bool,
) -> Counted:
    """The list, what it rests on, and whose own data may have been seen. Raises IntervalEmpty, NobodyAsked, TooMany, Stopped."""
    require_askable(question)
    require_at_most(c, question, MOST_ANSWERS)
    scope = read_scope(c, question)
    job.progress(0, 0)
    negative, refused = _nobody_else(c, scope, key, witnesses, job, whole=whole)
    job.progress(0, 0)
    seen = professionals_seen(c, question)
    return _shown(scope, insurer_numbers(c), negative, refused, seen, at)


def prove(
    c: Connection, counted: Counted, key: VerifierKey, witnesses: Sequence[WitnessKey], part: int
) -> list[Shown]:
    """The proofs of one part of the answers, as `rempart incident verify-proofs` reads them."""
    indexes = counted.indexes[part * PART : (part + 1) * PART]
    return prove_answers(c, read_published(c, key, witnesses), indexes)


def _nobody_else(
    c: Connection, scope: Scope, key: VerifierKey, witnesses: Sequence[WitnessKey], job: Job, *, whole: bool
) -> tuple[Negative | None, RempartError | None]:
    try:
        published = read_published(c, key, witnesses)
        return state_negative(c, scope, published, whole=whole, progress=job.progress), None
    except RempartError as error:
        if job.stopping:
            raise
        # The list stands all the same.
        return None, error


def _shown(
    scope: Scope,
    insurers: dict[int, tuple[str, str]],
    negative: Negative | None,
    refused: RempartError | None,
    seen: ProfessionalsSeen,
    at: int,
) -> Counted:
    told = [answer for person in scope.exposed for answer in person.answers]
    by_class: dict[int, set[tuple[int, UUID]]] = {}
    for person in scope.exposed:
        for answer in person.answers:
            by_class.setdefault(answer.answer_class, set()).add((person.insurer, person.subject))
    answers = Counter(answer.answer_class for answer in told)
    return Counted(
        scope.question, scope.size, [_row(person) for person in scope.exposed], _parts(scope, insurers),
        [(kind, len(who), answers[kind], ANSWER_CLASSES[kind]) for kind, who in sorted(by_class.items())],
        Counter(answer.lane.name.lower() for answer in told), Counter(str(DOMAIN_BY_CODE[answer.domain]) for answer in told),
        len({a.account for a in told}), len({a.device for a in told}), len({a.establishment for a in told}),
        scope.absences, scope.before, scope.after, scope.pruned_before, array("q", sorted(a.index for a in told)),
        negative, refused, seen, at,
    )  # fmt: skip


def _row(person: Exposed) -> Row:
    classes = tuple(sorted({answer.answer_class for answer in person.answers}))
    first, last = person.answers[0].at, person.answers[-1].at
    return Row(person.insurer, person.subject, len(person.answers), first, last, classes)


def _parts(scope: Scope, insurers: dict[int, tuple[str, str]]) -> list[Part]:
    groups: dict[int, list[Exposed]] = {}
    for person in scope.exposed:
        groups.setdefault(person.insurer, []).append(person)
    made = []
    for number, persons in groups.items():
        amc, name = insurers.get(number, (str(number), ""))
        times = [answer.at for person in persons for answer in person.answers]
        made.append(Part(number, amc, name, len(persons), len(times), min(times), max(times)))
    return made
