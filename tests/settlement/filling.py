"""Accepted invoices by the thousand, synthetic, in set-based SQL.

Each has its due and its journal row, as an acceptance leaves them; establishments are named and have a RIB in force.
"""

from typing import Any
from uuid import UUID, uuid5

import psycopg
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from rempart.claims.rib import seal_rib
from rempart.foundation.identifiers import check_iban
from rempart.population.insurers import make_insurers
from rempart.population.professionals import SyntheticEstablishment, synthetic_establishments, synthetic_iban

SEED = 84
INSURERS = 84
A_HOUSE = 40
"""Invoices an establishment."""
_NAMESPACE = UUID("0f1b7a5e-3c64-4a52-9e31-8d2f5b6c7a90")


def houses_for(claims: int) -> int:
    """How many establishments send so many invoices."""
    return max(claims // A_HOUSE, 1)


def fill(c: "psycopg.Connection[Any]", claims: int, public: X25519PublicKey, at: int) -> None:
    """`claims` accepted invoices of `houses_for(claims)` establishments and 84 insurers, all due at `at` (µs). `c`: the owner's."""
    with c.transaction():
        put_insurers(c)
        put_establishments(c, list(synthetic_establishments(SEED, houses_for(claims))), public, at)
        put_invoices(c, claims, at)
    c.execute("ANALYZE claims.invoice, claims.due, claims.journal, claims.rib, identity.establishment")


def put_insurers(c: "psycopg.Connection[Any]") -> None:
    """The 84 fictional insurers, numbered from 1; known ones stay as they are."""
    with c.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO vault.insurer (number, amc, name, signing_key, notice_key)
               VALUES (%s, %s, %s, decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex')) ON CONFLICT DO NOTHING""",
            [(insurer.index + 1, insurer.amc, insurer.name) for insurer in make_insurers(INSURERS, INSURERS)],
        )


def put_establishments(
    c: "psycopg.Connection[Any]", houses: list[SyntheticEstablishment], public: X25519PublicKey, at: int
) -> None:
    """Named, each with a RIB in force."""
    with (
        c.cursor() as cursor,
        cursor.copy("COPY identity.establishment (id, finess, name, town, profession) FROM STDIN") as copy,
    ):
        for house in houses:
            copy.write_row((establishment_id(house), house.finess, house.name, house.town, house.profession))
    columns = "id, establishment, sealed, state, asked, asked_by, effective_at, needs_second"
    with c.cursor() as cursor, cursor.copy(f"COPY claims.rib ({columns}) FROM STDIN") as copy:
        for number, house in enumerate(houses):
            establishment = establishment_id(house)
            rib = uuid5(establishment, "rib")
            sealed = seal_rib(public, establishment, rib, check_iban(synthetic_iban(number)))
            copy.write_row((rib, establishment, sealed, "in-force", at, rib, at, False))


def establishment_id(house: SyntheticEstablishment) -> UUID:
    """Always the same for the same house."""
    return uuid5(_NAMESPACE, house.finess)


def put_invoices(c: "psycopg.Connection[Any]", claims: int, at: int) -> None:
    """Accepted, due and journaled; amounts from 1 to 100 euros, spread over establishments and insurers without a pattern."""
    c.execute(
        """
WITH houses AS MATERIALIZED (
  SELECT id, row_number() OVER (ORDER BY finess) - 1 AS rank, count(*) OVER () AS n FROM identity.establishment
), made AS (
  INSERT INTO claims.invoice (id, establishment, number, digest, insurer, engagement, engagement_number, pseudonym, domain, care_date,
    received, state, total, amo, amc, patient, participation, franchise, fingerprint)
  SELECT gen_random_uuid(), h.id, 'F' || i, sha256(i::text::bytea), 1 + (hashint8(i) & 65535) %% %(insurers)s, i, 'E' || i,
    substr(sha256(('p' || i)::bytea), 1, 16), 'PHAR', to_timestamp(%(at)s / 1000000)::date, %(at)s, 'accepted',
    100 + (hashint8(i * 7) & 65535) %% 9901, 0, 100 + (hashint8(i * 7) & 65535) %% 9901, 0, 0, 0, sha256(('f' || i)::bytea)
  FROM generate_series(1, %(claims)s::bigint) i JOIN houses h ON h.rank = (hashint8(i * 13) & 2147483647) %% h.n
  RETURNING id, establishment, insurer, amc
), owed AS (
  INSERT INTO claims.due (invoice, establishment, insurer, kind, cents, since)
  SELECT id, establishment, insurer, 'invoice', amc, %(at)s FROM made
)
INSERT INTO claims.journal (at, kind, debit, credit, cents, insurer, establishment, source)
SELECT %(at)s, 'acceptance', 'amc', 'ps', amc, insurer, establishment, id FROM made
""",
        {"claims": claims, "insurers": INSURERS, "at": at},
    )
