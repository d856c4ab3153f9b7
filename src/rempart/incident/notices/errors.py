"""What can be wrong with a notice or a package."""

from rempart.foundation.errors import BadInput


class BadTemplate(BadInput):
    """A template, or a list beside it, cannot be used."""

    code = "incident-template"
    french = "Un modèle est inutilisable : rien n'a été produit ni envoyé. Corrigez-le, puis « rempart incident templates check »."
    english = "A template cannot be used: nothing was made or sent. Correct it, then `rempart incident templates check`."


class BadIncidentPackage(BadInput):
    """Not a whole package of this version, signed by the platform, for this key."""

    code = "incident-package"
    french = (
        "Ce paquet n'est pas complet, a été modifié, n'est pas signé par la plate-forme ou est d'un autre assureur :"
        " téléchargez-le à nouveau."
    )
    english = "This package is not whole, was changed, is not signed by the platform or is another insurer's: download it again."
