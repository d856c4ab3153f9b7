"""Starlette's side of an answer: bytes with this door's headers."""

from collections.abc import Iterable

import msgspec
from starlette.responses import Response

from rempart.api.headers import FHIR_JSON, HSTS, JSON, SECURE_HEADERS
from rempart.api.refusals import outcome
from rempart.vaultdoor.messages import Refused

PAGE_POLICY = (
    b"default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_encode = msgspec.json.Encoder().encode


def told(
    body: bytes,
    content_type: bytes,
    status: int = 200,
    extra: Iterable[tuple[bytes, bytes]] = (),
    *,
    production: bool = False,
) -> Response:
    """A response with the door's headers; `extra` replaces those of the same name."""
    response = Response(body, status)
    mine = (
        dict(SECURE_HEADERS)
        | ({HSTS[0]: HSTS[1]} if production else {})
        | {b"content-type": content_type}
        | dict(extra)
    )
    response.raw_headers = [(b"content-length", b"%d" % len(body)), *mine.items()]
    return response


def told_json(value: object, status: int = 200, *, production: bool = False) -> Response:
    """A JSON document that is no FHIR resource."""
    return told(_encode(value), JSON, status, production=production)


def told_fhir(resource: object, *, production: bool = False) -> Response:
    """A FHIR resource."""
    return told(_encode(resource), FHIR_JSON, production=production)


def refused(
    refusal: Refused,
    extra: Iterable[tuple[bytes, bytes]] = (),
    *,
    language: str = "fr",
    production: bool = False,
) -> Response:
    """An OperationOutcome."""
    status, body, headers = outcome(refusal, language)
    return told(body, FHIR_JSON, status, [*headers, *extra], production=production)
