"""Templates as both doors that people see use them: everything is escaped, an unknown name is an error."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse

from rempart.doorway.language import reader_language, speaker
from rempart.foundation.clock import instant

FRAME = Path(__file__).parent / "templates"


def strict_environment(
    own: Path, origin: str, address: Callable[[str], str], **words: Any
) -> jinja2.Environment:
    """A door's `own` templates over the shared ones; `address`: where a page finds a file; `words`: what they may name besides."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader([own, FRAME]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(origin=origin, asset=address, **words)
    env.filters.update(
        machine=lambda micros: instant(micros).isoformat(timespec="seconds"),
        as_json=lambda value: msgspec.json.encode(value).decode(),
    )
    return env


def fragment(env: jinja2.Environment, name: str, language: str, **values: Any) -> str:
    """A piece of a page."""
    return env.get_template(f"fragments/{name}").render(t=speaker(language), language=language, **values)


def page(
    env: jinja2.Environment, name: str, request: Request, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """A whole page, in its reader's language."""
    language = reader_language(request)
    html = env.get_template(name).render(t=speaker(language), language=language, **values)
    headers = {"Content-Language": language, "Vary": "Accept-Language, Cookie"}
    return HTMLResponse(html, status_code=status, headers=headers)
