"""From where operators come. Whoever comes from elsewhere is told that there is nothing here, whatever they ask for."""

from ipaddress import ip_address, ip_network

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from rempart.foundation.settings import BadSettings


class KnownNetworks:
    """ASGI middleware. The peer's own address counts: no header is believed, so that no proxy speaks for anybody."""

    def __init__(self, app: ASGIApp, *, allowed: tuple[str, ...]) -> None:
        self._app = app
        try:
            self._allowed = [ip_network(each, strict=False) for each in allowed]
        except ValueError:
            raise BadSettings("allowed_networks: IP addresses or networks") from None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._admits(scope):
            await PlainTextResponse("", 404)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _admits(self, scope: Scope) -> bool:
        peer = scope.get("client")
        try:
            address = ip_address(peer[0].partition("%")[0] if peer else "")
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._allowed)
