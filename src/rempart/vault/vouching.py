"""The cashier's calls. The vault says who signed an errand, and has an establishment told; it does nothing of the errand itself."""

import uuid
from urllib.parse import unquote

from rempart.foundation.errors import BadInput, Outage
from rempart.vault import acts, campaigns, editors, sessions, store_switches
from rempart.vault import store_accounts as store
from rempart.vault.asked import Speaker, clean_label
from rempart.vault.disclose import RIGHTS
from rempart.vault.errors import DeviceNotBound, NoSuchAct, NotThere, SessionOver, StepUpNeeded, TooLarge
from rempart.vault.insurers_key import vouch_by_key
from rempart.vault.notices import TOLD_BY_CASHIER, Audited, journal
from rempart.vault.signature import read_signature, verify
from rempart.vault.store_accounts import Connection, Row
from rempart.vault.zone import Zone
from rempart.vaultdoor.holds import REFUSALS, Doing, forbidding
from rempart.vaultdoor.insurer import insurers_signed
from rempart.vaultdoor.messages import Act, Done, House, Notify, Thrown, Vouch, Vouched

CASHIER = "cashier"


async def vouch(call: Vouch, zone: Zone) -> Vouched:
    """Who signed this request, now and for the first time. Raises BadInput, Refusal or Outage.

    The order is that of `acts.perform`: what may be vouched for at all; the session and all it stands on; the signature, by the session's
    own device and, where that is a software, by its editor; then, under lock, the session again, containment, the proof's age, and that a
    POST was never done before.
    """
    act = call.act
    _require_errand(act)
    if not act.session and insurers_signed(act):
        return await vouch_by_key(act, zone)
    claimed, now = read_signature(act), zone.clock()
    token_hash = sessions.token_hash(act.session)
    try:
        who = sessions.speaker(await store.session(zone.pool, token_hash, now), now)
        sessions.require_own_door(zone, who)
        # The session's own device must have signed: a cookie alone is worth nothing.
        if claimed.thumbprint != who.thumbprint:
            raise DeviceNotBound("keyid")
        verify(act, claimed, who.public_key, origin=zone.settings.origin, now=now, seen=zone.nonces)
        await editors.editor_of(zone, act, now, bound=who.editor)
        async with zone.pool.acquire() as c, c.transaction():
            who = sessions.speaker(await store.lock_session(c, token_hash, now), now)
            sessions.require_network(who, act.address)
            await editors.require_active(c, who.editor)
            place = await _place(c, who)
            since = await store.here_since(c, who.account, who.establishment) if who.establishment else 0
            administered = [] if who.establishment else await store.administered(c, who.account)
            thrown = await _require_not_contained(c, call, who, place, now)
            await campaigns.require_nothing_due(c, who, act.target, now)
            if act.method == "POST":
                await acts.require_first_time(c, claimed, now)
    except store.LOST as error:
        raise Outage(type(error).__name__) from error
    return _vouched(who, place, administered, since, now, thrown)


def _require_errand(act: Act) -> None:
    """What the vault does itself is nobody's errand: a signature given for it must not serve at the cashier's. Raises BadInput."""
    path = unquote(act.target.partition("?")[0])
    if path.startswith("/acts/") or path in RIGHTS or act.method not in {"GET", "POST"}:
        raise NoSuchAct
    if len(act.body) > acts.MAX_BODY:
        raise TooLarge
    if act.method == "GET" and act.body:
        raise BadInput("body")


async def _place(c: Connection, who: Speaker) -> Row | None:
    """Where the session works; None for an administrator's seat. Raises SessionOver when that place is suspended."""
    if who.establishment is None:
        return None
    place = await store.active_place(c, who.establishment)
    if place is None:
        raise SessionOver
    return place


def _scopes(who: Speaker, place: Row | None) -> list[tuple[str, str]]:
    """The (scope, key) that somebody at a desk falls under.

    The insurer's own scope counts for its own seat; whom else's claims concern it, the cashier alone sees.
    """
    scopes = [("platform", ""), ("account", str(who.account)), ("device", str(who.device))]
    if who.editor is not None:
        scopes.append(("editor", str(who.editor)))
    if who.establishment is not None and who.profession is not None:
        scopes += [("establishment", str(who.establishment)), ("profession", who.profession)]
    if place is not None and place["insurer"]:
        scopes.append(("insurer", str(place["insurer"])))
    return scopes


async def _require_not_contained(
    c: Connection, call: Vouch, who: Speaker, place: Row | None, now: int
) -> list[Thrown]:
    """What is thrown on who signed. What may never pass is refused here; the cashier, who knows the errand, refuses the rest.

    Raises Contained, StepUpNeeded.
    """
    scopes = _scopes(who, place)
    thrown = await store_switches.holds_on(c, now, scopes)
    hold = forbidding(Doing.FOLLOW, thrown)
    if hold is not None:
        raise REFUSALS[hold]
    if call.proof == "step-up":
        sessions.require_proof(who, now)
        # The last proof may be older than the alert.
        if await store_switches.asked_since(c, now, who.proven, scopes):
            raise StepUpNeeded
    return [Thrown(*each) for each in thrown]


def _vouched(
    who: Speaker, place: Row | None, administered: list[Row], since: int, now: int, thrown: list[Thrown]
) -> Vouched:
    return Vouched(
        account=str(who.account),
        login=who.login,
        device=str(who.device),
        establishment=str(who.establishment or ""),
        profession=who.profession or "",
        role=who.role,
        amc=(place["amc"] if place else None) or "",
        insurer=place["insurer"] if place else 0,
        finess=(place["finess"] if place else None) or "",
        assurance=int(who.assurance),
        proven=who.proven,
        since=since,
        at=now,
        editor=str(who.editor or ""),
        thrown=thrown,
        standing=who.life.at(now),
        groups=sorted({str(house["party_group"]) for house in administered}),
        houses=[House(str(house["id"]), house["finess"] or "") for house in administered],
    )


async def notify(call: Notify, zone: Zone) -> Done:
    """A notice to everybody of an establishment, on all their devices. Raises BadInput (kind), NotThere (establishment), Outage."""
    if call.kind not in TOLD_BY_CASHIER:
        raise BadInput("kind")
    establishment, now = sessions.read_id(call.establishment), zone.clock()
    try:
        async with zone.pool.acquire() as c, c.transaction():
            await _tell(c, now, establishment, Audited(call.kind), clean_label(call.detail, ""))
    except store.LOST as error:
        raise Outage(type(error).__name__) from error
    return Done()


async def _tell(c: Connection, now: int, establishment: uuid.UUID, act: Audited, detail: str) -> None:
    place = await store.establishment(c, establishment)
    if place is None:
        raise NotThere("establishment")
    for account in await store.told_of_place(c, establishment):
        await store.add_notice(c, account, now, act, detail, None)
    await journal(c, now, CASHIER, act, place["finess"] or place["amc"])
