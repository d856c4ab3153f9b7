"""The files an insurer sends: CSV and its manifest, as docs/files/members.md and docs/files/products.md say. Streamed, never held whole."""

import gzip
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Literal, cast

import msgspec
import zstandard

from rempart.foundation.clock import instant
from rempart.population.model import Person

Compression = Literal["gz", "zst"]
Kind = Literal["full", "delta", "products"]

MEMBERS_HEADER = (
    "amc;adherent;member_ref;nir;nir_attached;birth_date;birth_rank;family_name;first_name;contract;product;valid_from;valid_to;"
    "responsible;suspended_from;suspended_reason;domains\n"
)
DELTA_HEADER = "action;" + MEMBERS_HEADER
Extra = Callable[[Person], str]
"""What a person's lines say in the optional columns, after a semicolon: `;1;0`."""
_CHUNK = 2_000  # persons, some 300 kB


class Manifest(msgspec.Struct, frozen=True):
    """What comes with each file, so that a truncated, re-sent or out-of-order one shows."""

    format: int
    amc: str
    kind: Kind
    sequence: int
    lines: int
    sha256: str
    created: str

    def to_json(self) -> bytes:
        """UTF-8 JSON, one line."""
        return msgspec.json.encode(self) + b"\n"


@dataclass(frozen=True)
class Delta:
    """A delta in memory: the CSV's bytes and their manifest."""

    content: bytes
    manifest: Manifest


def members_lines(
    people: Iterable[Person], optional: Sequence[str] = (), extra: Extra | None = None
) -> Iterator[bytes]:
    """The full file in chunks of whole lines, header first. `optional`: further columns, of which `extra` says the values."""
    yield _with_columns(MEMBERS_HEADER, optional).encode()
    # Text is kept, not persons: each is freed at once, and the garbage collector has nothing to walk.
    texts = (
        map(Person.lines, people)
        if extra is None
        else (_with_extra(each.lines(), extra(each)) for each in people)
    )
    while chunk := list(islice(texts, _CHUNK)):
        yield "".join(chunk).encode()


def _with_columns(header: str, optional: Sequence[str]) -> str:
    return ";".join((header.removesuffix("\n"), *optional)) + "\n"


def _with_extra(lines: str, extra: str) -> str:
    return lines.replace("\n", f"{extra}\n")


def members_delta(
    amc: str,
    sequence: int,
    leaving: Iterable[Person],
    changed: Iterable[Person],
    created: int,
    optional: Sequence[str] = (),
    extra: Extra | None = None,
) -> Delta:
    """A delta: those who leave, then those whose lines replace what was there (or who join)."""
    gone = (_with_extra(_departure(one), ";" * len(optional)) for one in leaving)
    come = (_with_extra(_update(one), extra(one) if extra else "") for one in changed)
    content = (_with_columns(DELTA_HEADER, optional) + "".join(gone) + "".join(come)).encode()
    return Delta(
        content, _manifest(amc, "delta", sequence, content.count(b"\n"), hashlib.sha256(content), created)
    )


def _departure(person: Person) -> str:
    return f"D;;;{person.member_ref}" + ";" * 14 + "\n"


def _update(person: Person) -> str:
    return "".join(f"U;{line}" for line in person.lines().splitlines(keepends=True))


def write_file(
    folder: Path,
    amc: str,
    kind: Kind,
    chunks: Iterable[bytes],
    created: int,
    *,
    sequence: int = 1,
    compress: Compression | None = None,
) -> Path:
    """Write `<amc>.members.csv` (or products) with its manifest beside it; the manifest comes last. Returns the file's path."""
    name = f"{amc}.{'products' if kind == 'products' else 'members'}.csv"
    path = folder / (f"{name}.{compress}" if compress else name)
    digest, lines = hashlib.sha256(), 0
    with ExitStack() as opened:
        out = _open(path, compress, opened)
        for chunk in chunks:
            digest.update(chunk)
            lines += chunk.count(b"\n")
            out.write(chunk)
    manifest = _manifest(amc, kind, sequence, lines, digest, created)
    path.with_name(f"{path.name}.manifest.json").write_bytes(manifest.to_json())
    return path


def _open(path: Path, compress: Compression | None, opened: ExitStack) -> IO[bytes]:
    file = opened.enter_context(path.open("wb"))
    if compress == "gz":
        # No name and no time inside: the same persons give the same bytes.
        return cast("IO[bytes]", opened.enter_context(gzip.GzipFile("", "wb", 1, file, mtime=0)))
    if compress == "zst":
        return cast("IO[bytes]", opened.enter_context(zstandard.ZstdCompressor().stream_writer(file)))
    return file


def _manifest(
    amc: str, kind: Kind, sequence: int, lines: int, digest: "hashlib._Hash", created: int
) -> Manifest:
    made = instant(created).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Manifest(1, amc, kind, sequence, lines - 1, digest.hexdigest(), made)
