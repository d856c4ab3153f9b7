"""Containment, against a thief who is already asking: what each hold forbids, what becomes of an answer on its way, who stays unknown."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from rempart.claims.messages import (
    AskBody,
    Care,
    Invoice,
    InvoiceBody,
    InvoiceFilter,
    InvoicePage,
    PaymentFilter,
    QuoteBody,
    RibBody,
)
from rempart.foundation.clock import DAY, MINUTE, SECOND
from rempart.foundation.vocabulary import Domain
from rempart.population.professionals import synthetic_iban
from rempart.vault.disclose import RIGHTS
from rempart.vaultdoor.fhir import write_request
from rempart.vaultdoor.holds import Doing, Hold, forbidden
from rempart.vaultdoor.messages import (
    Answer,
    Checkpoint,
    Done,
    Jwks,
    Paper,
    PublicKeys,
    Refused,
    Reply,
    SignedCheckpoint,
    ThrowSwitch,
)
from tests.authenticator import ORIGIN, expect
from tests.cashier.conftest import Insured, Professional, Trade, view
from tests.cashier.test_attacks import DRUG
from tests.vault.signers import by_two

CODES = {hold: "contained" if hold is Hold.CLOSED else str(hold) for hold in Hold}


@pytest.fixture
def pharmacist(trade: Trade) -> Iterator[Professional]:
    yield trade.professional()
    with trade.database.connect() as owner:
        owner.execute("DELETE FROM vault.switch")


def throw(trade: Trade, scope: str, key: str, hold: str, minutes: int = 0) -> None:
    trade.clock.advance(SECOND)
    expect(Done, by_two(trade.operate, ThrowSwitch(scope, key, "exercise", True, minutes, hold)))  # type: ignore[arg-type]


def look_up(who: Professional, insured: Insured) -> Reply:
    """Answered, or why not."""
    act = who.browser.key.act(
        ORIGIN, RIGHTS[0], write_request(insured.presentation(Domain.PHAR)), who.trade.clock() // SECOND,
        who.browser.session,
    )  # fmt: skip
    return who.trade.call(act)


def refused(reply: Reply) -> str:
    return expect(Refused, reply).code


def leaves(who: Professional) -> list[tuple[Any, ...]]:
    """What the ledger says of this establishment: outcome, cost, whether of somebody."""
    return who.trade.rows(
        "SELECT outcome, cost, subject <> '00000000-0000-0000-0000-000000000000' FROM evidence.entry"
        " WHERE establishment = %s::uuid ORDER BY index",
        who.establishment,
    )  # fmt: skip


# ── only known people ────────────────────────────────────────────────────────────────────────────────────────────────


def test_known_only_is_no_oracle_of_who_exists(trade: Trade, pharmacist: Professional) -> None:
    insurer = trade.insurer()
    known, never_served, of_another = (trade.insure(insurer) for _ in range(3))
    absent = replace(known, adherent="99999999")
    wrong_birth_date = replace(known, born=date(1981, 1, 13))
    pharmacist.check_right(known, Domain.PHAR)
    trade.professional().check_right(of_another, Domain.PHAR)
    throw(trade, "establishment", pharmacist.establishment, "known-only")
    assert expect(Answer, look_up(pharmacist, known)).decision.open
    answers = [look_up(pharmacist, each) for each in (never_served, of_another, absent, wrong_birth_date)]
    assert answers == [Refused("known-only")] * 4
    # One outcome, one price, nobody's pseudonym: the ledger tells them apart no more than the answer does.
    assert leaves(pharmacist) == [(1, 1, True), (1, 0, True), *[(3, 1, False)] * 4]
    trade.runner.run(trade.vault.operations.record())
    assert trade.vault.operations.faults == ()


def test_who_probes_under_known_only_spends_the_line(trade: Trade, pharmacist: Professional) -> None:
    absent = Insured(trade.insurer(), "99999998", date(1980, 1, 1), ())
    throw(trade, "account", pharmacist.login, "known-only")
    answers = [refused(look_up(pharmacist, absent)) for _ in range(40)]
    assert set(answers) == {"known-only", "step-up"}
    # The pace of a pharmacy's counter: a robot is asked for its passkey like anywhere.
    assert answers.count("known-only") == 30 == len(leaves(pharmacist))


def test_somebody_served_more_than_400_days_ago_is_not_known(trade: Trade, pharmacist: Professional) -> None:
    insured = trade.insure(trade.insurer())
    pharmacist.check_right(insured, Domain.PHAR)
    then = trade.clock.now
    throw(trade, "profession", "pharmacy", "known-only")
    trade.clock.now = then + 400 * DAY - MINUTE
    pharmacist.wake()
    assert expect(Answer, look_up(pharmacist, insured)).decision.open
    with trade.database.connect() as owner:
        owner.execute(
            "UPDATE vault.told SET at = %s WHERE establishment = %s", (then, pharmacist.establishment)
        )
    trade.clock.advance(2 * MINUTE)
    assert refused(look_up(pharmacist, insured)) == "known-only"


# ── an answer on its way ─────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def thrown_in_flight(trade: Trade, table: str, scope: str, key: str, hold: str) -> Iterator[None]:
    """The switch is committed with the next row of `table`: after it was read, before anything leaves."""
    body = (
        "BEGIN INSERT INTO vault.switch (scope, key, hold, reason, thrown)"
        f" VALUES ('{scope}', '{key}', '{hold}', 'in flight', {trade.clock()}) ON CONFLICT DO NOTHING; RETURN NEW; END"
    )
    with trade.database.connect() as owner:
        owner.execute(
            f"CREATE FUNCTION public.in_flight() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $${body}$$".encode()
        )
        trigger = f"CREATE TRIGGER in_flight AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION public.in_flight()"
        owner.execute(trigger.encode())
        owner.commit()
        try:
            yield
        finally:
            owner.execute(f"DROP TRIGGER in_flight ON {table}; DROP FUNCTION public.in_flight".encode())
            owner.commit()


@pytest.mark.parametrize("hold", ["closed", "claims-only", "known-only", "step-up"])
def test_an_answer_in_flight_does_not_leave_after_containment(
    trade: Trade, pharmacist: Professional, hold: str
) -> None:
    insured = trade.insure(trade.insurer())
    with thrown_in_flight(trade, "evidence.entry", "establishment", pharmacist.establishment, hold):
        assert refused(look_up(pharmacist, insured)) == CODES[Hold(hold)]
    # Counted and logged as told: over-counted, never under-counted.
    assert leaves(pharmacist) == [(1, 1, True)]
    trade.runner.run(trade.vault.operations.record())
    assert trade.vault.operations.faults == ()


def test_an_answer_in_flight_leaves_when_the_switch_does_not_concern_it(
    trade: Trade, pharmacist: Professional
) -> None:
    insured = trade.insure(trade.insurer())
    pharmacist.check_right(insured, Domain.PHAR)
    other = trade.professional()
    with thrown_in_flight(trade, "evidence.entry", "establishment", other.establishment, "closed"):
        assert expect(Answer, look_up(pharmacist, insured)).decision.open
    # Read-only tells rights; somebody already told of is known.
    for hold in ("read-only", "known-only"):
        with thrown_in_flight(trade, "evidence.entry", "establishment", pharmacist.establishment, hold):
            assert expect(Answer, look_up(pharmacist, insured)).decision.open


def test_a_switch_thrown_elsewhere_is_heard_by_a_vault_that_listens(
    trade: Trade, pharmacist: Professional
) -> None:
    """Another vault, or somebody at the database: this one's answers hold within a second, without asking at each."""
    watch, insured = trade.vault.switches, trade.insure(trade.insurer())
    listening = trade.runner.get_loop().create_task(watch.follow())
    until(trade, lambda: watch.mark() is not None)
    mark = watch.mark()
    pharmacist.check_right(insured, Domain.PHAR)
    assert trade.runner.run(watch.unchanged(mark))
    thrown = time.monotonic()
    with trade.database.connect() as owner:
        owner.execute(
            "INSERT INTO vault.switch (scope, key, reason, thrown) VALUES ('establishment', %s, 'elsewhere', 0)",
            (pharmacist.establishment,),
        )
    until(trade, lambda: watch.mark() != mark)
    assert time.monotonic() - thrown < 1
    assert refused(look_up(pharmacist, insured)) == "contained"
    listening.cancel()
    until(trade, listening.done)
    # Nobody listens: nobody can tell, and every answer reads the table.
    assert watch.mark() is None


def test_a_vault_that_no_longer_hears_does_not_believe_its_memory(
    trade: Trade, pharmacist: Professional
) -> None:
    watch = trade.vault.switches
    listening = trade.runner.get_loop().create_task(watch.follow())
    until(trade, lambda: watch.mark() is not None)
    mark = watch.mark()
    ended = trade.rows(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE application_name = 'rempart-vault-switches' AND datname = current_database()"
    )
    assert ended == [(1,)]
    until(trade, lambda: watch.mark() != mark)
    until(trade, lambda: watch.mark() is not None)
    assert not trade.runner.run(watch.unchanged(mark))
    listening.cancel()
    until(trade, listening.done)


def until(trade: Trade, reached: Any) -> None:
    """Let the vault's loop run until it is so; five seconds at the most."""

    async def turn() -> None:
        async with asyncio.timeout(5):
            while not reached():
                await trade.vault.pool.fetchval("SELECT 1")

    trade.runner.run(turn())


# ── what each hold forbids ───────────────────────────────────────────────────────────────────────────────────────────


def doings(who: Professional, care: Care) -> dict[Doing, tuple[str, Any]]:
    """One errand of each kind, on an engagement already given."""
    number, today = f"F{len(leaves(who))}", who.trade.today().isoformat()
    return {
        Doing.QUOTE: ("/claims/quote", QuoteBody(care)),
        Doing.AGREE: ("/claims/prise-en-charge/ask", AskBody(care)),
        Doing.INVOICE: ("/claims/invoice/submit", InvoiceBody(number, care, today)),
        Doing.RIB: ("/claims/rib/change", RibBody(synthetic_iban(77))),
        Doing.FOLLOW: ("/claims/payment/list", PaymentFilter()),
    }


def hold_of(reply: Reply) -> str:
    """By which hold it was refused; "" for done, or refused for another reason."""
    return reply.code if isinstance(reply, Refused) and reply.code in CODES.values() else ""


@pytest.mark.parametrize("hold", [hold for hold in Hold if hold is not Hold.STEP_UP])
@pytest.mark.parametrize("scope", ["account", "platform"])
def test_a_hold_forbids_what_the_table_says_and_nothing_else(
    trade: Trade, pharmacist: Professional, scope: str, hold: Hold
) -> None:
    care = Care([DRUG], pharmacist.receipt(trade.insure(trade.insurer()), Domain.PHAR))
    pharmacist.step_up()
    throw(trade, scope, pharmacist.login if scope == "account" else "", hold)
    for doing, (path, body) in doings(pharmacist, care).items():
        expected = CODES[hold] if doing in forbidden(scope, hold) else ""
        assert hold_of(pharmacist.errand(path, body)) == expected, doing
    # Nothing was kept of what was refused.
    kept = "SELECT count(*) FROM claims.invoice WHERE establishment = %s::uuid"
    assert trade.rows(kept, pharmacist.establishment) == [(int(Doing.INVOICE not in forbidden(scope, hold)),)]


def test_claims_only_takes_invoices_on_engagements_given_and_looks_nobody_up(
    trade: Trade, pharmacist: Professional
) -> None:
    insured = trade.insure(trade.insurer())
    care = Care([DRUG], pharmacist.receipt(insured, Domain.PHAR))
    before = leaves(pharmacist)
    throw(trade, "platform", "", "claims-only")
    assert refused(look_up(pharmacist, insured)) == "claims-only"
    billed = pharmacist.ask_invoice(InvoiceBody("F1", care, trade.today().isoformat()))
    assert (billed.state, leaves(pharmacist)) == ("accepted", before)


def test_a_hold_on_an_insurer_stops_its_claims_and_no_other_insurers(
    trade: Trade, pharmacist: Professional
) -> None:
    held, other = trade.insurer(), trade.insurer()
    cares = [Care([DRUG], pharmacist.receipt(trade.insure(each), Domain.PHAR)) for each in (held, other)]
    throw(trade, "insurer", held.amc, "read-only")
    first, second = (
        pharmacist.errand("/claims/invoice/submit", InvoiceBody(f"F{k}", care, trade.today().isoformat()))
        for k, care in enumerate(cares)
    )
    assert refused(first) == "read-only"
    assert view(Invoice, second).state == "accepted"
    assert trade.rows(
        "SELECT number FROM claims.invoice WHERE establishment = %s::uuid", pharmacist.establishment
    ) == [("F1",)]


def test_an_invoice_accepted_while_the_switch_is_thrown_is_undone(
    trade: Trade, pharmacist: Professional
) -> None:
    care = Care([DRUG], pharmacist.receipt(trade.insure(trade.insurer()), Domain.PHAR))
    body = InvoiceBody("F1", care, trade.today().isoformat())
    with thrown_in_flight(trade, "claims.invoice", "platform", "", "read-only"):
        assert refused(pharmacist.errand("/claims/invoice/submit", body)) == "read-only"
    kept = "SELECT count(*) FROM claims.invoice WHERE establishment = %s::uuid"
    assert trade.rows(kept, pharmacist.establishment) == [(0,)]
    assert pharmacist.ask_invoice(body).state == "accepted"


def test_while_the_platform_is_closed_what_is_public_and_what_is_due_stays_in_sight(
    trade: Trade, pharmacist: Professional
) -> None:
    insured = trade.insure(trade.insurer())
    receipt = pharmacist.receipt(insured, Domain.PHAR)
    billed = pharmacist.ask_invoice(InvoiceBody("F1", Care([DRUG], receipt), trade.today().isoformat()))
    throw(trade, "platform", "", "closed")
    assert refused(look_up(pharmacist, insured)) == "contained"
    # Whoever holds a receipt verifies it, and its professional sees the invoice that will be paid.
    expect(PublicKeys, trade.call(Jwks()))
    expect(SignedCheckpoint, trade.call(Checkpoint()))
    listed = pharmacist.ask(InvoicePage, "/claims/invoice/list", InvoiceFilter()).items
    assert [each.number for each in listed] == [billed.number]


def test_while_the_platform_is_closed_a_thiefs_change_of_bank_account_can_still_be_stopped(
    trade: Trade, pharmacist: Professional
) -> None:
    pharmacist.step_up()
    assert expect(Paper, pharmacist.errand("/claims/rib/change", RibBody(synthetic_iban(77))))
    throw(trade, "platform", "", "closed")
    assert hold_of(pharmacist.errand("/claims/rib/confirm", {})) == "contained"
    assert expect(Paper, pharmacist.errand("/claims/rib/cancel", {}))
