"""What every module of the vault works with: one frozen object, made at start, passed in."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import asyncpg
from cryptography.hazmat.primitives.asymmetric import ed25519

from rempart.evidence.note import SignerKey
from rempart.evidence.witnesses import read_witnesses, require_witnesses
from rempart.foundation.clock import Clock
from rempart.foundation.settings import VaultSettings
from rempart.vault.breakers import Breakers
from rempart.vault.checkpoints import CheckpointSigner
from rempart.vault.directory import Directory
from rempart.vault.earning import Earning
from rempart.vault.engagement import ClaimsEnvelope, EngagementSigner
from rempart.vault.events import Events
from rempart.vault.features import Features
from rempart.vault.keystore import CountedKeyStore, KeyStore, Prf
from rempart.vault.ledgercall import LedgerCall
from rempart.vault.operations import Operations
from rempart.vault.signature import SeenNonces
from rempart.vault.switchwatch import SwitchWatch
from rempart.vault.two_people import require_release_keys
from rempart.vault.witnessing import Witnessing

ApplicationName = "rempart-vault"
OPERATORS_CONNECTIONS = 2
"""For the desk, the operator's commands and the sentinel: who contains a crowd of the Internet's does not stand in its queue."""
OPERATORS_WAIT = 5
"""Seconds for one of them: beyond, an outage is said."""


@dataclass(frozen=True)
class Zone:
    """Settings, clock, keys and connections of one vault process."""

    settings: VaultSettings
    clock: Clock
    keys: KeyStore
    pool: asyncpg.Pool
    operators_pool: asyncpg.Pool
    """`OPERATORS_CONNECTIONS`: the `pool` of its other sides (`operators_side`, `desk_side`)."""
    ledger: LedgerCall
    switches: SwitchWatch
    directory: Directory
    signer: EngagementSigner
    checkpoints: CheckpointSigner
    witnessing: Witnessing
    breakers: Breakers
    earning: Earning
    events: Events
    features: Features
    operations: Operations
    nonces: SeenNonces
    capsule_prf: Callable[[int], Prf]
    """The PRF of an epoch."""
    memory: dict[str, object] = field(default_factory=dict)
    """Caches of the account modules, by their own names."""
    at_desk: bool = False
    """Whether it is the desk that relays: operators' accounts are worth something there alone, everybody else's never."""

    async def close_pools(self) -> None:
        """Give back every connection of both."""
        await self.pool.close()
        await self.operators_pool.close()

    def terminate_pools(self) -> None:
        """At once, whatever is in flight."""
        self.pool.terminate()
        self.operators_pool.terminate()


def operators_side(zone: Zone) -> Zone:
    """The same zone, for the operator's commands and the sentinel: on connections that no crowd of the Internet's takes."""
    return replace(zone, pool=zone.operators_pool)


def desk_side(zone: Zone) -> Zone | None:
    """The same zone, as it judges what the desk relays: by the desk's own origin and passkeys, on the operators'
    connections, with a memory of nonces that no stranger at the portal fills. None where no desk is configured.
    """
    settings = zone.settings
    if not settings.desk_origin:
        return None
    return replace(
        operators_side(zone),
        settings=replace(settings, origin=settings.desk_origin, rp_id=settings.desk_rp_id),
        nonces=SeenNonces(zone.clock()),
        at_desk=True,
    )


async def open_zone(settings: VaultSettings, clock: Clock, store: KeyStore) -> Zone:
    """Connect, publish this start's claims envelope, hold the ledger call ready."""
    log_key = SignerKey(settings.log_origin, ed25519.Ed25519PrivateKey.from_private_bytes(store.ring.ledger))
    witnesses = read_witnesses(settings.witnesses)
    require_witnesses(witnesses, settings.mode, log_key.verifier().public)
    require_release_keys(settings.release_keys)
    pool = await _pool(settings, 4)
    # Whatever this process asks of its keys from here on is counted.
    keys = CountedKeyStore(store)
    operations = Operations(
        keys, pool, clock, settings.key_store.with_name(f"{settings.key_store.name}.operations")
    )
    try:
        await operations.begin()
        operators_pool = await _pool(settings, OPERATORS_CONNECTIONS)
    except BaseException:
        pool.terminate()
        raise
    connect = partial(
        asyncpg.connect, settings.dsn, server_settings={"application_name": f"{ApplicationName}-ledger"}
    )
    ledger = LedgerCall(connect, store.epoch, clock)
    await ledger.hold_ready()
    listen = partial(
        asyncpg.connect, settings.dsn, server_settings={"application_name": f"{ApplicationName}-switches"}
    )
    envelope = ClaimsEnvelope.fresh(keys.ring.claims_public)
    await pool.execute(
        "INSERT INTO vault.claims_envelope (kid, wrapped, created) VALUES ($1, $2, $3)",
        envelope.kid,
        envelope.wrapped,
        clock(),
    )
    prfs = {epoch: operations.capsule_prf(epoch) for epoch in (keys.epoch, keys.epoch - 1) if epoch > 0}
    checkpoints = CheckpointSigner(pool, settings.log_origin, log_key, clock)
    return Zone(
        settings=settings,
        clock=clock,
        keys=keys,
        pool=pool,
        operators_pool=operators_pool,
        ledger=ledger,
        switches=SwitchWatch(listen),
        directory=Directory(pool),
        signer=EngagementSigner(
            keys.ring.engagement, keys.prf("pseudonym"), envelope, settings.origin, settings.log_origin
        ),
        checkpoints=checkpoints,
        witnessing=Witnessing(pool, checkpoints, witnesses, clock),
        breakers=Breakers(pool, clock),
        earning=Earning(pool, clock),
        events=Events(pool),
        features=Features(keys.prf("codes")),
        operations=operations,
        nonces=SeenNonces(clock()),
        capsule_prf=prfs.__getitem__,
    )


async def _pool(settings: VaultSettings, most: int) -> asyncpg.Pool:
    names = {"application_name": ApplicationName}
    return await asyncpg.create_pool(settings.dsn, min_size=1, max_size=most, server_settings=names)
