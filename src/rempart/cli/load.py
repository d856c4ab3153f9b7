"""A light closed-loop load: each connection sends its next prepared request once the last answer has come."""

import asyncio
import os
import pickle
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import uvloop


@dataclass
class LoadResult:
    """What a run measured. Latencies in milliseconds."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    marked: int = 0
    """Answers that held the mark looked for."""
    latencies: list[float] = field(default_factory=list)
    ran_dry: bool = False
    """The prepared requests were used up before the time was."""

    def add(self, other: "LoadResult") -> None:
        """Count another run in."""
        self.seconds += other.seconds
        self.cpu_seconds += other.cpu_seconds
        self.statuses += other.statuses
        self.marked += other.marked
        self.latencies += other.latencies
        self.ran_dry |= other.ran_dry

    def quantile(self, share: float) -> float:
        """The latency below which this share of the answers came."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    @property
    def per_second(self) -> float:
        """Answers with status 200 a second."""
        return self.statuses[200] / self.seconds if self.seconds else 0.0


def run_load(
    host: str, port: int, requests: Sequence[bytes], *, seconds: float, concurrency: int, mark: bytes
) -> LoadResult:
    """Run in a process of its own, so that its processor time is told apart."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            result = uvloop.run(_drive(host, port, requests, seconds, concurrency, mark))
            with os.fdopen(write, "wb") as pipe:
                pickle.dump(result, pipe)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        content = pipe.read()
    os.waitpid(child, 0)
    if not content:
        raise RuntimeError("the load process died: is the door listening?")
    # Our own child wrote it, over a pipe that nobody else holds.
    result = pickle.loads(content)  # noqa: S301
    assert isinstance(result, LoadResult)
    return result


async def _drive(
    host: str, port: int, requests: Sequence[bytes], seconds: float, concurrency: int, mark: bytes
) -> LoadResult:
    loop = asyncio.get_running_loop()
    result, queue = LoadResult(), iter(requests)
    stop_at = time.perf_counter() + seconds
    done: list[asyncio.Future[None]] = [loop.create_future() for _ in range(concurrency)]
    started = time.perf_counter()
    cpu = time.process_time()
    for future in done:
        await loop.create_connection(partial(_Connection, queue, result, stop_at, future, mark), host, port)
    await asyncio.gather(*done)
    result.seconds = time.perf_counter() - started
    result.cpu_seconds = time.process_time() - cpu
    return result


class _Connection(asyncio.Protocol):
    def __init__(
        self,
        queue: Iterator[bytes],
        result: LoadResult,
        stop_at: float,
        done: "asyncio.Future[None]",
        mark: bytes,
    ) -> None:
        self._queue, self._result, self._stop_at, self._done, self._mark = queue, result, stop_at, done, mark
        self._incoming = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio.Transport.
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._incoming = self._incoming + data if self._incoming else data
        head = self._incoming.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._incoming.lower().find(b"content-length:", 0, head)
        length = int(self._incoming[at + 15 : self._incoming.find(b"\r\n", at)])
        if len(self._incoming) < head + 4 + length:
            return
        self._result.latencies.append((time.perf_counter() - self._sent_at) * 1000)
        self._result.statuses[int(self._incoming[9:12])] += 1
        self._result.marked += self._mark in self._incoming
        self._incoming = b""
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        if not self._done.done():
            self._done.set_result(None)

    def _send(self) -> None:
        now = time.perf_counter()
        request = next(self._queue, None) if now < self._stop_at else None
        if request is None:
            self._result.ran_dry |= now < self._stop_at
            self._transport.close()
            return
        self._sent_at = now
        self._transport.write(request)
