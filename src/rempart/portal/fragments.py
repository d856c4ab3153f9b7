"""The vault's replies and the cashier's papers as HTML: one template each.

Everything is escaped; nothing of a reply is rendered that has no place here.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path

import jinja2
import segno
from markupsafe import Markup

from rempart.claims import bank_reasons
from rempart.claims.prise_en_charge import INSURERS_REASONS, REASONS
from rempart.doorway.rendering import fragment, strict_environment
from rempart.foundation.clock import PARIS, instant
from rempart.foundation.vocabulary import Domain
from rempart.identity import convention
from rempart.identity.dossier import PROFESSIONS
from rempart.intake.errors import sentence_of
from rempart.intake.rejects import sentence
from rempart.portal import wording
from rempart.portal.names import Known
from rempart.portal.papers import view_and_template
from rempart.vaultdoor.codes import Code
from rempart.vaultdoor.fhir import explain
from rempart.vaultdoor.messages import (
    Activated,
    Consultations,
    DevicePending,
    DossierState,
    Enrolled,
    Here,
    JournalPage,
    Members,
    Paper,
    RecoveryCodes,
    Refused,
    Reply,
    Security,
    SoftwareAsked,
    Softwares,
    ToDo,
    TotpSecret,
)

TEMPLATES = Path(__file__).parent / "templates"
_FRAGMENTS: Mapping[type, str] = {
    Activated: "recovery-codes.html",
    Consultations: "consultations.html",
    DevicePending: "device-pending.html",
    Enrolled: "enrolled.html",
    Here: "messages.html",
    JournalPage: "journal.html",
    Members: "members.html",
    RecoveryCodes: "recovery-codes.html",
    Security: "security.html",
    SoftwareAsked: "software-asked.html",
    Softwares: "softwares.html",
    ToDo: "to-do.html",
    TotpSecret: "totp.html",
}


def environment(origin: str, address: Callable[[str], str]) -> jinja2.Environment:
    """The portal's templates."""
    env = strict_environment(
        TEMPLATES,
        origin,
        address,
        domains=[domain.value for domain in Domain],
        convention=convention,
        professions=[profession.value for profession in PROFESSIONS],
        wording=wording,
        reasons=REASONS,
        insurers_reasons=INSURERS_REASONS,
        short_euros=_short_euros,
        delivery_sentence=lambda code, language: sentence_of(code, french=language != "en"),
        reject_sentence=lambda code, language: sentence(code, french=language != "en"),
        bank_reason=bank_reasons.reason,
        qr=_qr,
    )
    env.filters.update(
        moment=_moment, say=lambda word, words: words[word], euros=_euros, day=_day, civil=_civil
    )
    return env


class Fragments:
    """Renders replies."""

    def __init__(self, env: jinja2.Environment) -> None:
        self._env = env

    def render(self, reply: Reply, known: Known, language: str) -> str:
        """The fragment of a reply that has one (`has_fragment`)."""
        return fragment(self._env, _FRAGMENTS[type(reply)], language, reply=reply, known=known)

    def paper(self, paper: Paper, language: str) -> str | None:
        """A paper's fragment; None when it has none."""
        found = view_and_template(paper)
        return None if found is None else fragment(self._env, found[1], language, view=found[0])

    def application(self, reply: DossierState, language: str) -> str:
        """How far an application is."""
        return fragment(self._env, "application.html", language, reply=reply)

    def refusal(self, reply: Refused, code: Code, language: str) -> str:
        """An alert: the code's sentence, which says what to do, and the element at fault."""
        detail = detail_in_words(reply, language)
        return fragment(self._env, "refused.html", language, reply=reply, code=code, detail=detail)


def detail_in_words(reply: Refused, language: str) -> str:
    """A refusal's detail as a sentence where there is one: the rule a password breaks, the element at fault."""
    return wording.say(wording.PASSWORD_RULES, explain(reply.detail, language), language)


def has_fragment(reply: Reply) -> bool:
    """Is there a template for it?"""
    return type(reply) in _FRAGMENTS


def _moment(micros: int, language: str) -> str:
    """A time as people in France read it, e.g. 24/11/2026 09:05."""
    moment: datetime = instant(micros).astimezone(PARIS)
    return moment.strftime("%d %b %Y, %H:%M" if language == "en" else "%d/%m/%Y %H:%M")


def _euros(cents: int, language: str) -> str:
    """An amount as it is read: 1 234,56 € or €1,234.56; a minus sign before a debt."""
    sign, whole, rest = "\u2212" if cents < 0 else "", abs(cents) // 100, abs(cents) % 100
    if language == "en":
        return f"{sign}€{whole:,}.{rest:02d}"
    return f"{sign}{whole:,}".replace(",", "\u202f") + f",{rest:02d}\u00a0€"


def _short_euros(cents: int) -> str:
    """An amount over a bar, where there is little room: 376 €, 12 k€, 3 M€."""
    euros = round(cents / 100)
    for unit, size in (("M", 1_000_000), ("k", 10_000)):
        if abs(euros) >= size:
            return f"{round(euros / (1_000_000 if unit == 'M' else 1_000))}\u00a0{unit}€"
    return f"{euros}\u00a0€"


def _civil(micros: int) -> str:
    """The day of an instant in Paris, as it is read in both languages here."""
    return instant(micros).astimezone(PARIS).strftime("%d/%m/%Y")


def _day(iso: str) -> str:
    """A date as it is read in both languages here: 17/05/2026; "–" without one."""
    return date.fromisoformat(iso).strftime("%d/%m/%Y") if iso else "–"


def _qr(text: str) -> Markup:
    """A QR code as one inline SVG element, without any style attribute."""
    code = segno.make(text, error="m", micro=False)
    # Numbers and a path: nothing of `text` itself reaches the markup.
    svg = code.svg_inline(scale=4, border=2, dark="#10222b", light="#fff", svgclass="qr", lineclass=None)
    return Markup(svg)  # noqa: S704
