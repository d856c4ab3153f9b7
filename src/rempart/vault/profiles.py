"""Security profiles: what an establishment, an editor or an insurer is held to beyond the policy. They narrow, and never widen.

The weak affiliate is bounded by its own profile: a look-up by vault.disclose, in the one SQL call, before the probe; everything else by
the session (`sessions.speaker`, `sessions.require_network`) and at the sign-in. How much each is worth: docs/profiles.md.
"""

from dataclasses import dataclass
from ipaddress import ip_network

from rempart.foundation.errors import BadInput
from rempart.foundation.vocabulary import LOOKED_UP, Assurance, Lane
from rempart.vault import store_profiles as store
from rempart.vault.actors import Actor
from rempart.vault.asked import Network
from rempart.vault.errors import NotThere
from rempart.vault.notices import Audited, journal
from rempart.vault.sessions import covers
from rempart.vault.store_accounts import Connection, Row
from rempart.vault.switches import switch_key
from rempart.vault.zone import Zone
from rempart.vaultdoor.messages import ListProfiles, Profiles, ProfileView, SetProfile, ShowProfile

SCOPES = ("establishment", "editor", "insurer")
ASSURANCES = {"password": Assurance.PASSWORD_TOTP, "passkey": Assurance.PASSKEY}
NO_LANE, ANYWHERE = "none", "anywhere"
LEAST_PERCENT = 10
MOST_NETWORKS = 20
NARROWEST_IPV6 = 64
"""The door tells of an IPv6 client its /64 (rempart.front.addresses): nothing narrower can be compared."""


@dataclass(frozen=True, slots=True)
class Profile:
    """`percent`: of the policy's lines. `networks` empty: from anywhere."""

    least: Assurance
    lanes: frozenset[Lane]
    percent: int
    networks: tuple[Network, ...]

    def is_within(self, other: "Profile") -> bool:
        """Does this one allow nothing that the other does not?"""
        return (
            self.least >= other.least
            and self.lanes <= other.lanes
            and self.percent <= other.percent
            and _are_within(self.networks, other.networks)
        )


def _are_within(inner: tuple[Network, ...], outer: tuple[Network, ...]) -> bool:
    if not outer:
        return True
    return bool(inner) and all(any(covers(wide, each) for wide in outer) for each in inner)


def changed(profile: Profile, call: SetProfile) -> Profile:
    """The profile as the call wants it. Raises BadInput."""
    if call.assurance not in {"", *ASSURANCES}:
        raise BadInput("assurance")
    if call.percent != 0 and not (LEAST_PERCENT <= call.percent <= 100 and call.scope != "insurer"):
        # All that is asked of an insurer has a breaker already.
        raise BadInput("percent")
    return Profile(
        least=ASSURANCES.get(call.assurance, profile.least),
        lanes=_lanes(call.lanes) if call.lanes else profile.lanes,
        percent=call.percent or profile.percent,
        networks=_networks(call.networks) if call.networks else profile.networks,
    )


def _lanes(names: list[str]) -> frozenset[Lane]:
    if names == [NO_LANE]:
        return frozenset()
    if any(name.upper() not in {lane.name for lane in LOOKED_UP} for name in names):
        raise BadInput("lanes")
    return frozenset(Lane[name.upper()] for name in names)


def _networks(texts: list[str]) -> tuple[Network, ...]:
    if texts == [ANYWHERE]:
        return ()
    try:
        found = tuple(sorted({ip_network(each) for each in texts}, key=str))
    except ValueError:
        raise BadInput("networks") from None
    too_narrow = any(each.version == 6 and each.prefixlen > NARROWEST_IPV6 for each in found)
    if len(found) > MOST_NETWORKS or too_narrow:
        raise BadInput("networks")
    return found


# ── the operator's calls ─────────────────────────────────────────────────────────────────────────────────────────────


async def show(_zone: Zone, c: Connection, call: ShowProfile, _by: Actor) -> ProfileView:
    """What a party is held to. Raises BadInput, NotThere."""
    return view(call.scope, call.key, (await read(c, call.scope, call.key))[1])


async def list_all(_zone: Zone, c: Connection, _call: ListProfiles, _by: Actor) -> Profiles:
    """Every party that is held to more than the policy."""
    rows = await store.narrowed(c)
    return Profiles([view(row["scope"], row["named"], _profile(row)) for row in rows])


async def set_profile(zone: Zone, c: Connection, call: SetProfile, by: Actor) -> ProfileView:
    """Change what the call names. Sessions that no longer suffice are over at once. Raises BadInput, NotThere."""
    reason = " ".join(call.reason.split())
    if not 1 <= len(reason) <= 200 or not reason.isprintable():
        raise BadInput("reason")
    key, former = await read(c, call.scope, call.key)
    wanted = changed(former, call)
    await store.write(
        c, call.scope, key, wanted.least, mask_of(wanted.lanes), wanted.percent, list(wanted.networks) or None
    )
    if wanted.least > former.least and call.scope != "insurer":
        await store.close_weaker(c, call.scope, key, wanted.least)
    after = view(call.scope, call.key, wanted)
    await journal(
        c, zone.clock(), by.name, Audited.PROFILE_SET, f"{call.scope} {call.key}", told(after, reason)
    )
    return after


async def widens(c: Connection, call: SetProfile) -> bool:
    """Does it allow something that is not allowed now? Raises BadInput, NotThere."""
    _, former = await read(c, call.scope, call.key)
    return not changed(former, call).is_within(former)


async def read(c: Connection, scope: str, named: str) -> tuple[str, Profile]:
    """The party's key and its profile, the row held. Raises BadInput, NotThere."""
    if scope not in SCOPES:
        raise BadInput("scope")
    key = await switch_key(c, scope, named)
    row = await store.read(c, scope, key)
    if row is None:
        raise NotThere("key")
    return key, _profile(row)


def _profile(row: Row) -> Profile:
    return Profile(
        Assurance(row["least_assurance"]),
        frozenset(lane for lane in Lane if row["lanes_open"] & mask_of([lane])),
        row["line_percent"],
        tuple(row["networks"] or ()),
    )


def mask_of(lanes: frozenset[Lane] | list[Lane]) -> int:
    """One bit a lane, as vault.disclose reads it."""
    return sum(1 << (lane - 1) for lane in lanes)


def view(scope: str, named: str, profile: Profile) -> ProfileView:
    """As people read it."""
    return ProfileView(
        scope=scope,
        key=named,
        assurance="passkey" if profile.least is Assurance.PASSKEY else "password",
        lanes=[lane.name.lower() for lane in sorted(profile.lanes)],
        percent=profile.percent,
        networks=[str(each) for each in profile.networks],
    )


def told(after: ProfileView, reason: str) -> str:
    """For the journal, 200 characters."""
    lanes, networks = "+".join(after.lanes) or NO_LANE, ",".join(after.networks) or ANYWHERE
    return f"{after.assurance}, lanes {lanes}, {after.percent} %, {networks}: {reason}"[:200]
