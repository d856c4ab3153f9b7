"""What every errand works with: one frozen object, made at start, passed in."""

import base64
from dataclasses import dataclass

import asyncpg
import msgspec
from cryptography.hazmat.primitives.asymmetric import x25519

from rempart.claims.engagement import EngagementReader
from rempart.foundation.clock import Clock
from rempart.foundation.errors import Outage
from rempart.foundation.settings import BadSettings, CashierSettings, read_secret_bytes
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import Jwks, PublicKeys

APPLICATION = "rempart-cashier"


@dataclass(frozen=True)
class Zone:
    """Settings, clock, keys and connections of one cashier."""

    settings: CashierSettings
    clock: Clock
    pool: asyncpg.Pool
    vault: VaultClient
    engagements: EngagementReader
    settlement_public: x25519.X25519PublicKey
    """What a RIB is sealed to; nobody here can open it again."""


async def open_zone(settings: CashierSettings, clock: Clock) -> Zone:
    """Read the keys, hold connections ready. Raises BadSettings, Outage."""
    try:
        private = x25519.X25519PrivateKey.from_private_bytes(read_secret_bytes(settings.claims_key))
        public = x25519.X25519PublicKey.from_public_bytes(
            base64.b64decode(settings.settlement_public, validate=True)
        )
    except (OSError, ValueError) as error:
        raise BadSettings("claims_key or settlement_public: an X25519 key in base64 is expected") from error
    vault = VaultClient(settings.run_folder / "cashier.sock")
    try:
        pool = await asyncpg.create_pool(
            settings.dsn, min_size=1, max_size=8, server_settings={"application_name": APPLICATION}
        )
    except (asyncpg.PostgresError, OSError) as error:
        raise Outage(type(error).__name__) from error
    return Zone(settings, clock, pool, vault, EngagementReader(private, settings.origin), public)


async def learn_keys(zone: Zone) -> None:
    """The public keys that verify engagements, from the vault itself. Raises Outage."""
    reply = await zone.vault.call(Jwks())
    if not isinstance(reply, PublicKeys):
        raise Outage("jwks")
    zone.engagements.trust(msgspec.json.decode(reply.jwks)["keys"])
