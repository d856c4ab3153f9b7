"""Prise en charge: what is agreed at once by rule, what waits for the insurer, what is refused and why (docs/prise-en-charge.md). Pure.

What was agreed is frozen: guarantee, age, regime, what the ceilings had already used. Nothing that becomes of the contract changes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

import msgspec
from stdnum.iso7064 import mod_37_36

from rempart.claims.care import PricedCare, Taking, is_renewed_early, price_care
from rempart.claims.engagement import ContractTerms, Engagement
from rempart.claims.messages import Care, Line, PecState, Shares
from rempart.claims.rejects import Sentence
from rempart.foundation.vocabulary import Domain

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32, as the numéro d'engagement: no I, L, O, U to misread."""
NUMBERS = 2**40
"""How many numbers there are."""

VALIDITY_MONTHS = {Domain.OPTI: 3, Domain.AUDI: 3, Domain.HOSP: 3, Domain.DENT: 6}
"""From the care date of the rights check; three months in the other domains too."""
SENDING = timedelta(days=60)
"""How long after its validity an agreement may still be billed, for care given within it."""
OLDEST_CARE = timedelta(days=31)
"""A prior agreement is asked before the care, or soon after: for an older care date the rights are checked again."""
AGREED_UP_TO = {Domain.OPTI: 80_000, Domain.AUDI: 340_000, Domain.DENT: 150_000, Domain.HOSP: 100_000}
"""The complementary's part, cents, that a rule may agree to by itself; 500 € in the other domains."""
_OTHERWISE = 50_000


class Reason(Enum):
    """Why a prise en charge is not, or no longer, agreed: code, sentence, what to do."""

    CARE_PAST = (
        "care-past",
        Sentence("Les soins datent de plus d'un mois.", "The care is more than a month old."),
        Sentence(
            "Vérifiez les droits à la date prévue des soins, puis redemandez.",
            "Check the rights for the planned care date, then ask again.",
        ),
    )
    NOTHING_COVERED = (
        "nothing-covered",
        Sentence("La garantie ne couvre rien de ces actes.", "The guarantee covers nothing of these acts."),
        Sentence(
            "Informez le patient : la somme reste à sa charge.",
            "Tell the patient: the amount is theirs to pay.",
        ),
    )
    CEILING_REACHED = (
        "ceiling-reached",
        Sentence("Le plafond de la période est atteint.", "The period's ceiling is reached."),
        Sentence(
            "Redemandez à la période suivante, ou informez le patient.",
            "Ask again in the next period, or tell the patient.",
        ),
    )
    ALREADY_USED = (
        "already-used",
        Sentence(
            "Un équipement, ou une partie du plafond, est déjà pris en charge sur la période : l'assureur décide.",
            "An equipment, or part of the ceiling, is already covered in this period: the insurer decides.",
        ),
        Sentence("Attendez la décision de l'assureur.", "Wait for the insurer's decision."),
    )
    AMOUNT = (
        "amount",
        Sentence("Le montant demande l'accord de l'assureur.", "The amount needs the insurer's agreement."),
        Sentence("Attendez la décision de l'assureur.", "Wait for the insurer's decision."),
    )
    NOT_DUE = (
        "not-due",
        Sentence("L'assureur refuse un renouvellement avant terme.", "The insurer refuses an early renewal."),
        Sentence("Redemandez à la date du renouvellement.", "Ask again when the renewal is due."),
    )
    TOO_DEAR = (
        "too-dear",
        Sentence("L'assureur refuse ce montant.", "The insurer refuses this amount."),
        Sentence(
            "Proposez un équipement ou un devis moins cher, puis redemandez.",
            "Offer cheaper equipment or a cheaper quote, then ask again.",
        ),
    )
    UNDER_REVIEW = (
        "under-review",
        Sentence("L'assureur vérifie ce contrat.", "The insurer is reviewing this contract."),
        Sentence("Le patient doit appeler son assureur.", "The patient has to call their insurer."),
    )
    CANCELLED = (
        "cancelled",
        Sentence("Annulée par votre établissement.", "Cancelled by your establishment."),
        Sentence("Faites une nouvelle demande si besoin.", "Ask again if needed."),
    )
    AMENDED = (
        "amended",
        Sentence("Remplacée par une demande modifiée.", "Replaced by an amended request."),
        Sentence("Utilisez le numéro de la nouvelle.", "Use the new one's number."),
    )
    EXPIRED = (
        "expired",
        Sentence(
            "Restée sans décision pendant toute sa validité.", "Left undecided for all of its validity."
        ),
        Sentence(
            "Vérifiez les droits, puis faites une nouvelle demande.", "Check the rights, then ask again."
        ),
    )

    @property
    def code(self) -> str:
        """Its stable name."""
        return self.value[0]

    @property
    def sentence(self) -> Sentence:
        """What it says."""
        return self.value[1]

    @property
    def remedy(self) -> Sentence:
        """What to do."""
        return self.value[2]


REASONS = {reason.code: reason for reason in Reason}
INSURERS_REASONS = (Reason.NOT_DUE, Reason.TOO_DEAR, Reason.UNDER_REVIEW, Reason.NOTHING_COVERED)
"""What an insurer may refuse for."""


class Frozen(msgspec.Struct, frozen=True):
    """What an agreement keeps of the rights check; nothing that names anybody."""

    number: str
    index: int
    amc: str
    domain: Domain
    care_date: date
    contracts: list[ContractTerms]
    age: int
    regime: str
    territory: str
    counted_on: date
    taken: list[Taking]

    def terms(self, pseudonym: bytes) -> Engagement:
        """The engagement it came from."""
        return Engagement(
            self.number,
            self.index,
            self.amc,
            self.domain,
            self.care_date,
            tuple(self.contracts),
            pseudonym,
            self.age,
        )


@dataclass(frozen=True)
class Decision:
    """accordee, en-attente or refusee, and why it is not agreed at once."""

    state: PecState
    reason: Reason | None = None

    @property
    def code(self) -> str:
        """The reason's code, "" when agreed."""
        return self.reason.code if self.reason else ""


@dataclass(frozen=True)
class Agreement:
    """A prise en charge as an invoice meets it. `lines` are None once it has expired."""

    number: str
    state: str
    billed: bool
    valid_from: date
    valid_to: date
    frozen: Frozen
    pseudonym: bytes
    shares: Shares
    lines: list[Line] | None


def freeze(care: Care, terms: Engagement, counted_on: date, taken: Sequence[Taking]) -> Frozen:
    """What is kept so that the agreement is honoured."""
    return Frozen(
        terms.number, terms.index, terms.amc, terms.domain, terms.care_date, list(terms.contracts), terms.age, care.regime,
        care.territory, counted_on, list(taken),
    )  # fmt: skip


def decide_by_rule(
    care: Care, terms: Engagement, taken: Sequence[Taking], today: date
) -> tuple[Decision, PricedCare]:
    """Agree, refuse, or leave it to the insurer. The first rule that holds. Raises Rejected for lines that cannot be priced."""
    priced = price_care(care, terms, terms.care_date, today, taken)
    untouched = price_care(care, terms, terms.care_date, today).shares.amc
    if terms.care_date < today - OLDEST_CARE:
        return Decision("refusee", Reason.CARE_PAST), priced
    if not priced.shares.amc:
        return Decision("refusee", Reason.CEILING_REACHED if untouched else Reason.NOTHING_COVERED), priced
    if priced.shares.amc < untouched or is_renewed_early(care, terms, terms.care_date, taken):
        return Decision("en-attente", Reason.ALREADY_USED), priced
    if priced.shares.amc > AGREED_UP_TO.get(terms.domain, _OTHERWISE):
        return Decision("en-attente", Reason.AMOUNT), priced
    return Decision("accordee"), priced


def needs_prise_en_charge(terms: Engagement) -> bool:
    """Whether a contract asks for one before the invoice."""
    return any(contract.pec for contract in terms.contracts)


def validity(terms: Engagement) -> tuple[date, date]:
    """First and last day of care that it covers."""
    return terms.care_date, months_later(terms.care_date, VALIDITY_MONTHS.get(terms.domain, 3))


def months_later(day: date, months: int) -> date:
    """The same day so many months later, or that month's last day."""
    years, month = divmod(day.month - 1 + months, 12)
    first = date(day.year + years, month + 1, 1)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return min(first + timedelta(days=day.day - 1), following - timedelta(days=1))


def has_expired(valid_to: date, today: date) -> bool:
    """Whether it can no longer be billed."""
    return today > valid_to + SENDING


def number_of(drawn: int) -> str:
    """The number of a prise en charge, written `PXXXX-XXXX-X`: eight characters of base 32 and an ISO 7064 mod 37,36 check character.

    `drawn`: a random number below NUMBERS."""
    digits = ""
    for _ in range(8):
        drawn, digit = divmod(drawn, 32)
        digits = _ALPHABET[digit] + digits
    return f"P{digits[:4]}-{digits[4:]}-{mod_37_36.calc_check_digit(digits)}"


def as_written(number: str) -> str:
    """A number as somebody typed it from the telephone: small letters, O for 0, I or L for 1; unchanged when it is none."""
    plain = number.upper().replace("-", "").replace(" ", "")
    if len(plain) != 10 or not plain.startswith("P"):
        return number
    digits = plain[1:9].translate(str.maketrans("OIL", "011"))
    return f"P{digits[:4]}-{digits[4:]}-{plain[9]}"
