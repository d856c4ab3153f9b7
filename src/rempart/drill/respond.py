"""The duty officer of a drill: from an alert to the platform reopened, through the functions and calls that the operator's commands use.

From the decision on the simulated clock goes as fast as the real one, the robot goes on, and honest people at all other counters too: what
they are refused meanwhile is what the response costs those who are not concerned.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec
import psycopg

from rempart.drill.delivering import OperatorRefused, log_key
from rempart.drill.handed import fetch, take_seats
from rempart.drill.play import play
from rempart.drill.report import Report
from rempart.drill.response import Response
from rempart.drill.rhythms import moment
from rempart.drill.scenario import BadScenario, Scenario
from rempart.drill.seat import Seat
from rempart.drill.stage import Drill, Robot, Say
from rempart.drill.town import by_card
from rempart.drill.watch import Alert, Mark
from rempart.evidence.note import VerifierKey
from rempart.foundation.clock import HOUR, SECOND, instant, paris_date
from rempart.foundation.errors import Outage, RempartError
from rempart.foundation.vocabulary import Domain
from rempart.identity.referencing import enrol_establishment
from rempart.incident import facts, store, store_case
from rempart.incident.case import Verb
from rempart.incident.clocks import PACKAGES
from rempart.incident.documents import write_documents
from rempart.incident.exposure import Question, Scope
from rempart.incident.handing_over import plan, send
from rempart.incident.model import Strength
from rempart.incident.nobody_else import nobody_else
from rempart.incident.notices.rendering import Telling, check_templates
from rempart.incident.notices.templates import FOLDER, Templates
from rempart.incident.scope import scope as read_scope
from rempart.incident.scope_negative import state_negative
from rempart.incident.scope_professionals import professionals_seen
from rempart.incident.scope_proofs import prove_answers, read_published
from rempart.incident.scope_report import SETTLED
from rempart.incident.store import Kept
from rempart.population import Person, synthetic_establishments
from rempart.vaultdoor.browser import DeviceKey, SoftwarePasskey
from rempart.vaultdoor.fhir import Presentation
from rempart.vaultdoor.messages import (
    Call,
    Done,
    Enrolled,
    IncidentStatement,
    IssueCode,
    ListSwitches,
    Refused,
    Reply,
    Stated,
    StatePackage,
    SuspendAccount,
    Switches,
    TellInsurer,
    ThrowSwitch,
)

ACTOR = "garde"
TITLE = "Session de professionnel utilisée par un automate"
AT_ONCE = 4
"""Requests that the robot has in flight while it is contained."""
NOT_CONTAINED_SECONDS = 10.0
SIGNED_SECONDS = 10.0
"""Real: how long the list waits for the checkpoint that proves its last answers."""
BETWEEN_PATIENTS = 0.1
"""Real seconds between two patients in the whole town, while the response goes on."""
HELD_MINUTES = 240
"""The first step of reopening ends by itself, if whoever is on duty forgets it."""
_LOOK = 0.1
R = TypeVar("R", bound=Reply)


class NotAsItMust(Outage):
    """A step of the response did not do what it is for."""

    code = "drill-response"
    french = "La réponse de l'exercice ne s'est pas déroulée comme elle le doit."
    english = "The drill's response did not go as it must."


def require_answerable(scenario: Scenario) -> None:
    """One stolen session: the response that is played. Raises BadScenario."""
    if scenario.thief.holds != "session" or scenario.thief.accounts != 1 or scenario.crashes:
        raise BadScenario(
            "--with-response plays one infected workstation without a crash: holds session, accounts 1"
        )


def play_response(scenario: Scenario, folder: Path, say: Say) -> tuple[Report, list[tuple[int, int]]]:
    """Play it with a duty officer who responds. Raises NotAsItMust when nothing was responded to."""
    on_duty: list[Responder] = []

    def comes(drill: Drill) -> Responder:
        on_duty.append(Responder(drill))
        return on_duty[0]

    report, curve = play(scenario, folder, say, comes)
    report.response = on_duty[0].told()
    return report, curve


@dataclass(frozen=True)
class _Found:
    """The list, and the question whose answer it is."""

    question: Question
    scope: Scope


class Responder:
    """Whoever is on duty. Responds to the first alert about an account whose holder, called back, did not ask; acknowledges others."""

    def __init__(self, drill: Drill) -> None:
        self._drill = drill
        self._folder = drill.platform.home.folder
        self._chance = drill.chance("response")
        self._began = 0.0
        self._contained = 0
        self.response: Response | None = None

    async def prepare(self) -> None:
        """Before the first day: establishments have names, insurers a seat; what any platform has when something happens."""
        drill = self._drill
        self._c: psycopg.Connection[Any] = await asyncio.to_thread(
            psycopg.connect, drill.platform.home.operator_dsn.read_text().strip(), autocommit=True
        )
        known = synthetic_establishments(drill.scenario.seed, len(drill.town.houses))
        for house, named in zip(drill.town.houses, known, strict=True):
            enrol_establishment(
                self._c, house.seats[0].establishment, named.finess, named.name, named.town, named.profession
            )
        self._insurers = await take_seats(drill, self._c)

    def close(self) -> None:
        """Let go of the operator's connection."""
        self._c.close()

    def contained(self) -> Mark | None:
        """When the account was closed."""
        return Mark(self._contained, "account, closed") if self._contained else None

    def told(self) -> Response:
        """What it measured, when the drill is over. Raises NotAsItMust when there was nothing to respond to."""
        if self.response is None:
            raise NotAsItMust("no alert was acted on")
        told = self._drill.loot.told
        self.response.persons_after_containment = sum(at > self._contained for at in told.values())
        return self.response

    async def alerted(self, alert: Alert) -> None:
        """Call the house back; respond, once, if it was not them."""
        if self.response is not None:
            return
        kept = store.alert(self._c, alert.id)
        if kept.account is None or kept.strength < Strength.STRONG:
            return
        # Whoever is called back knows whether it was them.
        if str(kept.account) not in self._drill.life.apart:
            store.acknowledge(self._c, kept.id, self._drill.clock())
            return
        self.response = Response(kept.rule)
        await self._respond(kept, self.response)

    # ── the response, in its order ───────────────────────────────────────────────────────────────────────────────────

    async def _respond(self, kept: Kept, told: Response) -> None:
        drill, over = self._drill, asyncio.Event()
        drill.say(f"alerte / alert : {kept.french} / {kept.english}")
        before = Counter(drill.life.tally.refused), drill.life.tally.requests
        town = [
            asyncio.create_task(drill.agenda.live(over)),
            asyncio.create_task(self._everybody_goes_on(over)),
        ]
        try:
            # Contained first: counting and telling take seconds, in which the robot would go on.
            await self._contain(kept, told)
            # Counted before anybody is told: a package without its list would be January 2024.
            found = await self._count(kept, told)
            await self._until_settled(found.question)
            number = await self._tell_insurers(kept, found, told)
            await self._tell_others(number, told)
            # The account opens last, and only after everything that vouched for it is void.
            await self._rotate_and_reopen(kept, told)
        finally:
            over.set()
            await asyncio.gather(*town)
        tally = drill.life.tally
        told.honest_requests = tally.requests - before[1]
        told.honest_refused = dict(tally.refused - before[0])
        told.seconds = round(time.perf_counter() - self._began, 1)
        # The insurers' part, in their own time.
        await self._insurers_read(told)

    async def _contain(self, kept: Kept, told: Response) -> None:
        """The account, closed, while its robot has requests in flight."""
        robot = self._drill.robot
        if robot is None:
            raise NotAsItMust("no robot")
        reason = f"alert {kept.id}: {kept.rule}, not the house"
        asking = [asyncio.create_task(_until_contained(robot)) for _ in range(AT_ONCE)]
        self._began, self._contained = time.perf_counter(), self._drill.clock()
        await self._ask(ThrowSwitch("account", str(kept.account), reason, on=True, hold="closed"), Done)
        thrown = time.perf_counter()
        answers = [answer for task in asking for answer in await task]
        refused = max(at for at, code in answers if code == "contained")
        told.told_after_containment = sum(at > thrown and not code for at, code in answers)
        told.contained_after_decision_ms = round((max(thrown, refused) - self._began) * 1_000, 1)
        store.acknowledge(self._c, kept.id, self._drill.clock())
        self._step("contained", told)

    async def _count(self, kept: Kept, told: Response) -> _Found:
        """The list, the proof of each answer, and that nobody else is concerned."""
        key = self._key = await log_key(self._drill.operator)
        with _timed() as seconds:
            since = self._since(kept)
            assert kept.account is not None
            devices = frozenset({kept.device} if kept.device else ())
            question = Question(
                since, self._drill.clock() + 1, accounts=frozenset({kept.account}), devices=devices
            )
            scope = await asyncio.to_thread(read_scope, self._c, question)
            answers = [answer for person in scope.exposed for answer in person.answers]
            told.proofs = await self._proved([answer.index for answer in answers], key)
            told.nobody_else = await asyncio.to_thread(self._nobody_else, scope, key)
        told.scope_seconds = seconds()
        told.persons_listed = len(scope.exposed)
        self._step("counted", told)
        return _Found(question, scope)

    async def _tell_insurers(self, kept: Kept, found: _Found, told: Response) -> int:
        """Open the incident, say what is known, and lay a package on every insurer's desk. Answers the incident's number."""
        loop = asyncio.get_running_loop()

        def call(asked: Call, expected: type[R]) -> R:
            return asyncio.run_coroutine_threadsafe(self._ask(asked, expected), loop).result()

        with _timed() as seconds:
            number, packages = await asyncio.to_thread(self._hand_over, kept, found, call)
        told.packages, told.packages_seconds = packages, seconds()
        self._step("insurers told", told)
        return number

    async def _tell_others(self, number: int, told: Response) -> None:
        """Every document that is not an insurer's, in the platform's outbox."""
        with _timed() as seconds:
            told.documents = await asyncio.to_thread(self._write_documents, number)
        told.documents_seconds = seconds()
        self._step("documents written", told)

    async def _insurers_read(self, told: Response) -> None:
        """Each insurer opens its package; what they read is what the thief counts."""
        drill = self._drill
        read = await fetch(drill, self._insurers)
        told.acknowledged = read.packages
        told.persons_of_the_holder, told.persons_withheld = len(read.holders), len(read.withheld)
        told.scope_equals_thief = read.robots == set(drill.loot.told)

    async def _rotate_and_reopen(self, kept: Kept, told: Response) -> None:
        """Void what vouched for the account, give its holder a new code, reopen: first for people of the house, then for everybody."""
        drill, account = self._drill, str(kept.account)
        seat = next(seat for seat in drill.town.seats() if seat.account == account)
        login = await self._login_of(account)
        await self._ask(SuspendAccount(login, suspended=True), Done)
        await self._ask(SuspendAccount(login, suspended=False), Done)
        code = (await self._ask(IssueCode(login, "activation"), Enrolled)).code
        self._step("signed out everywhere, new code", told)
        await self._ask(
            ThrowSwitch("account", account, "called back", on=True, minutes=HELD_MINUTES, hold="known-only"),
            Done,
        )
        await self._ask(ThrowSwitch("account", account, "called back", on=False, hold="closed"), Done)
        await self._new_workstation(seat, code)
        known = drill.life.served.get(seat.establishment)
        if known is not None:
            await self._serve(seat, known)
        self._step("reopened for people of the house", told)
        await self._ask(ThrowSwitch("account", account, "called back", on=False, whole=True), Done)
        await self._serve(seat, by_card(self._stranger(seat), self._domain(seat)))
        assert drill.robot is not None
        told.reopened = bool(await drill.robot.insist()) and not await self._stands(account)
        self._step("reopened", told)

    # ── counting ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _since(self, kept: Kept) -> int:
        """The house reads its own journal page: since when today is there an answer that is not theirs? Else an hour before the alert."""
        theirs = {index for indexes in self._drill.life.receipts.by_account.values() for index in indexes}
        now = self._drill.clock()
        assert kept.account is not None
        today = Question(moment(paris_date(now), 0), now + 1, accounts=frozenset({kept.account}))
        answers = (answer for person in read_scope(self._c, today).exposed for answer in person.answers)
        return min((answer.at for answer in answers if answer.index not in theirs), default=kept.at - HOUR)

    async def _proved(self, indexes: list[int], key: VerifierKey) -> int:
        """How many have their proof: all of them, as soon as the next checkpoint is signed."""
        began = time.perf_counter()
        while True:
            published = await asyncio.to_thread(read_published, self._c, key)
            shown = len(await asyncio.to_thread(prove_answers, self._c, published, indexes))
            if shown == len(indexes) or time.perf_counter() - began > SIGNED_SECONDS:
                return shown
            await asyncio.sleep(_LOOK)

    async def _until_settled(self, question: Question) -> None:
        """What is still being written belongs to the interval: nobody is told before."""
        left = question.until + SETTLED - self._drill.clock()
        await asyncio.sleep(min(max(left, 0), SETTLED) / SECOND + _LOOK)

    def _nobody_else(self, scope: Scope, key: VerifierKey) -> str:
        try:
            return state_negative(self._c, scope, read_published(self._c, key)).depth.value
        except RempartError as error:
            return error.code

    # ── telling ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _hand_over(self, kept: Kept, found: _Found, call: "_Calls") -> tuple[int, int]:
        clock, c = self._drill.clock, self._c
        number = store_case.open_incident(c, clock(), ACTOR, TITLE, kept.at)
        for key, value in self._known(kept, found).items():
            checked = facts.check(self._templates().facts, key, value)
            store_case.add_act(c, number, clock(), ACTOR, Verb.FACT, key, checked)
        store_case.add_act(
            c, number, clock(), ACTOR, Verb.QUESTION, "", msgspec.json.encode(found.question).decode()
        )
        telling = self._telling(number)
        check_templates(telling)
        planned = plan(telling, store_case.handed_over(c, number), everybody=True)

        def sign(said: IncidentStatement) -> str:
            return call(StatePackage(said), Stated).statement

        for each in planned:
            send(c, telling, each, sign, clock, ACTOR)
            call(TellInsurer(each.insurer.amc, "incident:package", f"incident {number}"), Done)
        for duty in telling.templates.clocks.duty:
            if duty.done_by == PACKAGES:
                store_case.add_act(
                    c, number, clock(), ACTOR, Verb.DONE, duty.key, f"{clock()} {len(planned)} packages"
                )
        return number, len(planned)

    def _write_documents(self, number: int) -> int:
        target, telling = self._drill.platform.home.outbox / "incidents" / str(number), self._telling(number)
        return write_documents(self._c, telling, target)

    def _known(self, kept: Kept, found: _Found) -> dict[str, str]:
        """What is known by then, and nothing else: the rest is told as unknown."""
        return {
            "nature": "Un automate a interrogé la plate-forme depuis le poste d'un professionnel, session ouverte.",
            "nature:en": "A robot queried the platform from a professional's workstation, in an open session.",
            "origin": "external-malicious",
            "discovery": kept.french,
            "discovery:en": kept.english,
            "began": _iso(found.question.since),
            "contained": _iso(self._drill.clock()),
            "ongoing": "no",
            "confidentiality_lost": "yes",
            "integrity_lost": "no",
            "availability_lost": "no",
            "malicious": "yes",
            "rib_concerned": "no",
            "measures_taken": "Compte fermé, sessions et postes révoqués.",
            "measures_taken:en": "Account closed, sessions and devices revoked.",
        }

    def _telling(self, number: int) -> Telling:
        incident = store_case.read_incident(self._c, number)
        question = msgspec.json.decode(incident.question, type=Question)
        scope, seen = read_scope(self._c, question), professionals_seen(self._c, question)
        insurers, now = store_case.insurers(self._c), self._drill.clock()
        stated = nobody_else(self._c, scope, lambda: read_published(self._c, self._key), now)
        return Telling.of(incident, scope, insurers, "Rempart", now, self._templates(), seen, stated)

    def _templates(self) -> Templates:
        return Templates.read(self._folder / FOLDER)

    # ── reopening ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _login_of(self, account: str) -> str:
        standing = await self._ask(ListSwitches("account", account), Switches)
        return standing.switches[0].named

    async def _stands(self, account: str) -> bool:
        return bool((await self._ask(ListSwitches("account", account), Switches)).switches)

    async def _new_workstation(self, seat: Seat, code: str) -> None:
        """The workstation is made anew; its holder activates the account on it with the new code and a new passkey."""
        assert self._drill.robot is not None
        self._drill.robot.evict()
        seat.device, seat.session = DeviceKey.generate(), ""
        seat.passkey = SoftwarePasskey(seat.door.origin)
        if refused := await seat.activate(code):
            raise NotAsItMust(f"activation: {refused}")

    async def _serve(self, seat: Seat, shown: Presentation) -> None:
        told = await seat.check(shown)
        if told.code:
            raise NotAsItMust(f"the holder is refused: {told.code}")
        self._drill.life.receipts.keep(seat.account, told)

    def _stranger(self, seat: Seat) -> Person:
        return self._chance.choice(self._drill.town.house_of(seat).patients)

    def _domain(self, seat: Seat) -> Domain:
        return self._drill.town.house_of(seat).rhythm.domain

    # ── meanwhile ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _everybody_goes_on(self, over: asyncio.Event) -> None:
        """At all other counters, one after the other, a patient; colleagues of the stolen account among them."""
        life, town = self._drill.life, self._drill.town
        seats = [
            (house, seat) for house in town.houses for seat in house.seats if seat.account not in life.apart
        ]
        self._chance.shuffle(seats)
        for house, seat in seats * 4:
            if over.is_set():
                return
            await life.serve_one(house, seat, self._chance)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), BETWEEN_PATIENTS)

    # ── small change ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _ask(self, call: Call, expected: type[R]) -> R:
        """One call on the operator's socket. Raises OperatorRefused."""
        reply = await self._drill.operator.call(call)
        if isinstance(reply, expected):
            return reply
        raise OperatorRefused(reply.code if isinstance(reply, Refused) else type(reply).__name__)

    def _step(self, name: str, told: Response) -> None:
        seconds = round(time.perf_counter() - self._began, 2)
        told.steps.append({"step": name, "seconds": seconds})
        self._drill.say(f"{seconds:6.2f} s : {_STEPS[name]} / {name}")


class _Calls(Protocol):
    def __call__(self, asked: Call, expected: type[R]) -> R: ...


_STEPS = {
    "contained": "compte fermé",
    "counted": "liste exacte, preuves, constat négatif",
    "insurers told": "dossiers remis aux assureurs",
    "documents written": "notifications, plainte, lettres, communiqué écrits",
    "signed out everywhere, new code": "déconnecté partout, nouveau code",
    "reopened for people of the house": "rouvert aux patients de la maison",
    "reopened": "rouvert",
}


async def _until_contained(robot: Robot) -> list[tuple[float, str]]:
    """The robot asks on and on: when each answer came, and its code. Raises NotAsItMust when he is never contained."""
    answers: list[tuple[float, str]] = []
    began = time.perf_counter()
    while not answers or answers[-1][1] != "contained":
        if time.perf_counter() - began > NOT_CONTAINED_SECONDS:
            raise NotAsItMust("the robot goes on")
        code = await robot.insist()
        answers.append((time.perf_counter(), code))
    return answers


@contextmanager
def _timed() -> Iterator[Callable[[], float]]:
    began = time.perf_counter()
    yield lambda: round(time.perf_counter() - began, 2)


def _iso(micros: int) -> str:
    return instant(micros).isoformat(timespec="seconds")
