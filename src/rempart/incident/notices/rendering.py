"""Documents: what is told, in both languages, as PDF, text and JSON. Words come from templates, figures from facts or the scope."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from rempart.incident.case import Incident
from rempart.incident.exposure import Exposed, Scope
from rempart.incident.facts import UNKNOWN, Facts, Language, moment, number
from rempart.incident.nobody_else import UNCHECKED, NobodyElse
from rempart.incident.notices.blocks import Block, plain
from rempart.incident.notices.figures import NOTHING, Figures, by_insurer, figures_of, plain_figures, words
from rempart.incident.notices.templates import Document, Templates
from rempart.incident.notices.typesetting import typeset
from rempart.incident.scope_professionals import SENTENCES, ProfessionalsSeen


@dataclass(frozen=True, slots=True)
class Insurer:
    """To whom a package goes."""

    number: int
    amc: str
    name: str
    notice_key: bytes = field(repr=False, default=b"")


@dataclass(frozen=True, slots=True)
class Place:
    """An establishment that a letter goes to."""

    id: str
    finess: str
    name: str
    town: str


@dataclass(frozen=True)
class Telling:
    """All that documents are made from. `at` (µs): the instant of this rendering."""

    incident: Incident
    scope: Scope | None
    insurers: tuple[Insurer, ...]
    operator: str
    at: int
    templates: Templates = field(repr=False)
    whole: Figures | None = None
    parts: dict[int, Figures] = field(default_factory=dict)
    professionals: ProfessionalsSeen | None = None
    """Whose own data may have been seen, at most (`scope_professionals`)."""
    nobody_else: NobodyElse = UNCHECKED
    """Of this very scope: no document says it unless it was stated."""

    @classmethod
    def of(
        cls,
        incident: Incident,
        scope: Scope | None,
        insurers: tuple[Insurer, ...],
        operator: str,
        at: int,
        templates: Templates,
        professionals: ProfessionalsSeen | None = None,
        nobody_else: NobodyElse = UNCHECKED,
    ) -> "Telling":
        """Figures are counted once."""
        whole = None if scope is None else figures_of(scope.exposed)
        parts = {} if scope is None else {who: figures_of(mine) for who, mine in by_insurer(scope).items()}
        return cls(
            incident, scope, insurers, operator, at, templates, whole, parts, professionals, nobody_else
        )

    @property
    def facts(self) -> Facts:
        """With the list that gives each its kind."""
        return Facts(self.templates.facts, self.incident.facts)


@dataclass(frozen=True)
class Rendered:
    """One document in both languages."""

    document: Document
    french: list[Block]
    english: list[Block]
    telling: Telling = field(repr=False)
    figures: Figures | None
    whom: str

    def pdf(self) -> bytes:
        """PDF/A-2a and PDF/UA-1."""
        t = self.telling
        reference = f"Incident {t.incident.id} · {moment(t.at, Language.FRENCH)}"
        foot = " · ".join(part for part in (t.operator, self.document.french, self.whom) if part)
        return typeset(
            self.french, self.english, operator=t.operator, reference=reference, foot=foot, dated=t.at
        )

    def text(self, language: Language) -> str:
        """Plain text."""
        return plain(self.french if language is Language.FRENCH else self.english)

    def json(self) -> bytes:
        """For machines: facts as written (null: unknown), figures, and the same words."""
        t = self.telling
        whole: dict[str, Any] = {
            "document": self.document.key,
            "to": self.document.to,
            "whom": self.whom,
            "incident": {"number": t.incident.id, "title": t.incident.title, "aware": t.incident.aware, "rendered": t.at},
            "facts": {key: _raw(t.facts, key) for key in (self.document.fields or [f.key for f in t.templates.facts.fact])},
            "figures": plain_figures(self.figures),
            "professionals": None if t.professionals is None or self.document.per == "insurer" else t.professionals.people,
            "nobody_else": None if t.scope is None else t.nobody_else.code,
            "fr": self.text(Language.FRENCH),
            "en": self.text(Language.ENGLISH),
        }  # fmt: skip
        return msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"


def render(telling: Telling, document: Document) -> Rendered:
    """A document that is made once. Raises BadTemplate."""
    return _rendered(telling, document, {}, telling.whole, "")


def render_for_insurer(telling: Telling, document: Document, insurer: Insurer) -> Rendered:
    """One insurer's. Raises BadTemplate."""
    figures = telling.parts.get(insurer.number, None if telling.scope is None else figures_of(()))
    more = {"insurer": {"name": insurer.name, "amc": insurer.amc}}
    return _rendered(telling, document, more, figures, insurer.name)


def render_for_place(
    telling: Telling, document: Document, place: Place, exposed: list[Exposed] | None
) -> Rendered:
    """One establishment's. Raises BadTemplate."""
    figures = None if exposed is None else figures_of(exposed)
    return _rendered(telling, document, {"establishment": place}, figures, place.name)


def check_templates(telling: Telling) -> int:
    """Render every document, with what is known and with nothing known; how many. Raises BadTemplate: then nothing was sent."""
    somebody = Insurer(0, "00000000", "Assureur")
    place = Place("", "000000000", "Établissement", "Ville")
    blank = Telling.of(
        Incident(0, "", 0, 0), None, telling.insurers, telling.operator, telling.at, telling.templates
    )
    every = {fact.key: _sample(fact.kind.value, fact.choices) for fact in telling.templates.facts.fact}
    full = Telling.of(
        Incident(0, "", 0, 0, every), None, (somebody,), telling.operator, telling.at, telling.templates
    )
    for document in telling.templates.documents:
        for each in (blank, full, telling):
            _rendered_for_anybody(each, document, somebody, place).pdf()
    return len(telling.templates.documents)


def _sample(kind: str, choices: tuple[tuple[str, str, str], ...]) -> str:
    return {"text": "…", "instant": "0", "count": "0", "yes-no": "yes"}.get(kind) or choices[0][0]


def _rendered_for_anybody(telling: Telling, document: Document, insurer: Insurer, place: Place) -> Rendered:
    if document.per == "insurer":
        return render_for_insurer(telling, document, insurer)
    if document.per == "establishment":
        return render_for_place(telling, document, place, None)
    return render(telling, document)


def _rendered(
    telling: Telling, document: Document, more: dict[str, Any], figures: Figures | None, whom: str
) -> Rendered:
    french, english = (
        telling.templates.render(document, language, *_words(telling, document, more, figures, language))
        for language in Language
    )
    return Rendered(document, french, english, telling, figures, whom)


def _words(
    telling: Telling, document: Document, more: dict[str, Any], figures: Figures | None, language: Language
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """What a template may name, and the rows of @fields."""
    facts, incident, kinds = telling.facts, telling.incident, telling.templates.facts.fact
    shown = {kind.key: facts.shown(kind.key, language) for kind in kinds}
    labels = {kind.key: kind.label(language) for kind in kinds}
    unknown = UNKNOWN[language]
    named: dict[str, Any] = {
        "fact": shown,
        "label": labels,
        "known": {kind.key: facts.raw(kind.key) is not None for kind in kinds} | _known_of_the_scope(telling),
        "raw": {kind.key: facts.raw(kind.key) or "" for kind in kinds},
        "incident": {
            "number": str(incident.id), "title": incident.title or unknown,
            "aware": moment(incident.aware, language) if incident.aware else unknown, "today": moment(telling.at, language),
        },
        "operator": telling.operator,
        "scope": words(telling.whole, language) | _ledger(telling, language) | _professionals(telling, language),
        "part": words(figures, language),
        "insurers": [
            {"name": each.name, "amc": each.amc, "persons": words(telling.parts.get(each.number), language)["persons"]}
            for each in telling.insurers if each.number in telling.parts
        ] if document.per == "once" else [],
    }  # fmt: skip
    if isinstance(place := more.get("establishment"), Place):
        named["establishment"] = {
            "name": place.name, "finess": place.finess, "town": place.town, "own_data": _own_data(telling, place, language),
        }  # fmt: skip
        return named, [(labels[key], shown[key]) for key in document.fields]
    return named | more, [(labels[key], shown[key]) for key in document.fields]


def _professionals(telling: Telling, language: Language) -> dict[str, str]:
    seen = telling.professionals
    if seen is None:
        return dict.fromkeys(("professionals", "houses"), UNKNOWN[language])
    return {"professionals": number(seen.people, language), "houses": number(len(seen.seen), language)}


def _own_data(telling: Telling, place: Place, language: Language) -> str:
    if telling.professionals is None:
        return UNKNOWN[language]
    kinds = [
        kind for each in telling.professionals.seen if str(each.place.id) == place.id for kind in each.kinds
    ]
    return "; ".join(SENTENCES[kind][language is Language.ENGLISH] for kind in kinds) or NOTHING[language]


def _known_of_the_scope(telling: Telling) -> dict[str, bool]:
    there = telling.scope is not None
    return {
        "scope": there, "over": there and telling.nobody_else.over, "nobody_else": there and telling.nobody_else.stated,
    }  # fmt: skip


def _ledger(telling: Telling, language: Language) -> dict[str, str]:
    scope = telling.scope
    if scope is None:
        return dict.fromkeys(("since", "until", "size", "absences", "why_not"), UNKNOWN[language])
    return {
        "since": moment(scope.question.since, language),
        "until": moment(scope.question.until, language),
        "size": number(scope.size, language),
        "absences": number(scope.absences, language),
        "why_not": telling.nobody_else.reason(english=language is Language.ENGLISH),
    }


def _raw(facts: Facts, key: str) -> dict[str, str | None]:
    return {"fr": facts.raw(key), "en": facts.raw(key, Language.ENGLISH)}
