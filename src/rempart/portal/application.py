"""The portal as one ASGI application, to be mounted at / by the front."""

import logging
import secrets
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rempart.doorway.files import StaticFiles
from rempart.doorway.headers import SecureHeaders
from rempart.doorway.language import reader_language
from rempart.doorway.shells import Shells
from rempart.foundation.clock import Clock, system_clock
from rempart.identity.directory import Directory
from rempart.portal.applying import Applying
from rempart.portal.fragments import Fragments, environment
from rempart.portal.names import Names
from rempart.portal.pages import HOME, PAGES
from rempart.portal.refusals import refuse_method
from rempart.portal.relay import COOKIE, Relay, internal_error
from rempart.portal.settings import PortalSettings
from rempart.portal.status_page import STATUS, status_routes
from rempart.status.reading import StatusReader
from rempart.vaultdoor.client import VaultClient

FOLDER = Path(__file__).parent / "static"
_log = logging.getLogger("rempart.portal")


def app(
    settings: PortalSettings, client: VaultClient, cashier: VaultClient, clock: Clock = system_clock
) -> Starlette:
    """Build the portal. It opens no connection before the first request, and needs no lifespan events."""
    files = StaticFiles(FOLDER)
    env = environment(settings.origin, files.address)
    shells = Shells(env, PAGES, COOKIE, HOME, besides={STATUS})
    fragments = Fragments(env)
    dsn = settings.identity_dsn
    status = StatusReader(dsn, clock) if dsn else None
    names = Names(Directory(dsn) if dsn else None, status)
    relay = Relay(settings, client, names, fragments)
    errands = Relay(settings, cashier, names, fragments)

    async def failed(request: Request, error: Exception) -> Response:
        # The type and a reference only: a message could repeat what was typed.
        reference = secrets.token_hex(4)
        _log.error("internal error %s, reference %s", type(error).__name__, reference)
        return internal_error(reference, reader_language(request))

    portal = Starlette(
        routes=[
            *shells.routes(),
            *status_routes(env, status, settings.origin),
            *Applying(settings, cashier, fragments).routes(),
            Route("/acts/{act:path}", relay.act, methods=["POST"], name="act"),
            Route("/claims/{errand:path}", errands.act, methods=["POST"], name="errand"),
            Route("/static/{fingerprint}/{name:path}", files.serve, methods=["GET"], name="static"),
        ],
        middleware=[Middleware(SecureHeaders, production=settings.production)],
        exception_handlers={404: shells.not_found, 405: refuse_method, Exception: failed},
    )
    # Else an address that lacks only a slash would be answered with whatever Host the client wrote.
    portal.router.redirect_slashes = False
    return portal
