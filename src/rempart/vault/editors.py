"""Editors of practice software: a party with a key, a line and a switch of its own.

A software's request is signed twice, by its device and by its editor. The editor's key alone opens nothing, and neither does the device
alone: `editor_of` requires the very editor whose software the session's device is.
"""

import base64
import uuid
from dataclasses import dataclass
from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric import ec

from rempart.foundation.clock import DAY, MINUTE
from rempart.foundation.errors import BadInput, Outage, Refusal
from rempart.vault import store_accounts, store_campaigns, store_editors, store_profiles
from rempart.vault.actors import Actor
from rempart.vault.asked import Introduced, Introduction
from rempart.vault.errors import Conflict, NotThere
from rempart.vault.events import Event
from rempart.vault.notices import Audited, journal
from rempart.vault.policy import DAY_SLOT, HOUR_SLOT, MONTH_SLOT, editor_limits
from rempart.vault.signature import ClaimedSignature, read_signature, thumbprint, verify_editor
from rempart.vault.store_accounts import Connection, Row
from rempart.vault.zone import Zone
from rempart.vaultdoor.messages import (
    Act,
    Done,
    EditorPage,
    Editors,
    EditorView,
    Enrolled,
    ListEditors,
    RegisterEditor,
    SuspendEditor,
)

WHILE_KEY_DUE = frozenset({"/acts/editor"})
"""All that an editor's signature is worth while a new key is asked for. It replaces no key: whoever stole it would be there first."""
OVERLAP = 7 * DAY
"""How long the former key still counts after its editor replaced it."""
_KEPT = MINUTE
_SHOWN = 7 * DAY
"""Refusals on the editor's page."""
_EDITOR_METER = 4


class EditorKeyDue(Refusal):
    """A campaign asks that this editor's key be replaced first: by the operator, who knows by contract whose key it is."""

    code: ClassVar[str] = "editor-key-due"


class EditorRefused(Refusal):
    """The editor's signature is missing, of another editor, unknown, or its editor is suspended."""

    code: ClassVar[str] = "editor"


@dataclass(frozen=True, slots=True)
class KnownEditor:
    """An editor by one of its keys."""

    id: uuid.UUID
    active: bool
    public_key: ec.EllipticCurvePublicKey
    served: int
    """Establishments in which its software is installed."""
    due_until: int = 0
    """Until when it is asked for a new key, µs; 0 when it is not."""


class _Known:
    """The editors read in the last minute, by thumbprint. Only those that exist: a stranger's key fills no memory."""

    def __init__(self) -> None:
        self.kept: dict[bytes, tuple[int, KnownEditor]] = {}
        self.forgotten = 0


def _known(zone: Zone) -> _Known:
    found = zone.memory.get("editors")
    if not isinstance(found, _Known):
        found = zone.memory["editors"] = _Known()
    return found


def forget(zone: Zone) -> None:
    """Read every editor anew."""
    memory = _known(zone)
    memory.kept.clear()
    memory.forgotten += 1


async def _find(zone: Zone, digest: bytes, now: int) -> KnownEditor | None:
    memory = _known(zone)
    kept, forgotten = memory.kept.get(digest), memory.forgotten
    if kept is not None and kept[0] > now:
        return kept[1]
    try:
        row = await store_editors.editor_by_key(zone.pool, digest, now)
    except store_accounts.LOST as error:
        raise Outage(type(error).__name__) from error
    if row is None:
        return None
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), row["public_key"])
    found = KnownEditor(row["id"], row["status"] == "active", key, row["served"], row["due_until"])
    # What was read before a suspension is not kept after it.
    if forgotten == memory.forgotten:
        memory.kept[digest] = (now + _KEPT, found)
    return found


async def signing_editor(zone: Zone, act: Act, claimed: ClaimedSignature, now: int) -> uuid.UUID | None:
    """The editor that signed beside the device, whose signature held before; None where none claims to have.

    Raises EditorRefused (unknown, suspended), SignatureInvalid, Stale, Outage.
    """
    if claimed.editor is None:
        return None
    found = await _find(zone, claimed.editor.thumbprint, now)
    if found is None:
        raise EditorRefused("keyid")
    verify_editor(act, claimed, found.public_key, origin=zone.settings.origin, now=now, seen=zone.nonces)
    if not found.active:
        raise EditorRefused("suspended")
    if found.due_until > now and act.target not in WHILE_KEY_DUE:
        raise EditorKeyDue
    return found.id


async def editor_of(zone: Zone, act: Act, now: int, *, bound: uuid.UUID | None) -> uuid.UUID | None:
    """The editor whose software asks; None for a browser. Called once the device's signature held.

    `bound`: the editor whose software the session's device is (`Standing.editor`, `Speaker.editor`), None for a browser's. A software
    without its own editor's signature gets nothing, nor does a browser with any. Raises as `signing_editor` does.
    """
    claimed = read_signature(act)
    if bound is None and claimed.editor is None:
        return None
    try:
        if claimed.editor is None:
            raise EditorRefused("signature-input")
        if await signing_editor(zone, act, claimed, now) != bound:
            raise EditorRefused("device")
    except Refusal:
        # A device that is whole, beside an editor that is not: for detection, and for that editor's page.
        zone.events.note(Event(now, "signature", editor=bound, detail="editor"))
        raise
    return bound


def served(zone: Zone, editor: uuid.UUID | None) -> int:
    """In how many establishments the editor that has just signed is installed, as read in the last minute; 0 for a browser."""
    kept = _known(zone).kept.values()
    return next((known.served for _, known in kept if known.id == editor), 0)


async def require_active(c: Connection, editor: uuid.UUID | None) -> None:
    """In the act's own transaction, whatever memory says. Raises EditorRefused."""
    if editor is not None and not await store_editors.editor_is_active(c, editor):
        raise EditorRefused("suspended")


# ── the operator's calls ─────────────────────────────────────────────────────────────────────────────────────────────


async def register(zone: Zone, c: Connection, call: RegisterEditor, by: Actor) -> Enrolled:
    """A new editor with its meter. The same again changes nothing.

    Another key for a known name is a Conflict unless the call says that it replaces the former, which is then void at once.
    """
    digest, name = _digest_of(call.public_key), _named(call.name)
    known = await store_editors.editor_by_name(c, name)
    if known is not None and known["thumbprint"] == digest:
        return Enrolled(str(known["id"]))
    if await store_editors.key_is_known(c, digest):
        raise Conflict("public_key")
    if known is None:
        new = await store_editors.add_editor(c, name, digest, call.public_key, zone.clock())
        await store_accounts.add_meter(c, new, _EDITOR_METER)
        await journal(c, zone.clock(), by.name, Audited.EDITOR_REGISTER, name)
        return Enrolled(str(new))
    if not call.replace:
        raise Conflict("name")
    await store_editors.replace_key(c, known["id"], digest, call.public_key, None)
    await store_campaigns.fulfil_editor(c, known["id"], zone.clock())
    await journal(c, zone.clock(), by.name, Audited.EDITOR_ROTATE, name)
    return Enrolled(str(known["id"]))


async def suspend(zone: Zone, c: Connection, call: SuspendEditor, by: Actor) -> Done:
    """Its software is told nothing any more, at once, wherever it is installed; or again. Raises NotThere, Conflict (is so already)."""
    row = await store_editors.editor_by_name(c, call.name)
    if row is None:
        raise NotThere("name")
    if (row["status"] == "suspended") == call.suspended:
        raise Conflict("name")
    await store_editors.set_editor_status(c, row["id"], "suspended" if call.suspended else "active")
    act = Audited.EDITOR_SUSPEND if call.suspended else Audited.EDITOR_REOPEN
    await journal(c, zone.clock(), by.name, act, row["name"])
    return Done()


async def list_all(_zone: Zone, c: Connection, _call: ListEditors, _by: Actor) -> Editors:
    """Every editor, by name."""
    return Editors([_view(row) for row in await store_editors.editors(c)])


def _view(row: Row) -> EditorView:
    return EditorView(
        id=str(row["id"]),
        name=row["name"],
        keyid=keyid_of(row["thumbprint"]),
        status=row["status"],
        added=row["added"],
        establishments=row["establishments"],
        devices=row["devices"],
    )


# ── the editor's own page ────────────────────────────────────────────────────────────────────────────────────────────


async def page(asked: Introduced, c: Connection, _body: Introduction) -> EditorPage:
    """What concerns an editor, for whoever holds its key: counts, never a person, an establishment or a look-up. Raises EditorRefused."""
    row = await store_editors.editor_by_key(c, asked.thumbprint, asked.at)
    if row is None:
        raise EditorRefused("keyid")
    return await _page(asked, c, row["id"])


async def rotate(asked: Introduced, c: Connection, _body: Introduction) -> EditorPage:
    """Replace the key: the new one signs as a device does, the present one beside it. The former counts for seven days more.

    Not while a campaign asks for a new key. Raises EditorRefused (the request brings no editor's signature), EditorKeyDue, Conflict (the
    new key is known already).
    """
    if asked.editor is None:
        raise EditorRefused("signature-input")
    row = await store_editors.editor(c, asked.editor)
    if row is None or row["thumbprint"] != asked.editor_key:
        # A key that was replaced rolls nothing back.
        raise EditorRefused("keyid")
    if row["due_until"] > asked.at:
        # What the memory of a minute ago did not know yet.
        raise EditorKeyDue
    if await store_editors.key_is_known(c, asked.thumbprint):
        raise Conflict("device_key")
    await store_editors.replace_key(c, asked.editor, asked.thumbprint, asked.point, asked.at + OVERLAP)
    await journal(c, asked.at, row["name"], Audited.EDITOR_ROTATE, row["name"])
    forget(asked.zone)
    return await _page(asked, c, asked.editor)


async def _page(asked: Introduced, c: Connection, editor: uuid.UUID) -> EditorPage:
    row, reach = await store_editors.editor(c, editor), await store_editors.reach(c, editor)
    assert row is not None
    refused = await store_editors.refusals(c, editor, asked.at - _SHOWN)
    return EditorPage(
        name=row["name"],
        status=row["status"],
        hold=await store_editors.switch(c, editor, asked.at) or "",
        keyid=keyid_of(row["thumbprint"]),
        former_until=row["former_until"] or 0,
        establishments=reach["establishments"],
        devices=reach["devices"],
        spent=await store_editors.spent(
            c, editor, asked.at // HOUR_SLOT, asked.at // DAY_SLOT, asked.at // MONTH_SLOT
        ),
        limits=await store_profiles.shared(c, editor, editor_limits(reach["establishments"])),
        refusals={line["kind"]: line["count"] for line in refused},
        at=asked.at,
    )


def keyid_of(digest: bytes) -> str:
    """A thumbprint as signatures name it."""
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _digest_of(point: bytes) -> bytes:
    """The RFC 7638 thumbprint of an uncompressed point. Raises BadInput when it is none of the curve."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise BadInput("public_key") from error
    if len(point) != 65:
        raise BadInput("public_key")
    return thumbprint(keyid_of(point[1:33]), keyid_of(point[33:]))


def _named(text: str) -> str:
    """An editor's name, as people at a counter will read it. Raises BadInput."""
    words = " ".join(text.split())
    if not 2 <= len(words) <= 60 or not words.isprintable():
        raise BadInput("name")
    return words
