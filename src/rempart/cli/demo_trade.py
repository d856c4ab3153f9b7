"""The demo's second half: from an open right to the money, through the public doors and the operator's commands."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree
from rich.console import Console
from rich.table import Table

from rempart.claims.credit_transfer import NAMESPACE
from rempart.cli.counter import Counter
from rempart.cli.line import lift_breakers
from rempart.cli.operator import add_establishment, add_professional
from rempart.cli.presenting import by_card
from rempart.cli.settlement import put_rib, settle_here
from rempart.cli.trade import RECEIPT, play_day
from rempart.foundation.clock import paris_date, system_clock
from rempart.foundation.vocabulary import Domain, Profession, Role
from rempart.population.model import Person
from rempart.population.population import Population
from rempart.population.professionals import (
    synthetic_establishments,
    synthetic_iban,
    synthetic_professionals,
)
from rempart.supervisor.platform import Platform

PATIENTS_A_COUNTER = 30
"""The pace of a counter: the meters stay as they are."""
BREAKER = 1_000_000
"""Units an hour. The day is played in two minutes: the breakers, which would rightly open, are lifted, and the sentinel is left out."""
_KIT: list[dict[str, Any]] = [
    *[{"nature": "optics-lens", "price": 12_000, "base": 5, "glazing_class": "B", "lens_category": "a"}] * 2,
    {"nature": "optics-frame", "price": 11_000, "base": 5, "glazing_class": "B"},
]


@dataclass
class Traded:
    """What was played; cents where it is money."""

    prise_en_charge: str
    """Its state."""
    invoices: int
    accepted: int
    refused: dict[str, int]
    """By code: none, when all goes as it must."""
    invoices_seconds: float
    settled_cents: int
    payments: int
    settlement_seconds: float
    statement_equals_order: bool
    journal_balanced: bool


class Houses:
    """Establishments with a titulaire each, signed in on a device of their own, and a bank account."""

    def __init__(self, platform: Platform, seed: int) -> None:
        self._platform = platform
        # A seed of their own: the demo's first pharmacies have the population's.
        self._houses = list(synthetic_establishments(seed + 1, 4_000))
        self._holders = iter(synthetic_professionals(seed + 1, 4_000))
        self._opened = 0

    def open(self, profession: Profession) -> Counter:
        """The next establishment of that profession."""
        house = next(each for each in self._houses if each.profession is profession)
        self._houses.remove(house)
        holder, folder = next(self._holders), self._platform.home.folder
        place = add_establishment(folder, house.finess, house.name, house.town, house.profession)
        name = f"{holder.first_name} {holder.family_name}"
        enrolled = add_professional(folder, holder.login, Role.TITULAIRE, place, name, holder.rpps)
        put_rib(folder, house.finess, synthetic_iban(self._opened))
        self._opened += 1
        counter = Counter(self._platform.origin)
        counter.activate(enrolled.code)
        return counter


def play_trade(
    platform: Platform, population: Population, invoices: int, seed: int, console: Console
) -> Traded:
    """The story. Raises if any part of it does not happen."""
    houses = Houses(platform, seed)
    optician = houses.open(Profession.OPTICIAN)
    state = _play_optician(optician, population, console)
    console.print(
        f"[bold]8.[/bold] A day of trade: {invoices:,} rights checked and invoiced at the counters."
    )
    lift_breakers(platform.home.folder, (insurer.amc for insurer in population.insurers), BREAKER)
    counters = [houses.open(Profession.PHARMACY) for _ in range(-(-invoices // PATIENTS_A_COUNTER))]
    people = (by_card(person, Domain.PHAR) for person in open_for(population, Domain.PHAR))
    day = play_day(counters, people, invoices, seed, console)
    console.print(
        f"   {day.accepted:,} accepted in {day.seconds:.0f} s: {euros(day.amc_cents)} due by the insurers"
    )
    if day.refused:
        console.print(f"   [red]refused, by code: {day.said_refusals()}[/red]")
    console.print("[bold]9.[/bold] The day is settled: netted, ordered at the bank, told in statements.")
    started = time.monotonic()
    run = settle_here(platform.home.folder, console)
    seconds = time.monotonic() - started
    console.print(f"   {run.payments:,} transfers, {euros(run.cents)}, in {seconds:.1f} s")
    statement = _show_statement(optician, console)
    console.print("[bold]10.[/bold] The journal.")
    balanced = _show_journal(platform, console)
    for counter in (optician, *counters):
        counter.close()
    return Traded(
        prise_en_charge=state,
        invoices=invoices + 1,
        accepted=day.accepted + 1,
        refused=day.refused,
        invoices_seconds=round(day.seconds, 1),
        settled_cents=run.cents,
        payments=run.payments,
        settlement_seconds=round(seconds, 1),
        statement_equals_order=_ordered(platform, statement["payment"]["statement"])
        == sum(row["cents"] for row in statement["rows"]),
        journal_balanced=balanced,
    )


def open_for(population: Population, domain: Domain) -> Iterator[Person]:
    """Everybody whose right is open today, one insurer after the other, each person once."""
    today = paris_date(system_clock())
    for insurer in population.insurers:
        for person in population.people(insurer):
            if person.is_known(today) and person.is_open(domain, today):
                yield person


def _play_optician(optician: Counter, population: Population, console: Console) -> str:
    console.print("[bold]7.[/bold] An optician: price, prise en charge, invoice.")
    told = optician.check(by_card(next(open_for(population, Domain.OPTI)), Domain.OPTI))
    receipt = next(each["valueString"] for each in told["extension"] if each["url"] == RECEIPT)
    care = {"lines": _KIT, "receipt": receipt}
    quote = optician.act("/claims/quote", {"care": care})
    _show_shares("quote", quote["shares"], console)
    agreed = optician.act("/claims/prise-en-charge/ask", {"care": care})
    console.print(f"   prise en charge {agreed['number']}: [green]{agreed['state']}[/green]")
    invoice = optician.act(
        "/claims/invoice/submit",
        {
            "number": "2026-0001",
            "care": {"lines": _KIT, "prise_en_charge": agreed["number"]},
            "care_date": told["servicedDate"],
        },
    )
    if invoice["state"] != "accepted":
        raise RuntimeError(f"the optician's invoice did not go as it must: {invoice['code']}")
    _show_shares("invoice accepted", invoice["shares"], console)
    return str(agreed["state"])


def _show_shares(what: str, shares: dict[str, int], console: Console) -> None:
    console.print(
        f"   {what}: {euros(shares['total'])} = AMO {euros(shares['amo'])} + AMC {euros(shares['amc'])}"
        f" + patient {euros(shares['patient'])}"
    )


def _show_statement(optician: Counter, console: Console) -> dict[str, Any]:
    payment = optician.act("/claims/payment/list", {})["items"][0]
    statement = optician.act("/claims/statement", {"number": payment["statement"]})
    table = Table("invoice", "insurer", "engagement", "amount", title=f"statement {payment['statement']}")
    for row in statement["rows"]:
        table.add_row(row["invoice"], row["insurer_name"], row["engagement"], euros(row["cents"]))
    console.print(table)
    return statement


def _ordered(platform: Platform, end_to_end: str) -> int:
    """The cents of this transfer in the order that was handed to the bank."""
    for order in sorted((platform.home.outbox / "bank").glob("*.xml")):
        for transfer in etree.parse(order).iter(f"{{{NAMESPACE}}}CdtTrfTxInf"):
            if transfer.findtext(f".//{{{NAMESPACE}}}EndToEndId") == end_to_end:
                amount = transfer.findtext(f".//{{{NAMESPACE}}}InstdAmt") or ""
                return int(amount.replace(".", ""))
    raise LookupError(f"no transfer {end_to_end} in the bank's orders")


def _show_journal(platform: Platform, console: Console) -> bool:
    command = [sys.executable, "-m", "rempart.cli", "settlement", "journal", "--limit", "0"]
    shown = subprocess.run(
        [*command, "--folder", str(platform.home.folder)], capture_output=True, text=True, check=False
    )
    console.print(
        "\n".join(f"   {line}" for line in (shown.stdout + shown.stderr).rstrip().splitlines()), markup=False
    )
    return shown.returncode == 0


def euros(cents: int) -> str:
    """An amount of cents, not negative."""
    return f"{cents // 100:,}.{cents % 100:02d} €"
