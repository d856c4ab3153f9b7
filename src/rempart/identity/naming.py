"""What counts as a name. Names are shown to colleagues, never searched, never logged."""

import unicodedata

from rempart.identity.errors import BadName


def check_name(text: str) -> str:
    """A display name, composed (NFC) and with single spaces. Raises BadName."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not 2 <= len(name) <= 80 or any(unicodedata.category(char)[0] == "C" for char in name):
        raise BadName("name")
    return name
