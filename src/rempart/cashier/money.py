"""What an establishment sees of its money, and how it says where it is to be paid.

A RIB is changed by the titulaire, signed in by passkey and proven a few minutes ago; it then waits, while everybody of the establishment
and its contacts are told, and anybody there may cancel it. Where much is paid, a second person must confirm it besides. Nobody can read it
again: it is sealed here to the settlement run.
"""

import uuid
from datetime import date, datetime, time, timedelta
from typing import Literal

import asyncpg
import msgspec

from rempart.cashier.applying import mark_of
from rempart.cashier.errands import Asked, Errand, Party
from rempart.cashier.telling import tell
from rempart.claims import store_money as store
from rempart.claims.bank_reasons import reason
from rempart.claims.messages import (
    Nothing,
    NumberBody,
    PaymentFilter,
    PaymentPage,
    RibBody,
    RibView,
    StatementView,
)
from rempart.claims.rib import check_rib, seal_rib
from rempart.claims.statement_files import Statement, StatementLine, as_csv, as_pdf, check
from rempart.claims.store_money import Paid
from rempart.claims.target import next_target_day
from rempart.foundation.clock import DAY, HOUR, PARIS, SECOND, paris_date
from rempart.foundation.errors import BadInput, Refusal
from rempart.vaultdoor.holds import Doing
from rempart.vaultdoor.messages import Paper

BY_PASSKEY = 2
"""The assurance of a session opened by passkey."""
COUNTED = 30 * DAY
"""What was paid in these days decides whether a second person is needed."""
_END_OF_TIME = 1 << 62


class PasskeyNeeded(Refusal):
    """A password and a code may be phished."""

    code = "rib-passkey"
    french = "Un RIB ne se change qu'après une connexion par clé d'accès."
    english = "Bank details change only after a sign-in by passkey."


class RibWaiting(Refusal):
    """One at a time: a change does not hide behind another."""

    code = "rib-waiting"
    french = "Un changement de RIB est déjà en attente : annulez-le d'abord."
    english = "A change of bank details is waiting already: cancel it first."


class NoRibToCheck(Refusal):
    """No campaign asks for it."""

    code = "rib-none-to-check"
    french = "Aucune confirmation de RIB ne vous est demandée."
    english = "No confirmation of bank details is asked of you."


class NoRibWaiting(Refusal):
    code = "rib-none-waiting"
    french = "Aucun changement de RIB n'est en attente."
    english = "No change of bank details is waiting."


class SamePerson(Refusal):
    """Two people, not two clicks."""

    code = "rib-second-person"
    french = "Une autre personne de l'établissement doit confirmer."
    english = "Another person of the establishment must confirm."


class NewPerson(Refusal):
    """Whoever holds a titulaire's session could invite the second person a minute before."""

    code = "rib-new-person"
    french = "La personne qui confirme doit être arrivée au moins deux jours avant la demande."
    english = "Whoever confirms must have come at least two days before the request."


class StatementUnknown(Refusal):
    code = "statement-unknown"
    french = "Ce relevé n'est pas connu dans votre établissement."
    english = "This statement is not known in your establishment."


# ── payments and statements ──────────────────────────────────────────────────────────────────────────────────────────


async def list_payments(asked: Asked, c: asyncpg.Connection, body: PaymentFilter) -> PaymentPage:  # noqa: ARG001 (an errand's signature)
    """Newest first; by invoice, amount, days."""
    since = _midnight(body.first_day) if body.first_day else 0
    until = _midnight(body.last_day, 1) if body.last_day else _END_OF_TIME
    found, following = await store.payments(c, body, since, until)
    return PaymentPage(found, following, await store.owed(c))


async def statement(asked: Asked, c: asyncpg.Connection, body: NumberBody) -> StatementView:
    """A payment and its lines, which make its sum. Raises StatementUnknown, StatementUnbalanced."""
    paid = await _paid(c, body.number)
    check(await _on_paper(asked, c, paid))
    return StatementView(paid.view, paid.rib_since, list(paid.rows))


async def statement_pdf(asked: Asked, c: asyncpg.Connection, body: NumberBody) -> Paper:
    """The same on paper."""
    return _file(as_pdf(await _on_paper(asked, c, await _paid(c, body.number))), "application/pdf", body, "pdf")  # fmt: skip


async def statement_csv(asked: Asked, c: asyncpg.Connection, body: NumberBody) -> Paper:
    """The same as a spreadsheet."""
    return _file(as_csv(await _on_paper(asked, c, await _paid(c, body.number))), "text/csv; charset=utf-8", body, "csv")  # fmt: skip


async def _paid(c: asyncpg.Connection, number: str) -> Paid:
    paid = await store.statement(c, number)
    if paid is None:
        raise StatementUnknown(number)
    return paid


async def _on_paper(asked: Asked, c: asyncpg.Connection, paid: Paid) -> Statement:
    name, town = await store.place(c)
    view, finess = paid.view, asked.who.finess
    return Statement(
        number=view.statement, issued=view.ordered, operator=asked.zone.settings.operator_name, establishment=name or finess,
        finess=finess, town=town, reference=view.statement, execution=next_target_day(_day_of(view.statement)),
        rib_since=paris_date(paid.rib_since), cents=view.cents, rejection=reason(view.reason).french if view.state == "rejected" else "",
        lines=tuple(
            StatementLine(
                row.invoice, date.fromisoformat(row.care_date), row.insurer, row.insurer_name, row.engagement, row.kind, row.cents
            )
            for row in paid.rows
        ),
    )  # fmt: skip


def _day_of(number: str) -> date:
    """The day of the run, which is in the number: RP20261124-000123."""
    return datetime.strptime(number[2:10], "%Y%m%d").replace(tzinfo=PARIS).date()


def _file(content: bytes, media_type: str, body: NumberBody, suffix: Literal["pdf", "csv"]) -> Paper:
    name = f"releve-{body.number}.{suffix}"
    return Paper("Statement", content, media_type, headers={"content-disposition": f'attachment; filename="{name}"'})  # fmt: skip


def _midnight(day: str, later: int = 0) -> int:
    try:
        start = datetime.combine(date.fromisoformat(day) + timedelta(days=later), time(), PARIS)
    except (ValueError, OverflowError):
        raise BadInput("first_day or last_day") from None
    return int(start.timestamp()) * SECOND


# ── RIB ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def rib(asked: Asked, c: asyncpg.Connection, body: Nothing) -> RibView:  # noqa: ARG001
    """Since when it is in force, what waits. Never the account."""
    return await _rib_view(asked, c)


async def _rib_view(asked: Asked, c: asyncpg.Connection) -> RibView:
    view = await store.rib(c, asked.who.account)
    state = await store.rib_check(c, asked.at)
    return msgspec.structs.replace(view, check=state)


async def check_in_force(asked: Asked, c: asyncpg.Connection, body: RibBody) -> RibView:
    """A campaign asks which account this establishment is to be paid on: typed again, sealed for the settlement run, which compares.

    Nothing is changed by it, and the answer tells nobody here whether it was right. Raises PasskeyNeeded, BadIban, NoRibToCheck.
    """
    asked.require(Doing.RIB)
    who = asked.who
    if who.assurance < BY_PASSKEY:
        raise PasskeyNeeded
    iban = check_rib(body.iban, asked.zone.settings.mode)
    number = uuid.uuid4()
    sealed = seal_rib(asked.zone.settlement_public, uuid.UUID(who.establishment), number, iban)
    if not await store.type_rib(c, number, sealed, asked.at):
        raise NoRibToCheck
    await tell(asked, who.establishment, "rib:type", who.login)
    return await _rib_view(asked, c)


async def change_rib(asked: Asked, c: asyncpg.Connection, body: RibBody) -> RibView:
    """Ask for another account. Raises PasskeyNeeded, BadIban and its like, RibWaiting, Outage."""
    asked.require(Doing.RIB)
    who, settings = asked.who, asked.zone.settings
    if who.assurance < BY_PASSKEY:
        raise PasskeyNeeded
    iban = check_rib(body.iban, settings.mode)
    await store.lock_rib(c, who.establishment)
    if (await store.rib(c, who.account)).waiting_since:
        raise RibWaiting
    second = await store.paid_since(c, asked.at - COUNTED) > settings.rib_second_person_cents
    number = uuid.uuid4()
    sealed = seal_rib(asked.zone.settlement_public, uuid.UUID(who.establishment), number, iban)
    effective_at = asked.at + settings.rib_wait_hours * HOUR
    mark = await mark_of(asked.zone, iban)
    await store.ask_rib(c, who.establishment, number, sealed, who.account, asked.at, effective_at, second=second, mark=mark)  # fmt: skip
    await tell(asked, asked.who.establishment, "rib:ask", asked.who.login)
    return await _rib_view(asked, c)


async def confirm_rib(asked: Asked, c: asyncpg.Connection, body: Nothing) -> RibView:  # noqa: ARG001
    """A second person's yes: of somebody who was there long before the request. Raises PasskeyNeeded, NoRibWaiting, SamePerson, NewPerson,
    Outage."""
    asked.require(Doing.RIB)
    if asked.who.assurance < BY_PASSKEY:
        raise PasskeyNeeded
    await store.lock_rib(c, asked.who.establishment)
    state = await store.rib(c, asked.who.account)
    if not state.waiting_since:
        raise NoRibWaiting
    if state.asked_by_me:
        raise SamePerson
    if asked.who.since > state.waiting_since - asked.zone.settings.rib_wait_hours * HOUR:
        raise NewPerson
    if not state.confirmed:
        await store.confirm_rib(c, asked.who.account)
        await tell(asked, asked.who.establishment, "rib:confirm", asked.who.login)
    return await _rib_view(asked, c)


async def cancel_rib(asked: Asked, c: asyncpg.Connection, body: Nothing) -> RibView:  # noqa: ARG001
    """Anybody of the establishment stops a change. Raises NoRibWaiting, Outage."""
    await store.lock_rib(c, asked.who.establishment)
    if not await store.cancel_rib(c, asked.who.establishment, asked.at):
        raise NoRibWaiting
    await tell(asked, asked.who.establishment, "rib:cancel", asked.who.login)
    return await _rib_view(asked, c)


TABLE = {
    "POST /claims/rib/check": Errand(Party.TITULAIRE, RibBody, check_in_force, "step-up"),
    "POST /claims/payment/list": Errand(Party.PROFESSIONAL, PaymentFilter, list_payments),
    "POST /claims/statement": Errand(Party.PROFESSIONAL, NumberBody, statement),
    "POST /claims/statement/pdf": Errand(Party.PROFESSIONAL, NumberBody, statement_pdf),
    "POST /claims/statement/csv": Errand(Party.PROFESSIONAL, NumberBody, statement_csv),
    "POST /claims/rib": Errand(Party.PROFESSIONAL, Nothing, rib),
    "POST /claims/rib/change": Errand(Party.TITULAIRE, RibBody, change_rib, "step-up"),
    "POST /claims/rib/confirm": Errand(Party.PROFESSIONAL, Nothing, confirm_rib, "step-up"),
    "POST /claims/rib/cancel": Errand(Party.PROFESSIONAL, Nothing, cancel_rib),
}
