"""The editor's page as one file for a browser: no script, nothing fetched."""

from datetime import UTC, datetime
from html import escape

from rempart.client.model import EditorPage

_HOLDS = {
    "": ("en service", "in service"),
    "closed": ("coupé par l'opérateur", "closed by the operator"),
    "claims-only": ("factures seules", "invoices only"),
    "read-only": ("consultation seule", "read only"),
    "known-only": ("patients connus seulement", "known patients only"),
    "step-up": ("une personne doit confirmer", "a person must confirm"),
}
_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;color:#16323a;background:#fff;max-width:46rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #c8d3d6}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}meter{width:12rem}caption{text-align:left;font-weight:600}"
)


def html_page(page: EditorPage) -> str:
    """What the platform counts of an editor's software, in French, with English beside."""
    french, english = _HOLDS[page.hold]
    lines = "".join(
        f'<tr><th scope="row">{name}</th><td class="n">{spent}</td><td class="n">{limit}</td>'
        f'<td><meter min="0" max="{max(limit, 1)}" value="{max(0, min(spent, limit))}" aria-label="{name}">{spent}</meter></td></tr>'
        for name, spent, limit in zip(
            ("Heure (hour)", "Jour (day)", "Ligne, 28 jours (line)"), page.spent, page.limits, strict=True
        )
    )
    refusals = "".join(
        f'<tr><th scope="row">{escape(kind)}</th><td class="n">{count}</td></tr>'
        for kind, count in sorted(page.refusals.items())
    )
    return (
        f'<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>{escape(page.name)} – Rempart</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(page.name)}</h1>"
        f"<p><strong>{french}</strong> ({english}). {page.establishments} établissements (establishments),"
        f" {page.devices} installations. {datetime.fromtimestamp(page.at / 1_000_000, UTC):%Y-%m-%d %H:%M} UTC.</p>"
        '<table><caption>Consultations, en unités (look-ups, in units)</caption><thead><tr><th scope="col">Sur (over)</th>'
        '<th scope="col" class="n">Dépensé (spent)</th><th scope="col" class="n">Limite (limit)</th><th scope="col">Part (share)</th>'
        f"</tr></thead><tbody>{lines}</tbody></table>"
        '<table><caption>Refus de 7 jours (refusals in 7 days)</caption><thead><tr><th scope="col">Motif (kind)</th>'
        f'<th scope="col" class="n">Nombre (count)</th></tr></thead><tbody>{refusals or "<tr><td colspan=2>aucun (none)</td></tr>"}'
        f"</tbody></table><p>Clé (key) : <code>{escape(page.keyid)}</code></p></main></body></html>\n"
    )
