"""Anybody's copy of the public log: fetched over HTTP (C2SP tlog-tiles), proven to continue what was copied before, never replaced by less.

Only the entries are fetched: every hash is recomputed here, so that a copy is a verification too. A log that shrinks, or whose new signed
root does not continue the copy, is refused, and both signed notes are kept: together they prove it to anybody.
"""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rempart.evidence.errors import Forked, LedgerUnreadable, RootMismatch, Shrunk
from rempart.evidence.note import Checkpoint, VerifierKey, open_checkpoint
from rempart.evidence.tiles import (
    CHECKPOINT,
    WIDTH,
    Export,
    extend_tiles,
    read_checkpoint,
    root_at,
    tile_path,
    unbundle,
)

SECONDS = 20.0
"""The longest wait for one file."""
_CHECKPOINT_LIMIT, _TILE_LIMIT = 64 * 1024, WIDTH * 34
REFUSED = "refused"
"""Where the note of a log that was refused is kept, by its size: beside the copy, never in it."""

Fetch = Callable[[str, int], bytes]
"""(path under the log's address, most bytes) → the file. Raises `FileNotFoundError`, `LedgerUnreadable`."""


@dataclass(frozen=True)
class Mirrored:
    """What an update brought: the checkpoint now, the one before (None at the first), the leaves added, the files fetched."""

    checkpoint: Checkpoint
    former: Checkpoint | None
    added: int
    fetched: int


def update_mirror(folder: Path, key: VerifierKey, fetch: Fetch) -> Mirrored:
    """Bring the copy to the log's latest checkpoint.

    Raises `NoteMalformed`, `NoteRefused` (another key), `Forked`, `Shrunk`, `LeafRewritten`, `LeafMissing`, `LedgerUnreadable`: the copy
    is what it was.
    """
    try:
        note = fetch(CHECKPOINT, _CHECKPOINT_LIMIT)
    except FileNotFoundError:
        raise LedgerUnreadable("the log has no checkpoint yet, or is not at this address") from None
    checkpoint = open_checkpoint(note, key)
    former = read_checkpoint(folder, key) if (folder / CHECKPOINT).exists() else None
    _require_not_less(folder, former, checkpoint, note)
    if former is not None and former.size == checkpoint.size:
        return Mirrored(checkpoint, former, 0, 1)
    entries = _Entries(fetch, former.size if former else 0, checkpoint.size)
    try:
        export: Export = extend_tiles(folder, iter(entries), note, key)
    except RootMismatch as error:
        _keep_refused(folder, checkpoint, note)
        raise Forked(f"{checkpoint.size} leaves do not continue the copy: {error.detail}") from error
    return Mirrored(
        export.checkpoint, former, checkpoint.size - (former.size if former else 0), entries.fetched + 1
    )


def _require_not_less(folder: Path, former: Checkpoint | None, checkpoint: Checkpoint, note: bytes) -> None:
    if former is None:
        return
    if checkpoint.size > former.size:
        return
    if checkpoint.root != root_at(folder, former, checkpoint.size):
        _keep_refused(folder, checkpoint, note)
        raise Forked(f"the copy's first {checkpoint.size} leaves have another root")
    if checkpoint.size < former.size:
        raise Shrunk(f"the log has {checkpoint.size} leaves, the copy has {former.size}")


def _keep_refused(folder: Path, checkpoint: Checkpoint, note: bytes) -> None:
    place = (
        folder.with_name(f"{folder.name}.{REFUSED}")
        / f"checkpoint-{checkpoint.size}-{checkpoint.root.hex()[:16]}"
    )
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(note)


class _Entries:
    """The log's entries from an index on, bundle after bundle."""

    def __init__(self, fetch: Fetch, first: int, size: int) -> None:
        self._fetch, self._first, self._size = fetch, first, size
        self.fetched = 0

    def __iter__(self) -> Iterator[bytes]:
        for number in range(self._first // WIDTH, -(-self._size // WIDTH)):
            start = number * WIDTH
            width = min(WIDTH, self._size - start)
            yield from unbundle(self._bundle(number, width), start, width)[max(0, self._first - start) :]

    def _bundle(self, number: int, width: int) -> bytes:
        self.fetched += 1
        try:
            return self._fetch(tile_path("entries", number, width), _TILE_LIMIT)
        except FileNotFoundError:
            if width == WIDTH:
                raise LedgerUnreadable(f"{tile_path('entries', number)} is not there") from None
        # C2SP: a partial tile may be gone once the full one is there.
        try:
            return self._fetch(tile_path("entries", number), _TILE_LIMIT)
        except FileNotFoundError:
            raise LedgerUnreadable(f"{tile_path('entries', number, width)} is not there") from None


def over_http(address: str) -> Fetch:
    """Fetch from an http(s) address, e.g. `https://platform.example/ledger`. No redirect is followed. Raises `LedgerUnreadable`."""
    parts = urlsplit(address)
    if parts.scheme not in {"https", "http"} or not parts.netloc or parts.query or parts.fragment:
        raise LedgerUnreadable("the log's address is an http(s) one, without a query")
    opener = urllib.request.build_opener(_NoRedirect)

    def fetch(path: str, most: int) -> bytes:
        try:
            with opener.open(f"{address.rstrip('/')}/{path}", timeout=SECONDS) as answer:
                content: bytes = answer.read(most + 1)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in {404, 410}:
                raise FileNotFoundError(path) from None
            raise LedgerUnreadable(f"{path}: the log answered {error.code}") from error
        except (OSError, http.client.HTTPException) as error:
            raise LedgerUnreadable(f"{path}: {type(error).__name__}") from error
        if len(content) > most:
            raise LedgerUnreadable(f"{path} is longer than any such file")
        return content

    return fetch


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object, **_options: object) -> None:
        """Nothing else than what was asked for: an answer from elsewhere is none."""
