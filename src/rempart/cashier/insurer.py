"""The insurer's errands: what waits, its files, prises en charge to decide, its funds. Its daily files have a desk of their own.

Every one reads through row security: another insurer's is not found, in the same words as what does not exist.
"""

import asyncpg

from rempart.cashier import prises_en_charge
from rempart.cashier.errands import Asked, Errand, Party
from rempart.claims import store_insurer as store
from rempart.claims import store_prises_en_charge as store_pec
from rempart.claims.messages import (
    AskedPage,
    DecideBody,
    DeliveryPage,
    FundsPage,
    InsurerDesk,
    Nothing,
    PageBody,
    PriseEnChargeFilter,
)
from rempart.foundation.clock import paris_date


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


async def funds(asked: Asked, c: asyncpg.Connection, body: PageBody) -> FundsPage:
    """Calls for funds, received or not."""
    return await store.funds(c, body.before, paris_date(asked.at))


TABLE = {
    "POST /claims/insurer/home": Errand(Party.INSURER, Nothing, home),
    "POST /claims/insurer/files": Errand(Party.INSURER, PageBody, files),
    "POST /claims/insurer/prises-en-charge": Errand(Party.INSURER, PriseEnChargeFilter, asked_page),
    "POST /claims/insurer/decide": Errand(Party.INSURER, DecideBody, prises_en_charge.decide),
    "POST /claims/insurer/funds": Errand(Party.INSURER, PageBody, funds),
}
