"""Frames on the socket: four bytes of length, big-endian, then one MessagePack message. A longer frame than the cap ends the connection.

Writes made in one turn of the event loop leave as one: a hundred answers of a batch cost one system call.
"""

import asyncio
from collections.abc import Callable
from typing import cast

MAX_FRAME = 256 * 1024
"""Bytes of a call. A door takes bodies of 64 KiB at most."""
MAX_REPLY = 4 * 1024 * 1024
"""Bytes of a reply: a hospital's statement, of thousands of invoices, on paper or as a spreadsheet."""


class FrameProtocol(asyncio.Protocol):
    """Splits the stream into frames, and coalesces what is sent."""

    def __init__(self, received: Callable[[memoryview], None], most: int = MAX_FRAME) -> None:
        self._received = received
        self._most = most
        self._incoming = bytearray()
        self._outgoing: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio.Transport.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._incoming += data
        incoming, start = self._incoming, 0
        with memoryview(incoming) as view:
            while len(incoming) - start >= 4:
                size = int.from_bytes(view[start : start + 4], "big")
                if size > self._most:
                    self.close()
                    return
                if len(incoming) - start - 4 < size:
                    break
                self._received(view[start + 4 : start + 4 + size])
                start += 4 + size
        del incoming[:start]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        self._transport = None

    @property
    def open(self) -> bool:
        """Can something still be sent?"""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, payload: bytes) -> None:
        """Queue one frame; it leaves at the end of this turn of the loop. Nothing happens on a closed connection."""
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(len(payload).to_bytes(4, "big"))
        self._outgoing.append(payload)

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()

    def _flush(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.writelines(self._outgoing)
        self._outgoing.clear()
