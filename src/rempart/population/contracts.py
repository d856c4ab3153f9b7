"""Which contracts a household has: mostly one, open; a few closed, suspended, doubled, renewed, waiting, or with an end.

Dates are fixed around the day the population describes, 1 January 2026, so that the files of a seed are the same whenever they are written.
"""

from dataclasses import replace
from functools import cache

from rempart.foundation.vocabulary import Domain
from rempart.population.model import Contract, DomainException, Product, Terms
from rempart.population.products import SUPPLEMENT_REFERENCE

AS_OF = "2026-01-01"

_SUSPENDED = ("non-payment", "fraud", "other")
_ENDS = {"closed": "2025-12-31", "term": "2027-12-31"}
_EXCEPTIONS = {
    "waiting": tuple(DomainException(domain, AS_OF, "2026-06-30") for domain in (Domain.DENT, Domain.OPTI)),
    "later": (DomainException(Domain.OPTI, "2027-01-01"),),
    "no audio": (DomainException(Domain.AUDI, ""),),
}

# Out of 256 households, how many are in each situation; the others have one open contract without an end.
_SHARES = (
    ("closed", 10), ("non-payment", 5), ("fraud", 1), ("other", 1), ("two contracts", 6), ("renewed", 4), ("waiting", 8), ("later", 4),
    ("no audio", 3), ("term", 8),
)  # fmt: skip
_SITUATIONS = [name for name, share in _SHARES for _ in range(share)]
_SITUATIONS += ["open"] * (256 - len(_SITUATIONS))


def draw_terms(
    products: tuple[Product, ...], product_die: int, start_die: int, situation_die: int
) -> tuple[Terms, ...]:
    """The terms that three dice (0 to 255) give, of one contract or two, among an insurer's main products."""
    product = products[product_die % len(products)]
    return _terms(product.reference, product.responsible, start_die % 144, _SITUATIONS[situation_die])


@cache
def _terms(product: str, responsible: bool, month: int, situation: str) -> tuple[Terms, ...]:
    """Some ten thousand cases, shared by all persons of all insurers. `month` is counted from January 2014."""
    years, months = divmod(month, 12)
    usual = Terms(product, f"{2014 + years}-{months + 1:02d}-01", "", responsible)
    return _in_situation(usual, situation)


def contracts_since_birth(contracts: tuple[Contract, ...], birth_date: str) -> tuple[Contract, ...]:
    """A child is covered from birth on, and has no part in a contract that ended before."""
    return tuple([
        Contract(number, replace(terms, valid_from=max(terms.valid_from, birth_date)))
        for number, terms in contracts
        if not terms.valid_to or terms.valid_to >= birth_date
    ])  # fmt: skip


def _in_situation(usual: Terms, situation: str) -> tuple[Terms, ...]:
    if situation == "two contracts":
        supplement = Terms(SUPPLEMENT_REFERENCE, max(usual.valid_from, "2022-01-01"), "", responsible=False)
        return usual, supplement
    if situation == "renewed":
        former = replace(usual, valid_from=min(usual.valid_from, "2023-01-01"), valid_to="2023-12-31")
        return former, replace(usual, valid_from="2024-01-01")
    if situation in _SUSPENDED:
        return (replace(usual, suspended_from="2025-12-15", suspended_reason=situation),)
    return (replace(usual, valid_to=_ENDS.get(situation, ""), exceptions=_EXCEPTIONS.get(situation, ())),)
