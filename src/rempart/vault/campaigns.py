"""Campaigns: after an incident, people of a scope have to do something again, and are refused everything else until they have.

What is demanded is written down a person at a time when the campaign is started (docs/campaigns.md), and hangs on the account: no other
place of work, no software and no other door is a way around it. Nobody is locked out: who is asked may sign in, and do what is asked.
"""

from dataclasses import dataclass

from rempart.foundation.clock import DAY
from rempart.foundation.errors import BadInput
from rempart.foundation.vocabulary import Profession
from rempart.vault import store_accounts as accounts
from rempart.vault import store_campaigns as store
from rempart.vault.actors import Actor
from rempart.vault.asked import Asked, Nothing, Speaker
from rempart.vault.errors import Conflict, Due, NotThere
from rempart.vault.notices import Audited, journal
from rempart.vault.sessions import read_id
from rempart.vault.store_accounts import Connection, Row
from rempart.vault.switches import switch_key
from rempart.vault.zone import Zone
from rempart.vaultdoor.campaigns import BLOCKING, Kind
from rempart.vaultdoor.messages import (
    CampaignCount,
    CampaignProgress,
    Campaigns,
    CampaignStarted,
    CampaignView,
    ColleagueDemand,
    CountCampaign,
    Demand,
    Done,
    EndCampaign,
    ListCampaigns,
    PlaceProgress,
    ShowCampaign,
    StartCampaign,
    ToDo,
)

LONGEST_DAYS = 366
_SHOWN_DONE = 30 * DAY
"""How long what was done is still shown as done."""
NARROW = frozenset({"account", "device", "establishment"})
"""Scopes of which one person may ask alone."""
_SCOPES: dict[Kind, frozenset[str]] = {
    Kind.EDITOR_KEYS: frozenset({"editor", "platform"}),
    Kind.RIB: frozenset({"establishment", "group", "profession", "platform"}),
}
_PEOPLES_SCOPES = frozenset(
    {"account", "device", "establishment", "group", "profession", "editor", "platform"}
)

# ── the gate ─────────────────────────────────────────────────────────────────────────────────────────────────────────

ALWAYS = frozenset(
    {
        "/acts/to-do",
        "/acts/here",
        "/acts/sign-out",
        "/acts/sign-out-elsewhere",
        "/acts/security",
        "/acts/step-up/begin",
        "/acts/step-up/passkey",
        "/acts/step-up/password",
    }
)
"""What somebody may do whatever is due: see what it is, prove who they are, leave."""
WHILE_DUE: dict[Kind, frozenset[str]] = {
    Kind.PASSWORD: frozenset({"/acts/password/change"}),
    Kind.TOTP: frozenset({"/acts/totp/begin", "/acts/totp/confirm"}),
}
"""What each demand opens besides. Everything else is closed: rights, errands, software, another place of work."""


async def require_nothing_due(c: Connection, who: Speaker, target: str, now: int) -> None:
    """Raises Due unless this act is what is demanded, or nothing is. Costs nothing to whoever is in no campaign."""
    if who.due_until <= now or target in ALWAYS:
        return
    kinds = await store.due_kinds(c, who.account, now)
    if kinds and not any(target in WHILE_DUE[kind] for kind in kinds):
        raise Due(" ".join(sorted(kinds)))


# ── what people see ──────────────────────────────────────────────────────────────────────────────────────────────────


async def to_do(asked: Asked, c: Connection, _body: Nothing) -> ToDo:
    """« À faire avant de reprendre »."""
    who = asked.who
    manages = who.establishment in await accounts.managed_establishments(c, who.account)
    place = who.establishment if manages else None
    rows = await store.demands_of(c, who.account, asked.at, asked.at - _SHOWN_DONE, place)
    people = await store.colleagues(c, place, asked.at) if place else []
    return ToDo(
        demands=[_demand(row) for row in rows],
        colleagues=[
            ColleagueDemand(str(row["account"]), row["login"], row["total"], row["done"]) for row in people
        ],
        establishment=str(who.establishment or ""),
    )


def _demand(row: Row) -> Demand:
    return Demand(
        number=row["number"],
        kind=row["kind"],
        reason_fr=row["reason_fr"],
        reason_en=row["reason_en"],
        started=row["started"],
        expires=_shown(row["expires"]),
        done=row["done"],
        blocks=row["kind"] in BLOCKING,
    )


# ── the operator's calls ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope that a kind may have, with the key that its statements compare."""

    kind: Kind
    scope: str
    key: str


async def read_scope(c: Connection, call: CountCampaign) -> Scope:
    """Raises BadInput (kind, scope, key), NotThere (key)."""
    if call.kind not in set(Kind):
        raise BadInput("kind")
    kind = Kind(call.kind)
    if call.scope not in _SCOPES.get(kind, _PEOPLES_SCOPES):
        raise BadInput("scope")
    if call.scope == "profession" and call.key == Profession.OPERATOR:
        raise BadInput("key")
    return Scope(kind, call.scope, await _key(c, call.scope, call.key))


async def _key(c: Connection, scope: str, named: str) -> str:
    if scope != "group":
        return await switch_key(c, scope, named)
    found = await store.group_by_label(c, named)
    if found is None:
        try:
            found = read_id(named)
        except BadInput:
            raise NotThere("key") from None
        if not await accounts.group_exists(c, found):
            raise NotThere("key")
    return str(found)


async def takes_two(c: Connection, call: CountCampaign | EndCampaign) -> bool:
    """Whoever asks many people for something stops many counters, and whoever asks no more opens them: two people answer for it."""
    if isinstance(call, CountCampaign):
        return call.scope not in NARROW
    row = await store.campaign(c, call.number)
    return row is not None and row["scope"] not in NARROW


async def count(zone: Zone, c: Connection, call: CountCampaign, _by: Actor) -> CampaignCount:
    """Whom it would concern now. Raises BadInput, NotThere."""
    scope = await read_scope(c, call)
    row = await store.count(c, scope.kind, scope.scope, scope.key, zone.clock())
    return CampaignCount(
        concerned=row["concerned"],
        establishments=row["establishments"],
        sessions=row["sessions"],
        devices=row["devices"],
        second=await takes_two(c, call),
    )


async def start(zone: Zone, c: Connection, call: StartCampaign, by: Actor) -> CampaignStarted:
    """From this transaction on. Raises BadInput, NotThere, Conflict (nobody is concerned)."""
    scope, now = await read_scope(c, call), zone.clock()
    if not 0 <= call.days <= LONGEST_DAYS:
        raise BadInput("days")
    if not 1 <= call.window_days <= LONGEST_DAYS:
        raise BadInput("window_days")
    reasons = (_sentence(call.reason_fr, "reason_fr"), _sentence(call.reason_en, "reason_en"))
    await store.take_turn(c)
    expires = now + call.days * DAY if call.days else store.NEVER
    number = await store.add(
        c,
        scope.kind,
        scope.scope,
        scope.key,
        call.key,
        reasons,
        by=by.name,
        now=now,
        expires=expires,
        window_start=now - call.window_days * DAY if scope.kind is Kind.RIB else None,
    )
    concerned = await _demand_it(c, number, scope, now, expires)
    if not concerned:
        raise Conflict("key")
    told = f"{scope.kind} {scope.scope} {call.key}".strip()
    await journal(c, now, by.name, Audited.CAMPAIGN_START, str(number), f"{told}: {reasons[0]}")
    return CampaignStarted(number, concerned)


async def _demand_it(c: Connection, number: int, scope: Scope, now: int, expires: int) -> int:
    if scope.kind is Kind.EDITOR_KEYS:
        return await store.demand_of_editors(c, number, scope.scope, scope.key, expires)
    if scope.kind is Kind.RIB:
        return await store.demand_of_places(c, number, scope.scope, scope.key)
    concerned = await store.demand(c, number, scope.kind, scope.scope, scope.key, now)
    if scope.kind is Kind.SIGN_OUT:
        await store.end_sessions(c, number, scope.scope, scope.key)
    elif scope.kind is Kind.DEVICES:
        await store.unbind(c, number, scope.scope, scope.key)
    else:
        await store.block(c, number, expires)
    return concerned


async def end(zone: Zone, c: Connection, call: EndCampaign, by: Actor) -> Done:
    """Whoever has not done it is asked no more. Raises NotThere, Conflict (it is over)."""
    await store.take_turn(c)
    row = await store.campaign(c, call.number)
    if row is None:
        raise NotThere("number")
    if row["ended"]:
        raise Conflict("number")
    now = zone.clock()
    await store.end(c, call.number, now)
    reason = _sentence(call.reason, "reason")
    await journal(c, now, by.name, Audited.CAMPAIGN_END, str(call.number), reason)
    return Done()


async def list_all(_zone: Zone, c: Connection, _call: ListCampaigns, _by: Actor) -> Campaigns:
    """Every one, the newest first."""
    return Campaigns([_view(row) for row in await store.campaigns(c)])


async def show(_zone: Zone, c: Connection, call: ShowCampaign, _by: Actor) -> CampaignProgress:
    """One, by establishment. Raises NotThere."""
    row = await store.campaign(c, call.number)
    if row is None:
        raise NotThere("number")
    places = await store.progress(c, call.number)
    return CampaignProgress(_view(row), [PlaceProgress(*place) for place in places])


async def reach(_zone: Zone, c: Connection, call: StartCampaign) -> tuple[str, str]:
    """The (scope, key) that the desk counts. Raises BadInput, NotThere."""
    scope = await read_scope(c, call)
    return scope.scope, scope.key


async def reach_of_one(_zone: Zone, c: Connection, call: EndCampaign) -> tuple[str, str]:
    """The same for one that runs. Raises NotThere."""
    row = await store.campaign(c, call.number)
    if row is None:
        raise NotThere("number")
    return row["scope"], row["key"]


def _view(row: Row) -> CampaignView:
    return CampaignView(
        number=row["number"],
        kind=row["kind"],
        scope=row["scope"],
        named=row["named"],
        reason_fr=row["reason_fr"],
        reason_en=row["reason_en"],
        started=row["started"],
        by=row["started_by"],
        expires=_shown(row["expires"]),
        ended=row["ended"],
        total=row["total"],
        done=row["done"],
    )


def _shown(instant: int) -> int:
    return 0 if instant == store.NEVER else instant


def _sentence(text: str, field: str) -> str:
    words = " ".join(text.split())
    if not 1 <= len(words) <= 300 or not words.isprintable():
        raise BadInput(field)
    return words
