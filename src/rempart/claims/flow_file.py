"""The daily flow's lines (docs/files/flow.md): newline-delimited JSON, one object a line, told apart by `line`. Writer and reader share it.

Who it was (`member`) and what was done (`acts`) are sealed to the insurer; the rest are amounts, dates and our references.
"""

import base64

import msgspec

from rempart.claims.messages import Shares
from rempart.foundation.errors import BadInput

VERSION = 1


class BadFlow(BadInput):
    """Not a whole flow of this version."""

    code = "flow"
    french = "Ce fichier n'est pas un flux quotidien complet, ou il a été modifié : téléchargez-le à nouveau."
    english = "This file is not a whole daily flow, or it was changed: download it again."


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="line"):
    """One line."""


class Header(Entry, frozen=True, tag="flow"):
    """The first line: whose flow, of which day, how many lines follow and what they sum to (cents)."""

    version: int
    amc: str
    day: str
    until: int
    """What came before this instant (µs) is in this flow or in an earlier one."""
    acceptances: int
    accepted: Shares
    cancellations: int
    cancelled: Shares
    calls: int
    called: int


class LoadKey(Entry, frozen=True, tag="load"):
    """The data key of a load's references, HPKE-wrapped to the insurer's notice key; before the lines that need it."""

    load: int
    wrapped: str


class Acceptance(Entry, frozen=True, tag="acceptance"):
    """An invoice accepted. `invoice`: our id, that its cancellation and its acts name too."""

    invoice: str
    engagement: str
    index: int
    """The rights check's entry in the ledger."""
    domain: str
    care_date: str
    received: int
    amounts: Shares
    member: str
    """`notice_ref` (docs/intake.md), base64; "" when the entry has none."""
    acts: str
    """The act lines sealed (claims.act_lines), base64."""


class Cancellation(Entry, frozen=True, tag="cancellation"):
    """An invoice of this flow or of an earlier one that no longer counts."""

    invoice: str
    engagement: str
    domain: str
    cancelled: int
    amounts: Shares


class Call(Entry, frozen=True, tag="funds"):
    """A call for funds; negative: a credit note."""

    reference: str
    cents: int
    called: int
    due_on: str


Line = Header | LoadKey | Acceptance | Cancellation | Call
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Line)


def write_line(line: Line) -> bytes:
    """One line with its end."""
    return _ENCODER.encode(line) + b"\n"


def read_line(content: bytes) -> Line:
    """One line. Raises BadFlow."""
    try:
        line: Line = _DECODER.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadFlow(str(error)) from None
    return line


def text(content: bytes | memoryview) -> str:
    """Bytes in a line."""
    return base64.b64encode(content).decode()


def raw(content: str) -> bytes:
    """Bytes of a line. Raises BadFlow."""
    try:
        return base64.b64decode(content, validate=True)
    except ValueError:
        raise BadFlow("base64") from None
