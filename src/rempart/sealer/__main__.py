"""The sealer's process: `python -m rempart.sealer --config FILE`; `python -m rempart.sealer recipient --config FILE` prints what insurers
encrypt to.
"""

import argparse
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rempart.foundation.clock import Clock
from rempart.foundation.clockline import add_clock_option, read_clock
from rempart.foundation.errors import Outage, RempartError
from rempart.foundation.logs import configure_logs
from rempart.foundation.settings import SealerSettings, load_settings
from rempart.vault.keystore import KeyStore, Token, complete_key_store, offline_key, open_key_store
from rempart.vault.published import PublishedKey

if TYPE_CHECKING:
    from rempart.sealer.offline_file import OfflineFile

NICE = 10
"""Look-ups go first: the sealer and its workers have the machine when nobody asks, and a tenth of a core's share when somebody does."""
IDLE_SECONDS = 0.2
RESTED_SECONDS = 3.0
"""After so long without work, workers are started: not before, since a platform that starts has better to do."""
_log = logging.getLogger(__name__)


class AnotherSealer(Outage):
    """Two sealers would drop each other's tables."""

    code = "another-sealer"
    french = "Un autre processus de scellement travaille déjà sur cette base."
    english = "Another sealer already works on this database."


def main() -> int:
    """Parse the command line and run until SIGTERM. Exit code 1 and a sentence when the sealer cannot start."""
    parser = argparse.ArgumentParser(prog="rempart.sealer", description=__doc__)
    parser.add_argument("command", nargs="?", default="serve", choices=("serve", "recipient"))
    parser.add_argument("--config", type=Path, required=True)
    add_clock_option(parser)
    arguments = parser.parse_args()
    configure_logs()
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    try:
        settings = load_settings(SealerSettings, arguments.config)
        if arguments.command == "recipient":
            print(recipient(settings))  # noqa: T201 (what was asked for)
        else:
            serve(settings, stop, read_clock(arguments.clock_fd, settings.mode))
    except RempartError as error:
        print(f"{error.code}: {error.english} {error.detail}", file=sys.stderr)  # noqa: T201 (before logs matter)
        return 1
    return 0


def recipient(settings: SealerSettings) -> str:
    """The intake key's public half (age1…)."""
    from pyrage import x25519

    keys = open_key_store(settings.key_store, settings.passphrase_file, _token(settings))
    return str(x25519.Identity.from_str(keys.ring.intake).to_public())


def _token(settings: SealerSettings) -> Token | None:
    if settings.pkcs11_module is None:
        return None
    assert settings.pkcs11_pin_file is not None
    return Token(settings.pkcs11_module, settings.pkcs11_label, settings.pkcs11_pin_file)


def serve(settings: SealerSettings, stop: threading.Event, clock: Clock) -> None:
    """Work until `stop` is set; a file in the middle is taken up again at the next start."""
    os.nice(NICE)
    # Read by polars when it is imported: workers share the cores, so that each needs one thread.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    from rempart.sealer import store
    from rempart.sealer.counting import SealingCount
    from rempart.sealer.load import Workshop
    from rempart.sealer.spool import Spool
    from rempart.sealer.watch import Round
    from rempart.sealer.workers import Access, Gang

    access = Access(settings.dsn, settings.key_store, settings.passphrase_file, _token(settings))
    keys = complete_key_store(settings.key_store, settings.passphrase_file, _token(settings))
    with store.connect(settings.dsn, "main") as connection:
        if not store.lock_alone(connection):
            raise AnotherSealer
        gang = Gang(access, keys, settings.parallel)
        workshop = Workshop(
            mode=settings.mode,
            origin=settings.origin,
            clock=clock,
            keys=keys,
            connection=connection,
            second=partial(store.connect, settings.dsn, "index"),
            gang=gang,
            count=SealingCount(settings.key_store, keys.ring, clock),
            cards_folder=settings.cards_folder,
            offline=_offline(settings, keys, clock),
            stopping=stop.is_set,
        )
        rounds = Round(workshop, Spool(settings.spool_folder, settings.run_folder / "sealer"))
        rounds.begin()
        listener = announce(settings.run_folder / "sealer.sock", stop)
        rested = time.monotonic()
        try:
            while not stop.is_set():
                if rounds.step():
                    rested = time.monotonic()
                else:
                    if time.monotonic() - rested > RESTED_SECONDS:
                        gang.hire()
                    stop.wait(IDLE_SECONDS)
        finally:
            listener.close()
            gang.dismiss()


def _offline(settings: SealerSettings, keys: KeyStore, clock: Clock) -> "OfflineFile | None":
    from rempart.sealer.offline_file import OfflineFile

    if settings.offline_file is None or not settings.origin:
        return None
    key = PublishedKey(offline_key(keys.ring))
    return OfflineFile(
        settings.offline_file, key, settings.origin, clock, days=settings.offline_days, hours=settings.offline_list_hours
    )  # fmt: skip


def announce(path: Path, stop: threading.Event) -> socket.socket:
    """Open sealer.sock: whoever connects reads `{"ready": true}` and a line's end, for as long as the sealer works."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(8)

    def answer() -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            with caller:
                caller.settimeout(1)
                try:
                    caller.sendall(json.dumps({"ready": not stop.is_set()}).encode() + b"\n")
                except OSError:
                    _log.debug("a caller went away")

    threading.Thread(target=answer, name="sealer.sock", daemon=True).start()
    return listener


if __name__ == "__main__":
    sys.exit(main())
