"""From a taken file to a new generation. Each act is one function that reads as a list; what it decides by is in `rempart.intake`."""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import psycopg
from psycopg import sql

from rempart.foundation.clock import SECOND, Clock, paris_date
from rempart.foundation.errors import Outage
from rempart.foundation.settings import Mode
from rempart.intake import notice
from rempart.intake.cards import MOST_CARDS, CardOrder, read_cards
from rempart.intake.compression import Expander
from rempart.intake.envelope import MAGIC, open_envelope, read_envelope, verify_envelope
from rempart.intake.errors import (
    AlreadyTaken,
    BadProducts,
    NoCardsFolder,
    NoFullFile,
    NoOrigin,
    NoProducts,
    OutOfOrder,
    PlainFile,
    TooManyCards,
    Truncated,
    UnknownInsurer,
)
from rempart.intake.lines import CHUNK, Chunk, Splitter
from rempart.intake.manifest import Manifest, read_manifest
from rempart.intake.model import Kind, Reject
from rempart.intake.offline import OfflineOrder, read_offline, read_revoked
from rempart.intake.products import MOST_LINES, read_products
from rempart.intake.upload import SignedRequest, verify_upload
from rempart.sealer import store
from rempart.sealer.cards import Press, lay_down, make_package, split_recognised
from rempart.sealer.counting import SealingCount
from rempart.sealer.offline import OfflinePress, draw_numbers
from rempart.sealer.offline_file import OfflineFile
from rempart.sealer.spool import Taken
from rempart.sealer.store import Connection, Count, Delivery, Insurer
from rempart.sealer.workers import Gang, LoadJob, Sealed
from rempart.vault.keystore import CountedKeyStore, KeyStore

ALONE_BELOW = 20_000
"""Lines of a file that is not worth sharing out."""
SORT_MEMORY_MB = 256
PROGRESS_SECONDS = 0.5
_BLOCK = 1 << 20
_FIELD_OF_SLOT = ("adherent", "nir", "nir_attached", "nir_attached", "card")
_log = logging.getLogger(__name__)


class Stopping(Outage):
    """The sealer was asked to stop: the file is taken up again at the next start."""

    code = "stopping"
    french = "Le scellement s'arrête ; le fichier sera repris."
    english = "Sealing stops; the file will be taken up again."


@dataclass(frozen=True)
class Workshop:
    """What loads work with; made once a process."""

    mode: Mode
    origin: str
    clock: Clock
    keys: KeyStore
    connection: Connection
    second: Callable[[], Connection]
    """Opens another connection, for the second index."""
    gang: Gang
    count: SealingCount
    cards_folder: Path | None = None
    """Where packages of cards are handed over."""
    offline: OfflineFile | None = None
    """What verifies offline cards; without it none is made."""
    stopping: Callable[[], bool] = lambda: False
    chunk: int = CHUNK
    alone_below: int = ALONE_BELOW


@dataclass
class Stopwatch:
    """Seconds of each stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what happens inside under that name."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - begun)

    def add(self, name: str, seconds: float) -> None:
        """Count some seconds more."""
        self.seconds[name] = round(self.seconds.get(name, 0.0) + seconds, 4)


def load_file(workshop: Workshop, delivery: Delivery, taken: Taken) -> None:
    """Take one file in. Raises a refusal that says why, after which nothing has changed, or an outage: then it may be tried again."""
    try:
        _load(workshop, delivery, taken)
    except BaseException:
        workshop.count.record(delivery.hex, whole=False)
        raise


def _load(workshop: Workshop, delivery: Delivery, taken: Taken) -> None:
    watch = Stopwatch()
    with taken.path.open("rb") as file:
        with watch.stage("verify"):
            insurer, manifest, encrypted = identify(workshop, taken, file)
        store.note_manifest(workshop.connection, delivery.id, manifest)
        stream = Stream(workshop, delivery, manifest, file, encrypted=encrypted)
        if manifest.kind is Kind.PRODUCTS:
            load_products(workshop, delivery, insurer, manifest, stream)
        elif manifest.kind is Kind.CARDS:
            load_cards(workshop, delivery, insurer, manifest, stream)
        elif manifest.kind is Kind.OFFLINE:
            load_offline(workshop, delivery, insurer, manifest, stream)
        elif manifest.kind is Kind.OFFLINE_REVOKED:
            revoke_offline(workshop, delivery, insurer, manifest, stream)
        else:
            require_order(workshop, insurer, manifest)
            load_members(workshop, _known(workshop, delivery), insurer, stream, watch)


def identify(workshop: Workshop, taken: Taken, file: BinaryIO) -> tuple[Insurer, Manifest, bool]:
    """Whose file it is, what it says of itself, and whether it is encrypted. Nothing of its content is read yet."""
    plain = file.read(len(MAGIC)) != MAGIC
    file.seek(0)
    if plain and (workshop.mode != "demo" or not taken.note.manifest):
        raise PlainFile
    if plain:
        manifest = read_manifest(taken.note.manifest.encode())
        return _insurer(workshop, manifest.amc), manifest, False
    envelope = read_envelope(file)
    insurer = _insurer(workshop, envelope.manifest.amc)
    if taken.note.sender == "upload":
        _verify_request(workshop, taken, insurer)
    return insurer, verify_envelope(envelope, taken.body_digest, insurer.signing_key), True


def require_order(workshop: Workshop, insurer: Insurer, manifest: Manifest) -> None:
    """Members' files come one after the other, and after products. Raises AlreadyTaken, OutOfOrder, NoFullFile, NoProducts."""
    said = f"sequence {manifest.sequence}; expected {insurer.sequence + 1}"
    if manifest.sequence <= insurer.sequence:
        raise AlreadyTaken(said)
    if manifest.sequence > insurer.sequence + 1:
        raise OutOfOrder(said)
    if manifest.kind is Kind.DELTA and insurer.generation == 0:
        raise NoFullFile
    if not store.product_references(workshop.connection, insurer):
        raise NoProducts


def load_members(
    workshop: Workshop, delivery: Delivery, insurer: Insurer, stream: "Stream", watch: Stopwatch
) -> None:
    """A full or a delta file, from its first byte to the swap."""
    connection, delta = workshop.connection, stream.manifest.kind is Kind.DELTA
    # A delta joins the generation that is there: its capsules are of that generation's epoch, even if keys have moved on.
    epoch = insurer.epoch if delta else workshop.keys.epoch
    load_key = secrets.token_bytes(32)
    wrapped = notice.wrap_load_key(load_key, insurer.notice_key, insurer.amc)
    # 1. tables that nobody reads
    if delta:
        store.create_delta(connection, insurer.number, delivery.number, wrapped)
    else:
        store.create_generation(connection, insurer.number, delivery.number, wrapped)
    # 2. lines become capsules there, then the file's end says whether the file was whole
    with watch.stage("stream"):
        tally = _stream_members(workshop, delivery, insurer, stream, epoch, load_key)
    workshop.count.record(delivery.hex, whole=True)
    for name, seconds in zip(("check", "seal", "copy"), tally.seconds, strict=True):
        watch.add(f"workers_{name}", seconds)
    # 3. nobody twice, then the swap, which is one transaction
    if delta:
        _finish_delta(workshop, delivery, insurer, tally, watch)
    else:
        _finish_full(workshop, delivery, insurer, tally, epoch, watch)


def load_products(
    workshop: Workshop, delivery: Delivery, insurer: Insurer, manifest: Manifest, stream: "Stream"
) -> None:
    """Products and their grids: all or nothing. Raises AlreadyTaken for a file older than the one in force."""
    if manifest.created_at <= store.last_created(workshop.connection, insurer.amc, Kind.PRODUCTS):
        raise AlreadyTaken("created")
    if manifest.lines > MOST_LINES:
        raise BadProducts(f"more than {MOST_LINES} lines")
    chunks: list[Chunk] = []
    stream.read(chunks.append)
    products, rejects = read_products(chunks, stream.columns, insurer.amc)
    if rejects or not products:
        store.add_rejects(workshop.connection, delivery.id, rejects[: store.MOST_REJECTS])
        raise BadProducts(f"rejects: {len(rejects)}")
    store.swap_products(
        workshop.connection, insurer, products, delivery.id, Count(lines=stream.lines), workshop.clock()
    )


def load_cards(
    workshop: Workshop, delivery: Delivery, insurer: Insurer, manifest: Manifest, stream: "Stream"
) -> None:
    """A request for cards: those that the current generation knows are made, the others are told as rejects.

    Raises AlreadyTaken for a request not newer than the latest, NoFullFile, TooManyCards, NoCardsFolder.
    """
    connection = workshop.connection
    if workshop.cards_folder is None:
        raise NoCardsFolder
    if manifest.created_at <= store.last_created(connection, insurer.amc, Kind.CARDS):
        raise AlreadyTaken("created")
    if insurer.generation == 0:
        raise NoFullFile
    if manifest.lines > MOST_CARDS:
        raise TooManyCards(f"{manifest.lines}")
    orders: list[CardOrder] = []
    rejects: list[Reject] = []
    today = paris_date(workshop.clock())

    def give(chunk: Chunk) -> None:
        asked, refused = read_cards(chunk, stream.columns, insurer.amc, today)
        orders.extend(asked)
        rejects.extend(refused)

    def pace(made: int) -> None:
        if workshop.stopping():
            raise Stopping
        store.note_progress(connection, delivery.id, made)

    stream.read(give)
    name = store.insurer_name(connection, insurer)
    counted = CountedKeyStore(workshop.keys)
    press = Press(counted, insurer, name, workshop.clock(), workshop.origin)
    try:
        recognised, strangers = split_recognised(connection, press, orders)
        if recognised:
            target = workshop.cards_folder / f"{insurer.amc}-{delivery.hex}.cards"
            make_package(press, recognised, target, delivery.hex, pace)
    finally:
        workshop.count.add(delivery.hex, counted.counts(), probed=len(orders))
    workshop.count.record(delivery.hex, whole=True)
    rejects += [Reject(order.line, "card", "card-unknown") for order in strangers]
    _finish_cards(workshop, delivery, Count(stream.lines, len(recognised)), rejects)


def load_offline(
    workshop: Workshop, delivery: Delivery, insurer: Insurer, manifest: Manifest, stream: "Stream"
) -> None:
    """A request for offline cards: those whom the current generation knows, and to whom something is open, get one.

    Raises AlreadyTaken for a request not newer than the latest, NoFullFile, TooManyCards, NoCardsFolder.
    """
    connection, folder, file = workshop.connection, workshop.cards_folder, workshop.offline
    if folder is None or file is None:
        raise NoCardsFolder
    if manifest.created_at <= store.last_created(connection, insurer.amc, Kind.OFFLINE):
        raise AlreadyTaken("created")
    if insurer.generation == 0:
        raise NoFullFile
    if manifest.lines > MOST_CARDS:
        raise TooManyCards(f"{manifest.lines}")
    orders: list[OfflineOrder] = []
    rejects: list[Reject] = []
    today = paris_date(workshop.clock())

    def give(chunk: Chunk) -> None:
        asked, refused = read_offline(chunk, stream.columns, insurer.amc, today)
        orders.extend(asked)
        rejects.extend(refused)

    def pace(made: int) -> None:
        if workshop.stopping():
            raise Stopping
        if made % 64 == 0:
            store.note_progress(connection, delivery.id, made)

    stream.read(give)
    counted = CountedKeyStore(workshop.keys)
    press = OfflinePress(counted, insurer, store.product_grids(connection, insurer), workshop.clock(), file)
    try:
        holders, strangers = press.find(connection, orders)
        if holders:
            # 1. a bit each, published before anybody can hold the card; 2. the cards, which nobody can verify without it
            allotted = store.allot_places(
                connection, insurer, draw_numbers(len(holders)), press.ends * SECOND
            )
            file.publish(connection)
            name = store.insurer_name(connection, insurer)
            signing = Press(counted, insurer, name, press.dated, workshop.origin)
            target = folder / f"{insurer.amc}-{delivery.hex}.cards"
            lay_down(signing, press.files(holders, allotted, pace), target, delivery.hex)
    finally:
        workshop.count.add(delivery.hex, counted.counts(), probed=len(orders))
    workshop.count.record(delivery.hex, whole=True)
    _finish_cards(workshop, delivery, Count(stream.lines, len(holders)), rejects + strangers)


def revoke_offline(
    workshop: Workshop, delivery: Delivery, insurer: Insurer, manifest: Manifest, stream: "Stream"
) -> None:
    """Cards that are to end: in the list at once. Raises AlreadyTaken for a request not newer than the latest, NoCardsFolder."""
    connection, file = workshop.connection, workshop.offline
    if file is None:
        raise NoCardsFolder
    if manifest.created_at <= store.last_created(connection, insurer.amc, Kind.OFFLINE_REVOKED):
        raise AlreadyTaken("created")
    lines: dict[UUID, int] = {}
    rejects: list[Reject] = []

    def give(chunk: Chunk) -> None:
        asked, refused = read_revoked(chunk, stream.columns, insurer.amc)
        lines.update(asked)
        rejects.extend(refused)

    stream.read(give)
    ended = store.revoke_offline(connection, insurer, list(lines), workshop.clock())
    file.publish(connection)
    rejects += [
        Reject(line, "card", "offline-card-unknown") for card, line in lines.items() if card not in ended
    ]
    _finish_cards(workshop, delivery, Count(stream.lines, len(ended)), rejects)


def _finish_cards(workshop: Workshop, delivery: Delivery, count: Count, rejects: list[Reject]) -> None:
    kept = sorted(rejects)[: store.MOST_REJECTS]
    store.add_rejects(workshop.connection, delivery.id, kept)
    whole = replace(count, rejected=len({reject.line for reject in rejects}))
    store.finish_cards(workshop.connection, delivery.id, whole, workshop.clock())


def finish_approved(workshop: Workshop, delivery: Delivery) -> None:
    """A second person agreed: swap to the generation that waits. Raises OutOfOrder when another file came in between."""
    insurer = _insurer(workshop, delivery.amc)
    count = Count(delivery.lines, delivery.persons, delivery.capsules, delivery.rejected, delivery.leaving)
    if not store.swap(
        workshop.connection, insurer.number, delivery, delivery.epoch, count, workshop.clock(), {}
    ):
        raise OutOfOrder(f"sequence {delivery.sequence}; expected {insurer.sequence + 1}")


class Stream:
    """A file's content as it passes: decrypted, expanded, cut into chunks, counted and hashed against its manifest."""

    def __init__(
        self, workshop: Workshop, delivery: Delivery, manifest: Manifest, file: BinaryIO, *, encrypted: bool
    ) -> None:
        self.manifest = manifest
        self._workshop, self._delivery, self._file, self._encrypted = workshop, delivery, file, encrypted
        self._expander, self._splitter = Expander(), Splitter(manifest.kind, workshop.chunk)
        self._digest = hashlib.sha256()

    @property
    def columns(self) -> list[str]:
        """Of the header, once it was read."""
        return self._splitter.columns

    @property
    def lines(self) -> int:
        """Data lines given so far."""
        return self._splitter.lines

    def read(self, give: Callable[[Chunk], object]) -> None:
        """Give every chunk. Raises Truncated at the end if the file is not its manifest's, and before it whatever a bad file raises."""

        def take(block: bytes) -> None:
            if self._workshop.stopping():
                raise Stopping
            for piece in self._expander.feed(block):
                self._pass(piece, give)

        if self._encrypted:
            open_envelope(self._file, self._workshop.keys.ring.intake, take)
        else:
            while block := self._file.read(_BLOCK):
                take(block)
        for piece in self._expander.finish():
            self._pass(piece, give)
        for chunk in self._splitter.finish():
            give(chunk)
        if self.lines != self.manifest.lines:
            raise Truncated(f"lines: {self.lines}, manifest: {self.manifest.lines}")
        if self._digest.hexdigest() != self.manifest.sha256:
            raise Truncated("sha256")

    def _pass(self, piece: bytes, give: Callable[[Chunk], object]) -> None:
        self._digest.update(piece)
        for chunk in self._splitter.feed(piece):
            if self.lines > self.manifest.lines:
                raise Truncated(f"more lines than the manifest's {self.manifest.lines}")
            give(chunk)


@dataclass
class Tally:
    """What the workers did."""

    workshop: Workshop
    delivery: Delivery
    lines: int = 0
    persons: int = 0
    capsules: int = 0
    rejected: int = 0
    told: int = 0
    seconds: tuple[float, float, float] = (0.0, 0.0, 0.0)
    spoken: float = 0.0

    def add(self, done: list[Sealed]) -> None:
        """Count what is done; tell rejects and progress."""
        for sealed in done:
            self.lines += sealed.lines
            self.persons += sealed.persons
            self.capsules += sealed.capsules
            self.workshop.count.add(self.delivery.hex, sealed.operations, sealed=sealed.capsules)
            self.reject(sealed.rejects, sealed.rejected_lines)
            first, second, third = self.seconds
            self.seconds = (first + sealed.seconds[0], second + sealed.seconds[1], third + sealed.seconds[2])
        if done and time.monotonic() - self.spoken > PROGRESS_SECONDS:
            self.spoken = time.monotonic()
            store.note_progress(self.workshop.connection, self.delivery.id, self.lines)

    def reject(self, rejects: list[Reject], lines: int) -> None:
        """Count rejected lines; keep the first rejects."""
        self.rejected += lines
        kept = rejects[: store.MOST_REJECTS - self.told]
        self.told += len(kept)
        if kept:
            store.add_rejects(self.workshop.connection, self.delivery.id, kept)


def _stream_members(
    workshop: Workshop, delivery: Delivery, insurer: Insurer, stream: Stream, epoch: int, load_key: bytes
) -> Tally:
    tally = Tally(workshop, delivery)
    alone = stream.manifest.lines < workshop.alone_below
    shift = None

    def give(chunk: Chunk) -> None:
        nonlocal shift
        if shift is None:
            # The header has been read by now: it is part of the job.
            job = LoadJob(
                insurer=insurer.number,
                amc=insurer.amc,
                epoch=epoch,
                products=store.product_references(workshop.connection, insurer),
                today=paris_date(workshop.clock()),
                synthetic_only=workshop.mode == "demo",
                columns=tuple(stream.columns),
                number=delivery.number,
                load_key=load_key,
                associated=notice.associated_data(insurer.amc, delivery.number),
            )
            shift = workshop.gang.open(job, workshop.connection, alone=alone)
        tally.add(shift.give(chunk))

    try:
        stream.read(give)
        if shift is not None:
            tally.add(shift.finish())
    except BaseException:
        # Workers may be in the middle of a chunk of this file: they must not carry it into the next one.
        if shift is not None and not alone:
            workshop.gang.dismiss()
        raise
    store.note_progress(workshop.connection, delivery.id, tally.lines)
    return tally


def _finish_full(
    workshop: Workshop, delivery: Delivery, insurer: Insurer, tally: Tally, epoch: int, watch: Stopwatch
) -> None:
    connection = workshop.connection
    table = store.generation_table(insurer.number, delivery.number)
    with watch.stage("index"):
        removed = _index(workshop, table, f"i{insurer.number}_g{delivery.number}", tally)
    with watch.stage("count"):
        persons, capsules = (
            store.count_capsules(connection, table) if removed else (tally.persons, tally.capsules)
        )
        leaving = store.count_leaving(connection, insurer, table)
    count = Count(tally.lines, persons, capsules, tally.rejected, leaving)
    if leaving * 20 > insurer.persons:
        store.hold(connection, delivery.id, count, epoch, watch.seconds)
        _log.warning("a full file waits for a second person: delivery %s, leaving %d", delivery.hex, leaving)
        return
    if not store.swap(connection, insurer.number, delivery, epoch, count, workshop.clock(), watch.seconds):
        raise OutOfOrder


def _finish_delta(
    workshop: Workshop, delivery: Delivery, insurer: Insurer, tally: Tally, watch: Stopwatch
) -> None:
    connection = workshop.connection
    coming, leaving = store.delta_tables(insurer.number, delivery.number)
    with watch.stage("index"):
        store.index_leaving(connection, leaving)
        _reject(
            tally, "member_ref", "reference-twice", store.remove_repeated_leaving(connection, coming, leaving)
        )
        duplicates = store.remove_duplicates(connection, coming)
        store.remove_set_aside(connection, leaving, [line for line, _ in duplicates])
        _reject_slots(tally, "duplicate", duplicates)
        # Whoever is set aside stays, and what he is presented by stays his: that may concern others who come.
        while taken := store.remove_taken(connection, insurer, coming, leaving):
            _reject_slots(tally, "taken", taken)
        _reject(tally, "member_ref", "not-known", store.unknown_leaving(connection, insurer, leaving))
    persons, capsules = store.count_capsules(connection, coming)
    count = Count(tally.lines, persons, capsules, tally.rejected)
    if not store.apply_delta(connection, insurer, delivery, count, workshop.clock(), watch.seconds):
        raise OutOfOrder


def _index(workshop: Workshop, table: sql.Identifier, name: str, tally: Tally) -> bool:
    """Unique indexes on tag and on subject; whoever stands in their way is rejected. True when somebody was."""
    tags, subjects = f"{name}_tag", f"{name}_subject"
    removed = False
    while not _build_indexes(workshop, table, tags, subjects, alone=tally.capsules < 100_000):
        removed = True
        for index in (tags, subjects):
            store.drop_index(workshop.connection, index)
        _reject(
            tally,
            "member_ref",
            "reference-twice",
            store.remove_repeated_references(workshop.connection, table),
        )
        _reject_slots(tally, "duplicate", store.remove_duplicates(workshop.connection, table))
    store.complete_table(workshop.connection, table, tags)
    return removed


def _build_indexes(
    workshop: Workshop, table: sql.Identifier, tags: str, subjects: str, *, alone: bool
) -> bool:
    store.prepare_sorts(workshop.connection, SORT_MEMORY_MB)
    try:
        if alone:
            store.index_tags(workshop.connection, table, tags)
            store.index_subjects(workshop.connection, table, subjects)
            return True
        with workshop.second() as second, ThreadPoolExecutor(1) as helper:
            store.prepare_sorts(second, SORT_MEMORY_MB)
            other = helper.submit(store.index_subjects, second, table, subjects)
            try:
                store.index_tags(workshop.connection, table, tags)
            finally:
                other.exception()
            other.result()
    except psycopg.errors.UniqueViolation:
        return False
    return True


def _reject(tally: Tally, field_name: str, code: str, lines: list[int]) -> None:
    tally.reject([Reject(line, field_name, code) for line in lines], len(lines))


def _reject_slots(tally: Tally, code: str, found: list[tuple[int, int]]) -> None:
    tally.reject([Reject(line, _FIELD_OF_SLOT[slot], code) for line, slot in found], len(found))


def _insurer(workshop: Workshop, amc: str) -> Insurer:
    insurer = store.find_insurer(workshop.connection, amc)
    if insurer is None:
        raise UnknownInsurer
    return insurer


def _known(workshop: Workshop, delivery: Delivery) -> Delivery:
    found = store.find_delivery(workshop.connection, delivery.id)
    assert found is not None
    return found


def _verify_request(workshop: Workshop, taken: Taken, insurer: Insurer) -> None:
    if not workshop.origin:
        raise NoOrigin
    note = taken.note
    request = SignedRequest(
        note.method, note.target, note.content_digest, note.signature_input, note.signature
    )
    verify_upload(request, workshop.origin, taken.digest, note.received, insurer.signing_key)
