"""The answers that professionals read of an incident, counted at the desk by the command's own functions, before approval and after."""

from dataclasses import dataclass

from rempart.desk.long_work import Job
from rempart.foundation.errors import Refusal
from rempart.incident.case import Incident
from rempart.incident.exposure import Scope
from rempart.incident.publishing import Answers, Readers, count_answers, digest_of, readers
from rempart.incident.scope_negative import state_negative
from rempart.incident.scope_proofs import Published
from rempart.incident.store_case import Connection


class AnswersChanged(Refusal):
    """What two people approved is not what would be read now."""

    code = "answers-changed"
    french = "Un fait, la question ou le compte a changé depuis l'approbation : rien n'est publié. Comptez et proposez de nouveau."
    english = "A fact, the question or the count changed since it was approved: nothing was published. Count and propose again."


@dataclass(frozen=True)
class Prepared:
    """What would be published, who would read it, and what identifies all of it."""

    answers: Answers
    readers: Readers
    digest: str


def prepare(
    c: Connection, incident: Incident, scope: Scope, signed: Published, job: Job, now: int
) -> Prepared:
    """The negative first, every entry recomputed; then everybody's answer. Writes nothing.

    Raises NothingSaid, NotOver, and what the statement that nobody else was told of raises.
    """
    negative = state_negative(c, scope, signed, progress=job.progress)
    job.progress(0, 0)
    answers = count_answers(c, incident, scope, negative, now)
    return Prepared(answers, readers(c, answers), digest_of(answers).hex())
