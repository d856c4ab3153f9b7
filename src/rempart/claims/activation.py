"""RIBs that have waited take effect; the operator gives an establishment its first one. Role rempart_worker."""

from typing import Any
from uuid import UUID, uuid4

import psycopg
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from rempart.claims.rib import seal_rib
from rempart.claims.settlement import alone
from rempart.claims.store_settlement import put_letter
from rempart.foundation.clock import DAY, Clock
from rempart.foundation.errors import BadInput
from rempart.foundation.identifiers import Iban

UNCONFIRMED = 30 * DAY
"""A change that needs a second person and found none is cancelled after this."""
OPERATOR = UUID(int=0)
"""Who asked for a RIB that the operator recorded at the référencement."""


class NoSuchEstablishment(BadInput):
    code = "finess-unknown"
    french = "Aucun établissement n'est référencé sous ce numéro FINESS."
    english = "No establishment is known under this FINESS number."


def put_ribs_in_force(c: "psycopg.Connection[Any]", clock: Clock) -> int:
    """Those whose wait is over, confirmed where they must be. How many. Never while money moves. Raises SettlementBusy."""
    with alone(c):
        at = clock()
        _cancel_unconfirmed(c, at)
        ready = c.execute(
            """SELECT id, establishment, asked, effective_at FROM claims.rib
               WHERE state = 'waiting' AND effective_at <= %s AND (NOT needs_second OR confirmed_by IS NOT NULL) ORDER BY effective_at""",
            (at,),
        ).fetchall()
        return sum(_put_in_force(c, rib, establishment, asked, at) for rib, establishment, asked, _ in ready)


def record_first_rib(
    c: "psycopg.Connection[Any]", finess: str, iban: Iban, public: X25519PublicKey, clock: Clock
) -> None:
    """In force at once: the operator has the establishment's papers in hand. It replaces the one in force and cancels one that waits.

    Raises NoSuchEstablishment, SettlementBusy.
    """
    with alone(c):
        row = c.execute("SELECT id FROM identity.establishment WHERE finess = %s", (finess,)).fetchone()
        if row is None:
            raise NoSuchEstablishment(finess)
        at, rib, establishment = clock(), uuid4(), row[0]
        with c.transaction():
            c.execute(
                "UPDATE claims.rib SET state = CASE state WHEN 'waiting' THEN 'cancelled' ELSE 'replaced' END"
                " WHERE establishment = %s AND state IN ('waiting', 'in-force')",
                (establishment,),
            )
            c.execute(
                """INSERT INTO claims.rib (id, establishment, sealed, state, asked, asked_by, effective_at, needs_second)
                   VALUES (%s, %s, %s, 'in-force', %s, %s, %s, false)""",
                (rib, establishment, seal_rib(public, establishment, rib, iban), at, OPERATOR, at),
            )
            put_letter(c, establishment, "rib-in-force", at, {"asked": at, "effective": at})


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
