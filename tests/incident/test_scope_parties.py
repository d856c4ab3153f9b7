"""Whose data of their own professionals may have lost, and *were we hit?*: by houses, groups, seats that changed."""

import random
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rempart.evidence.opening import Opening, Outcome
from rempart.foundation.clock import DAY, MINUTE
from rempart.incident.case import Incident
from rempart.incident.documents import documents_of
from rempart.incident.errors import NoSuchParty
from rempart.incident.exposure import Question
from rempart.incident.facts import Language
from rempart.incident.notices.rendering import Telling
from rempart.incident.scope import scope
from rempart.incident.scope_hit import Hit, hit, hit_establishment, hit_group, reckon, touched
from rempart.incident.scope_professionals import SENTENCES, Kind, professionals_seen
from rempart.portal.pages import PAGES
from tests.conftest import Database
from tests.incident.scope_ledger import START, ScopeLedger
from tests.incident.test_notices import AWARE, FACTS, INSURERS, TEMPLATES

LABS = ("010000601", "010000602", "010000603")
PHARMACY, SEAT = "010000604", "99000001"
GROUP = "Laboratoires du Port"


@dataclass
class Town:
    """Three laboratories of a group, a pharmacy, an insurer's seat; an account each, a colleague at the first; an administrator."""

    owner: "psycopg.Connection[Any]"
    operator: "psycopg.Connection[Any]"
    ledger: ScopeLedger
    houses: dict[str, uuid.UUID]
    accounts: dict[str, uuid.UUID]

    def told(self, house: str, who: str, person: int, minute: int, device: int = 1) -> int:
        """Somebody asked there about a person."""
        return self.ledger.add(
            Opening(
                at=START + minute * MINUTE, account=self.accounts[who], device=uuid.UUID(int=0xD000 + device),
                establishment=self.houses[house], insurer=1, lane=1, domain=2, answer_class=1,
                outcome=Outcome.TOLD, cost=1, subject=uuid.UUID(int=person),
            ),
            b"reference",
        )  # fmt: skip

    def ask(self, **parties: Any) -> Question:
        """About the second hour."""
        return Question(
            START + 60 * MINUTE,
            START + 120 * MINUTE,
            **{name: frozenset(keys) for name, keys in parties.items()},
        )


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    with database.connect() as owner, database.connect("operator") as operator:
        owner.execute(
            "INSERT INTO vault.insurer (number, amc, name, signing_key, notice_key) VALUES (1, %s, 'Mutuelle', '', '')",
            (SEAT,),
        )
        group = uuid.uuid4()
        owner.execute("INSERT INTO vault.party_group (id, label) VALUES (%s, %s)", (group, GROUP))
        houses = {number: uuid.uuid4() for number in (*LABS, PHARMACY, SEAT)}
        for number, house in houses.items():
            owner.execute(
                "INSERT INTO vault.establishment (id, finess, amc, profession, party_group) VALUES (%s, %s, %s, %s, %s)",
                (
                    house, None if number == SEAT else number, SEAT if number == SEAT else None,
                    "insurer" if number == SEAT else "laboratory" if number in LABS else "pharmacy", group if number in LABS else None,
                ),
            )  # fmt: skip
        accounts = {name: uuid.uuid4() for name in ("anne", "bruno", "carla", "dora", "emil", "fred", "gina")}
        for name, account in accounts.items():
            owner.execute(
                "INSERT INTO vault.account (id, login, status, added) VALUES (%s, %s, 'active', 0)",
                (account, name),
            )
        seats = [
            ("anne", LABS[0]),
            ("bruno", LABS[0]),
            ("carla", LABS[1]),
            ("dora", LABS[2]),
            ("emil", PHARMACY),
            ("gina", SEAT),
        ]
        for name, number in seats:
            owner.execute(
                "INSERT INTO vault.membership (account, establishment, role, added) VALUES (%s, %s, 'employee', 0)",
                (accounts[name], houses[number]),
            )
        owner.execute(
            "INSERT INTO vault.membership (account, party_group, role, added) VALUES (%s, %s, 'administrator', 0)",
            (accounts["fred"], group),
        )
        yield Town(owner, operator, ScopeLedger(owner), houses, accounts)


# ── were we hit? ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_house_has_its_own_answer_and_the_group_one_of_its_own(town: Town) -> None:
    town.told(LABS[1], "carla", 7, 10)
    for person in (1, 2, 7):
        town.told(LABS[0], "anne", person, 70 + person)
    town.told(LABS[0], "anne", 1, 90)
    # The same account lends a hand at the pharmacy.
    town.told(PHARMACY, "anne", 9, 95)
    # Not in question: another account.
    town.told(LABS[2], "dora", 1, 96)
    found = scope(town.operator, town.ask(accounts=[town.accounts["anne"]]))
    assert len(found.exposed) == 4
    assert hit_establishment(town.operator, found, LABS[0])[0].hit == Hit(4, 3, 1, 3, 0)
    # Its patient was asked about at another laboratory; nobody of its own did it.
    assert hit_establishment(town.operator, found, LABS[1])[0].hit == Hit(0, 0, 0, 1, 1)
    # Served later, or by a look-up that is not in question: a patient of theirs all the same.
    assert hit_establishment(town.operator, found, LABS[2])[0].hit == Hit(0, 0, 0, 1, 1)
    pharmacy = hit_establishment(town.operator, found, PHARMACY)[0].hit
    assert pharmacy == Hit(1, 1, 0, 1, 0)
    whole, houses = hit_group(town.operator, found, GROUP)
    assert whole == Hit(4, 3, 1, 3, 0)
    assert [house.place.number for house in houses] == list(LABS)
    assert not whole.untouched


def test_all_that_were_hit_are_those_whose_own_answer_says_so(town: Town) -> None:
    town.told(LABS[1], "carla", 7, 10)
    for person in (1, 2, 7):
        town.told(LABS[0], "anne", person, 70 + person)
    town.told(LABS[2], "dora", 8, 71)
    town.told(PHARMACY, "anne", 9, 95)
    found = scope(town.operator, town.ask(accounts=[town.accounts["anne"]]))
    own = {
        number: hit_establishment(town.operator, found, number)[0].hit for number in (*LABS, PHARMACY, SEAT)
    }
    everybody = {house.place.number: house.hit for house in touched(town.operator, found)}
    assert everybody == {number: hit for number, hit in own.items() if not hit.untouched}
    assert everybody.keys() == {LABS[0], LABS[1], PHARMACY}
    assert everybody[LABS[0]].elsewhere == 1


def test_a_house_whose_account_asked_elsewhere_alone_is_among_those_hit(town: Town) -> None:
    town.told(PHARMACY, "anne", 9, 95)
    found = scope(town.operator, town.ask(accounts=[town.accounts["anne"]]))
    everybody = {house.place.number: house.hit for house in touched(town.operator, found)}
    assert everybody == {LABS[0]: Hit(0, 0, 1, 0, 0), PHARMACY: Hit(1, 1, 0, 1, 0)}


@pytest.mark.parametrize("seed", range(3))
def test_counted_once_for_all_it_is_what_each_and_any_of_them_together_would_be_told(
    town: Town, seed: int
) -> None:
    chance = random.Random(seed)
    # Somebody works at two houses, one of them outside the group.
    town.owner.execute(
        "INSERT INTO vault.membership (account, establishment, role, added) VALUES (%s, %s, 'employee', 0)",
        (town.accounts["anne"], town.houses[PHARMACY]),
    )
    for _ in range(60):
        house, who = (
            chance.choice([*LABS, PHARMACY]),
            chance.choice(["anne", "bruno", "carla", "dora", "emil"]),
        )
        town.told(house, who, chance.randrange(1, 20), chance.randrange(0, 180))
    found = scope(town.operator, town.ask(accounts=[town.accounts[name] for name in ("anne", "carla")]))
    assert found.exposed
    reckoning = reckon(town.operator, found)
    places = list(town.houses.values())
    for some in (combination for size in range(1, 6) for combination in combinations(places, size)):
        assert reckoning.hit(frozenset(some)) == hit(town.operator, found, frozenset(some))


def test_who_was_not_hit_is_told_so_and_who_is_unknown_is_told_that(town: Town) -> None:
    town.told(LABS[0], "anne", 1, 70)
    town.told(PHARMACY, "emil", 2, 71)
    found = scope(town.operator, town.ask(accounts=[town.accounts["anne"]]))
    assert hit_establishment(town.operator, found, PHARMACY)[0].hit.untouched
    assert hit_establishment(town.operator, found, SEAT)[0].hit.untouched
    with pytest.raises(NoSuchParty):
        hit_establishment(town.operator, found, "999999999")
    with pytest.raises(NoSuchParty):
        hit_group(town.operator, found, "Nobody's")


def test_a_sold_pharmacys_new_owner_is_not_told_what_the_former_one_did(town: Town) -> None:
    opens, bought = START + 90 * MINUTE, uuid.uuid4()
    town.owner.execute(
        "UPDATE vault.establishment SET closes = %(at)s, invoices_until = %(at)s, ends = %(at)s, leaving = 'cession' WHERE finess = %(n)s",
        {"at": opens, "n": PHARMACY},
    )
    town.owner.execute(
        "INSERT INTO vault.establishment (id, finess, profession, opens) VALUES (%s, %s, 'pharmacy', %s)",
        (bought, PHARMACY, opens),
    )
    town.told(PHARMACY, "emil", 1, 70)
    town.houses["bought"] = bought
    town.told("bought", "gina", 2, 100)
    town.told("bought", "gina", 3, 101)
    found = scope(town.operator, town.ask(establishments=[town.houses[PHARMACY], bought]))
    new, old = hit_establishment(town.operator, found, PHARMACY)
    assert (new.place.id, new.hit) == (bought, Hit(2, 2, 0, 2, 0))
    assert (old.place.id, old.hit) == (town.houses[PHARMACY], Hit(1, 1, 0, 1, 0))
    # One name each: neither takes the other's place in what is written.
    assert new.place.called != old.place.called
    assert {house.place.called for house in touched(town.operator, found)} > {
        new.place.called,
        old.place.called,
    }
    # Nor in the folder of letters: each is written to.
    for house, name in ((town.houses[PHARMACY], "Pharmacie Emil"), (bought, "Pharmacie Gina")):
        town.owner.execute(
            "INSERT INTO identity.establishment (id, finess, name, town, profession) VALUES (%s, %s, %s, 'Brest', 'pharmacy')",
            (house, PHARMACY, name),
        )
    of = Telling.of(Incident(7, "Vol", AWARE, AWARE, FACTS), found, INSURERS, "Rempart", AWARE, TEMPLATES)
    letters = {
        name: letter.text(Language.FRENCH)
        for name, letter in documents_of(town.operator, of)
        if name.startswith("professionals-concerned")
    }
    for name in ("Pharmacie Emil", "Pharmacie Gina"):
        assert sum(name in text for text in letters.values()) == 1


# ── professionals' own data ──────────────────────────────────────────────────────────────────────────────────────────


def kinds(town: Town, **parties: Any) -> dict[str, tuple[int, set[Kind]]]:
    """By house: how many people, and which kinds."""
    seen = professionals_seen(town.operator, town.ask(**parties))
    return {each.place.number: (each.people, set(each.kinds)) for each in seen.seen}


CARE = {Kind.SELF, Kind.PLACE, Kind.COLLEAGUES, Kind.MONEY, Kind.RIB_STATE}


def test_an_account_shows_its_own_house_and_no_other(town: Town) -> None:
    assert kinds(town, accounts=[town.accounts["anne"]]) == {LABS[0]: (2, CARE)}
    assert professionals_seen(town.operator, town.ask(accounts=[town.accounts["anne"]])).people == 2


def test_an_administrator_shows_who_works_in_every_house_of_the_group(town: Town) -> None:
    found = kinds(town, accounts=[town.accounts["fred"]])
    assert found.keys() == set(LABS)
    assert found[LABS[0]] == (2, {Kind.SELF, Kind.PLACE, Kind.COLLEAGUES})
    assert professionals_seen(town.operator, town.ask(accounts=[town.accounts["fred"]])).people == 5


def test_an_insurers_seat_shows_its_desk(town: Town) -> None:
    assert kinds(town, accounts=[town.accounts["gina"]]) == {
        SEAT: (1, {Kind.SELF, Kind.PLACE, Kind.COLLEAGUES, Kind.INSURER_DESK})
    }


def test_a_device_shows_what_everybody_bound_to_it_may_see(town: Town) -> None:
    device = uuid.uuid4()
    town.owner.execute(
        "INSERT INTO vault.device (id, thumbprint, public_key, added) VALUES (%s, %s, %s, 0)",
        (device, b"t" * 32, b"k" * 65),
    )
    for name in ("anne", "emil"):
        town.owner.execute(
            "INSERT INTO vault.binding (account, device, label, how, bound, fresh_until) VALUES (%s, %s, '', 'passkey', 0, 0)",
            (town.accounts[name], device),
        )
    assert kinds(town, devices=[device]).keys() == {LABS[0], PHARMACY}


def test_a_seat_that_was_removed_counts_where_it_was_used(town: Town) -> None:
    town.told(LABS[0], "anne", 1, 70)
    town.owner.execute("DELETE FROM vault.membership WHERE account = %s", (town.accounts["anne"],))
    # She herself, and Bruno.
    assert kinds(town, accounts=[town.accounts["anne"]]) == {LABS[0]: (2, CARE)}
    town.owner.execute(
        "INSERT INTO vault.departure (account, establishment, role, at) VALUES (%s, %s, 'employee', %s)",
        (town.accounts["anne"], town.houses[PHARMACY], START + DAY),
    )
    assert kinds(town, accounts=[town.accounts["anne"]]).keys() == {LABS[0], PHARMACY}


def test_a_house_in_question_is_all_of_its_people_and_everybody_who_asked_there(town: Town) -> None:
    town.told(LABS[0], "emil", 1, 70)
    found = professionals_seen(town.operator, town.ask(establishments=[town.houses[LABS[0]]]))
    assert found.accounts == {town.accounts[name] for name in ("anne", "bruno", "emil")}
    assert {each.place.number for each in found.seen} == {LABS[0], PHARMACY}


def test_whom_nobody_bounds_is_the_same_person_in_the_scope_and_apart(town: Town) -> None:
    town.told(LABS[0], "anne", 1, 70)
    question = town.ask()
    assert professionals_seen(town.operator, question).accounts == {town.accounts["anne"]}
    assert len(scope(town.operator, question).exposed) == 1


PAGE = Path(__file__).parents[2] / "docs/incident.md"
OF_NO_PROFESSIONAL = {"/verifier", "/facturer"}
"""What is typed there, and answered about an insured person."""


def test_the_documentation_says_of_every_page_what_it_shows_of_professionals() -> None:
    section = PAGE.read_text().split("### Professionals' own data\n")[1].split("\n### ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("| `")
    ]
    assert [kind.strip("`") for kind, *_ in rows] == [kind.value for kind in Kind]
    assert set(SENTENCES) == set(Kind)
    named = {path for row in rows for path in re.findall(r"`(/[a-z/-]+)", row[2])}
    pages = {page.path for page in PAGES if page.signed_in}
    assert {path for path in pages if not any(path.startswith(each) for each in named)} == OF_NO_PROFESSIONAL
    assert {path for path in named if path not in pages} == set()
