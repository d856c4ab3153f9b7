"""Which language a reader gets: their choice (a cookie), else what the browser asks for, else French."""

import re
from collections.abc import Callable

from starlette.requests import HTTPConnection

LANGUAGES = ("fr", "en")
COOKIE = "__Host-rempart-langue"
_BEFORE_HIGH_MARKS = re.compile(r" (?=[;:!?»%])")


def reader_language(connection: HTTPConnection) -> str:
    """ "fr" or "en"."""
    chosen = connection.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    return _preferred(connection.headers.get("accept-language", ""))


def _preferred(header: str) -> str:
    """The first of our languages in an Accept-Language header, by weight (RFC 9110 §12.5.4); French when it names none."""
    weighed: list[tuple[float, int, str]] = []
    for rank, item in enumerate(header.split(",")[:20]):
        tag, _, weight = item.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        language = tag.strip().lower().split("-")[0]
        if language in LANGUAGES and quality > 0:
            weighed.append((-quality, rank, language))
    return min(weighed)[2] if weighed else "fr"


def speaker(language: str) -> Callable[[str, str], str]:
    """For templates: `t("français", "English")`. Both sentences stand side by side, so that neither is forgotten."""
    if language == "en":
        return lambda _french, english: english
    # French typography: these marks never begin a line.
    return lambda french, _english: _BEFORE_HIGH_MARKS.sub("\u00a0", french)
