"""The synthetic insurers deliver their files to the drill's platform: signed, encrypted, sealed, as in earnest."""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from rempart.evidence.note import VerifierKey
from rempart.foundation.clock import Clock
from rempart.foundation.errors import Outage
from rempart.intake.envelope import seal_file
from rempart.intake.model import Kind
from rempart.population import Population
from rempart.supervisor.depositing import intake_recipient, lay_down
from rempart.supervisor.platform import Platform
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import (
    Checkpoint,
    Enrolled,
    Refused,
    RegisterInsurer,
    Reply,
    SignedCheckpoint,
)

_LOOK = 0.1


class NotLoaded(Outage):
    """The platform did not take the synthetic people in: there is nothing to drill on."""

    code = "drill-not-loaded"
    french = "La population de l'exercice n'a pas été chargée."
    english = "The drill's population was not loaded."


class OperatorRefused(Outage):
    """An act of the operator that a drill needs was refused."""

    code = "drill-operator"
    french = "La plate-forme de l'exercice a refusé un acte de l'opérateur."
    english = "The drill's platform refused an act of the operator."


@dataclass(frozen=True)
class InsurerKeys:
    """An insurer's private halves: what signs its files, what opens its notices."""

    signing: Ed25519PrivateKey
    notice: X25519PrivateKey


def enrolled(reply: Reply) -> Enrolled:
    """Raises OperatorRefused."""
    if isinstance(reply, Enrolled):
        return reply
    raise OperatorRefused(reply.code if isinstance(reply, Refused) else type(reply).__name__)


async def log_key(operator: VaultClient) -> VerifierKey:
    """With which key the platform's ledger is signed. Raises OperatorRefused."""
    reply = await operator.call(Checkpoint())
    if isinstance(reply, SignedCheckpoint):
        return VerifierKey.parse(reply.verifier_key)
    raise OperatorRefused(reply.code if isinstance(reply, Refused) else type(reply).__name__)


async def deliver(
    platform: Platform, operator: VaultClient, population: Population, clock: Clock
) -> dict[str, InsurerKeys]:
    """Register every insurer and have its products and members loaded; their keys by n° AMC. Raises NotLoaded."""
    recipient = await asyncio.to_thread(intake_recipient, platform.home)
    keys: dict[str, InsurerKeys] = {}
    deliveries: list[str] = []
    with tempfile.TemporaryDirectory(dir=platform.home.folder) as name:
        folder = Path(name)
        for insurer in population.insurers:
            own = keys[insurer.amc] = InsurerKeys(Ed25519PrivateKey.generate(), X25519PrivateKey.generate())
            public = (own.signing.public_key().public_bytes_raw(), own.notice.public_key().public_bytes_raw())
            enrolled(await operator.call(RegisterInsurer(insurer.amc, insurer.name, *public)))
            await asyncio.to_thread(population.write_insurer, insurer, folder)
            for kind, stem in ((Kind.PRODUCTS, "products"), (Kind.FULL, "members")):
                source, sealed = (
                    folder / f"{insurer.amc}.{stem}.csv",
                    folder / f"{insurer.amc}.{stem}.rempart",
                )
                seal_file(source, sealed, insurer.amc, kind, 1, own.signing, recipient, clock())
                deliveries.append(lay_down(platform.home.spool, sealed, "drill", clock()))
    await _all_loaded(platform, deliveries)
    return keys


async def _all_loaded(platform: Platform, deliveries: list[str]) -> None:
    dsn = platform.home.operator_dsn.read_text().strip()
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        while True:
            found = await connection.execute(
                "SELECT state, code, detail FROM intake.delivery WHERE id = ANY (%s::uuid[])", (deliveries,)
            )
            rows = await found.fetchall()
            for state, code, detail in rows:
                if state not in {"received", "checking", "loaded"}:
                    raise NotLoaded(f"{state}: {code} {detail}")
            if len(rows) == len(deliveries) and all(row[0] == "loaded" for row in rows):
                return
            await asyncio.sleep(_LOOK)
