"""Who answers for one of the operator's acts, as the journal names them. The act itself says how many people it takes."""

from dataclasses import dataclass

from rempart.vault.notices import OPERATOR


@dataclass(frozen=True, slots=True)
class Actor:
    """One person, or whoever holds the installation's folder."""

    name: str


@dataclass(frozen=True, slots=True)
class TwoPeople(Actor):
    """Two different people, each proven: by a proposal and its approval (rempart.vault.proposals), or by two people's signed notes."""


COMMAND_LINE = Actor(OPERATOR)
"""A command on the operator's socket: the journal cannot say whose hand it was."""
