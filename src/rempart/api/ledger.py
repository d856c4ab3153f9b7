"""The ledger, public: C2SP tlog-tiles under `/ledger/`, and the proof of one answer. Commitments and hashes, the same for everybody.

A full tile never changes: it is kept here, so that mirrors weigh on this door alone.
"""

import re
from collections import OrderedDict

from starlette.requests import Request
from starlette.responses import Response

from rempart.api.responses import refused, told
from rempart.evidence.errors import LedgerUnreadable
from rempart.evidence.tilepath import read_tile_path
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import (
    AskProof,
    AskTile,
    Checkpoint,
    LedgerFile,
    Refused,
    Reply,
    SignedCheckpoint,
)

CACHED = 2_048
"""Full tiles: 16 MiB."""
TEXT, BYTES = b"text/plain; charset=utf-8", b"application/octet-stream"
_INDEX = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_FOR_EVER = (b"cache-control", b"public, max-age=31536000, immutable")
_SECONDS = (b"cache-control", b"public, max-age=1")
_ANYWHERE = (b"cross-origin-resource-policy", b"cross-origin")
_SOON = (b"retry-after", b"1")


class Ledger:
    """Relays to the vault what anybody may read of its ledger."""

    def __init__(self, client: VaultClient, *, production: bool) -> None:
        self._client, self._production = client, production
        self._full: OrderedDict[str, bytes] = OrderedDict()

    async def checkpoint(self, _: Request) -> Response:
        """The published checkpoint, with its witnesses' cosignatures."""
        reply = await self._client.call(Checkpoint())
        if not isinstance(reply, SignedCheckpoint):
            return self._refused(reply)
        if not reply.note:
            return self._refused(Refused("not-found"))
        return told(reply.note.encode(), TEXT, extra=(_SECONDS, _ANYWHERE), production=self._production)

    async def tile(self, request: Request) -> Response:
        """`tile/<L>/<N>[.p/<W>]` and `tile/entries/…`."""
        path = f"tile/{request.path_params['path']}"
        data = self._full.get(path)
        if data is None:
            try:
                name = read_tile_path(path)
            except LedgerUnreadable:
                return self._refused(Refused("not-found"))
            reply = await self._client.call(AskTile(name.level, name.number, name.width))
            if not isinstance(reply, LedgerFile):
                return self._refused(reply)
            data = reply.body
            if name.is_full:
                self._keep(path, data)
        return told(data, BYTES, extra=(_FOR_EVER, _ANYWHERE), production=self._production)

    async def proof(self, request: Request) -> Response:
        """`?index=`: the tlog-proof of one leaf; 404 with Retry-After while no published checkpoint covers it."""
        index = request.query_params.get("index", "")
        if _INDEX.fullmatch(index) is None:
            return self._refused(Refused("bad-input", "index"))
        reply = await self._client.call(AskProof(int(index)))
        if not isinstance(reply, LedgerFile):
            return self._refused(reply)
        return told(reply.body, TEXT, extra=(_SECONDS, _ANYWHERE), production=self._production)

    def _keep(self, path: str, data: bytes) -> None:
        self._full[path] = data
        if len(self._full) > CACHED:
            self._full.popitem(last=False)

    def _refused(self, reply: Reply) -> Response:
        if not isinstance(reply, Refused):
            raise TypeError(f"the vault replied a {type(reply).__name__}")
        soon = [_SOON] if reply.code == "ledger-not-yet" else []
        return refused(reply, soon, production=self._production)
