"""Whether what is told may say "nobody else": stated of the very question that it is about, or the reason why it cannot be."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC

from rempart.foundation.clock import SECOND, instant
from rempart.foundation.errors import Outage, Refusal, RempartError
from rempart.incident.exposure import Question, Scope
from rempart.incident.scope_negative import Depth, Negative, state_negative
from rempart.incident.scope_proofs import Published
from rempart.incident.scope_report import SETTLED
from rempart.incident.scope_store import Connection


class NotOver(Refusal):
    """What is still being written is nobody's last word."""

    code = "incident-not-over"
    french = "L'intervalle en question n'est pas terminé depuis dix secondes : attendez, ou posez une question qui finit plus tôt."
    english = (
        "The interval in question has not been over for ten seconds: wait, or ask one that ends earlier."
    )


class OtherScope(Refusal):
    """The negative is about another question, or another count: nobody may be told "not concerned" by it."""

    code = "incident-other-scope"
    french = "Le constat « personne d'autre » ne porte pas sur ce périmètre : refaites le compte."
    english = "The statement “nobody else” is not about this scope: count again."


class NotChecked(Outage):
    """Whoever made this did not ask the ledger."""

    code = "nobody-else-unchecked"
    french = "Le registre n'a pas été vérifié."
    english = "The ledger was not checked."


@dataclass(frozen=True, slots=True)
class NobodyElse:
    """`why_not` None: stated. Nothing but `nobody_else` states it."""

    why_not: RempartError | None

    @property
    def stated(self) -> bool:
        """Whoever is not in the scope was told of by no answer in question."""
        return self.why_not is None

    @property
    def over(self) -> bool:
        """False: the count may still grow."""
        return not isinstance(self.why_not, NotOver)

    @property
    def code(self) -> str:
        """For machines: `stated`, or the code of what stands in the way."""
        return "stated" if self.why_not is None else self.why_not.code

    def reason(self, *, english: bool) -> str:
        """In words; "" when it is stated."""
        if self.why_not is None:
            return ""
        said = self.why_not.english if english else self.why_not.french
        # The sentences that go on with a date do not end.
        return said if said.endswith(".") else f"{said} {self.why_not.detail}."


UNCHECKED = NobodyElse(NotChecked())


def nobody_else(c: Connection, scope: Scope, read: Callable[[], Published], now: int) -> NobodyElse:
    """State it of this scope, counted. `read`: the published checkpoint. What cannot be stated is told, with its reason: never raised."""
    try:
        require_over(scope.question, now)
        require_about(state_negative(c, scope, read(), Depth.COUNTED), scope)
    except RempartError as error:
        return NobodyElse(error)
    return NobodyElse(None)


def require_over(question: Question, now: int) -> None:
    """Nothing that belongs to it is still being written. Raises NotOver."""
    if now < question.until + SETTLED:
        raise NotOver(instant(question.until).astimezone(UTC).isoformat(timespec="seconds"))


def seconds_left(question: Question, now: int) -> float:
    """How long an interval that ended seconds ago is not over yet; 0: it is, or it will not be so soon."""
    left = question.until + SETTLED - now
    return left / SECOND if 0 < left <= SETTLED else 0.0


def require_about(negative: Negative, scope: Scope) -> None:
    """Raises OtherScope."""
    told = sum(len(person.answers) for person in scope.exposed)
    if (negative.question, negative.told, negative.absent) != (scope.question, told, scope.absences):
        raise OtherScope
