"""Words that an operator types, for a table that operators read."""

from rempart.foundation.errors import BadInput


def said(text: str, field: str) -> str:
    """On one line, one to two hundred characters. Raises BadInput."""
    words = " ".join(text.split())
    if not 1 <= len(words) <= 200 or not words.isprintable():
        raise BadInput(field)
    return words
