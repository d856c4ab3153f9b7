"""What can go wrong with the database before any question is asked of it."""

from rempart.foundation.errors import Outage, Refusal


class NoBinaries(Outage):
    """No PostgreSQL programs at the expected place."""

    code = "database-binaries"
    french = "Les programmes de PostgreSQL sont introuvables."
    english = "PostgreSQL's programs are nowhere to be found."


class ClusterFailed(Outage):
    """The embedded cluster did not start, stop or initialise."""

    code = "database-cluster"
    french = "La base de données embarquée n'a pas démarré."
    english = "The embedded database did not start."


class NotDurable(Refusal):
    """The server would acknowledge what a power cut takes back."""

    code = "database-not-durable"
    french = "Ce PostgreSQL acquitte des écritures qu'une coupure de courant peut effacer : Rempart refuse de démarrer dessus."
    english = (
        "This PostgreSQL acknowledges writes that a power cut can take back: Rempart refuses to run on it."
    )


class MigrationRefused(Refusal):
    """The files and the database do not tell the same story."""

    code = "migration-refused"
    french = "Les migrations et la base ne racontent pas la même histoire."
    english = "The migrations and the database do not tell the same story."


class MigrationFailed(Outage):
    """A file failed; its transaction was rolled back."""

    code = "migration-failed"
    french = "Une migration a échoué ; elle a été annulée en entier."
    english = "A migration failed; it was rolled back whole."


class BadSecretFile(Refusal):
    """A role's password file is missing, readable by others, or malformed."""

    code = "database-secret-file"
    french = "Le fichier de mot de passe d'un rôle est absent, mal formé ou lisible par d'autres."
    english = "A role's password file is missing, malformed, or readable by others."
