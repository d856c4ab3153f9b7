"""The insurers in the vault's memory: nobody is told of an absence because somebody else is still reading."""

import asyncio

import asyncpg

from rempart.vault.directory import KEPT, Directory


def _know(database, amc):
    with database.connect() as connection:
        connection.execute(
            "INSERT INTO vault.insurer (number, amc, name, signing_key, notice_key)"
            " VALUES ((SELECT coalesce(max(number), 0) + 1 FROM vault.insurer), %s, 'Mutuelle', 'a', 'b')",
            (amc,),
        )


def _ask(database, questions):
    async def run():
        pool = await asyncpg.create_pool(database.dsn("vault"), min_size=1, max_size=2)
        try:
            return await questions(Directory(pool))
        finally:
            await pool.close()

    return asyncio.run(run())


def test_many_asking_at_once_before_the_first_reading_all_find_the_insurer(database, clock):
    _know(database, "99000001")

    async def questions(directory):
        return await asyncio.gather(*(directory.insurer("99000001", clock() + n) for n in range(24)))

    assert all(found is not None for found in _ask(database, questions))


def test_an_insurer_made_known_is_found_when_the_reading_is_old(database, clock):
    async def questions(directory):
        before = await directory.insurer("99000001", clock())
        _know(database, "99000001")
        return (
            before,
            await directory.insurer("99000001", clock()),
            await directory.insurer("99000001", clock() + KEPT),
        )

    before, still, after = _ask(database, questions)
    assert (before, still) == (None, None)
    assert after is not None
