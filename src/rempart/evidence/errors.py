"""What can be wrong with a proof, a note, an opening or the ledger itself."""

from rempart.foundation.errors import BadInput, Outage, Refusal


class ProofRefused(Refusal):
    """A Merkle proof does not lead to the root it is shown for."""

    code = "proof-refused"
    french = "La preuve ne mène pas à la racine du registre."
    english = "The proof does not lead to the ledger's root."


class FrontierMalformed(BadInput):
    """The serialised frontier does not have the length that its size demands."""

    code = "frontier-malformed"
    french = "L'état du registre enregistré est mal formé."
    english = "The stored frontier is malformed."


class NoteMalformed(BadInput):
    """Not a C2SP signed note, verifier key or checkpoint, to the byte."""

    code = "note-malformed"
    french = "La note signée est mal formée."
    english = "The signed note is malformed."


class NoteRefused(Refusal):
    """The note is well formed, but the key expected did not sign it."""

    code = "note-refused"
    french = "La note n'est pas signée par la clé attendue."
    english = "The note is not signed by the expected key."


class WitnessesRefused(Refusal):
    """The witnesses in the settings are too few, or not what they should be."""

    code = "witnesses"
    french = "Les témoins du registre ne conviennent pas."
    english = "The ledger's witnesses will not do."


class OpeningMalformed(BadInput):
    """The bytes are not the canonical opening of a leaf."""

    code = "opening-malformed"
    french = "L'ouverture de la feuille est mal formée."
    english = "The leaf's opening is malformed."


class OpeningsMalformed(BadInput):
    """Not a whole file of openings of this version, for this insurer."""

    code = "openings"
    french = "Ce fichier d'ouvertures n'est pas complet, a été modifié ou est d'un autre assureur : téléchargez-le à nouveau."
    english = "This file of openings is not whole, was changed or is another insurer's: download it again."


class OpeningsBusy(Refusal):
    """Two processes never make the day's openings at once."""

    code = "openings-busy"
    french = "Les ouvertures du jour sont déjà en cours : attendez leur fin."
    english = "The day's openings are already being made: wait for their end."


class Forked(Refusal):
    """The log shows another history than the one it showed before."""

    code = "ledger-forked"
    french = "Le registre montre une autre histoire que celle déjà copiée : gardez les deux et alertez."
    english = "The ledger shows another history than the one copied before: keep both, and raise the alarm."


class Shrunk(Refusal):
    """The log shows less than it did: an older state of the same history."""

    code = "ledger-shrunk"
    french = "Le registre montre moins qu'avant : redemandez, et si cela dure, alertez."
    english = "The ledger shows less than before: ask again, and if it lasts raise the alarm."


class RetentionNotOver(Refusal):
    """An entry younger than its retention would go."""

    code = "retention"
    french = "La durée de conservation n'est pas écoulée : rien n'est effacé."
    english = "The retention is not over: nothing is removed."


class LedgerBroken(Refusal):
    """The ledger, or its export, contradicts itself.

    `index` is the first leaf concerned, None when the fault is not in a leaf.
    """

    code = "ledger-broken"
    french = "Le registre se contredit."
    english = "The ledger contradicts itself."

    def __init__(self, detail: str, *, index: int | None = None) -> None:
        super().__init__(detail)
        self.index = index


class LeafMissing(LedgerBroken):
    """An index has no leaf, or the log is shorter than it was."""

    code = "ledger-leaf-missing"
    french = "Une feuille du registre manque."
    english = "A leaf of the ledger is missing."


class LeafRewritten(LedgerBroken):
    """A leaf, or what is stored beside it, is not what was committed to."""

    code = "ledger-leaf-rewritten"
    french = "Une feuille du registre a été réécrite."
    english = "A leaf of the ledger was rewritten."


class RootMismatch(LedgerBroken):
    """The leaves do not hash to the root that was signed."""

    code = "ledger-root-mismatch"
    french = "Les feuilles ne donnent pas la racine signée."
    english = "The leaves do not hash to the signed root."


class LedgerUnreadable(Outage):
    """The ledger, or a file of its export, cannot be read: nothing can be said about it."""

    code = "ledger-unreadable"
    french = "Le registre ne peut pas être lu."
    english = "The ledger cannot be read."
