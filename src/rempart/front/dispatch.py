"""What every request meets first: its form, a place, then its door: the hot path, the API's addresses, or the portal."""

import asyncio
import logging
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rempart.api.application import PREFIXES
from rempart.api.places import Places
from rempart.api.responses import refused as refused_by_api
from rempart.api.submit import PATHS
from rempart.doorway.taking_in import CLIENT
from rempart.front.addresses import Addresses
from rempart.front.shape import refused_by_shape
from rempart.portal.refusals import refuse as refused_by_portal
from rempart.vaultdoor.messages import Refused

_log = logging.getLogger("rempart.front")


class Front:
    """The top-level ASGI callable. The places taken are what is in flight, so that a drain can wait for them."""

    def __init__(
        self,
        rights: ASGIApp,
        api: ASGIApp,
        portal: ASGIApp,
        *,
        addresses: Addresses,
        places: Places,
        production: bool = False,
    ) -> None:
        self._rights, self._api, self._portal = rights, api, portal
        self.addresses, self._places = addresses, places
        self._production = production
        self._draining = False
        self._idle = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if self._draining:
            send = _closing(send)
        peer = scope.get("client")
        address = self.addresses.client(peer[0] if peer else "", scope["headers"])
        refusal = refused_by_shape(scope) or self._places.take(address)
        if refusal is not None:
            await self._refuse(refusal, scope, receive, send)
            return
        scope[CLIENT] = address
        try:
            if scope["path"] in PATHS:
                await self._rights(scope, receive, send)
            else:
                await self._hand_over(scope, receive, send)
        finally:
            self._places.leave(address)
            if self._draining and self._places.in_flight == 0:
                self._idle.set()

    async def _refuse(self, refusal: Refused, scope: Scope, receive: Receive, send: Send) -> None:
        """In the form of the door it was for. Its body is not read: the connection is over."""
        if scope["path"].startswith(PREFIXES):
            response = refused_by_api(refusal, production=self._production)
        else:
            response = refused_by_portal(scope, refusal, production=self._production)
        await response(scope, receive, _closing(send))

    async def _hand_over(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def note_start(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        door = self._api if scope["path"].startswith(PREFIXES) else self._portal
        try:
            await door(scope, receive, note_start)
        except Exception as error:  # noqa: BLE001 (the last net; Starlette raises again what its own net has answered)
            if started:
                return
            reference = secrets.token_hex(4)
            _log.error("internal %s: %s", reference, type(error).__name__)
            response = refused_by_api(Refused("internal", reference=reference), production=self._production)
            await response(scope, receive, send)

    def drain(self) -> None:
        """From now on every answer asks its client to close the connection."""
        self._draining = True
        if self._places.in_flight == 0:
            self._idle.set()

    async def idle(self, seconds: float) -> bool:
        """Wait until nothing is in flight, `seconds` at the most. Only after `drain`."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True


def _closing(send: Send) -> Send:
    async def send_and_close(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
        await send(message)

    return send_and_close
