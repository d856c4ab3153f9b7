"""However a stream is cut on its way, the same lines come out, and one person's lines stay together."""

import gzip
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from rempart.intake.compression import PIECE, Expander
from rempart.intake.errors import BadCompression, BadText
from rempart.intake.lines import Splitter
from rempart.intake.model import MEMBER_COLUMNS, Kind

HEADER = (";".join(MEMBER_COLUMNS) + "\n").encode()


def written(persons: list[int]) -> bytes:
    """A body in which the n-th person has that many lines."""
    return b"".join(
        f"99000001;a;M{number};;;;;;;C{line};;;;;;;\n".encode()
        for number, lines in enumerate(persons)
        for line in range(lines)
    )


@given(st.lists(st.integers(1, 6), max_size=40), st.integers(1, 400), st.integers(600, 3_000))
def test_chunks_are_the_file_and_never_cut_a_person(persons: list[int], bite: int, size: int) -> None:
    body = written(persons)
    splitter = Splitter(Kind.FULL, size)
    data = HEADER + body
    chunks = []
    for start in range(0, len(data), bite):
        chunks += list(splitter.feed(data[start : start + bite]))
    chunks += list(splitter.finish())
    assert b"".join(chunk.data for chunk in chunks) == body
    assert splitter.lines == sum(persons)
    seen: set[bytes] = set()
    line = 2
    for chunk in chunks:
        assert chunk.first_line == line
        line += chunk.lines
        here = {row.split(b";")[2] for row in chunk.data.splitlines()}
        assert not here & seen
        seen |= here


def test_a_last_line_without_its_end_counts() -> None:
    splitter = Splitter(Kind.FULL)
    list(splitter.feed(HEADER + written([1])[:-1]))
    assert [chunk.data for chunk in splitter.finish()] == [written([1])]


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    splitter = Splitter(Kind.FULL, 1_000)
    with pytest.raises(BadText):
        list(splitter.feed(HEADER + b"x" * 2_000))
    with pytest.raises(BadText):
        list(Splitter(Kind.FULL).feed(b"x" * 5_000))


def expand(data: bytes, bite: int) -> bytes:
    expander = Expander()
    out = [
        piece for start in range(0, len(data), bite) for piece in expander.feed(data[start : start + bite])
    ]
    return b"".join([*out, *expander.finish()])


@given(
    st.binary(max_size=3_000), st.binary(max_size=300), st.integers(1, 700), st.sampled_from(["gz", "zst"])
)
def test_whatever_was_compressed_comes_back(data: bytes, more: bytes, bite: int, how: str) -> None:
    compress = gzip.compress if how == "gz" else zstandard.ZstdCompressor().compress
    # Two members one after the other are one file (RFC 1952 §2.2; zstandard's frames likewise).
    assert expand(compress(data) + compress(more), bite) == data + more


@given(st.binary(max_size=100), st.integers(1, 50))
def test_plain_bytes_pass_as_they_are(data: bytes, bite: int) -> None:
    plain = b"amc;" + data
    assert expand(plain, bite) == plain


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_half_a_compressed_file_is_refused(compress: object) -> None:
    assert callable(compress)
    data = compress(bytes(range(256)) * 50)
    with pytest.raises(BadCompression):
        expand(data[:-5], 100)
    with pytest.raises(BadCompression):
        expand(data[:4] + b"\xff" * 40, 100)


@pytest.mark.parametrize("how", ["gz", "zst"])
def test_a_bomb_comes_out_in_bounded_pieces(how: str) -> None:
    zeros = bytes(1 << 20)
    if how == "gz":
        maker = zlib.compressobj(9, wbits=31)
        bomb = b"".join([maker.compress(zeros) for _ in range(128)]) + maker.flush()
    else:
        maker2 = zstandard.ZstdCompressor(level=19).compressobj()
        bomb = b"".join([maker2.compress(zeros) for _ in range(128)]) + maker2.flush()
    expander = Expander()
    sizes = [len(piece) for piece in expander.feed(bomb)]
    assert sum(sizes) == 128 << 20
    assert max(sizes) <= {"gz": PIECE, "zst": 32 * PIECE}[how]
