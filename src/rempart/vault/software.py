"""Practice software in an establishment: a device of its own, installed by a code, that works twelve hours at a time for a person.

The titulaire (or the operator) gives a code; the software shows it once, signed by its new device key and by its editor's. It then asks,
and a person of that establishment confirms on the portal with a passkey, before their eyes the code that the software shows. From then on
it works for that person, at that place, until the twelve hours are over; it asks again when a look-up needs a person (`step-up`).

A software is nobody: it touches no factor, no device, no member, no bank account, whoever confirmed it.
"""

import uuid

from rempart.foundation.clock import DAY, MINUTE
from rempart.foundation.vocabulary import Assurance
from rempart.vault import sessions, store_editors, store_establishments
from rempart.vault import store_accounts as store
from rempart.vault.actors import Actor
from rempart.vault.asked import (
    Asked,
    Assertion,
    Body,
    Introduced,
    Introduction,
    Label,
    Nothing,
    Short,
    clean_label,
)
from rempart.vault.attempts import approval_key, reserve
from rempart.vault.confirming import confirm as confirm_person
from rempart.vault.devices import bind
from rempart.vault.editors import EditorRefused
from rempart.vault.errors import ActivationRefused, Credentials, Forbidden, NotThere, SessionOver
from rempart.vault.notices import Audited, announce, journal
from rempart.vault.passkeys import assert_passkey, own_challenge
from rempart.vault.recovery import approval_code, code_hash, new_code, read_code
from rempart.vault.sessions import open_session, read_id
from rempart.vault.store_accounts import Connection, Row
from rempart.vault.zone import Zone
from rempart.vaultdoor.messages import (
    Challenge,
    Done,
    Enrolled,
    IssueSoftwareCode,
    SignedIn,
    SoftwareAsked,
    SoftwarePending,
    Softwares,
    SoftwareView,
)
from rempart.vaultdoor.seats import CLOSED, Life, SeatDeparted

CODE_LIFE = 7 * DAY
"""A code that installs nothing in this time is void."""
WAIT = 10 * MINUTE
"""How long a software waits for a person."""
MAY = frozenset({"/acts/sign-out", "/acts/journal", "/acts/members"})
"""All the acts of a session on a software."""


# ── the titulaire's side ─────────────────────────────────────────────────────────────────────────────────────────────


class PlaceBody(Body, frozen=True):
    """`establishment`: "" for the current one."""

    establishment: Short


async def see(asked: Asked, c: Connection, body: PlaceBody) -> Softwares:
    """What is installed where I work or manage. Raises Forbidden for any other place."""
    place = read_id(body.establishment) if body.establishment else asked.who.establishment
    if place is None or place not in await sessions.places_of(c, asked.who.account):
        raise Forbidden("establishment")
    return Softwares(
        str(place),
        [_view(row) for row in await store_editors.software_in(c, place)],
        await store_editors.active_editors(c),
    )


def _view(row: Row) -> SoftwareView:
    return SoftwareView(
        str(row["device"]), row["name"], row["label"], row["status"], row["installed"], row["fresh_until"]
    )


class InviteBody(PlaceBody, frozen=True):
    """`editor`: its name."""

    editor: Label


async def invite(asked: Asked, c: Connection, body: InviteBody) -> Enrolled:
    """The code that installs an editor's software here; the former for the same editor is void. Raises Forbidden, NotThere,
    SeatDeparted.
    """
    place = await _managed(asked, c, body.establishment)
    return await _issue(asked.zone, c, body.editor, place, asked.who.login, asked.at)


async def issue(zone: Zone, c: Connection, call: IssueSoftwareCode, by: Actor) -> Enrolled:
    """The same, by the operator. Raises NotThere, SeatDeparted."""
    return await _issue(zone, c, call.editor, read_id(call.establishment), by.name, zone.clock())


async def _issue(zone: Zone, c: Connection, editor: str, place: uuid.UUID, actor: str, now: int) -> Enrolled:
    known = await store_editors.editor_by_name(c, " ".join(editor.split()))
    if known is None or known["status"] != "active":
        raise NotThere("editor")
    found = await store.establishment(c, place)
    if found is None or found["finess"] is None:
        # An insurer's seat checks no right: no software works there.
        raise NotThere("establishment")
    seat = await store_establishments.seat(c, place)
    if seat is not None and Life.of(seat).at(now) in CLOSED:
        # What is installed already sends the last invoices; nothing is installed any more.
        raise SeatDeparted
    code = new_code()
    hashed = code_hash(zone.keys, "software", code)
    await store_editors.issue_software_code(c, hashed, place, known["id"], now, now + CODE_LIFE)
    await journal(c, now, actor, Audited.SOFTWARE_INVITE, found["finess"], known["name"])
    return Enrolled(str(known["id"]), code)


class RemoveBody(PlaceBody, frozen=True):
    """`device`: from SoftwareView."""

    device: Short


async def remove(asked: Asked, c: Connection, body: RemoveBody) -> Done:
    """Uninstall: whoever works on it works there no more. Raises Forbidden, NotThere."""
    place = await _managed(asked, c, body.establishment)
    label = await store_editors.remove_software(c, read_id(body.device), place)
    if label is None:
        raise NotThere("device")
    await _tell_place(c, asked.at, place, Audited.SOFTWARE_REMOVE, label, asked.who.login)
    return Done()


async def _managed(asked: Asked, c: Connection, establishment: str) -> uuid.UUID:
    place = read_id(establishment) if establishment else asked.who.establishment
    if place is None or place not in await store.managed_establishments(c, asked.who.account):
        raise Forbidden("establishment")
    return place


# ── the software's side ──────────────────────────────────────────────────────────────────────────────────────────────


class InstallBody(Introduction, frozen=True):
    """`code`: from the titulaire. `device_label`: how people call this installation, e.g. « Comptoirs »."""

    device_label: Label
    code: Short


async def install(asked: Introduced, c: Connection, body: InstallBody) -> SoftwarePending:
    """This key is a software of the editor that signed beside it, where the code says; it waits for a person.

    Raises EditorRefused, ActivationRefused (no code of this editor's, used or expired; or a key that is known already).
    """
    editor = _editor(asked)
    hashed = code_hash(asked.zone.keys, "software", body.code)
    place = await store_editors.use_software_code(c, hashed, editor, asked.at)
    if place is None:
        raise ActivationRefused
    label = clean_label(body.device_label, "Logiciel")
    device = await store_editors.install(c, asked.thumbprint, asked.point, editor, place, label, asked.at)
    if device is None:
        raise ActivationRefused
    await _tell_place(c, asked.at, place, Audited.SOFTWARE_INSTALL, label, "")
    return await _ask(asked, c, device)


async def ask(asked: Introduced, c: Connection, _body: Introduction) -> SoftwarePending:
    """Ask for a person: for the next twelve hours, or, while somebody works on it, to be seen. Raises EditorRefused, NotThere."""
    return await _ask(asked, c, (await _this_software(asked, c))["device"])


async def _ask(asked: Introduced, c: Connection, device: uuid.UUID) -> SoftwarePending:
    purpose = "step-up" if await store_editors.open_on(c, device, asked.at) else "work"
    expires = asked.at + WAIT
    number = await store_editors.ask_confirmation(c, device, purpose, expires)
    return SoftwarePending(
        str(number), approval_code(asked.zone.keys, number, asked.thumbprint), purpose, expires
    )


class CollectBody(Introduction, frozen=True):
    """`ask`: from SoftwarePending."""

    ask: Short


async def collect(asked: Introduced, c: Connection, body: CollectBody) -> SignedIn | SoftwarePending:
    """The session, once a person confirmed; before that, what it waits for.

    Raises EditorRefused, NotThere (no software), SessionOver (asked anew since, too late, or the person has no seat there any more).
    """
    row, number = await _this_software(asked, c), read_id(body.ask)
    if row["asked"] != number or row["ask_expires"] <= asked.at:
        raise SessionOver
    if row["confirmed"] is None:
        code = approval_code(asked.zone.keys, number, asked.thumbprint)
        return SoftwarePending(str(number), code, row["purpose"], row["ask_expires"])
    await store_editors.end_asking(c, row["device"])
    return await _open(asked, c, row)


async def _open(asked: Introduced, c: Connection, row: Row) -> SignedIn:
    """One person at a time: the session of whoever worked on it before is over."""
    account = await store.account(c, row["confirmed_by"])
    seat = await store.membership(c, row["confirmed_by"], row["establishment"])
    if account is None or account["status"] != "active" or seat is None:
        raise SessionOver
    await store_editors.close_on(c, row["device"])
    await bind(
        asked,
        c,
        account=account["id"],
        login=account["login"],
        label=f"{row['name']} · {row['label']}",
        how="software",
    )
    opened = await open_session(
        c,
        account=account["id"],
        login=account["login"],
        device=row["device"],
        assurance=Assurance.PASSKEY,
        now=asked.at,
    )
    await store_editors.seat_software_session(
        c, account["id"], row["device"], row["establishment"], seat["role"]
    )
    if row["purpose"] == "step-up":
        # Somebody worked on it, and a passkey has just said that a person is there: what it says of a browser.
        locked = await store.lock_session(c, sessions.token_hash(opened.session), asked.at)
        await confirm_person(asked.zone, c, sessions.speaker(locked, asked.at), asked.at)
    return await sessions.signed_in(
        c,
        token=opened.session,
        account=account["id"],
        login=account["login"],
        establishment=row["establishment"],
        role=seat["role"],
        assurance=Assurance.PASSKEY,
        expires=opened.expires,
    )


def _editor(asked: Introduced) -> uuid.UUID:
    if asked.editor is None:
        raise EditorRefused("signature-input")
    return asked.editor


async def _this_software(asked: Introduced, c: Connection) -> Row:
    """The software whose key signed, beside its own editor's."""
    editor = _editor(asked)
    row = await store_editors.software_by_key(c, asked.thumbprint)
    if row is None:
        raise NotThere("device_key")
    if row["editor"] != editor:
        raise EditorRefused("device")
    return row


# ── the person who confirms ──────────────────────────────────────────────────────────────────────────────────────────


class AskedBody(Body, frozen=True):
    """`ask`: from the address that the software opened."""

    ask: Short


class ConfirmBody(Assertion, frozen=True):
    """`ask`: as above; `code`: what the software shows."""

    ask: Short
    code: Short


async def asked_of(asked: Asked, c: Connection, body: AskedBody) -> SoftwareAsked:
    """What I am asked to confirm. Raises NotThere: also to anybody of another establishment."""
    row = await _waiting(asked, c, body.ask)
    return SoftwareAsked(
        body.ask, row["name"], row["label"], str(row["establishment"]), row["purpose"], row["ask_expires"]
    )


async def begin(asked: Asked, c: Connection, _body: Nothing) -> Challenge:
    """A challenge to confirm a software with: it neither proves who I am nor says that I am at this browser."""
    return await own_challenge(asked.zone, c, "software", asked.who)


async def prepare_confirmation(asked: Asked, _body: ConfirmBody) -> None:
    """Count the attempt first: forty bits stay forty bits."""
    await reserve(asked.zone, (approval_key(asked.zone.keys, asked.who.account),), asked.at)


async def confirm(asked: Asked, c: Connection, body: ConfirmBody, _counted: None) -> Done:
    """The software works for me from now on: a passkey says so, each time. Raises NotThere, Credentials (passkey, or another code)."""
    who, row = asked.who, await _waiting(asked, c, body.ask)
    await assert_passkey(asked.zone, c, "software", body.nonce, who.thumbprint, who.account, body.credential)
    if read_code(body.code) != read_code(approval_code(asked.zone.keys, row["asked"], row["thumbprint"])):
        raise Credentials
    await store.clear_attempts(c, [approval_key(asked.zone.keys, who.account)])
    await store_editors.confirm_software(c, row["device"], who.account, asked.at)
    await announce(
        c, asked.at, who.account, who.login, Audited.SOFTWARE_CONFIRM, detail=row["label"], device=who.device
    )
    return Done()


async def _waiting(asked: Asked, c: Connection, number: str) -> Row:
    row = await store_editors.software_asking(c, read_id(number), asked.at)
    if row is None or await store.membership(c, asked.who.account, row["establishment"]) is None:
        raise NotThere("ask")
    return row


async def _tell_place(
    c: Connection, now: int, place: uuid.UUID, act: Audited, label: str, actor: str
) -> None:
    """A software comes or goes: everybody who works there knows."""
    for account in await store.told_of_place(c, place):
        await store.add_notice(c, account, now, act, label, None)
    found = await store.establishment(c, place)
    await journal(c, now, actor or "software", act, found["finess"] if found else "")
