"""From a capsule's contracts to a decision, for one domain and one care date. Pure: values in, values out."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from rempart.foundation.vocabulary import Domain
from rempart.vault.capsule import CapsuleContent, Departure, SealedContract
from rempart.vaultdoor.messages import Contract, Decision

ANSWER_CLASS = 1
"""The closed list of what an answer of this class may hold (docs/ledger.md): the fields of `Contract`, for one domain and date."""

Grid = Mapping[str, Mapping[str, Any]]
"""A product's guarantee grid: domain → {formula, prise_en_charge, …}."""

ABSENT = Decision(found=False, open=False, contracts=[])
"""Every form of absence."""


def decide(contents: CapsuleContent, grids: Mapping[str, Grid], domain: Domain, care_date: date) -> Decision:
    """Is the right open? It is when one contract at least is. `grids` maps each product's reference to its grid."""
    day = care_date.toordinal()
    contracts = [
        judge_contract(contract, grids.get(contract.product, {}), domain, day) for contract in contents
    ]
    return Decision(found=True, open=any(contract.open for contract in contracts), contracts=contracts)


def judge_contract(contract: SealedContract, grid: Grid, domain: Domain, day: int) -> Contract:
    """One contract on one day (proleptic ordinal). A closed contract keeps its period and says why; its formula is withheld."""
    guarantee = grid.get(domain)
    reason = closing_reason(contract, guarantee is not None, domain, day)
    return Contract(
        product=contract.product,
        open=not reason,
        reason=reason,
        valid_from=date.fromordinal(contract.valid_from).isoformat(),
        valid_to=date.fromordinal(contract.valid_to).isoformat() if contract.valid_to else "",
        responsible=contract.responsible,
        formula=str(guarantee["formula"]) if guarantee and not reason else "",
        prise_en_charge=bool(guarantee and not reason and guarantee["prise_en_charge"]),
    )


def closing_reason(contract: SealedContract, covered: bool, domain: Domain, day: int) -> str:  # noqa: PLR0911 (a list of reasons, one a line)
    """Why the contract is not open for the domain that day, "" when it is. The first reason that holds, in this order."""
    departure = next((d for d in contract.departures if d.domain == domain.code), _NONE)
    if day < contract.valid_from:
        return "not-started"
    if contract.valid_to and day > contract.valid_to:
        return "ended"
    if contract.suspended_from and day >= contract.suspended_from:
        return "suspended"
    if not covered or departure.opens == -1:
        return "domain-not-covered"
    if day < departure.opens:
        return "not-started"
    if departure.waits_until and day <= departure.waits_until:
        return "waiting-period"
    return ""


_NONE = Departure(0, 0, 0)
