"""What the desk says to everybody: previewed, journaled first, by whoever is on duty and has just shown their passkey; never rewritten."""

import asyncio
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from rempart.desk import announcing
from rempart.foundation.clock import MINUTE, SECOND
from rempart.foundation.vocabulary import Role
from rempart.status.levels import level_now, overall
from rempart.status.model import Announcement, Level, Service
from rempart.status.reading import StatusReader
from tests.desk.conftest import Operator, Room
from tests.desk.test_door import Door

WORDS = {"french": "Les vérifications sont suspendues.", "english": "Checks are suspended."}
DOWN = {"level": "down", "services": ["rights", "software"], **WORDS}
NIR = "2 85 05 99 999 123 04"
SAID = (
    "SELECT (SELECT count(*) FROM status.announcement) + (SELECT count(*) FROM status.announcement_update)"
    " + (SELECT count(*) FROM status.message)"
)
JOURNALED = "SELECT actor, object, detail FROM vault.journal WHERE act = 'status:say' ORDER BY id"


class Desk:
    """The door, and what the public reads."""

    def __init__(self, room: Room) -> None:
        self.room, self._door = room, Door(room)

    def text(self, who: Operator, path: str, **body: Any) -> str:
        done = self._door.act(who, f"/desk/{path}", **body)
        assert done.status_code == 200, done.text
        return " ".join(done.text.split())

    def code(self, who: Operator, path: str, **body: Any) -> str:
        done = self._door.act(who, f"/desk/{path}", **body)
        assert done.status_code >= 400, done.text
        assert NIR not in done.text
        return done.headers["rempart-code"]

    def say(self, who: Operator, path: str, **body: Any) -> str:
        who.touch()
        return self.text(who, path, **body, dry_run=False)

    def public(self) -> tuple[Level, Level, list[Announcement]]:
        """Of all services and of rights, and the announcements."""

        async def once() -> Any:
            reader = StatusReader(self.room.database.dsn("door"), self.room.clock)
            try:
                return (await reader.board())[1]
            finally:
                await reader.close()

        board, now = asyncio.run(once()), self.room.clock()
        return overall(board, now), level_now(board, Service.RIGHTS, now), list(board.announcements)

    def messages(self, establishment: str, profession: str) -> list[str]:
        async def once() -> list[str]:
            reader = StatusReader(self.room.database.dsn("door"), self.room.clock)
            try:
                return [m.french for m in await reader.messages(establishment, profession)]
            finally:
                await reader.close()

        return asyncio.run(once())


@pytest.fixture
def desk(room: Room) -> Iterator[Desk]:
    with room.database.connect() as owner:
        for service in Service:
            owner.execute(
                "INSERT INTO status.change VALUES (%s, %s, 0)", (service.value, room.clock() - MINUTE)
            )
        owner.execute("UPDATE status.observed SET at = %s", (room.clock(),))
        yield Desk(room)
        owner.execute(
            "DELETE FROM status.announcement_update; DELETE FROM status.announcement; DELETE FROM status.message;"
            "DELETE FROM status.change; DELETE FROM identity.establishment; UPDATE status.observed SET at = 0"
        )


def test_what_is_only_previewed_is_read_by_nobody_and_says_what_the_page_will_say(
    desk: Desk, duty: Operator
) -> None:
    shown = desk.text(duty, "announcement/open", **DOWN)
    assert "La page d'état dira" in shown.replace("&#39;", "'")
    assert shown.count("arrêté") == 2
    assert WORDS["french"] in shown
    assert "Rien n'est publié encore" in shown.replace("&#39;", "'")
    assert "tous les professionnels" in desk.text(
        duty, "message/tell", to="all", weight="urgent", hours=2, **WORDS
    )
    assert desk.room.rows(SAID) == [(0,)]
    assert desk.room.rows(JOURNALED) == []
    assert desk.public()[0] is Level.OPERATIONAL


def test_one_on_duty_announces_says_more_and_closes_and_each_is_journaled(
    desk: Desk, duty: Operator, lead: Operator
) -> None:
    assert "La page d'état dit" in desk.say(duty, "announcement/open", **DOWN).replace("&#39;", "'")
    level, rights, [one] = desk.public()
    assert (level, rights, one.french) == (Level.DOWN, Level.DOWN, WORDS["french"])
    assert f"n° {one.id} – Vérification des droits" in desk.text(duty, "announcements", part="standing")
    assert "arrêté" in desk.text(duty, "announcements", part="levels")
    last = {"id": one.id, "french": "Tout est rouvert.", "english": "All is open again."}
    assert "en service" in desk.text(lead, "announcement/close", **last)
    assert desk.public()[0] is Level.DOWN
    desk.room.time.advance(SECOND)
    desk.say(lead, "announcement/update", **(last | {"french": "Nous cherchons."}))
    desk.room.time.advance(SECOND)
    desk.say(lead, "announcement/close", **last)
    level, _, [one] = desk.public()
    assert (level, [said.french for said in one.updates]) == (
        Level.OPERATIONAL,
        ["Nous cherchons.", "Tout est rouvert."],
    )
    assert desk.room.rows(JOURNALED) == [
        ("diane", "announcement", "open down: rights, software"),
        ("sami", f"announcement {one.id}", "update"),
        ("sami", f"announcement {one.id}", "close"),
    ]
    lead.touch()
    assert desk.code(lead, "announcement/close", **last, dry_run=False) == "no-announcement"


def test_a_stolen_desk_session_without_a_fresh_passkey_announces_nothing(desk: Desk, duty: Operator) -> None:
    desk.room.time.advance(6 * MINUTE)
    for path, body in (
        ("announcement/open", DOWN),
        ("announcement/update", {"id": 1, **WORDS}),
        ("announcement/close", {"id": 1, **WORDS}),
        ("message/tell", {"to": "all", "weight": "urgent", "hours": 1, **WORDS}),
        ("message/withdraw", {"id": 1}),
    ):
        assert duty.refused(path, **body, dry_run=False) == "step-up", path
    assert desk.room.rows(SAID) == [(0,)]
    assert desk.room.rows(JOURNALED) == []


def test_who_only_reads_announces_nothing_and_a_clerk_does_not_read(desk: Desk, duty: Operator) -> None:
    desk.say(duty, "announcement/open", **DOWN)
    for login, role in (("dora", Role.DPO), ("rita", Role.AUDITOR), ("ines", Role.ONBOARDING_CLERK)):
        who = desk.room.operator(login, role)
        who.touch()
        if role is Role.ONBOARDING_CLERK:
            assert who.refused("announcements") == "forbidden"
        else:
            assert WORDS["french"] in desk.text(who, "announcements", part="standing")
        for path, body in (
            ("announcement/open", DOWN),
            ("announcement/update", {"id": 1, **WORDS}),
            ("announcement/close", {"id": 1, **WORDS}),
            ("message/tell", {"to": "all", "weight": "urgent", "hours": 1, **WORDS}),
            ("message/withdraw", {"id": 1}),
        ):
            for dry in (True, False):
                assert who.refused(path, **body, dry_run=dry) == "forbidden", (role, path)
    assert desk.room.rows(SAID) == [(1,)]


def test_a_message_for_one_house_reaches_no_other_and_is_taken_back(desk: Desk, duty: Operator) -> None:
    here, there = desk.room.establishment(), desk.room.establishment(2)
    with desk.room.database.connect() as owner:
        owner.execute(
            "INSERT INTO identity.establishment (id, finess, name, town, profession) SELECT id, finess, 'Pharmacie', 'Lyon', profession"
            " FROM vault.establishment WHERE id = ANY (%s::uuid[])",
            ([here, there],),
        )
    [(finess,)] = desk.room.rows(f"SELECT finess FROM vault.establishment WHERE id = '{here}'")
    told = {"weight": "warning", "hours": 2, **WORDS}
    assert f"un établissement : {finess}" in desk.text(duty, "message/tell", to=finess, **told).replace(
        "\u00a0", " "
    )
    desk.say(duty, "message/tell", to=finess, **told)
    assert desk.messages(here, "pharmacy") == [WORDS["french"]]
    assert desk.messages(there, "pharmacy") == []
    [(number,)] = desk.room.rows("SELECT id FROM status.message")
    assert "n'est plus affiché" in desk.text(duty, "message/withdraw", id=number).replace("&#39;", "'")
    assert desk.messages(here, "pharmacy") == [WORDS["french"]]
    desk.say(duty, "message/withdraw", id=number)
    assert desk.messages(here, "pharmacy") == []
    for to in ("pharmacie", "999999999"):
        assert desk.code(duty, "message/tell", to=to, **told) in {"announcement", "finess"}, to


def test_a_number_of_a_person_is_announced_to_nobody(desk: Desk, duty: Operator) -> None:
    duty.touch()
    for tongue in ("french", "english"):
        said = DOWN | {tongue: f"Mme {NIR} est concernée."}
        for dry in (True, False):
            assert desk.code(duty, "announcement/open", **said, dry_run=dry) == "looks-like-nir"
    for broken in (DOWN | {"services": []}, DOWN | {"services": ["moon"]}, DOWN | {"english": "x"}):
        assert desk.code(duty, "announcement/open", **broken, dry_run=False) == "announcement"
    assert desk.room.rows(SAID) == [(0,)]
    kept = desk.room.rows(
        "SELECT count(*) FROM vault.journal j WHERE replace(j::text, ' ', '') LIKE '%285059999912304%'"
    )
    assert kept == [(0,)]


def test_a_session_left_open_fills_no_page_and_what_stands_can_still_be_closed(
    desk: Desk, duty: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcing, "MOST_A_DAY", 2)
    desk.say(duty, "announcement/open", **DOWN)
    desk.say(duty, "message/tell", to="all", weight="information", hours=1, **WORDS)
    assert desk.code(duty, "announcement/open", **DOWN, dry_run=False) == "announcements-full"
    assert desk.code(duty, "announcement/open", **DOWN) == "announcements-full"
    [(number,)] = desk.room.rows("SELECT id FROM status.announcement")
    desk.say(duty, "announcement/close", id=number, **WORDS)
    [(message,)] = desk.room.rows("SELECT id FROM status.message")
    desk.say(duty, "message/withdraw", id=message)
    assert desk.public()[0] is Level.OPERATIONAL


def test_a_desk_host_that_was_taken_over_rewrites_nothing_that_was_said(desk: Desk, duty: Operator) -> None:
    desk.say(duty, "announcement/open", **DOWN)
    with desk.room.database.connect("desk") as c:
        for statement in (
            "UPDATE status.announcement SET french = 'x'", "DELETE FROM status.announcement", "DELETE FROM status.announcement_update",
            "UPDATE status.announcement_update SET french = 'x'", "UPDATE status.message SET french = 'x'", "DELETE FROM status.message",
            "UPDATE status.change SET level = 0", "UPDATE status.observed SET at = 0", "INSERT INTO status.change VALUES ('rights', 1, 0)",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                c.execute(statement.encode())
