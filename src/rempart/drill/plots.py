"""From a holding to a plot: how the thief comes by what he holds, what he does with it, and what of it the ledger must show."""

import asyncio
import base64
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Protocol

import psycopg

from rempart.client.keys import EditorKey
from rempart.drill.delivering import enrolled
from rempart.drill.doorroot import DoorRoot
from rempart.drill.dump import ransack
from rempart.drill.grip import Grip, PasswordGrip, SoftwareGrip
from rempart.drill.knowledge import Target, listed, targets
from rempart.drill.ledgerscope import Scope, scope_of_accounts, scope_of_editor, scope_of_everybody
from rempart.drill.pace import Pace
from rempart.drill.password import give_password
from rempart.drill.rhythms import RHYTHMS
from rempart.drill.scenario import BadScenario
from rempart.drill.seat import Seat, Told
from rempart.drill.software import Software, TwoKeys
from rempart.drill.stage import Drill
from rempart.drill.thief import AskingThief
from rempart.drill.town import House
from rempart.drill.watch import Party
from rempart.foundation.clock import MINUTE
from rempart.foundation.vocabulary import Domain, Profession, Role
from rempart.intake.upload import sign_upload
from rempart.population import Person
from rempart.vaultdoor.messages import (
    EnrolEstablishment,
    EnrolProfessional,
    IssueSoftwareCode,
    RegisterEditor,
)

CONSOLE = ("home", "files", "prises-en-charge", "flows", "funds")
"""What an insurer's seat may read."""


WORKING = frozenset({"session", "browser-profile", "editor-key"})
"""Holdings with which a right is told: those accounts will be held, and their honest people with them."""


class Plot(Protocol):
    """What the drill needs of a thief, whatever he holds."""

    async def prepare(self) -> None:
        """Before the first day: whatever the theft takes for granted."""

    def begin(self) -> None:
        """The theft: put his first act on the agenda."""

    def is_busy(self) -> bool:
        """Does he work at a machine's pace right now?"""

    async def parties(self) -> list[Party]:
        """By what ids alerts and switches would name his means."""

    def scope(self, connection: "psycopg.Connection[Any]", begins: int, ends: int) -> Scope:
        """Who was exposed, according to the ledger."""


def plot_of(drill: Drill) -> Plot:
    """The plot of a scenario's holding. Raises BadScenario when the town has not enough of what is stolen."""
    holds = drill.scenario.thief.holds
    if holds == "database-dump":
        return StolenDatabase(drill)
    if holds == "door-root":
        return RootOnTheDoor(drill)
    if holds == "insurer-access":
        return StolenInsurer(drill)
    if holds == "editor-key":
        return StolenEditor(drill)
    if holds in {"password", "password+totp-live"}:
        return StolenPasswords(drill)
    return StolenSessions(drill)


def victims_of(drill: Drill) -> list[Seat]:
    """Whose accounts he holds, each at an establishment of its own as long as there are enough. Raises BadScenario."""
    thief = drill.scenario.thief
    houses = list(drill.town.houses)
    if thief.victims == "busy":
        houses = [house for house in houses if house.profession is Profession.PHARMACY]
        houses.sort(key=lambda house: -house.size)
    else:
        drill.chance("victims").shuffle(houses)
    ranks = max((len(house.seats) for house in houses), default=0)
    seats = [house.seats[rank] for rank in range(ranks) for house in houses if rank < len(house.seats)]
    if len(seats) < thief.accounts:
        raise BadScenario(
            f"thief.accounts: {thief.accounts}, and there are {len(seats)}; raise population.establishments"
        )
    return seats[: thief.accounts]


def list_of(drill: Drill, domain: Domain) -> Iterator[Target]:
    """The thief's list."""
    known = listed(drill.scenario, drill.town.people, drill.town.canaries)
    return targets(drill.scenario, known, drill.population.insurers, domain)


class StolenSessions:
    """A live workstation, a copied browser profile, or a cookie: of one account or several."""

    def __init__(self, drill: Drill) -> None:
        self.drill = drill
        drill.robot = self
        self.victims = self.choose()
        if drill.scenario.thief.victims == "idle":
            drill.life.idle = {seat.account for seat in self.victims}
        self.grips: list[Grip] = [self.grip_of(seat) for seat in self.victims]
        rhythm = RHYTHMS.get(self.victims[0].profession, RHYTHMS[Profession.PHARMACY])
        self.asking = AskingThief(
            drill.scenario.thief,
            self.grips,
            list_of(drill, rhythm.domain),
            drill.agenda,
            drill.clock,
            drill.ends,
            drill.loot,
            drill.chance("thief"),
            rhythm,
        )

    def choose(self) -> list[Seat]:
        """Whose accounts."""
        return victims_of(self.drill)

    def grip_of(self, seat: Seat) -> Grip:
        """What he holds of that account."""
        holds = self.drill.scenario.thief.holds
        if holds == "session":
            return Grip(self.drill.door, seat, "live")
        return Grip(self.drill.door, seat, "copied" if holds == "browser-profile" else "cookie")

    async def prepare(self) -> None:
        """Nothing: the workstations are honest until then."""

    def begin(self) -> None:
        """The theft itself: from here on these accounts are told apart in the honest tally."""
        if self.drill.scenario.thief.holds in WORKING:
            self.drill.life.apart = {seat.account for seat in self.victims}
        for grip in self.grips:
            grip.copy()
        self.asking.begin(self.drill.begins)

    def is_busy(self) -> bool:
        """At a machine's pace, until he is tired or done."""
        return not self.asking.done and self.asking.pace.is_machine

    async def insist(self) -> str:
        """He asks once more, now."""
        return await self.asking.insist()

    def evict(self) -> None:
        """The workstations are made anew, under his hands."""
        for grip in self.grips:
            grip.evict()

    async def parties(self) -> list[Party]:
        """Of those accounts that told him anything, or of all when none did."""
        used = [grip.victim for grip in self.grips if grip.told] or self.victims
        named = [frozenset({seat.account, seat.establishment}) for seat in used]
        return await self.drill.watch.with_devices([seat.account for seat in used], named)

    def scope(self, connection: "psycopg.Connection[Any]", begins: int, ends: int) -> Scope:
        """All that these accounts were told, less what their honest people hold the receipts of."""
        accounts = [seat.account for seat in self.victims]
        return scope_of_accounts(connection, accounts, begins, ends, self.drill.life.receipts.at(accounts))


class StolenPasswords(StolenSessions):
    """Login and password; or those and a one-time code phished this very minute. On the thief's own devices."""

    def grip_of(self, seat: Seat) -> Grip:
        """A password each."""
        return PasswordGrip(
            self.drill.door,
            seat,
            "password",
            live_code=self.drill.scenario.thief.holds == "password+totp-live",
        )

    async def prepare(self) -> None:
        """The holders set passwords and one-time codes, which Rempart allows beside a passkey."""
        for grip in self.grips:
            assert isinstance(grip, PasswordGrip)
            await give_password(grip.victim, grip.password)


class StolenInsurer(StolenSessions):
    """An insurer's access: a live session at its seat, and the key that signs its files."""

    def choose(self) -> list[Seat]:
        """Made in `prepare`; the accounts are known then."""
        insurers = self.drill.population.insurers[: self.drill.scenario.thief.accounts]
        return [
            Seat(self.drill.door, f"amc{insurer.amc}", "", "", Profession.INSURER) for insurer in insurers
        ]

    def grip_of(self, seat: Seat) -> Grip:
        """Malware at the clerk's."""
        return Grip(self.drill.door, seat, "live")

    async def prepare(self) -> None:
        """Each insurer has a seat and a clerk, who signs in every morning."""
        operator = self.drill.operator
        for seat in self.victims:
            amc = seat.login.removeprefix("amc")
            seat.establishment = enrolled(
                await operator.call(EnrolEstablishment("", Profession.INSURER, amc=amc))
            ).id
            told = enrolled(
                await operator.call(EnrolProfessional(seat.login, Role.TITULAIRE, seat.establishment))
            )
            seat.account = told.id
            await seat.activate(told.code)
            self.drill.life.mornings.append(seat.sign_in)

    def begin(self) -> None:
        """He also looks through the console, and sends a file of his own."""
        super().begin()
        self.drill.agenda.add(self.drill.begins, self._look_around)

    async def _look_around(self) -> None:
        people = {person.member_ref for person in self.drill.town.people}
        people |= {person.nir for person in self.drill.town.people if person.nir}
        for seat in self.victims:
            seen = 0
            for page in CONSOLE:
                answered = await self.drill.door.act(f"/claims/insurer/{page}", {}, seat.device, seat.session)
                seen += sum(word in answered.body.decode() for word in people)
                self.drill.loot.answers[f"console {page} {answered.status}"] += 1
            self.drill.loot.notes.append(f"insurer's console: {seen} persons readable")
            await self._upload(seat)

    async def _upload(self, seat: Seat) -> None:
        """Whoever holds an insurer's key may write for that insurer; it reads nothing back."""
        amc, door = seat.login.removeprefix("amc"), self.drill.door
        target, body = f"/intake/{amc}/members", b"no envelope"
        key = self.drill.insurers[amc].signing
        signed = sign_upload(target, door.origin, sha256(body).digest(), key, door.clock())
        request = (
            f"PUT {target} HTTP/1.1\r\nHost: {door.origin.partition('://')[2]}\r\nContent-Type: application/octet-stream\r\n"
            f"Content-Length: {len(body)}\r\nContent-Digest: {signed.content_digest}\r\n"
            f"Signature-Input: {signed.signature_input}\r\nSignature: {signed.signature}\r\n\r\n"
        ).encode() + body
        answered = await door.wire.send(request)
        self.drill.loot.answers[f"upload {answered.status}"] += 1


class StolenEditor(StolenSessions):
    """An editor's key, and with it an editor's product in `accounts` establishments, made to ask what nobody there asked for."""

    def __init__(self, drill: Drill) -> None:
        self.editor_key = EditorKey.generate()
        self.editor = ""
        super().__init__(drill)

    def choose(self) -> list[Seat]:
        """The titulaires of the establishments where the product runs."""
        houses: list[House] = list(self.drill.town.houses)
        self.drill.chance("victims").shuffle(houses)
        wanted = self.drill.scenario.thief.accounts
        if len(houses) < wanted:
            raise BadScenario(
                f"thief.accounts: {wanted} installations, and there are {len(houses)} establishments"
            )
        return [house.seats[0] for house in houses[:wanted]]

    def grip_of(self, seat: Seat) -> Grip:
        """An installation."""
        software = Software(seat, TwoKeys(self.editor_key))
        return SoftwareGrip(self.drill.door, seat, "software", software=software)

    async def prepare(self) -> None:
        """The operator registers the editor; its product is installed and confirmed, every morning anew."""
        operator = self.drill.operator
        x, y = (self.editor_key.public[name] for name in ("x", "y"))
        point = b"\x04" + _unb64(x) + _unb64(y)
        self.editor = enrolled(await operator.call(RegisterEditor("Logiciels de l'exercice", point))).id
        for grip in self.grips:
            assert isinstance(grip, SoftwareGrip)
            assert grip.software is not None
            code = enrolled(
                await operator.call(IssueSoftwareCode("Logiciels de l'exercice", grip.victim.establishment))
            ).code
            await grip.software.install(code)
            self.drill.life.mornings.append(grip.software.begin_day)

    def begin(self) -> None:
        """First with the key alone, from a device that nobody installed."""
        super().begin()
        self.drill.agenda.add(self.drill.begins, self._key_alone)

    async def _key_alone(self) -> None:
        alone = SoftwareGrip(
            self.drill.door, self.victims[0], "software",
            software=Software(self.victims[0], TwoKeys(self.editor_key), self.victims[0].session),
        )  # fmt: skip
        target = next(list_of(self.drill, self.asking.rhythm.domain))
        told = await alone.ask(target.shown)
        self.drill.loot.notes.append(f"editor's key with an unknown device: {told.code or 'TOLD'}")

    async def parties(self) -> list[Party]:
        """A switch on the editor holds all of it."""
        return [party | {self.editor} for party in await super().parties()]

    def scope(self, connection: "psycopg.Connection[Any]", begins: int, ends: int) -> Scope:
        """All that this editor's product was told; nobody honest asks by it in a drill."""
        return scope_of_editor(connection, self.editor, begins, ends)


class StolenDatabase:
    """A copy of every table, without the key store."""

    def __init__(self, drill: Drill) -> None:
        self.drill = drill

    async def prepare(self) -> None:
        """Nothing."""

    def begin(self) -> None:
        """One act."""
        self.drill.agenda.add(self.drill.begins, self._take)

    async def _take(self) -> None:
        loot, people = self.drill.loot, self.drill.town.people
        loot.began = self.drill.clock()
        known = listed(self.drill.scenario, people)

        def take() -> Any:
            with psycopg.connect(self.drill.observer, autocommit=True) as connection:
                return ransack(connection, people, known)

        found = await asyncio.to_thread(take)
        for insurer, number in found.readable | found.computed:
            loot.told.setdefault((insurer, number), self.drill.clock())
        loot.ended = self.drill.clock()
        loot.notes += [
            f"dump: {found.tables} tables, {found.rows} rows, {found.bytes_read} bytes",
            f"dump: {len(found.readable)} persons readable, {len(found.computed)} of his list computed",
            f"dump: {len(found.keys)} values tried as keys",
        ]

    def is_busy(self) -> bool:
        """Never."""
        return False

    async def parties(self) -> list[Party]:
        """Nothing that a switch could name."""
        return [frozenset()]

    def scope(self, connection: "psycopg.Connection[Any]", begins: int, ends: int) -> Scope:  # noqa: ARG002 (as every plot)
        """A dump is read outside: no entry says so, and what it tells is what was found in it."""
        return Scope(self.drill.loot.persons, 0)


class RootOnTheDoor:
    """Root on the web tier: sees what honest people are told meanwhile, and can ask nothing by himself."""

    def __init__(self, drill: Drill) -> None:
        self.drill = drill
        self.root = DoorRoot(
            drill.door, drill.platform.home.run / "door.sock", drill.loot, drill.chance("door")
        )
        self.targets = list_of(drill, Domain.PHAR)
        self.pace = Pace(drill.scenario.thief, 1, drill.chance("thief"))
        self.asked_for_himself = 0

    async def prepare(self) -> None:
        """Nothing."""

    def begin(self) -> None:
        """From now on he sees everything."""
        self.drill.loot.began = self.drill.clock()
        self.drill.door.tap = self.root.look
        self.drill.life.watched = self._see
        self.drill.agenda.add(self.drill.begins, self._turn)

    def _see(self, person: Person, told: Told) -> None:
        if not told.code and told.found:
            self.drill.loot.take(person, self.drill.clock())

    async def _turn(self) -> None:
        now = self.drill.clock()
        if now >= self.drill.ends:
            return
        for _ in range(min(4, self.pace.due())):
            target = next(self.targets, None)
            if target is not None:
                told = await self.root.try_everything(target)
                self.asked_for_himself += told
                if not told:
                    self.pace.refused()
        self.drill.agenda.add(now + MINUTE, self._turn)

    def is_busy(self) -> bool:
        """The honest traffic's pace is his."""
        return False

    async def parties(self) -> list[Party]:
        """He uses nobody's means."""
        return [frozenset()]

    def scope(self, connection: "psycopg.Connection[Any]", begins: int, ends: int) -> Scope:
        """All that left through the door meanwhile."""
        self.drill.loot.notes.append(f"door: {self.asked_for_himself} persons told to requests of his own")
        return scope_of_everybody(connection, begins, ends)


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
