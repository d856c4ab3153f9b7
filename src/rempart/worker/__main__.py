"""The worker's process: `python -m rempart.worker --config FILE`."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from procrastinate.jobs import DeleteJobCondition

from rempart.foundation.clock import Clock
from rempart.foundation.clockline import add_clock_option, read_clock
from rempart.foundation.errors import RempartError
from rempart.foundation.logs import configure_logs
from rempart.foundation.settings import WorkerSettings, load_settings
from rempart.worker.jobs import audit_at_start, make_jobs

ALIVE_EVERY = 2.0
DRAIN_SECONDS = 1.0
END_SECONDS = 2.0
"""After this long the process ends, whatever still waits (a client of a database that went first). Every job may be cut short: an audit
only reads, and what it writes is one file, replaced whole."""


def main() -> int:
    """Parse the command line and run. Exit code 1 and a sentence when the worker cannot start."""
    parser = argparse.ArgumentParser(prog="rempart.worker", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    add_clock_option(parser)
    arguments = parser.parse_args()
    configure_logs()
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    try:
        settings = load_settings(WorkerSettings, arguments.config)
        asyncio.run(serve(settings, read_clock(arguments.clock_fd, settings.mode)))
    except RempartError as error:
        print(f"{error.code}: {error.english} {error.detail}", file=sys.stderr)  # noqa: T201 (before logs matter)
        return 1
    return 0


async def serve(settings: WorkerSettings, clock: Clock) -> None:
    """Work until SIGTERM or SIGINT, then finish the job at hand, within a bound."""
    alive = settings.run_folder / "worker.alive"
    app = make_jobs(settings, clock)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with app.open_async():
        await audit_at_start(app)
        working = asyncio.create_task(
            app.run_worker_async(
                concurrency=1, delete_jobs=DeleteJobCondition.ALWAYS, install_signal_handlers=False,
                shutdown_graceful_timeout=DRAIN_SECONDS,
            )
        )  # fmt: skip
        living = asyncio.create_task(_show_life(alive))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((working, living, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            loop.call_later(END_SECONDS, os._exit, 1)
            living.cancel()
            stopping.cancel()
            alive.unlink(missing_ok=True)
            # Cancelling asks the worker for a graceful end; if it ended by itself, its error comes out here.
            working.cancel()
            try:
                await working
            except asyncio.CancelledError:
                if not stop.is_set():
                    raise


async def _show_life(file: Path) -> None:
    while True:
        file.touch()  # noqa: ASYNC240 (a RAM disk, or as good as one)
        await asyncio.sleep(ALIVE_EVERY)


if __name__ == "__main__":
    sys.exit(main())
