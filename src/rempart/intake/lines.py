"""A stream of CSV bytes, cut into chunks of whole lines that keep the lines of one person together. Memory holds one chunk."""

from collections.abc import Iterator
from dataclasses import dataclass

from rempart.intake.columns import read_header
from rempart.intake.errors import BadText
from rempart.intake.model import Kind

CHUNK = 3_000_000
"""Bytes of a chunk: some 22,000 lines, enough to make the cost of each chunk small, little enough to hold several."""
LONGEST_HEADER = 4_096
MOST_CONTRACTS = 50
"""Lines of one person at most: what a cut looks back over."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines, and the number of the first of them (the header is line 1)."""

    first_line: int
    data: bytes
    lines: int


class Splitter:
    """Fed with bytes as they come; gives chunks. The header is read and checked as soon as it is whole."""

    def __init__(self, kind: Kind, size: int = CHUNK) -> None:
        self._kind, self._size = kind, size
        self._buffer = bytearray()
        self.columns: list[str] = []
        self.lines = 0
        """Data lines given so far."""

    def feed(self, data: bytes) -> Iterator[Chunk]:
        """Take bytes in, give the chunks that they complete. Raises ForbiddenColumn, BadHeader, BadText."""
        self._buffer += data
        if not self.columns:
            end = self._buffer.find(b"\n")
            if end < 0:
                if len(self._buffer) > LONGEST_HEADER:
                    raise BadText("header")
                return
            self._take_header(end)
        while len(self._buffer) >= self._size:
            yield self._cut(self._last_cut())

    def finish(self) -> Iterator[Chunk]:
        """The end of the stream: give what is left. A last line without LF counts."""
        if not self.columns:
            self._take_header(len(self._buffer))
        if self._buffer:
            if not self._buffer.endswith(b"\n"):
                self._buffer += b"\n"
            yield self._cut(len(self._buffer))

    def _take_header(self, end: int) -> None:
        self.columns = read_header(bytes(self._buffer[:end]), self._kind)
        del self._buffer[: end + 1]
        self._person = self.columns.index("member_ref") if "member_ref" in self.columns else None

    def _cut(self, end: int) -> Chunk:
        data = bytes(self._buffer[:end])
        del self._buffer[:end]
        lines = data.count(b"\n")
        chunk = Chunk(self.lines + 2, data, lines)
        self.lines += lines
        return chunk

    def _last_cut(self) -> int:
        """Where the last person of the buffer begins: that person may go on in bytes still to come."""
        end = self._buffer.rfind(b"\n") + 1
        if not end:
            raise BadText("a line without end")
        if self._person is None:
            return end
        start = self._line_before(end)
        person = self._person_of(start, end)
        for _ in range(MOST_CONTRACTS):
            before = self._line_before(start)
            if start == before or self._person_of(before, start) != person:
                break
            start = before
        return start or end

    def _line_before(self, end: int) -> int:
        return self._buffer.rfind(b"\n", 0, end - 1) + 1 if end else 0

    def _person_of(self, start: int, end: int) -> bytes:
        assert self._person is not None
        fields = bytes(self._buffer[start:end]).split(b";", self._person + 1)
        return fields[self._person] if len(fields) > self._person else b""
