"""One HTTP exchange with a witness (C2SP tlog-witness), in a thread of its own, so that no answer ever waits for one.

The connection is kept open (C2SP asks for it). Whatever the witness does, the exchange ends in time.
"""

import asyncio
import http.client
import re
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from rempart.evidence.note import to_base64
from rempart.foundation.errors import Outage

SECONDS = 5.0
MAX_ANSWER = 128 * 1024
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


class WitnessUnreachable(Outage):
    """No answer, or none that C2SP tlog-witness knows."""

    code = "witness-unreachable"
    french = "Un témoin du registre ne répond pas."
    english = "A witness of the ledger does not answer."


@dataclass(frozen=True)
class Cosigned:
    """200: the signature lines, unverified."""

    lines: str


@dataclass(frozen=True)
class OtherSize:
    """409: the witness last cosigned a checkpoint of this size."""

    size: int


@dataclass(frozen=True)
class NotConsistent:
    """422: to this witness, the proof does not lead from what it cosigned to what it was shown."""


class WitnessCall:
    """The line to one witness."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._prefix = parts.path.rstrip("/")
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context()
            self._connection = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=SECONDS, context=context
            )
        else:
            self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=SECONDS)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="witness")

    async def add_checkpoint(
        self, old: int, proof: Sequence[bytes], note: str
    ) -> Cosigned | OtherSize | NotConsistent:
        """Raises `WitnessUnreachable`, for a refusal too that is no word about the log's growth."""
        lines = [f"old {old}", *map(to_base64, proof), ""]
        body = "".join(f"{line}\n" for line in lines) + note
        status, answer = await self._ask("POST", "/add-checkpoint", body.encode())
        if status == 200:
            return Cosigned(_text(answer))
        size = _SIZE.fullmatch(answer)
        if status == 409 and size is not None:
            return OtherSize(int(size[1]))
        if status == 422:
            return NotConsistent()
        raise WitnessUnreachable(f"it answers {status}")

    async def last(self, origin: str) -> str:
        """The last checkpoint cosigned of a log, "" where the witness shows none. Only witnesses of ours have this address."""
        status, answer = await self._ask("GET", f"/checkpoint?origin={quote(origin, safe='')}", b"")
        return _text(answer) if status == 200 else ""

    async def _ask(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(SECONDS):
                return await loop.run_in_executor(self._thread, self._exchange, method, path, body)
        except TimeoutError as error:
            # A witness that drips would hold the thread for ever: cut under it.
            self._cut()
            raise WitnessUnreachable("no answer in time") from error
        except (OSError, http.client.HTTPException) as error:
            raise WitnessUnreachable(type(error).__name__) from error

    def _exchange(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        kept = self._connection.sock is not None
        try:
            return self._once(method, path, body)
        except (OSError, http.client.HTTPException):
            self._connection.close()
            if not kept:
                raise
        # A connection kept open may have been closed by the other side meanwhile: that is no answer yet.
        try:
            return self._once(method, path, body)
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise

    def _once(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        self._connection.request(method, self._prefix + path, body or None)
        response = self._connection.getresponse()
        answer = response.read(MAX_ANSWER + 1)
        if len(answer) > MAX_ANSWER:
            raise http.client.HTTPException("too long")
        return response.status, answer

    def close(self) -> None:
        """Let go of the connection and the thread."""
        self._cut()
        # In its own thread, after what is under way there.
        self._thread.submit(self._connection.close)
        self._thread.shutdown(wait=False)

    def _cut(self) -> None:
        held = self._connection.sock
        if held is not None:
            try:
                held.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


def _text(answer: bytes) -> str:
    try:
        return answer.decode()
    except UnicodeDecodeError as error:
        raise WitnessUnreachable("its answer is not UTF-8") from error
