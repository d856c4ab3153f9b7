"""Uses of offline cards told on reopening, and their invoices; then the attacks. Each ends by what the ledger shows."""

import base64
import json
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from rempart.claims.messages import AskBody, Care, Invoice, InvoiceBody, Line, NumberBody, QuoteBody
from rempart.evidence.opening import OPENING_SQL, Outcome, verify_opening
from rempart.foundation.clock import DAY, HOUR, MINUTE, SECOND, paris_date
from rempart.foundation.vocabulary import Domain, Lane, Profession
from rempart.intake.offline import OfflineOrder
from rempart.sealer import store
from rempart.sealer.offline import OfflinePress, draw_numbers
from rempart.sealer.offline_file import OfflineFile
from rempart.vault.establishments import midnight
from rempart.vault.keystore import offline_key
from rempart.vault.offline import sign_card
from rempart.vault.published import PublishedKey
from rempart.vaultdoor.browser import DeviceKey
from rempart.vaultdoor.messages import (
    DepartEstablishment,
    Done,
    OfflineUse,
    OfflineUses,
    Refused,
    ThrowSwitch,
)
from rempart.vaultdoor.offline_card import USE
from tests.authenticator import ORIGIN, expect
from tests.cashier.conftest import CONFORT, Insured, Professional, Trade

REPORT = "/acts/offline/report"


@dataclass
class Sealer:
    """The sealer's hands."""

    trade: Trade
    file: OfflineFile
    connection: store.Connection

    def card(self, insured: Insured) -> str:
        """A card of theirs, made now."""
        insurer = store.find_insurer(self.connection, insured.insurer.amc)
        assert insurer is not None
        with self.trade.database.connect() as owner:
            owner.execute(
                f"GRANT SELECT ON capsule.i{insurer.number}_g{insurer.generation} TO rempart_sealer".encode()
            )
        grids = store.product_grids(self.connection, insurer)
        press = OfflinePress(self.trade.keys, insurer, grids, self.trade.clock(), self.file)
        order = OfflineOrder(2, insured.adherent, insured.adherent, insured.born, 1)
        ((holder,), ()) = press.find(self.connection, [order])
        (allotted,) = store.allot_places(self.connection, insurer, draw_numbers(1), press.ends * SECOND)
        return press.card(holder, *allotted)

    def revoke(self, insured: Insured) -> None:
        insurer = store.find_insurer(self.connection, insured.insurer.amc)
        assert insurer is not None
        cards = [
            card for (card,) in self.connection.execute("SELECT card FROM vault.offline_card").fetchall()
        ]
        store.revoke_offline(self.connection, insurer, cards, self.trade.clock())


@pytest.fixture(scope="module")
def sealer(trade: Trade, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealer]:
    key, folder = PublishedKey(offline_key(trade.keys.ring)), tmp_path_factory.mktemp("public")
    file = OfflineFile(folder / "offline-cards.json", key, ORIGIN, trade.clock, days=14, hours=72)
    with store.connect(trade.database.dsn("sealer"), "test") as connection:
        yield Sealer(trade, file, connection)


@pytest.fixture
def insured(trade: Trade) -> Insured:
    return trade.insure(trade.insurer())


def use(
    who: Professional, card: str, *, ago: int = 0, domain: Domain = Domain.PHAR, cents: int = 5_000
) -> str:
    """A use, as the counter's browser signs it when nobody answers."""
    at = (who.trade.clock() - ago) // SECOND
    return who.browser.key.state(USE, {"card": card, "domain": domain, "at": at, "cents": cents})


def report(who: Professional, *statements: str) -> list[OfflineUse]:
    """Tell of them, on reopening."""
    reply = who.trade.call(who.signed(REPORT, {"statements": list(statements)}))
    return expect(OfflineUses, reply).uses


def refusals(who: Professional, *statements: str) -> list[str]:
    return [told.refused for told in report(who, *statements)]


def bill(who: Professional, told: OfflineUse, number: str = "F1", price: int = 5_000) -> Invoice:
    """An invoice of one drug on what a use earned."""
    lines = [Line(nature="drug-65", price=price, base=price, boxes=1)]
    day = paris_date(told.at * SECOND).isoformat()
    return who.ask_invoice(InvoiceBody(number, Care(lines, told.receipt), day))


def leaves(trade: Trade, insured: Insured) -> list[tuple[Any, ...]]:
    """What the ledger shows of an insurer's people by this lane."""
    return trade.rows(
        "SELECT establishment::text, domain, outcome, cost FROM evidence.entry WHERE insurer = %s AND lane = %s ORDER BY index",
        insured.insurer.number,
        int(Lane.OFFLINE),
    )


def test_a_use_told_on_reopening_is_ledgered_engaged_invoiced_and_owed(
    trade: Trade, sealer: Sealer, insured: Insured
) -> None:
    pharmacist, card = trade.professional(), sealer.card(insured)
    statement = use(pharmacist, card)
    # Two days of outage.
    trade.clock.advance(2 * DAY)
    (told,) = report(pharmacist, statement)
    assert (told.refused, told.domain, told.cents) == ("", "PHAR", 5_000)
    paid = bill(pharmacist, told)
    assert (paid.state, paid.shares.total, paid.shares.amc, paid.engagement) == (
        "accepted",
        5_000,
        1_750,
        told.engagement,
    )
    assert leaves(trade, insured) == [(pharmacist.establishment, 1, 1, 0)]
    # The same counter and the same person as after a look-up: the engagement is like any other.
    after = pharmacist.receipt(insured, Domain.PHAR)
    other = InvoiceBody(
        "F2", Care([Line(nature="drug-65", price=900, base=900, boxes=1)], after), trade.today().isoformat()
    )
    pharmacist.ask_invoice(other)
    assert (
        len(
            trade.rows(
                "SELECT DISTINCT pseudonym FROM claims.invoice WHERE establishment = %s",
                pharmacist.establishment,
            )
        )
        == 1
    )
    (opening,) = trade.rows(
        f"SELECT l.commitment, e.salt, {OPENING_SQL} FROM evidence.entry e JOIN evidence.leaf l USING (index)"
        " WHERE e.insurer = %s AND e.lane = 4",
        insured.insurer.number,
    )
    opened = verify_opening(*map(bytes, opening))
    assert (opened.lane, opened.outcome, opened.establishment) == (
        Lane.OFFLINE,
        Outcome.TOLD,
        uuid.UUID(pharmacist.establishment),
    )
    trade.runner.run(trade.vault.operations.record())
    assert trade.vault.operations.faults == ()


def test_an_invoice_is_honoured_up_to_what_was_stated_and_not_beyond(
    trade: Trade, sealer: Sealer, insured: Insured
) -> None:
    pharmacist = trade.professional()
    (told,) = report(pharmacist, use(pharmacist, sealer.card(insured), cents=1_000))
    paid = bill(pharmacist, told)
    assert (paid.state, paid.shares.amc, paid.shares.total) == ("accepted", 1_000, 5_000)
    assert paid.shares.amo + paid.shares.amc + paid.shares.patient == 5_000
    # A second invoice on the same use finds nothing left.
    again = bill(pharmacist, told, "F2", 4_000)
    assert (again.state, again.shares.amc) == ("accepted", 0)
    # Cancelled, it is there again.
    pharmacist.ask(Invoice, "/claims/invoice/cancel", NumberBody("F1"))
    assert bill(pharmacist, told, "F3", 4_500).shares.amc == 1_000


def test_a_photographed_card_used_in_ten_pharmacies_the_same_day_is_worth_the_set_amount_once(
    trade: Trade, sealer: Sealer, insured: Insured
) -> None:
    card = sealer.card(insured)
    thieves = [trade.professional() for _ in range(10)]
    told = [report(who, use(who, card, cents=15_000))[0] for who in thieves]
    assert [one.refused for one in told] == ["", *["spent"] * 9]
    paid = [bill(who, one, price=60_000) for who, one in zip(thieves, told, strict=True) if one.receipt]
    assert [one.shares.amc for one in paid] == [15_000]
    assert len(leaves(trade, insured)) == 1
    # Shared out, it is the same amount; the next day it is there again.
    other = sealer.card(trade.insure(trade.insurer()))
    parts = [report(who, use(who, other, cents=4_000))[0].cents for who in thieves]
    assert parts == [4_000, 4_000, 4_000, 3_000, *[0] * 6]
    trade.clock.advance(DAY)
    assert report(thieves[0], use(thieves[0], card))[0].refused == ""


def test_a_use_back_dated_before_the_revocation_is_worth_the_set_amount_at_most(
    trade: Trade, sealer: Sealer, insured: Insured
) -> None:
    pharmacist, card = trade.professional(), sealer.card(insured)
    trade.clock.advance(2 * HOUR)
    sealer.revoke(insured)
    trade.clock.advance(HOUR)
    assert refusals(pharmacist, use(pharmacist, card), use(pharmacist, card, ago=HOUR)) == [
        "revoked",
        "revoked",
    ]
    # The time is the device's word: before the revocation it is believed, as an honest counter's must be, up to the card's amount.
    told = report(
        pharmacist, *(use(pharmacist, card, ago=HOUR + n * MINUTE, cents=15_000) for n in range(1, 5))
    )
    assert [one.cents for one in told] == [15_000, 0, 0, 0]
    assert len(leaves(trade, insured)) == 1


def test_a_forged_card_and_another_platforms_earn_nothing(
    trade: Trade, sealer: Sealer, insured: Insured
) -> None:
    pharmacist, card = trade.professional(), sealer.card(insured)
    theirs = PublishedKey(
        offline_key(msgspec.structs.replace(trade.keys.ring, offline=b"", engagement=b"theirs"))
    )
    ours = PublishedKey(offline_key(trade.keys.ring))
    head, payload, signature = card.split(".")
    claims = json.loads(zlib.decompress(base64.urlsafe_b64decode(payload + "=="), -15))
    elsewhere = sign_card(ours, {**claims, "iss": "https://elsewhere.example"})
    # Somebody's sealed person under another number: each is bound to its card.
    moved = sign_card(ours, {**claims, "jti": "A" * 22})
    forged = [
        sign_card(theirs, claims),
        f"{head}.{sign_card(theirs, claims).split('.')[1]}.{signature[::-1]}",
        "x.y.z",
    ]
    assert refusals(pharmacist, *(use(pharmacist, one) for one in forged)) == ["forged"] * 3
    assert refusals(pharmacist, use(pharmacist, elsewhere), use(pharmacist, moved)) == ["elsewhere", "forged"]
    assert leaves(trade, insured) == []
    assert refusals(pharmacist, use(pharmacist, card)) == [""]


def test_a_statement_told_again_earns_nothing_more(trade: Trade, sealer: Sealer, insured: Insured) -> None:
    pharmacist, card = trade.professional(), sealer.card(insured)
    statement = use(pharmacist, card)
    first, second = report(pharmacist, statement, statement)
    (third,) = report(pharmacist, use(pharmacist, card, cents=9_000))
    assert first.engagement == second.engagement == third.engagement
    assert {first.cents, second.cents, third.cents} == {5_000}
    assert bill(pharmacist, first).shares.amc == 1_750
    assert bill(pharmacist, third, "F2", 20_000).shares.amc == 5_000 - 1_750
    assert len(leaves(trade, insured)) == 1


def test_a_statement_of_a_device_that_is_not_bound_earns_nothing(
    trade: Trade, sealer: Sealer, insured: Insured
) -> None:
    pharmacist, card = trade.professional(), sealer.card(insured)
    stranger, colleague = DeviceKey.generate(), trade.professional()
    said = {"card": card, "domain": "PHAR", "at": trade.clock() // SECOND, "cents": 5_000}
    altered = use(pharmacist, card)[:-4] + "AAAA"
    assert refusals(pharmacist, stranger.state(USE, said), use(colleague, card), altered) == ["device"] * 3
    # A use from before the device was bound; and a statement of another kind.
    assert refusals(pharmacist, use(pharmacist, card, ago=0), pharmacist.browser.key.state("jwt", said)) == [
        "",
        "device",
    ]
    trade.clock.advance(HOUR)
    newcomer = trade.professional()
    assert refusals(newcomer, use(newcomer, card, ago=HOUR // 2)) == ["device"]
    assert len(leaves(trade, insured)) == 1


def test_a_clock_that_is_off_by_minutes_is_forgiven_and_one_that_is_off_by_days_is_not(
    trade: Trade, sealer: Sealer, insured: Insured
) -> None:
    pharmacist = trade.professional()
    trade.clock.advance(HOUR)
    card = sealer.card(insured)
    assert refusals(
        pharmacist,
        use(pharmacist, card, ago=-4 * MINUTE, cents=100),
        use(pharmacist, card, ago=-6 * MINUTE, cents=100),
        use(pharmacist, card, ago=4 * MINUTE, cents=100),
        use(pharmacist, card, ago=6 * MINUTE, cents=100),
    ) == ["", "time", "", "time"]
    trade.clock.advance(14 * DAY)
    assert refusals(pharmacist, use(pharmacist, card), use(pharmacist, card, ago=DAY, cents=100)) == [
        "time",
        "",
    ]
    trade.clock.advance(15 * DAY)
    assert refusals(pharmacist, use(pharmacist, card, ago=16 * DAY + 1)) == ["time"]
    assert len(leaves(trade, insured)) == 3


def test_a_domain_that_is_not_open_earns_nothing_and_no_prise_en_charge_stands_on_a_use(
    trade: Trade, sealer: Sealer, insured: Insured
) -> None:
    optician = trade.professional(Profession.OPTICIAN)
    bare = trade.insure(trade.insurer({"CONFORT": {"PHAR": CONFORT["PHAR"]}}))
    assert refusals(optician, use(optician, sealer.card(bare), domain=Domain.OPTI)) == ["not-open"]
    card = sealer.card(insured)
    assert refusals(optician, use(optician, card, domain=Domain.OPTI)) == ["pec"]
    assert leaves(trade, bare) == leaves(trade, insured) == []
    (told,) = report(optician, use(optician, card))
    care = Care([Line(nature="drug-65", price=1_000, base=1_000, boxes=1)], told.receipt)
    for path, asked in (("/claims/prise-en-charge/ask", AskBody(care)), ("/claims/quote", QuoteBody(care))):
        assert optician.refused(path, asked).code == "engagement-old"
    assert len(leaves(trade, insured)) == 1


def test_a_device_tells_of_so_many_cards_a_day(trade: Trade, sealer: Sealer, insured: Insured) -> None:
    pharmacist, card = trade.professional(), sealer.card(insured)
    trade.clock.advance(2 * HOUR)
    most = trade.vault.settings.offline_cards_a_day
    all_told: list[str] = []
    for start in range(0, most + 12, 12):
        uses = (use(pharmacist, card, ago=n * SECOND, cents=1) for n in range(start, start + 12))
        all_told += refusals(pharmacist, *uses)
    assert all_told == [""] * most + ["too-many"] * 12
    assert len(leaves(trade, insured)) == most


def test_an_establishment_or_a_lane_that_is_contained_tells_of_nothing(
    trade: Trade, sealer: Sealer, insured: Insured
) -> None:
    pharmacist, card = trade.professional(), sealer.card(insured)
    statement = use(pharmacist, card)
    held = ThrowSwitch("establishment", pharmacist.establishment, "test", True)
    trade.operate(held)
    reply = trade.call(pharmacist.signed(REPORT, {"statements": [statement]}))
    assert expect(Refused, reply).code == "contained"
    assert leaves(trade, insured) == []
    trade.operate(msgspec.structs.replace(held, on=False))
    trade.operate(msgspec.structs.replace(held, hold="read-only"))
    reply = trade.call(pharmacist.signed(REPORT, {"statements": [statement]}))
    assert expect(Refused, reply).code == "read-only"
    trade.operate(msgspec.structs.replace(held, on=False))
    with trade.database.connect() as owner:
        for scope, key in (("lane", "4"), ("insurer", str(insured.insurer.number))):
            owner.execute(
                "INSERT INTO vault.switch (scope, key, reason, thrown, thrown_by, hold) VALUES (%s, %s, 'test', 1, 'test', 'closed')",
                (scope, key),
            )
            answered = trade.call(pharmacist.signed(REPORT, {"statements": [statement]}))
            owner.execute("DELETE FROM vault.switch WHERE scope = %s", (scope,))
            if scope == "lane":
                assert expect(Refused, answered).code == "contained"
            else:
                assert [told.refused for told in expect(OfflineUses, answered).uses] == ["closed"]
    assert leaves(trade, insured) == []
    assert refusals(pharmacist, statement) == [""]


def test_a_use_of_before_the_closing_date_is_honoured_and_one_of_after_it_is_not(
    trade: Trade, sealer: Sealer, insured: Insured
) -> None:
    pharmacist, card = trade.professional(), sealer.card(insured)
    finess = trade.rows("SELECT finess FROM vault.establishment WHERE id = %s", pharmacist.establishment)[0][
        0
    ]
    leaving = DepartEstablishment(finess, trade.today(1).isoformat(), "retirement", "by letter")
    expect(Done, trade.operate(leaving))
    before = use(pharmacist, card)
    trade.clock.now = midnight(trade.today(1)) + HOUR
    after = use(pharmacist, card)
    assert refusals(pharmacist, before, after) == ["", "house"]
    # As invoices: once their days are over, nothing is told any more.
    trade.clock.advance(60 * DAY)
    reply = trade.call(pharmacist.signed(REPORT, {"statements": [before]}))
    assert expect(Refused, reply).code == "seat-invoices-over"
