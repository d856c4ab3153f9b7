"""Everyday attempts on one page: what the platform refuses all day long, counted by day. Pure: counts in, page out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape

KINDS: dict[str, tuple[str, str]] = {
    # What each is, and what of it is ordinary.
    "sign-in-refused": ("Connexions refusées", "Refused sign-ins"),
    "refused": ("Actes non permis", "Acts that were not theirs"),
    "signature": ("Signatures invalides", "Bad signatures"),
    "miss": ("Personnes introuvables", "Misses"),
    "step-up": ("Confirmations demandées", "Confirmations asked for"),
    "exhausted": ("Lignes épuisées", "Lines used up"),
    "contained": ("Demandes arrêtées par une mesure", "Requests stopped by a hold"),
    "breaker": ("Disjoncteurs ouverts", "Breakers open"),
    "busy": ("Postes qui demandent trop à la fois", "Devices that ask too much at once"),
    "canary": ("Témoins consultés", "Canaries"),
}
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Attempts:
    """Counts by kind, one a day from `first` on; kinds nobody knows are kept under their own word."""

    first: date
    counts: dict[str, tuple[int, ...]]

    @property
    def days(self) -> int:
        return max((len(row) for row in self.counts.values()), default=0)


def by_day(rows: Iterable[tuple[int, str, int]], first: date, days: int) -> Attempts:
    """`rows`: (day since 1970, kind, count)."""
    start = (first - _EPOCH).days
    counts: dict[str, list[int]] = {kind: [0] * days for kind in KINDS}
    for day, kind, count in rows:
        if 0 <= day - start < days:
            counts.setdefault(kind, [0] * days)[day - start] += count
    return Attempts(first, {kind: tuple(row) for kind, row in counts.items()})


def bars(counts: Sequence[int]) -> str:
    """A character a day, as high as its share of the highest; a day with anything at all shows something."""
    most = max(counts, default=0)
    return "".join(_EIGHTHS[max(1, round(8 * count / most)) if count else 0] for count in counts)


def title(kind: str, language: str) -> str:
    """What a kind is called."""
    french, english = KINDS.get(kind, (kind, kind))
    return french if language == "fr" else english


def page(attempts: Attempts) -> str:
    """The page: one table in French with English below each term, every bar a number that can be read. Nothing is fetched from anywhere."""
    dates = [attempts.first + timedelta(days=n) for n in range(attempts.days)]
    head = "".join(f'<th scope="col"><time datetime="{d}">{d:%d/%m}</time></th>' for d in dates)
    body = "".join(_row(kind, counts) for kind, counts in attempts.counts.items())
    return _PAGE.format(
        head=head, body=body, first=dates[0] if dates else "", last=dates[-1] if dates else "", style=_STYLE
    )


def _row(kind: str, counts: Sequence[int]) -> str:
    most = max(counts, default=0) or 1
    cells = "".join(
        f'<td><span class="bar" style="height:{round(2.4 * count / most, 2)}em" aria-hidden="true"></span>{count}</td>'
        for count in counts
    )
    name, english = (escape(title(kind, language)) for language in ("fr", "en"))
    return f'<tr><th scope="row">{name}<span lang="en">{english}</span></th>{cells}<td class="sum">{sum(counts)}</td></tr>\n'


_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: .3rem .6rem; text-align: right; vertical-align: bottom; border-bottom: 1px solid #8888; }
th[scope=row] { text-align: left; font-weight: 600; min-width: 15rem; }
th span { display: block; font-weight: 400; font-size: .875rem; }
.bar { display: block; width: 100%; min-width: 1.2rem; background: #1d5fa8; }
.sum { font-weight: 600; }
"""
_PAGE = """<!doctype html>
<html lang="fr">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tentatives du {first} au {last}</title><style>{style}</style></head>
<body><main>
<h1>Tentatives de tous les jours</h1>
<p>Ce que la plateforme refuse chaque jour, du {first} au {last} (jours UTC). Rien ici ne désigne une personne.</p>
<p lang="en">What the platform refuses every day. Nothing here names a person.</p>
<div class="scroll" role="region" aria-label="Tableau des tentatives" tabindex="0">
<table><caption>Nombre par jour ; la barre compare les jours d'une même ligne.</caption>
<thead><tr><th scope="col">Quoi</th>{head}<th scope="col">Total</th></tr></thead>
<tbody>
{body}</tbody></table></div>
</main></body></html>
"""
