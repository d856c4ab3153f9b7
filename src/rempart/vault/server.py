"""The vault's listeners: one UNIX socket a caller (docs/trust-zones.md). What a caller may send is `CALLERS`; the rest is hung up on."""

import asyncio
import logging
import secrets
import socket
import struct
import traceback
from collections.abc import Callable
from pathlib import Path

import msgspec

from rempart import __version__
from rempart.foundation.errors import Outage, RempartError
from rempart.vault import acts, operator
from rempart.vault.disclose import disclose
from rempart.vault.zone import Zone
from rempart.vaultdoor.frames import MAX_FRAME, FrameProtocol
from rempart.vaultdoor.messages import (
    CALLERS,
    Act,
    Call,
    Checkpoint,
    Envelope,
    Health,
    Healthy,
    Jwks,
    PublicKeys,
    Refused,
    Reply,
    ReplyEnvelope,
    SignedCheckpoint,
)

RIGHTS = ("/fhir/CoverageEligibilityRequest/$submit", "/fhir/CoverageEligibilityRequest/%24submit")
"""The same address twice: a client may escape the dollar. What it wrote is what it signed."""
_log = logging.getLogger(__name__)


class Desk:
    """Answers calls, and counts those in flight so that a drain can wait for them."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.draining = False
        self._in_flight: set[asyncio.Task[None]] = set()

    def take(self, caller: "_CallerProtocol", envelope: Envelope) -> None:
        """Answer one call in a task of its own."""
        task = asyncio.create_task(self._answer(caller, envelope))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    async def drain(self, seconds: float) -> None:
        """Wait for what is in flight, `seconds` at the most."""
        self.draining = True
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=seconds)

    async def _answer(self, caller: "_CallerProtocol", envelope: Envelope) -> None:
        caller.reply(envelope.id, await self._reply(envelope.body))

    async def _reply(self, call: Call) -> Reply:
        try:
            return await self._dispatch(call)
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

    async def _dispatch(self, call: Call) -> Reply:
        if isinstance(call, Act):
            if call.target in RIGHTS:
                return await disclose(call, self.zone)
            return await acts.perform(call, self.zone)
        if isinstance(call, Health):
            return await self._health()
        if isinstance(call, Jwks):
            return PublicKeys(msgspec.json.encode({"keys": [self.zone.signer.jwk]}))
        if isinstance(call, Checkpoint):
            return SignedCheckpoint(self.zone.checkpoints.note, self.zone.checkpoints.verifier_key)
        return await operator.execute(call, self.zone)

    async def _health(self) -> Healthy:
        try:
            await self.zone.ledger.hold_ready()
            size = await self.zone.pool.fetchval("SELECT size FROM evidence.log WHERE id = 1")
        except Exception as error:  # noqa: BLE001 (whatever it is, we are not ready)
            _log.warning("not ready: %s", type(error).__name__)
            return Healthy(False, False, self.zone.keys.kind, 0, __version__)
        late = self.zone.checkpoints.is_late(size)
        if late:
            _log.error("not ready: the ledger grows and no checkpoint is signed")
        return Healthy(not self.draining and not late, True, self.zone.keys.kind, size, __version__)


class _CallerProtocol(FrameProtocol):
    def __init__(self, name: str, desk: Desk, allowed_uid: int | None) -> None:
        super().__init__(self._call)
        self._name, self._desk, self._allowed_uid = name, desk, allowed_uid
        self._may = CALLERS[name]
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
        if len(frame) > MAX_FRAME:
            # The caller would end the connection, and with it everybody's calls.
            _log.error("a %s of %d bytes does not fit a frame", type(reply).__name__, len(frame))
            frame = self._encoder.encode(ReplyEnvelope(number, Refused("too-large")))
        self.send(frame)


def _peer_uid(sock: socket.socket) -> int:
    _, uid, _ = struct.unpack(
        "3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    )
    return int(uid)


async def listen(desk: Desk, folder: Path, allowed_uids: dict[str, int]) -> list[asyncio.Server]:
    """Open every caller's socket in the run folder. A caller without a configured uid is admitted by the socket's mode alone."""
    loop = asyncio.get_running_loop()
    servers = []
    for name in CALLERS:
        path = folder / f"{name}.sock"
        path.unlink(missing_ok=True)
        servers.append(
            await loop.create_unix_server(
                _factory(name, desk, allowed_uids.get(name)), str(path), backlog=512
            )
        )
        path.chmod(0o660 if name in allowed_uids else 0o600)
    return servers


def _factory(name: str, desk: Desk, uid: int | None) -> Callable[[], _CallerProtocol]:
    return lambda: _CallerProtocol(name, desk, uid)
