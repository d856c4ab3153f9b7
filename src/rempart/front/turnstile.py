"""The portal behind its queue (rempart.front.admission): what signs somebody in takes a turn, everything else passes as if there were none.

Whoever has to wait is told their place in headers, and a ticket: `GET /attente` with it says how far they are, at the cost of one HMAC.
"""

import asyncio
import re
from collections import deque

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rempart.doorway.headers import secure_headers
from rempart.doorway.taking_in import CLIENT, MAX_BODY
from rempart.front.admission import HEADER, QUEUED, Admission, Place
from rempart.portal.refusals import refuse
from rempart.vaultdoor.messages import Refused

LOOK = "/attente"
"""Where a ticket is looked at."""
_KEYID = re.compile(rb'keyid="([A-Za-z0-9_-]{43})"')
_LONGEST_TICKET = 64
BODY_SECONDS = 10.0
"""Seconds a body may take to arrive, as at the portal (PortalSettings.body_seconds)."""


class Turnstile:
    """An ASGI callable in front of the portal's."""

    def __init__(self, portal: ASGIApp, admission: Admission, *, production: bool = False) -> None:
        self._portal, self.admission, self._production = portal, admission, production

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, or tell the place."""
        if scope["path"] == LOOK and scope["method"] == "GET":
            await self._look(scope)(scope, receive, send)
        elif scope["path"] in QUEUED and scope["method"] == "POST":
            await self._in_turn(scope, receive, send)
        else:
            await self._portal(scope, receive, send)

    async def _in_turn(self, scope: Scope, receive: Receive, send: Send) -> None:
        ticket, device = _ticket(scope), _device(scope)
        # Whole before it takes a turn: whoever sends drop by drop holds nobody up.
        whole = await _whole(receive)
        if whole is None:
            await refuse(scope, Refused("slow"), production=self._production)(scope, receive, send)
            return
        waits = await self.admission.enter(scope.get(CLIENT, ""), device, ticket)
        if waits is not None:
            await self._told(scope, waits)(scope, whole, send)
            return
        try:
            await self._portal(scope, whole, send)
        finally:
            await self.admission.leave()

    def _told(self, scope: Scope, waits: Place | Refused) -> Response:
        """A 503 that is no fault: come back then, with this ticket."""
        refused = waits if isinstance(waits, Refused) else Refused("queue")
        response = refuse(scope, refused, production=self._production)
        if isinstance(waits, Place):
            _write(response, waits)
        return response

    def _look(self, scope: Scope) -> Response:
        device = dict(scope["headers"]).get(b"rempart-device", b"").decode("latin-1")[:_LONGEST_TICKET]
        place = self.admission.look(_ticket(scope), device)
        if place is None:
            return refuse(scope, Refused("not-found"), production=self._production)
        told = {"ahead": place.ahead, "seconds": place.seconds, "again": place.again}
        response = JSONResponse(told, headers=secure_headers(production=self._production))
        _write(response, place)
        return response


async def _whole(receive: Receive) -> Receive | None:
    """The same messages, read as far as a body may go: what is beyond is the door's to refuse. None when it took too long."""
    read: deque[Message] = deque()
    size, more = 0, True
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while more and size <= MAX_BODY:
                message = await receive()
                read.append(message)
                size += len(message.get("body", b""))
                more = message["type"] == "http.request" and message.get("more_body", False)
    except TimeoutError:
        return None

    async def again() -> Message:
        return read.popleft() if read else await receive()

    return again


def _write(response: Response, place: Place) -> None:
    response.headers["Retry-After"] = str(place.again)
    response.headers["Rempart-Ticket"] = place.ticket
    response.headers["Rempart-Ahead"] = str(place.ahead)
    response.headers["Rempart-Seconds"] = str(place.seconds)
    response.headers["Cache-Control"] = "no-store"


def _ticket(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == HEADER:
            return str(value[:_LONGEST_TICKET].decode("latin-1"))
    return ""


def _device(scope: Scope) -> str:
    """The key that says it signed: the vault judges whether it did. A ticket serves whoever drew it."""
    for name, value in scope["headers"]:
        if name == b"signature-input":
            found = _KEYID.search(value)
            return found[1].decode() if found else ""
    return ""
