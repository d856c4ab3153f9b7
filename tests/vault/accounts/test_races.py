"""Two things at once: whoever was judged before a change gets nothing after it."""

import asyncio

import pytest

from rempart.foundation.clock import SECOND
from rempart.vault import sessions, signin
from rempart.vault.errors import Credentials
from rempart.vaultdoor.messages import Done, SuspendAccount
from tests.authenticator import PASSWORD, expect
from tests.vault.accounts.conftest import Person, Vault
from tests.vault.accounts.test_attacks import check_right

OTHER = "Sept-hiboux-sous-la-pluie-9"


def test_a_sign_in_judged_by_the_former_password_opens_nothing_after_the_change(
    vault: Vault, pharmacy: str
) -> None:
    browser = vault.browser()
    _, app = browser.activate_with_password(vault.enrol("paul", pharmacy))
    vault.time.advance(30 * SECOND)
    # The thief, on a bound device, has passed the judgement; then the password changes; then the thief's transaction comes.
    judged = vault.runner.run(
        signin.judge(vault.zone, browser.key.thumbprint, "paul", PASSWORD, app.code(), vault.clock())
    )
    browser.expect(Done, "password/change", old=PASSWORD, new=OTHER)

    async def go_on() -> None:
        async with vault.zone.pool.acquire() as c, c.transaction():
            await signin.use_up(vault.zone, c, judged, vault.clock())

    with pytest.raises(Credentials):
        vault.runner.run(go_on())


def test_a_sign_in_that_ends_after_a_suspension_is_not_brought_back_by_reopening(
    vault: Vault, claire: Person
) -> None:
    with vault.database.connect() as owner:
        owner.execute("CREATE TEMP TABLE bound AS TABLE vault.binding")
        owner.execute("CREATE TEMP TABLE opened AS TABLE vault.session")
        expect(Done, vault.operate(SuspendAccount("claire", True)))
        # What a sign-in leaves that read the account before and wrote after.
        owner.execute("INSERT INTO vault.binding TABLE bound")
        owner.execute("INSERT INTO vault.session TABLE opened")
    assert claire.browser.refused("security") == "session"
    expect(Done, vault.operate(SuspendAccount("claire", False)))
    assert claire.browser.refused("security") == "session"


def test_a_standing_read_before_the_session_moved_is_not_kept_after_it(vault: Vault, claire: Person) -> None:
    check_right(vault, claire.browser)
    token = claire.browser.session
    sessions.forget(vault.zone, token)

    async def read_while_it_moves() -> None:
        reading = asyncio.create_task(sessions.standing(vault.zone, token))
        await asyncio.sleep(0)
        sessions.forget(vault.zone, token)
        await reading

    vault.runner.run(read_while_it_moves())
    kept = vault.zone.memory["standings"]
    assert isinstance(kept, sessions._Standings)
    assert token not in kept.kept
