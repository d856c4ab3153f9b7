"""Making cards: which of those asked for would be recognised, and their papers, from the secret's derivation to the encrypted package.

A secret lives from its derivation to its card's bytes; those go from memory into age, and from age to the disk.
"""

import csv
import io
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pyrage

from rempart.foundation.clock import SECOND, instant
from rempart.foundation.errors import Outage
from rempart.intake.cards import CardOrder
from rempart.intake.package import STATEMENT, Head, write_package
from rempart.sealer import store
from rempart.sealer.card_paper import typeset
from rempart.sealer.store import Connection, Insurer
from rempart.vault.capsule import card_secret, derive, secret_message
from rempart.vault.keystore import KeyStore
from rempart.vault.published import PublishedKey
from rempart.vaultdoor.card_text import CardText

if TYPE_CHECKING:
    from typing_extensions import Buffer

_AT_ONCE = 64
"""Cards in memory."""
_THREADS = 2
_LIST = "cartes.csv"
Pace = Callable[[int], None]
"""Told how many cards are made; raises to stop."""


@dataclass(frozen=True)
class Press:
    """What cards of one insurer are made with."""

    keys: KeyStore
    insurer: Insurer
    name: str
    dated: int
    """µs."""
    origin: str
    """Who says so: the platform's address."""

    def card(self, order: CardOrder) -> CardText:
        """What the DataMatrix says: the secret is derived here."""
        secret = card_secret(self.keys.prf("card"), self.insurer.amc, order.member_ref, order.serial)
        return CardText(self.insurer.amc, secret, order.birth_date, order.rank)

    def tag(self, order: CardOrder) -> bytes:
        """Where the capsule of that card would be."""
        card = self.card(order)
        message = secret_message(self.insurer.epoch, card.amc, card.secret, card.birth_date, card.rank)
        return derive(self.keys.prf(f"capsule-{self.insurer.epoch}")(message))[0]

    def paper(self, order: CardOrder) -> bytes:
        """The PDF."""
        return typeset(order, self.card(order), self.name, self.dated)

    def state(self, head: Head) -> str:
        """The platform's word, signed, of what a package is."""
        key = PublishedKey(self.keys.ring.engagement)
        claims = {"iss": self.origin, "iat": self.dated // SECOND, **msgspec.structs.asdict(head)}
        return key.sign(key.header(STATEMENT), claims)


def split_recognised(
    connection: Connection, press: Press, orders: Sequence[CardOrder]
) -> tuple[list[CardOrder], list[CardOrder]]:
    """Those whose card the insurer's current generation knows, and those whose card would be a stranger's."""
    tags = [press.tag(order) for order in orders]
    known = store.known_tags(connection, press.insurer, tags)
    recognised = [order for order, tag in zip(orders, tags, strict=True) if tag in known]
    return recognised, [order for order, tag in zip(orders, tags, strict=True) if tag not in known]


def make_package(press: Press, orders: Sequence[CardOrder], target: Path, delivery: str, pace: Pace) -> None:
    """Make the cards and lay the encrypted package down, whole or not at all. May be done again. Raises what `pace` raises, Outage."""
    with ThreadPoolExecutor(_THREADS) as pool:
        lay_down(press, _files(press, orders, pool, pace), target, delivery)


def lay_down(press: Press, files: Iterator[tuple[str, bytes]], target: Path, delivery: str) -> None:
    """Encrypt the files as they are made, sign, and let the package appear whole or not at all. Raises what `files` raises, Outage."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            archive = Archive(files, press.dated)
            try:
                write_package(
                    archive, out, press.insurer.notice_key, press.insurer.amc, delivery, press.state
                )
            except pyrage.EncryptError as error:
                # age makes an error of its own of whatever ended the archive.
                raise archive.trouble or Outage(type(error).__name__) from None
            out.flush()
            os.fsync(out.fileno())
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)


def _files(
    press: Press, orders: Sequence[CardOrder], pool: ThreadPoolExecutor, pace: Pace
) -> Iterator[tuple[str, bytes]]:
    """Name and content: the cards in the order of their lines, named by them, then the list that says whose each is."""
    listed = io.StringIO()
    rows = csv.writer(listed, delimiter=";", lineterminator="\n")
    rows.writerow(("line", "member_ref", "file"))
    for start in range(0, len(orders), _AT_ONCE):
        pace(start)
        some = orders[start : start + _AT_ONCE]
        for order, pdf in zip(some, pool.map(press.paper, some), strict=True):
            name = f"{order.line:06d}.pdf"
            rows.writerow((order.line, order.member_ref, name))
            yield name, pdf
    yield _LIST, listed.getvalue().encode()


class Archive:
    """A ZIP, made as it is read: memory holds the file in work."""

    def __init__(self, files: Iterator[tuple[str, bytes]], dated: int) -> None:
        self._files, self._dated = files, instant(dated)
        self._pending = _Pending()
        self._zip: zipfile.ZipFile | None = zipfile.ZipFile(self._pending, "w")
        self.trouble: Exception | None = None
        """What ended it too early."""

    def read(self, size: int = -1) -> bytes:
        """That many bytes, fewer at the end."""
        try:
            while self._zip is not None and (size < 0 or len(self._pending.bytes) < size):
                self._add()
        except Exception as error:
            self.trouble = error
            raise
        size = len(self._pending.bytes) if size < 0 else size
        given = bytes(self._pending.bytes[:size])
        del self._pending.bytes[:size]
        return given

    def _add(self) -> None:
        assert self._zip is not None
        following = next(self._files, None)
        if following is None:
            self._zip.close()
            self._zip = None
            return
        name, content = following
        made = zipfile.ZipInfo(name, self._dated.timetuple()[:6])
        made.external_attr = 0o600 << 16
        self._zip.writestr(made, content)


class _Pending(io.RawIOBase):
    """Where the ZIP is written: it cannot go back, and does not need to."""

    def __init__(self) -> None:
        self.bytes = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: "Buffer") -> int:
        self.bytes += data
        return memoryview(data).nbytes
