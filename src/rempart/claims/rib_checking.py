"""Accounts that a campaign asks to confirm: what the titulaire typed is compared with what is in force, here alone. Role rempart_worker.

Nobody can read an account again, not even to compare: both are opened in the settlement's process, and only the outcome is written.
"""

from typing import Any
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from rempart.claims.rib import RibUnreadable, open_rib
from rempart.foundation.clock import Clock

_TYPED = """
SELECT k.campaign, k.establishment, k.typed, k.sealed, r.id, r.sealed FROM claims.rib_check k
  JOIN claims.rib r ON r.establishment = k.establishment AND r.state = 'in-force'
 WHERE k.typed IS NOT NULL AND k.judged IS NULL AND k.confirmed IS NULL
"""


def judge_typed_ribs(c: "psycopg.Connection[Any]", key: X25519PrivateKey, clock: Clock) -> int:
    """Compare what was typed since; how many are confirmed by it. One that differs is asked for again, and is not paid on meanwhile."""
    confirmed = 0
    for campaign, establishment, typed, sealed, rib, in_force in c.execute(_TYPED).fetchall():
        same = _same(key, establishment, (typed, bytes(sealed)), (rib, bytes(in_force)))
        at = clock()
        # The row may have been typed again meanwhile: then that is judged, at the next turn.
        done = c.execute(
            "UPDATE claims.rib_check SET judged = %s, confirmed = %s"
            " WHERE campaign = %s AND establishment = %s AND typed = %s AND judged IS NULL",
            (at, at if same else None, campaign, establishment, typed),
        )
        confirmed += done.rowcount if same else 0
    return confirmed


def _same(
    key: X25519PrivateKey, establishment: UUID, typed: tuple[UUID, bytes], in_force: tuple[UUID, bytes]
) -> bool:
    try:
        return open_rib(key, establishment, *typed) == open_rib(key, establishment, *in_force)
    except RibUnreadable:
        return False
