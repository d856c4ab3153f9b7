"""What anybody may read of the ledger: the published checkpoint, tiles, proofs. Commitments and hashes, of nobody."""

from rempart.evidence.errors import ProofRefused
from rempart.evidence.proof import format_proof
from rempart.evidence.tilepath import ENTRIES, TileName
from rempart.evidence.tiles import WIDTH
from rempart.vault.errors import NotThere, NotYetSigned
from rempart.vault.zone import Zone
from rempart.vaultdoor.messages import AskProof, AskTile, Checkpoint, LedgerFile, SignedCheckpoint

_LEVELS, _NUMBERS = 63, 2**55


async def checkpoint(_call: Checkpoint, zone: Zone) -> SignedCheckpoint:
    """The checkpoint that witnesses cosigned; the one signed last where there are none."""
    published = zone.witnessing.published
    return SignedCheckpoint(published[1] if published else "", zone.checkpoints.verifier_key)


async def prove(call: AskProof, zone: Zone) -> LedgerFile:
    """The tlog-proof of a leaf under the published checkpoint. Raises `NotYetSigned`, `LedgerBusy`, `ProofRefused`."""
    published = zone.witnessing.published
    if published is None or not 0 <= call.index < published[0].size:
        raise NotYetSigned
    signed, note = published
    commitment, path = await zone.checkpoints.tree.prove_leaf(call.index, signed.size, signed.root)
    return LedgerFile(format_proof(call.index, commitment, path, note.encode()))


async def tile(call: AskTile, zone: Zone) -> LedgerFile:
    """One tile of the signed log. Raises `NotThere`, also for what was pruned, `LedgerBusy`."""
    signed = zone.checkpoints.latest
    sane = ENTRIES <= call.level <= _LEVELS and 0 <= call.number < _NUMBERS and 1 <= call.width <= WIDTH
    if signed is None or not sane:
        raise NotThere("tile")
    try:
        data = await zone.checkpoints.tree.tile(TileName(call.level, call.number, call.width), signed.size)
    except ProofRefused as error:
        raise NotThere("tile") from error
    if data is None:
        raise NotThere("tile")
    return LedgerFile(data)
