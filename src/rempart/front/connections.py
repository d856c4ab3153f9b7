"""How many connections one address may hold open. The server below counts connections in all, and whoever opens that many and says
nothing would keep everybody else out until each has timed out.

The server accepts by itself and tells nobody. So a watch looks at this process's own sockets every so often and shuts down what an
address holds beyond its share. A trusted proxy's connections are everybody's: never counted here, counted by the proxy itself
(docs/runbooks/proxy.md).
"""

import asyncio
import os
import resource
import socket
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from rempart.front.addresses import network_of

DESCRIPTORS = "/dev/fd"
"""This process's own, on Linux and macOS."""
EVERY_SECONDS = 0.2
LEAST_REST = 50
"""Rest between two sweeps, in times of what one takes: on the day when thousands come at once, looking at them is not what slows them."""
UNREAD_MS = 30_000
"""Milliseconds that an answer may lie unread: a telephone in a tunnel comes back within them."""
OTHER_FILES = 256
"""Open files that are no client's: libraries, uploads, the vault's socket, the watch's own."""


async def watch_connections(port: int, per_address: int, trusted: Callable[[str], bool]) -> None:
    """Sweep until cancelled; and once, when the server listens, bound how long an answer may lie unread."""
    unbounded, rest = True, EVERY_SECONDS
    while True:
        await asyncio.sleep(rest)
        began = time.thread_time()
        with suppress(OSError):
            if unbounded and bound_unread_answers(port, UNREAD_MS):
                unbounded = False
        # No descriptor left to look with: the next sweep finds some again.
        with suppress(OSError):
            sweep(port, per_address, trusted)
        rest = max(EVERY_SECONDS, LEAST_REST * (time.thread_time() - began))


def allow_connections(wanted: int) -> int:
    """Raise this process's own limit of open files as far as it may, and return how many connections fit under it, `wanted` at most."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return max(1, soft - OTHER_FILES)
    return wanted


def bound_unread_answers(port: int, milliseconds: int) -> bool:
    """Let the system end a connection whose client takes nothing of its answer for that long; the server itself would wait for ever.

    Set on what listens, and inherited by each connection (RFC 5482; Linux alone). Returns whether something listened.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    found = False
    for descriptor in _descriptors():
        with suppress(OSError), closing(_own_copy(descriptor)) as listener:
            if _is_here(listener, port) and listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                found = True
                if option is not None:
                    listener.setsockopt(socket.IPPROTO_TCP, option, milliseconds)
    return found


def sweep(port: int, per_address: int, trusted: Callable[[str], bool]) -> int:
    """Shut down what is beyond, the latest first as far as descriptors tell. Returns how many.

    With fewer descriptors than one address may have connections, nobody can be beyond: then nothing is looked at, which is nearly always.
    """
    descriptors = _descriptors()
    if len(descriptors) <= per_address:
        return 0
    held: dict[str, int] = {}
    ended = 0
    for descriptor in descriptors:
        with suppress(OSError), closing(_own_copy(descriptor)) as connection:
            peer = _peer(connection, port)
            if peer is None or trusted(peer):
                continue
            address = network_of(peer)
            held[address] = held.get(address, 0) + 1
            if held[address] > per_address:
                connection.shutdown(socket.SHUT_RDWR)
                ended += 1
    return ended


def _descriptors() -> list[int]:
    return sorted(int(file.name) for file in Path(DESCRIPTORS).iterdir())


def _own_copy(descriptor: int) -> socket.socket:
    """A copy, so that the number cannot come to mean another file between the look and the act: the server's threads run meanwhile."""
    copy = os.dup(descriptor)
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise


def _peer(connection: socket.socket, port: int) -> str | None:
    """Who is at the other end of one of the front's connections; None for any other socket. Raises OSError where there is no other end."""
    return str(connection.getpeername()[0]) if _is_here(connection, port) else None


def _is_here(found: socket.socket, port: int) -> bool:
    return found.family in {socket.AF_INET, socket.AF_INET6} and found.getsockname()[1] == port
