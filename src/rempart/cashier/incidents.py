"""*Sommes-nous concernés ?*: what the operator published of incidents, with the answer of whoever asks, counted once and kept.

Row security shows every seat its own alone: an establishment its answer, a group's administrator those of the group. Nothing here asks the
ledger. An incident that is not published, or not any more, is absent like one that never was.
"""

from uuid import UUID

import asyncpg

from rempart.cashier.errands import Asked, Errand, Party
from rempart.claims.messages import HouseAnswer, IncidentAnswers, Nothing, PublishedIncident
from rempart.incident import store_answers as store
from rempart.incident.scope_professionals import SENTENCES, Kind
from rempart.incident.store_answers import PartyAnswer, Published
from rempart.vaultdoor.messages import Vouched

Found = dict[tuple[int, UUID], PartyAnswer]


async def answers(asked: Asked, c: asyncpg.Connection, _body: Nothing) -> IncidentAnswers:
    """Every published incident, newest first."""
    who, shown, found = asked.who, await store.shown(c), await store.own_answers(c)
    return IncidentAnswers(seat_of(who), [_item(who, each, found) for each in shown])


def seat_of(who: Vouched) -> str:
    """What kind of seat asks."""
    if who.insurer:
        return "insurer"
    return "establishment" if who.establishment else "group"


def _item(who: Vouched, shown: Published, found: Found) -> PublishedIncident:
    houses = [_answer(shown, house.id, house.finess, found) for house in who.houses]
    # Of two groups, none is "the group as one": each establishment has its answer then.
    first = who.establishment or (who.groups[0] if len(who.groups) == 1 else "")
    words = {name: getattr(shown.words, name) for name in shown.words.__slots__}
    return PublishedIncident(
        number=shown.incident,
        at=shown.at,
        since=shown.since,
        until=shown.until,
        whole=_answer(shown, first, who.finess, found),
        houses=[house for house in houses if house.concerned],
        untouched=[house for house in houses if not house.concerned],
        **words,
    )


def _answer(shown: Published, party: str, finess: str, found: Found) -> HouseAnswer:
    own = found.get((shown.incident, UUID(party))) if party else None
    if own is None:
        return HouseAnswer(party, finess)
    said = [SENTENCES[Kind(kind)] for kind in own.own]
    return HouseAnswer(
        party,
        finess,
        **{name: getattr(own.hit, name) for name in own.hit.__slots__},
        own_fr=[french for french, _ in said],
        own_en=[english for _, english in said],
        people=own.people,
    )


TABLE = {"POST /claims/incidents": Errand(Party.ANYBODY, Nothing, answers)}
