"""Why an application is refused: a closed list, each with what the applicant is told. A clerk's own words may be added, never alone."""

from enum import StrEnum


class Ground(StrEnum):
    """Codes of the journal; nothing of a person is in one."""

    NOT_IN_DIRECTORY = "not-in-directory"
    NUMBERS = "numbers"
    CONVENTION = "convention"
    NOT_CONFIRMED = "not-confirmed"
    REFERENCED = "referenced"
    NOT_CONCERNED = "not-concerned"


TOLD: dict[Ground, str] = {
    Ground.NOT_IN_DIRECTORY: "L'établissement ne figure pas, ou plus, à cette adresse dans l'annuaire officiel. "
    "Faites-le corriger, puis refaites votre demande.",
    Ground.NUMBERS: "Le numéro FINESS, RPPS ou ADELI de la demande n'est pas celui de l'annuaire officiel. "
    "Vérifiez-le, puis refaites votre demande.",
    Ground.CONVENTION: "La convention n'est pas signée, ou pas dans sa version en vigueur. "
    "Signez celle jointe à ce courrier, puis refaites votre demande.",
    Ground.NOT_CONFIRMED: "Nous n'avons pas pu vous joindre au numéro publié de l'établissement pour confirmer la demande. "
    "Si elle vient de vous, rappelez-nous.",
    Ground.REFERENCED: "Cet établissement est déjà référencé. Un nouveau membre y est invité par son titulaire.",
    Ground.NOT_CONCERNED: "Cette activité ne relève pas du tiers payant que nous assurons.",
}
