"""A process's side of a hatch: one UNIX socket a caller (docs/trust-zones.md). What a caller may send is a table; the rest is hung up on.

Vault and cashier listen alike. What they answer is theirs; a surprise is a refusal with a reference, never an answer.
"""

import asyncio
import logging
import secrets
import socket
import struct
import traceback
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from rempart.foundation.errors import Outage, RempartError
from rempart.vaultdoor.frames import MAX_REPLY, FrameProtocol
from rempart.vaultdoor.messages import Call, Envelope, Healthy, Message, Refused, Reply, ReplyEnvelope

_log = logging.getLogger(__name__)


class Desk:
    """Answers calls by `answer`, and counts those in flight so that a drain can wait for them."""

    def __init__(self, answer: Callable[[Call], Awaitable[Reply]]) -> None:
        self.draining = False
        self._answer = answer
        self._in_flight: set[asyncio.Task[None]] = set()

    def take(self, caller: "_CallerProtocol", envelope: Envelope) -> None:
        """Answer one call in a task of its own."""
        task = asyncio.create_task(self._serve(caller, envelope))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    async def drain(self, seconds: float) -> None:
        """Wait for what is in flight, `seconds` at the most. From now on nobody is told that we are ready."""
        self.draining = True
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=seconds)

    async def _serve(self, caller: "_CallerProtocol", envelope: Envelope) -> None:
        caller.reply(envelope.id, await self._reply(envelope.body))

    async def _reply(self, call: Call) -> Reply:
        try:
            reply = await self._answer(call)
        except Outage as error:
            reference = secrets.token_hex(4)
            _log.error("outage %s: %s", reference, type(error).__name__)
            return Refused(error.code, reference=reference)
        except RempartError as error:
            return Refused(error.code, error.detail)
        except Exception as error:  # noqa: BLE001 (the last net: a surprise is a refusal with a reference, never an answer)
            reference = secrets.token_hex(4)
            # Where it happened, without the message: that might quote what was asked.
            where = "; ".join(
                f"{f.filename}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)[-6:]
            )
            _log.error("internal %s: %s at %s", reference, type(error).__name__, where)
            return Refused("internal", reference=reference)
        if self.draining and isinstance(reply, Healthy):
            return msgspec.structs.replace(reply, ready=False)
        return reply


class _CallerProtocol(FrameProtocol):
    def __init__(
        self, name: str, desk: Desk, may: tuple[type[Message], ...], allowed_uid: int | None
    ) -> None:
        super().__init__(self._call)
        self._name, self._desk, self._may, self._allowed_uid = name, desk, may, allowed_uid
        self._decoder = msgspec.msgpack.Decoder(Envelope)
        self._encoder = msgspec.msgpack.Encoder()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        uid = _peer_uid(transport.get_extra_info("socket"))
        if self._allowed_uid is not None and uid != self._allowed_uid:
            _log.error("uid %d is not the %s's: connection refused", uid, self._name)
            self.close()

    def _call(self, frame: memoryview) -> None:
        try:
            envelope = self._decoder.decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            _log.error("the %s sent what is no message: connection ended", self._name)
            self.close()
            return
        if not isinstance(envelope.body, self._may):
            _log.error(
                "the %s sent a %s, which it may not: connection ended",
                self._name,
                type(envelope.body).__name__,
            )
            self.close()
            return
        self._desk.take(self, envelope)

    def reply(self, number: int, reply: Reply) -> None:
        frame = self._encoder.encode(ReplyEnvelope(number, reply))
        if len(frame) > MAX_REPLY:
            # The caller would end the connection, and with it everybody's calls.
            _log.error("a %s of %d bytes does not fit a frame", type(reply).__name__, len(frame))
            frame = self._encoder.encode(ReplyEnvelope(number, Refused("too-large")))
        self.send(frame)


def _peer_uid(sock: socket.socket) -> int:
    _, uid, _ = struct.unpack(
        "3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    )
    return int(uid)


async def listen(
    desk: Desk,
    folder: Path,
    callers: Mapping[str, tuple[type[Message], ...]],
    allowed_uids: dict[str, int],
    prefix: str = "",
) -> list[asyncio.Server]:
    """Open every caller's socket, `folder/{prefix}{name}.sock`.

    A caller without a configured uid is admitted by the socket's mode alone.
    """
    loop = asyncio.get_running_loop()
    servers = []
    for name, may in callers.items():
        path = folder / f"{prefix}{name}.sock"
        path.unlink(missing_ok=True)
        servers.append(
            await loop.create_unix_server(
                _factory(name, desk, may, allowed_uids.get(name)), str(path), backlog=512
            )
        )
        path.chmod(0o660 if name in allowed_uids else 0o600)
    return servers


def _factory(
    name: str, desk: Desk, may: tuple[type[Message], ...], uid: int | None
) -> Callable[[], _CallerProtocol]:
    return lambda: _CallerProtocol(name, desk, may, uid)
