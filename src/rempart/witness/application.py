"""The witness's HTTP: C2SP tlog-witness `add-checkpoint`, and what it cosigned last. One table of routes, all public."""

import asyncio
import logging

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from rempart.witness.cosigning import Witness
from rempart.witness.errors import NotCosigned, OldSizeConflict, StateUnusable

MAX_BODY = 64 * 1024
"""Bytes: 63 hashes and sixteen post-quantum signatures are below."""
BODY_SECONDS = 5.0
_log = logging.getLogger("rempart.witness")


def app(witness: Witness) -> Starlette:
    """Build the application. It needs no lifespan events."""
    desk = _Desk(witness)
    return Starlette(
        routes=[
            Route("/add-checkpoint", desk.add_checkpoint, methods=["POST"]),
            Route("/checkpoint", desk.checkpoint, methods=["GET"]),
            Route("/health", desk.health, methods=["GET"]),
        ],
        exception_handlers={StateUnusable: desk.outage, Exception: desk.failed},
    )


class _Desk:
    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    async def add_checkpoint(self, request: Request) -> Response:
        """C2SP tlog-witness."""
        body = await _read(request)
        if body is None:
            return PlainTextResponse("the body is too long, or too slow\n", 413)
        try:
            return PlainTextResponse(self._witness.add_checkpoint(body))
        except OldSizeConflict as conflict:
            # Given as a header, the type is left as it is: C2SP has it without a charset.
            return Response(f"{conflict.size}\n", 409, headers={"content-type": "text/x.tlog.size"})
        except NotCosigned as refusal:
            # The sender's fault, or the log's: whoever runs the witness wants to see a fork.
            _log.warning("not cosigned: %s: %s", refusal.code, refusal.detail)
            return PlainTextResponse(f"{refusal.english} {refusal.detail}\n", refusal.status)

    async def checkpoint(self, request: Request) -> Response:
        """`?origin=`: the last checkpoint cosigned of a log, with its cosignature. Beyond C2SP; a restored vault reads it."""
        last = self._witness.last(request.query_params.get("origin", ""))
        if last is None:
            return PlainTextResponse("nothing was cosigned under this name\n", 404)
        return PlainTextResponse(last.note)

    async def health(self, _: Request) -> Response:
        """This process answers."""
        return PlainTextResponse("ok\n")

    async def outage(self, _: Request, error: Exception) -> Response:
        """Nothing was cosigned: it could not be remembered."""
        _log.critical("nothing is cosigned: %s", error)
        return PlainTextResponse("the witness's memory cannot be used\n", 503)

    async def failed(self, _: Request, error: Exception) -> Response:
        """A surprise: its type is logged."""
        _log.error("internal: %s", type(error).__name__)
        return PlainTextResponse("internal error, nothing was cosigned\n", 500)


async def _read(request: Request) -> bytes | None:
    """The body, or None when it is too long or takes too long."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    return None
    except TimeoutError:
        return None
    return bytes(body)
