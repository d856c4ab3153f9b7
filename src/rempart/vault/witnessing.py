"""The ledger before its witnesses: each new checkpoint is shown to each of them, from a task of its own that delays no answer.

At start every witness is asked what it last cosigned. One that knows more, or another history, closes the platform (rempart.vault.
restored). Until one has answered nothing is disclosed: the witnesses know better than a database that may be a restored copy.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg

from rempart.evidence.cosignature import Cosignature, add_cosignatures, read_cosignatures
from rempart.evidence.errors import NoteMalformed, NoteRefused
from rempart.evidence.note import open_checkpoint
from rempart.evidence.witnesses import RECENT, Witness, publication_rank
from rempart.foundation.clock import HOUR, SECOND, Clock
from rempart.foundation.errors import Outage, RempartError
from rempart.vault.checkpoints import CheckpointSigner, Signed
from rempart.vault.restored import Contradiction, close_platform, keep_closed, was_released
from rempart.vault.witness_call import Cosigned, NotConsistent, OtherSize, WitnessCall, WitnessUnreachable
from rempart.vaultdoor.messages import WitnessState

LATE = 60 * SECOND
"""A witness that has not cosigned what grew so long ago is said loudly."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds before a witness that did not answer is asked again."""
_THIN_EVERY = 1_000
LOST = (RempartError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
"""A witness or the database that does not answer, or answers nonsense: said, and tried again."""
_log = logging.getLogger(__name__)


class WitnessesUnheard(Outage):
    """No witness has answered since the vault started."""

    code = "outage"
    french = "Aucun témoin du registre n'a encore répondu : rien n'est divulgué."
    english = "No witness of the ledger has answered yet: nothing is disclosed."


class Contradicted(RempartError):
    """A witness saw something else than this ledger."""

    def __init__(self, found: Contradiction) -> None:
        super().__init__(f"{found.why}: {found.here} leaves here, {found.seen} there")
        self.found = found


@dataclass
class Watch:
    """What is known of one witness. `size`: what it last cosigned, None before it was asked; `behind_since`: µs, since when it has not
    cosigned all that was signed, None when it has.
    """

    witness: Witness
    call: WitnessCall
    size: int | None = None
    behind_since: int | None = None
    heard: bool = False
    contradicts: bool = False
    trouble: str = ""
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def label(self) -> str:
        """Name and key id: what its cosignatures are stored under."""
        return f"{self.witness.key.name}+{self.witness.key.key_id.hex()}"

    def age(self, now: int) -> int:
        """µs since when it is behind; 0 when it has cosigned all that was signed."""
        return max(now - self.behind_since, 0) if self.behind_since is not None else 0


@dataclass
class _Recent:
    signed: Signed
    lines: dict[str, str] = field(default_factory=dict)


class Witnessing:
    """All the witnesses of one vault, and the checkpoint that is published."""

    def __init__(
        self, pool: asyncpg.Pool, checkpoints: CheckpointSigner, witnesses: Sequence[Witness], clock: Clock
    ) -> None:
        self._pool, self._checkpoints, self._clock = pool, checkpoints, clock
        self.watches = tuple(Watch(each, WitnessCall(each.url)) for each in witnesses)
        self._recent: deque[_Recent] = deque(maxlen=RECENT)
        self._stored = 0
        self._published_size = 0
        checkpoints.on_signed.append(self._note)

    # ── what others ask ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def heard(self) -> bool:
        """Has a witness answered since the start? Where none is configured there is nobody to wait for."""
        return not self.watches or any(watch.heard for watch in self.watches)

    def require_heard(self) -> None:
        """Raises `WitnessesUnheard`."""
        if not self.heard:
            raise WitnessesUnheard

    @property
    def contradicted(self) -> bool:
        """Does a witness still know a longer ledger, or another one?"""
        return any(watch.contradicts for watch in self.watches)

    @property
    def published(self) -> tuple[Signed, str] | None:
        """The checkpoint to publish, and its note with its cosignatures: of the recent ones, quorum first, then size."""
        if not self._recent:
            return (self._checkpoints.latest, self._checkpoints.note) if self._checkpoints.latest else None
        # Never smaller than the one before: a mirror would take that for a log that shrank.
        grown = [each for each in self._recent if each.signed.size >= self._published_size]
        best = max(
            grown or self._recent, key=lambda each: publication_rank(each.signed.size, len(each.lines))
        )
        self._published_size = best.signed.size
        return best.signed, add_cosignatures(
            best.signed.note, [best.lines[name] for name in sorted(best.lines)]
        )

    def states(self, now: int) -> list[WitnessState]:
        """For the vault's health."""
        return [
            WitnessState(each.label, -1 if each.size is None else each.size, each.age(now), each.trouble)
            for each in self.watches
        ]

    # ── at start ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def begin(self) -> None:
        """Ask every witness once, before anybody is answered. Comes back in bounded time, whoever answers."""
        await self._load()
        await keep_closed(self._pool, self._clock())
        former, origin = self._checkpoints.former_origin, self._checkpoints.origin
        if former and not await was_released(self._pool, origin):
            here = self._checkpoints.latest.size if self._checkpoints.latest else 0
            await self._close(Contradiction("another-name", here, here, former))
        for watch in self.watches:
            watch.behind_since = self._clock()
        await asyncio.gather(*(self._ask_soundly(watch) for watch in self.watches))
        if not self.heard:
            _log.error("no witness answers: nothing is disclosed until one does")

    # ── for ever ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def follow(self) -> None:
        """Show each new checkpoint to every witness, for ever. One that is slow or down delays itself alone."""
        await asyncio.gather(*(self._follow(watch) for watch in self.watches))

    def close(self) -> None:
        """Hang up."""
        for watch in self.watches:
            watch.call.close()

    async def _follow(self, watch: Watch) -> None:
        pause = FIRST_PAUSE
        while True:
            if not watch.trouble:
                await watch.news.wait()
            if await self._ask_soundly(watch):
                pause = FIRST_PAUSE
                continue
            if watch.age(self._clock()) > LATE:
                _log.error("witness %s has not cosigned for over a minute: %s", watch.label, watch.trouble)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _ask_soundly(self, watch: Watch) -> bool:
        """True when it cosigned. Whatever else happens is noted in the watch, and said in the log when it is new."""
        watch.news.clear()
        trouble = ""
        try:
            await self._ask(watch)
            watch.heard, watch.contradicts = True, False
        except Contradicted as error:
            watch.contradicts = True
            trouble = await self._take_seriously(watch, error.found)
        except LOST as error:
            trouble = f"{type(error).__name__} {error}".strip()
        if trouble and trouble != watch.trouble:
            _log.warning("witness %s does not cosign: %s", watch.label, trouble)
        watch.trouble = trouble
        return not trouble

    async def _take_seriously(self, watch: Watch, found: Contradiction) -> str:
        """Before a witness ever agreed since the start, its word is enough. Later it must show a checkpoint that we signed."""
        try:
            note = await watch.call.last(self._checkpoints.origin)
            shown = await self._is_proof(note)
            if watch.heard and not shown:
                _log.critical("witness %s claims a ledger that we did not sign: %s", watch.label, found.why)
                return found.why
            await self._close(
                Contradiction(found.why, found.here, found.seen, watch.label, note if shown else "")
            )
        except LOST as error:
            return f"{found.why}, {type(error).__name__}"
        watch.heard = True
        return found.why

    async def _is_proof(self, note: str) -> bool:
        """Did our own key sign this checkpoint, and does our ledger not hold it?"""
        try:
            theirs = open_checkpoint(note.encode(), self._checkpoints.verifier)
        except (NoteMalformed, NoteRefused):
            return False
        latest = self._checkpoints.latest
        if latest is None or theirs.size > latest.size:
            return True
        ours = await self._root_at(theirs.size)
        return ours is not None and ours != theirs.root

    async def _close(self, found: Contradiction) -> None:
        await close_platform(self._pool, self._clock(), self._checkpoints.origin, found)
        _log.critical(
            "every line counts as spent until two people release it: %s %s", found.why, found.witness
        )

    # ── one witness, one checkpoint ──────────────────────────────────────────────────────────────────────────────────

    async def _ask(self, watch: Watch) -> None:
        signed = self._checkpoints.latest
        if signed is None:
            return
        # Twice: the first answer may tell from where the witness wants the proof.
        for _ in range(2):
            old = watch.size or 0
            if old > signed.size:
                raise Contradicted(Contradiction("longer-elsewhere", signed.size, old))
            root = await self._root_at(old)
            proof = await self._checkpoints.tree.prove_growth(old, root, signed.size, signed.root)
            answer = await watch.call.add_checkpoint(old, proof, signed.note)
            if isinstance(answer, Cosigned):
                await self._keep(watch, signed, answer)
                return
            if isinstance(answer, NotConsistent):
                raise Contradicted(Contradiction("another-history", signed.size, old))
            self._learn(watch, signed, old, answer)
        raise WitnessUnreachable("it changes what it knows")

    @staticmethod
    def _learn(watch: Watch, signed: Signed, old: int, answer: OtherSize) -> None:
        if answer.size > signed.size:
            raise Contradicted(Contradiction("longer-elsewhere", signed.size, answer.size))
        if answer.size == old == signed.size:
            raise Contradicted(Contradiction("another-history", signed.size, old))
        watch.size = answer.size

    async def _keep(self, watch: Watch, signed: Signed, answer: Cosigned) -> None:
        try:
            note = add_cosignatures(signed.note, answer.lines.splitlines(keepends=True)).encode()
            found = read_cosignatures(note, [watch.witness.key])
        except (NoteMalformed, NoteRefused) as error:
            raise WitnessUnreachable(f"its cosignature: {error}") from error
        if not found:
            raise WitnessUnreachable("its answer holds no cosignature of its key")
        await self._store(watch, signed, found[0])
        watch.size = signed.size
        for each in self._recent:
            if each.signed.note == signed.note:
                each.lines[watch.label] = found[0].line
        latest = self._checkpoints.latest
        if latest is not None and latest.size == signed.size:
            watch.behind_since = None

    async def _store(self, watch: Watch, signed: Signed, cosignature: Cosignature) -> None:
        if not signed.stored:
            return
        await self._pool.execute(
            "INSERT INTO evidence.cosignature (size, witness, at, line) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            signed.size, watch.label, cosignature.second * SECOND, cosignature.line,
        )  # fmt: skip
        self._stored += 1
        if self._stored % _THIN_EVERY == 1:
            await self._thin()

    async def _thin(self) -> None:
        """Of the hours before the last, one cosignature a witness is kept: any later one vouches for all the leaves before."""
        await self._pool.execute(
            "DELETE FROM evidence.cosignature c WHERE c.at < $1 AND EXISTS (SELECT FROM evidence.cosignature d"
            " WHERE d.witness = c.witness AND d.size > c.size AND d.at / $2 = c.at / $2)",
            self._clock() - HOUR, HOUR,
        )  # fmt: skip

    async def _root_at(self, size: int) -> bytes | None:
        root: bytes | None = await self._pool.fetchval(
            "SELECT root FROM evidence.checkpoint WHERE size = $1", size
        )
        return root

    # ── the recent checkpoints ───────────────────────────────────────────────────────────────────────────────────────

    def _note(self, signed: Signed) -> None:
        self._recent.append(_Recent(signed))
        for watch in self.watches:
            if watch.behind_since is None:
                watch.behind_since = signed.at
            watch.news.set()

    async def _load(self) -> None:
        """The recent checkpoints of before the start, with what witnesses said of them."""
        rows = await self._pool.fetch(
            "SELECT c.size, c.root, c.note, c.at, k.witness, k.line FROM (SELECT * FROM evidence.checkpoint ORDER BY size DESC LIMIT $1) c"
            " LEFT JOIN evidence.cosignature k USING (size) ORDER BY c.size",
            RECENT,
        )
        known = {each.signed.size: each for each in self._recent}
        wanted = {watch.label for watch in self.watches}
        for row in rows:
            if row["note"].partition("\n")[0] != self._checkpoints.origin:
                continue
            each = known.setdefault(
                row["size"], _Recent(Signed(row["size"], row["root"], row["note"], row["at"]))
            )
            if row["witness"] in wanted:
                each.lines[row["witness"]] = row["line"]
        self._recent = deque((known[size] for size in sorted(known)), maxlen=RECENT)
