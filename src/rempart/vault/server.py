"""What the vault answers to each call. Who may send it: `CALLERS` in rempart.vaultdoor.messages, kept by rempart.vaultdoor.listener."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec

from rempart import __version__
from rempart.foundation.errors import Outage
from rempart.vault import (
    acts,
    consultations,
    containment,
    desk_acts,
    dossiers,
    incidents,
    ledgerfiles,
    operator,
    restored,
    vouching,
)
from rempart.vault.disclose import RIGHTS, disclose
from rempart.vault.store_accounts import LOST
from rempart.vault.zone import Zone, desk_side, operators_side
from rempart.vaultdoor.insurer import WHO_CONSULTED
from rempart.vaultdoor.listener import Desk
from rempart.vaultdoor.messages import (
    Act,
    AskDossierKey,
    AskProof,
    AskTile,
    Call,
    Checkpoint,
    Contain,
    DeskAct,
    Health,
    Healthy,
    Jwks,
    MarkRib,
    Notify,
    PublicKeys,
    Recall,
    Reply,
    Vouch,
)

_log = logging.getLogger(__name__)


def open_desk(zone: Zone) -> Desk:
    """The vault's desk, for rempart.vaultdoor.listener.listen."""
    return Desk(partial(_answer, zone=zone, operators=operators_side(zone), desk=desk_side(zone)))


async def _answer(call: Call, zone: Zone, operators: Zone, desk: Zone | None) -> Reply:
    if isinstance(call, DeskAct):
        return await desk_acts.perform(call.act, desk)
    if isinstance(call, Contain):
        return await containment.contain(call, operators)
    if isinstance(call, Recall):
        return await incidents.recall(call, operators)
    handler = _HANDLERS.get(type(call))
    # What is in no other hand is the operator's.
    return await (operator.execute(call, operators) if handler is None else handler(call, zone))


async def _act(act: Act, zone: Zone) -> Reply:
    if act.target == WHO_CONSULTED and act.method == "POST":
        return await consultations.ask_by_key(act, zone)
    if act.target not in RIGHTS:
        return await zone.operations.follow_report(acts.perform(act, zone))
    zone.witnessing.require_heard()
    zone.operations.require_counted()
    try:
        return await zone.operations.follow(disclose(act, zone))
    except LOST as error:
        # Before the one call, whose own losses the ledger call tells: no session, no insurer could be read.
        raise Outage(type(error).__name__) from error


async def _jwks(_call: Jwks, zone: Zone) -> PublicKeys:
    return PublicKeys(msgspec.json.encode({"keys": [zone.signer.jwk]}))


async def _health(_call: Health, zone: Zone) -> Healthy:
    try:
        await zone.ledger.hold_ready()
        size = await zone.pool.fetchval("SELECT size FROM evidence.log WHERE id = 1")
        held = await restored.is_held(zone.pool)
    except Exception as error:  # noqa: BLE001 (whatever it is, we are not ready)
        _log.warning("not ready: %s", type(error).__name__)
        return Healthy(False, False, zone.keys.kind, 0, __version__)
    late = zone.checkpoints.is_late(size)
    if late:
        _log.error("not ready: the ledger grows and no checkpoint is signed")
    seen = zone.witnessing.states(zone.clock())
    # A restored backup does not make the vault unready: it answers everything else, and says so.
    ready = not late and zone.witnessing.heard
    # Operations that the ledger does not know are an alarm, not an outage: somebody has to look while it still answers.
    faults = "; ".join(zone.operations.faults)
    return Healthy(ready, True, zone.keys.kind, size, __version__, seen, zone.witnessing.heard, held, faults)


_HANDLERS: dict[type, Callable[[Any, Zone], Awaitable[Reply]]] = {
    Act: _act,
    Vouch: vouching.vouch,
    Notify: vouching.notify,
    MarkRib: dossiers.mark_rib,
    AskDossierKey: dossiers.tell_key,
    Health: _health,
    Jwks: _jwks,
    Checkpoint: ledgerfiles.checkpoint,
    AskProof: ledgerfiles.prove,
    AskTile: ledgerfiles.tile,
}
