"""The words of a scope: what is asked of the ledger, who was told of, and by which answers."""

from dataclasses import dataclass
from uuid import UUID

from rempart.foundation.vocabulary import Lane


@dataclass(frozen=True, slots=True)
class Question:
    """Which answers are in question: those of any of these parties (all, where none is named), in these lanes and of these insurers
    (any, where none is named), at `since` ≤ time < `until` (µs).
    """

    since: int
    until: int
    accounts: frozenset[UUID] = frozenset()
    devices: frozenset[UUID] = frozenset()
    establishments: frozenset[UUID] = frozenset()
    editors: frozenset[UUID] = frozenset()
    lanes: frozenset[Lane] = frozenset()
    insurers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Told:
    """One answer that told something of a person: a leaf of the ledger. `at` in µs; `answer_class`: evidence.opening.ANSWER_CLASSES."""

    index: int
    at: int
    lane: Lane
    domain: int
    answer_class: int
    account: UUID
    device: UUID
    establishment: UUID
    editor: UUID


@dataclass(frozen=True, slots=True)
class Exposed:
    """One distinct person (insurer, beneficiary), by a pseudonym and by the insurer's own reference, which only that insurer reads."""

    insurer: int
    subject: UUID
    notice_ref: bytes
    """Encrypted under the data key of the load `generation` (docs/intake.md)."""
    generation: int
    answers: tuple[Told, ...]
    """Oldest first, at least one."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The exact answer to a question, over a ledger of `size` leaves.

    Whoever is not in `exposed` was not told of by what is in question.
    """

    question: Question
    size: int
    exposed: tuple[Exposed, ...]
    """In the order of insurer, then of the first answer."""
    absences: int
    """Answers in question that told nothing of anybody."""
    before: int = 0
    """Answers of the same parties that told of somebody in the day before the interval: not in question, unless it began earlier."""
    after: int = 0
    """The same in the day after it."""
    pruned_before: int = 0
    """Entries older than this (µs) may have been pruned, their retention over; 0: none ever was."""
