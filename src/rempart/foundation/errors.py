"""Errors that help: a stable code, a sentence in French and in English, and what to do. Three families, as in every room."""

from typing import ClassVar


class RempartError(Exception):
    """Something was refused or failed. Its class docstring is never shown: `french` and `english` are."""

    code: ClassVar[str] = "internal"
    french: ClassVar[str] = "Erreur interne."
    english: ClassVar[str] = "Internal error."

    def __init__(self, detail: str = "") -> None:
        # The detail is for whoever sent the input: it names fields and lines, never a person's data.
        super().__init__(detail or self.english)
        self.detail = detail


class BadInput(RempartError):
    """The caller can correct it."""

    code = "bad-input"
    french = "La demande est mal formée."
    english = "The request is malformed."


class Refusal(RempartError):
    """The request is well formed and the answer is no."""

    code = "refused"
    french = "La demande est refusée."
    english = "The request is refused."


class Outage(RempartError):
    """Something we depend on cannot answer; then the answer is no."""

    code = "outage"
    french = "Le service ne peut pas répondre pour l'instant. Réessayez dans une minute."
    english = "The service cannot answer for now. Try again in a minute."
