"""What can go wrong in the room."""

from rempart.foundation.errors import BadInput, Outage, Refusal


class BadAnnouncement(BadInput):
    """`detail` names the field. Words are one line of 3 to 500 characters in each language."""

    code = "announcement"
    french = "Cette annonce est incomplète ou mal formée."
    english = (
        "This announcement is incomplete or malformed: each language wants one line of 3 to 500 characters."
    )


class NoSuchAnnouncement(Refusal):
    """No announcement or message of this number stands."""

    code = "no-announcement"
    french = "Aucune annonce en cours ne porte ce numéro."
    english = "No announcement or message of this number stands."


class StatusUnavailable(Outage):
    """The database does not answer."""

    code = "status"
    french = "L'état des services ne peut pas être lu pour l'instant."
    english = "The services' state cannot be read for now."
