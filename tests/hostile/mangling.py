"""Good input, spoilt: what a careful enemy sends is nearly right. One strategy for every parser."""

from collections.abc import Callable, Sequence

from hypothesis import strategies as st

POISON: tuple[bytes, ...] = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc3", b"\r", b"\n", b"\r\n", b"\t", b"\x1f", b"\x85", b"\xe2\x80\xa8", b"\xe2\x80\xae",
    b'"', b"'", b"\\", b"\\u0000", b"\\ud800", b";", b",", b"=", b":", b".", b"|", b"/", b"../", b"%00", b"%ff", b"$", b"#", b"&", b"<", b">",
    b"{", b"}", b"[", b"]", b"null", b"true", b"NaN", b"-", b"-1", b"0", b"00", b"1e999", b"1e-999", b"9" * 400, b"0." + b"0" * 400 + b"1",
    b"18446744073709551616", b"2147483648", b"9223372036854775807", b"0x10", b"1_000", b"\xd9\xa1", b"\xc2\xb2", b"\xef\xbc\x91",
    b"0000-00-00", b"9999-12-31", b"0001-01-01", b"2026-02-30", b"[" * 5_000, b'{"a":' * 2_000, b"a" * 70_000,
    b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>", b"&b;", b"<a>" * 3_000, b"!!python/object/apply:os.system [x]", b"*a &a",
)  # fmt: skip


@st.composite
def spoilt(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds after a few cuts, copies, flips and poisons; now and then anything at all."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 4))):
        change: Callable[[st.DrawFn, bytes, Sequence[bytes]], bytes] = draw(st.sampled_from(_CHANGES))
        data = change(draw, data, seeds)
    return data[:300_000]


def _place(draw: st.DrawFn, data: bytes) -> int:
    return draw(st.integers(0, len(data)))


def _insert(draw: st.DrawFn, data: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(draw, data)
    return data[:at] + draw(st.sampled_from(POISON)) + data[at:]


def _replace_token(draw: st.DrawFn, data: bytes, _: Sequence[bytes]) -> bytes:
    """A run of letters or digits becomes something else: where values are."""
    at = _place(draw, data)
    end = at
    while end < len(data) and data[end : end + 1].isalnum():
        end += 1
    while at > 0 and data[at - 1 : at].isalnum():
        at -= 1
    return data[:at] + draw(st.sampled_from(POISON)) + data[end:]


def _flip(draw: st.DrawFn, data: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(draw, data)
    return data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1 :]


def _cut(draw: st.DrawFn, data: bytes, _: Sequence[bytes]) -> bytes:
    at, end = sorted((_place(draw, data), _place(draw, data)))
    return data[:at] + data[end:]


def _truncate(draw: st.DrawFn, data: bytes, _: Sequence[bytes]) -> bytes:
    return data[: _place(draw, data)]


def _repeat(draw: st.DrawFn, data: bytes, _: Sequence[bytes]) -> bytes:
    at, end = sorted((_place(draw, data), _place(draw, data)))
    return data[:end] + data[at:end] * draw(st.integers(1, 3)) + data[end:]


def _splice(draw: st.DrawFn, data: bytes, seeds: Sequence[bytes]) -> bytes:
    other = draw(st.sampled_from(seeds))
    return data[: _place(draw, data)] + other[_place(draw, other) :]


def _anything(draw: st.DrawFn, _: bytes, __: Sequence[bytes]) -> bytes:
    return draw(st.binary(max_size=200))


_CHANGES = (
    _insert,
    _replace_token,
    _replace_token,
    _flip,
    _flip,
    _cut,
    _truncate,
    _repeat,
    _splice,
    _anything,
)
