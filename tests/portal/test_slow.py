"""Whoever sends a body drop by drop holds no place of the front's for ever."""

import asyncio
from collections.abc import AsyncIterator

import httpx

from rempart.portal import PortalSettings, app
from rempart.vaultdoor.client import VaultClient


async def drops() -> AsyncIterator[bytes]:
    yield b"{"
    await asyncio.Event().wait()


def test_a_body_that_never_ends_is_refused() -> None:
    portal = app(
        PortalSettings("http://localhost", body_seconds=0.01),
        VaultClient("/nowhere"),
        VaultClient("/neither"),
    )

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(portal)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            headers = {"Content-Type": "application/json"}
            return await client.post("/acts/sign-in/begin", headers=headers, content=drops())

    response = asyncio.run(ask())
    assert (response.status_code, response.json()["code"]) == (408, "slow")
