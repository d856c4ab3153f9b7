"""Insurers at their desks: a seat each, packages fetched at the public door, opened with the insurer's own key, acknowledged."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any

import msgspec
import psycopg

from rempart.drill.delivering import OperatorRefused, enrolled
from rempart.drill.receipts import Receipts
from rempart.drill.seat import Seat, read_json
from rempart.drill.stage import Drill
from rempart.foundation.vocabulary import Profession, Role
from rempart.identity.referencing import enrol_insurers_seat
from rempart.incident.notices.package import open_package, references
from rempart.population import Insurer
from rempart.vaultdoor.messages import EnrolEstablishment, EnrolProfessional

_DESK = "/claims/insurer/incidents"
Named = set[tuple[int, str]]
"""(insurer, the insurer's own reference of a member)."""


@dataclass
class Read:
    """What the insurers read in their packages."""

    packages: int = 0
    robots: Named = field(default_factory=set)
    """Members of whom the robot holds an answer's receipt."""
    holders: Named = field(default_factory=set)
    """Of whom honest people alone do."""
    withheld: Named = field(default_factory=set)
    """Of whom an answer was counted that nobody received: held back as a switch fell."""

    def note(self, member: tuple[int, str], indexes: set[int], robots: set[int], honest: set[int]) -> None:
        """Whose answers these are, by the receipts that arrived."""
        whose = self.robots if indexes & robots else self.withheld if indexes - honest else self.holders
        whose.add(member)


async def take_seats(drill: Drill, connection: "psycopg.Connection[Any]") -> list[Seat]:
    """A seat and a clerk for each insurer, signed in."""
    seats = []
    for insurer in drill.population.insurers:
        place = enrolled(
            await drill.operator.call(EnrolEstablishment("", Profession.INSURER, amc=insurer.amc))
        )
        enrol_insurers_seat(connection, place.id, insurer.amc, insurer.name, "Paris")
        login = f"amc{insurer.amc}"
        told = enrolled(await drill.operator.call(EnrolProfessional(login, Role.TITULAIRE, place.id)))
        seat = Seat(drill.door, login, told.id, place.id, Profession.INSURER)
        if refused := await seat.activate(told.code):
            raise OperatorRefused(f"activation: {refused}")
        seats.append(seat)
    return seats


async def fetch(drill: Drill, seats: list[Seat]) -> Read:
    """Each insurer downloads its package, opens it, says what it read, acknowledges it. Raises BadIncidentPackage."""
    jwks, read = await _published_keys(drill), Read()
    robots, honest = _indexes(drill.loot.receipts), _indexes(drill.life.receipts)

    async def one(insurer: Insurer, seat: Seat) -> None:
        private = drill.insurers[insurer.amc].notice.private_bytes_raw()
        if refused := await seat.sign_in():
            raise OperatorRefused(f"sign-in: {refused}")
        for item in (await _asked(seat, _DESK, {}))["items"]:
            content = b"".join([await _part(seat, item["id"], part) for part in range(1, item["parts"] + 1)])
            for reference, member in references(open_package(content, private, jwks), private):
                indexes = {answer.index for answer in member.answers}
                read.note((insurer.index, reference), indexes, robots, honest)
            digest = hashlib.sha256(content).hexdigest()
            # Whoever acknowledges proves who they are.
            if refused := await seat.prove():
                raise OperatorRefused(f"step-up: {refused}")
            await _asked(seat, f"{_DESK}/acknowledge", {"id": item["id"], "digest": digest})
            read.packages += 1

    await asyncio.gather(*map(one, drill.population.insurers, seats))
    return read


def _indexes(receipts: Receipts) -> set[int]:
    return receipts.at(receipts.by_account)


async def _published_keys(drill: Drill) -> dict[str, Any]:
    host = drill.platform.origin.partition("://")[2]
    answered = await drill.door.wire.send(
        f"GET /.well-known/jwks.json HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    )
    return read_json(answered.body)


async def _asked(seat: Seat, path: str, body: dict[str, Any]) -> dict[str, Any]:
    refused, reply = await seat.act(path, body)
    if refused:
        raise OperatorRefused(f"{path}: {refused}")
    return reply


async def _part(seat: Seat, identifier: str, part: int) -> bytes:
    body = msgspec.json.encode({"id": identifier, "part": part})
    answered = await seat.door.post(f"{_DESK}/download", body, seat.device, seat.session)
    if answered.status != 200:
        raise OperatorRefused(f"{_DESK}/download: {answered.status}")
    return answered.body
