"""The front's process: `python -m rempart.front --config FILE`."""

import argparse
import asyncio
import gc
import logging
import secrets
import signal
import sys
import time
from pathlib import Path

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from rempart.api.application import app as api_app
from rempart.api.places import Places
from rempart.api.settings import ApiSettings
from rempart.api.submit import RightsCheck
from rempart.doorway.listening import require_free_address
from rempart.foundation.clock import Clock
from rempart.foundation.clockline import add_clock_option, read_clock
from rempart.foundation.errors import RempartError
from rempart.foundation.logs import configure_logs
from rempart.foundation.settings import BadSettings, FrontSettings, load_settings
from rempart.front.addresses import Addresses
from rempart.front.admission import Admission
from rempart.front.connections import allow_connections, watch_connections
from rempart.front.dispatch import Front
from rempart.front.turnstile import Turnstile
from rempart.portal import PortalSettings
from rempart.portal import app as portal_app
from rempart.vaultdoor.client import CashierUnreachable, VaultClient

BACKLOG = 1024
"""Connections that may wait to be accepted."""
HEADER_MS = 10_000
"""Milliseconds a client may take to write a request's head, from the answer before it on: an idle connection ends with it."""
MOST_HEAD = 64 * 1024
"""Bytes the server holds of what it has not understood yet: a longer head has the server's own 431. shape.py asks for less."""
DRAIN_SECONDS = 8.0
_log = logging.getLogger("rempart.front")


def main() -> int:
    """Parse the command line and run. Exit code 1 and a sentence when the front cannot start."""
    parser = argparse.ArgumentParser(prog="rempart.front", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    add_clock_option(parser)
    arguments = parser.parse_args()
    configure_logs()
    try:
        settings = load_settings(FrontSettings, arguments.config)
        return uvloop.run(serve(settings, read_clock(arguments.clock_fd, settings.mode)))
    except RempartError as error:
        print(f"{error.code}: {error.english} {error.detail}", file=sys.stderr)  # noqa: T201 (before logs matter)
        return 1


def open_front(settings: FrontSettings, client: VaultClient, cashier: VaultClient, clock: Clock) -> Front:
    """All the doors behind one callable. `client` calls the vault, `cashier` the claims zone."""
    production = settings.mode == "production"
    api = ApiSettings(
        origin=settings.origin, production=production, spool_folder=settings.spool_folder, offline_file=settings.offline_file
    )  # fmt: skip
    try:
        portal = PortalSettings(origin=settings.origin, production=production, identity_dsn=settings.dsn)
    except ValueError as error:
        raise BadSettings(str(error)) from None
    return Front(
        RightsCheck(client, production=production),
        api_app(api, client, cashier, clock),
        Turnstile(
            portal_app(portal, client, cashier, clock),
            Admission(secrets.token_bytes(32), time.monotonic),
            production=production,
        ),
        addresses=Addresses(settings.trusted_proxies),
        places=Places(settings.requests_at_once, settings.requests_per_address),
        production=production,
    )


async def serve(settings: FrontSettings, clock: Clock) -> int:
    """Serve until SIGTERM or SIGINT; then accept nothing more and finish what is in flight."""
    require_free_address(settings.host, settings.port)
    client = VaultClient(settings.run_folder / "door.sock")
    cashier = VaultClient(settings.run_folder / "claims-door.sock", unreachable=CashierUnreachable)
    front = open_front(settings, client, cashier, clock)
    server = Server(
        front,
        address=settings.host,
        port=settings.port,
        # No lifespan events: nothing is opened before the first request.
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MS, max_buffer_size=MOST_HEAD),
        websockets=False,
        backlog=BACKLOG,
        backpressure=allow_connections(settings.connections_at_once),
        # One log: ours. An access log would write down what was asked.
        log_enabled=False,
        log_access=False,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    serving = asyncio.create_task(server.serve())
    watching = asyncio.create_task(
        watch_connections(settings.port, settings.connections_per_address, front.addresses.trusts)
    )
    if settings.mode == "production" and not settings.trusted_proxies:
        _log.warning(
            "no trusted_proxies: behind a proxy all clients count as one address (docs/runbooks/proxy.md)"
        )
    stopping = asyncio.create_task(stop.wait())
    # What was made at start lives as long as the process: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    # A front whose connections nobody watches is as good as one that does not listen: it ends, and is started again.
    await asyncio.wait((serving, watching, stopping), return_when=asyncio.FIRST_COMPLETED)
    if not stop.is_set():
        _log.error("the %s ended by itself", "watch" if watching.done() else "listener")
        stopping.cancel()
        server.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait((serving,), timeout=1.0)
        return 1
    watching.cancel()
    front.drain()
    server.stop()  # type: ignore[no-untyped-call]
    finished = await front.idle(DRAIN_SECONDS)
    await asyncio.wait((serving,), timeout=1.0)
    await client.close()
    await cashier.close()
    return 0 if finished else 1


if __name__ == "__main__":
    sys.exit(main())
