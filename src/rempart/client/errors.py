"""Why there is no answer. A class for each thing that a program does differently; `code` tells the rest, `french` and `english` are for
people."""

from typing import ClassVar

from rempart.client.model import Confirmation


class Refused(Exception):
    """The platform said no, and nothing was done. Its `code` is stable (docs/fhir.md lists them)."""

    french: str = "La plateforme a refusé la demande."
    english: str = "The platform refused the request."

    def __init__(
        self,
        code: str,
        status: int,
        *,
        french: str = "",
        english: str = "",
        detail: str = "",
    ) -> None:
        self.code, self.status, self.detail = code, status, detail
        """`detail` names the element at fault, or the reference to quote to support; never a person."""
        self.french, self.english = french or type(self).french, english or type(self).english
        super().__init__(f"{code}: {self.english}")


class BadRequest(Refused):
    """The request is malformed: correct the program, or what was typed. Sending it again changes nothing."""


class EditorRefused(Refused):
    """The editor's signature is missing or another's, or the editor is suspended."""


class NotInstalled(Refused):
    """This device key is no software of any establishment: it was never installed, or was uninstalled. `Client.install` begins."""

    french = "Ce logiciel n'est pas installé dans un établissement : demandez un code au titulaire."
    english = "This software is installed in no establishment: ask the titulaire for a code."


class Exhausted(Refused):
    """A line of look-ups is used up for now. It reopens by itself; nothing that a program can do opens it."""


class Contained(Refused):
    """Suspended as a security measure. `code` says what goes on meanwhile: `contained` nothing, `claims-only` invoices on engagements
    already given, `read-only` checking rights, `known-only` checking people whom the establishment checked before."""


class NotAtWork(Refused):
    """The establishment itself is not at work, which is no security measure: `code` says how. `seat-suspended` by the platform: invoices on
    engagements already given go on; `seat-departed` it has left: the same, for 60 days; `seat-invoices-over` they are past; `seat-not-open`
    it takes its FINESS over on a day to come."""


class Unavailable(Refused):
    """No answer for now: try again in a minute. `code` is `unreachable` where no answer came at all: an invoice may have been accepted
    then, and the same number sent again says so."""

    french = "La plateforme ne répond pas pour l'instant : réessayez dans une minute."
    english = "The platform does not answer for now: try again in a minute."


class PersonNeeded(Refused):
    """Somebody of the establishment must confirm with a passkey: `confirmation` is what to open and to show."""

    purpose: ClassVar[str] = ""

    def __init__(self, code: str, status: int, confirmation: Confirmation) -> None:
        super().__init__(code, status)
        self.confirmation = confirmation


class ConfirmationNeeded(PersonNeeded):
    """The twelve hours are over, or have not begun."""

    french = "Confirmez, avec votre clé d'accès, que ce logiciel travaille pour vous."
    english = "Confirm with your passkey that this software works for you."


class StepUpNeeded(PersonNeeded):
    """More look-ups than usual, or a measure of caution: a person must be seen before it goes on."""

    french = "Confirmez, avec votre clé d'accès, que vous êtes à ce poste."
    english = "Confirm with your passkey that you are at this counter."


_BY_CODE: dict[str, type[Refused]] = {
    "bad-input": BadRequest,
    "media-type": BadRequest,
    "too-large": BadRequest,
    "editor": EditorRefused,
    "exhausted": Exhausted,
    "breaker": Exhausted,
    "contained": Contained,
    "claims-only": Contained,
    "read-only": Contained,
    "known-only": Contained,
    "seat-suspended": NotAtWork,
    "seat-departed": NotAtWork,
    "seat-invoices-over": NotAtWork,
    "seat-not-open": NotAtWork,
    "outage": Unavailable,
    "internal": Unavailable,
    "saturated": Unavailable,
    "crowded": Unavailable,
    "busy": Unavailable,
    "slow": Unavailable,
}


def refusal(code: str, status: int, *, french: str, english: str, detail: str) -> Refused:
    """The error of a code."""
    kind = _BY_CODE.get(code) or (Unavailable if status in {500, 503} else Refused)
    return kind(code, status, french=french, english=english, detail=detail)
