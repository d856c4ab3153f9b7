"""The vocabulary of the synthetic population: insurers, products, persons and their contracts. Dates are ISO text, as in the files."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import NamedTuple

from rempart.foundation.vocabulary import Domain

OPEN = ""


@dataclass(frozen=True)
class Insurer:
    """A fictional complementary insurer (AMC) and how many persons it insures."""

    index: int
    amc: str
    name: str
    persons: int


@dataclass(frozen=True)
class Guarantee:
    """One cell of a product's grid: what is guaranteed for a domain. `percent`, `amount_cents` and `per` as the basis needs them."""

    domain: Domain
    rate_basis: str
    percent: int | None
    amount_cents: int | None
    per: str
    formula: str
    prise_en_charge: bool


@dataclass(frozen=True)
class Product:
    """A product and its whole grid: every domain is there."""

    reference: str
    label: str
    responsible: bool
    grid: tuple[Guarantee, ...]


@dataclass(frozen=True)
class DomainException:
    """A domain that does not simply follow the contract: it opens later, after a waiting period, or never (`opens` empty)."""

    domain: Domain
    opens: str
    waits_until: str = ""
    """Last day of the waiting period, included."""

    def __str__(self) -> str:
        waiting = f"/{self.waits_until}" if self.waits_until else ""
        return f"{self.domain}:{self.opens or '-'}{waiting}"


@dataclass(frozen=True)
class Terms:
    """What a contract says, apart from its number: many persons share the same terms."""

    product: str
    valid_from: str
    valid_to: str
    """Last day, included; empty when the contract has no end."""
    responsible: bool
    suspended_from: str = ""
    suspended_reason: str = ""
    exceptions: tuple[DomainException, ...] = ()

    @cached_property
    def columns(self) -> str:
        """The members' file's columns from `product` to the last."""
        return ";".join((
            self.product,
            self.valid_from,
            self.valid_to,
            "1" if self.responsible else "0",
            self.suspended_from,
            self.suspended_reason,
            " ".join(map(str, self.exceptions)),
        ))  # fmt: skip


# Persons and contracts are named tuples, not frozen dataclasses: a stream makes millions, and a tuple is made three times as fast.
class Contract(NamedTuple):
    """One contract of one person."""

    number: str
    terms: Terms

    def is_dead(self, on: date) -> bool:
        """Did it end before that day? Dead contracts are not taken in, so their persons are unknown to Rempart."""
        return self.terms.valid_to != "" and self.terms.valid_to < on.isoformat()

    def state(self, domain: Domain, on: date) -> str:
        """The truth about this contract: "" when open for that domain on that day, else the reason, as a `Decision` words it."""
        terms, day = self.terms, on.isoformat()
        if day < terms.valid_from:
            return "not-started"
        if self.is_dead(on):
            return "ended"
        if terms.suspended_from and day >= terms.suspended_from:
            return "suspended"
        for exception in terms.exceptions:
            if exception.domain == domain:
                return _exception_state(exception, day)
        return OPEN


def _exception_state(exception: DomainException, day: str) -> str:
    if not exception.opens:
        return "domain-not-covered"
    if day < exception.opens:
        return "not-started"
    return "waiting-period" if day <= exception.waits_until else OPEN


class Person(NamedTuple):
    """An insured person at one insurer: what a professional presents, and the truth that an answer is checked against."""

    insurer: int
    number: int
    """From 0, within the insurer."""
    amc: str
    adherent: str
    member_ref: str
    nir: str
    """Empty for a child who has none yet."""
    nir_attached: tuple[str, ...]
    """The parents' NIRs a child may be presented under."""
    birth_date: str
    birth_rank: int
    family_name: str
    first_name: str
    contracts: tuple[Contract, ...]

    @property
    def presented_nir(self) -> str:
        """The NIR on the Carte Vitale that shows this person: their own, else a parent's."""
        return self.nir or self.nir_attached[0]

    def is_known(self, on: date) -> bool:
        """Does at least one living contract remain? A person without any is absent, like somebody never insured."""
        return any(not contract.is_dead(on) for contract in self.contracts)

    def is_open(self, domain: Domain, on: date) -> bool:
        """Is the right open by one contract at least?"""
        return any(contract.state(domain, on) == OPEN for contract in self.contracts)

    def lines(self) -> str:
        """This person's lines of the members' file, each ended by LF."""
        who = (
            f"{self.amc};{self.adherent};{self.member_ref};{self.nir};{' '.join(self.nir_attached)};"
            f"{self.birth_date};{self.birth_rank};{self.family_name};{self.first_name};"
        )
        if len(self.contracts) == 1:
            number, terms = self.contracts[0]
            return f"{who}{number};{terms.columns}\n"
        return "".join([f"{who}{number};{terms.columns}\n" for number, terms in self.contracts])
