"""Dossiers of référencement: the vault gives the keys of one document to whoever may read it, once the journal has it; an account's mark.

What the keys open is not here, and whoever holds it has no key.
"""

from typing import Annotated, ClassVar

from msgspec import Meta

from rempart.foundation.clock import DAY
from rempart.foundation.errors import BadInput, Refusal
from rempart.vault import store_dossiers as store
from rempart.vault.asked import Asked, Body, Short
from rempart.vault.errors import NotThere
from rempart.vault.keystore import dossier_key
from rempart.vault.notices import Audited, journal
from rempart.vault.sessions import read_id
from rempart.vault.store_accounts import Connection
from rempart.vault.zone import Zone
from rempart.vaultdoor.dossier import Place, unwrap_key
from rempart.vaultdoor.messages import AskDossierKey, DeskSeat, DossierKey, DossierKeys, MarkRib, RibMark

A_DAY = 60
"""Documents that one operator may open in a day: ten dossiers, whole. Whoever sits at an open session does not read them all."""


class TooManyOpened(Refusal):
    """This operator has opened enough for a day."""

    code: ClassVar[str] = "dossier-openings"


class OpenBody(Body, frozen=True, kw_only=True):
    """`document`: 0 is the declaration."""

    dossier: Short
    document: Annotated[int, Meta(ge=0, le=5)]


async def open_document(asked: Asked, c: Connection, body: OpenBody, seat: DeskSeat) -> DossierKeys:
    """The keys of a document's pieces, for this seat. Raises BadId, NotThere, TooManyOpened, PieceUnreadable.

    1. it is there; 2. this operator has not opened too much in a day: what is opened twice counts once; 3. the journal has it; 4. the keys.
    """
    dossier = read_id(body.dossier)
    wrapped = await store.wrapped(c, dossier, body.document)
    if not wrapped:
        raise NotThere("dossier")
    line = str(dossier), f"document {body.document}"
    opened = await store.opened_since(c, asked.who.login, asked.at - DAY)
    if line not in opened and len(opened) >= A_DAY:
        raise TooManyOpened
    await journal(c, asked.at, asked.who.login, Audited.DOSSIER_OPEN, *line)
    private = dossier_key(asked.zone.keys.ring)
    keys = [unwrap_key(private, Place(dossier, body.document, n), key) for n, key in enumerate(wrapped)]
    return DossierKeys(line[0], body.document, keys, seat)


async def tell_key(_call: AskDossierKey, zone: Zone) -> DossierKey:
    """What dossiers are closed to."""
    return DossierKey(dossier_key(zone.keys.ring).public_key().public_bytes_raw())


async def mark_rib(call: MarkRib, zone: Zone) -> RibMark:
    """The mark of an account, by its digest. Raises BadInput."""
    if len(call.digest) != 32:
        raise BadInput("digest")
    return RibMark(zone.keys.prf("rib")(call.digest)[:16])
