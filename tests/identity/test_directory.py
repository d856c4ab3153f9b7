"""Names under row-level security: the door sees the establishments that the vault named, and no other."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg
import pytest

from rempart.foundation.identifiers import BadAdeli, BadAmcNumber, BadFiness, BadRpps
from rempart.foundation.vocabulary import Profession
from rempart.identity.directory import Directory
from rempart.identity.errors import BadName, NamesUnavailable
from rempart.identity.model import Establishment, Professional
from rempart.identity.referencing import enrol_establishment, enrol_insurers_seat, enrol_professional

HERE, THERE = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
CLAIRE, LUC = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
T = TypeVar("T")


@pytest.fixture(scope="module")
def referenced(module_database) -> Any:
    with module_database.connect("operator") as connection:
        for place, finess, town in ((HERE, "010000602", "Lyon"), (THERE, "770816478", "Meaux")):
            enrol_establishment(
                connection,
                establishment=place,
                finess=finess,
                name=f"Pharmacie de {town}",
                town=town,
                profession=Profession.PHARMACY,
            )
        enrol_professional(
            connection, account=CLAIRE, establishment=HERE, name="Claire  Martin", rpps="10000001916"
        )
        enrol_professional(connection, account=LUC, establishment=THERE, name="Luc Petit")
    return module_database


def ask(database, question: Callable[[Directory], Awaitable[T]]) -> T:
    async def run() -> T:
        directory = Directory(database.dsn("door"))
        try:
            return await question(directory)
        finally:
            await directory.close()

    return asyncio.run(run())


def test_the_door_reads_the_establishments_that_the_vault_named(referenced):
    found = ask(referenced, lambda directory: directory.establishments([HERE]))
    assert found == {HERE: Establishment(HERE, "010000602", "Pharmacie de Lyon", "Lyon", "pharmacy")}
    both = ask(referenced, lambda directory: directory.establishments([HERE, THERE]))
    assert set(both) == {HERE, THERE}


def test_an_insurers_seat_has_an_amc_number_and_no_finess(referenced):
    seat = "33333333-3333-4333-8333-333333333333"
    with referenced.connect("operator") as connection:
        place = enrol_insurers_seat(connection, seat, "99999997", "Mutuelle du Ponant", "Brest")
        with pytest.raises(BadAmcNumber):
            enrol_insurers_seat(connection, seat, "no", "Mutuelle du Ponant", "Brest")
    assert place == Establishment(seat, "", "Mutuelle du Ponant", "Brest", "insurer", "99999997")
    assert ask(referenced, lambda directory: directory.establishments([seat])) == {seat: place}


def test_the_door_reads_the_people_of_one_establishment(referenced):
    found = ask(referenced, lambda directory: directory.professionals(HERE))
    assert found == {CLAIRE: Professional(CLAIRE, HERE, "Claire Martin", "10000001916")}


def test_without_an_establishment_set_the_door_sees_nothing(referenced):
    with referenced.connect("door") as connection:
        for table in ("establishment", "professional"):
            assert connection.execute(f"SELECT count(*) FROM identity.{table}").fetchone() == (0,)


def test_the_door_cannot_write_into_another_establishment(referenced):
    with referenced.connect("door") as connection, connection.transaction():
        connection.execute("SELECT set_config('rempart.establishment', %s, true)", (HERE,))
        changed = connection.execute(
            "UPDATE identity.professional SET name = 'X Y' WHERE account = %s", (LUC,)
        )
        assert changed.rowcount == 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute(
                "INSERT INTO identity.professional (account, establishment, name) VALUES (%s, %s, 'X Y')",
                (CLAIRE, THERE),
            )


def test_the_door_cannot_rename_an_establishment(referenced):
    with referenced.connect("door") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("UPDATE identity.establishment SET name = 'X Y'")


def test_a_colleague_is_named_renamed_and_forgotten(referenced):
    async def life(directory: Directory) -> list[dict[str, str]]:
        seen = []
        for name in ("Léa Roux", "Léa Roux-Petit"):
            await directory.name_professional(HERE, LUC, name)
            seen.append(
                {account: person.name for account, person in (await directory.professionals(HERE)).items()}
            )
        await directory.forget_professional(HERE, LUC)
        seen.append(
            {account: person.name for account, person in (await directory.professionals(HERE)).items()}
        )
        return seen

    first, second, last = ask(referenced, life)
    assert (first[LUC], second[LUC]) == ("Léa Roux", "Léa Roux-Petit")
    assert last == {CLAIRE: "Claire Martin"}


@pytest.mark.parametrize("name", ["", "x", "a" * 81, "Léa\x00Roux", "Léa\u202eRoux"])
def test_a_name_that_is_none_is_refused(referenced, name):
    with pytest.raises(BadName):
        ask(referenced, lambda directory: directory.name_professional(HERE, LUC, name))


def test_when_the_tables_do_not_answer_it_says_so(tmp_path):
    async def question() -> None:
        await Directory(f"postgresql://rempart_door@/rempart?host={tmp_path}").establishments([HERE])

    with pytest.raises(NamesUnavailable):
        asyncio.run(question())


def test_identifiers_are_checked_and_a_doubtful_rpps_only_warns(database):
    with database.connect("operator") as connection:
        with pytest.raises(BadFiness):
            enrol_establishment(
                connection,
                establishment=HERE,
                finess="010000603",
                name="Pharmacie",
                town="Lyon",
                profession=Profession.PHARMACY,
            )
        with pytest.raises(BadRpps):
            enrol_professional(
                connection, account=CLAIRE, establishment=HERE, name="Claire Martin", rpps="123"
            )
        with pytest.raises(BadAdeli):
            enrol_professional(
                connection, account=CLAIRE, establishment=HERE, name="Claire Martin", adeli="123"
            )
        assert connection.execute("SELECT count(*) FROM identity.professional").fetchone() == (0,)
        assert not enrol_professional(
            connection, account=CLAIRE, establishment=HERE, name="Claire Martin", rpps="10000001916"
        ).warning
        assert enrol_professional(
            connection, account=CLAIRE, establishment=HERE, name="Claire Martin", rpps="10000001111"
        ).warning
