"""Which tile a C2SP tlog-tiles path names."""

import re
from typing import NamedTuple

from rempart.evidence.errors import LedgerUnreadable
from rempart.evidence.tiles import WIDTH, tile_path

ENTRIES = -1
"""The level of the entry bundles, as a number."""
_PATH = re.compile(
    r"tile/(entries|0|[1-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?",
    re.ASCII,
)


class TileName(NamedTuple):
    """One tile: level (`ENTRIES` for commitments), number, how many hashes it holds."""

    level: int
    number: int
    width: int

    @property
    def path(self) -> str:
        """Its place under the log's prefix."""
        return tile_path("entries" if self.level == ENTRIES else self.level, self.number, self.width)

    @property
    def is_full(self) -> bool:
        """A full tile never changes."""
        return self.width == WIDTH


def read_tile_path(path: str) -> TileName:
    """The tile named, by its one spelling. Raises `LedgerUnreadable`."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise LedgerUnreadable("no tile has such a path")
    level, number, width = found.groups()
    name = TileName(
        ENTRIES if level == "entries" else int(level),
        int(number.replace("x", "").replace("/", "")),
        int(width or WIDTH),
    )
    # A width beyond 255, or a number that is padded too far, is another spelling of something else.
    if name.path != path:
        raise LedgerUnreadable("no tile has such a path")
    return name
