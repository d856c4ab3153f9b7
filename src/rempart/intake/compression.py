"""Plain, gzip or zstandard, told apart by the first bytes; decompressed as it streams, in pieces of bounded size."""

import zlib
from collections.abc import Iterator

import zstandard

from rempart.intake.errors import BadCompression

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
PIECE = 1 << 20
"""Bytes of gzip given at once at most; of zstandard, see `_unzstd`."""
_BITE = 1_024
_WINDOW = 1 << 27
"""A zstandard window of 128 MiB at most: what `zstd --long` makes by default."""


class Expander:
    """Fed with the bytes of a file as they come; gives the plain bytes. Raises BadCompression."""

    def __init__(self) -> None:
        self._start = b""
        self._kind = ""
        self._gzip: zlib._Decompress | None = None
        self._zstd: zstandard.ZstdDecompressionObj | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take bytes in, give plain bytes out."""
        if not self._kind:
            self._start += data
            if len(self._start) < 4:
                return
            data, self._start = self._start, b""
            self._recognise(data)
        yield from self._expand(data)

    def finish(self) -> Iterator[bytes]:
        """The end: a compressed file must be whole."""
        if not self._kind:
            self._kind = "plain"
            yield self._start
        whole = self._kind == "plain" or (self._gzip or self._zstd) is None
        if not whole:
            raise BadCompression("incomplete")

    def _recognise(self, data: bytes) -> None:
        self._kind = "gzip" if data.startswith(_GZIP) else "zstd" if data.startswith(_ZSTD) else "plain"

    def _expand(self, data: bytes) -> Iterator[bytes]:
        if self._kind == "plain":
            yield data
        elif self._kind == "gzip":
            yield from self._gunzip(data)
        else:
            yield from self._unzstd(data)

    def _gunzip(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._gzip is None:
                # A gzip file may have several members, one after the other (RFC 1952 §2.2).
                self._gzip = zlib.decompressobj(wbits=31)
            try:
                piece = self._gzip.decompress(data, PIECE)
            except zlib.error:
                raise BadCompression("gzip") from None
            if piece:
                yield piece
            data = self._gzip.unconsumed_tail
            if self._gzip.eof:
                data = self._gzip.unused_data
                self._gzip = None
            elif not data and len(piece) < PIECE:
                return

    def _unzstd(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._zstd is None:
                self._zstd = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj(
                    write_size=PIECE
                )
            # The decompressor has no bound on what one call gives, small bites are the bound: a block is 4 bytes at least and 128 KiB at
            # most once expanded (RFC 8878 §3.1.1.2), so that a hostile kilobyte gives 32 MiB.
            bite, data = data[:_BITE], data[_BITE:]
            try:
                piece = self._zstd.decompress(bite)
            except zstandard.ZstdError:
                raise BadCompression("zstandard") from None
            if piece:
                yield piece
            if self._zstd.eof:
                data = self._zstd.unused_data + data
                self._zstd = None
