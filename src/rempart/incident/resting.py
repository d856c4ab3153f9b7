"""What was told of an incident rests on a question: what went out under another one than the present is wrong until it is told anew."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from rempart.incident.case import Act, Verb
from rempart.incident.exposure import Question


@dataclass(frozen=True, slots=True)
class Resting:
    """What rests on a former question."""

    insurers: int
    """Whose last package does."""
    answers: int
    """Parties whose published answer does; 0 when nothing is published."""

    def __bool__(self) -> bool:
        return bool(self.insurers or self.answers)


def resting_on_another(acts: Iterable[Act]) -> Resting:
    """By an incident's acts, in their order."""
    asked: Question | None = None
    packages: dict[str, Question | None] = {}
    published: tuple[Question | None, int] = None, 0
    for act in acts:
        match act.verb:
            case Verb.QUESTION:
                asked = msgspec.json.decode(act.value, type=Question)
            case Verb.HAND_OVER:
                packages[act.key] = asked
            case Verb.PUBLISH:
                published = asked, int(act.value)
            case Verb.UNPUBLISH:
                published = None, 0
            case _:
                pass
    under, parties = published
    return Resting(sum(each != asked for each in packages.values()), parties if under != asked else 0)
