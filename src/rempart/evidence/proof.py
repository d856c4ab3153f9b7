"""One leaf's proof as a file that stands alone: C2SP tlog-proof, to the byte.

It carries the signed checkpoint it leads to.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rempart.evidence.cosignature import Cosignature, WitnessKey, open_cosigned
from rempart.evidence.errors import NoteMalformed, ProofRefused
from rempart.evidence.merkle import HASH_SIZE, leaf_hash, verify_inclusion
from rempart.evidence.note import Checkpoint, VerifierKey, from_base64, to_base64

HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True)
class ProvedLeaf:
    """A commitment that stands at its index under a checkpoint signed by the expected key.

    Made by `open_proof` only.
    """

    index: int
    commitment: bytes
    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...] = ()


def format_proof(index: int, commitment: bytes, path: Sequence[bytes], note: bytes) -> bytes:
    """The proof file.

    The commitment travels as its extra data, which nobody need believe: the proof leads from it to the root.
    """
    lines = [HEADER, f"extra {to_base64(commitment)}", f"index {index}", *map(to_base64, path), ""]
    return "".join(f"{line}\n" for line in lines).encode() + note


def open_proof(data: bytes, key: VerifierKey, witnesses: Sequence[WitnessKey] = ()) -> ProvedLeaf:
    """Read and verify a proof file, and the cosignatures of these witnesses. Raises `NoteMalformed`, `NoteRefused`, `ProofRefused`."""
    head, separator, note = data.partition(b"\n\n")
    try:
        first, extra, index, *path = head.decode("ascii").split("\n")
    except ValueError as error:
        raise NoteMalformed("the proof is not a tlog-proof with a commitment") from error
    found = _INDEX.fullmatch(index)
    if not separator or first != HEADER or not extra.startswith("extra ") or found is None:
        raise NoteMalformed("the proof is not a tlog-proof with a commitment")
    commitment = from_base64(extra.removeprefix("extra "), "commitment")
    if len(commitment) != HASH_SIZE:
        raise ProofRefused(f"a commitment has {HASH_SIZE} bytes, not {len(commitment)}")
    cosigned = open_cosigned(note, key, witnesses)
    checkpoint = cosigned.checkpoint
    hashes = [from_base64(line, "proof") for line in path]
    verify_inclusion(leaf_hash(commitment), int(found[1]), checkpoint.size, hashes, checkpoint.root)
    return ProvedLeaf(int(found[1]), commitment, checkpoint, cosigned.cosignatures)
