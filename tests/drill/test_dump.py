"""A stolen dump is searched in earnest: what is planted is found, what the platform stores is not."""

from datetime import date

from rempart.drill.dump import _messages, ransack
from rempart.population import Population
from rempart.vault.capsule import card_message, vitale_message

POPULATION = Population(5, 400, 2)
PEOPLE = [person for insurer in POPULATION.insurers for person in POPULATION.people(insurer)]


def test_the_thief_makes_the_very_messages_that_the_vault_makes():
    for person in PEOPLE[:50]:
        born = date.fromisoformat(person.birth_date)
        assert list(_messages(person)) == [
            card_message(1, person.amc, person.adherent, born, person.birth_rank),
            vitale_message(1, person.amc, person.presented_nir, born, person.birth_rank),
        ]


def test_every_planted_identifier_is_found_in_text_and_in_bytes(database):
    first, second, third, fourth = [person for person in PEOPLE if person.nir and person.number % 12 == 0][:4]
    with database.connect() as connection:
        connection.execute("CREATE TABLE public.careless (a text, b bytea)")
        connection.execute("INSERT INTO public.careless VALUES (%s, NULL)", (f"nir={first.nir};",))
        connection.execute(
            "INSERT INTO public.careless VALUES ('', %s)", (f"ref {second.member_ref} ".encode(),)
        )
        connection.execute(
            "INSERT INTO public.careless VALUES (%s, %s)", (third.adherent, third.birth_date.encode())
        )
        connection.execute("INSERT INTO public.careless VALUES (%s, NULL)", (fourth.adherent,))
        found = ransack(connection, PEOPLE, PEOPLE)
    readable = {(person.insurer, person.number) for person in (first, second, third)}
    assert found.readable >= readable
    # A member number alone names nobody; its household shares it.
    assert (fourth.insurer, fourth.number) not in found.readable
    assert found.computed == set()


def test_a_tag_made_without_a_key_would_be_found_out(database):
    """The search itself is sound: were tags plain hashes, the thief would compute them."""
    from hashlib import sha256

    from rempart.vault.capsule import derive

    person = PEOPLE[0]
    tag, _ = derive(sha256(next(iter(_messages(person)))).digest())
    with database.connect() as connection:
        connection.execute("CREATE TABLE public.careless (tag bytea)")
        connection.execute("INSERT INTO public.careless VALUES (%s)", (tag,))
        found = ransack(connection, PEOPLE, [person])
    assert found.computed == {(person.insurer, person.number)}
