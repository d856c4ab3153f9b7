"""The headers of every API answer: nothing kept, nothing transformed, nothing run; and which language a caller reads."""

from functools import lru_cache

FHIR_JSON = b"application/fhir+json; charset=utf-8"
JSON = b"application/json; charset=utf-8"

SECURE_HEADERS: list[tuple[bytes, bytes]] = [
    # no-transform: a proxy that compresses would tell an absence from an answer by its length.
    (b"cache-control", b"no-store, no-transform"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # The server would write its own name here.
    (b"server", b"rempart"),
]
HSTS = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")


@lru_cache(maxsize=256)
def reader_language(accept_language: str) -> str:
    """ "fr" or "en": the first of the two in an Accept-Language header, by weight (RFC 9110 §12.5.4); French when it names neither."""
    best, weight_of_best = "fr", 0.0
    for item in accept_language.split(",")[:20]:
        tag, _, weight = item.strip().partition(";q=")
        language = tag.strip().lower().partition("-")[0]
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        if language in {"fr", "en"} and quality > weight_of_best:
            best, weight_of_best = language, quality
    return best
