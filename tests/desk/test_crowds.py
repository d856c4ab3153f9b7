"""A crowd at the portal, and the desk beside it: whoever has to contain the crowd does not stand in its queue."""

import asyncio
from contextlib import AsyncExitStack
from typing import cast

import pytest

from rempart.vault import signature
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import (
    Call,
    Challenge,
    Contain,
    DeskAct,
    Done,
    Refused,
    Reply,
    SignedIn,
    ThrowSwitch,
)
from tests.authenticator import expect
from tests.desk.conftest import Operator, Room
from tests.vault.accounts.conftest import activated

SECONDS = 20
"""Longer than any of these takes, so that a test that waits for the crowd fails instead of hanging."""


def test_strangers_who_sign_at_the_portal_turn_no_operator_away_at_the_desk(
    room: Room, duty: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = room.establishment()
    monkeypatch.setattr(signature, "MOST_STRANGERS", 20)
    answers = [room.browser().introduce("sign-in/begin") for _ in range(30)]
    refused = [answer.code for answer in answers if isinstance(answer, Refused)]
    assert set(refused) == {"saturated"}
    # An operator at a machine of nobody's yet, as a stranger does; and one who is signed in already.
    lucie = room.operator("lucie")
    assert isinstance(lucie.browser.sign_in(lucie.passkey), SignedIn)
    expect(Done, duty.ask("contain", scope="establishment", key=place, reason="vol", dry_run=False))
    assert room.rows("SELECT scope FROM vault.switch") == [("establishment",)]
    assert room.rows("SELECT size FROM evidence.log") == [(0,)]


def test_a_crowd_that_holds_every_connection_of_the_portals_delays_no_containment(
    room: Room, duty: Operator
) -> None:
    """The desk, a command and the sentinel each contain while no sign-in gets a connection any more."""
    one, two, three = (room.establishment(number) for number in (1, 2, 3))
    claire = activated(room, "claire", one)
    body = {"scope": "establishment", "key": one, "reason": "vol", "dry_run": False}
    at_desk = DeskAct(duty.browser.signed("/desk/contain", body))
    command = ThrowSwitch("establishment", two, "vol", True)
    detected = Contain("establishment", three, "closed", reason="pace 12", minutes=60)
    sign_in = claire.browser.signed("/acts/sign-in/begin", {"device_key": claire.browser.key.public})

    async def crowded() -> tuple[list[Reply], bool, Reply]:
        sentinel = VaultClient(room.zone.settings.run_folder / "sentinel.sock")
        async with AsyncExitStack() as held:
            for _ in range(room.zone.pool.get_max_size()):
                await held.enter_async_context(room.zone.pool.acquire())
            waiting = asyncio.ensure_future(room.door.call(sign_in))
            done = [
                await asyncio.wait_for(client.call(cast("Call", call)), SECONDS)
                for client, call in ((room.desk, at_desk), (room.operators, command), (sentinel, detected))
            ]
            still = not waiting.done()
        begun = await asyncio.wait_for(waiting, SECONDS)
        await sentinel.close()
        return done, still, begun

    done, still, begun = room.runner.run(crowded())
    assert done == [Done()] * 3
    assert still, "the portal's own wait for the crowd's connections"
    assert isinstance(begun, Challenge)
    assert {key for (key,) in room.rows("SELECT key FROM vault.switch")} == {one, two, three}
    journaled = room.rows("SELECT actor FROM vault.journal WHERE act = 'switch:throw' ORDER BY actor")
    assert {actor for (actor,) in journaled} == {"diane", "operator", "sentinel"}
