"""The headers of every answer: nothing inline, nothing foreign, nothing framed, nothing kept."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    # Only the script's one policy may turn text into HTML, and it does so for fragments that this door rendered.
    "require-trusted-types-for 'script'",
    "trusted-types rempart",
)
CONTENT_SECURITY_POLICY = "; ".join(_POLICY)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=(), "
        "publickey-credentials-create=(self), publickey-credentials-get=(self), clipboard-write=(self)"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The server would write its own name here.
    "Server": "rempart",
}
HSTS = "max-age=63072000; includeSubDomains"


def secure_headers(*, production: bool) -> dict[str, str]:
    """All of them, and nothing kept."""
    hsts = {"Strict-Transport-Security": HSTS} if production else {}
    return {**HEADERS, **hsts, "Cache-Control": "no-store"}


class SecureHeaders:
    """ASGI middleware. `Cache-Control: no-store` unless the answer said otherwise, which only fingerprinted files do."""

    def __init__(self, app: ASGIApp, *, production: bool) -> None:
        self._app = app
        self._headers = {**HEADERS, "Strict-Transport-Security": HSTS} if production else HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)
