"""The figures of a scope: counted from what the ledger answered, never typed. And what an answer says of a person, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from rempart.evidence.opening import ANSWER_CLASSES
from rempart.foundation.vocabulary import DOMAIN_BY_CODE, Lane
from rempart.incident.exposure import Exposed, Scope, Told
from rempart.incident.facts import UNKNOWN, Language, moment, number

FIELDS: dict[str, tuple[str, str]] = {
    "product": ("produit (nom de la garantie)", "product (name of the cover)"),
    "open": ("droits ouverts ou non", "whether the right is open"),
    "reason": ("motif d'un droit fermé", "why a right is closed"),
    "valid_from": ("début de validité", "start of validity"),
    "valid_to": ("fin de validité", "end of validity"),
    "responsible": ("contrat responsable ou non", "whether the contract is « responsable »"),
    "formula": ("formule de garantie du domaine", "guarantee formula of the domain"),
    "prise_en_charge": ("prise en charge préalable requise ou non", "whether a prior agreement is needed"),
}
"""Each field of a class of answer (rempart.evidence.opening), in words."""
LANES: dict[Lane, tuple[str, str]] = {
    Lane.CARD: ("carte de tiers payant", "tiers payant card"),
    Lane.VITALE: ("carte Vitale", "Vitale card"),
    Lane.SECRET: ("code de la carte", "card's code"),
    Lane.OFFLINE: ("carte hors ligne", "offline card"),
}
CONFIRMED: dict[Lane, tuple[str, str]] = {
    Lane.CARD: ("numéro d'adhérent et date de naissance", "member's number and birth date"),
    Lane.VITALE: ("NIR et date de naissance", "NIR and birth date"),
    Lane.SECRET: ("code de la carte", "card's code"),
    Lane.OFFLINE: ("carte signée, sans identité", "signed card, without identity"),
}
"""What whoever asked had to present: an answer does not say it, and shows that it is right."""
NOTHING = {Language.FRENCH: "aucun", Language.ENGLISH: "none"}


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a whole scope, of one insurer's part, or of one establishment's."""

    persons: int
    answers: int
    insurers: int
    establishments: int
    devices: int
    accounts: int
    first: int | None
    last: int | None
    """µs of the first and the last answer; None when there is none."""
    domains: tuple[int, ...]
    lanes: tuple[Lane, ...]
    classes: tuple[int, ...]


def figures_of(exposed: Sequence[Exposed]) -> Figures:
    """Counted in one pass."""
    persons = len(exposed)
    told = [answer for person in exposed for answer in person.answers]
    times = [answer.at for answer in told]
    return Figures(
        persons, len(told), len({person.insurer for person in exposed}), len({t.establishment for t in told}),
        len({t.device for t in told}), len({t.account for t in told}), min(times, default=None), max(times, default=None),
        tuple(sorted({t.domain for t in told})), tuple(sorted({t.lane for t in told})), tuple(sorted({t.answer_class for t in told})),
    )  # fmt: skip


def by_insurer(scope: Scope) -> dict[int, list[Exposed]]:
    """Each insurer's own part."""
    parts: dict[int, list[Exposed]] = {}
    for person in scope.exposed:
        parts.setdefault(person.insurer, []).append(person)
    return parts


def by_establishment(scope: Scope) -> dict[UUID, list[Exposed]]:
    """What left by each establishment: the same persons, with those answers only."""
    parts: dict[UUID, list[Exposed]] = {}
    for person in scope.exposed:
        by: dict[UUID, list[Told]] = {}
        for told in person.answers:
            by.setdefault(told.establishment, []).append(told)
        for place, answers in by.items():
            mine = Exposed(
                person.insurer, person.subject, person.notice_ref, person.generation, tuple(answers)
            )
            parts.setdefault(place, []).append(mine)
    return parts


def words(figures: Figures | None, language: Language) -> dict[str, str]:
    """Each figure as a template writes it; every one unknown without a scope."""
    unknown = UNKNOWN[language]
    if figures is None:
        return dict.fromkeys(NAMES, unknown)
    english = language is Language.ENGLISH
    counts = {name: number(getattr(figures, name), language) for name in _COUNTS}
    return counts | {
        "first": NOTHING[language] if figures.first is None else moment(figures.first, language),
        "last": NOTHING[language] if figures.last is None else moment(figures.last, language),
        "domains": _listed([DOMAIN_BY_CODE[code].value for code in figures.domains], language),
        "lanes": _listed([LANES[lane][english] for lane in figures.lanes], language),
        "confirmed": _listed([CONFIRMED[lane][english] for lane in figures.lanes], language),
        "fields": _listed(revealed(figures.classes, language), language),
    }


def revealed(classes: Sequence[int], language: Language) -> list[str]:
    """What answers of these classes can have said at most."""
    names = {name: None for code in classes for name in ANSWER_CLASSES[code]}
    return [FIELDS[name][language is Language.ENGLISH] for name in names]


def plain_figures(figures: Figures | None) -> dict[str, object] | None:
    """For machines: counts, µs, codes; null without a scope."""
    if figures is None:
        return None
    return {name: getattr(figures, name) for name in (*_COUNTS, "first", "last")} | {
        "domains": [DOMAIN_BY_CODE[code].value for code in figures.domains],
        "lanes": [lane.name.lower() for lane in figures.lanes],
        "fields": list(dict.fromkeys(name for code in figures.classes for name in ANSWER_CLASSES[code])),
    }


_COUNTS = ("persons", "answers", "insurers", "establishments", "devices", "accounts")
NAMES = (*_COUNTS, "first", "last", "domains", "lanes", "confirmed", "fields")


def _listed(names: list[str], language: Language) -> str:
    return ", ".join(names) or NOTHING[language]
