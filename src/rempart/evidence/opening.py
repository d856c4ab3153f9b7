"""What a leaf commits to: one answer of the vault, as 104 bytes that PostgreSQL and Python build alike
(docs/ledger.md).

The log holds SHA-256("rempart-leaf-v1" ‖ 0x00 ‖ salt ‖ opening) only. Without the salt nobody can try
openings against it; with salt and opening anybody can check it.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import LiteralString
from uuid import UUID

from rempart.evidence.errors import LeafRewritten, OpeningMalformed
from rempart.foundation.vocabulary import DOMAIN_BY_CODE, Lane

VERSION = 2
SALT_SIZE = 16
LABEL = b"rempart-leaf-v1\x00"

# int2 version, int8 at, uuid account, device, establishment, int2 insurer, lane, domain, answer_class,
# outcome, int4 cost, uuid subject, editor: big-endian, as PostgreSQL's int2send, int8send, int4send and uuid_send
# write them.
_LAYOUT = struct.Struct(">hq16s16s16shhhhhi16s16s")
OPENING_SIZE = _LAYOUT.size
_NIL = UUID(int=0)

OPENING_SQL: LiteralString = """
  int2send(2::smallint) || int8send(e.at)
  || uuid_send(e.account) || uuid_send(e.device) || uuid_send(e.establishment)
  || int2send(e.insurer) || int2send(e.lane) || int2send(e.domain)
  || int2send(e.answer_class) || int2send(e.outcome)
  || int4send(e.cost) || uuid_send(e.subject) || uuid_send(e.editor)"""
"""The same bytes in PostgreSQL, from the columns of a row `e` of evidence.entry."""

ANSWER_CLASSES: dict[int, tuple[str, ...]] = {
    1: (
        "product",
        "open",
        "reason",
        "valid_from",
        "valid_to",
        "responsible",
        "formula",
        "prise_en_charge",
    ),
}
"""Each class is the closed list of what an answer may say of a person, per contract, for one domain and date.

Numbers are never reused.
"""


class Outcome(IntEnum):
    """What was answered. Every form of absence is one outcome."""

    TOLD = 1
    ABSENT = 2
    WITHHELD = 3
    """Nobody was told of: only people whom the establishment knew were served, and this was none of them. Who exists is not told."""


_LANES, _OUTCOMES = frozenset(Lane), frozenset(Outcome)


@dataclass(frozen=True)
class Opening:
    """One answer, as committed.

    `at` in microseconds since 1970 UTC; `insurer` is 0 for an unknown n° AMC; `cost` in units of the line;
    `subject` is None unless somebody was told of; `editor` is None when a browser asked, not a practice software.
    """

    at: int
    account: UUID
    device: UUID
    establishment: UUID
    insurer: int
    lane: int
    domain: int
    answer_class: int
    outcome: Outcome
    cost: int
    subject: UUID | None
    editor: UUID | None = None


def encode_opening(opening: Opening) -> bytes:
    """The 104 canonical bytes. Raises `OpeningMalformed` for values that no opening may hold."""
    subject = _NIL if opening.subject is None else opening.subject
    try:
        data = _LAYOUT.pack(
            VERSION,
            opening.at,
            opening.account.bytes,
            opening.device.bytes,
            opening.establishment.bytes,
            opening.insurer,
            opening.lane,
            opening.domain,
            opening.answer_class,
            opening.outcome,
            opening.cost,
            subject.bytes,
            (_NIL if opening.editor is None else opening.editor).bytes,
        )
    except struct.error as error:
        raise OpeningMalformed("a number does not fit in its field") from error
    if decode_opening(data) != opening:
        raise OpeningMalformed("neither subject nor editor is the nil uuid")
    return data


def decode_opening(data: bytes) -> Opening:
    """Read the canonical bytes.

    Raises `OpeningMalformed` for any other length, version, or value outside the closed lists.
    """
    if len(data) != OPENING_SIZE:
        raise OpeningMalformed(f"an opening has {OPENING_SIZE} bytes, not {len(data)}")
    (
        version,
        at,
        account,
        device,
        establishment,
        insurer,
        lane,
        domain,
        answer_class,
        outcome,
        cost,
        subject,
        editor,
    ) = _LAYOUT.unpack(data)
    if version != VERSION:
        raise OpeningMalformed(f"version {version} of the opening is unknown")
    if at < 0 or cost < 0 or insurer < 0:
        raise OpeningMalformed("instant, cost and insurer are not negative")
    if lane not in _LANES or domain not in DOMAIN_BY_CODE or answer_class not in ANSWER_CLASSES:
        raise OpeningMalformed(f"lane {lane}, domain {domain} or class {answer_class} is unknown")
    if outcome not in _OUTCOMES:
        raise OpeningMalformed(f"outcome {outcome} is unknown")
    if (outcome != Outcome.TOLD) != (subject == _NIL.bytes):
        raise OpeningMalformed("an answer that told of somebody has a subject, and no other has")
    if outcome == Outcome.TOLD and insurer == 0:
        raise OpeningMalformed("nobody is told of without an insurer")
    return Opening(
        at=at,
        account=UUID(bytes=account),
        device=UUID(bytes=device),
        establishment=UUID(bytes=establishment),
        insurer=insurer,
        lane=lane,
        domain=domain,
        answer_class=answer_class,
        outcome=Outcome(outcome),
        cost=cost,
        subject=UUID(bytes=subject) if outcome == Outcome.TOLD else None,
        editor=None if editor == _NIL.bytes else UUID(bytes=editor),
    )


def commit(salt: bytes, opening: bytes) -> bytes:
    """The leaf's data in the log: SHA-256("rempart-leaf-v1" ‖ 0x00 ‖ salt ‖ opening), 32 bytes.

    `salt` is 16 fresh random bytes.
    """
    if len(salt) != SALT_SIZE:
        raise OpeningMalformed(f"a salt has {SALT_SIZE} bytes, not {len(salt)}")
    if len(opening) != OPENING_SIZE:
        raise OpeningMalformed(f"an opening has {OPENING_SIZE} bytes, not {len(opening)}")
    return sha256(LABEL + salt + opening).digest()


def verify_opening(commitment: bytes, salt: bytes, opening: bytes) -> Opening:
    """What the leaf commits to, once checked.

    Raises `OpeningMalformed`, and `LeafRewritten` when the commitment is another's.
    """
    if commit(salt, opening) != commitment:
        raise LeafRewritten("salt and opening do not give the leaf's commitment")
    return decode_opening(opening)
