"""A day at synthetic counters: each checks rights and invoices what was given, one patient after the other, through the public doors."""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rempart.cli.counter import RIGHTS, Counter
from rempart.foundation.errors import Outage
from rempart.vaultdoor.fhir import Presentation, write_request

SUBMIT = "/claims/invoice/submit"
RECEIPT = "urn:rempart:receipt"
_DRUGS = ("drug-65", "drug-65", "drug-65", "drug-30", "drug-15", "drug-100")
_AT_ONCE = 24
"""Counters that work at the same moment."""


class DoorGone(Outage):
    """The door hung up in the middle of a day."""


@dataclass
class Day:
    """What a day was."""

    checked: int = 0
    accepted: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    """By code."""
    amc_cents: int = 0
    seconds: float = 0.0

    def refuse(self, code: str) -> None:
        """One more, of this code."""
        self.refused[code] = self.refused.get(code, 0) + 1

    def said_refusals(self) -> str:
        """`12 breaker, 3 switch`: the most frequent first."""
        return ", ".join(f"{n} {code}" for code, n in sorted(self.refused.items(), key=lambda item: -item[1]))


def play_day(
    counters: Sequence[Counter], people: Iterator[Presentation], invoices: int, seed: int, console: Console
) -> Day:
    """Share `invoices` patients among the counters, and follow them on a bar. Raises DoorGone."""
    day, chance = Day(), random.Random(seed)  # noqa: S311 (synthetic prescriptions)
    queue = [(next(people), _prescription(chance)) for _ in range(invoices)]
    columns = (
        TextColumn("   {task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    started = time.monotonic()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("invoices accepted", total=invoices)
        asyncio.run(_share_out(counters, queue, day, lambda: progress.advance(task)))
    day.seconds = time.monotonic() - started
    return day


def _prescription(chance: random.Random) -> list[dict[str, Any]]:
    """One to four drugs, each sold at its tariff."""
    lines = []
    for nature in chance.sample(_DRUGS, chance.randint(1, 4)):
        boxes = chance.randint(1, 3)
        cents = boxes * chance.randint(180, 2_400)
        lines.append({"nature": nature, "price": cents, "base": cents, "boxes": boxes})
    return lines


async def _share_out(counters: Sequence[Counter], queue: list[Any], day: Day, tick: Any) -> None:
    room = asyncio.Semaphore(_AT_ONCE)

    async def work(number: int, counter: Counter) -> None:
        async with room:
            till = await Till.open(counter)
            for turn, (presentation, lines) in enumerate(queue[number :: len(counters)]):
                await _serve(till, presentation, lines, f"{number:03d}-{turn:05d}", day)
                tick()
            till.close()

    await asyncio.gather(*(work(number, counter) for number, counter in enumerate(counters)))


async def _serve(
    till: "Till", presentation: Presentation, lines: list[dict[str, Any]], number: str, day: Day
) -> None:
    status, told = await till.post(RIGHTS, write_request(presentation), "application/fhir+json")
    if status != 200:
        day.refuse(code_of(status, told))
        return
    day.checked += 1
    receipt = next((each["valueString"] for each in told["extension"] if each["url"] == RECEIPT), None)
    if receipt is None:
        day.refuse("no-open-right")
        return
    body = {
        "number": f"F{number}",
        "care": {"lines": lines, "receipt": receipt},
        "care_date": told["servicedDate"],
    }
    status, answer = await till.post(SUBMIT, msgspec.json.encode(body), "application/json")
    if status == 200 and answer["state"] == "accepted":
        day.accepted += 1
        day.amc_cents += answer["shares"]["amc"]
    else:
        day.refuse(code_of(status, answer))


def code_of(status: int, answer: dict[str, Any]) -> str:
    """Why a request was refused, in either door's words: `code`, or the coding of an OperationOutcome; else the HTTP status."""
    for issue in answer.get("issue", ()):
        for coding in issue.get("details", {}).get("coding", ()):
            return str(coding["code"])
    return str(answer.get("code") or status)


class Till:
    """A counter's connection, kept open from patient to patient."""

    def __init__(self, counter: Counter, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._counter, self._reader, self._writer = counter, reader, writer
        self._host = counter.origin.partition("://")[2]

    @classmethod
    async def open(cls, counter: Counter) -> "Till":
        """Connect to the counter's origin."""
        host, _, port = counter.origin.partition("://")[2].partition(":")
        return cls(counter, *await asyncio.open_connection(host, int(port)))

    async def post(self, path: str, body: bytes, content_type: str) -> tuple[int, dict[str, Any]]:
        """One signed request: status and JSON. Raises DoorGone."""
        signed = self._counter.device.sign("POST", self._counter.origin + path, body, int(time.time()))
        headers = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
        self._writer.write(
            (
                f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: {content_type}\r\nAccept: {content_type}\r\n"
                f"Content-Length: {len(body)}\r\nCookie: __Host-rempart={self._counter.session}\r\n{headers}\r\n"
            ).encode()
            + body
        )
        try:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            length = next(int(line[15:]) for line in head if line.lower().startswith("content-length:"))
            answer = await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise DoorGone(type(error).__name__) from error
        return int(head[0].split(" ")[1]), msgspec.json.decode(answer)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()
