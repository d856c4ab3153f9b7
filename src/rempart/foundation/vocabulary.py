"""The trade's closed lists, with the small integers that the ledger and the capsules use for them. Codes are never reused."""

from enum import IntEnum, StrEnum


class Domain(StrEnum):
    """Domains of care: the columns of the guarantee grid printed on a card."""

    PHAR = "PHAR"
    LABO = "LABO"
    RADL = "RADL"
    MED = "MED"
    AUXM = "AUXM"
    DENT = "DENT"
    OPTI = "OPTI"
    AUDI = "AUDI"
    HOSP = "HOSP"
    EXTE = "EXTE"
    TRAN = "TRAN"
    LPP = "LPP"

    @property
    def code(self) -> int:
        """1 to 12, in the order above."""
        return _DOMAIN_CODES[self]


_DOMAIN_CODES = {domain: number for number, domain in enumerate(Domain, start=1)}
DOMAIN_BY_CODE = {number: domain for domain, number in _DOMAIN_CODES.items()}


class Lane(IntEnum):
    """How a person is presented. A capsule is sealed once per lane."""

    CARD = 1
    """n° AMC + n° adhérent + birth date + rank, read from the card."""
    VITALE = 2
    """n° AMC + NIR + birth date + rank, no card at hand: narrow, costs more."""
    SECRET = 3
    """The 128-bit secret in the DataMatrix of a card that Rempart issued: wide."""
    OFFLINE = 4
    """A signed card verified without any query; told afterwards, looked up never: there is no capsule of this lane."""


LOOKED_UP = (Lane.CARD, Lane.VITALE, Lane.SECRET)
"""The lanes by which one may ask."""


class Profession(StrEnum):
    """What an establishment is; its meters and its *already told* window follow from it (docs/meters.md)."""

    PHARMACY = "pharmacy"
    LABORATORY = "laboratory"
    RADIOLOGY = "radiology"
    DOCTOR = "doctor"
    AUXILIARY = "auxiliary"
    DENTIST = "dentist"
    OPTICIAN = "optician"
    AUDIOLOGIST = "audiologist"
    HOSPITAL = "hospital"
    AMBULANCE = "ambulance"
    INSURER = "insurer"
    """An insurer's own seat: gives no care and checks no right."""
    OPERATOR = "operator"
    """The operator's own seat (docs/desk.md): signs in at the desk alone, and checks no right."""


ALREADY_TOLD_HOURS = {
    profession: 24 if profession is Profession.PHARMACY else 30 * 24 for profession in Profession
}
"""For how long a person told of costs nothing again, and a quote or a prise en charge needs no new look-up (docs/meters.md)."""


class Role(StrEnum):
    """What a person may do in an establishment."""

    TITULAIRE = "titulaire"
    """Checks rights, invites and removes colleagues."""
    EMPLOYEE = "employee"
    """Checks rights."""
    ADMINISTRATOR = "administrator"
    """Of a group (a laboratory chain): invites and removes in all its establishments, checks no right."""
    DUTY_OFFICER = "duty-officer"
    """An operator's: contains at once, alone; asks a second person for what is wide."""
    SECURITY_LEAD = "security-lead"
    """An operator's: all that a duty officer may, and who the operators are."""
    DPO = "dpo"
    """An operator's: reads the incident room, answers for what is notified."""
    ONBOARDING_CLERK = "onboarding-clerk"
    """An operator's: codes and lines of professionals who called back."""
    AUDITOR = "auditor"
    """An operator's: reads, and changes nothing."""


OPERATORS_ROLES = frozenset(
    {Role.DUTY_OFFICER, Role.SECURITY_LEAD, Role.DPO, Role.ONBOARDING_CLERK, Role.AUDITOR}
)
"""Held at the operator's seat alone, where no other role is."""


class Assurance(IntEnum):
    """How a session was opened. The dearer the proof, the wider the line."""

    PASSWORD_TOTP = 1
    """Password and one-time code, on an already bound device: half the line."""
    PASSKEY = 2
    """Passkey with user verification: the whole line."""
