"""Sessions: a bearer value that is worth nothing without the key of the device it was opened on. The vault keeps its SHA-256 only."""

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from cryptography.hazmat.primitives.asymmetric import ec

from rempart.foundation.clock import DAY, HOUR, MINUTE
from rempart.foundation.vocabulary import Assurance, Profession, Role
from rempart.vault import store_accounts as store
from rempart.vault import store_campaigns, store_desk, store_profiles
from rempart.vault.asked import Asked, Body, Network, Nothing, Short, Speaker
from rempart.vault.errors import (
    BadId,
    DeviceNotBound,
    Elsewhere,
    Forbidden,
    PasskeyOnly,
    SessionOver,
    StepUpNeeded,
)
from rempart.vault.notices import Audited, announce
from rempart.vault.policy import LINES
from rempart.vault.store_accounts import Connection, Row
from rempart.vault.zone import Zone
from rempart.vaultdoor.campaigns import AT_SIGN_IN
from rempart.vaultdoor.messages import Done, Here, SignedIn
from rempart.vaultdoor.seats import Life

FRESH = 12 * HOUR
"""A device's binding lapses, and its sessions end, so long after the last sign-in on it."""
PROOF = 5 * MINUTE
"""How long a factor just used allows what touches factors, devices and members."""
DORMANT = 90 * DAY
"""A device unused for so long needs a passkey or an approval again: a discarded machine is not a factor for ever."""
_WHOSE = ("places", "groups", "editors")
_KEPT = MINUTE
_MOST_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Standing:
    """Who checks a right. It comes from memory, so it authorises nothing: the SQL call of `disclose` reads again whatever can change."""

    session: uuid.UUID
    account: uuid.UUID
    login: str
    device: uuid.UUID
    thumbprint: bytes
    public_key: ec.EllipticCurvePublicKey
    establishment: uuid.UUID
    profession: Profession
    role: Role
    assurance: Assurance
    editor: uuid.UUID | None = None
    """The editor whose software the device is: it must have signed too (rempart.vault.editors). None for a browser."""


class _Standings:
    """The standings read in the last minute, by session value."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[int, Standing]] = {}
        self.forgotten = 0
        """How many times a session was forgotten: what was read before that may be old."""

    def forget(self, token: str) -> None:
        self.forgotten += 1
        self.kept.pop(token, None)

    def keep(self, token: str, until: int, standing_: Standing, forgotten: int) -> None:
        """`forgotten`: the count when the reading began."""
        if forgotten != self.forgotten:
            return
        if len(self.kept) >= _MOST_KEPT:
            self.kept.clear()
        self.kept[token] = (until, standing_)


def _standings(zone: Zone) -> _Standings:
    found = zone.memory.get("standings")
    if not isinstance(found, _Standings):
        found = zone.memory["standings"] = _Standings()
    return found


async def standing(zone: Zone, session_token: str) -> Standing:
    """The session's owner, device and place.

    Raises SessionOver, DeviceNotBound, Forbidden (an administrator or an insurer checks no right).
    """
    standings, now = _standings(zone), zone.clock()
    kept, forgotten = standings.kept.get(session_token), standings.forgotten
    if kept is not None and kept[0] > now:
        return kept[1]
    who = speaker(await store.session(zone.pool, token_hash(session_token), now), now)
    # Whoever has no line checks no right: an administrator's seat, an insurer's.
    if who.establishment is None or who.profession not in LINES:
        raise Forbidden("establishment")
    found = Standing(
        session=who.session,
        account=who.account,
        login=who.login,
        device=who.device,
        thumbprint=who.thumbprint,
        public_key=who.public_key,
        establishment=who.establishment,
        profession=who.profession,
        role=who.role,
        assurance=who.assurance,
        editor=who.editor,
    )
    standings.keep(session_token, now + _KEPT, found, forgotten)
    return found


def forget(zone: Zone, session_token: str) -> None:
    """Read this session anew at its next request."""
    _standings(zone).forget(session_token)


def token_hash(session_token: str) -> bytes:
    """SHA-256 of the bearer value: 256 random bits need no salt."""
    return hashlib.sha256(session_token.encode("utf-8", "replace")).digest()


def speaker(row: Row | None, now: int) -> Speaker:
    """The person behind a session's row.

    Raises SessionOver when there is none, or none that the profiles of its places admit any more; DeviceNotBound when the device's 12 hours
    are over.
    """
    if row is None or row["assurance"] < max(row[f"{whose}_least"] or 0 for whose in _WHOSE):
        raise SessionOver
    if row["fresh_until"] <= now:
        raise DeviceNotBound("lapsed")
    return Speaker(
        session=row["id"],
        account=row["account"],
        login=row["login"],
        device=row["device"],
        thumbprint=row["thumbprint"],
        public_key=ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), row["public_key"]),
        establishment=row["establishment"],
        profession=Profession(row["profession"]) if row["profession"] else None,
        role=Role(row["role"]),
        assurance=Assurance(row["assurance"]),
        proven=row["proven"],
        expires=row["expires"],
        editor=row["editor"],
        due_until=row["due_until"],
        networks=tuple(tuple(each) for each in (row["networks"], row["editor_networks"]) if each),
        life=Life.of(row) if row["establishment"] else Life(),
    )


def require_network(who: Speaker, address: str) -> None:
    """Whence the profiles of the establishment and of its software say that they work, on the door's word. Raises Elsewhere."""
    for party in who.networks:
        require_from(address, party)


def require_from(address: str, networks: Sequence[Network] | None) -> None:
    """One party's; none: from anywhere. An address that is not told is none of theirs. Raises Elsewhere."""
    if not networks:
        return
    told = network_told(address)
    if told is None or not any(covers(each, told) for each in networks):
        raise Elsewhere


@lru_cache(4096)
def network_told(address: str) -> Network | None:
    """What a door says of a request's origin: an address, or the /64 of an IPv6 one. None where it says nothing, or no address."""
    try:
        return ip_network(address)
    except ValueError:
        return None


def covers(wide: Network, narrow: Network) -> bool:
    """Is all of `narrow` in `wide`?"""
    if isinstance(wide, IPv4Network) and isinstance(narrow, IPv4Network):
        return narrow.subnet_of(wide)
    return isinstance(wide, IPv6Network) and isinstance(narrow, IPv6Network) and narrow.subnet_of(wide)


def require_own_door(zone: Zone, who: Speaker) -> None:
    """An operator speaks at the desk alone, and nobody else there: a session carried to the other door is none. Raises SessionOver."""
    if (who.profession is Profession.OPERATOR) != zone.at_desk:
        raise SessionOver


async def has_other_door(zone: Zone, c: Connection, account: uuid.UUID) -> bool:
    """Is this account worth something at the other door only? Asked before a session is opened."""
    return await store_desk.is_operator(c, account) != zone.at_desk


def require_proof(who: Speaker, now: int) -> None:
    """Raises StepUpNeeded unless a factor was used for it in the last five minutes: a sign-in does not count."""
    if now - who.proven > PROOF:
        raise StepUpNeeded


async def open_session(
    c: Connection,
    *,
    account: uuid.UUID,
    login: str,
    device: uuid.UUID,
    assurance: Assurance,
    now: int,
    proven: bool = False,
) -> SignedIn:
    """A new session on a device that is bound and fresh; the former one of this account on this device is over.

    `proven`: it may touch factors and members for five minutes. A sign-in is routine, as the touch for the pace is: malware waits for it,
    or signs the person out to have it; so it is no proof.
    Raises Forbidden when the account works nowhere any more, PasskeyOnly when one of its places admits passkeys alone: an account is one
    person's wherever they sit, and a passkey or a colleague added from the weaker seat would sit in the stricter one too.
    """
    places = await store.memberships(c, account)
    if not places:
        raise Forbidden("no membership")
    if assurance < await store_profiles.least_of(c, account):
        raise PasskeyOnly
    token, expires = secrets.token_urlsafe(32), now + FRESH
    await store.open_session(
        c,
        token_hash=token_hash(token),
        account=account,
        device=device,
        establishment=places[0]["establishment"],
        role=places[0]["role"],
        assurance=assurance,
        now=now,
        proven=now if proven else 0,
        expires=expires,
    )
    await store_campaigns.fulfil(c, account, sorted(AT_SIGN_IN), now)
    await store.write_journal(c, now, login, Audited.SESSION_OPEN, login, assurance.name.lower())
    return await signed_in(
        c,
        token=token,
        account=account,
        login=login,
        establishment=places[0]["establishment"],
        role=places[0]["role"],
        assurance=assurance,
        expires=expires,
    )


async def signed_in(
    c: Connection,
    *,
    token: str,
    account: uuid.UUID,
    login: str,
    establishment: uuid.UUID | None,
    role: str,
    assurance: Assurance,
    expires: int,
) -> SignedIn:
    """The reply that tells a session: where the person works, and where else they may go."""
    return SignedIn(
        session=token,
        login=login,
        establishment=str(establishment) if establishment else "",
        establishments=[str(place) for place in await places_of(c, account)],
        role=role,
        assurance=int(assurance),
        expires=expires,
    )


async def places_of(c: Connection, account: uuid.UUID) -> list[uuid.UUID]:
    """Where the account works, then what it manages for a group."""
    works = [m["establishment"] for m in await store.memberships(c, account) if m["establishment"]]
    managed = await store.managed_establishments(c, account)
    return [*works, *(place for place in managed if place not in works)]


async def here(asked: Asked, _c: Connection, _body: Nothing) -> Here:
    """Where this session works, and whether something is due before it may."""
    who = asked.who
    return Here(str(who.establishment or ""), who.profession or "", who.due_until > asked.at)


async def sign_out(asked: Asked, c: Connection, _body: Nothing) -> Done:
    """This session is over. The device stays bound until it lapses."""
    await store.close_session(c, asked.who.session)
    return Done()


async def sign_out_elsewhere(asked: Asked, c: Connection, _body: Nothing) -> Done:
    """Every other session of the account is over."""
    who = asked.who
    if await store.close_sessions(c, who.account, but=who.session):
        await announce(c, asked.at, who.account, who.login, Audited.SESSIONS_CLOSE, device=who.device)
    return Done()


class ChooseBody(Body, frozen=True):
    """`establishment`: one the person works in, or "" for an administrator's seat."""

    establishment: Short


async def choose(asked: Asked, c: Connection, body: ChooseBody) -> SignedIn:
    """Go on in another place of work. Raises Forbidden where the person has no seat."""
    who = asked.who
    wanted = read_id(body.establishment) if body.establishment else None
    for seat in await store.memberships(c, who.account):
        if seat["establishment"] == wanted:
            await store.move_session(c, who.session, wanted, seat["role"])
            return await signed_in(
                c,
                token=asked.token,
                account=who.account,
                login=who.login,
                establishment=wanted,
                role=seat["role"],
                assurance=who.assurance,
                expires=who.expires,
            )
    raise Forbidden("establishment")


def read_id(text: str) -> uuid.UUID:
    """A uuid in its canonical form. Raises BadId."""
    try:
        found = uuid.UUID(text)
    except ValueError:
        raise BadId from None
    if str(found) != text.lower():
        raise BadId
    return found
