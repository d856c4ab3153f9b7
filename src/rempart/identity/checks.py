"""What a clerk should look at before an application is proposed. Pure: nothing here refuses; a person decides, and says what they saw.

Not checked, since no register is reached from here: that the FINESS is open and of this profession, that the RPPS is this person's.
"""

import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from rempart.foundation.identifiers import check_rpps, rpps_warning
from rempart.identity.application import Application

OLD = timedelta(days=180)
"""A convention signed before that is signed again."""


class Doubt(StrEnum):
    """Codes of what is to be looked at."""

    FINESS_KNOWN = "finess-known"
    RPPS_KEY = "rpps-key"
    RPPS_ELSEWHERE = "rpps-elsewhere"
    NO_NUMBER = "no-number"
    ADDRESS = "address"
    SIGNATORY = "signatory"
    SIGNED_WHEN = "signed-when"
    RIB_ELSEWHERE = "rib-elsewhere"
    SIRET_ELSEWHERE = "siret-elsewhere"
    FINESS_TWICE = "finess-twice"
    LOGIN_KNOWN = "login-known"


COMES_LATER = frozenset(
    {Doubt.FINESS_KNOWN, Doubt.FINESS_TWICE, Doubt.LOGIN_KNOWN, Doubt.RIB_ELSEWHERE, Doubt.SIRET_ELSEWHERE}
)
"""Doubts that somebody else raises, who applied or was enrolled when this application was approved already."""
SENTENCES: dict[Doubt, tuple[str, str]] = {
    Doubt.FINESS_KNOWN: (
        "Ce FINESS est déjà référencé : est-ce une cession ? Sans départ déclaré de l'ancien titulaire, l'inscription sera refusée.",
        "This FINESS is referenced already: is it a cession? Unless the former titulaire's departure is declared, enrolment is refused.",
    ),
    Doubt.RPPS_KEY: (
        "La clé du numéro RPPS est inhabituelle : relisez-le dans l'annuaire.",
        "The RPPS number's key is unusual: read it again in the directory.",
    ),
    Doubt.RPPS_ELSEWHERE: (
        "Ce RPPS exerce déjà dans un autre établissement référencé : vérifiez que c'est la même personne, et laquelle demande.",
        "This RPPS already works in another referenced establishment: check that it is the same person, and who asks.",
    ),
    Doubt.NO_NUMBER: (
        "Ni RPPS ni ADELI : vérifiez la carte professionnelle.",
        "Neither RPPS nor ADELI: check the professional card.",
    ),
    Doubt.ADDRESS: (
        "L'adresse de la demande n'est pas celle de l'annuaire : le courrier part à cette dernière. Rappelez à un numéro trouvé ailleurs.",
        "The application's address is not the directory's: the letter goes to the directory's. Call back on a number found elsewhere.",
    ),
    Doubt.SIGNATORY: (
        "La convention est signée d'un autre nom que celui du titulaire.",
        "The convention is signed by another name than the titulaire's.",
    ),
    Doubt.SIGNED_WHEN: (
        "La convention est signée depuis plus de six mois, ou après aujourd'hui.",
        "The convention was signed more than six months ago, or after today.",
    ),
    Doubt.RIB_ELSEWHERE: (
        "Ce RIB est aussi celui d'un autre établissement, ou d'une autre demande : est-ce un groupe ? Sinon, rappelez les deux.",
        "This account is another establishment's too, or another application's: is it a group? If not, call both back.",
    ),
    Doubt.SIRET_ELSEWHERE: (
        "Ce SIRET est aussi dans la demande d'un autre FINESS : un SIRET désigne un seul établissement.",
        "This SIRET is in another FINESS's application too: a SIRET names one establishment.",
    ),
    Doubt.FINESS_TWICE: (
        "Un autre dossier porte ce FINESS, peut-être celui d'un imposteur, avec son RIB. Faites dire au téléphone quand le leur est parti.",
        "Another dossier has this FINESS, an impostor's perhaps, with their account. On the telephone, have them say when theirs was sent.",
    ),
    Doubt.LOGIN_KNOWN: (
        "L'identifiant est celui d'un compte : est-ce la même personne ? Sinon, refusez, et ne donnez à ce nom aucun code d'activation.",
        "The login is an account's: is it the same person? If not, refuse; and give no activation code for it.",
    ),
}


class Elsewhere(NamedTuple):
    """What another dossier or establishment has too, of a dossier's account, SIRET and FINESS; and whether the vault has enrolled it."""

    rib: bool
    siret: bool
    finess: bool
    enrolled: bool


NOWHERE = Elsewhere(rib=False, siret=False, finess=False, enrolled=False)
"""Of a clerk's file, which has no account and no SIRET."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is referenced already, or in another dossier."""

    finess: bool
    rpps_elsewhere: bool
    login: bool = False
    """Is it an account's, whoever's?"""
    elsewhere: Elsewhere = NOWHERE


def doubts_of(application: Application, known: Known, today: date) -> list[Doubt]:
    """In the order in which people read them."""
    rpps = application.rpps
    seen = {
        Doubt.FINESS_KNOWN: known.finess,
        Doubt.RPPS_KEY: bool(rpps and rpps_warning(check_rpps(rpps))),
        Doubt.RPPS_ELSEWHERE: known.rpps_elsewhere,
        Doubt.NO_NUMBER: not rpps and not application.adeli,
        Doubt.ADDRESS: _plain(application.address) != _plain(application.stated_address),
        Doubt.SIGNATORY: _plain(application.holder) != _plain(application.signed_by),
        Doubt.SIGNED_WHEN: not today - OLD <= application.signed_on <= today,
        Doubt.RIB_ELSEWHERE: known.elsewhere.rib,
        Doubt.SIRET_ELSEWHERE: known.elsewhere.siret,
        Doubt.FINESS_TWICE: known.elsewhere.finess,
        # Enrolled itself, it is known by that.
        Doubt.LOGIN_KNOWN: known.login and not known.elsewhere.enrolled,
    }
    return [each for each in Doubt if seen[each]]


def _plain(text: str) -> str:
    """Letters and digits, without accents, case or punctuation: what two people write of one address."""
    apart = unicodedata.normalize("NFD", text).casefold()
    return "".join(char for char in apart if char.isalnum())
