"""Funds received from an insurer against a call: written once, however often it is told."""

from typing import Any
from uuid import uuid5

import psycopg

from rempart.foundation.clock import Clock
from rempart.foundation.errors import BadInput, Refusal

Connection = psycopg.Connection[Any]


class NoSuchCall(BadInput):
    code = "funds-call"
    french = "Aucun appel de fonds ne porte cette référence."
    english = "No call for funds has this reference."


class TooMuchReceived(Refusal):
    """More than what was called: it belongs to another call, or back to the insurer."""

    code = "funds-too-much"
    french = "C'est plus que ce qui reste appelé sous cette référence : rien n'est écrit. Voyez avec l'organisme complémentaire."
    english = (
        "It is more than what is still called under this reference: nothing was written. Ask the insurer."
    )


def receive_funds(c: Connection, reference: str, cents: int, bank_reference: str, clock: Clock) -> bool:
    """Write a receipt of `cents` against the call; False when this `bank_reference` was written already.

    `bank_reference`: what the bank calls the credit, so that a part paid twice is two receipts and the same one told twice is one.
    A credit note (a call below zero) is settled by a negative amount. Raises NoSuchCall, TooMuchReceived.
    """
    at = clock()
    with c.transaction():
        call = c.execute(
            "SELECT id, insurer, cents, received_cents FROM claims.call_for_funds WHERE reference = %s FOR UPDATE",
            (reference,),
        ).fetchone()
        if call is None:
            raise NoSuchCall(reference)
        source = uuid5(call[0], bank_reference)
        if c.execute(
            "SELECT 1 FROM claims.journal WHERE source = %s AND kind = 'funds'", (source,)
        ).fetchone():
            return False
        left = call[2] - call[3]
        if cents == 0 or (cents > 0) != (left > 0) or abs(cents) > abs(left):
            raise TooMuchReceived(f"{left} cents are left")
        sides = ("bank", "amc") if cents > 0 else ("amc", "bank")
        c.execute(
            """INSERT INTO claims.journal (at, kind, debit, credit, cents, insurer, source)
               VALUES (%s, 'funds', %s, %s, %s, %s, %s)""",
            (at, *sides, abs(cents), call[1], source),
        )
        c.execute(
            """UPDATE claims.call_for_funds SET received_cents = received_cents + %(cents)s,
                 received = CASE WHEN received_cents + %(cents)s = cents THEN %(at)s ELSE received END WHERE id = %(id)s""",
            {"cents": cents, "at": at, "id": call[0]},
        )
    return True
