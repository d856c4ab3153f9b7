"""What every errand about care begins with: the engagement proved and opened, the insurer known, its counters in sight."""

from dataclasses import dataclass

import asyncpg

from rempart.cashier.errands import Asked
from rempart.cashier.zone import learn_keys
from rempart.claims import store_care
from rempart.claims.engagement import Engagement, EngagementOld
from rempart.claims.rejects import Reject, Rejected
from rempart.claims.store_care import KnownInsurer
from rempart.foundation.clock import HOUR
from rempart.foundation.errors import Outage
from rempart.foundation.vocabulary import ALREADY_TOLD_HOURS, Profession


@dataclass(frozen=True)
class Engaged:
    """A proved engagement and who gave it."""

    terms: Engagement
    insurer: KnownInsurer


async def prove(asked: Asked, c: asyncpg.Connection, receipt: str, *, lately: bool = False) -> Engaged:
    """Prove signature, issuer, establishment and ledger, then open the pseudonym; the insurer's counters are in sight from here on.

    `lately`: the look-up must still be one that costs nothing again, so that nothing more is told of anybody than the meters count.
    Raises Rejected (engagement-missing), EngagementInvalid, EngagementElsewhere, EngagementOld, Outage."""
    if not receipt:
        raise Rejected(Reject.ENGAGEMENT_MISSING, "receipt")
    reader = asked.zone.engagements
    if not reader.knows(receipt):
        # The vault may have a new key. Asked once: an invented kid costs one call and is refused.
        await learn_keys(asked.zone)
    signed = reader.verify(receipt, asked.who.establishment)
    # What an offline card's use earned was metered by nobody: it is for its invoice alone.
    if lately and signed.most is not None:
        raise EngagementOld
    if lately and asked.at - signed.at >= ALREADY_TOLD_HOURS[Profession(asked.who.profession)] * HOUR:
        raise EngagementOld
    commitment = await store_care.leaf_commitment(c, signed.index)
    terms = reader.open(signed, commitment, await store_care.wrapped_key(c, signed.kid))
    insurer = await store_care.insurer_by_amc(c, terms.amc)
    if insurer is None:
        raise Outage("the insurer of a proved engagement")
    asked.concerns(insurer.number)
    await store_care.count_for(c, insurer.number)
    return Engaged(terms, insurer)
