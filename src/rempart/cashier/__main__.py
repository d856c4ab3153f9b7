"""The cashier's process: `python -m rempart.cashier --config FILE`."""

import argparse
import asyncio
import gc
import logging
import signal
import sys
from functools import partial
from pathlib import Path

import uvloop

from rempart import __version__
from rempart.cashier import care, daily, fhir, fhir_payments, incidents, insurer, money
from rempart.cashier.applying import Applying
from rempart.cashier.errands import Errands, perform
from rempart.cashier.zone import Zone, learn_keys, open_zone
from rempart.foundation.clock import Clock
from rempart.foundation.clockline import add_clock_option, read_clock
from rempart.foundation.errors import Outage, RempartError
from rempart.foundation.logs import configure_logs
from rempart.foundation.settings import CashierSettings, load_settings
from rempart.vaultdoor.listener import Desk, listen
from rempart.vaultdoor.messages import (
    Act,
    AddPiece,
    AskDossierState,
    Call,
    FinishDossier,
    Health,
    Healthy,
    Message,
    OpenDossier,
    Refused,
    Reply,
)

DRAIN_SECONDS = 8.0
CALLERS: dict[str, tuple[type[Message], ...]] = {
    "door": (Act, OpenDossier, AddPiece, FinishDossier, AskDossierState, Health),
    "probe": (Health,),
    "worker": (Health,),
}
"""Who may send what; each caller has a socket of its own (docs/trust-zones.md)."""
_log = logging.getLogger("rempart.cashier")


def main() -> int:
    """Parse the command line and run. Exit code 1 and a sentence when the cashier cannot start."""
    parser = argparse.ArgumentParser(prog="rempart.cashier", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    add_clock_option(parser)
    arguments = parser.parse_args()
    configure_logs()
    try:
        settings = load_settings(CashierSettings, arguments.config)
        uvloop.run(serve(settings, read_clock(arguments.clock_fd, settings.mode)))
    except RempartError as error:
        print(f"{error.code}: {error.english} {error.detail}", file=sys.stderr)  # noqa: T201 (before logs matter)
        return 1
    return 0


async def serve(settings: CashierSettings, clock: Clock) -> None:
    """Serve until SIGTERM or SIGINT; then accept nothing more and finish what is in flight."""
    zone = await open_zone(settings, clock)
    desk = Desk(partial(answer, zone=zone, errands=all_errands(), applying=Applying(zone)))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    servers = await listen(desk, settings.run_folder, CALLERS, settings.allowed_uids, prefix="claims-")
    gc.freeze()
    await stop.wait()
    for server in servers:
        server.close()
    await desk.drain(DRAIN_SECONDS)
    await zone.vault.close()
    await zone.pool.close()


def all_errands() -> Errands:
    """The whole table."""
    return Errands(
        [
            care.TABLE,
            money.TABLE,
            insurer.TABLE,
            daily.TABLE,
            incidents.TABLE,
            fhir.TABLE,
            fhir_payments.TABLE,
        ]
    )


async def answer(call: Call, zone: Zone, errands: Errands, applying: Applying) -> Reply:
    """One call of a caller that may send it."""
    if isinstance(call, Act):
        return await perform(call, zone, errands)
    if isinstance(call, Health):
        return await _health(zone)
    if applying.takes(call):
        return await applying.answer(call)
    return Refused("not-found")


async def _health(zone: Zone) -> Healthy:
    """Ready when the database and the vault answer."""
    try:
        await zone.pool.fetchval("SELECT 1")
        await learn_keys(zone)
    except (Outage, OSError):
        _log.warning("not ready: the database or the vault does not answer")
        return Healthy(False, False, "", 0, __version__)
    return Healthy(True, True, "", 0, __version__)


if __name__ == "__main__":
    sys.exit(main())
