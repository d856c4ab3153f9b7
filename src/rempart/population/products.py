"""Products and their guarantee grids: every product has a cell for every domain."""

from rempart.foundation.vocabulary import Domain
from rempart.population.model import Guarantee, Product

HEADER = "amc;product;label;domain;rate_basis;percent;amount_cents;per;formula;prise_en_charge\n"

_LEVELS = (
    # reference, label, contrat responsable, level of its grid from 0 (the law's minimum) to 4
    ("ESSENTIEL", "Essentiel", True, 0),
    ("CONFORT", "Confort", True, 2),
    ("EQUILIBRE", "Équilibre", True, 1),
    ("PREMIUM", "Premium", True, 3),
    ("COLLECTIF", "Collectif entreprise", True, 2),
    ("SENIOR", "Sénior", True, 3),
    ("LIBERTE", "Liberté, non responsable", False, 4),
)
SUPPLEMENT_REFERENCE = "SURCO"

_PER = {"": "", "act": " par acte", "day": " par jour", "year": " par an"}


def products_of(insurer_index: int) -> tuple[Product, ...]:
    """An insurer's products, four to seven and a supplement; never the same amounts at two neighbouring insurers."""
    kept = _LEVELS[: 4 + insurer_index % 4]
    step = insurer_index % 5
    main = [Product(reference, label, ok, _grid(level, step)) for reference, label, ok, level in kept]
    return (*main, Product(SUPPLEMENT_REFERENCE, "Surcomplémentaire", False, _grid(1, step)))


def products_csv(amc: str, products: tuple[Product, ...]) -> bytes:
    """The products' file: one line per (product, domain)."""
    lines = [_line(amc, product, guarantee) for product in products for guarantee in product.grid]
    return (HEADER + "".join(lines)).encode()


def _line(amc: str, product: Product, cell: Guarantee) -> str:
    percent = "" if cell.percent is None else cell.percent
    amount = "" if cell.amount_cents is None else cell.amount_cents
    return (
        f"{amc};{product.reference};{product.label};{cell.domain};{cell.rate_basis};{percent};{amount};{cell.per};"
        f"{cell.formula};{int(cell.prise_en_charge)}\n"
    )


def _grid(level: int, step: int) -> tuple[Guarantee, ...]:
    """Twelve cells. `level` widens the cover; `step` varies the amounts from insurer to insurer."""
    return (
        _of_base(Domain.PHAR, 100),
        _of_base(Domain.LABO, (100, 100, 125, 150, 200)[level]),
        _of_base(Domain.RADL, (100, 125, 150, 175, 250)[level]),
        _of_base(Domain.MED, (100, 125, 150, 200, 400)[level]),
        _over_base(Domain.AUXM, 40 + 25 * level),
        _of_base(Domain.DENT, 125 + 75 * level + 5 * step, prise_en_charge=True),
        _amount_over(Domain.OPTI, 10_000 + 5_000 * level + 1_000 * step, "year"),
        _amount_within(Domain.AUDI, 110_000 + 15_000 * level, "act"),
        _real_cost(Domain.HOSP) if level else _of_base(Domain.HOSP, 100, prise_en_charge=True),
        _of_base(Domain.EXTE, 100 + 25 * level),
        _of_amo(Domain.TRAN, 50 + 10 * level),
        _of_base(Domain.LPP, 100 + 50 * level),
    )


def _of_base(domain: Domain, percent: int, *, prise_en_charge: bool = False) -> Guarantee:
    formula = f"{percent} % BR, AMO comprise"
    return Guarantee(domain, "base-including-amo", percent, None, "", formula, prise_en_charge)


def _over_base(domain: Domain, percent: int) -> Guarantee:
    return Guarantee(
        domain, "base-on-top-of-amo", percent, None, "", f"{percent} % BR, en plus de l'AMO", False
    )


def _of_amo(domain: Domain, percent: int) -> Guarantee:
    return Guarantee(domain, "amo-share", percent, None, "", f"{percent} % du remboursement AMO", False)


def _amount_over(domain: Domain, cents: int, per: str) -> Guarantee:
    formula = f"{_euros(cents)} €{_PER[per]}, en plus de l'AMO"
    return Guarantee(domain, "amount-on-top-of-amo", None, cents, per, formula, True)


def _amount_within(domain: Domain, cents: int, per: str) -> Guarantee:
    formula = f"{_euros(cents)} €{_PER[per]}, AMO comprise"
    return Guarantee(domain, "amount-including-amo", None, cents, per, formula, True)


def _real_cost(domain: Domain) -> Guarantee:
    return Guarantee(domain, "real-cost", None, None, "", "Frais réels", True)


def _euros(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02d}"
