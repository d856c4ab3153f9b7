"""What an establishment sees of its money, and the attacks on where it is paid."""

import uuid
from collections.abc import Callable
from pathlib import Path

import msgspec
import psycopg
import pytest

from rempart.claims.activation import put_ribs_in_force
from rempart.claims.messages import (
    Invoice,
    Nothing,
    NumberBody,
    PaymentFilter,
    PaymentPage,
    RibBody,
    RibView,
    StatementView,
)
from rempart.claims.rib import RibUnreadable, check_rib, open_rib, seal_rib
from rempart.claims.settlement import Payer, settle
from rempart.foundation.clock import DAY, HOUR, SECOND
from rempart.foundation.errors import RempartError
from rempart.foundation.identifiers import BadIban, check_iban
from rempart.foundation.vocabulary import Domain, Role
from rempart.population.professionals import synthetic_iban
from rempart.vaultdoor.messages import Enrolled, EnrolProfessional, Paper, Refused
from tests.authenticator import ORIGIN, SoftwareBrowser, expect
from tests.cashier.conftest import Professional, Trade
from tests.cashier.test_invoices import invoice, submit

NEW = RibBody(synthetic_iban(77))


def named(trade: Trade, professional: Professional) -> str:
    """Give an establishment its name, as a référencement does; its FINESS."""
    with trade.database.connect() as owner:
        row = owner.execute(
            "SELECT finess FROM vault.establishment WHERE id = %s", (professional.establishment,)
        ).fetchone()
        assert row is not None
        owner.execute(
            "INSERT INTO identity.establishment (id, finess, name, town, profession)"
            " VALUES (%s, %s, 'Pharmacie du Port', 'Brest', 'pharmacy')",
            (professional.establishment, row[0]),
        )
    return str(row[0])


def referenced(trade: Trade) -> Professional:
    """A titulaire of an establishment that is named and has its first RIB."""
    professional = trade.professional()
    named(trade, professional)
    row, place = uuid.uuid4(), uuid.UUID(professional.establishment)
    sealed = seal_rib(trade.settlement.public_key(), place, row, check_iban(synthetic_iban(1)))
    with trade.database.connect("operator") as c:
        c.execute(
            "INSERT INTO claims.rib (id, establishment, sealed, state, asked, asked_by, effective_at, needs_second)"
            " VALUES (%s, %s, %s, 'in-force', 1, %s, %s, false)",
            (row, place, sealed, uuid.UUID(int=0), trade.clock()),
        )
    return professional


@pytest.fixture
def settle_day(trade: Trade, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """The next day's settlement; what the bank was handed."""

    def day() -> str:
        trade.clock.advance(DAY)
        outbox: Path = tmp_path_factory.mktemp("outbox")
        payer = Payer("REMPART", synthetic_iban(9), trade.settlement, outbox)
        with trade.database.connect("worker") as c:
            put_ribs_in_force(c, trade.clock)
            settle(c, payer, trade.clock)
        return "".join(file.read_text() for file in (outbox / "bank").glob("*.xml"))

    return day


def accepted(trade: Trade, professional: Professional, number: str = "F1") -> Invoice:
    insured = trade.insure(trade.insurer())
    answer = submit(professional, invoice(professional, insured, number, domain=Domain.PHAR))
    assert answer.state == "accepted"
    return answer


def rib(professional: Professional) -> RibView:
    return professional.ask(RibView, "/claims/rib", Nothing())


def change(professional: Professional) -> RibView:
    professional.step_up()
    return professional.ask(RibView, "/claims/rib/change", NEW)


def test_an_invoice_is_due_then_paid_and_its_statement_equals_the_order(
    trade: Trade, settle_day: Callable[[], str]
) -> None:
    professional = referenced(trade)
    told = accepted(trade, professional)
    before = professional.ask(PaymentPage, "/claims/payment/list", PaymentFilter())
    assert (before.items, before.due) == ([], told.shares.amc)
    order = settle_day()
    page = professional.ask(PaymentPage, "/claims/payment/list", PaymentFilter(invoice="F1"))
    (payment,) = page.items
    assert (payment.cents, payment.invoices, payment.state, page.due) == (told.shares.amc, 1, "ordered", 0)
    assert f"<EndToEndId>{payment.statement}</EndToEndId>" in order
    seen = professional.ask(StatementView, "/claims/statement", NumberBody(payment.statement))
    assert [(row.invoice, row.cents) for row in seen.rows] == [("F1", told.shares.amc)]
    assert seen.payment == payment
    for kind, magic in (("pdf", b"%PDF-"), ("csv", b"")):
        paper = professional.errand(f"/claims/statement/{kind}", NumberBody(payment.statement))
        assert isinstance(paper, Paper)
        assert paper.body.startswith(magic)
    assert b"F1" in paper.body


def test_payments_are_found_by_invoice_amount_and_day(trade: Trade, settle_day: Callable[[], str]) -> None:
    professional = referenced(trade)
    cents = accepted(trade, professional).shares.amc
    settle_day()
    today = trade.today().isoformat()

    def found(wanted: PaymentFilter) -> int:
        return len(professional.ask(PaymentPage, "/claims/payment/list", wanted).items)

    assert [found(PaymentFilter(cents=cents)), found(PaymentFilter(cents=cents + 1))] == [1, 0]
    assert [
        found(PaymentFilter(first_day=today, last_day=today)),
        found(PaymentFilter(last_day=trade.today(-1).isoformat())),
    ] == [1, 0]
    assert [found(PaymentFilter(invoice="F1")), found(PaymentFilter(invoice="F2"))] == [1, 0]


def test_another_establishments_statement_is_unknown(trade: Trade, settle_day: Callable[[], str]) -> None:
    professional, stranger = referenced(trade), trade.professional()
    accepted(trade, professional)
    settle_day()
    number = professional.ask(PaymentPage, "/claims/payment/list", PaymentFilter()).items[0].statement
    for path in ("/claims/statement", "/claims/statement/pdf", "/claims/statement/csv"):
        assert stranger.refused(path, NumberBody(number)).code == "statement-unknown"
    assert stranger.ask(PaymentPage, "/claims/payment/list", PaymentFilter()).items == []


def test_a_stolen_session_changes_no_rib(trade: Trade) -> None:
    professional = trade.professional()
    trade.clock.advance(HOUR)
    assert professional.refused("/claims/rib/change", NEW).code == "step-up"
    assert rib(professional).waiting_since == 0


def test_an_employee_changes_no_rib(trade: Trade) -> None:
    employee = trade.professional(role=Role.EMPLOYEE, establishment=trade.professional().establishment)
    employee.step_up()
    assert employee.refused("/claims/rib/change", NEW).code == "forbidden"


def test_a_rib_changed_minutes_before_the_run_is_not_paid_on(
    trade: Trade, settle_day: Callable[[], str]
) -> None:
    professional = referenced(trade)
    accepted(trade, professional)
    trade.clock.advance(DAY - HOUR)
    state = change(professional)
    assert state.effective_at == trade.clock() + 48 * HOUR
    order = settle_day()
    assert synthetic_iban(1) in order
    assert NEW.iban not in order


def test_a_rib_that_waited_is_paid_on_and_everybody_was_told(
    trade: Trade, settle_day: Callable[[], str]
) -> None:
    professional = referenced(trade)
    colleague = trade.professional(role=Role.EMPLOYEE, establishment=professional.establishment)
    change(professional)
    told = trade.rows(
        "SELECT kind FROM vault.notice n JOIN vault.account a ON a.id = n.account WHERE a.login = %s",
        colleague.login,
    )
    assert ("rib:ask",) in told
    accepted(trade, professional)
    trade.clock.advance(2 * DAY)
    order = settle_day()
    assert NEW.iban in order
    assert synthetic_iban(1) not in order
    kinds = trade.rows(
        "SELECT kind FROM claims.letter WHERE establishment = %s ORDER BY at", professional.establishment
    )
    assert kinds == [("rib-asked",), ("rib-in-force",)]


def test_anybody_of_the_establishment_cancels_a_change_and_nobody_elsewhere(trade: Trade) -> None:
    professional = referenced(trade)
    colleague = trade.professional(role=Role.EMPLOYEE, establishment=professional.establishment)
    change(professional)
    assert trade.professional().refused("/claims/rib/cancel", Nothing()).code == "rib-none-waiting"
    assert colleague.ask(RibView, "/claims/rib/cancel", Nothing()).waiting_since == 0


def test_a_second_change_does_not_hide_behind_the_first(trade: Trade) -> None:
    professional = trade.professional()
    change(professional)
    professional.step_up()
    assert professional.refused("/claims/rib/change", NEW).code == "rib-waiting"


def test_the_second_person_is_not_the_first(trade: Trade, settle_day: Callable[[], str]) -> None:
    professional = referenced(trade)
    colleague = trade.professional(role=Role.EMPLOYEE, establishment=professional.establishment)
    _pay_much(trade, professional, settle_day)
    trade.clock.advance(3 * DAY)
    professional.wake()
    assert change(professional).needs_second
    assert professional.refused("/claims/rib/confirm", Nothing()).code == "rib-second-person"
    trade.clock.advance(3 * DAY)
    with trade.database.connect("worker") as c:
        put_ribs_in_force(c, trade.clock)
    assert rib(professional).waiting_since
    colleague.wake()
    trade.clock.advance(HOUR)
    assert colleague.refused("/claims/rib/confirm", Nothing()).code == "step-up"
    colleague.step_up()
    assert colleague.ask(RibView, "/claims/rib/confirm", Nothing()).confirmed
    with trade.database.connect("worker") as c:
        put_ribs_in_force(c, trade.clock)
    assert rib(professional).waiting_since == 0


def _pay_much(trade: Trade, professional: Professional, settle_day: Callable[[], str]) -> None:
    accepted(trade, professional)
    settle_day()
    with trade.database.connect() as owner:
        owner.execute(
            "UPDATE claims.payment SET cents = 5000001 WHERE establishment = %s",
            (professional.establishment,),
        )


def test_an_accomplice_invited_just_before_confirms_no_rib(
    trade: Trade, settle_day: Callable[[], str]
) -> None:
    professional = referenced(trade)
    _pay_much(trade, professional, settle_day)
    accomplice = trade.professional(role=Role.EMPLOYEE, establishment=professional.establishment)
    assert change(professional).needs_second
    accomplice.step_up()
    assert accomplice.refused("/claims/rib/confirm", Nothing()).code == "rib-new-person"
    trade.clock.advance(3 * DAY)
    accomplice.wake()
    accomplice.step_up()
    # Waiting does not help: it is the request that came too soon.
    assert accomplice.refused("/claims/rib/confirm", Nothing()).code == "rib-new-person"
    assert not rib(accomplice).confirmed


def test_a_sealed_rib_moved_to_another_establishment_does_not_open(trade: Trade) -> None:
    victim, thief = referenced(trade), referenced(trade)
    rows = trade.rows(
        "SELECT id, establishment, sealed FROM claims.rib WHERE establishment IN (%s, %s)",
        victim.establishment,
        thief.establishment,
    )
    (a_id, a_place, a_sealed), (b_id, b_place, b_sealed) = rows
    assert open_rib(trade.settlement, a_place, a_id, a_sealed) == synthetic_iban(1)
    for place, row, sealed in (
        (b_place, b_id, a_sealed),
        (b_place, a_id, a_sealed),
        (a_place, a_id, b_sealed),
    ):
        with pytest.raises(RibUnreadable):
            open_rib(trade.settlement, place, row, sealed)


def test_a_rib_that_was_moved_is_withdrawn_and_keeps_nobody_else_from_being_paid(
    trade: Trade, settle_day: Callable[[], str]
) -> None:
    victim, other = referenced(trade), referenced(trade)
    for professional in (victim, other):
        accepted(trade, professional)
    with trade.database.connect() as owner:
        owner.execute(
            "UPDATE claims.rib SET sealed = (SELECT sealed FROM claims.rib WHERE establishment = %s) WHERE establishment = %s",
            (other.establishment, victim.establishment),
        )
    settle_day()
    assert len(other.ask(PaymentPage, "/claims/payment/list", PaymentFilter()).items) == 1
    page = victim.ask(PaymentPage, "/claims/payment/list", PaymentFilter())
    assert page.items == []
    assert page.due > 0


@pytest.mark.parametrize("role", ["door", "vault", "sealer"])
def test_neither_door_nor_vault_reads_a_rib(trade: Trade, role: str) -> None:
    with trade.database.connect(role) as c, pytest.raises(psycopg.errors.InsufficientPrivilege):
        c.execute("SELECT sealed FROM claims.rib")


def test_the_cashier_sees_no_rib_of_another_establishment_and_opens_none(trade: Trade) -> None:
    professional, other = referenced(trade), referenced(trade)
    with trade.database.connect("cashier") as c, c.transaction():
        c.execute("SELECT set_config('rempart.establishment', %s, true)", (professional.establishment,))
        seen = c.execute("SELECT id, establishment, sealed FROM claims.rib").fetchall()
        assert {str(row[1]) for row in seen} == {professional.establishment}
    assert other.establishment != professional.establishment
    assert b"FR" not in bytes(seen[0][2])


def test_a_session_by_a_phished_password_and_code_changes_no_rib(trade: Trade) -> None:
    place, login = trade.establishment(), "by-password"
    code = expect(Enrolled, trade.operate(EnrolProfessional(login, Role.TITULAIRE, place))).code
    browser = SoftwareBrowser(trade, label="Comptoir 1")
    browser.activate_with_password(code)
    act = browser.key.act(
        ORIGIN, "/claims/rib/change", msgspec.json.encode(NEW), trade.clock() // SECOND, browser.session
    )
    assert expect(Refused, trade.at_cashier(act)).code == "rib-passkey"


def test_a_demonstration_takes_no_real_account_and_production_no_example() -> None:
    real = "FR1420041010050500013M02607"
    with pytest.raises(BadIban):
        check_rib(real, "demo")
    for iban, mode, code in (
        ("DE89370400440532013000", "demo", "rib-not-synthetic"),
        (synthetic_iban(3), "production", "rib-synthetic"),
        ("BR1800360305000010009795493C1", "production", "rib-outside-sepa"),
    ):
        with pytest.raises(RempartError) as refused:
            check_rib(iban, mode)  # type: ignore[arg-type]
        assert refused.value.code == code
