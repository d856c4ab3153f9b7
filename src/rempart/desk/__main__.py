"""The desk's process: `python -m rempart.desk --config FILE`."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from rempart.desk.application import app
from rempart.doorway.listening import require_free_address
from rempart.foundation.clock import Clock
from rempart.foundation.clockline import add_clock_option, read_clock
from rempart.foundation.errors import RempartError
from rempart.foundation.logs import configure_logs
from rempart.foundation.settings import BadSettings, DeskSettings, load_settings
from rempart.vaultdoor.campaigns import STARTS_WITHIN
from rempart.vaultdoor.client import VaultClient

HEADER_MS = 10_000
MOST_HEAD = 64 * 1024
CONNECTIONS = 256
"""Open at once: operators are few."""
DRAIN_SECONDS = 2.0
_log = logging.getLogger("rempart.desk")


def main() -> int:
    """Parse the command line and run. Exit code 1 and a sentence when the desk cannot start."""
    parser = argparse.ArgumentParser(prog="rempart.desk", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    add_clock_option(parser)
    arguments = parser.parse_args()
    configure_logs()
    try:
        settings = load_settings(DeskSettings, arguments.config)
        require_own_origin(settings)
        require_free_address(settings.host, settings.port)
        return uvloop.run(serve(settings, read_clock(arguments.clock_fd, settings.mode)))
    except RempartError as error:
        print(f"{error.code}: {error.english} {error.detail}", file=sys.stderr)  # noqa: T201 (before logs matter)
        return 1


def require_own_origin(settings: DeskSettings) -> None:
    """Scheme and host alone; http on this machine only, where browsers sign it too. Raises BadSettings."""
    parts = urlsplit(settings.origin)
    if not parts.netloc or settings.origin != f"{parts.scheme}://{parts.netloc}":
        raise BadSettings("origin: scheme and host only, e.g. https://salle.exemple.fr")
    near = parts.hostname == "localhost" or (parts.hostname or "").endswith(".localhost")
    if parts.scheme != "https" and (settings.mode == "production" or parts.scheme != "http" or not near):
        raise BadSettings("origin: https, or http on localhost in a demonstration")


async def serve(settings: DeskSettings, clock: Clock) -> int:
    """Serve until SIGTERM or SIGINT."""
    # A second person's approval may be of a campaign.
    client = VaultClient(settings.run_folder / "desk.sock", timeout=STARTS_WITHIN)
    server = Server(
        app(settings, client, clock),
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MS, max_buffer_size=MOST_HEAD),
        websockets=False,
        backpressure=CONNECTIONS,
        log_enabled=False,
        log_access=False,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    ended = not stop.is_set()
    if ended:
        _log.error("the listener ended by itself")
        stopping.cancel()
    server.stop()  # type: ignore[no-untyped-call]
    await asyncio.wait((serving,), timeout=DRAIN_SECONDS)
    await client.close()
    return 1 if ended else 0


if __name__ == "__main__":
    sys.exit(main())
