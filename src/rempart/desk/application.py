"""The desk as one ASGI application, of its own process and listener: no other door is mounted beside it."""

import logging
import secrets
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from rempart.desk.dossiers import Dossiers
from rempart.desk.errands import Errands
from rempart.desk.fragments import Fragments, environment
from rempart.desk.networks import KnownNetworks
from rempart.desk.pages import HOME, PAGES
from rempart.desk.relay import COOKIE, Relay
from rempart.doorway.files import StaticFiles
from rempart.doorway.headers import SecureHeaders
from rempart.doorway.shells import Shells
from rempart.foundation.clock import Clock
from rempart.foundation.errors import Outage
from rempart.foundation.settings import DeskSettings
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import Health, Healthy

FOLDER = Path(__file__).parent / "static"
_log = logging.getLogger("rempart.desk")


def app(settings: DeskSettings, client: VaultClient, clock: Clock) -> Starlette:
    """Build the desk. It opens no connection before the first request. Raises BadSettings."""
    files = StaticFiles(FOLDER)
    env = environment(settings.origin, files.address)
    shells = Shells(env, PAGES, COOKIE, HOME)
    fragments = Fragments(env)
    errands = Errands(settings, client, fragments, clock)
    relay = Relay(settings, client, fragments, errands, Dossiers(settings, client, fragments, clock))

    async def ready(_request: Request) -> Response:
        try:
            reply = await client.call(Health())
        except Outage:
            return PlainTextResponse("", 503)
        return PlainTextResponse("", 200 if isinstance(reply, Healthy) and reply.ready else 503)

    async def failed(_request: Request, error: Exception) -> Response:
        # The type and a reference only: a message could repeat what was typed.
        reference = secrets.token_hex(4)
        _log.error("internal error %s, reference %s", type(error).__name__, reference)
        return PlainTextResponse(reference, 500, headers={"Rempart-Code": "internal"})

    desk = Starlette(
        routes=[
            *shells.routes(),
            Route("/acts/{act:path}", relay.act, methods=["POST"], name="act"),
            Route("/desk/{act:path}", relay.act, methods=["POST"], name="desk"),
            Route("/static/{fingerprint}/{name:path}", files.serve, methods=["GET"], name="static"),
            Route("/health/ready", ready, methods=["GET"], name="ready"),
        ],
        middleware=[
            Middleware(SecureHeaders, production=settings.mode == "production"),
            Middleware(KnownNetworks, allowed=settings.allowed_networks),
        ],
        exception_handlers={404: shells.not_found, Exception: failed},
    )
    # Else an address that lacks only a slash would be answered with whatever Host the client wrote.
    desk.router.redirect_slashes = False
    return desk
