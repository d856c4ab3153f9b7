"""The vocabulary of the room."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Establishment:
    """An establishment, or an insurer's seat, as its people know it."""

    id: str
    """The vault's id (uuid)."""
    finess: str
    """"" for an insurer's seat."""
    name: str
    town: str
    profession: str
    amc: str = ""
    """Of an insurer's seat."""


@dataclass(frozen=True)
class Professional:
    """A person in an establishment. One row an establishment: a person who works in two has two."""

    account: str
    """The vault's account id (uuid)."""
    establishment: str
    name: str
    """How colleagues call them, e.g. "Claire Martin"."""
    rpps: str = ""
    adeli: str = ""
