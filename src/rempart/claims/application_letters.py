"""The letters that answer an application to be referenced, made alike by the desk and by the command (docs/onboarding.md). Pure."""

from dataclasses import dataclass

from rempart.claims.first_rib import WAIT
from rempart.claims.letters import (
    ActivationLetter,
    Heading,
    RefusedLetter,
    activation_letter,
    refused_letter,
)
from rempart.foundation.errors import BadInput
from rempart.identity.application import Application
from rempart.identity.refusing import TOLD, Ground

MOST_WORDS = 300


@dataclass(frozen=True, slots=True)
class Sender:
    """Who signs, and on which pages the holder goes on: `portal` is the portal's origin."""

    operator: str
    portal: str


def acceptance(
    application: Application, sender: Sender, code: str, at: int, *, joins: bool, sent: int = 0
) -> bytes:
    """The letter with the one-time code, as a PDF. `joins`: the login is known, and the code adds a place to it; `sent`: when a dossier
    was, which gave an account."""
    page = f"{sender.portal}/etablissement" if joins else f"{sender.portal}/activation"
    return activation_letter(
        ActivationLetter(
            _heading(application, sender, at),
            application.holder,
            application.address,
            application.login,
            code,
            page,
            joins,
            sent,
            at + WAIT,
        )
    )


def refusal(application: Application, sender: Sender, ground: Ground, words: str, at: int) -> bytes:
    """The letter that says why, as a PDF; `words`: a sentence of the clerk's own, or "". Raises BadInput."""
    return refused_letter(
        RefusedLetter(
            _heading(application, sender, at),
            application.holder,
            application.address,
            TOLD[ground],
            check_words(words),
        )
    )


def check_words(words: str) -> str:
    """What a clerk may add to a ground: one line. Raises BadInput."""
    if len(words) > MOST_WORDS or not (words or "-").isprintable():
        raise BadInput("words: 300 characters at the most, on one line")
    return words


def _heading(application: Application, sender: Sender, at: int) -> Heading:
    return Heading(sender.operator, application.name, application.finess, application.town, at)
