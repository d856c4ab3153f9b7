"""The picture of a drill: persons told of, cumulated, beside the same thief on a platform without meters; alert and containment marked."""

from collections.abc import Sequence
from pathlib import Path

from rempart.drill.report import Report
from rempart.drill.scenario import BadScenario, Scenario
from rempart.foundation.clock import MINUTE

# Okabe and Ito's palette: told apart by everybody, in grey too by the line's style.
_BLUE, _ORANGE, _GREEN, _BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"
_HOLDS = {
    "password": "un mot de passe",
    "password+totp-live": "un mot de passe et un code à usage unique",
    "cookie": "un cookie de session",
    "browser-profile": "un profil de navigateur copié",
    "session": "un poste infecté",
    "editor-key": "la clé d'un éditeur de logiciels",
    "insurer-access": "l'accès d'un assureur",
    "database-dump": "une copie de la base de données",
    "door-root": "le serveur web",
}


def require_picture(file: Path) -> None:
    """Before the drill is played. Raises BadScenario for another suffix than .svg or .png."""
    if file.suffix.lower() not in {".svg", ".png"}:
        raise BadScenario(f"--picture {file.name}: .svg or .png")


def draw(
    report: Report, scenario: Scenario, unmetered: Sequence[tuple[int, int]], began: int, file: Path
) -> None:
    """Write an SVG or a PNG, by the file's suffix. `unmetered`: (instant µs, persons); `began`: µs, where the axis begins."""
    # Imported late: half a second, which a drill without a picture does not spend.
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    hours, unit = _scale(scenario)
    end = max((at - began) / MINUTE / hours for at, _ in unmetered)
    axes.plot(
        [(at - began) / MINUTE / hours for at, _ in unmetered], [persons for _, persons in unmetered],
        color=_ORANGE, linestyle="--", linewidth=2, label="Sans compteurs (calculé)",
    )  # fmt: skip
    told = [(line["minutes"] / hours, line["persons"]) for line in report.timeline if line["event"] == "told"]
    xs = [0.0, *(at for at, _ in told), end]
    ys = [0, *(persons for _, persons in told), report.persons_exposed]
    axes.step(xs, ys, where="post", color=_BLUE, linewidth=2.5, label="Avec Rempart (joué)")
    for minute, color, style, what in (
        (report.first_alert_minutes, _GREEN, ":", "première alerte"),
        (report.contained_minutes, _BLACK, "-.", "compte contenu"),
    ):
        if minute is not None:
            axes.axvline(
                minute / hours,
                color=color,
                linestyle=style,
                linewidth=1.5,
                label=f"{what} : {_french_minutes(minute)}",
            )
    axes.set_yscale("symlog", linthresh=10)
    axes.set_ylim(bottom=0)
    axes.set_xlim(0, end)
    axes.set_yticks([0, 10, 100, 1_000, 10_000, 100_000, 1_000_000])
    axes.yaxis.set_major_formatter(
        lambda value, _: f"{int(value):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    )
    axes.set_ylim(0, max(100, unmetered[-1][1], report.persons_exposed) * 2)
    axes.set_xlabel(f"Temps simulé depuis le début du vol ({unit})")
    axes.set_ylabel("Personnes dont un droit a été révélé (cumul)")
    axes.set_title(
        f"{scenario.name} : le voleur tient {_HOLDS[scenario.thief.holds]}\n"
        f"{_number(report.persons_exposed)} personnes avec Rempart, {_number(report.persons_without_meters)} sans compteurs",
        loc="left",
    )
    axes.grid(visible=True, alpha=0.25)
    axes.legend(loc="upper left" if report.persons_without_meters < 100 else "center right", frameon=True)
    figure.text(
        0.01, -0.02,
        "Population fictive, horloge simulée. « Sans compteurs » n'est pas joué : c'est ce que donnent le rythme et la liste du même voleur"
        " sur une plate-forme\nqui ne vérifie que la session, comme en 2024. Échelle logarithmique au-delà de 10.",
        fontsize=8, color="#444444", va="top",
    )  # fmt: skip
    # Words stay words in an SVG: they can be read out, searched, copied.
    with rc_context({"svg.fonttype": "none"}):
        figure.savefig(file, dpi=130, bbox_inches="tight", metadata={"Title": scenario.name})


def _scale(scenario: Scenario) -> tuple[float, str]:
    """Minutes in a unit of the axis, and its name."""
    return (1_440.0, "jours") if scenario.thief.days > 2 else (60.0, "heures")


def _french_minutes(minutes: float) -> str:
    if minutes < 120:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 2_880 else f"{minutes / 1_440:.0f} j"


def _number(count: int) -> str:
    return f"{count:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
