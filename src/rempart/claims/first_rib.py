"""The account that an applicant gave with their dossier (docs/onboarding.md): it waits, as if the titulaire had asked for it today.

It was sealed to the settlement run for the establishment's id, which the dossier's is: nothing is opened and nothing sealed again.
"""

from typing import Any
from uuid import UUID

import psycopg

from rempart.foundation.clock import DAY

WAIT = 10 * DAY
"""The least that the database takes (0200_dossiers.sql): the letter and the code go by post, and nobody refuses it before they came."""


def ask_first_rib(c: "psycopg.Connection[Any]", dossier: UUID, account: UUID, at: int) -> bool:
    """After the dossier is marked as enrolled, in the same transaction: its RIB waits ten days, a letter `rib-asked` tells it, and the
    titulaire (`account`: their id in the vault) sees it at /reglement and may cancel it. The roles rempart_desk and rempart_operator may.

    False where there is nothing to do: no such dossier is enrolled, its RIB is erased, or the establishment has had one already.
    """
    row = c.execute("SELECT claims.ask_first_rib(%s, %s, %s, %s)", (dossier, account, at, WAIT)).fetchone()
    return bool(row and row[0])
