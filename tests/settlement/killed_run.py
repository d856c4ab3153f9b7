"""Settle in processes that die by SIGKILL at the n-th exchange with the database or the n-th change of the outbox.

`python killed_run.py JSON`, then a line of JSON on standard input for each run: {"outbox", "die_at"}; die_at 0 lives. Each run is a
process of its own, forked before anything is connected. A line for each on standard output: its exit status and the points it passed.
"""

import base64
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from rempart.claims import settlement
from rempart.claims.settlement import Payer, settle

given = json.loads(sys.argv[1])
settlement.BATCH, settlement.PART = given["batch"], given["part"]
passed = [0]


def point() -> None:
    """One more moment at which the machine may go dark."""
    passed[0] += 1
    if passed[0] == given["die_at"]:
        os.kill(os.getpid(), signal.SIGKILL)


class Mortal(psycopg.Connection[Any]):
    """Before and after each exchange, BEGIN and COMMIT among them."""

    def wait(self, *arguments: Any, **options: Any) -> Any:
        point()
        answer = super().wait(*arguments, **options)
        point()
        return answer


def outbox_changes(event: str, arguments: tuple[Any, ...]) -> None:
    """The interpreter tells before each opening and renaming."""
    if event in {"open", "os.rename"} and str(arguments[0]).startswith(given.get("outbox", "nowhere")):
        point()


def run(result: int) -> None:
    """Settle once, and tell how many points there were."""
    with Mortal.connect(given["dsn"], autocommit=True) as connection:
        passed[0] = 0
        key = X25519PrivateKey.from_private_bytes(base64.b64decode(given["key"]))
        payer = Payer("REMPART", given["debtor"], key, Path(given["outbox"]))
        settle(connection, payer, lambda: given["now"], lambda _: point())
        os.write(result, str(passed[0]).encode())


sys.addaudithook(outbox_changes)
for line in sys.stdin:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        given |= json.loads(line)
        run(writing)
        os._exit(0)
    os.close(writing)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(status, os.read(reading, 20).decode() or "0", flush=True)
    os.close(reading)
