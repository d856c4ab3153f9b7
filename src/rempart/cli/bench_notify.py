"""`rempart bench notify`: every insurer's package, from a scope to the desks, on a private PostgreSQL with durable commits.

Everything is as in production but where the scope comes from, and whose key signs: the people are synthetic, each with a reference that is
really sealed under a load's key; what is rendered, sealed, signed and laid down is the real thing, and the first package is opened again.
"""

import json
import os
import resource
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
import psycopg
import typer
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jws
from joserfc.jwk import ECKey
from rich.console import Console
from rich.progress import track

from rempart.database.embedded import EmbeddedCluster, running
from rempart.database.migrate import migrate
from rempart.database.roles import create_database, password_file, provision_roles
from rempart.foundation.clock import HOUR, MINUTE, SECOND, system_clock
from rempart.foundation.vocabulary import Domain, Lane
from rempart.incident import store_case as store
from rempart.incident.case import Verb
from rempart.incident.exposure import Exposed, Question, Scope, Told
from rempart.incident.handing_over import plan, send
from rempart.incident.notices.package import open_package, references
from rempart.incident.notices.rendering import Telling, check_templates
from rempart.incident.notices.templates import Templates
from rempart.intake.notice import associated_data, pad_reference, wrap_load_key
from rempart.population.insurers import make_insurers
from rempart.vaultdoor.messages import INCIDENT_STATEMENT, IncidentStatement

SECOND_ANSWER = 4
"""One person in so many was asked a second time."""
console = Console(highlight=False)


def bench_notify(
    insurers: Annotated[int, typer.Option(min=1, max=999, help="packages")] = 84,
    persons: Annotated[
        int, typer.Option(min=1, help="exposed persons, shared among them by their sizes")
    ] = 100_000,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures")] = None,
) -> None:
    """Make every insurer's package and lay it on its desk; report seconds, bytes and peak memory."""
    work = Path(tempfile.mkdtemp(prefix="rempart-bench-"))
    work.chmod(0o711)
    try:
        figures = measure(work, insurers, persons)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    text = json.dumps(figures, indent=2)
    console.print_json(text)
    if json_file is not None:
        json_file.write_text(text + "\n")


@dataclass
class _Signer:
    """A key of the bench's own, in the form that the platform publishes."""

    key: ECKey = field(
        default_factory=lambda: ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    )

    def sign(self, said: IncidentStatement) -> str:
        header = {"alg": "ES256", "kid": self.key.kid, "typ": INCIDENT_STATEMENT}
        return jws.serialize_compact(header, msgspec.json.encode(msgspec.structs.asdict(said)), self.key)

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [self.key.as_dict(private=False)]}


@dataclass
class _House:
    """One insurer, its keys, its load."""

    number: int
    amc: str
    name: str
    persons: int
    load: int
    notice: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    key: bytes = field(default_factory=lambda: os.urandom(32))


def measure(work: Path, insurers: int, persons: int) -> dict[str, Any]:
    """All figures."""
    secrets = work / "secrets"
    secrets.mkdir(mode=0o700)
    with running(EmbeddedCluster(work / "postgres", shared_buffers="256MB")) as cluster:
        provision_roles(cluster.superuser_dsn(), secrets, generate=True)
        create_database(cluster.superuser_dsn(), "bench_notify")
        migrate(cluster.superuser_dsn("bench_notify"), system_clock)
        houses = [
            _House(each.index + 1, each.amc, each.name, each.persons, 1000 + each.index)
            for each in make_insurers(persons, insurers)
        ]
        with psycopg.connect(cluster.superuser_dsn("bench_notify"), autocommit=True) as owner:
            _register(owner, houses)
        console.print(f"Drawing {persons:,} exposed persons…")
        scope = _scope(houses)
        dsn = cluster.dsn("rempart_operator", password_file(secrets, "rempart_operator"), "bench_notify")
        with psycopg.connect(dsn, autocommit=True) as c:
            return _notify(c, houses, scope)


def _notify(c: "psycopg.Connection[Any]", houses: list[_House], scope: Scope) -> dict[str, Any]:
    signer, started = _Signer(), time.monotonic()
    number = store.open_incident(c, system_clock(), "bench", "Banc d'essai", system_clock() - HOUR)
    store.add_act(
        c,
        number,
        system_clock(),
        "bench",
        Verb.FACT,
        "nature",
        "Une session volée a interrogé la plateforme.",
    )
    telling = Telling.of(
        store.read_incident(c, number), scope, store.insurers(c), "Rempart", system_clock(), Templates.read()
    )
    check_templates(telling)
    checked = time.monotonic()
    planned = plan(telling, ())
    total, first = 0, b""
    for each in track(planned, "packages", console=console):
        package = send(c, telling, each, signer.sign, system_clock, "bench")
        assert package is not None
        total += package.bytes
        first = first or b"".join(package.lines)
    ended = time.monotonic()
    _require_readable(first, houses[0], signer)
    again = sum(not each.same for each in plan(telling, store.handed_over(c, number)))
    return {
        "packages": len(planned), "persons": len(scope.exposed), "answers": sum(len(p.answers) for p in scope.exposed),
        "seconds": round(ended - started, 2), "templates_checked_seconds": round(checked - started, 2), "bytes": total,
        "handed_over_again": again, "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }  # fmt: skip


def _require_readable(content: bytes, house: _House, signer: _Signer) -> None:
    private = house.notice.private_bytes_raw()
    read = [reference for reference, _ in references(open_package(content, private, signer.jwks), private)]
    assert read == [f"{house.amc}-{number:08d}" for number in range(house.persons)]


def _register(owner: "psycopg.Connection[Any]", houses: list[_House]) -> None:
    with owner.transaction(), owner.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO vault.insurer (number, amc, name, signing_key, notice_key) VALUES (%s, %s, %s, '', %s)",
            [(h.number, h.amc, h.name, h.notice.public_key().public_bytes_raw()) for h in houses],
        )
        cursor.executemany(
            "INSERT INTO intake.load (number, insurer, wrapped) VALUES (%s, %s, %s)",
            [
                (h.load, h.number, wrap_load_key(h.key, h.notice.public_key().public_bytes_raw(), h.amc))
                for h in houses
            ],
        )


def _scope(houses: list[_House]) -> Scope:
    """A stolen seat's answers: one device, one after the other."""
    since, thief = system_clock() - 24 * HOUR, uuid4()
    exposed: list[Exposed] = []
    index = 0
    for house in houses:
        cipher, bound = AESGCM(house.key), associated_data(house.amc, house.load)
        for number in range(house.persons):
            line = (number + 2).to_bytes(4, "big")
            padded = pad_reference(f"{house.amc}-{number:08d}".encode())
            reference = house.load.to_bytes(4, "big") + line + cipher.encrypt(bytes(8) + line, padded, bound)
            answers = [_told(index, since, Domain.PHAR, thief)]
            if number % SECOND_ANSWER == 0:
                answers.append(_told(index + 1, since, Domain.OPTI, thief))
            index += len(answers)
            exposed.append(Exposed(house.number, uuid4(), reference, house.load, tuple(answers)))
    question = Question(since, since + 24 * HOUR, devices=frozenset({thief}))
    return Scope(question, index + 1, tuple(exposed), 0)


def _told(index: int, since: int, domain: Domain, thief: UUID) -> Told:
    at = since + MINUTE + index * SECOND // 2
    return Told(index, at, Lane.CARD, domain.code, 1, thief, thief, thief, UUID(int=0))
