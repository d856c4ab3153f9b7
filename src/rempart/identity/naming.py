"""What counts as a name. Names are shown to colleagues, never searched, never logged."""

import re
import unicodedata

from rempart.identity.errors import BadName

_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0]")
"""Characters that Unicode counts among letters, marks and signs, and that nobody sees (UAX #44, Default_Ignorable_Code_Point; U+2800)."""


def is_seen(text: str) -> bool:
    """Is every character of it one that people see, on one line?"""
    return text.isprintable() and not _UNSEEN.search(text)


def check_name(text: str) -> str:
    """A display name, composed (NFC) and with single spaces. Raises BadName."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not 2 <= len(name) <= 80 or not is_seen(name):
        raise BadName("name")
    return name
