"""The sentinel's process: `python -m rempart.sentinel --config FILE`."""

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

import psycopg

from rempart.foundation.clock import Clock
from rempart.foundation.clockline import add_clock_option, read_clock
from rempart.foundation.errors import Outage, RempartError
from rempart.foundation.logs import configure_logs
from rempart.foundation.settings import SentinelSettings, load_settings
from rempart.sentinel.follow import Follower
from rempart.vaultdoor.client import VaultClient

ALIVE_EVERY = 2.0


def main() -> int:
    """Parse the command line and run. Exit code 1 and a sentence when the sentinel cannot start, or loses its database."""
    parser = argparse.ArgumentParser(prog="rempart.sentinel", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    add_clock_option(parser)
    arguments = parser.parse_args()
    configure_logs()
    try:
        settings = load_settings(SentinelSettings, arguments.config)
        asyncio.run(serve(settings, read_clock(arguments.clock_fd, settings.mode)))
    except RempartError as error:
        print(f"{error.code}: {error.english} {error.detail}", file=sys.stderr)  # noqa: T201 (before logs matter)
        return 1
    return 0


async def serve(settings: SentinelSettings, clock: Clock) -> None:
    """Watch until SIGTERM or SIGINT. A database that goes ends the process: what is not saved is read again at the next start."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    alive = settings.run_folder / "sentinel.alive"
    client = VaultClient(settings.run_folder / "sentinel.sock", timeout=5.0)
    try:
        # Nobody waits for this process but itself: its statements block its loop, and that is well.
        with psycopg.connect(settings.dsn, autocommit=True) as connection:
            follower = Follower(connection, client, clock, batch=settings.batch)
            follower.restore()
            await _watch(follower, settings, stop, alive)
            follower.save()
    except psycopg.Error as error:
        raise Outage(type(error).__name__) from error
    finally:
        await client.close()
        alive.unlink(missing_ok=True)


async def _watch(follower: Follower, settings: SentinelSettings, stop: asyncio.Event, alive: Path) -> None:
    loop, touched = asyncio.get_running_loop(), -ALIVE_EVERY
    while not stop.is_set():
        more = await follower.turn()
        if loop.time() - touched >= ALIVE_EVERY:
            touched = loop.time()
            alive.touch()  # noqa: ASYNC240 (a RAM disk, or as good as one)
        if not more:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), settings.poll_ms / 1000)


if __name__ == "__main__":
    sys.exit(main())
