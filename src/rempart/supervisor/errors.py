"""Why an installation does not start."""

from rempart.foundation.errors import Outage, Refusal


class AlreadyRunning(Refusal):
    """Another supervisor holds this folder."""

    code = "already-running"
    french = "Rempart tourne déjà dans ce dossier."
    english = "Rempart already runs in this folder."


class NotRunning(Refusal):
    """Nothing to stop or to ask."""

    code = "not-running"
    french = "Rempart ne tourne pas dans ce dossier."
    english = "Rempart does not run in this folder."


class BadFolder(Refusal):
    """The installation's folder cannot be used."""

    code = "folder"
    french = "Ce dossier ne convient pas."
    english = "This folder cannot be used."


class ProvisioningFailed(Outage):
    """A step of the first provisioning failed; running `rempart up` again goes on from there."""

    code = "provisioning"
    french = "L'installation n'a pas pu être préparée."
    english = "The installation could not be prepared."


class NotReady(Outage):
    """A process ended or was not ready in time at start; everything was stopped again."""

    code = "not-ready"
    french = "Un processus n'a pas démarré ; tout a été arrêté."
    english = "A process did not start; everything was stopped again."
