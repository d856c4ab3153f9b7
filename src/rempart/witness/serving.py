"""A witness from its settings, and its listener."""

import asyncio
import signal

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from rempart.evidence.keyfile import read_witness_key
from rempart.evidence.note import VerifierKey
from rempart.foundation.clock import Clock
from rempart.foundation.settings import WitnessSettings
from rempart.witness.application import app
from rempart.witness.cosigning import Witness
from rempart.witness.errors import StateUnusable
from rempart.witness.memory import Memory

BACKLOG = 64
HEADER_MS = 5_000
"""Milliseconds a client may take to write a request's head."""


def open_witness(settings: WitnessSettings, clock: Clock) -> Witness:
    """Raises `StateUnusable`, `NoteMalformed`."""
    try:
        key = read_witness_key(settings.key_file)
    except OSError as error:
        raise StateUnusable(f"{settings.key_file}: {error.strerror}") from error
    logs = [VerifierKey.parse(log) for log in settings.logs]
    return Witness(key, logs, Memory.read(settings.state_file), clock)


async def serve(settings: WitnessSettings, clock: Clock) -> int:
    """Serve until SIGTERM or SIGINT."""
    server = Server(
        app(open_witness(settings, clock)), address=settings.host, port=settings.port, interface=Interfaces.ASGINL,
        http=HTTPModes.http1, http1_settings=HTTP1Settings(header_read_timeout=HEADER_MS), websockets=False, backlog=BACKLOG,
        backpressure=BACKLOG, log_enabled=False, log_access=False,
    )  # fmt: skip
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    if not stop.is_set():
        stopping.cancel()
        await serving
        return 1
    server.stop()  # type: ignore[no-untyped-call]
    await asyncio.wait((serving,), timeout=1.0)
    return 0
