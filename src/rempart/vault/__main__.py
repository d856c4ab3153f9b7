"""`python -m rempart.vault --config FILE` serves; `init` makes its keys; `log-key` prints the ledger's public one, for its witnesses;
`begin-epoch` adds the next capsule key.
"""

import argparse
import asyncio
import gc
import logging
import signal
import sys
from pathlib import Path

import asyncpg
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rempart.evidence.note import SignerKey
from rempart.foundation.clock import Clock
from rempart.foundation.clockline import add_clock_option, read_clock
from rempart.foundation.errors import Outage, RempartError
from rempart.foundation.logs import configure_logs
from rempart.foundation.settings import VaultSettings, load_settings
from rempart.vault.checkpoints import LedgerUnsound
from rempart.vault.establishments import Calendar
from rempart.vault.keystore import (
    EpochInUse,
    Token,
    begin_epoch,
    complete_key_store,
    create_key_store,
    open_key_store,
)
from rempart.vault.notices import OPERATOR, Audited, journal
from rempart.vault.server import open_desk
from rempart.vault.zone import open_zone
from rempart.vaultdoor.listener import listen
from rempart.vaultdoor.messages import CALLERS

DRAIN_SECONDS = 8.0
_log = logging.getLogger("rempart.vault")


def main() -> int:
    """Parse the command line and run. Exit code 1 and a sentence when the vault cannot start."""
    parser = argparse.ArgumentParser(prog="rempart.vault", description=__doc__)
    parser.add_argument(
        "command", nargs="?", default="serve", choices=("serve", "init", "log-key", "begin-epoch")
    )
    parser.add_argument("--config", type=Path, required=True)
    add_clock_option(parser)
    arguments = parser.parse_args()
    configure_logs()
    try:
        settings = load_settings(VaultSettings, arguments.config)
        clock = read_clock(arguments.clock_fd, settings.mode)
        if arguments.command == "init":
            create_key_store(
                settings.key_store, settings.passphrase_file, _token(settings), settings.claims_key
            )
        elif arguments.command == "log-key":
            print(log_key(settings))  # noqa: T201 (the key that witnesses have to be given)
        elif arguments.command == "begin-epoch":
            epoch = uvloop.run(begin_next_epoch(settings, clock))
            print(f"Epoch {epoch} begins once the vault, then the sealer, are started again.")  # noqa: T201
        else:
            uvloop.run(serve(settings, clock))
    except RempartError as error:
        print(f"{error.code}: {error.english} {error.detail}", file=sys.stderr)  # noqa: T201 (before logs matter)
        return 1
    return 0


async def serve(settings: VaultSettings, clock: Clock) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in flight."""
    keys = complete_key_store(settings.key_store, settings.passphrase_file, _token(settings))
    zone = await open_zone(settings, clock, keys)
    desk = open_desk(zone)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await zone.checkpoints.sign_if_grown()
    await zone.witnessing.begin()
    witnessing = asyncio.create_task(zone.witnessing.follow())
    witnessing.add_done_callback(_say_if_unwitnessed)
    signing = asyncio.create_task(zone.checkpoints.follow())
    signing.add_done_callback(lambda _: stop.set())
    earning = asyncio.create_task(zone.earning.follow())
    earning.add_done_callback(_say_if_failed)
    counting = asyncio.create_task(zone.operations.keep())
    watching = asyncio.create_task(zone.switches.follow())
    forgetting = asyncio.create_task(zone.features.follow(clock))
    dating = asyncio.create_task(Calendar(zone.pool, clock).follow())
    servers = await listen(desk, settings.run_folder, CALLERS, settings.allowed_uids)
    # What was made at start lives as long as the process: the collector need not look at it again.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    await stop.wait()
    for server in servers:
        server.close()
    if signing.done():
        # Nothing more is answered, not even what is in flight: no checkpoint would cover it.
        zone.terminate_pools()
        error = signing.exception()
        _log.error("the vault stops, for it cannot sign its ledger: %s: %s", type(error).__name__, error)
        raise error or LedgerUnsound
    await desk.drain(DRAIN_SECONDS)
    signing.cancel()
    earning.cancel()
    forgetting.cancel()
    dating.cancel()
    watching.cancel()
    await zone.events.settle()
    await zone.checkpoints.sign_if_grown()
    counting.cancel()
    await zone.operations.record("stop")
    witnessing.cancel()
    zone.witnessing.close()
    await zone.ledger.close()
    await zone.close_pools()


def _say_if_unwitnessed(witnessing: asyncio.Task[None]) -> None:
    # The ledger goes on, signed and seen by nobody outside: somebody must know.
    if not witnessing.cancelled() and witnessing.exception() is not None:
        _log.critical("no witness is asked any more: %s", type(witnessing.exception()).__name__)


def _say_if_failed(earning: asyncio.Task[None]) -> None:
    # Lines then stay as they are, which is safe; somebody must know.
    if not earning.cancelled() and earning.exception() is not None:
        _log.critical("claims no longer lengthen lines: %s", type(earning.exception()).__name__)


def log_key(settings: VaultSettings) -> str:
    """The vkey of the ledger, before it signed anything: its witnesses must know it first. Raises KeyStoreClosed."""
    keys = open_key_store(settings.key_store, settings.passphrase_file, _token(settings))
    private = Ed25519PrivateKey.from_private_bytes(keys.ring.ledger)
    return SignerKey(settings.log_origin, private).verifier().text()


async def begin_next_epoch(settings: VaultSettings, clock: Clock) -> int:
    """Begin the next epoch, if every insurer with a generation is at the current one. Raises EpochInUse, KeyStoreClosed, Outage."""
    try:
        connection = await asyncpg.connect(settings.dsn)
        try:
            rows = await connection.fetch(
                "SELECT epoch, min(amc) AS amc FROM vault.insurer WHERE generation > 0 GROUP BY epoch ORDER BY epoch"
            )
            if not rows:
                raise EpochInUse("No insurer has a generation yet.")
            if len(rows) > 1:
                raise EpochInUse(
                    f"Insurer {rows[0]['amc']} is still at epoch {rows[0]['epoch']}: its next full file is missing."
                )
            async with connection.transaction():
                epoch = begin_epoch(
                    settings.key_store, settings.passphrase_file, _token(settings), in_use=rows[0]["epoch"]
                )
                await journal(connection, clock(), OPERATOR, Audited.EPOCH_BEGIN, str(epoch))
        finally:
            await connection.close()
    except (asyncpg.PostgresError, OSError) as error:
        raise Outage(f"The database or the key store's folder: {type(error).__name__}.") from error
    return epoch


def _token(settings: VaultSettings) -> Token | None:
    if settings.pkcs11_module is None:
        return None
    assert settings.pkcs11_pin_file is not None
    return Token(settings.pkcs11_module, settings.pkcs11_label, settings.pkcs11_pin_file)


if __name__ == "__main__":
    sys.exit(main())
