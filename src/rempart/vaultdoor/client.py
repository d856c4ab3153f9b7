"""A caller's side of the hatch: one connection, many calls in flight, paired by number."""

import asyncio
from functools import partial
from pathlib import Path

import msgspec

from rempart.foundation.errors import Outage
from rempart.vaultdoor.frames import MAX_FRAME, MAX_REPLY, FrameProtocol
from rempart.vaultdoor.messages import Call, Envelope, Refused, Reply, ReplyEnvelope


class VaultUnreachable(Outage):
    """The vault's socket does not answer."""

    french = "Le coffre ne répond pas pour l'instant : rien n'a été divulgué. Réessayez dans une minute."
    english = "The vault does not answer for now: nothing was disclosed. Try again in a minute."


class CashierUnreachable(Outage):
    """The cashier's socket does not answer. A call that was lost on the way may have been done: the sentence does not say otherwise."""

    french = "La caisse ne répond pas pour l'instant. Réessayez dans une minute : ce qui serait déjà enregistré ne le sera pas deux fois."
    english = "The cashier does not answer for now. Try again in a minute: what may be recorded already is not recorded twice."


class VaultClient:
    """Calls the vault, or another process that listens alike, over a UNIX socket. `unreachable`: what is raised when it does not answer.

    Connects at the first call, and again after a loss; a call in flight then fails. A call is never sent twice: what was asked may have
    been debited.
    """

    def __init__(
        self, path: Path | str, *, timeout: float = 10.0, unreachable: type[Outage] = VaultUnreachable
    ) -> None:
        self._path = str(path)
        self._timeout = timeout
        self._unreachable = unreachable
        self._protocol: _CallerProtocol | None = None
        self._connecting = asyncio.Lock()
        self._encoder = msgspec.msgpack.Encoder()

    async def call(self, message: Call) -> Reply:
        """Send one call and wait for its reply. Raises `unreachable`.

        A call beyond a frame is refused here: the other side would end the connection, and with it everybody's calls.
        """
        protocol = self._protocol
        if protocol is None or not protocol.open:
            protocol = await self._connect()
        future, number = protocol.expect()
        frame = self._encoder.encode(Envelope(number, message))
        if len(frame) > MAX_FRAME:
            protocol.forget(number)
            return Refused("too-large")
        protocol.send(frame)
        # A bare timer, not asyncio.timeout: this is the hot path.
        timer = protocol.loop.call_later(self._timeout, _time_out, future, self._unreachable)
        try:
            return await future
        finally:
            timer.cancel()
            protocol.forget(number)

    async def close(self) -> None:
        """End the connection."""
        if self._protocol is not None:
            self._protocol.close()
            self._protocol = None

    async def _connect(self) -> "_CallerProtocol":
        async with self._connecting:
            if self._protocol is not None and self._protocol.open:
                return self._protocol
            loop = asyncio.get_running_loop()
            try:
                _, protocol = await loop.create_unix_connection(
                    partial(_CallerProtocol, self._unreachable), self._path
                )
            except OSError as error:
                raise self._unreachable(type(error).__name__) from error
            self._protocol = protocol
            return protocol


def _time_out(future: "asyncio.Future[Reply]", unreachable: type[Outage]) -> None:
    if not future.done():
        future.set_exception(unreachable("timeout"))


class _CallerProtocol(FrameProtocol):
    def __init__(self, unreachable: type[Outage]) -> None:
        super().__init__(self._reply, MAX_REPLY)
        self._unreachable = unreachable
        self.loop = asyncio.get_running_loop()
        self._pending: dict[int, asyncio.Future[Reply]] = {}
        self._last = 0
        self._decoder = msgspec.msgpack.Decoder(ReplyEnvelope)

    def expect(self) -> tuple["asyncio.Future[Reply]", int]:
        self._last += 1
        future: asyncio.Future[Reply] = self.loop.create_future()
        self._pending[self._last] = future
        return future, self._last

    def forget(self, number: int) -> None:
        self._pending.pop(number, None)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for future in self._pending.values():
            if not future.done():
                future.set_exception(self._unreachable("connection lost"))
        self._pending.clear()

    def _reply(self, frame: memoryview) -> None:
        envelope = self._decoder.decode(frame)
        future = self._pending.get(envelope.id)
        if future is not None and not future.done():
            future.set_result(envelope.body)
