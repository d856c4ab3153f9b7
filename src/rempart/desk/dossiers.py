"""Dossiers of référencement at the desk: shown, checked, proposed, enrolled, refused. The vault says first who asks, and journals it.

It gives the keys of a document to whoever may read it; the sealed pieces are read here, in the desk's own role. What was declared stays in
this process's memory a quarter of an hour, for whoever opened it: what they propose is held against it, so that nobody leaves out a doubt,
proposes what the dossier does not say, or has a letter sent elsewhere than where two people agreed.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from starlette.responses import HTMLResponse, Response

from rempart.claims.application_letters import Sender, acceptance, check_words, refusal
from rempart.claims.first_rib import ask_first_rib
from rempart.desk.fragments import Fragments
from rempart.foundation.clock import MINUTE, SECOND, Clock, paris_date
from rempart.foundation.errors import BadInput, Outage, Refusal
from rempart.foundation.settings import DeskSettings
from rempart.identity import store_desk as store
from rempart.identity.application import Application, check_application, digest_of
from rempart.identity.checks import COMES_LATER, SENTENCES, Doubt, doubts_of
from rempart.identity.dossier import Declaration, application_of, opened
from rempart.identity.referencing import enter_holder, enter_place, known_of
from rempart.identity.refusing import TOLD, Ground
from rempart.identity.sealed_dossier import open_document
from rempart.identity.store_desk import Dossier
from rempart.identity.store_dossiers import clear, clearable_among, elsewhere_of
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import (
    Act,
    DeskAct,
    DeskSeat,
    Done,
    DossierKeys,
    Effect,
    Onboarded,
    Proposed,
    Refused,
    Reply,
)

KEPT, MOST_KEPT = 15 * MINUTE, 64
"""How long, and how many, declarations are kept in memory."""
_SUFFIX = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}
_log = logging.getLogger("rempart.desk")


class DossiersUnreachable(Outage):
    """The dossiers' database does not answer."""

    french = "Les dossiers ne répondent pas : rien n'est fait. Recommencez dans une minute."
    english = "The dossiers do not answer: nothing is done. Try again in a minute."


class Unread(Refusal):
    """Nobody opened it here, in this session, within the quarter of an hour."""

    code = "dossier-unread"


class Changed(Refusal):
    """What is proposed is not what the dossier says, or lacks a doubt."""

    code = "doubts"


class Decided(Refusal):
    """Somebody enrolled or refused it meanwhile."""

    code = "conflict"


class _Said(msgspec.Struct, frozen=True):
    """Of a body that the vault reads strictly, what is needed here."""

    dossier: str = ""
    document: int = 0
    address: str = ""
    digest: str = ""
    finess: str = ""
    profession: str = ""
    login: str = ""
    doubts: list[str] = msgspec.field(default_factory=list)
    ground: str = ""
    words: str = ""
    decided: bool = False
    clearing: bool = False
    dossiers: list[UUID] = msgspec.field(default_factory=list)
    dry_run: bool = True
    id: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What somebody opened: a declaration, when (µs), under which login."""

    dossier: UUID
    declaration: Declaration
    login: str
    at: int


Shown = Reply | Response


class Dossiers:
    """By path. Each asks the vault, and answers in its place where there is more to show than its reply."""

    def __init__(
        self, settings: DeskSettings, client: VaultClient, fragments: Fragments, clock: Clock
    ) -> None:
        self._settings, self._client, self._fragments, self._clock = settings, client, fragments, clock
        self._kept: dict[tuple[bytes, UUID], Reading] = {}
        self._table: dict[str, Callable[[Act, _Said], Awaitable[Shown]]] = {
            "/desk/dossiers": self._list,
            "/desk/dossiers/clear": self._clear,
            "/desk/dossier/open": self._open,
            "/desk/application/check": self._check,
            "/desk/application/propose": self._propose,
            "/desk/application/enrol": self._enrol,
            "/desk/application/refuse": self._refuse,
        }

    def has(self, path: str) -> bool:
        """Is this one of them?"""
        return path in self._table

    async def do(self, act: Act) -> Shown:
        """The vault's reply, or what is shown instead. Raises Outage."""
        try:
            return await self._table[act.target](act, msgspec.json.decode(act.body, type=_Said))
        except msgspec.DecodeError:
            return Refused("bad-input", "body")
        except (BadInput, Refusal) as error:
            return Refused(error.code, error.detail)

    async def follow(self, path: str, body: bytes) -> None:
        """A proposal was approved or withdrawn: if it is a dossier's, its page says so. A loss of it costs an approval given anew."""
        notes: dict[str, Callable[[Any, int, int], None]] = {
            "/desk/proposal/approve": store.note_approved,
            "/desk/proposal/withdraw": lambda c, number, _at: store.note_withdrawn(c, number),
        }
        if path not in notes:
            return
        number, at = msgspec.json.decode(body, type=_Said).id, self._clock()
        try:
            await self._in_database(lambda c: notes[path](c, number, at))
        except Outage as error:
            _log.warning("proposal %d is decided and not marked so: %s", number, error.detail)

    # ── looks ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _list(self, act: Act, said: _Said) -> Shown:
        reply = await self._ask(act)
        if not isinstance(reply, DeskSeat):
            return reply
        found, waiting = await self._in_database(
            lambda c: (store.dossiers(c, decided=said.decided), store.waiting(c))
        )
        if said.clearing:
            untouched = [each for each in found if each.state == "received"]
            return self._fragment(act, "clearing.html", dossiers=untouched)
        return self._fragment(
            act, "dossiers.html", dossiers=found, waiting=waiting, decided=said.decided, now=self._clock(), seat=reply
        )  # fmt: skip

    async def _open(self, act: Act, _said: _Said) -> Shown:
        """The declaration as a fragment; any other document as a file, which no browser shows as a page."""
        reply = await self._ask(act)
        if not isinstance(reply, DossierKeys):
            return reply
        number = UUID(reply.dossier)
        one, documents, pieces = await self._in_database(
            lambda c: (
                store.dossier(c, number),
                store.documents(c, number),
                store.pieces(c, number, reply.document),
            )
        )
        if one is None:
            return Refused("not-found", "dossier")
        plain = open_document(number, reply.document, pieces, reply.keys)
        if reply.document:
            kind = next(each.kind for each in documents if each.document == reply.document)
            return _file(plain, kind, f"dossier-{reply.dossier[:8]}-{reply.document}.{_SUFFIX[kind]}")
        reading = Reading(number, opened(plain), reply.seat.login, self._clock())
        self._keep(act, reading)
        return await self._shown(act, reading, one, documents, reply.seat)

    async def _shown(
        self, act: Act, reading: Reading, one: Dossier, documents: list[store.Document], seat: DeskSeat
    ) -> Response:
        """Beside the declaration, what waits: made anew of it, so that the second person reads what they approve."""
        application = application_of(reading.declaration, one.address) if one.address else None
        found = await self._doubts(reading.dossier, application) if application is not None else []
        return self._fragment(
            act, "dossier.html", dossier=one, said=reading.declaration, documents=documents, seat=seat, now=self._clock(),
            same=application is not None and digest_of(application) == one.digest, doubts=_told(found), grounds=TOLD,
        )  # fmt: skip

    async def _check(self, act: Act, said: _Said) -> Shown:
        """What to look at, with this address."""
        reply = await self._ask(act)
        if not isinstance(reply, DeskSeat):
            return reply
        reading = self._read(act, said)
        application = self._application(reading, said.address)
        found = await self._doubts(reading.dossier, application)
        return self._fragment(
            act, "checked.html", application=application, dossier=said.dossier, digest=digest_of(application),
            doubts=_told(found), seat=reply, grounds=TOLD,
        )  # fmt: skip

    # ── deeds ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _propose(self, act: Act, said: _Said) -> Shown:
        """1. this clerk opened it; 2. nobody decided; 3. it says what is said of it; 4. no doubt is left out; 5. the vault; 6. its page."""
        reading = self._read(act, said)
        await self._require_open(reading)
        application = self._said_of(reading, said, said.address)
        found = [str(each) for each in await self._doubts(reading.dossier, application)]
        if sorted(found) != sorted(said.doubts):
            raise Changed(" ".join(found))
        reply = await self._ask(act)
        if isinstance(reply, Proposed):
            proposal, at = (reply.id, reply.expires), self._clock()
            await self._in_database(
                lambda c: store.note_proposed(
                    c, reading.dossier, application.address, said.digest, found, proposal, reading.login, at
                )
            )
        return reply

    async def _enrol(self, act: Act, said: _Said) -> Shown:
        """What two people approved, and its letter, which alone has the code. What they did not see of another dossier is proposed anew.

        The names are written before the vault is asked and kept only with its yes: it knows no establishment of which nobody has the name,
        but where the machine dies between its commit and ours, until it is asked again.
        """
        reading = self._read(act, said)
        one = await self._require_open(reading)
        if not one.address:
            raise Unread
        application = self._said_of(reading, said, one.address)
        await self._require_alone(one, application)
        if said.dry_run:
            return await self._ask(act)
        return await self._enrolled(act, one, application)

    async def _enrolled(self, act: Act, one: Dossier, application: Application) -> Shown:
        """1. the names, not kept yet; 2. the vault; 3. the letter; 4. all is kept. Cut short after the second, it is asked again."""
        at = self._clock()
        connection = await self._connected()
        try:
            await asyncio.to_thread(enter_place, connection, str(one.id), application, at)
            reply = await self._ask(act)
            if not isinstance(reply, Onboarded):
                return reply
            letter = await asyncio.to_thread(
                acceptance, application, self._sender(), reply.code, at, joins=reply.joins, sent=one.received
            )
            await asyncio.to_thread(_finish, connection, one.id, reply.account, application, at)
        except (psycopg.errors.UniqueViolation, psycopg.errors.InsufficientPrivilege) as error:
            # Enrolled meanwhile; or refused, of which no establishment is added.
            raise Decided("dossier") from error
        except psycopg.OperationalError as error:
            raise DossiersUnreachable(type(error).__name__) from error
        else:
            return _file(letter, "application/pdf", f"courrier-{application.finess}.pdf")
        finally:
            # Nothing is kept that was not committed.
            await asyncio.to_thread(connection.close)

    async def _refuse(self, act: Act, said: _Said) -> Shown:
        """The letter that says why goes to the address that the clerk read, as an acceptance does."""
        reading = self._read(act, said)
        await self._require_open(reading)
        application = self._said_of(reading, said, said.address)
        if said.ground not in set(Ground):
            raise BadInput("ground")
        check_words(said.words)
        reply = await self._ask(act)
        if not isinstance(reply, Done):
            return reply
        at = self._clock()
        await self._in_database(lambda c: store.decide(c, reading.dossier, "refused", at))
        letter = await asyncio.to_thread(
            refusal, application, self._sender(), Ground(said.ground), said.words, at
        )
        return _file(letter, "application/pdf", f"refus-{application.finess}.pdf")

    async def _clear(self, act: Act, said: _Said) -> Shown:
        """Made-up ones, unread: what is left to be cleared of these, or how many were. The vault journals each."""
        reply = await self._ask(act)
        if isinstance(reply, Effect):
            left = await self._in_database(lambda c: clearable_among(c, said.dossiers))
            return self._fragment(act, "cleared.html", number=left, done=False)
        if not isinstance(reply, Done):
            return reply
        at = self._clock()
        number = await self._in_database(lambda c: clear(c, said.dossiers, at))
        return self._fragment(act, "cleared.html", number=number, done=True)

    # ── what they share ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _ask(self, act: Act) -> Reply:
        return await self._client.call(DeskAct(act))

    def _keep(self, act: Act, reading: Reading) -> None:
        key = _key(act, reading.dossier)
        self._kept.pop(key, None)
        while len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = reading

        def forget() -> None:
            if self._kept.get(key) is reading:
                del self._kept[key]

        asyncio.get_running_loop().call_later(KEPT / SECOND, forget)

    def _read(self, act: Act, said: _Said) -> Reading:
        """What this session opened. Raises BadInput, Unread."""
        try:
            number = UUID(said.dossier)
        except ValueError:
            raise BadInput("dossier") from None
        kept = self._kept.get(_key(act, number))
        if kept is None or self._clock() - kept.at >= KEPT:
            raise Unread
        return kept

    async def _require_open(self, reading: Reading) -> Dossier:
        """Raises Decided."""
        one: Dossier | None = await self._in_database(lambda c: store.dossier(c, reading.dossier))
        if one is None or not one.is_open:
            raise Decided("dossier")
        return one

    def _application(self, reading: Reading, address: str) -> Application:
        """Raises BadInput: the address is no line of words."""
        return check_application(application_of(reading.declaration, " ".join(address.split())))

    def _said_of(self, reading: Reading, said: _Said, address: str) -> Application:
        """The application, if what is said of it is what it says. Raises BadInput, Changed."""
        application = self._application(reading, address)
        read = (digest_of(application), application.finess, application.profession, application.login)
        if read != (said.digest, said.finess, said.profession, said.login):
            raise Changed("digest")
        return application

    async def _doubts(self, number: UUID, application: Application) -> list[Doubt]:
        known = await self._in_database(lambda c: known_of(c, application, elsewhere_of(c, number)))
        return doubts_of(application, known, paris_date(self._clock()))

    async def _require_alone(self, one: Dossier, application: Application) -> None:
        """What came up of other dossiers since it was proposed is looked at by two people too. Raises Changed."""
        came = (COMES_LATER & {*await self._doubts(one.id, application)}) - {*one.doubts}
        if came:
            raise Changed(" ".join(sorted(came)))

    def _sender(self) -> Sender:
        return Sender(self._settings.operator_name, self._settings.portal_origin)

    def _fragment(self, act: Act, name: str, **values: Any) -> Response:
        return HTMLResponse(self._fragments.fill(name, act.language, **values))

    async def _connected(self) -> "psycopg.Connection[Any]":
        """In a transaction of its own. Raises DossiersUnreachable."""
        try:
            return await asyncio.to_thread(psycopg.connect, self._settings.dsn)
        except psycopg.OperationalError as error:
            raise DossiersUnreachable(type(error).__name__) from error

    async def _in_database(self, work: Callable[["psycopg.Connection[Any]"], Any]) -> Any:
        def run() -> Any:
            with psycopg.connect(self._settings.dsn) as connection:
                return work(connection)

        try:
            return await asyncio.to_thread(run)
        except psycopg.OperationalError as error:
            raise DossiersUnreachable(type(error).__name__) from error


def _finish(
    connection: "psycopg.Connection[Any]", number: UUID, account: str, application: Application, at: int
) -> None:
    """Once the vault said yes: its titulaire, its state, its account that waits; kept together."""
    enter_holder(connection, account, str(number), application)
    store.decide(connection, number, "enrolled", at)
    ask_first_rib(connection, number, UUID(account), at)
    connection.commit()


def _key(act: Act, number: UUID) -> tuple[bytes, UUID]:
    return hashlib.sha256(act.session.encode()).digest(), number


def _told(found: list[Doubt]) -> list[tuple[str, tuple[str, str]]]:
    return [(str(each), SENTENCES[each]) for each in found]


def _file(content: bytes, kind: str, name: str) -> Response:
    """To be saved, never shown: whoever applied made it."""
    return Response(
        content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
