"""Attacks on the account that is paid, named after what the thief does."""

from threading import Thread

import pytest

from rempart.claims.activation import put_ribs_in_force
from rempart.claims.messages import Nothing
from rempart.foundation.clock import DAY, HOUR, MINUTE, SECOND
from rempart.foundation.vocabulary import Role
from rempart.vaultdoor.messages import (
    Done,
    Enrolled,
    EnrolProfessional,
    Refused,
    Reply,
    ResumeEstablishment,
    SignedIn,
    SuspendEstablishment,
    ThrowSwitch,
)
from tests.authenticator import ORIGIN, PASSWORD, SoftwareBrowser, expect
from tests.cashier.conftest import Trade
from tests.cashier.test_money import change, referenced, rib


def test_a_second_persons_phished_password_and_code_confirm_no_rib(trade: Trade) -> None:
    who = referenced(trade)
    code = expect(
        Enrolled, trade.operate(EnrolProfessional("second-by-password", Role.EMPLOYEE, who.establishment))
    ).code
    second = SoftwareBrowser(trade, label="Comptoir 2")
    _, app = second.activate_with_password(code)
    # Long enough to be no newcomer; then a change that a second person must confirm.
    trade.clock.advance(3 * DAY)
    who.wake()
    change(who)
    with trade.database.connect() as owner:
        owner.execute(
            "UPDATE claims.rib SET needs_second = true WHERE establishment = %s AND state = 'waiting'",
            (who.establishment,),
        )
    expect(SignedIn, second.sign_in_with_password("second-by-password", app.code()))
    trade.clock.advance(MINUTE)
    second.expect(Done, "step-up/password", password=PASSWORD, code=app.code())
    act = second.key.act(ORIGIN, "/claims/rib/confirm", b"{}", trade.clock() // SECOND, second.session)
    assert expect(Refused, trade.at_cashier(act)).code == "rib-passkey"
    assert not rib(who).confirmed


def test_a_cancellation_that_comes_as_the_account_takes_effect_is_told_so(trade: Trade) -> None:
    """It is too late, and it says so: nobody is told that a change was stopped which was not."""
    who = referenced(trade)
    change(who)
    act, replies = who.signed("/claims/rib/cancel", Nothing()), list[Reply]()
    with trade.database.connect("worker") as c, trade.database.connect() as owner:
        with c.transaction():
            c.execute(
                "UPDATE claims.rib SET state = 'replaced' WHERE establishment = %s AND state = 'in-force'",
                (who.establishment,),
            )
            c.execute(
                "UPDATE claims.rib SET state = 'in-force' WHERE establishment = %s AND state = 'waiting'",
                (who.establishment,),
            )
            late = Thread(target=lambda: replies.append(trade.at_cashier(act)))
            late.start()
            while (
                late.is_alive() and not owner.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone()
            ):
                pass
        late.join()
    assert expect(Refused, replies[0]).code == "rib-none-waiting"
    letters = trade.rows("SELECT kind FROM claims.letter WHERE establishment = %s", who.establishment)
    assert ("rib-cancelled",) not in letters


@pytest.mark.parametrize("held", ["contained", "suspended"])
def test_a_change_that_waits_does_not_take_effect_while_nobody_there_may_stop_it(
    trade: Trade, held: str
) -> None:
    """The thief asked for it, then the house was contained: the alarm itself must not carry the money away."""
    who = referenced(trade)
    change(who)
    [(finess,)] = trade.rows("SELECT finess FROM vault.establishment WHERE id = %s", who.establishment)
    if held == "contained":
        expect(Done, trade.operate(ThrowSwitch("establishment", finess, "a thief", True)))
    else:
        expect(Done, trade.operate(SuspendEstablishment(finess, "indu", 30, "two letters unanswered")))
    with trade.database.connect("worker") as c:
        for _ in range(5):
            trade.clock.advance(DAY)
            assert put_ribs_in_force(c, trade.clock) == 0
        if held == "contained":
            expect(Done, trade.operate(ThrowSwitch("establishment", finess, "over", False)))
        else:
            expect(Done, trade.operate(ResumeEstablishment(finess, "settled")))
        # The hour after, it is not too late to stop it.
        trade.clock.advance(HOUR)
        assert put_ribs_in_force(c, trade.clock) == 0
        who.wake()
        assert rib(who).waiting_since
        trade.clock.advance(DAY)
        assert put_ribs_in_force(c, trade.clock) == 1
