"""All the SQL of the room."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import psycopg

from rempart.identity.model import Establishment, Professional

# ── the portal (asyncpg, role rempart_door, row-level security) ──────────────────────────────────────────────────────


async def see_only(connection: asyncpg.Connection, ids: Sequence[str]) -> None:
    """For this transaction, the rows of these establishments and no other."""
    await connection.execute("SELECT set_config('rempart.establishment', $1, true)", ",".join(ids))


async def establishments(connection: asyncpg.Connection) -> list[Establishment]:
    """The visible ones."""
    rows = await connection.fetch(
        "SELECT id::text, coalesce(finess, ''), name, town, profession, coalesce(amc, '') FROM identity.establishment ORDER BY name, id"
    )
    return [Establishment(*row) for row in rows]


async def professionals(connection: asyncpg.Connection) -> list[Professional]:
    """The visible ones."""
    rows = await connection.fetch(
        "SELECT account::text, establishment::text, name, rpps, adeli FROM identity.professional ORDER BY name, account"
    )
    return [Professional(*row) for row in rows]


async def put_professional(connection: asyncpg.Connection, person: Professional) -> None:
    """Insert, or rename who is there."""
    await connection.execute(
        "INSERT INTO identity.professional (account, establishment, name, rpps, adeli)"
        " VALUES ($1::text::uuid, $2::text::uuid, $3, $4, $5)"
        " ON CONFLICT (establishment, account) DO UPDATE SET name = excluded.name",
        person.account, person.establishment, person.name, person.rpps, person.adeli,
    )  # fmt: skip


async def drop_professional(connection: asyncpg.Connection, establishment: str, account: str) -> None:
    """Forget a person's name in one establishment."""
    await connection.execute(
        "DELETE FROM identity.professional WHERE establishment = $1::text::uuid AND account = $2::text::uuid",
        establishment, account,
    )  # fmt: skip


# ── the operator (psycopg, role rempart_operator) ────────────────────────────────────────────────────────────────────


def is_referenced(connection: psycopg.Connection[Any], finess: str) -> bool:
    """Is an establishment of this FINESS there?"""
    found = connection.execute("SELECT FROM identity.establishment WHERE finess = %s", (finess,))
    return found.fetchone() is not None


def newest_seat(connection: psycopg.Connection[Any], finess: str) -> UUID | None:
    """Whose this FINESS is, or will be: after a cession, the one who takes over. The vault alone says so, of which the names are kept."""
    found = connection.execute(
        "SELECT e.id FROM identity.establishment e LEFT JOIN vault.establishment v ON v.id = e.id WHERE e.finess = %s"
        " ORDER BY v.opens DESC NULLS LAST LIMIT 1",
        (finess,),
    ).fetchone()
    return found[0] if found else None


def works_elsewhere(connection: psycopg.Connection[Any], rpps: str, finess: str) -> bool:
    """Does somebody of this RPPS work in an establishment of another FINESS?"""
    found = connection.execute(
        "SELECT FROM identity.professional p JOIN identity.establishment e ON e.id = p.establishment"
        " WHERE p.rpps = %s AND e.finess IS DISTINCT FROM %s LIMIT 1",
        (rpps, finess),
    )
    return found.fetchone() is not None


def is_login_known(connection: psycopg.Connection[Any], login: str) -> bool:
    """Is it an account's, a professional's or an operator's? Whose it is, the vault alone knows."""
    row = connection.execute("SELECT identity.login_known(%s)", (login,)).fetchone()
    return bool(row and row[0])


def enter_establishment(connection: psycopg.Connection[Any], place: Establishment) -> None:
    """Insert, or correct the name and town of one that is there."""
    connection.execute(
        "INSERT INTO identity.establishment (id, finess, name, town, profession, amc)"
        " VALUES (%s, nullif(%s, ''), %s, %s, %s, nullif(%s, ''))"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name, town = excluded.town, profession = excluded.profession",
        (place.id, place.finess, place.name, place.town, place.profession, place.amc),
    )


def enter_professional(connection: psycopg.Connection[Any], person: Professional) -> None:
    """Insert, or correct one that is there."""
    connection.execute(
        "INSERT INTO identity.professional (account, establishment, name, rpps, adeli) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (establishment, account)"
        " DO UPDATE SET name = excluded.name, rpps = excluded.rpps, adeli = excluded.adeli",
        (person.account, person.establishment, person.name, person.rpps, person.adeli),
    )


def put_contact(connection: psycopg.Connection[Any], establishment: str, contact: str, now: int) -> None:
    """Where its letters go from `now` on (µs)."""
    connection.execute(
        "UPDATE identity.contact SET until = %s WHERE establishment = %s AND until IS NULL",
        (now, establishment),
    )
    connection.execute(
        "INSERT INTO identity.contact (establishment, contact, since) VALUES (%s, %s, %s)",
        (establishment, contact, now),
    )


# ── who is enrolled from an application (psycopg, roles rempart_operator and rempart_desk, which may but add) ───────────────────────────


def add_place(connection: psycopg.Connection[Any], place: Establishment, contact: str, at: int) -> None:
    """An establishment that is enrolled, and where its letters go."""
    connection.execute(
        "INSERT INTO identity.establishment (id, finess, name, town, profession) VALUES (%s, %s, %s, %s, %s)",
        (place.id, place.finess, place.name, place.town, place.profession),
    )
    connection.execute(
        "INSERT INTO identity.contact (establishment, contact, since) VALUES (%s, %s, %s)",
        (place.id, contact, at),
    )


def add_holder(connection: psycopg.Connection[Any], person: Professional) -> None:
    """Its titulaire."""
    connection.execute(
        "INSERT INTO identity.professional (account, establishment, name, rpps, adeli) VALUES (%s, %s, %s, %s, %s)",
        (person.account, person.establishment, person.name, person.rpps, person.adeli),
    )
