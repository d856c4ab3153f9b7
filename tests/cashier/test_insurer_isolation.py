"""One insurer never sees another's anything: table by table in the database, then errand by errand through the real cashier."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rempart.claims.messages import (
    AcknowledgeBody,
    AskedPage,
    Body,
    DecideBody,
    DeliveryPage,
    FilePartBody,
    FlowPage,
    FundsPage,
    IncidentPage,
    InsurerDesk,
    Line,
    Nothing,
    OpeningsPage,
    PageBody,
    PriseEnCharge,
    PriseEnChargeFilter,
)
from rempart.foundation.vocabulary import Domain
from rempart.vault.keystore import KeyStore
from tests.cashier.clerks import WAITS, ask, bill, clerk, hand_over, make
from tests.cashier.conftest import Insurer, Professional, Trade, running_trade
from tests.conftest import Database, TestClock

BY_NUMBER, BY_AMC, BY_DELIVERY = (
    "insurer = {number}",
    "amc = '{amc}'",
    "delivery IN (SELECT id FROM intake.delivery WHERE amc = '{amc}')",
)
TABLES = {
    **{
        f"claims.{name}": BY_NUMBER
        for name in (
            "act_lines", "call_for_funds", "counter", "due", "flow", "flow_part", "invoice", "journal", "prise_en_charge",
        )
    },
    "evidence.opening_file": BY_NUMBER,
    "evidence.opening_part": BY_NUMBER,
    "incident.package": BY_NUMBER,
    "incident.package_part": BY_NUMBER,
    "intake.delivery": BY_AMC,
    "intake.reject": BY_DELIVERY,
}  # fmt: skip
"""How a row of each table that an insurer reads says whose it is."""
ESTABLISHMENTS = {
    "claims.letter", "claims.payment", "claims.rejected_line", "claims.rib", "claims.rib_check", "incident.answer",
}  # fmt: skip
"""Tables of establishments: no insurer sees any row of them."""
EVERYBODY = {"incident.publication"}
"""What the operator says to all: no party has a row of its own."""
READABLE = """
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (n.nspname IN ('claims', 'intake') OR n.nspname IN ('evidence', 'incident') AND c.relrowsecurity)
  AND c.relkind IN ('r', 'p', 'v', 'm')
  AND has_any_column_privilege('rempart_cashier', c.oid, 'SELECT')
"""


@dataclass
class Side:
    """An insurer with something in every table, and somebody of it."""

    insurer: Insurer
    desk: Professional
    waiting: PriseEnCharge


@dataclass
class Market:
    """Two insurers that share every establishment."""

    trade: Trade
    one: Side
    other: Side

    def seen(self, table: str, who: Insurer | None, where: str = "true") -> int:
        """Rows of a table as the cashier's role sees them for an insurer, or for nobody."""
        with self.trade.database.connect("cashier") as c, c.transaction():
            c.execute("SELECT set_config('rempart.insurer', %s, true)", (str(who.number) if who else "",))
            row = c.execute(f"SELECT count(*) FROM {table} WHERE {where}".encode()).fetchone()
            assert row is not None
            return int(row[0])


@pytest.fixture(scope="module")
def market(
    module_database: Database, claims_keys: tuple[KeyStore, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Market]:
    with running_trade(module_database, claims_keys, tmp_path_factory.mktemp("run"), TestClock()) as trade:
        insurers = [trade.insurer(), trade.insurer()]
        house = trade.professional()
        waiting = [_live(trade, house, insurer, n) for n, insurer in enumerate(insurers)]
        make(trade)
        hand_over(trade)
        for n, insurer in enumerate(insurers):
            bill(house, trade.insure(insurer), f"LATER-{n}")
        _pay(trade, house)
        one, other = (
            Side(insurer, clerk(trade, insurer), pec) for insurer, pec in zip(insurers, waiting, strict=True)
        )
        yield Market(trade, one, other)


def _live(trade: Trade, house: Professional, insurer: Insurer, n: int) -> PriseEnCharge:
    """Something in every table: invoices, a counter, a prise en charge that waits, a file with a reject, a call for funds."""
    bill(house, trade.insure(insurer), f"PHAR-{n}")
    appliance = Line(nature="lpp", price=40_000, base=10_000)
    bill(house, trade.insure(insurer), f"LPP-{n}", appliance, domain=Domain.LPP)
    with trade.database.connect() as owner:
        delivery = uuid.uuid4()
        owner.execute(
            "INSERT INTO intake.delivery (id, amc, sender, filename, digest, kind, state, received, rejected)"
            " VALUES (%s, %s, 'upload', %s, %s, 'full', 'loaded', %s, 1)",
            (delivery, insurer.amc, f"file-of-{insurer.amc}.csv", b"\0" * 32, trade.clock()),
        )
        package = uuid.uuid4()
        with owner.transaction():
            owner.execute(
                "INSERT INTO incident.incident (opened) SELECT 1 WHERE NOT EXISTS (SELECT FROM incident.incident)"
            )
            owner.execute(
                "INSERT INTO incident.package (id, incident, insurer, issue, day, rows, content, parts, bytes, digest, made)"
                " SELECT %s, id, %s, 1, %s, 1, sha256('x'), 1, 6, sha256('sealed'), %s FROM incident.incident",
                (package, insurer.number, trade.today(), trade.clock()),
            )
            owner.execute(
                "INSERT INTO incident.package_part VALUES (%s, 1, %s, 'sealed')", (package, insurer.number)
            )
        owner.execute("INSERT INTO intake.reject VALUES (%s, 7, 'nir', 'nir-key')", (delivery,))
        owner.execute(
            "INSERT INTO claims.run (id, day, state, opened, until_due, until_journal)"
            " VALUES (gen_random_uuid(), %s, 'ordered', 1, 0, 0) ON CONFLICT DO NOTHING",
            (trade.today(),),
        )
        owner.execute(
            "INSERT INTO claims.call_for_funds (id, run, insurer, reference, cents, called, due_on)"
            " SELECT gen_random_uuid(), id, %s, %s, 1000, %s, day FROM claims.run",
            (insurer.number, f"AF-{insurer.amc}", trade.clock()),
        )  # fmt: skip
    return ask(house, trade.insure(insurer), Domain.DENT, *WAITS)


def _pay(trade: Trade, house: Professional) -> None:
    """Something in every table of the establishment."""
    with trade.database.connect() as owner:
        place, rib, payment = house.establishment, uuid.uuid4(), uuid.uuid4()
        owner.execute(
            "INSERT INTO claims.rib VALUES (%s, %s, 'sealed', 'in-force', 1, %s, 1, false)", (rib, place, rib)
        )
        owner.execute(
            "INSERT INTO claims.payment (id, run, establishment, rib, end_to_end, cents, state, part)"
            " SELECT %s, id, %s, %s, 'RP-1', 1000, 'rejected', 1 FROM claims.run",
            (payment, place, rib),
        )
        owner.execute(
            "INSERT INTO claims.rejected_line SELECT %s, id, establishment, insurer, 'invoice', 1000 FROM claims.invoice",
            (payment,),
        )
        owner.execute(
            "INSERT INTO claims.rib_check (campaign, establishment, window_start, until, reason_fr, reason_en)"
            " VALUES (1, %s, 0, 1, 'Vol', 'Theft')",
            (place,),
        )
        owner.execute(
            "INSERT INTO claims.letter VALUES (gen_random_uuid(), %s, 'payment-rejected', 1, '{}')", (place,)
        )
        owner.execute(
            "INSERT INTO incident.publication SELECT id, 1, 1, 1, 1, 2, 1, 'x', 'x', 'x', '', '', '', '', '', '' FROM incident.incident"
        )
        owner.execute(
            "INSERT INTO incident.answer SELECT id, %s, 1, 1, 0, 0, 0, '{}', 0 FROM incident.incident",
            (place,),
        )


def test_every_table_that_the_cashier_reads_is_tested_here(market: Market) -> None:
    with market.trade.database.connect() as owner:
        readable = {row[0] for row in owner.execute(READABLE)}
    assert readable == TABLES.keys() | ESTABLISHMENTS | EVERYBODY


@pytest.mark.parametrize("table", sorted(TABLES))
def test_an_insurer_sees_its_own_rows_and_no_other_insurers(market: Market, table: str) -> None:
    for own, other in ((market.one, market.other), (market.other, market.one)):
        mine, theirs = (
            TABLES[table].format(number=side.insurer.number, amc=side.insurer.amc) for side in (own, other)
        )
        [(lies,)] = market.trade.rows(f"SELECT count(*) FROM {table} WHERE {theirs}")
        assert lies, "nothing to withhold"
        assert market.seen(table, own.insurer, mine)
        assert market.seen(table, own.insurer, theirs) == 0
        assert market.seen(table, own.insurer) == market.seen(table, own.insurer, mine)


@pytest.mark.parametrize("table", sorted(TABLES.keys() | ESTABLISHMENTS))
def test_without_an_insurers_word_no_row_is_seen(market: Market, table: str) -> None:
    assert market.trade.rows(f"SELECT 1 FROM {table}")
    assert market.seen(table, None) == 0


@pytest.mark.parametrize("table", sorted(ESTABLISHMENTS))
def test_no_insurer_sees_what_is_an_establishments(market: Market, table: str) -> None:
    assert market.trade.rows(f"SELECT 1 FROM {table}")
    assert market.seen(table, market.one.insurer) == 0


def test_the_desk_tells_of_its_own_alone(market: Market) -> None:
    for side in (market.one, market.other):
        desk = side.desk.ask(InsurerDesk, "/claims/insurer/home", Nothing())
        assert (desk.amc, desk.name) == (side.insurer.amc, f"Mutuelle {side.insurer.amc}")
        assert (desk.to_decide, desk.flows_waiting, desk.funds_called, desk.months[-1].invoices) == (
            1,
            1,
            1_000,
            3,
        )
        files = side.desk.ask(DeliveryPage, "/claims/insurer/files", PageBody())
        assert [each.filename for each in files.items] == [f"file-of-{side.insurer.amc}.csv"]
        assert [each.code for each in files.items[0].rejects] == ["nir-key"]
        calls = side.desk.ask(FundsPage, "/claims/insurer/funds", PageBody())
        assert [each.reference for each in calls.items] == [f"AF-{side.insurer.amc}"]
        pecs = side.desk.ask(AskedPage, "/claims/insurer/prises-en-charge", PriseEnChargeFilter())
        assert [each.item.number for each in pecs.items] == [side.waiting.number]
        assert len(side.desk.ask(FlowPage, "/claims/insurer/flows", PageBody()).items) == 1


def test_another_insurers_prise_en_charge_is_not_found_and_stays_undecided(market: Market) -> None:
    body = DecideBody(market.other.waiting.number, "refusee", "too-dear")
    unknown = DecideBody("P0000-0000-0", "refusee", "too-dear")
    refused = market.one.desk.refused("/claims/insurer/decide", body)
    assert refused == market.one.desk.refused("/claims/insurer/decide", unknown)
    assert refused.code == "prise-en-charge-unknown"
    assert market.trade.rows(
        "SELECT state, decided_by FROM claims.prise_en_charge WHERE number = %s", body.number
    ) == [("en-attente", "")]


def test_another_insurers_flow_is_not_found_and_stays(market: Market) -> None:
    [theirs] = market.other.desk.ask(FlowPage, "/claims/insurer/flows", PageBody()).items
    attempts: list[tuple[str, Body]] = [
        ("/claims/insurer/flow/download", FilePartBody(theirs.id)),
        ("/claims/insurer/flow/acknowledge", AcknowledgeBody(theirs.id, theirs.digest)),
    ]
    for path, body in attempts:
        assert market.one.desk.refused(path, body).code == "not-found"
    nothing = FilePartBody(str(uuid.uuid4()))
    assert market.one.desk.refused(attempts[0][0], nothing).code == "not-found"
    assert market.trade.rows("SELECT 1 FROM claims.flow_part WHERE flow = %s", theirs.id)
    [same] = market.other.desk.ask(FlowPage, "/claims/insurer/flows", PageBody()).items
    assert same == theirs


def test_another_insurers_openings_are_not_found_and_stay(market: Market) -> None:
    [theirs] = market.other.desk.ask(OpeningsPage, "/claims/insurer/openings", PageBody()).items
    attempts: list[tuple[str, Body]] = [
        ("/claims/insurer/openings/download", FilePartBody(theirs.id)),
        ("/claims/insurer/openings/acknowledge", AcknowledgeBody(theirs.id, theirs.digest)),
    ]
    for path, body in attempts:
        assert market.one.desk.refused(path, body).code == "not-found"
    assert market.trade.rows("SELECT 1 FROM evidence.opening_part WHERE file = %s", theirs.id)
    assert market.other.desk.ask(OpeningsPage, "/claims/insurer/openings", PageBody()).items == [theirs]


def test_another_insurers_package_of_an_incident_is_not_found_and_stays(market: Market) -> None:
    [theirs] = market.other.desk.ask(IncidentPage, "/claims/insurer/incidents", PageBody()).items
    attempts: list[tuple[str, Body]] = [
        ("/claims/insurer/incidents/download", FilePartBody(theirs.id)),
        ("/claims/insurer/incidents/acknowledge", AcknowledgeBody(theirs.id, theirs.digest)),
    ]
    for path, body in attempts:
        assert market.one.desk.refused(path, body).code == "not-found"
    assert market.trade.rows("SELECT 1 FROM incident.package_part WHERE package = %s", theirs.id)
    assert market.other.desk.ask(IncidentPage, "/claims/insurer/incidents", PageBody()).items == [theirs]


def test_a_professional_has_no_insurers_errand_and_an_insurer_no_professionals(market: Market) -> None:
    pharmacist = market.trade.professional()
    for path in ("home", "files", "prises-en-charge", "flows", "openings", "incidents", "funds"):
        assert pharmacist.refused(f"/claims/insurer/{path}", Nothing()).code == "forbidden"
    for path in ("invoice/list", "payment/list", "prise-en-charge/list"):
        assert market.one.desk.refused(f"/claims/{path}", Nothing()).code == "forbidden"
