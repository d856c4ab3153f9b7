"""Telling everybody of an establishment, on all their devices, through the vault, which alone knows who they are."""

from rempart.cashier.errands import Asked
from rempart.foundation.errors import Outage
from rempart.vaultdoor.messages import Done, Notify


async def tell(asked: Asked, establishment: str, kind: str, detail: str) -> None:
    """Before the commit: what nobody could be told of is not done. `kind`: of vault.notices.TOLD_BY_CASHIER. Raises Outage."""
    reply = await asked.zone.vault.call(Notify(establishment, kind, detail))
    if not isinstance(reply, Done):
        raise Outage("notify")
