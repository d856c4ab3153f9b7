"""Somebody applies as somebody else: in the name of a pharmacy that applied too, under a login that is another's, or once refused."""

from typing import Any

import pytest
from psycopg.errors import CheckViolation, InsufficientPrivilege

from rempart.foundation.clock import DAY, HOUR, SECOND
from rempart.foundation.vocabulary import Role
from rempart.identity.dossier import written
from rempart.vaultdoor.browser import SoftwarePasskey
from rempart.vaultdoor.messages import Onboarded, Refused
from tests.authenticator import ORIGIN, expect
from tests.conftest import A_MONDAY
from tests.desk.conftest import Operator, Room
from tests.desk.test_door import Door
from tests.desk.test_dossiers import take_in
from tests.desk.test_referencing import (
    FINESS,
    SAID,
    _no_dossier_stays,
    applied,
    approved,
    body_of,
    checked,
    clerk,
    code,
    code_in,
    door,
    names,
    opened,
    pages,
    proposed,
)
from tests.vault.accounts.conftest import activated

__all__ = ["_no_dossier_stays", "clerk", "door"]
IMPOSTORS = b"i" * 16
"""The mark of the impostor's account."""


def impostor(room: Room) -> str:
    """Word for word what the pharmacy sent, with another account."""
    return str(take_in(room, written(SAID), finess=FINESS, mark=IMPOSTORS))


def test_who_applies_beside_the_pharmacy_with_their_own_account_is_a_doubt_to_tick(
    room: Room, door: Door, clerk: Operator
) -> None:
    """The clerk calls the directory's number: "yes, I applied". It was the other dossier."""
    pharmacys = applied(room)
    opened(door, clerk, pharmacys)
    assert "finess-twice" not in checked(door, clerk, pharmacys)["doubts"]
    for dossier in (impostor(room), pharmacys):
        opened(door, clerk, dossier)
        said = checked(door, clerk, dossier)
        assert "finess-twice" in said["doubts"]
        said["doubts"].remove("finess-twice")
        assert code(door.act(clerk, "/desk/application/propose", **said, dry_run=False)) == "doubts"


def test_an_approval_does_not_outlive_the_dossier_that_came_beside_it(
    room: Room, door: Door, clerk: Operator, lead: Operator
) -> None:
    first = impostor(room)
    said = approved(room, door, clerk, lead, first)
    applied(room)
    assert code(door.act(clerk, "/desk/application/enrol", **said, dry_run=False)) == "doubts"
    assert names(room) == []
    # Looked at by both, it is theirs to decide.
    assert approved(room, door, clerk, lead, first) == said
    assert door.act(clerk, "/desk/application/enrol", **said, dry_run=False).status_code == 200


def test_a_login_that_is_anothers_is_a_doubt_before_its_code_is_anybodys(room: Room, door: Door) -> None:
    activated(room, "claire.martin", room.establishment(2))
    clerk = room.operator("chloe", Role.ONBOARDING_CLERK)
    for login in ("claire.martin", "chloe"):
        dossier = applied(room, login=login)
        opened(door, clerk, dossier)
        said = checked(door, clerk, dossier)
        assert "login-known" in said["doubts"], "a professional's, and an operator's"
        told = door.act(clerk, "/desk/application/propose", **said | {"doubts": []}, dry_run=False)
        assert code(told) == "doubts"


def test_of_two_who_wish_for_one_login_the_second_is_looked_at_again(
    room: Room, door: Door, clerk: Operator, lead: Operator
) -> None:
    """Else their letter bids them sign in to the first one's account; and a new code, asked for on the telephone, would have let them."""
    first, second = applied(room), applied(room, finess="010000628")
    one, other = (approved(room, door, clerk, lead, dossier) for dossier in (first, second))
    assert door.act(clerk, "/desk/application/enrol", **one, dry_run=False).status_code == 200
    assert code(door.act(clerk, "/desk/application/enrol", **other, dry_run=False)) == "doubts"
    opened(door, clerk, second)
    assert "login-known" in checked(door, clerk, second)["doubts"]


def test_an_approval_that_comes_after_the_refusal_opens_nothing(
    room: Room, door: Door, clerk: Operator, lead: Operator
) -> None:
    dossier = applied(room)
    said = proposed(door, clerk, dossier)
    room.time.advance(SECOND)
    approve = body_of(opened(door, lead, dossier).text, "desk/proposal/approve")
    refuse = {name: said[name] for name in ("dossier", "digest", "finess", "profession", "login", "address")}
    done = door.act(clerk, "/desk/application/refuse", **refuse, ground="not-confirmed", dry_run=False)
    assert done.status_code == 200, done.text
    assert code(door.act(lead, "/desk/proposal/approve", **approve)) == "proposal-over"
    del refuse["address"]
    # Nor by asking the vault beside the desk.
    assert clerk.refused("application/enrol", **refuse, dry_run=False) == "approval-over"
    assert room.rows("SELECT state FROM vault.proposal") == [("withdrawn",)]
    assert '"proposal:withdraw"' in room.journal()
    # Which of two that say the same was refused.
    [(told,)] = room.rows("SELECT detail FROM vault.journal WHERE act = 'application:refuse'")
    assert told == f"{refuse['digest'][:16]} not-confirmed {dossier}"


def test_the_letters_tell_an_impostors_application_by_its_hour_before_its_account_is_paid_on(
    room: Room, door: Door, clerk: Operator, lead: Operator
) -> None:
    """If clerks are fooled all the same: the pharmacy reads when it was sent, with the code that lets it in, while it may still refuse."""
    said = approved(room, door, clerk, lead, impostor(room))
    letter = door.act(clerk, "/desk/application/enrol", **said, dry_run=False)
    assert letter.status_code == 200, letter.text
    told = " ".join(pages(letter.content).replace("\N{NO-BREAK SPACE}", " ").split())
    assert "envoyée en ligne le 05/01/2026 à 9 h 00" in told
    assert "annulez-le sur la page Règlement" in told
    assert room.rows("SELECT effective_at - asked FROM claims.rib") == [(10 * DAY,)]
    assert room.rows("SELECT (facts ->> 'sent')::bigint FROM claims.letter") == [(A_MONDAY,)]


def test_a_desk_that_died_while_enrolling_leaves_no_dossier_that_nobody_can_end(
    room: Room, door: Door, clerk: Operator, lead: Operator
) -> None:
    """The vault has an establishment that nobody named, whose code nobody has: neither enrolled nor refused, for ever."""
    said = approved(room, door, clerk, lead, applied(room))
    lost = clerk.expect(Onboarded, "application/enrol", **said, dry_run=False).code
    room.time.advance(2 * HOUR)
    opened(door, clerk, said["dossier"])
    assert code(door.act(clerk, "/desk/application/enrol", **said, dry_run=False)) == "approval-over"
    # Two people again, and the same letter with another code; what was approved once still enrols once.
    assert approved(room, door, clerk, lead, said["dossier"]) == said
    done = door.act(clerk, "/desk/application/enrol", **said, dry_run=False)
    assert done.status_code == 200, done.text
    assert len(names(room)) == 1
    thief, claire = room.browser("Ailleurs"), room.browser("Comptoir")
    assert expect(Refused, thief.introduce("activation/begin", activation_code=lost)).code == "activation"
    claire.activate(code_in(done.content), SoftwarePasskey(ORIGIN))
    assert room.rows("SELECT count(*) FROM vault.account WHERE login = 'claire.martin'") == [(1,)]


def test_who_enrols_while_another_refuses_is_told_so_and_nothing_is_added(
    room: Room, door: Door, clerk: Operator, lead: Operator
) -> None:
    dossier = applied(room)
    said = approved(room, door, clerk, lead, dossier)
    opened(door, lead, dossier)
    refuse = checked(door, lead, dossier) | {"ground": "not-confirmed", "dry_run": False}
    del refuse["doubts"]
    acts = [
        (lead, "/desk/application/refuse", refuse),
        (clerk, "/desk/application/enrol", said | {"dry_run": False}),
    ]
    answers = door.together(acts)
    # One of the two is done; the other is refused in words, whichever was first.
    assert min(answer.status_code for answer in answers) == 200
    assert max(answer.status_code for answer in answers) in {404, 409}
    [(state,)] = room.rows("SELECT state FROM identity.dossier")
    assert len(names(room)) == (state == "enrolled")
    assert room.rows("SELECT count(*) FROM vault.establishment WHERE finess IS NOT NULL") == [
        (len(names(room)),)
    ]


def test_the_desks_role_opens_no_decided_dossier_again_to_have_an_establishments_letters_sent_elsewhere(
    room: Room, door: Door, clerk: Operator, lead: Operator
) -> None:
    said = approved(room, door, clerk, lead, applied(room))
    assert door.act(clerk, "/desk/application/enrol", **said, dry_run=False).status_code == 200
    for role in ("desk", "operator"):
        for state in ("received", "proposed"):
            with room.database.connect(role) as c, pytest.raises(CheckViolation):
                c.execute(
                    "UPDATE identity.dossier SET state = %s, decided = NULL WHERE id = %s",
                    (state, said["dossier"]),
                )
    with room.database.connect("desk") as c, pytest.raises(InsufficientPrivilege):
        c.execute(
            "INSERT INTO identity.contact (establishment, contact, since, until) VALUES (%s, %s, 0, 1)",
            (said["dossier"], "Chez l'imposteur"),
        )


def cleared_body(door: Door, who: Operator) -> dict[str, Any]:
    """All that the page shows to be cleared."""
    return body_of(door.act(who, "/desk/dossiers", clearing=True).text, "desk/dossiers/clear")


def test_a_flood_of_made_up_dossiers_is_cleared_and_nothing_of_it_is_kept(
    room: Room, door: Door, clerk: Operator, lead: Operator
) -> None:
    """Somebody with many addresses fills every place. What somebody proposed stays, and the pharmacy's, which is not ticked."""
    waits = proposed(door, clerk, applied(room))
    honest = applied(room, finess="010000628")
    flood = [applied(room, finess="770816478") for _ in range(3)]
    shown = cleared_body(door, clerk)["dossiers"]
    assert sorted(shown) == sorted([honest, *flood])
    clerk.touch()
    counted = door.act(clerk, "/desk/dossiers/clear", dossiers=flood)
    assert "effacés aussitôt\u00a0:\u00a03" in counted.text
    assert room.rows("SELECT count(*) FROM identity.dossier WHERE state = 'cleared'") == [(0,)]
    done = door.act(clerk, "/desk/dossiers/clear", dossiers=flood, dry_run=False)
    assert "effacés\u00a0:\u00a03" in done.text, done.text
    states = room.rows("SELECT id::text, state FROM identity.dossier")
    assert sorted(states) == sorted(
        [(waits["dossier"], "proposed"), (honest, "received"), *[(each, "cleared") for each in flood]]
    )
    left = "SELECT count(*) FROM identity.dossier_piece WHERE dossier::text = ANY (%s)"
    assert room.rows(left.replace("%s", f"ARRAY{flood}")) == [(0,)]
    assert room.rows(
        "SELECT count(*) FROM identity.dossier WHERE state = 'cleared' AND num_nonnulls(rib_sealed, rib_mark) > 0"
    ) == [(0,)]
    journaled = room.rows("SELECT actor, object FROM vault.journal WHERE act = 'dossier:clear'")
    assert sorted(journaled) == sorted(("chloe", each) for each in flood)
    # What is cleared is no doubt about anybody, and is decided.
    alone = applied(room, finess="770816478")
    opened(door, clerk, alone)
    assert "finess-twice" not in checked(door, clerk, alone)["doubts"]
    assert flood[0] not in door.act(clerk, "/desk/dossiers").text
    clerk.touch()
    assert code(door.act(clerk, "/desk/dossier/open", dossier=flood[0], document=0)) == "not-found"


def test_what_was_proposed_is_cleared_by_nobody(
    room: Room, door: Door, clerk: Operator, lead: Operator
) -> None:
    """A clerk who wants an approved application gone has to refuse it, with its letter."""
    waits = proposed(door, clerk, applied(room))
    clear = {"dossiers": [waits["dossier"]], "dry_run": False}
    assert code(door.act(clerk, "/desk/dossiers/clear", **clear)) == "conflict"
    said = approved(room, door, clerk, lead, applied(room, finess="010000628", login="paul.martin"))
    clear = {"dossiers": [said["dossier"]], "dry_run": False}
    assert code(door.act(clerk, "/desk/dossiers/clear", **clear)) == "conflict"
    # Nor by the database, whatever the vault says.
    for role in ("desk", "operator"):
        with room.database.connect(role) as c:
            told = c.execute("SELECT identity.clear_dossiers(%s::uuid[], 1)", (clear["dossiers"],)).fetchone()
            assert told == (0,)
    assert room.rows("SELECT count(*) FROM vault.journal WHERE act = 'dossier:clear'") == [(0,)]


def test_who_may_only_read_dossiers_clears_none(room: Room, door: Door) -> None:
    dpo = room.operator("dora", Role.DPO)
    dpo.touch()
    act = door.act(dpo, "/desk/dossiers/clear", dossiers=[applied(room)], dry_run=False)
    assert code(act) == "forbidden"
    assert room.rows("SELECT state FROM identity.dossier") == [("received",)]
