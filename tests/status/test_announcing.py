"""What the operator says, on a real database, and who may read it."""

import asyncio
import json
import uuid
from xml.etree import ElementTree as ET

import psycopg
import pytest

from rempart.foundation.clock import DAY, HOUR, MINUTE
from rempart.foundation.errors import BadInput
from rempart.status import announcing, store
from rempart.status.errors import BadAnnouncement, NoSuchAnnouncement, StatusUnavailable
from rempart.status.feed import as_json, atom
from rempart.status.model import Audience, Board, Change, Level, Service, Weight
from rempart.status.reading import REMEMBERED, StatusReader

WORDS = ("Les vérifications sont suspendues.", "Checks are suspended.")
HERE, THERE = uuid.UUID(int=1), uuid.UUID(int=2)


@pytest.fixture
def operator(database):
    with database.connect("operator") as c:
        for number, place in ((0, HERE), (1, THERE)):
            c.execute(
                "INSERT INTO identity.establishment (id, finess, name, town, profession) VALUES (%s, %s, 'Pharmacie', 'Lyon', 'pharmacy')",
                (place, ["010000602", "770816478"][number]),
            )
        yield c


def read_board(database, clock) -> Board:
    async def once() -> Board:
        reader = StatusReader(database.dsn("door"), clock)
        try:
            return (await reader.board())[1]
        finally:
            await reader.close()

    return asyncio.run(once())


def read_messages(database, clock, establishment, profession):
    async def once():
        reader = StatusReader(database.dsn("door"), clock)
        try:
            return [m.french for m in await reader.messages(str(establishment), profession)]
        finally:
            await reader.close()

    return asyncio.run(once())


def test_an_announcement_is_read_with_its_updates_until_long_after_its_end(database, operator, clock):
    number = announcing.announce(operator, clock(), Level.DOWN, [Service.RIGHTS, Service.SOFTWARE], *WORDS)
    clock.advance(HOUR)
    announcing.update(operator, clock(), number, "Nous cherchons.", "We are looking.")
    clock.advance(HOUR)
    announcing.end(operator, clock(), number, "C'est rétabli.", "It works again.")
    clock.advance(MINUTE)
    [announced] = read_board(database, clock).announcements
    assert announced.services == (Service.RIGHTS, Service.SOFTWARE)
    assert [update.english for update in announced.updates] == ["We are looking.", "It works again."]
    assert announced.ended == clock() - MINUTE
    clock.advance(92 * DAY)
    assert read_board(database, clock).announcements == []


@pytest.mark.parametrize(
    ("french", "english", "services"),
    [
        ("", "Words.", [Service.RIGHTS]),
        ("Mots.", "x" * 501, [Service.RIGHTS]),
        ("Mots.\x07", "Words.", [Service.RIGHTS]),
        ("Mots.", "Words.", []),
    ],
)
def test_words_that_cannot_be_shown_are_refused_and_nothing_is_announced(
    database, operator, clock, french, english, services
):
    with pytest.raises(BadAnnouncement):
        announcing.announce(operator, clock(), Level.DOWN, services, french, english)
    assert read_board(database, clock).announcements == []


def test_what_is_over_is_neither_updated_nor_ended_again(operator, clock):
    number = announcing.announce(operator, clock(), Level.DOWN, [Service.RIGHTS], *WORDS)
    announcing.end(operator, clock(), number, *WORDS)
    for act in (announcing.update, announcing.end):
        with pytest.raises(NoSuchAnnouncement):
            act(operator, clock(), number, *WORDS)


def test_what_was_said_is_never_rewritten_by_whoever_announces(operator, clock):
    announcing.announce(operator, clock(), Level.DOWN, [Service.RIGHTS], *WORDS)
    for statement in (
        "UPDATE status.announcement SET french = 'Rien.'",
        "DELETE FROM status.announcement",
        "DELETE FROM status.announcement_update",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            operator.execute(statement)


def test_a_message_reaches_those_it_is_for_and_nobody_else(database, operator, clock):
    def tell(audience: Audience, named: str, french: str) -> int:
        return announcing.tell(operator, clock(), Weight.WARNING, audience, named, 1, french, "In English.")

    everybody = tell(Audience.ALL, "", "À tous.")
    tell(Audience.PROFESSION, "optician", "Aux opticiens.")
    tell(Audience.ESTABLISHMENT, "010000602", "À la pharmacie.")
    assert read_messages(database, clock, HERE, "pharmacy") == ["À la pharmacie.", "À tous."]
    assert read_messages(database, clock, THERE, "optician") == ["Aux opticiens.", "À tous."]
    assert read_messages(database, clock, "", "") == ["À tous."]
    announcing.withdraw(operator, clock(), everybody)
    clock.advance(1)
    assert read_messages(database, clock, HERE, "pharmacy") == ["À la pharmacie."]
    clock.advance(HOUR)
    assert read_messages(database, clock, HERE, "pharmacy") == []


def test_a_message_to_nobody_known_is_refused(operator, clock):
    for audience, named in (
        (Audience.PROFESSION, "astrologer"),
        (Audience.ESTABLISHMENT, "990000011"),
        (Audience.ALL, "x"),
    ):
        with pytest.raises(BadInput):
            announcing.tell(operator, clock(), Weight.URGENT, audience, named, 1, *WORDS)
    with pytest.raises(NoSuchAnnouncement):
        announcing.withdraw(operator, clock(), 99)


def test_the_worker_keeps_changes_only_and_forgets_what_is_old(database, clock):
    with database.connect("worker") as c:
        for level in (Level.OPERATIONAL, Level.DOWN, Level.OPERATIONAL):
            store.write_changes(c, [Change(Service.RIGHTS, clock(), level)], clock(), clock() - 91 * DAY)
            clock.advance(DAY)
        assert store.levels_known(c) == {Service.RIGHTS: Level.OPERATIONAL}
        clock.advance(100 * DAY)
        store.write_changes(c, [], clock(), clock() - 91 * DAY)
        assert c.execute("SELECT count(*) FROM status.change").fetchone() == (1,)
        assert store.levels_known(c) == {Service.RIGHTS: Level.OPERATIONAL}
    board = read_board(database, clock)
    assert (board.observed, [change.level for change in board.changes]) == (clock(), [Level.OPERATIONAL])


def test_the_feed_is_atom_and_repeats_no_markup_of_what_was_typed(database, operator, clock):
    announcing.announce(
        operator, clock(), Level.DOWN, [Service.RIGHTS], "Un <b>mot</b> & un autre.", "A word."
    )
    board = read_board(database, clock)
    feed = ET.fromstring(atom(board, "https://portail.exemple.fr", "fr", clock()))
    ns = {"a": "http://www.w3.org/2005/Atom"}
    assert feed.findtext("a:entry/a:content", namespaces=ns) == "Un <b>mot</b> & un autre."
    assert feed.findtext("a:entry/a:title", namespaces=ns) == "Vérification des droits : arrêté"
    assert feed.findtext("a:updated", namespaces=ns) == "2026-01-05T08:00:00Z"
    shown = json.loads(as_json(board, clock()))
    assert shown["level"] == "unknown"
    assert shown["announcements"][0]["level"] == "down"


def test_a_database_that_does_not_answer_is_an_outage_not_a_green_page(database, clock):
    reader = StatusReader(database.dsn("door").replace("rempart_door", "nobody"), clock)
    with pytest.raises(StatusUnavailable):
        asyncio.run(reader.board())


def test_a_crowd_on_the_status_page_reads_and_reckons_once(database, operator, clock):
    """Everybody looks on the day when least works."""
    made: list[int] = []

    def reckon(board: Board, now: int) -> int:
        made.append(now)
        return len(board.announcements)

    async def crowd() -> None:
        reader = StatusReader(database.dsn("door"), clock)
        try:
            assert set(await asyncio.gather(*(reader.make("page", reckon) for _ in range(50)))) == {0}
            clock.advance(REMEMBERED)
            await reader.make("page", reckon)
        finally:
            await reader.close()

    asyncio.run(crowd())
    assert made == [clock() - REMEMBERED, clock()]


def test_a_crowd_before_a_database_that_hangs_waits_once_for_all(clock):
    """Each would have waited for those before them, holding a connection of the front's."""

    async def crowd() -> tuple[list[object], int]:
        came = 0

        async def hang(incoming: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal came
            came += 1
            # It listens, and never says a word, until the caller goes.
            await incoming.read()
            writer.close()
            gone.set()

        gone = asyncio.Event()
        server = await asyncio.start_server(hang, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        reader = StatusReader(
            f"postgresql://nobody@127.0.0.1:{port}/none?sslmode=disable", clock, timeout=0.5
        )
        answers = await asyncio.gather(*(reader.board() for _ in range(50)), return_exceptions=True)
        answers.append(await asyncio.gather(reader.board(), return_exceptions=True))
        await gone.wait()
        server.close()
        await server.wait_closed()
        return answers, came

    answers, came = asyncio.run(crowd())
    assert all(isinstance(answer, StatusUnavailable) for answer in [*answers[:-1], *answers[-1]])
    assert came == 1
