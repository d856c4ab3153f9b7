"""`rempart bench comeback`: everybody signs in at once, many times what the platform can do, and who works already goes on.

Rounds on one platform, so that other work on the machine falls on both sides alike: sign-ins as fast as they are answered, no more at once
than the queue lets through; then a crowd, all within a second, each waiting as the portal's page waits. A sign-in here is a password and a
code for an unknown login, judged in full (docs/accounts.md): it costs what a right one does, without an account a client. Each client is a
device key and an address of its own.
"""

import asyncio
import itertools
import json
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from rempart.cli.bench_rights import Checks, processor_seconds
from rempart.cli.line import lift_breakers
from rempart.cli.taking_in import take_in
from rempart.population.population import Population
from rempart.supervisor.platform import Platform, running_platform
from rempart.vaultdoor.browser import DeviceKey

SEED, PERSONS, PLACES = 84, 2_000, 120
LOOK_UPS_A_SECOND = 10
AT_ONCE = 6
"""Sign-ins that the front lets through at a time (rempart.front.admission)."""
ROUNDS, PASSED_OVER_SECONDS = 3, 12
OK = 200
SIGN_IN, LOOK = "/acts/sign-in/password", "/attente"
console = Console()


@dataclass
class Phase:
    """What came of one phase. Latencies in milliseconds."""

    seconds: float = 0.0
    judged: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    """Requests sent, looks at a place included."""
    look_ups: list[float] = field(default_factory=list)
    refused_look_ups: int = 0
    processor: float = 0.0
    """Seconds of processor time of the platform's processes and their database."""

    @property
    def per_second(self) -> float:
        return self.judged / self.seconds if self.seconds else 0.0

    @property
    def per_processor_second(self) -> float:
        """What other work on the machine cannot take away."""
        return self.judged / self.processor if self.processor else 0.0

    def told(self) -> dict[str, Any]:
        ordered = sorted(self.look_ups)
        return {
            "seconds": round(self.seconds, 1),
            "sign_ins_judged": self.judged,
            "sign_ins_per_second": round(self.per_second, 1),
            "sign_ins_per_processor_second": round(self.per_processor_second, 1),
            "requests": self.asked,
            "answers": dict(self.statuses),
            "look_ups": len(ordered),
            "look_ups_refused": self.refused_look_ups,
            "look_up_p50_ms": round(statistics.median(ordered), 1) if ordered else None,
            "look_up_p95_ms": round(ordered[int(len(ordered) * 0.95)], 1) if ordered else None,
        }


def bench_comeback(
    clients: Annotated[int, typer.Option(min=20, help="how many come back at once")] = 1_000,
    seconds: Annotated[int, typer.Option(min=5, help="how long each phase lasts at the most")] = 20,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Measure sign-ins when everybody comes back at once, and look-ups beside them."""
    with tempfile.TemporaryDirectory(prefix="rempart-") as temporary:
        measured = measure(Path(temporary) / "p", clients, seconds)
    text = json.dumps(measured, indent=2)
    console.print_json(text)
    if json_file is not None:
        json_file.write_text(text + "\n")


def measure(folder: Path, clients: int, seconds: int) -> dict[str, Any]:
    """One run of the three phases."""
    population = Population(SEED, PERSONS)
    # Every client speaks through the load's own address: what it reports of theirs is believed, as a proxy's is.
    with running_platform(
        folder, more='trusted_proxies = ["127.0.0.1"]\n', without=("sentinel",)
    ) as platform:
        take_in(platform, population, console, processes=1)
        lift_breakers(platform.home.folder, (insurer.amc for insurer in population.insurers), 2_000_000_000)
        checks = Checks(platform, population)
        checks.enrol(PLACES)
        console.print(
            "Measuring: look-ups alone; then, in rounds, sign-ins at the pace of their answers and the crowd…"
        )
        alone, steady, crowd = asyncio.run(_phase(platform, checks, seconds, ())), [], []
        for _ in range(ROUNDS):
            steady.append(asyncio.run(_phase(platform, checks, seconds, [_steady] * AT_ONCE)))
            crowd.append(asyncio.run(_phase(platform, checks, seconds, [_comes_back] * clients)))
            # Those whom the end of the round sent home are passed over before the next begins.
            asyncio.run(_phase(platform, checks, PASSED_OVER_SECONDS, [_steady] * AT_ONCE))
    capacity = statistics.median(phase.per_second for phase in steady)
    statuses = set().union(*(phase.statuses for phase in crowd))
    return {
        "clients": clients,
        "rounds": ROUNDS,
        "capacity_per_second": round(capacity, 1),
        "offered_times_capacity": round(clients / capacity, 1),
        "goodput_ratio": round(statistics.median(phase.per_second for phase in crowd) / capacity, 3),
        "goodput_ratio_by_processor": round(
            statistics.median(phase.per_processor_second for phase in crowd)
            / statistics.median(phase.per_processor_second for phase in steady),
            3,
        ),
        "no_5xx_but_the_queue": not any(each.startswith("5") and each != "503 queue" for each in statuses),
        "look_ups_alone": alone.told(),
        "steady": [phase.told() for phase in steady],
        "crowd": [phase.told() for phase in crowd],
    }


# ── the load ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _phase(
    platform: Platform, checks: Checks, seconds: int, clients: Sequence[Callable[["Comer"], Awaitable[None]]]
) -> Phase:
    phase, began, before = Phase(), time.perf_counter(), processor_seconds(platform)
    until = began + seconds
    comers = [Comer(platform, phase, until, number) for number in range(len(clients))]
    work = [asyncio.ensure_future(client(comer)) for client, comer in zip(clients, comers, strict=True)]
    looking = asyncio.ensure_future(look_up(platform, checks, phase, lambda: time.perf_counter() >= until))
    if work:
        await asyncio.wait(work, timeout=seconds)
        phase.seconds = time.perf_counter() - began
        for each in work:
            each.cancel()
        for ended in await asyncio.gather(*work, return_exceptions=True):
            # A client that died would be one that does not come back: another measurement.
            if isinstance(ended, Exception):
                raise ended
    await looking
    phase.seconds = phase.seconds or time.perf_counter() - began
    phase.processor = sum(processor_seconds(platform).values()) - sum(before.values())
    return phase


async def look_up(platform: Platform, checks: Checks, phase: Phase, over: Callable[[], bool]) -> None:
    """Somebody at work: look-ups at a steady pace, whatever the answers take."""
    line, requests = Line(platform.port), checks.endless()
    due = time.perf_counter()
    while not over():
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        request = next(requests)
        sent = time.perf_counter()
        answer = await line.send(request)
        phase.look_ups.append((time.perf_counter() - sent) * 1000)
        phase.refused_look_ups += answer.status != OK
        due = max(due + 1 / LOOK_UPS_A_SECOND, time.perf_counter())
    line.close()


async def _steady(comer: "Comer") -> None:
    """One sign-in after another, as fast as they are answered."""
    while time.perf_counter() < comer.until:
        while not await comer.sign_in():
            await comer.wait_for_turn()
        comer.become_another()
    comer.line.close()


async def _comes_back(comer: "Comer") -> None:
    """One sign-in, within the first second; then as the portal's page waits."""
    # Which moment of the second each comes in: no secret.
    await asyncio.sleep(random.random())  # noqa: S311
    while not await comer.sign_in():
        await comer.wait_for_turn()
    comer.line.close()


@dataclass(frozen=True)
class Answered:
    status: int
    headers: dict[str, str]


class Line:
    """One connection to the front, opened when something is sent."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: bytes) -> Answered:
        """One request, one answer; on a new connection where the idle one was closed meanwhile, as a browser does."""
        if self._ends is not None:
            try:
                return await self._once(*self._ends, request)
            except (ConnectionError, asyncio.IncompleteReadError):
                self.close()
        self._ends = await asyncio.open_connection("127.0.0.1", self._port)
        return await self._once(*self._ends, request)

    async def _once(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
    ) -> Answered:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)
        }
        await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answered(int(head[0].split()[1]), headers)

    def close(self) -> None:
        """Let it go."""
        if self._ends is not None:
            self._ends[1].close()
            self._ends = None


class Comer:
    """Somebody who comes back: a device key, an address, a place in the queue."""

    def __init__(self, platform: Platform, phase: Phase, until: float, number: int) -> None:
        self._platform, self._phase, self.until, self._number = platform, phase, until, number
        self.line = Line(platform.port)
        self._again, self._ticket = 0.0, ""
        self.become_another()

    def become_another(self) -> None:
        """Another person's key, login and address."""
        self._key, self._ticket = DeviceKey.generate(), ""
        rank = next(_ranks)
        self._login, self._address = f"nobody-{rank}", f"10.{rank >> 16 & 255}.{rank >> 8 & 255}.{rank & 255}"

    async def sign_in(self) -> bool:
        """Whether it was judged."""
        body = msgspec.json.encode(
            {"device_key": self._key.public, "device_label": "x", "login": self._login, "password": "y" * 20, "code": "123456"}
        )  # fmt: skip
        signed = self._key.sign("POST", self._platform.origin + SIGN_IN, body, int(time.time()))
        answer = await self._send("POST", SIGN_IN, signed | {"Content-Type": "application/json"}, body)
        if answer.headers.get("rempart-code") == "credentials":
            self._phase.judged += 1
            return True
        self._note(answer)
        return False

    async def wait_for_turn(self) -> None:
        """Ask for one's place when told to, until it is one's turn."""
        while self._ticket:
            await asyncio.sleep(self._again + random.random())  # noqa: S311 (no secret)
            answer = await self._send("GET", LOOK, {"Rempart-Device": self._key.keyid}, b"")
            self._note(answer)
            if answer.headers.get("rempart-ahead") == "0":
                return
        await asyncio.sleep(1.0)

    def _note(self, answer: Answered) -> None:
        self._ticket = answer.headers.get("rempart-ticket", "")
        self._again = float(answer.headers.get("retry-after", "1"))

    async def _send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answered:
        head = headers | {"Host": self._platform.origin.partition("://")[2], "X-Forwarded-For": self._address}
        if self._ticket:
            head["Rempart-Ticket"] = self._ticket
        if body:
            head["Content-Length"] = str(len(body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        answer = await self.line.send(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        self._phase.asked += 1
        self._phase.statuses[f"{answer.status} {answer.headers.get('rempart-code', '')}".strip()] += 1
        return answer


_ranks = itertools.count(1)
