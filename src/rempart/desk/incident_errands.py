"""The night of an incident: what the desk does in its own database role once the vault said who asks, by the room's own functions.

The vault has journaled each act before; what leaves for an insurer was released there by two people, and is signed there. Long work is done
beside the event loop (rempart.desk.long_work). Nothing of a person is here to be shown: pseudonyms, counts, facts that somebody wrote.
"""

import asyncio
import io
import time
import zipfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
import psycopg
from starlette.responses import Response

from rempart.desk import answers, scopes
from rempart.desk.fragments import Fragments
from rempart.desk.long_work import Busy, DatabaseSilent, Job, LongWork
from rempart.evidence.note import VerifierKey
from rempart.evidence.witnesses import read_witnesses
from rempart.foundation.clock import DAY, Clock
from rempart.foundation.errors import BadInput, Refusal
from rempart.foundation.settings import DeskSettings
from rempart.incident import acting, facts, handing_over, publishing, store_answers
from rempart.incident import store_case as store
from rempart.incident.asking import Named, question_of
from rempart.incident.case import Incident, IncidentUnknown, Verb
from rempart.incident.clocks import loudest, read_clocks
from rempart.incident.documents import documents_of, forms_of
from rempart.incident.exposure import Exposed, Question, Scope
from rempart.incident.facts import Language
from rempart.incident.handing_over import Planned
from rempart.incident.nobody_else import UNCHECKED, NobodyElse, nobody_else, require_over, seconds_left
from rempart.incident.notices.rendering import Insurer, Rendered, Telling, check_templates, render
from rempart.incident.notices.templates import Templates
from rempart.incident.resting import resting_on_another
from rempart.incident.scope import require_at_most
from rempart.incident.scope import scope as read_scope
from rempart.incident.scope_hit import Hit, HouseHit, hit_establishment, hit_group
from rempart.incident.scope_professionals import professionals_seen
from rempart.incident.scope_proofs import prove_answers, read_published
from rempart.incident.scope_report import read_instant
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import (
    AnswersReleased,
    Call,
    Checkpoint,
    DeskSeat,
    Done,
    IncidentStatement,
    PackagesReleased,
    Refused,
    Reminded,
    Reply,
    SignedCheckpoint,
    Stated,
    StateReleased,
    TellReleased,
)

SCOPE, PLAN, SENDING = "scope", "plan", "sending"
COUNT, PUBLISHING = "answers", "publishing"
MOST_ACTS = 2_000
"""Of one person on one incident: a session left open fills no journal, and stands in nobody else's way."""
MOST_OPENED = 20
"""Incidents that one person opens within a day."""
MOST_LETTERS = 300
CHOSEN = 20
"""Incidents, newest first, that a question may be given to."""
VAULT_SECONDS = 30.0
Connection = psycopg.Connection[Any]
T = TypeVar("T")


class LooksLikeNir(BadInput):
    """What is said of an incident goes to many, and is never unsaid."""

    code = "looks-like-nir"
    french = (
        "Ce texte contient ce qui ressemble à un NIR : rien n'a été gardé. Dites-le sans numéro de personne."
    )
    english = "Something in this text looks like a NIR: nothing was kept. Say it without a person's number."


class Full(Refusal):
    """More than a night writes."""

    code = "incident-full"
    french = "Vous avez trop écrit sur cet incident, ou ouvert trop d'incidents aujourd'hui : passez par la commande."
    english = "You wrote too much of this incident, or opened too many today: use the command."


class TooManyLetters(Refusal):
    """More than one answer should hold."""

    code = "incident-letters"
    french = "Trop de lettres pour une archive : « rempart incident render » les écrit toutes."
    english = "Too many letters for one archive: `rempart incident render` writes all of them."


class NoQuestion(Refusal):
    """Figures come from an answered question."""

    code = "incident-question"
    french = "Cet incident n'a pas de périmètre : comptez d'abord, puis donnez-lui la question."
    english = "This incident has no scope: count first, then give it the question."


class NothingCounted(Refusal):
    """The last answer is gone, or none was asked for."""

    code = "scope-none"
    french = "Aucun périmètre compté n'est gardé pour vous : posez la question de nouveau."
    english = "No counted scope is kept for you: ask again."


class PlanChanged(Refusal):
    """What two people approved is not what would go now."""

    code = "packages-changed"
    french = "Un fait, la question ou un modèle a changé depuis l'approbation : rien n'est parti. Préparez et proposez de nouveau."
    english = "A fact, the question or a template changed since it was approved: nothing went. Prepare the packages and propose them again."


class VaultRefuses(Refusal):
    """The vault signs or tells nothing."""

    code = "vault-refused"
    french = "Le coffre refuse de signer : l'envoi s'arrête là. Ce qui est parti l'est une seule fois ; proposez de nouveau pour la suite."
    english = "The vault refuses to sign: it stops there. What went, went once; propose again for the rest."


# ── what is asked (the vault has read each body strictly) ────────────────────────────────────────────────────────────


class _Asked(msgspec.Struct, frozen=True):
    """The fields of all these bodies: each errand reads its own."""

    id: int = 0
    title: str = ""
    aware: str = ""
    key: str = ""
    value: str = ""
    duty: str = ""
    at: str = ""
    reference: str = ""
    why: str = ""
    since: str = ""
    until: str = ""
    accounts: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    establishments: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    editors: tuple[str, ...] = ()
    lanes: tuple[str, ...] = ()
    insurers: tuple[str, ...] = ()
    whole: bool = False
    list: bool = False
    page: int = 0
    insurer: int = 0
    part: int | str = 0
    establishment: str = ""
    group: str = ""
    everybody: bool = False
    proofs: bool = False
    document: str = ""
    form: str = ""


@dataclass(frozen=True)
class Plan:
    """What would go, and what identifies all of it."""

    incident: int
    everybody: bool
    proofs: bool
    planned: Sequence[Planned]
    silent: Sequence[str]
    """N° AMC of those without a seat."""
    digest: str
    documents: int
    nobody_else: NobodyElse
    """What the packages say of it."""

    @property
    def amcs(self) -> list[str]:
        """To whom something new goes."""
        return [each.insurer.amc for each in self.planned if not each.same]

    @property
    def persons(self) -> int:
        """In all."""
        return sum(len(each.exposed) for each in self.planned)


@dataclass
class Sent:
    """What became of a release."""

    handed: int = 0
    there: int = 0
    silent: list[str] = field(default_factory=list)


Errand = Callable[[_Asked, DeskSeat, str], Awaitable[str | Response]]


class IncidentErrands:
    """By path. Each makes a fragment, or a file."""

    def __init__(
        self, settings: DeskSettings, client: VaultClient, fragments: Fragments, clock: Clock
    ) -> None:
        self._settings, self._client, self._fragments, self._clock = settings, client, fragments, clock
        self._witnesses = [each.key for each in read_witnesses(settings.witnesses)]
        self._work = LongWork(clock)
        self._reading = asyncio.Semaphore(2)
        """Documents and answers of a house: seconds, and as much memory as a scope."""
        self.table: dict[str, Errand] = {
            "/desk/incident": self._show,
            "/desk/incident/open": self._open,
            "/desk/incident/fact": self._fact,
            "/desk/incident/about": self._about,
            "/desk/incident/done": self._done,
            "/desk/incident/waive": self._waive,
            "/desk/document": self._document,
            "/desk/scope": self._scope,
            "/desk/scope/ask": self._ask,
            "/desk/scope/stop": self._stop,
            "/desk/scope/proofs": self._proofs,
            "/desk/scope/hit": self._hit,
            "/desk/packages": self._packages,
            "/desk/packages/plan": self._plan,
            "/desk/answers": self._answers,
            "/desk/answers/count": self._count,
            "/desk/answers/withdraw": self._unpublish,
        }

    async def do(self, path: str, body: bytes, seat: DeskSeat, language: str) -> str | Response:
        """One errand. Raises RempartError."""
        return await self.table[path](msgspec.json.decode(body, type=_Asked), seat, language)

    async def carry_out(self, reply: PackagesReleased | AnswersReleased | Reminded, language: str) -> str:
        """What the vault has just let go: hand the packages over, publish the answers, or note who was told again."""
        if isinstance(reply, AnswersReleased):
            self._publish(reply)
            return self._fill("publishing-begun.html", language, reply=reply)
        if isinstance(reply, Reminded):
            await self._in_database(lambda c: _note_reminded(c, reply, self._clock()))
            return self._fill("reminded.html", language, reply=reply)
        self._send(reply)
        return self._fill("sending-begun.html", language, reply=reply)

    # ── the incident ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _show(self, asked: _Asked, seat: DeskSeat, language: str) -> str:
        """The list (0), or one part of one: its clocks, facts, duties, documents, journal."""
        if not asked.id:
            templates, now = self._templates(), self._clock()
            found = await self._in_database(store.incidents)
            read = [(one, loudest(read_clocks(templates.clocks, one, now))) for one in found]
            return self._fill("incident-list.html", language, incidents=read)
        part = asked.part if asked.part in _PARTS else "clocks"
        try:
            return await self._part(str(part), asked.id, seat, language)
        except IncidentUnknown:
            return self._fill("incident-none.html", language, number=asked.id)

    async def _part(self, part: str, number: int, seat: DeskSeat, language: str) -> str:
        templates, now = self._templates(), self._clock()
        if part == "journal":
            tongue = Language.ENGLISH if language == "en" else Language.FRENCH
            acts = await self._in_database(lambda c: store.acts(c, number))
            rows = [(act, acting.words_of(act, templates, tongue)) for act in acts]
            return self._fill("incident-journal.html", language, acts=rows)
        incident = await self._in_database(lambda c: store.read_incident(c, number))
        said = facts.Facts(templates.facts, incident.facts)
        return self._fill(
            f"incident-{part}.html", language, incident=incident, seat=seat, now=now, kinds=templates.facts.fact, said=said,
            tongue=Language.ENGLISH if language == "en" else Language.FRENCH, dues=read_clocks(templates.clocks, incident, now),
            documents=templates.documents, asked=acting.question_of(incident),
        )  # fmt: skip

    async def _open(self, asked: _Asked, seat: DeskSeat, language: str) -> str:
        _require_no_nir(asked.title)
        by = acting.Hand(seat.login, self._clock())

        def work(c: Connection) -> int:
            recent = [one.id for one in store.incidents(c) if one.opened > by.now - DAY]
            if sum(store.acts(c, number)[0].actor == by.actor for number in recent) >= MOST_OPENED:
                raise Full
            return acting.open_incident(c, by, asked.title, asked.aware)

        return self._fill("incident-opened.html", language, number=await self._in_database(work))

    async def _fact(self, asked: _Asked, seat: DeskSeat, language: str) -> str:
        _require_no_nir(asked.value)

        def work(c: Connection, by: acting.Hand, incident: Incident) -> None:
            acting.say_fact(c, by, self._templates(), incident.id, asked.key, asked.value)

        return await self._noted(asked.id, seat, language, work)

    async def _about(self, asked: _Asked, seat: DeskSeat, language: str) -> str:
        counted = self._counted(seat)

        def work(c: Connection, by: acting.Hand, incident: Incident) -> None:
            acting.put_question(c, by, incident.id, counted.question)

        return await self._noted(asked.id, seat, language, work)

    async def _done(self, asked: _Asked, seat: DeskSeat, language: str) -> str:
        _require_no_nir(asked.reference)

        def work(c: Connection, by: acting.Hand, incident: Incident) -> None:
            acting.note_done(c, by, self._templates(), incident, asked.duty, asked.at, asked.reference)

        return await self._noted(asked.id, seat, language, work)

    async def _waive(self, asked: _Asked, seat: DeskSeat, language: str) -> str:
        _require_no_nir(asked.why)

        def work(c: Connection, by: acting.Hand, incident: Incident) -> None:
            acting.waive(c, by, self._templates(), incident, asked.duty, asked.why)

        return await self._noted(asked.id, seat, language, work)

    async def _noted(
        self,
        number: int,
        seat: DeskSeat,
        language: str,
        work: Callable[[Connection, acting.Hand, Incident], None],
    ) -> str:
        by = acting.Hand(seat.login, self._clock())

        def add(c: Connection) -> None:
            acts = store.acts(c, number)
            if sum(act.actor == by.actor for act in acts) >= MOST_ACTS:
                raise Full
            work(c, by, store.read_incident(c, number))

        await self._in_database(add)
        return self._fill("noted.html", language, number=number)

    # ── documents ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _document(self, asked: _Asked, _seat: DeskSeat, language: str) -> str | Response:
        """One that is not an insurer's, to read or as a file; the letters to establishments as one archive."""
        document = self._templates().document(asked.document)
        if document.per == "insurer" or (document.per == "establishment") != (asked.form == "zip"):
            raise BadInput("document")

        key = await self._key()

        def work(c: Connection) -> Rendered | bytes:
            telling = self._telling(c, asked.id, key)
            if document.per == "once":
                return render(telling, document)
            return _letters(c, telling, document.key)

        made = await self._reads(work)
        name = f"incident-{asked.id}-{document.key}"
        if isinstance(made, bytes):
            return _file(made, f"{name}.zip", "application/zip")
        if asked.form == "read":
            text = made.text(Language.ENGLISH if language == "en" else Language.FRENCH)
            return self._fill("document.html", language, title=document, text=text)
        if asked.form == "pdf":
            return _file(await asyncio.to_thread(made.pdf), f"{name}.pdf", "application/pdf")
        if asked.form == "json":
            return _file(made.json(), f"{name}.json", "application/json")
        text = made.text(Language(asked.form.partition(".")[0]))
        return _file(text.encode(), f"{name}.{asked.form}", "text/plain; charset=utf-8")

    # ── the scope ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _ask(self, asked: _Asked, seat: DeskSeat, language: str) -> str:
        """Begin to count; the page looks again."""
        now = self._clock()
        since = read_instant(asked.since)
        until = read_instant(asked.until) if asked.until else now
        named = Named(
            asked.accounts, asked.devices, asked.establishments, asked.groups, asked.editors, asked.lanes, asked.insurers
        )  # fmt: skip
        key = await self._key()
        # A name that nobody has is said at once.
        question = await self._in_database(lambda c: question_of(c, since, until, named))

        def work(job: Job) -> scopes.Counted:
            with self._connected(job) as c:
                return scopes.count(c, question, key, self._witnesses, job, now, whole=asked.whole)

        self._work.start(seat.login, SCOPE, work)
        return self._fill("scope-begun.html", language)

    async def _stop(self, _asked: _Asked, seat: DeskSeat, language: str) -> str:
        await asyncio.to_thread(self._work.stop, seat.login, SCOPE)
        return await self._scope(_Asked(), seat, language)

    async def _scope(self, asked: _Asked, seat: DeskSeat, language: str) -> str:
        """How far it is, or the answer; with `list`, a page of the list alone."""
        if asked.list:
            return self._fill("scope-list.html", language, **_page(self._counted(seat), asked))
        job = self._work.find(seat.login, SCOPE)
        counted = job.result if job is not None else None
        incidents = await self._in_database(lambda c: store.incidents(c)[:CHOSEN]) if counted else []
        return self._fill(
            "scope.html", language, job=job, counted=counted, incidents=incidents,
            **(_page(counted, _Asked()) if counted else {}),
        )  # fmt: skip

    async def _proofs(self, asked: _Asked, seat: DeskSeat, _language: str) -> Response:
        counted, key, part = self._counted(seat), await self._key(), int(asked.part)
        if not 0 <= part < counted.files:
            raise BadInput("part")
        shown = await self._reads(lambda c: scopes.prove(c, counted, key, self._witnesses, part))
        lines = b"".join(msgspec.json.encode(each) + b"\n" for each in shown)
        return _file(lines, f"proofs-{part + 1}.ndjson", "application/x-ndjson")

    async def _hit(self, asked: _Asked, seat: DeskSeat, language: str) -> str:
        """*Were we hit?*, of one establishment or one group, by the question counted last."""
        if bool(asked.establishment) == bool(asked.group):
            raise BadInput("establishment, group")
        counted = self._counted(seat)

        def work(c: Connection) -> tuple[Hit | None, Sequence[HouseHit]]:
            found = _bounded(c, counted.question)
            if asked.group:
                return hit_group(c, found, asked.group)
            houses = hit_establishment(c, found, asked.establishment)
            # Of a FINESS that was sold each has an answer of its own, and they have none together.
            return houses[0].hit if len(houses) == 1 else None, houses

        whole, houses = await self._reads(work)
        return self._fill(
            "hit.html", language, whole=whole, houses=houses, asked=asked.establishment or asked.group
        )

    def _counted(self, seat: DeskSeat) -> scopes.Counted:
        job = self._work.find(seat.login, SCOPE)
        if job is None or job.result is None:
            raise NothingCounted
        counted: scopes.Counted = job.result
        return counted

    # ── packages ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _packages(self, asked: _Asked, seat: DeskSeat, language: str) -> str:
        """Whose package is where; the plan of whoever asks; the sending under way."""
        templates, now = self._templates(), self._clock()

        def work(c: Connection) -> tuple[Incident, list[store.Handed], int]:
            resting = resting_on_another(store.acts(c, asked.id)).insurers
            return store.read_incident(c, asked.id), store.handed_over(c, asked.id), resting

        try:
            incident, handed, resting = await self._in_database(work)
        except IncidentUnknown:
            return self._fill("incident-none.html", language, number=asked.id)
        last = {package.insurer: package for package in handed}
        late = handing_over.unacknowledged(incident, handed, templates.clocks.remind_after_hours, now)
        plan = self._work.find(seat.login, _of(PLAN, asked.id))
        sending = self._work.find("", _of(SENDING, asked.id))
        if plan is not None and sending is not None and plan.began <= sending.began:
            # It went, or it was not what would go: either way it is to be prepared anew.
            plan = None
        return self._fill(
            "packages.html", language, incident=incident, handed=sorted(last.values(), key=lambda one: one.amc), plan=plan,
            recall=[package.amc for package, due in late if due], hours=templates.clocks.remind_after_hours,
            waiting=[package.amc for package, _ in late], sending=sending, resting=resting,
        )  # fmt: skip

    async def _plan(self, asked: _Asked, seat: DeskSeat, language: str) -> str:
        """What would go, to whom: a dry run; the page looks again."""
        key = await self._key()

        def work(job: Job) -> Plan:
            with self._connected(job) as c:
                # What was counted up to now is over in seconds: they are waited for here, not by whoever looks.
                question = acting.question_of(store.read_incident(c, asked.id))
                time.sleep(0.0 if question is None else seconds_left(question, self._clock()))
                return self._planned(c, asked.id, key, everybody=asked.everybody, proofs=asked.proofs)[1]

        self._work.start(seat.login, _of(PLAN, asked.id), work)
        return self._fill("plan-begun.html", language)

    def _planned(
        self,
        c: Connection,
        number: int,
        key: VerifierKey,
        *,
        everybody: bool,
        proofs: bool,
        approved: str = "",
    ) -> tuple[Telling, Plan]:
        """`approved`: the digest of what two people released. Raises NoQuestion, NotOver, PlanChanged, BadTemplate."""
        telling = self._telling(c, number, key)
        if telling.scope is None:
            raise NoQuestion
        planned = handing_over.plan(telling, store.handed_over(c, number), everybody=everybody)
        seated = store.seats(c)
        silent = [each.insurer.amc for each in planned if each.insurer.amc not in seated]
        digest = handing_over.digest_of_plan(telling, planned).hex()
        if approved:
            # Said at once, before anything is rendered: whoever proposes anew waits for nothing.
            require_over(telling.scope.question, telling.at)
            if digest != approved:
                raise PlanChanged
        documents = check_templates(telling)
        return telling, Plan(
            number, everybody, proofs, planned, silent, digest, documents, telling.nobody_else
        )

    def _send(self, released: PackagesReleased) -> None:
        """Hand over what two people released, if it is what would go now. Raises UnderWay."""
        loop, number = asyncio.get_running_loop(), released.incident

        def call(asked: Call, expected: type[T]) -> T | Refused:
            reply = asyncio.run_coroutine_threadsafe(self._client.call(asked), loop).result(VAULT_SECONDS)
            if not isinstance(reply, expected | Refused):
                raise VaultRefuses(type(reply).__name__)
            return reply

        def work(job: Job) -> Sent:
            with self._connected(job) as c:
                return self._hand_over(c, job, released, call)

        self._work.start("", _of(SENDING, number), work, crowded=False, often=False)

    def _hand_over(
        self, c: Connection, job: Job, released: PackagesReleased, call: Callable[[Call, type[Any]], Any]
    ) -> Sent:
        signed = call(Checkpoint(), SignedCheckpoint)
        if isinstance(signed, Refused):
            raise VaultRefuses(signed.code)
        key = VerifierKey.parse(signed.verifier_key)
        telling, plan = self._planned(
            c, released.incident, key, everybody=released.everybody, proofs=released.proofs, approved=released.digest
        )  # fmt: skip
        sent = Sent()

        def sign(said: IncidentStatement) -> str:
            stated = call(StateReleased(said), Stated)
            if isinstance(stated, Refused):
                raise VaultRefuses(stated.code)
            return str(stated.statement)

        def tell(insurer: Insurer) -> bool:
            reply = call(TellReleased(released.incident, insurer.amc), Done)
            if isinstance(reply, Refused) and reply.code != "not-found":
                raise VaultRefuses(reply.code)
            return isinstance(reply, Done)

        def done(_planned: Planned, package: object) -> None:
            sent.handed += package is not None
            sent.there += package is None
            job.done += 1

        job.of = len(plan.planned)
        proofs: handing_over.Proofs = handing_over.no_proofs
        if released.proofs:
            proofs = _prover(c, key)
        sent.silent = handing_over.send_all(
            c, telling, plan.planned, sign, tell, self._clock, released.by, proofs, done
        )
        if plan.planned and not sent.silent:
            by = acting.Hand(released.by, self._clock())
            incident = store.read_incident(c, released.incident)
            acting.note_packages(c, by, telling.templates, incident, len(plan.planned))
        return sent

    # ── answers to professionals ─────────────────────────────────────────────────────────────────────────────────────

    async def _answers(self, asked: _Asked, seat: DeskSeat, language: str) -> str:
        """What everybody reads, if they do; what is missing; what was counted for whoever asks; the publishing under way."""
        now = self._clock()

        def work(c: Connection) -> tuple[Incident, store_answers.Published | None, int]:
            resting = resting_on_another(store.acts(c, asked.id)).answers
            return store.read_incident(c, asked.id), store_answers.published(c, asked.id), resting

        try:
            incident, shown, resting = await self._in_database(work)
        except IncidentUnknown:
            return self._fill("incident-none.html", language, number=asked.id)
        question = acting.question_of(incident)
        lacking = [NoQuestion()] if question is None else publishing.missing(incident, question, now)
        counted = self._work.find(seat.login, _of(COUNT, asked.id))
        under_way = self._work.find("", _of(PUBLISHING, asked.id))
        if counted is not None and under_way is not None and counted.began <= under_way.began:
            counted = None
        return self._fill(
            "answers.html", language, incident=incident, shown=shown, lacking=lacking, counted=counted, publishing=under_way,
            resting=resting,
        )  # fmt: skip

    async def _count(self, asked: _Asked, seat: DeskSeat, language: str) -> str:
        """Who would read what: a dry run; the page looks again."""
        key = await self._key()
        self._work.start(seat.login, _of(COUNT, asked.id), lambda job: self._prepared(job, asked.id, key))
        return self._fill("answers-begun.html", language)

    def _prepared(self, job: Job, number: int, key: VerifierKey) -> answers.Prepared:
        with self._connected(job) as c:
            incident = store.read_incident(c, number)
            question = acting.question_of(incident)
            if question is None:
                raise NoQuestion
            for lacking in publishing.missing(incident, question, self._clock()):
                raise lacking
            scope = _bounded(c, question)
            return answers.prepare(
                c, incident, scope, read_published(c, key, self._witnesses), job, self._clock()
            )

    def _publish(self, released: AnswersReleased) -> None:
        """Publish what two people released, if it is what is counted now. Raises UnderWay."""
        loop = asyncio.get_running_loop()

        def work(job: Job) -> int:
            key = asyncio.run_coroutine_threadsafe(self._key(), loop).result(VAULT_SECONDS)
            prepared = self._prepared(job, released.incident, key)
            if prepared.digest != released.digest:
                raise answers.AnswersChanged
            with self._connected(job) as c:
                return publishing.publish(c, prepared.answers, released.by)

        kind = _of(PUBLISHING, released.incident)
        self._work.start("", kind, work, crowded=False, often=False)

    async def _unpublish(self, asked: _Asked, seat: DeskSeat, language: str) -> str:
        _require_no_nir(asked.why)

        def work(c: Connection, by: acting.Hand, incident: Incident) -> None:
            publishing.unpublish(c, by, incident.id, asked.why)

        return await self._noted(asked.id, seat, language, work)

    # ── small change ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _telling(self, c: Connection, number: int, key: VerifierKey) -> Telling:
        """What documents are made from, now. Raises TooMany, BadTemplate, IncidentUnknown."""
        incident = store.read_incident(c, number)
        question = acting.question_of(incident)
        scope, seen = (
            (None, None) if question is None else (_bounded(c, question), professionals_seen(c, question))
        )
        now, stated = self._clock(), UNCHECKED
        if scope is not None:
            stated = nobody_else(c, scope, lambda: read_published(c, key, self._witnesses), now)
        return Telling.of(
            incident, scope, store.insurers(c), self._settings.operator_name, now, self._templates(), seen, stated
        )  # fmt: skip

    def _templates(self) -> Templates:
        # Read anew each time: templates change without a restart.
        return Templates.read(self._settings.templates_folder)

    async def _key(self) -> VerifierKey:
        reply: Reply = await self._client.call(Checkpoint())
        if not isinstance(reply, SignedCheckpoint):
            raise VaultRefuses(reply.code if isinstance(reply, Refused) else "")
        return VerifierKey.parse(reply.verifier_key)

    def _fill(self, name: str, language: str, **values: Any) -> str:
        return self._fragments.fill(name, language, **values)

    def _connected(self, job: Job | None = None) -> "psycopg.Connection[Any]":
        c: Connection = psycopg.connect(
            self._settings.dsn, autocommit=True, options=f"-c statement_timeout={scopes.STATEMENT_SECONDS}s"
        )
        if job is not None:
            job.connection = c
        return c

    async def _in_database(self, work: Callable[[Connection], T]) -> T:
        """In a thread. Raises what `work` raises, DatabaseSilent."""

        def run() -> T:
            with self._connected() as c:
                return work(c)

        try:
            return await asyncio.to_thread(run)
        except psycopg.OperationalError as error:
            raise DatabaseSilent(type(error).__name__) from error

    async def _reads(self, work: Callable[[Connection], T]) -> T:
        """The same, for what takes seconds and much memory. Raises Busy."""
        if self._reading.locked():
            raise Busy
        async with self._reading:
            return await self._in_database(work)


_PARTS = frozenset({"clocks", "facts", "duties", "documents", "journal"})


def _of(kind: str, number: int) -> str:
    return f"{kind} {number}"


def _bounded(c: Connection, question: Question) -> Scope:
    require_at_most(c, question, scopes.MOST_ANSWERS)
    return read_scope(c, question)


def _page(counted: scopes.Counted, asked: _Asked) -> dict[str, Any]:
    """One page of the list."""
    # A list of everybody is shown as it is: it may be long, and the page looks again every few seconds.
    rows = [row for row in counted.rows if row.insurer == asked.insurer] if asked.insurer else counted.rows
    pages = max(1, -(-len(rows) // scopes.PAGE))
    number = min(asked.page, pages - 1)
    return {
        "rows": rows[number * scopes.PAGE : (number + 1) * scopes.PAGE],
        "page": number,
        "pages": pages,
        "insurer": asked.insurer,
        "names": {part.number: part for part in counted.parts},
        "total": len(rows),
    }


def _require_no_nir(text: str) -> None:
    try:
        facts.require_no_nir(text)
    except ValueError:
        raise LooksLikeNir from None


def _letters(c: Connection, telling: Telling, key: str) -> bytes:
    whole = io.BytesIO()
    many = 0
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, document in documents_of(c, telling):
            if document.document.key != key:
                continue
            many += 1
            if many > MOST_LETTERS:
                raise TooManyLetters
            for suffix, content in forms_of(document):
                archive.writestr(f"{name}{suffix}", content)
    return whole.getvalue()


def _prover(c: Connection, key: VerifierKey) -> handing_over.Proofs:
    published = read_published(c, key)

    def made(exposed: Sequence[Exposed]) -> list[bytes]:
        indexes = [answer.index for person in exposed for answer in person.answers]
        return [msgspec.json.encode(shown) + b"\n" for shown in prove_answers(c, published, indexes)]

    return made


def _note_reminded(c: Connection, reply: Reminded, now: int) -> None:
    last = {package.amc: package for package in store.handed_over(c, reply.incident)}
    for amc in reply.amcs:
        if amc in last:
            package = last[amc]
            store.add_act(
                c, reply.incident, now, reply.by, Verb.REMIND, str(package.insurer), str(package.issue)
            )


def _file(content: bytes, name: str, kind: str) -> Response:
    return Response(
        content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
