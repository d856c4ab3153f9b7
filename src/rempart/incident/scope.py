"""Who is exposed: the exact answer, read from the ledger's entries. Every entry in question counts as told, whatever became of its answer.

Pure but for the store's statements. What it does not decide: whether the entries are what was committed (`scope_proofs`), and that there is
nobody else (`scope_negative`).
"""

from collections import defaultdict
from typing import Any
from uuid import UUID

from rempart.evidence.opening import Outcome
from rempart.evidence.pruning import latest_horizon
from rempart.foundation.clock import DAY
from rempart.foundation.vocabulary import Lane
from rempart.incident.errors import IntervalEmpty, NobodyAsked, TooMany
from rempart.incident.exposure import Exposed, Question, Scope, Told
from rempart.incident.scope_store import (
    Connection,
    count_beside,
    has_more,
    ledger_size,
    one_snapshot,
    read_answers,
)

BESIDE = DAY
"""How far before and after the interval the same parties' answers are counted, for whoever chose its ends."""


def scope(c: Connection, question: Question) -> Scope:
    """Every distinct person told of by what is in question, and every answer that told of them, at one instant of the database.

    `c`: as rempart_operator, outside any transaction or inside a snapshot of the caller's. Raises IntervalEmpty, NobodyAsked,
    LedgerUnreadable.
    """
    require_askable(question)
    with one_snapshot(c):
        size, horizon = ledger_size(c), latest_horizon(c)
        rows = read_answers(c, question)
        before = _beside(c, question, question.since - BESIDE, question.since)
        after = _beside(c, question, question.until, question.until + BESIDE)
    told = [row for row in rows if row[2] == Outcome.TOLD]
    return Scope(
        question=question,
        size=size,
        exposed=_persons(told),
        absences=len(rows) - len(told),
        before=before,
        after=after,
        pruned_before=horizon.cutoff,
    )


def require_at_most(c: Connection, question: Question, most: int) -> None:
    """Raises TooMany where reading the answer would hold more than so many answers in memory."""
    named = question.accounts or question.devices or question.establishments or question.editors
    beside = BESIDE if named else 0
    if has_more(c, question, question.since - beside, question.until + beside, most):
        raise TooMany(f"{most:,}")


def require_askable(question: Question) -> None:
    """Raises IntervalEmpty; NobodyAsked for the nil editor, which is every browser's."""
    if question.since >= question.until:
        raise IntervalEmpty
    if UUID(int=0) in question.accounts | question.devices | question.establishments | question.editors:
        raise NobodyAsked


def _beside(c: Connection, question: Question, since: int, until: int) -> int:
    # Without a party, whatever lies beside the interval is everybody else's.
    named = question.accounts or question.devices or question.establishments or question.editors
    return count_beside(c, question, since, until) if named else 0


def _persons(rows: list[tuple[Any, ...]]) -> tuple[Exposed, ...]:
    answers: dict[tuple[int, UUID], list[Told]] = defaultdict(list)
    references: dict[tuple[int, UUID], tuple[bytes, int]] = {}
    for (
        index,
        at,
        _,
        insurer,
        lane,
        domain,
        kind,
        account,
        device,
        place,
        editor,
        subject,
        ref,
        generation,
    ) in rows:
        person = insurer, subject
        answers[person].append(Told(index, at, Lane(lane), domain, kind, account, device, place, editor))
        if ref or person not in references:
            # The newest load's: its key is the one that the insurer surely still has.
            references[person] = bytes(ref), generation
    found = [
        Exposed(insurer, subject, *references[insurer, subject], answers=tuple(told))
        for (insurer, subject), told in answers.items()
    ]
    # Sorting is stable: inside an insurer the order of the first answers stays.
    return tuple(sorted(found, key=lambda person: person.insurer))
