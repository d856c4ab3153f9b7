"""What this room refuses."""

from rempart.foundation.errors import BadInput, Outage


class BadName(BadInput):
    """A name is a line of text."""

    code = "bad-input"
    french = "Le nom doit tenir sur une ligne : 2 à 80 caractères, sans caractère de contrôle."
    english = "The name must be one line: 2 to 80 characters, no control character."


class NamesUnavailable(Outage):
    """The room's tables do not answer."""

    french = "Les noms ne peuvent pas être affichés pour l'instant."
    english = "Names cannot be shown for now."
