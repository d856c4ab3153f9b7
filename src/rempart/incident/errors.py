"""Refusals of the incident room."""

from rempart.foundation.errors import Refusal


class AlertUnknown(Refusal):
    """No alert bears this number."""

    code = "alert-unknown"
    french = "Aucune alerte ne porte ce numéro : « rempart alerts list » les donne."
    english = "No alert has this number: see `rempart alerts list`."


class NothingProposed(Refusal):
    """An alert may propose nothing: then a person looks first."""

    code = "alert-proposes-nothing"
    french = "Cette alerte ne propose aucune mesure : examinez-la, puis choisissez avec « rempart operator contain »."
    english = "This alert proposes no containment: look at it, then choose with `rempart operator contain`."
