"""What the vault answers to each call. Who may send it: `CALLERS` in rempart.vaultdoor.messages, kept by rempart.vaultdoor.listener."""

import logging
from functools import partial

import msgspec

from rempart import __version__
from rempart.vault import acts, operator
from rempart.vault.disclose import disclose
from rempart.vault.zone import Zone
from rempart.vaultdoor.listener import Desk
from rempart.vaultdoor.messages import (
    Act,
    Call,
    Checkpoint,
    Health,
    Healthy,
    Jwks,
    PublicKeys,
    Reply,
    SignedCheckpoint,
)

RIGHTS = ("/fhir/CoverageEligibilityRequest/$submit", "/fhir/CoverageEligibilityRequest/%24submit")
"""The same address twice: a client may escape the dollar. What it wrote is what it signed."""
_log = logging.getLogger(__name__)


def open_desk(zone: Zone) -> Desk:
    """The vault's desk, for rempart.vaultdoor.listener.listen."""
    return Desk(partial(_answer, zone=zone))


async def _answer(call: Call, zone: Zone) -> Reply:
    if isinstance(call, Act):
        if call.target in RIGHTS:
            return await disclose(call, zone)
        return await acts.perform(call, zone)
    if isinstance(call, Health):
        return await _health(zone)
    if isinstance(call, Jwks):
        return PublicKeys(msgspec.json.encode({"keys": [zone.signer.jwk]}))
    if isinstance(call, Checkpoint):
        return SignedCheckpoint(zone.checkpoints.note, zone.checkpoints.verifier_key)
    return await operator.execute(call, zone)


async def _health(zone: Zone) -> Healthy:
    try:
        await zone.ledger.hold_ready()
        size = await zone.pool.fetchval("SELECT size FROM evidence.log WHERE id = 1")
    except Exception as error:  # noqa: BLE001 (whatever it is, we are not ready)
        _log.warning("not ready: %s", type(error).__name__)
        return Healthy(False, False, zone.keys.kind, 0, __version__)
    late = zone.checkpoints.is_late(size)
    if late:
        _log.error("not ready: the ledger grows and no checkpoint is signed")
    return Healthy(not late, True, zone.keys.kind, size, __version__)
