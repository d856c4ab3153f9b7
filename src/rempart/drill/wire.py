"""Many requests over a few connections that stay open: HTTP/1.1 as the doors speak it, and no more of it than they need."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol, cast

from rempart.foundation.errors import Outage


class DoorGone(Outage):
    """The door hung up, or did not answer, in the middle of a request."""

    code = "door-gone"
    french = "La porte a raccroché pendant l'exercice."
    english = "The door hung up during the drill."


class Signs(Protocol):
    """Whatever signs a request: a browser's key, or the two keys of a practice software."""

    @property
    def public(self) -> dict[str, str]:
        """The device key's point, base64url."""

    def sign(self, method: str, target_uri: str, body: bytes, created: int) -> dict[str, str]:
        """The headers Content-Digest, Signature-Input and Signature."""


class Answered(NamedTuple):
    """What came back."""

    status: int
    head: bytes
    body: bytes


OUTAGES = frozenset({"outage", "busy", DoorGone.code})
"""Codes of requests that nobody answered: they may have been done, or wait for others of their device. Whoever meets one asks again."""
_HUNG_UP = Answered(503, b"", b'{"code": "door-gone"}')


IDLE = 4.0
"""Seconds after which a connection is not used again: the door closes it after ten, and may be doing so."""


class Wire:
    """Connections to one door, at most `most` at once; a request waits for the next that is free."""

    def __init__(self, host: str, port: int, most: int = 24) -> None:
        self._host, self._port = host, port
        self._room = asyncio.Semaphore(most)
        self._idle: deque[_Connection] = deque()
        self.sent = self.in_flight = 0
        self.survives = False
        """A door that hangs up is an answer too: code door-gone."""
        self.watched: Callable[[bool], None] | None = None
        """Told whenever a request was sent (False) or answered (True)."""

    async def send(self, request: bytes, seconds: float = 60) -> Answered:
        """One request, whole. Raises DoorGone."""
        async with self._room:
            try:
                connection = await self._connection()
                return await self._over(connection, request, seconds)
            except DoorGone:
                if not self.survives:
                    raise
                return _HUNG_UP

    async def _over(self, connection: "_Connection", request: bytes, seconds: float) -> Answered:
        self.sent += 1
        self.in_flight += 1
        try:
            async with asyncio.timeout(seconds):
                answering = connection.send(request)
                if self.watched is not None:
                    self.watched(False)
                answered = await answering
        except (OSError, TimeoutError) as error:
            connection.close()
            raise DoorGone(type(error).__name__) from error
        finally:
            self.in_flight -= 1
        self._idle.append(connection)
        if self.watched is not None:
            self.watched(True)
        return answered

    async def _connection(self) -> "_Connection":
        while self._idle:
            connection = self._idle.pop()
            if connection.open and time.monotonic() - connection.used < IDLE:
                return connection
            connection.close()
        try:
            _, made = await asyncio.get_running_loop().create_connection(_Connection, self._host, self._port)
        except OSError as error:
            raise DoorGone(type(error).__name__) from error
        return made

    def close(self) -> None:
        """Hang up."""
        while self._idle:
            self._idle.pop().close()


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self.used = 0.0
        """When it last brought an answer, on this process's own clock."""
        self._incoming = b""
        self._waiting: asyncio.Future[Answered] | None = None
        self.open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.open = True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        self.open = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionResetError())

    def send(self, request: bytes) -> "asyncio.Future[Answered]":
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._waiting

    def data_received(self, data: bytes) -> None:
        self._incoming = self._incoming + data if self._incoming else data
        head = self._incoming.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._incoming.lower().find(b"content-length:", 0, head)
        length = int(self._incoming[at + 15 : self._incoming.find(b"\r\n", at)]) if at >= 0 else 0
        if len(self._incoming) < head + 4 + length:
            return
        answered = Answered(int(self._incoming[9:12]), self._incoming[:head], self._incoming[head + 4 :])
        self._incoming = b""
        self.used = time.monotonic()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answered)

    def close(self) -> None:
        self.open = False
        with contextlib.suppress(AttributeError):
            self._transport.close()
