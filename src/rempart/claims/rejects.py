"""Why an invoice, a quote or a request is refused: the closed list (docs/rejects.md). Each says what to do next.

The insurer closing the contract is not in it: what was engaged is paid.
"""

from enum import Enum
from typing import NamedTuple

from rempart.foundation.errors import Refusal


class Sentence(NamedTuple):
    """The same sentence in both languages."""

    french: str
    english: str

    def read(self, language: str) -> str:
        """In the reader's language; French unless it is "en"."""
        return self.english if language == "en" else self.french


class Reject(Enum):
    """One cause of refusal: its code, its cause, what to do."""

    NUMBER_USED = (
        "number-used",
        Sentence(
            "Ce numéro de facture a déjà été accepté, avec un autre contenu.",
            "This invoice number was already accepted, with other content.",
        ),
        Sentence(
            "Donnez un autre numéro, ou envoyez une correction de la facture acceptée.",
            "Use another number, or send a correction of the accepted invoice.",
        ),
    )
    CARE_DATE_OTHER = (
        "care-date-other",
        Sentence(
            "La date des soins n'est pas celle de la vérification des droits.",
            "The care date is not the one of the rights check.",
        ),
        Sentence(
            "Vérifiez les droits pour la date des soins, puis renvoyez la facture.",
            "Check the rights for the care date, then send the invoice again.",
        ),
    )
    CARE_DATE_FUTURE = (
        "care-date-future",
        Sentence("La date des soins est à venir.", "The care date is in the future."),
        Sentence(
            "Envoyez la facture le jour des soins ou après.", "Send the invoice on the care date or later."
        ),
    )
    LATE = (
        "late",
        Sentence("Les soins datent de plus de deux ans.", "The care is more than two years old."),
        Sentence(
            "La facture ne peut plus être payée en tiers payant : vérifiez la date des soins.",
            "It can no longer be paid this way: check the care date.",
        ),
    )
    NATURE = (
        "nature",
        Sentence(
            "Cet acte ne se facture pas dans le domaine de l'engagement.",
            "This act is not billed in the engagement's domain.",
        ),
        Sentence(
            "Corrigez la nature de la ligne, ou vérifiez les droits dans le domaine de l'acte.",
            "Correct the line's nature, or check the rights in the act's domain.",
        ),
    )
    LINES = (
        "lines",
        Sentence("Une ligne est incomplète ou se contredit.", "A line is incomplete or contradicts itself."),
        Sentence("Complétez le champ indiqué, puis renvoyez.", "Complete the field named, then send again."),
    )
    DOUBLE_BILLING = (
        "double-billing",
        Sentence(
            "Les mêmes actes du même jour pour la même personne sont déjà facturés sous un autre numéro.",
            "The same acts of the same day for the same person are already billed under another number.",
        ),
        Sentence(
            "Ne renvoyez pas ; pour modifier la première facture, envoyez une correction.",
            "Do not send again; to change the first invoice, send a correction.",
        ),
    )
    CORRECTS_UNKNOWN = (
        "corrects-unknown",
        Sentence(
            "La facture à corriger n'est pas une facture acceptée de votre établissement.",
            "The invoice to correct is no accepted invoice of your establishment.",
        ),
        Sentence(
            "Vérifiez le numéro de la facture à corriger.", "Check the number of the invoice to correct."
        ),
    )
    PEC_NEEDED = (
        "prise-en-charge-needed",
        Sentence("Ce domaine demande une prise en charge.", "This domain needs a prise en charge."),
        Sentence(
            "Demandez une prise en charge, puis facturez avec son numéro.",
            "Ask for a prise en charge, then bill with its number.",
        ),
    )
    PEC_UNKNOWN = (
        "prise-en-charge-unknown",
        Sentence(
            "Cette prise en charge n'est pas connue dans votre établissement.",
            "This prise en charge is not known in your establishment.",
        ),
        Sentence("Vérifiez son numéro.", "Check its number."),
    )
    PEC_NOT_AGREED = (
        "prise-en-charge-not-agreed",
        Sentence("Cette prise en charge n'est pas accordée.", "This prise en charge is not agreed."),
        Sentence(
            "Attendez l'accord de l'assureur, ou faites une nouvelle demande.",
            "Wait for the insurer's agreement, or ask again.",
        ),
    )
    PEC_USED = (
        "prise-en-charge-used",
        Sentence("Cette prise en charge a déjà été facturée.", "This prise en charge was already billed."),
        Sentence(
            "Corrigez ou annulez la première facture, ou demandez une nouvelle prise en charge.",
            "Correct or cancel the first invoice, or ask for a new prise en charge.",
        ),
    )
    PEC_PERIOD = (
        "prise-en-charge-period",
        Sentence(
            "La date des soins n'est pas dans la période de validité de la prise en charge.",
            "The care date is outside the validity of the prise en charge.",
        ),
        Sentence(
            "Demandez une nouvelle prise en charge pour cette date.",
            "Ask for a new prise en charge for that date.",
        ),
    )
    PEC_EXPIRED = (
        "prise-en-charge-expired",
        Sentence(
            "La prise en charge a expiré : elle se facture au plus tard 60 jours après la fin de sa validité.",
            "The prise en charge has expired: it is billed 60 days after its validity at the latest.",
        ),
        Sentence("Demandez une nouvelle prise en charge.", "Ask for a new prise en charge."),
    )
    PEC_EXCEEDED = (
        "prise-en-charge-exceeded",
        Sentence(
            "La facture dépasse ce que la prise en charge accorde.",
            "The invoice goes beyond what the prise en charge agreed.",
        ),
        Sentence(
            "Modifiez la prise en charge avant de facturer, ou facturez ce qui est accordé.",
            "Amend the prise en charge before billing, or bill what was agreed.",
        ),
    )
    ENGAGEMENT_INVALID = (
        "engagement-invalid",
        Sentence("Ce n'est pas un engagement de la plateforme.", "This is no engagement of the platform."),
        Sentence(
            "Reprenez l'engagement de la vérification des droits, sans le modifier.",
            "Take the engagement of the rights check, unchanged.",
        ),
    )
    ENGAGEMENT_ELSEWHERE = (
        "engagement-elsewhere",
        Sentence(
            "Cet engagement a été donné à un autre établissement.",
            "This engagement was given to another establishment.",
        ),
        Sentence(
            "Vérifiez les droits depuis votre établissement.", "Check the rights from your establishment."
        ),
    )
    ENGAGEMENT_MISSING = (
        "engagement-missing",
        Sentence(
            "La demande ne porte ni engagement ni prise en charge.",
            "The request has neither an engagement nor a prise en charge.",
        ),
        Sentence(
            "Vérifiez les droits, puis joignez l'engagement.", "Check the rights, then join the engagement."
        ),
    )
    INVOICE_UNKNOWN = (
        "invoice-unknown",
        Sentence(
            "Cette facture acceptée n'est pas connue dans votre établissement.",
            "This accepted invoice is not known in your establishment.",
        ),
        Sentence(
            "Vérifiez son numéro ; une facture refusée ou déjà annulée ne s'annule pas.",
            "Check its number; a refused or cancelled invoice cannot be cancelled.",
        ),
    )

    @property
    def code(self) -> str:
        """Its stable name."""
        return self.value[0]

    @property
    def cause(self) -> Sentence:
        """Why."""
        return self.value[1]

    @property
    def remedy(self) -> Sentence:
        """What to do."""
        return self.value[2]


BY_CODE = {reject.code: reject for reject in Reject}


class Rejected(Refusal):
    """Refused for a cause of the closed list. The detail names a field or a number of the caller's own, never anybody else's."""

    def __init__(self, reject: Reject, detail: str = "") -> None:
        super().__init__(detail)
        self.reject, self.detail = reject, detail
        self.code = reject.code  # type: ignore[misc]
        self.french = f"{reject.cause.french} {reject.remedy.french}"  # type: ignore[misc]
        self.english = f"{reject.cause.english} {reject.remedy.english}"  # type: ignore[misc]
