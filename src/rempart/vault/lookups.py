"""*Mon journal*: what I looked up, when, what it cost of my line. From the ledger's own entries, so that it cannot differ from them."""

from typing import Annotated

from msgspec import Meta

from rempart.foundation.vocabulary import DOMAIN_BY_CODE, Lane
from rempart.vault import store_accounts as store
from rempart.vault import store_profiles
from rempart.vault.asked import Asked, Body
from rempart.vault.engagement import number_of
from rempart.vault.policy import DAY_SLOT, HOUR_SLOT, LINES, MONTH_SLOT
from rempart.vault.store_accounts import Connection, Row
from rempart.vaultdoor.messages import JournalEntry, JournalPage

_TOLD = 1
_OUTCOMES = {_TOLD: "told", 2: "absent", 3: "withheld"}


class PageBody(Body, frozen=True):
    """`before`: an index, 0 for the newest."""

    before: Annotated[int, Meta(ge=0)]
    limit: Annotated[int, Meta(ge=1, le=100)]


async def page(asked: Asked, c: Connection, body: PageBody) -> JournalPage:
    """The account's look-ups, newest first, and what its line has left."""
    who = asked.who
    rows = await store.entries(c, who.account, body.before or None, body.limit + 1)
    hour, day = await store.spent(c, who.account, asked.at // HOUR_SLOT, asked.at // DAY_SLOT)
    line = await store.line_spent(c, who.device, asked.at // MONTH_SLOT)
    limits = LINES[who.profession].limits(who.assurance) if who.profession in LINES else [0] * 6
    if who.establishment is not None:
        limits = await store_profiles.shared(c, who.establishment, limits)
    shown = rows[: body.limit]
    return JournalPage(
        entries=[_entry(row, who.login) for row in shown],
        next=shown[-1]["index"] if len(rows) > body.limit else 0,
        hour_spent=hour,
        hour_limit=limits[0],
        day_spent=day,
        day_limit=limits[1],
        line_spent=max(0, line),
        line_limit=limits[5] + max(0, -line),
    )


def _entry(row: Row, login: str) -> JournalEntry:
    # What was told of a person is not kept: the ledger knows that something was told, not whether the right was open.
    told = row["outcome"] == _TOLD
    return JournalEntry(
        at=row["at"],
        insurer=row["amc"],
        lane=Lane(row["lane"]).name.lower(),
        domain=DOMAIN_BY_CODE[row["domain"]],
        outcome=_OUTCOMES[row["outcome"]],
        engagement=number_of(row["index"]) if told else "",
        cost=row["cost"],
        login=login,
    )
