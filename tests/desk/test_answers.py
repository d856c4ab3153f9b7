"""*Were we hit?* published from the desk: counted, approved by two people, taken back by one; never by one hand, never something else."""

import json
import re
from typing import Any

import psycopg
import pytest

from rempart.foundation.clock import MINUTE, SECOND
from rempart.foundation.vocabulary import Role
from rempart.vault.deeds import DEEDS
from rempart.vaultdoor.messages import Proposals, Proposed, PublishAnswers
from tests.desk.conftest import Operator
from tests.desk.test_incident_pages import NIR, Night, iso, night

__all__ = ["night"]
NATURE = "Une session volée a interrogé la plateforme."
PUBLISHED = "SELECT count(*) FROM incident.publication"


def opened(night: Night, who: Operator) -> int:
    """An incident that lacks nothing."""
    number = night.opened(who)
    night.text(who, "incident/fact", id=number, key="nature", value=NATURE)
    night.room.time.advance(11 * SECOND)
    return number


def counted(night: Night, who: Operator, number: int) -> dict[str, Any]:
    """The body that the page's button carries."""
    night.text(who, "answers/count", id=number)
    shown = night.over(who, "answers", id=number)
    found = re.search(r'data-deed="desk/answers/publish".*?data-body="([^"]+)"', shown)
    assert found is not None, shown
    body: dict[str, Any] = json.loads(found[1].replace("&#34;", '"'))
    return body


def proposed(night: Night, who: Operator, body: dict[str, Any]) -> int:
    who.touch()
    return who.expect(Proposed, "answers/publish", **body, dry_run=False).id


def approve(night: Night, who: Operator, proposal: int) -> None:
    night.room.time.advance(SECOND)
    who.touch()
    assert "sont recomptées" in night.text(who, "proposal/approve", id=proposal)


def published(night: Night, first: Operator, second: Operator) -> int:
    number = opened(night, first)
    approve(night, second, proposed(night, first, counted(night, first, number)))
    assert "édition 1" in re.sub("<[^>]+>", "", night.over(first, "answers", id=number))
    return number


def test_two_people_publish_what_was_counted_and_one_takes_it_back_with_a_reason(
    night: Night, duty: Operator, lead: Operator
) -> None:
    number = opened(night, duty)
    body = counted(night, duty, number)
    # The thief's house; another asked for one of the same people, so it was not hit itself but its patient was.
    told = night.text(duty, "answers", id=number)
    assert NATURE in told
    assert "non dit" in told
    effect = night.text(duty, "answers/publish", **body)
    assert 'data-second="true"' in effect
    proposal = proposed(night, duty, body)
    assert night.rows(PUBLISHED) == [(0,)]
    assert "Publier les réponses aux professionnels" in night.text(lead, "proposals")
    approve(night, lead, proposal)
    assert "compté le" in night.over(lead, "answers", id=number)
    assert night.rows("SELECT incident, issue, nature_fr FROM incident.publication") == [(number, 1, NATURE)]
    parties = body["houses"] + body["seats"] + body["groups"]
    assert night.rows("SELECT count(*) FROM incident.answer") == [(parties,)]
    assert night.rows("SELECT actor, value FROM incident.act WHERE act = 'publish'") == [
        ("diane sami", str(parties))
    ]
    assert night.rows("SELECT actor, object FROM vault.journal WHERE act = 'incident:publish'") == [
        ("diane sami", str(number))
    ]
    night.room.time.advance(6 * MINUTE)
    assert duty.refused("answers/withdraw", id=number, why="chiffre faux") == "step-up"
    duty.touch()
    assert night.code(duty, "answers/withdraw", id=number, why=" ") == "bad-input"
    assert night.code(duty, "answers/withdraw", id=number, why=f"voir {NIR}") == "looks-like-nir"
    assert night.rows(PUBLISHED) == [(1,)]
    night.text(duty, "answers/withdraw", id=number, why="chiffre faux")
    assert night.rows(f"{PUBLISHED} UNION ALL SELECT count(*) FROM incident.answer") == [(0,), (0,)]
    assert night.rows("SELECT actor, value FROM incident.act WHERE act = 'unpublish'") == [
        ("diane", "chiffre faux")
    ]
    assert night.code(duty, "answers/withdraw", id=number, why="encore") == "incident-not-published"
    # Published anew, it is another issue.
    approve(night, lead, proposed(night, duty, counted(night, duty, number)))
    night.over(duty, "answers", id=number)
    assert night.rows("SELECT issue FROM incident.publication") == [(2,)]


def test_what_is_missing_is_said_before_anything_is_counted(night: Night, duty: Operator) -> None:
    number = night.opened(duty)
    # Of a question that ends this very second.
    night.count(duty, until=iso(night.room.clock()))
    night.text(duty, "incident/about", id=number)
    shown = night.text(duty, "answers", id=number)
    assert "Dites d&#39;abord ce qui s&#39;est passé" in shown
    assert "pas terminé depuis dix secondes" in shown
    night.text(duty, "answers/count", id=number)
    shown = night.over(duty, "answers", id=number)
    assert "data-deed" not in shown
    told = night.text(duty, "incident/open", title="Sans question", aware="2026-01-01T00:00:00Z")
    other = re.search(r"n=(\d+)", told)
    assert other is not None
    assert "n&#39;a pas de périmètre" in night.text(duty, "answers", id=int(other[1]))
    assert "data-deed" not in night.text(duty, "answers", id=99)


def test_what_changed_since_two_people_approved_it_is_not_published(
    night: Night, duty: Operator, lead: Operator
) -> None:
    number = opened(night, duty)
    proposal = proposed(night, duty, counted(night, duty, number))
    night.text(duty, "incident/fact", id=number, key="public_contact", value="Appelez le 00 00 00 00 00.")
    approve(night, lead, proposal)
    assert "a changé depuis l&#39;approbation" in night.over(duty, "answers", id=number)
    assert night.rows(PUBLISHED) == [(0,)]


def test_a_database_changed_behind_the_ledger_publishes_nothing(
    night: Night, duty: Operator, lead: Operator
) -> None:
    number = opened(night, duty)
    proposal = proposed(night, duty, counted(night, duty, number))
    with night.room.database.connect() as owner:
        owner.execute("UPDATE evidence.entry SET account = device WHERE index = 2")
    approve(night, lead, proposal)
    assert 'class="alert"' in night.over(duty, "answers", id=number)
    assert night.rows(PUBLISHED) == [(0,)]


def test_one_person_with_a_stolen_session_or_a_passkey_publishes_nothing_alone(
    night: Night, duty: Operator
) -> None:
    number = opened(night, duty)
    body = counted(night, duty, number)
    night.room.time.advance(6 * MINUTE)
    assert duty.refused("answers/publish", **body, dry_run=False) == "step-up"
    assert duty.expect(Proposals, "proposals").proposals == []
    proposal = proposed(night, duty, body)
    assert duty.refused("proposal/approve", id=proposal) == "own-proposal"
    assert night.rows(f"{PUBLISHED} UNION ALL SELECT count(*) FROM vault.answers_release") == [(0,), (0,)]


def test_an_auditor_reads_what_is_published_and_a_clerk_nothing(
    night: Night, duty: Operator, lead: Operator
) -> None:
    number = published(night, duty, lead)
    rita, ines = (
        night.room.operator("rita", Role.AUDITOR),
        night.room.operator("ines", Role.ONBOARDING_CLERK),
    )
    assert NATURE in night.text(rita, "answers", id=number)
    body = {"incident": number, "houses": 1, "seats": 0, "groups": 0, "digest": "a" * 64, "dry_run": False}
    for who in (rita, ines):
        who.touch()
        assert who.refused("answers/count", id=number) == "forbidden"
        assert who.refused("answers/publish", **body) == "forbidden"
        assert who.refused("answers/withdraw", id=number, why="x") == "forbidden"
    assert ines.refused("answers", id=number) == "forbidden"
    assert night.rows(PUBLISHED) == [(1,)]
    assert DEEDS[PublishAnswers].roles == {Role.DUTY_OFFICER, Role.SECURITY_LEAD, Role.DPO}


def test_a_desk_host_that_was_taken_over_publishes_no_answer_that_two_people_did_not_release(
    night: Night, duty: Operator, lead: Operator
) -> None:
    """It writes SQL as it likes: an incident that nobody released reaches no professional, and no answer is read there."""
    number = opened(night, duty)
    row = (
        "INSERT INTO incident.publication SELECT {0}, 1, 1, 1, 1, 2, 1, 'Appelez ce numéro', 'x', 'x', '', '', '', '', '', ''"
    ).format
    with night.room.database.connect("desk") as c:
        for statement in (
            row(number),
            "INSERT INTO incident.answer VALUES (1, gen_random_uuid(), 0, 0, 0, 0, 0, '{}', 0)",
        ):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ForeignKeyViolation)):
                c.execute(statement.encode())
        for statement in (
            "UPDATE incident.publication SET title = ''", "UPDATE incident.answer SET persons = 0",
            "SELECT persons FROM incident.answer", "SELECT digest FROM vault.answers_release",
            "INSERT INTO vault.answers_release VALUES (1, '', '', 0, 0)", "UPDATE vault.answers_release SET expires = 0",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                c.execute(statement.encode())
    approve(night, lead, proposed(night, duty, counted(night, duty, number)))
    night.over(duty, "answers", id=number)
    assert night.rows(PUBLISHED) == [(1,)]
    # Released, and over: what is counted later is not taken.
    with night.room.database.connect("desk") as c:
        c.execute("DELETE FROM incident.answer")
        c.execute("DELETE FROM incident.publication")
        late = row(number).replace(f"{number}, 1, 1,", f"{number}, 1, 9000000000000000000,")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            c.execute(late.encode())
