"""Who answers for one of the operator's acts, as the journal names them. The act itself says whether it takes two people."""

from dataclasses import dataclass

from rempart.vault.notices import OPERATOR
from rempart.vault.two_people import TwoPeople


@dataclass(frozen=True, slots=True)
class Actor:
    """One person, or whoever holds the installation's folder; `people`: the proof, where two answer for it."""

    name: str
    people: TwoPeople | None = None


COMMAND_LINE = Actor(OPERATOR)
"""A command on the operator's socket: the journal cannot say whose hand it was."""


def both(people: TwoPeople) -> Actor:
    """Two people as one actor."""
    return Actor(str(people), people)
