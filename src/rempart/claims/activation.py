"""RIBs that have waited take effect. Role rempart_worker."""

from typing import Any
from uuid import UUID

import psycopg

from rempart.claims.settlement import alone
from rempart.claims.store_settlement import put_letter
from rempart.foundation.clock import DAY, Clock
from rempart.vaultdoor.holds import Doing, Hold, forbidden

UNCONFIRMED = 30 * DAY
"""A change that needs a second person and found none is cancelled after this."""
AFTER_HOLD = DAY
"""A change that waited while its house was held waits so long after: whoever could not stop it meanwhile can now."""


def put_ribs_in_force(c: "psycopg.Connection[Any]", clock: Clock) -> int:
    """Those whose wait is over, confirmed where they must be. How many. Never while money moves. Raises SettlementBusy."""
    with alone(c):
        at = clock()
        _cancel_unconfirmed(c, at)
        _wait_while_held(c, at)
        ready = c.execute(
            """SELECT id, establishment, asked, effective_at FROM claims.rib
               WHERE state = 'waiting' AND effective_at <= %s AND (NOT needs_second OR confirmed_by IS NOT NULL) ORDER BY effective_at""",
            (at,),
        ).fetchall()
        return sum(_put_in_force(c, rib, establishment, asked, at) for rib, establishment, asked, _ in ready)


def _put_in_force(c: "psycopg.Connection[Any]", rib: UUID, establishment: UUID, asked: int, at: int) -> bool:
    """False when somebody cancelled it meanwhile."""
    with c.transaction():
        if not c.execute(
            "SELECT 1 FROM claims.rib WHERE id = %s AND state = 'waiting' FOR UPDATE", (rib,)
        ).fetchone():
            return False
        c.execute(
            "UPDATE claims.rib SET state = 'replaced' WHERE establishment = %s AND state = 'in-force'",
            (establishment,),
        )
        c.execute("UPDATE claims.rib SET state = 'in-force', effective_at = %s WHERE id = %s", (at, rib))
        put_letter(c, establishment, "rib-in-force", at, {"asked": asked, "effective": at})
    return True


def _cancel_unconfirmed(c: "psycopg.Connection[Any]", at: int) -> None:
    with c.transaction():
        for establishment, asked, effective in c.execute(
            """UPDATE claims.rib SET state = 'cancelled' WHERE state = 'waiting' AND needs_second AND confirmed_by IS NULL AND asked < %s
               RETURNING establishment, asked, effective_at""",
            (at - UNCONFIRMED,),
        ).fetchall():
            put_letter(c, establishment, "rib-cancelled", at, {"asked": asked, "effective": effective})


# What a thief asked for before anybody contained the house: nobody there may stop it then, so it does not take effect by itself either.
_HELD = """
UPDATE claims.rib r SET effective_at = greatest(r.effective_at, %(at)s + %(after)s)
  FROM vault.establishment e
 WHERE r.state = 'waiting' AND e.id = r.establishment AND (e.suspended_until > %(at)s OR EXISTS (
   SELECT FROM vault.switch s WHERE (s.until IS NULL OR s.until > %(at)s) AND s.hold = ANY (%(holds)s) AND (s.scope, s.key) IN (
     ('platform', ''), ('profession', e.profession), ('establishment', r.establishment::text), ('account', r.asked_by::text))))
"""
_HOLDS = [hold.value for hold in Hold if Doing.RIB in forbidden("establishment", hold)]


def _wait_while_held(c: "psycopg.Connection[Any]", at: int) -> None:
    c.execute(_HELD, {"at": at, "after": AFTER_HOLD, "holds": _HOLDS})
