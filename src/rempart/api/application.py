"""The API beside its hot path: public documents, uploads, health. One table of routes."""

import asyncio
import logging
import secrets

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rempart.api.audit_events import AuditEvents
from rempart.api.capability import capability_statement
from rempart.api.claims import ROUTES, ClaimsRelay
from rempart.api.definitions import Definitions
from rempart.api.headers import reader_language
from rempart.api.ledger import Ledger
from rempart.api.openapi import PAGES, openapi_document, render_page
from rempart.api.responses import PAGE_POLICY, refused, told, told_fhir, told_json
from rempart.api.settings import ApiSettings
from rempart.api.signed import ClientLeftError
from rempart.api.upload import Spool
from rempart.foundation.clock import Clock, system_clock
from rempart.foundation.errors import Outage
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.insurer import WHO_CONSULTED
from rempart.vaultdoor.messages import (
    Health,
    Healthy,
    Jwks,
    PublicKeys,
    Refused,
)

OFFLINE_CARDS = "/.well-known/offline-cards.json"
PREFIXES = ("/fhir/", "/openapi", "/intake/", "/health/", "/.well-known/", "/evidence/", "/ledger/")
"""What this application answers for."""
_log = logging.getLogger("rempart.api")


def app(
    settings: ApiSettings, client: VaultClient, cashier: VaultClient, clock: Clock = system_clock
) -> Starlette:
    """Build the application. It opens no connection before the first request, and needs no lifespan events. `cashier`: the claims zone."""
    published = Published(settings, client)
    definitions = Definitions(settings.origin, production=settings.production)
    audit_events = AuditEvents(client, settings.origin, production=settings.production)
    claims = ClaimsRelay(cashier, production=settings.production)
    ledger = Ledger(client, production=settings.production)
    routes = [
        ("/fhir/metadata", published.metadata),
        ("/fhir/{kind:definition}", definitions.all_of),
        ("/fhir/{kind:definition}/{name}", definitions.one),
        ("/fhir/examples", definitions.examples),
        ("/fhir/examples/{name}", definitions.example),
        ("/.well-known/jwks.json", published.jwks),
        (OFFLINE_CARDS, published.offline_cards),
        ("/evidence/checkpoint", ledger.checkpoint),
        ("/ledger/checkpoint", ledger.checkpoint),
        ("/ledger/tile/{path:path}", ledger.tile),
        ("/ledger/proof", ledger.proof),
        ("/openapi.json", published.openapi_json),
        ("/openapi", published.openapi_page),
        ("/openapi/style.css", published.openapi_style),
        ("/health/live", published.live),
        ("/health/ready", published.ready),
    ]
    intake = []
    if settings.spool_folder is not None:
        spool = Spool(settings, settings.spool_folder, clock)
        spool.clear_halves()
        intake = [
            Route("/intake/{amc}/{filename}", spool.put, methods=["PUT"]),
            Route("/intake/{delivery}", spool.state, methods=["GET"]),
        ]
    api = Starlette(
        routes=[
            *(Route(path, endpoint, methods=["GET"]) for path, endpoint in routes),
            *(Route(path, claims.relay, methods=[method]) for method, path in ROUTES),
            Route(WHO_CONSULTED, audit_events.search, methods=["POST"]),
            *intake,
        ],
        exception_handlers={
            HTTPException: published.no_route,
            Outage: published.outage,
            ClientLeftError: published.gone,
            Exception: published.failed,
        },
    )
    # Else an address that lacks only a slash would be answered with whatever Host the client wrote.
    api.router.redirect_slashes = False
    return api


class Published:
    """What anyone may read."""

    def __init__(self, settings: ApiSettings, client: VaultClient) -> None:
        self._production = settings.production
        self._client = client
        self._offline_file = settings.offline_file
        self._statement = capability_statement(settings.origin)
        self._document = openapi_document(settings.origin)
        self._page = render_page(self._document)
        self._style = (PAGES / "style.css").read_bytes()

    async def metadata(self, _: Request) -> Response:
        """The CapabilityStatement."""
        return told_fhir(self._statement, production=self._production)

    async def jwks(self, _: Request) -> Response:
        """The public keys that verify engagements."""
        reply = await self._client.call(Jwks())
        if not isinstance(reply, PublicKeys):
            return self._refused(reply)
        return told(reply.jwks, b"application/jwk-set+json", production=self._production)

    async def offline_cards(self, _: Request) -> Response:
        """What verifies offline cards: a file, so that it is there when vault and database are not."""
        try:
            content = await asyncio.to_thread(self._offline_file.read_bytes) if self._offline_file else b""
        except OSError:
            content = b""
        if not content:
            raise HTTPException(404)
        return told(content, b"application/json", production=self._production)

    async def openapi_json(self, _: Request) -> Response:
        """The OpenAPI document."""
        return told_json(self._document, production=self._production)

    async def openapi_page(self, _: Request) -> Response:
        """The same, to be read."""
        policy = [(b"content-security-policy", PAGE_POLICY)]
        return told(self._page, b"text/html; charset=utf-8", extra=policy, production=self._production)

    async def openapi_style(self, _: Request) -> Response:
        """The page's style."""
        return told(self._style, b"text/css; charset=utf-8", production=self._production)

    async def live(self, _: Request) -> Response:
        """This process answers."""
        return told_json({"live": True}, production=self._production)

    async def ready(self, _: Request) -> Response:
        """The vault behind it can answer too."""
        try:
            reply = await self._client.call(Health())
        except Outage:
            reply = Refused("outage")
        ready = isinstance(reply, Healthy) and reply.ready
        return told_json({"ready": ready}, 200 if ready else 503, production=self._production)

    async def no_route(self, _: Request, error: Exception) -> Response:
        """No such address, or not by this method."""
        assert isinstance(error, HTTPException)
        code = {404: "not-found", 405: "method"}.get(error.status_code, "bad-input")
        allowed = [
            (b"allow", value.encode()) for name, value in (error.headers or {}).items() if name == "Allow"
        ]
        return refused(Refused(code), allowed, production=self._production)

    async def gone(self, _: Request, _error: Exception) -> Response:
        """The client left before its request was whole, or its chunks were no chunks: the server says both in one word."""
        return refused(Refused("bad-input", "body"), production=self._production)

    async def outage(self, request: Request, error: Exception) -> Response:
        """The process behind this door does not answer."""
        reference = secrets.token_hex(4)
        _log.error("outage %s: %s", reference, type(error).__name__)
        return refused(
            Refused("outage", reference=reference), language=_language(request), production=self._production
        )

    async def failed(self, request: Request, error: Exception) -> Response:
        """A surprise: its type and a reference are logged, never its message."""
        reference = secrets.token_hex(4)
        _log.error("internal %s: %s", reference, type(error).__name__)
        return refused(
            Refused("internal", reference=reference), language=_language(request), production=self._production
        )

    def _refused(self, reply: object) -> Response:
        if isinstance(reply, Refused):
            return refused(reply, production=self._production)
        raise TypeError(f"the vault replied a {type(reply).__name__}")


def _language(request: Request) -> str:
    return reader_language(request.headers.get("accept-language", ""))
