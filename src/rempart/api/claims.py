"""Claims in FHIR: a signed request goes whole to the claims zone, and its paper comes back. This door parses nothing of either.

Routes, each the address of an errand of the cashier's (docs/fhir.md).
"""

from starlette.requests import Request
from starlette.responses import Response

from rempart.api.headers import FHIR_JSON, reader_language
from rempart.api.responses import refused, told
from rempart.api.signed import FHIR_TYPES, FORM_TYPES, NO_BODY, read_signed
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import Paper, Refused

ROUTES = (
    ("POST", "/fhir/Claim/$submit"),
    ("GET", "/fhir/ClaimResponse"),
    ("POST", "/fhir/ClaimResponse/_search"),
    ("GET", "/fhir/ClaimResponse/{id}"),
    ("GET", "/fhir/PaymentReconciliation"),
    ("POST", "/fhir/PaymentReconciliation/_search"),
    ("GET", "/fhir/PaymentReconciliation/{id}"),
)


class ClaimsRelay:
    """The endpoint of all of them."""

    def __init__(self, cashier: VaultClient, *, production: bool = False) -> None:
        self._cashier, self._production = cashier, production

    async def relay(self, request: Request) -> Response:
        """Relay one request. Outages and surprises are told by the application's handlers."""
        language = reader_language(request.headers.get("accept-language", ""))
        act = await read_signed(request.scope, request.receive, _media_types(request))
        reply = act if isinstance(act, Refused) else await self._cashier.call(act)
        if isinstance(reply, Refused):
            return refused(reply, language=language, production=self._production)
        if not isinstance(reply, Paper) or reply.media_type != "application/fhir+json":
            raise TypeError(f"the cashier replied a {type(reply).__name__}")
        return told(reply.body, FHIR_JSON, reply.status, production=self._production)


def _media_types(request: Request) -> frozenset[str]:
    if request.method == "GET":
        return NO_BODY
    return FORM_TYPES if request.url.path.endswith("/_search") else FHIR_TYPES
