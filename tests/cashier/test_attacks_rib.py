"""Attacks on the account that is paid, named after what the thief does."""

from threading import Thread

from rempart.claims.messages import Nothing
from rempart.foundation.clock import DAY, MINUTE, SECOND
from rempart.foundation.vocabulary import Role
from rempart.vaultdoor.messages import Done, Enrolled, EnrolProfessional, Refused, Reply, SignedIn
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
