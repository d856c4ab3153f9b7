"""Containment: the scopes of a switch, how an operator names what one is thrown on, and how a hold says no."""

import uuid
from collections.abc import Sequence

from rempart.foundation.errors import BadInput, Refusal
from rempart.foundation.vocabulary import Lane, Profession
from rempart.vault import store_accounts as store
from rempart.vault import store_editors, store_switches
from rempart.vault.errors import NotThere, StepUpNeeded
from rempart.vault.store_accounts import Connection
from rempart.vaultdoor.holds import REFUSALS, Doing, Hold, KnownOnly, forbidding

SCOPES = ("platform", "insurer", "lane", "profession", "editor", "establishment", "account", "device")


async def against_look_up(
    c: Connection, now: int, scopes: Sequence[tuple[str, str]], *, session: uuid.UUID, known: bool
) -> type[Refusal] | None:
    """What the one SQL call would refuse a look-up with now; None when nothing. `known`: to whoever asks."""
    thrown = await store_switches.holds_on(c, now, scopes)
    hold = forbidding(Doing.LOOK_UP, thrown)
    if hold is not None:
        return REFUSALS[hold]
    if any(each == Hold.STEP_UP for _, each in thrown):
        confirmed = await store_switches.stepped(c, session)
        if await store_switches.asked_since(c, now, confirmed, scopes):
            return StepUpNeeded
    if not known and any(each == Hold.KNOWN_ONLY for _, each in thrown):
        return KnownOnly
    return None


async def switch_key(c: Connection, scope: str, named: str) -> str:
    """The key that vault.disclose compares.

    `named`: "" for the platform, else an n° AMC, a lane, a profession, an editor's name (or id), a FINESS or the n° AMC of an insurer's
    seat (or id), a login (or id), a device's id. Raises BadInput for what is no scope or lane or profession, NotThere for what is not
    known here.
    """
    if scope == "platform" and not named:
        return ""
    if scope == "lane" and named.upper() in Lane.__members__:
        return str(int(Lane[named.upper()]))
    if scope == "profession" and named in set(Profession):
        return named
    if scope not in {"insurer", "editor", "establishment", "account", "device"}:
        raise BadInput("scope" if scope not in SCOPES else "key")
    found = await _party_key(c, scope, named)
    if found is None:
        raise NotThere("key")
    return found


async def _party_key(c: Connection, scope: str, named: str) -> str | None:
    if scope == "insurer":
        row = await store.insurer(c, named)
        return str(row["number"]) if row else None
    number = _uuid(named)
    if scope == "editor":
        editor = await (store_editors.editor(c, number) if number else store_editors.editor_by_name(c, named))
        return str(editor["id"]) if editor else None
    if scope == "establishment":
        known = await store.establishment(c, number) if number else None
        place = known["id"] if known else await store.establishment_by_number(c, named)
        return str(place) if place else None
    if scope == "account":
        row = await (store.account(c, number) if number else store.account_by_login(c, named.lower()))
        return str(row["id"]) if row else None
    return str(number) if number and await store.device_exists(c, number) else None


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
