"""Somebody applies to be referenced: what the public page sends is checked, closed and kept here, and never read again.

No signature stands behind it: anybody may apply. So everything is bounded: dossiers that wait, dossiers under way, what one sender
sends in a day. No answer says whether a FINESS is known, and a wrong code is answered as an unknown one.
"""

import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv6Network
from typing import Any, ClassVar

import asyncpg
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from rempart.cashier.zone import Zone
from rempart.claims.rib import check_rib, digest_of_rib, seal_rib
from rempart.foundation.clock import paris_date
from rempart.foundation.errors import BadInput, Outage, Refusal, RempartError
from rempart.foundation.identifiers import Iban
from rempart.identity import store_dossiers as store
from rempart.identity.convention import VERSION
from rempart.identity.dossier import (
    LONGEST,
    MOST_BYTES,
    MOST_DOCUMENTS,
    MOST_PIECE,
    About,
    BadDeclaration,
    Declaration,
    Fault,
    follow_up_code,
    hash_of_code,
    kind_of,
    read_declaration,
    written,
)
from rempart.identity.sealed_dossier import seal_piece
from rempart.identity.store_dossiers import Announcement, Opening
from rempart.vaultdoor.dossier import Place
from rempart.vaultdoor.messages import (
    AddPiece,
    AskDossierKey,
    AskDossierState,
    Done,
    DossierFaults,
    DossierKey,
    DossierOpened,
    DossierState,
    FieldFault,
    FinishDossier,
    MarkRib,
    OpenDossier,
    Reply,
    RibMark,
)

KINDS = frozenset({"application/pdf", "image/png", "image/jpeg"})
UNDER_WAY = 50
"""Dossiers that may be filled in at once: each lasts an hour at most."""
LOOKS_A_DAY = 200
"""Follow-up codes that one sender may try in a day; there are 2^100."""
TOGETHER, AS_ONE = 48, 4
"""Of an IPv6 /48, which may be one person's line and holds 65,536 of the networks that the front counts by: four times a sender's share."""
_ADDRESSES = 20_000
"""Senders that are counted at once, in each table: beyond, no more is taken in that day."""


class Crowded(Refusal):
    """As many wait as may."""

    code: ClassVar[str] = "dossier-crowded"


class TooOften(Refusal):
    """This sender has sent, or asked, as much as one may in a day."""

    code: ClassVar[str] = "dossier-often"


class Over(Refusal):
    """No dossier of this code waits for more: there is none, its hour is over, or it was sent. One answer."""

    code: ClassVar[str] = "dossier-over"


class BadDocument(BadInput):
    """Its first bytes are not those of a PDF, PNG or JPEG file; or it is not the one announced."""

    code: ClassVar[str] = "dossier-file"


class Unknown(Refusal):
    """No dossier of this code was sent."""

    code: ClassVar[str] = "dossier-unknown"


class Daily:
    """How often each sender did something today. In memory alone: no address is written anywhere, and a restart forgets them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._day: object = None
        self._counts: dict[str, int] = {}

    def count(self, address: str, now: int) -> None:
        """One more. Raises TooOften."""
        today = paris_date(now)
        if today != self._day:
            self._day, self._counts = today, {}
        most = {address: self._most} | ({line: self._most * AS_ONE} if (line := _line_of(address)) else {})
        if any(self._is_over(key, bound) for key, bound in most.items()):
            raise TooOften
        for key in most:
            self._counts[key] = self._counts.get(key, 0) + 1

    def _is_over(self, key: str, most: int) -> bool:
        done = self._counts.get(key, 0)
        return done >= most or (not done and len(self._counts) >= _ADDRESSES)


def _line_of(address: str) -> str:
    """The network that an IPv6 sender's is in; "" for any other."""
    try:
        network = IPv6Network(address)
    except ValueError:
        return ""
    return str(network.supernet(new_prefix=TOGETHER)) if network.prefixlen > TOGETHER else ""


class Applying:
    """One cashier's table of what the public page may ask."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._opened, self._looked = Daily(zone.settings.dossiers_a_day), Daily(LOOKS_A_DAY)
        self._handlers: dict[type, Callable[[Any], Awaitable[Reply]]] = {
            OpenDossier: self._open,
            AddPiece: self._add,
            FinishDossier: self._finish,
            AskDossierState: self._state,
        }

    def takes(self, call: object) -> bool:
        """Is it one of these?"""
        return type(call) in self._handlers

    async def answer(self, call: Any) -> Reply:
        """Do it. Raises BadInput, Refusal or Outage; on any of them nothing was kept."""
        return await self._handlers[type(call)](call)

    async def _open(self, call: OpenDossier) -> Reply:
        """The declaration, the account, and which documents will follow.

        What is typed is read whole first, so that its faults cost the sender nothing; then the sender is counted, then the place is taken.
        """
        now = self._zone.clock()
        declared = self._read(call, now)
        if isinstance(declared, DossierFaults):
            return declared
        declaration, iban = declared
        documents = [_announcement(each.about, each.kind, each.size) for each in call.documents]
        if len(documents) > MOST_DOCUMENTS:
            raise BadInput("documents")
        self._opened.count(call.address, now)
        code, public = follow_up_code(secrets.token_bytes(13)), await self._dossier_key()
        opening = await self._opening(declaration, iban, code, now)
        place, plain = Place(opening.id, 0, 0), written(declaration)
        async with self._transaction() as c:
            await store.take_turn(c)
            waiting, under_way = await store.waiting(c, now)
            if waiting >= self._zone.settings.dossiers_waiting or under_way >= UNDER_WAY:
                raise Crowded
            await store.begin(c, opening, documents)
            await store.add_piece(
                c, place, len(plain), seal_piece(public, place, plain, secrets.token_bytes(32))
            )
        return DossierOpened(code)

    def _read(self, call: OpenDossier, now: int) -> tuple[Declaration, Iban] | DossierFaults:
        faults: list[Fault] = []
        declaration, iban = None, None
        try:
            declaration = read_declaration(call.typed, VERSION, paris_date(now))
        except BadDeclaration as error:
            faults += error.faults
        try:
            iban = check_rib(call.iban[:LONGEST], self._zone.settings.mode)
        except RempartError as error:
            faults.append(Fault("iban", error.french, error.english))
        if declaration is None or iban is None:
            return DossierFaults([FieldFault(each.field, each.french, each.english) for each in faults])
        return declaration, iban

    async def _opening(self, declaration: Declaration, iban: Iban, code: str, now: int) -> Opening:
        dossier, rib = uuid.uuid4(), uuid.uuid4()
        return Opening(
            id=dossier, finess=declaration.finess, siret=declaration.siret, profession=declaration.profession, opened=now,
            code=hash_of_code(code), rib=rib, rib_sealed=seal_rib(self._zone.settlement_public, dossier, rib, iban),
            rib_mark=await mark_of(self._zone, iban),
        )  # fmt: skip

    async def _add(self, call: AddPiece) -> Done:
        if not call.body or len(call.body) > MOST_PIECE:
            raise BadInput("piece")
        place = await self._place(call)
        # Whoever has no dossier asks nothing of the vault.
        sealed = seal_piece(await self._dossier_key(), place, call.body, secrets.token_bytes(32))
        async with self._transaction() as c:
            await store.add_piece(c, place, len(call.body), sealed)
        return Done()

    async def _place(self, call: AddPiece) -> Place:
        """Where a piece goes, if something like it was announced. Raises Over, BadInput, BadDocument."""
        async with self._transaction() as c:
            dossier = await store.unfinished(c, hash_of_code(call.code), self._zone.clock())
            if dossier is None:
                raise Over
            document = await store.announced(c, dossier, call.document)
        if document is None:
            raise BadInput("document")
        _require_in_place(call, document)
        return Place(dossier, call.document, call.piece)

    async def _finish(self, call: FinishDossier) -> Done:
        code, now = hash_of_code(call.code), self._zone.clock()
        async with self._transaction() as c:
            # An answer that was lost is asked for again.
            if not await store.finish(c, code, now) and await store.state_of(c, code) is None:
                raise Over
        return Done()

    async def _state(self, call: AskDossierState) -> DossierState:
        self._looked.count(call.address, self._zone.clock())
        async with self._transaction() as c:
            found = await store.state_of(c, hash_of_code(call.code))
        if found is None:
            raise Unknown
        return DossierState(*found)

    async def _dossier_key(self) -> X25519PublicKey:
        reply = await self._zone.vault.call(AskDossierKey())
        if not isinstance(reply, DossierKey):
            raise Outage("dossier key")
        return X25519PublicKey.from_public_bytes(reply.public)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[asyncpg.Connection]:
        try:
            async with self._zone.pool.acquire(timeout=5) as c, c.transaction():
                yield c
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise Outage(type(error).__name__) from error


async def mark_of(zone: Zone, iban: Iban) -> bytes:
    """By which this account is known again. Raises Outage."""
    reply = await zone.vault.call(MarkRib(digest_of_rib(iban)))
    if not isinstance(reply, RibMark):
        raise Outage("mark")
    return reply.mark


def _announcement(about: str, kind: str, size: int) -> Announcement:
    if about not in set(About) or kind not in KINDS:
        raise BadDocument
    if not 1 <= size <= MOST_BYTES:
        raise BadInput("documents")
    return Announcement(about, kind, size)


def _require_in_place(call: AddPiece, document: Announcement) -> None:
    """Pieces are of one size but the last, and the first says what the file is, whatever it is called. Raises BadInput, BadDocument."""
    end = call.piece * MOST_PIECE + len(call.body)
    if call.piece < 0 or end > document.size or (len(call.body) < MOST_PIECE and end != document.size):
        raise BadInput("piece")
    if call.piece == 0 and kind_of(call.body) != document.kind:
        raise BadDocument
