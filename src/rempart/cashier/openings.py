"""The insurer's daily openings of the ledger: listed, downloaded part by part, acknowledged. Sealed to it; nobody here opens them."""

import uuid

import asyncpg

from rempart.cashier.errands import Asked, Errand, NotFound, Party
from rempart.cashier.insurer import FLOW_MEDIA_TYPE, FlowGone, FlowNotWhole
from rempart.claims import store_openings as store
from rempart.claims.messages import AcknowledgeBody, FlowPartBody, OpeningsPage, OpeningsView, PageBody
from rempart.vaultdoor.messages import Paper


async def openings(_asked: Asked, c: asyncpg.Connection, body: PageBody) -> OpeningsPage:
    """Its files, newest first."""
    return await store.page(c, body.before)


async def download(_asked: Asked, c: asyncpg.Connection, body: FlowPartBody) -> Paper:
    """One part of a file, as it is. Raises NotFound, FlowGone."""
    wanted = _id(body.id)
    content = await store.part(c, wanted, body.part)
    if content is None:
        known = await store.find(c, wanted)
        raise FlowGone if known is not None and known.acknowledged else NotFound
    return Paper("OpeningsPart", content, FLOW_MEDIA_TYPE)


async def acknowledge(asked: Asked, c: asyncpg.Connection, body: AcknowledgeBody) -> OpeningsView:
    """The insurer has it whole: its content goes. Once acknowledged, the same answer. Raises NotFound, FlowNotWhole."""
    wanted = _id(body.id)
    known = await store.find(c, wanted, lock=True)
    if known is None:
        raise NotFound
    if body.digest.lower() != known.digest:
        raise FlowNotWhole
    if not known.acknowledged:
        await store.acknowledge(c, wanted, asked.at)
    answer = await store.find(c, wanted)
    assert answer is not None
    return answer


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound from None


TABLE = {
    "POST /claims/insurer/openings": Errand(Party.INSURER, PageBody, openings),
    "POST /claims/insurer/openings/download": Errand(Party.INSURER, FlowPartBody, download),
    "POST /claims/insurer/openings/acknowledge": Errand(Party.INSURER, AcknowledgeBody, acknowledge),
}
