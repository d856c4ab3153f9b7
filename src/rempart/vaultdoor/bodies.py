"""The JSON body of a signed request, read strictly. An error names the element at fault; never a value, nor a key that a client made up."""

import re
from typing import TypeVar

import msgspec

from rempart.foundation.errors import BadInput

B = TypeVar("B")
MOST_DEPTH = 32
"""Arrays and objects inside one another. The deepest body of ours, a FHIR Claim, has ten."""
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


def require_shallow(content: bytes) -> None:
    """Raises BadInput for JSON nested deeper than anybody means to: before it is parsed, since parsers recurse on what they skip too."""
    if content.count(b"[") + content.count(b"{") <= MOST_DEPTH:
        return
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub(b"", content)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > MOST_DEPTH:
            raise BadInput("json")


def read_body(content: bytes, kind: type[B]) -> B:
    """The body as `kind`. Raises BadInput naming the element."""
    require_shallow(content)
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise BadInput(_element(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadInput("json") from None


def _element(message: str) -> str:
    """The element that msgspec names."""
    found = re.search(r" - at `\$\.?([^`]*)`$", message)
    missing = re.match(r"Object missing required field `([a-z_]+)`", message)
    if "unknown field" in message:
        return "unknown"
    return ".".join(part for part in (found[1] if found else "", missing[1] if missing else "") if part)
