"""Switches, as the cashier keeps them: what an errand does is asked before anything is done, and again before what was done is kept.

The vault says what is thrown on whoever signed; whose claims an errand concerns is known only here, from the engagement.
"""

import asyncpg

from rempart.vaultdoor.holds import REFUSALS, Doing, forbidding
from rempart.vaultdoor.messages import Vouched
from rempart.vaultdoor.seats import against

_THROWN = """
SELECT DISTINCT s.scope, s.hold FROM vault.switch s JOIN unnest($2::text[], $3::text[]) AS u (scope, key) USING (scope, key)
 WHERE s.until IS NULL OR s.until > $1
"""


def require_open(who: Vouched, doing: Doing) -> None:
    """By the vault's word, given a moment ago. Raises what rempart.vaultdoor.seats and .holds do."""
    refusal = against(who.standing, doing)
    if refusal is not None:
        raise refusal
    hold = forbidding(doing, [(each.scope, each.hold) for each in who.thrown])
    if hold is not None:
        raise REFUSALS[hold]


async def require_still_open(
    c: asyncpg.Connection, who: Vouched, doings: set[Doing], insurers: set[int]
) -> None:
    """In the errand's own transaction: a switch thrown meanwhile, or on an insurer that it concerns, undoes it. Raises likewise."""
    scopes = [("platform", ""), ("account", who.account), ("device", who.device)]
    scopes += [("establishment", who.establishment), ("profession", who.profession), ("editor", who.editor)]
    scopes += [("insurer", str(each)) for each in {*insurers, who.insurer} if each]
    rows = await c.fetch(_THROWN, who.at, [scope for scope, _ in scopes], [key for _, key in scopes])
    thrown = [(row["scope"], row["hold"]) for row in rows]
    for doing in {Doing.FOLLOW, *doings}:
        hold = forbidding(doing, thrown)
        if hold is not None:
            raise REFUSALS[hold]
