"""Letters: a RIB that changes, an indu that will be recovered, a transfer the bank sent back. French, A4, PDF/A-2a and PDF/UA-1.

Pure: the same letter gives the same bytes. No account number is ever in one: a letter is opened by whoever opens the post.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from rempart.claims.bank_reasons import reason
from rempart.claims.typeset import NO_BREAK, french_date, french_euros, typeset
from rempart.foundation.clock import PARIS, instant, paris_date


@dataclass(frozen=True, slots=True)
class Heading:
    """Who writes to whom, and when (µs)."""

    operator: str
    establishment: str
    finess: str
    town: str
    at: int


@dataclass(frozen=True, slots=True)
class RibLetter:
    """Notice of a RIB change, to the contact of record and to the former one. µs: when it was asked, when it takes effect."""

    heading: Heading
    event: Literal["asked", "in-force", "cancelled"]
    asked: int
    effective: int
    needs_second: bool = False
    sent: int = 0
    """Of the account that an application gave: when that was sent (µs); it is the first one."""


@dataclass(frozen=True, slots=True)
class InduLine:
    """One invoice paid wrongly: `cents` to take back, above zero; `why`, a sentence."""

    invoice: str
    cents: int
    why: str
    care_date: date | None = None
    insurer: str = ""


@dataclass(frozen=True, slots=True)
class InduLetter:
    """Notice of the recovery of indus by offset. `recovered_from`: the first day of settlement that may take them."""

    heading: Heading
    lines: tuple[InduLine, ...]
    recovered_from: date


@dataclass(frozen=True, slots=True)
class RejectedPaymentLetter:
    """The bank refused or sent back a transfer of `cents`, ordered on `execution`; `reason_code` as in the bank's report."""

    heading: Heading
    reference: str
    cents: int
    execution: date
    reason_code: str


@dataclass(frozen=True, slots=True)
class ActivationLetter:
    """The one-time code of a new titulaire. `page`: the address at which it is typed; `joins`: the login is known, and a place is added."""

    heading: Heading
    holder: str
    address: str
    login: str
    code: str
    page: str
    joins: bool
    sent: int = 0
    """When the application came by the public page, with an account; 0: it gave none."""
    effective: int = 0
    """When that account takes effect."""


@dataclass(frozen=True, slots=True)
class RefusedLetter:
    """An application that is refused: `why`, a whole sentence with what to do; `words`, the clerk's own, or ""."""

    heading: Heading
    holder: str
    address: str
    why: str
    words: str = ""


def refused_letter(letter: RefusedLetter) -> bytes:
    """The letter to somebody who is not referenced, and why, as a PDF. It goes to the address of the official directory: an establishment
    in whose name somebody else applied learns it."""
    return _typeset(
        letter.heading,
        "Votre demande de référencement n'est pas acceptée",
        [
            f"À l'attention de {letter.holder}, {letter.address}",
            letter.why,
            *([letter.words] if letter.words else []),
            "Aucun accès n'est ouvert.",
        ],
        warning="Vous n'avez fait aucune demande ? Quelqu'un l'a faite en votre nom : prévenez l'opérateur, à un numéro cherché "
        "vous-même, jamais à un numéro reçu dans un message.",
    )


def activation_letter(letter: ActivationLetter) -> bytes:
    """The letter that opens the account, as a PDF. It goes by post, to the address of the official directory, and never by e-mail."""
    how = (
        f"Connectez-vous comme d'habitude, ouvrez {letter.page}, rubrique « Rejoindre un établissement », et tapez ce code."
        if letter.joins
        else f"Ouvrez {letter.page}, tapez ce code, et créez votre clé d'accès sur votre propre poste."
    )
    return _typeset(
        letter.heading,
        "Votre référencement est accepté",
        [
            f"À l'attention de {letter.holder}, {letter.address}",
            f"Votre établissement est référencé, sous l'identifiant {letter.login}. Il reste à l'ouvrir, avec le code ci-dessous.",
            f"Code : {letter.code}",
            f"{how} Il sert une fois, pendant trente jours.",
            _given(letter)
            if letter.sent
            else "Donnez ensuite le RIB de l'établissement sur la page Règlement.",
        ],
        warning="Ce code ne se donne à personne, ni par téléphone ni par courriel : nous ne vous le demanderons jamais. Vous n'avez rien "
        "demandé, ou l'enveloppe était ouverte ? N'utilisez pas ce code, et appelez l'opérateur au numéro de votre convention.",
    )


def rib_letter(letter: RibLetter) -> bytes:
    """The notice of a RIB asked for, in force or cancelled, as a PDF."""
    asked, effective = _moment(letter.asked), _moment(letter.effective)
    if letter.event == "asked" and letter.sent:
        return _first_rib_letter(letter, effective)
    if letter.event == "asked":
        subject = "Un changement de RIB a été demandé"
        second = " Une seconde personne habilitée doit aussi le confirmer." if letter.needs_second else ""
        body = [
            f"Le {asked}, un nouveau RIB a été enregistré pour votre établissement, avec la clé d'accès d'un titulaire.",
            f"Il ne remplacera pas l'ancien avant le {effective} : ce délai vous laisse le temps de vous y opposer.{second}",
            "D'ici là, vos règlements partent sur l'ancien compte.",
        ]
        do = "annulez ce changement dans Règlement avant cette heure"
    elif letter.event == "in-force":
        subject = "Votre nouveau RIB est en vigueur"
        body = [
            f"Le RIB demandé le {asked} est en vigueur depuis le {effective}.",
            "Vos prochains règlements partiront sur ce compte. Chaque relevé indique la date depuis laquelle le RIB est en vigueur.",
        ]
        do = "enregistrez aussitôt votre propre RIB dans Règlement"
    else:
        subject = "Le changement de RIB est annulé"
        body = [
            f"Le changement de RIB demandé le {asked} a été annulé. Vos règlements continuent sur le compte en vigueur."
        ]
        do = "vérifiez dans Règlement la date du RIB en vigueur"
    return _typeset(
        letter.heading,
        subject,
        body,
        warning=f"Vous n'êtes pas à l'origine de ce changement ? Alors {do}, et appelez l'opérateur au numéro de votre convention, "
        "jamais à un numéro reçu dans un message. Personne ne vous demandera votre code, votre clé d'accès ni votre RIB par téléphone "
        "ou par courriel.",
    )


def _first_rib_letter(letter: RibLetter, effective: str) -> bytes:
    return _typeset(
        letter.heading,
        "Le RIB de votre demande est enregistré",
        [
            f"Votre demande de référencement, envoyée en ligne le {_moment(letter.sent)}, donnait un RIB.",
            f"Il prendra effet le {effective} : ce délai vous laisse le temps de vous y opposer.",
            "D'ici là, ce qui vous est dû est gardé, et rien n'est versé.",
        ],
        warning="Vous n'avez pas envoyé de demande à cette heure ? Quelqu'un l'a faite en votre nom, avec son RIB : annulez-le dans "
        "Règlement avant l'échéance, et appelez l'opérateur au numéro de votre convention, jamais à un numéro reçu dans un message.",
    )


def _given(letter: ActivationLetter) -> str:
    return (
        f"Cette demande a été envoyée en ligne le {_moment(letter.sent)}, avec un RIB qui prendra effet le {_moment(letter.effective)}. "
        "Vous ne l'avez pas envoyée à cette heure ? Elle n'est pas la vôtre, ni ce RIB : annulez-le sur la page Règlement, "
        "et appelez l'opérateur."
    )


def indu_letter(letter: InduLetter) -> bytes:
    """The notice of recovery, as a PDF: each invoice, why, how much, from when. Raises ValueError unless each sum is above zero."""
    if not letter.lines or any(line.cents <= 0 for line in letter.lines):
        raise ValueError("an indu is a sum above zero")
    total = french_euros(sum(line.cents for line in letter.lines))
    day = french_date(letter.recovered_from)
    return _typeset(
        letter.heading,
        "Indu à récupérer sur vos prochains règlements",
        [
            f"Une somme de {total} vous a été versée et n'est plus due, pour les factures ci-dessous.",
            f"Vous n'avez rien à verser : elle sera retenue sur vos règlements à partir du {day}.",
            "Chaque retenue figurera sur votre relevé, facture par facture.",
            f"Vous n'êtes pas d'accord ? Écrivez-nous avant le {day}, en rappelant le numéro de la facture et ce que vous contestez.",
        ],
        rows=[_indu_row(line) for line in letter.lines],
        total=total,
    )


def rejected_payment_letter(letter: RejectedPaymentLetter) -> bytes:
    """The notice of a transfer the bank refused or sent back, with what to do, as a PDF."""
    why = reason(letter.reason_code)
    shown = f" (code {letter.reason_code})" if letter.reason_code else ""
    sent = f"{french_euros(letter.cents)} ordonné le {french_date(letter.execution)}"
    return _typeset(
        letter.heading,
        "Votre virement a été renvoyé par la banque",
        [
            f"Le virement de {sent}, référence {letter.reference}, ne vous est pas parvenu.",
            f"Motif donné par la banque{shown} : {_uncapitalised(why.french)}",
            why.remedy_french,
        ],
    )


def _typeset(
    heading: Heading,
    subject: str,
    body: list[str],
    *,
    warning: str = "",
    rows: list[dict[str, str]] | None = None,
    total: str = "",
) -> bytes:
    facts: dict[str, Any] = {
        "operator": heading.operator,
        "establishment": heading.establishment,
        "finess": heading.finess,
        "town": heading.town,
        "date": french_date(paris_date(heading.at)),
        "subject": subject,
        "body": body,
        "warning": warning,
        "rows": rows or [],
        "total": total,
    }
    return typeset("letter.typ", facts, heading.at)


def _indu_row(line: InduLine) -> dict[str, str]:
    return {
        "invoice": line.invoice,
        "care_date": "" if line.care_date is None else french_date(line.care_date),
        "insurer": line.insurer,
        "why": line.why,
        "amount": french_euros(line.cents),
    }


def _moment(micros: int) -> str:
    there: datetime = instant(micros).astimezone(PARIS)
    return f"{french_date(there.date())} à {there.hour}{NO_BREAK}h{NO_BREAK}{there.minute:02d}"


def _uncapitalised(sentence: str) -> str:
    # After a colon; "L'IBAN" keeps its acronym, "Ce" and "La" lose their capital.
    return sentence[:1].lower() + sentence[1:]
