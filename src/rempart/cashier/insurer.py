"""The insurer's errands: what waits, its files, prises en charge to decide, its daily flows, its funds.

Every one reads through row security: another insurer's is not found, in the same words as what does not exist.
"""

import uuid

import asyncpg

from rempart.cashier import prises_en_charge
from rempart.cashier.errands import Asked, Errand, NotFound, Party
from rempart.claims import store_insurer as store
from rempart.claims import store_prises_en_charge as store_pec
from rempart.claims.messages import (
    AcknowledgeBody,
    AskedPage,
    DecideBody,
    DeliveryPage,
    FlowPage,
    FlowPartBody,
    FlowView,
    FundsPage,
    InsurerDesk,
    Nothing,
    PageBody,
    PriseEnChargeFilter,
)
from rempart.foundation.clock import paris_date
from rempart.foundation.errors import Refusal
from rempart.vaultdoor.messages import Paper

FLOW_MEDIA_TYPE = "application/x-ndjson"


class FlowNotWhole(Refusal):
    """An acknowledgement that proves nothing: the digest is another's."""

    code = "flow-digest"
    french = (
        "Le fichier reçu n'est pas entier ou a été modifié : téléchargez-le à nouveau avant de l'acquitter."
    )
    english = "The file received is not whole or was changed: download it again before you acknowledge it."


class FlowGone(Refusal):
    """Acknowledged: nothing of it is kept here."""

    code = "flow-acknowledged"
    french = "Ce flux est acquitté : son contenu a été effacé, votre fichier est le seul exemplaire."
    english = "This flow is acknowledged: its content was deleted, your file is the only copy."


async def home(asked: Asked, c: asyncpg.Connection, _body: Nothing) -> InsurerDesk:
    """Figures by month, funds, what waits."""
    today = paris_date(asked.at)
    name = await c.fetchval("SELECT name FROM vault.insurer WHERE number = $1", asked.who.insurer)
    waits = await store.waiting(c, today)
    return InsurerDesk(amc=asked.who.amc, name=name, months=await store.months(c, today), **waits)


async def files(_asked: Asked, c: asyncpg.Connection, body: PageBody) -> DeliveryPage:
    """What became of its files."""
    return await store.deliveries(c, body.before)


async def asked_page(asked: Asked, c: asyncpg.Connection, body: PriseEnChargeFilter) -> AskedPage:
    """Prises en charge with what the engagement guarantees; those that wait come first."""
    return AskedPage(*await store_pec.page_for_insurer(c, body, paris_date(asked.at)))


async def flows(_asked: Asked, c: asyncpg.Connection, body: PageBody) -> FlowPage:
    """Its flows."""
    return await store.flows(c, body.before)


async def download(_asked: Asked, c: asyncpg.Connection, body: FlowPartBody) -> Paper:
    """One part of a flow, as it is. Raises NotFound, FlowGone."""
    wanted = _flow_id(body.id)
    content = await store.flow_part(c, wanted, body.part)
    if content is None:
        known = await store.flow(c, wanted)
        raise FlowGone if known is not None and known.acknowledged else NotFound
    return Paper("FlowPart", content, FLOW_MEDIA_TYPE)


async def acknowledge(asked: Asked, c: asyncpg.Connection, body: AcknowledgeBody) -> FlowView:
    """The insurer has it whole: its content goes. Once acknowledged, the same answer. Raises NotFound, FlowNotWhole."""
    wanted = _flow_id(body.id)
    known = await store.flow(c, wanted, lock=True)
    if known is None:
        raise NotFound
    if body.digest.lower() != known.digest:
        raise FlowNotWhole
    if not known.acknowledged:
        await store.acknowledge(c, wanted, asked.at)
    answer = await store.flow(c, wanted)
    assert answer is not None
    return answer


async def funds(asked: Asked, c: asyncpg.Connection, body: PageBody) -> FundsPage:
    """Calls for funds, received or not."""
    return await store.funds(c, body.before, paris_date(asked.at))


def _flow_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound from None


TABLE = {
    "POST /claims/insurer/home": Errand(Party.INSURER, Nothing, home),
    "POST /claims/insurer/files": Errand(Party.INSURER, PageBody, files),
    "POST /claims/insurer/prises-en-charge": Errand(Party.INSURER, PriseEnChargeFilter, asked_page),
    "POST /claims/insurer/decide": Errand(Party.INSURER, DecideBody, prises_en_charge.decide),
    "POST /claims/insurer/flows": Errand(Party.INSURER, PageBody, flows),
    "POST /claims/insurer/flow/download": Errand(Party.INSURER, FlowPartBody, download),
    "POST /claims/insurer/flow/acknowledge": Errand(Party.INSURER, AcknowledgeBody, acknowledge),
    "POST /claims/insurer/funds": Errand(Party.INSURER, PageBody, funds),
}
