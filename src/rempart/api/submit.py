"""`POST /fhir/CoverageEligibilityRequest/$submit`: the one hot path, as a bare ASGI callable.

The request goes whole to the vault, which verifies the signature before it reads the body. This door parses nothing of it.
"""

import logging
import re
import secrets
from collections.abc import Iterable

from starlette.types import Receive, Scope, Send

from rempart.api.answers import answer_to_fhir
from rempart.api.headers import FHIR_JSON, HSTS, SECURE_HEADERS
from rempart.api.refusals import outcome
from rempart.api.signed import BODY_SECONDS, FHIR_TYPES, ClientLeftError, read_signed
from rempart.foundation.errors import Outage
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import Answer, Refused, Reply

PATHS = frozenset({"/fhir/CoverageEligibilityRequest/$submit", "/fhir/CoverageEligibilityRequest/%24submit"})
_NONCE = re.compile(r';nonce="([A-Za-z0-9_-]{22})"')
_log = logging.getLogger("rempart.api")


class RightsCheck:
    """The callable. One instance a door process."""

    def __init__(
        self, client: VaultClient, *, production: bool = False, body_seconds: float = BODY_SECONDS
    ) -> None:
        self._client = client
        self._body_seconds = body_seconds
        self._headers = [(b"content-type", FHIR_JSON), *SECURE_HEADERS, *([HSTS] if production else [])]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, body, extra = await self._answer(scope, receive)
        except ClientLeftError:
            # Gone, or its chunks were no chunks (RFC 9112 §7.1): the server says both in one word, and would tell the latter a 500.
            status, body, extra = outcome(Refused("bad-input", "body"))
        except Outage as error:
            reference = secrets.token_hex(4)
            _log.error("outage %s: %s %s", reference, type(error).__name__, error.detail)
            status, body, extra = outcome(Refused("outage", reference=reference))
        except Exception as error:  # noqa: BLE001 (the last net: a reference, and no word of what was asked)
            reference = secrets.token_hex(4)
            _log.error("internal %s: %s", reference, type(error).__name__)
            status, body, extra = outcome(Refused("internal", reference=reference))
        headers = [*self._headers, (b"content-length", b"%d" % len(body)), *extra]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(
        self, scope: Scope, receive: Receive
    ) -> tuple[int, bytes, Iterable[tuple[bytes, bytes]]]:
        if scope["method"] != "POST":
            status, body, _ = outcome(Refused("method"))
            return status, body, [(b"allow", b"POST")]
        if scope["query_string"]:
            return outcome(Refused("bad-input", "query"))
        act = await read_signed(scope, receive, FHIR_TYPES, self._body_seconds)
        if isinstance(act, Refused):
            return outcome(act)
        return _told(await self._client.call(act), act.signature_input, act.language)


def _told(
    reply: Reply, signature_input: str, language: str
) -> tuple[int, bytes, Iterable[tuple[bytes, bytes]]]:
    if isinstance(reply, Answer):
        nonce = _NONCE.search(signature_input)
        return 200, answer_to_fhir(reply, language, nonce[1] if nonce else ""), ()
    if isinstance(reply, Refused):
        return outcome(reply)
    raise TypeError(f"the vault replied a {type(reply).__name__} to a rights check")
