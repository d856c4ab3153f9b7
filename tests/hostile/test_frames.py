"""What a caller who has gone wrong writes to the hatch ends its own connection, and nobody else's."""

import asyncio
import struct
from contextlib import suppress
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.frames import MAX_FRAME
from rempart.vaultdoor.listener import Desk, listen
from rempart.vaultdoor.messages import Act, Call, Done, Envelope, Health, Jwks, Reply
from tests.hostile.mangling import spoilt


def framed(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


GOOD = [
    framed(msgspec.msgpack.encode(Envelope(1, Health()))),
    framed(msgspec.msgpack.encode(Envelope(2, Jwks()))),
    framed(msgspec.msgpack.encode(Envelope(3, Act("POST", "/acts/x", "d", "i", "s", "c", b"{}", "fr")))),
]
POISONED = [
    framed(b"\x91" * 100_000),  # arrays in arrays, a hundred thousand deep
    framed(b"\x81\xa1a" * 50_000),
    framed(b"\xdd\xff\xff\xff\xff"),  # an array of four thousand million
    framed(b"\xc6\xff\xff\xff\xff"),  # as many bytes, not there
    framed(b"\xa2\xff\xfe"),
    framed(b""),
    (MAX_FRAME + 1).to_bytes(4, "big"),
    b"\xff\xff\xff\xff" + b"x" * 100_000,
    GOOD[0] * 200,
    GOOD[2] + GOOD[1],
    struct.pack(">I", 5) + b"\x00",
]


async def answer(_: Call) -> Reply:
    return Done()


def test_frames_that_are_none_end_their_own_connection_only(tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        servers = runner.run(listen(Desk(answer), tmp_path, {"door": (Health,)}, {}))

        async def write(data: bytes) -> None:
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / "door.sock"))
            # A connection closed while we still write is an answer too.
            with suppress(ConnectionError):
                writer.write(data)
                writer.write_eof()
                await asyncio.wait_for(reader.read(), 5)
            writer.close()
            assert await asyncio.wait_for(honest.call(Health()), 5) == Done()

        async def connect() -> VaultClient:
            return VaultClient(tmp_path / "door.sock")

        honest = runner.run(connect())
        for data in POISONED:
            runner.run(write(data))

        @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(spoilt(GOOD) | st.binary(max_size=64))
        def spoil(data: bytes) -> None:
            runner.run(write(data))

        spoil()
        runner.run(honest.close())
        for server in servers:
            server.close()
