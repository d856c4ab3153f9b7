"""The JSON body of a signed request, read strictly. An error names the element at fault; never a value, nor a key that a client made up."""

import re
from typing import TypeVar

import msgspec

from rempart.foundation.errors import BadInput

B = TypeVar("B")


def read_body(content: bytes, kind: type[B]) -> B:
    """The body as `kind`. Raises BadInput naming the element."""
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
