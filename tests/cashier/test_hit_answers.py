"""*Were we hit?* in the portal: each party reads its own exact answer, as published, and nobody reads another's or one not published."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
import psycopg
import pytest

from rempart.claims.messages import HouseAnswer, IncidentAnswers, PublishedIncident
from rempart.evidence.note import VerifierKey
from rempart.foundation.clock import DAY, HOUR, SECOND
from rempart.foundation.errors import BadInput
from rempart.foundation.identifiers import finess_key
from rempart.foundation.vocabulary import Domain, Profession, Role
from rempart.incident import acting
from rempart.incident import store_case as store
from rempart.incident.acting import Hand
from rempart.incident.case import Verb
from rempart.incident.exposure import Question, Scope
from rempart.incident.nobody_else import NotOver, OtherScope
from rempart.incident.notices.templates import Templates
from rempart.incident.publishing import (
    Answers,
    NothingSaid,
    NotPublished,
    count_answers,
    publish,
    unpublish,
)
from rempart.incident.scope import scope
from rempart.incident.scope_hit import Hit, hit_establishment, hit_group, touched
from rempart.incident.scope_negative import Negative, state_negative
from rempart.incident.scope_professionals import SENTENCES, Kind
from rempart.incident.scope_proofs import read_published
from rempart.vaultdoor.browser import SoftwarePasskey
from rempart.vaultdoor.messages import (
    Done,
    EnrolEstablishment,
    EnrolGroup,
    Enrolled,
    EnrolProfessional,
    Paper,
    ThrowSwitch,
)
from tests.authenticator import ORIGIN, SoftwareBrowser, expect
from tests.cashier.clerks import clerk
from tests.cashier.conftest import Professional, Trade, view

PAGE = "/claims/incidents"
GROUP = "Laboratoires de l'Anse"
NATURE = "Une session volée a interrogé la plate-forme."


@dataclass
class Night:
    """A laboratory of a group whose session was stolen; a sister house; honest houses near and far; an insurer's seat; the group's head."""

    trade: Trade
    thief: Professional
    sister: Professional
    served: Professional
    far: Professional
    seat: Professional
    head: Professional
    question: Question
    number: int = 0
    told: list[str] = field(default_factory=list)

    def scope(self) -> Scope:
        with self.trade.database.connect("operator") as c:
            return scope(c, self.question)

    def negative(self, found: Scope) -> Negative:
        key = VerifierKey.parse(self.trade.vault.checkpoints.verifier_key)
        with self.trade.database.connect("operator") as c:
            return state_negative(c, found, read_published(c, key))

    def count(self) -> Answers:
        found = self.scope()
        negative = self.negative(found)
        with self.trade.database.connect("operator") as c:
            return count_answers(c, store.read_incident(c, self.number), found, negative, self.trade.clock())

    def publish(self) -> int:
        with self.trade.database.connect("operator") as c:
            return publish(c, self.count(), "essai")

    def withdraw(self, why: str = "essai") -> None:
        with self.trade.database.connect("operator") as c:
            unpublish(c, Hand("essai", self.trade.clock()), self.number, why)

    def read(self, who: Professional) -> list[PublishedIncident]:
        return who.ask(IncidentAnswers, PAGE, {}).items

    def own(self, who: Professional) -> HouseAnswer:
        [item] = self.read(who)
        return item.whole

    def finess(self, who: Professional) -> str:
        [(number,)] = self.trade.rows(
            "SELECT finess FROM vault.establishment WHERE id = %s", who.establishment
        )
        return str(number)


def counts(answer: HouseAnswer) -> Hit:
    return Hit(answer.answers, answer.persons, answer.elsewhere, answer.served, answer.served_by_others)


@pytest.fixture(scope="module")
def night(trade: Trade) -> Night:
    group = expect(Enrolled, trade.operate(EnrolGroup(GROUP))).id

    def house() -> Professional:
        first8 = f"76{uuid.uuid4().int % 10**6:06d}"
        place = EnrolEstablishment(first8 + finess_key(first8), Profession.LABORATORY, group=group)
        return trade.professional(establishment=expect(Enrolled, trade.operate(place)).id)

    thief, sister = house(), house()
    served, far = trade.professional(), trade.professional()
    insurer, other = trade.insurer(), trade.insurer()
    code = expect(Enrolled, trade.operate(EnrolProfessional("tete", Role.ADMINISTRATOR, group=group))).code
    browser, passkey = SoftwareBrowser(trade, label="Siège"), SoftwarePasskey(ORIGIN)
    browser.activate(code, passkey)
    head = Professional(trade, "tete", "", browser, passkey, trade.clock())
    seat = clerk(trade, insurer)
    people = [trade.insure(insurer), trade.insure(insurer), trade.insure(other)]
    served.check_right(people[0], Domain.PHAR)
    far.check_right(trade.insure(other), Domain.PHAR)
    trade.clock.advance(DAY)
    thief.wake()
    since = trade.clock()
    for insured in people:
        thief.check_right(insured, Domain.LABO)
    thief.check_right(people[0], Domain.MED)
    trade.clock.advance(SECOND)
    [(account,)] = trade.rows("SELECT id FROM vault.account WHERE login = %s", thief.login)
    question = Question(since, trade.clock(), accounts=frozenset({account}))
    trade.clock.advance(HOUR)
    trade.runner.run(trade.vault.checkpoints.sign_if_grown())
    trade.runner.run(trade.vault.operations.record("count"))
    told = [str(row[0]) for row in trade.rows("SELECT DISTINCT subject::text FROM evidence.entry")]
    return Night(trade, thief, sister, served, far, seat, head, question, told=told)


@pytest.fixture
def opened(night: Night) -> Iterator[Night]:
    """A new incident about that night, of which what happened was said; withdrawn afterwards."""
    with night.trade.database.connect("operator") as c:
        now = night.trade.clock()
        night.number = store.open_incident(c, now, "essai", "Session volée", now - HOUR)
        acting.put_question(c, Hand("essai", now), night.number, night.question)
        acting.say_fact(c, Hand("essai", now), Templates.read(), night.number, "nature", NATURE)
    yield night
    try:
        night.withdraw()
    except NotPublished:
        return


def test_each_house_reads_the_same_counts_as_the_operators_command(opened: Night) -> None:
    night, found = opened, opened.scope()
    night.publish()
    with night.trade.database.connect("operator") as c:
        for who in (night.thief, night.sister, night.served, night.far):
            assert counts(night.own(who)) == hit_establishment(c, found, night.finess(who))[0].hit
        whole, houses = hit_group(c, found, GROUP)
        hit = {house.place.number for house in touched(c, found)}
    assert counts(night.own(night.thief)) == Hit(4, 3, 0, 3, 0)
    assert counts(night.own(night.served)) == Hit(0, 0, 0, 1, 1)
    assert not night.own(night.far).concerned
    assert hit == {night.finess(night.thief), night.finess(night.served)}
    [item] = night.read(night.head)
    assert counts(item.whole) == whole
    every = {house.finess: counts(house) for house in [*item.houses, *item.untouched]}
    assert every == {house.place.number: house.hit for house in houses}
    assert [house.finess for house in item.houses] == [night.finess(night.thief)]


def test_who_administers_two_groups_reads_each_house_of_both(opened: Night) -> None:
    trade = opened.trade
    other = expect(Enrolled, trade.operate(EnrolGroup("Laboratoires du Cap"))).id
    first8 = f"77{uuid.uuid4().int % 10**6:06d}"
    number = first8 + finess_key(first8)
    expect(Enrolled, trade.operate(EnrolEstablishment(number, Profession.LABORATORY, group=other)))
    seat = "(SELECT id FROM vault.account WHERE login = %s), %s::uuid"
    with trade.database.connect() as owner:
        owner.execute(
            f"INSERT INTO vault.membership (account, party_group, role, added) SELECT {seat}, 'administrator', 0".encode(),
            (opened.head.login, other),
        )
    try:
        opened.publish()
        [item] = opened.read(opened.head)
        assert [house.finess for house in item.houses] == [opened.finess(opened.thief)]
        assert {house.finess for house in item.untouched} == {opened.finess(opened.sister), number}
        # None of the two is "the group as one".
        assert not item.whole.concerned
    finally:
        with trade.database.connect() as owner:
            owner.execute("DELETE FROM vault.membership WHERE party_group = %s", (other,))


def test_what_happened_is_told_in_the_operators_public_words(opened: Night) -> None:
    opened.publish()
    [item] = opened.read(opened.far)
    assert (item.title, item.nature_fr, item.nature_en) == ("Session volée", NATURE, NATURE)
    assert (item.since, item.until) == (opened.question.since, opened.question.until)
    assert item.told_fr
    assert item.measures_fr == item.contact_fr == ""


def test_whose_own_data_may_have_been_seen_is_told_by_kind(opened: Night) -> None:
    opened.publish()
    own = opened.own(opened.thief)
    assert SENTENCES[Kind.COLLEAGUES][0] in own.own_fr
    assert SENTENCES[Kind.RIB_STATE][1] in own.own_en
    assert own.people == 1
    assert opened.own(opened.served).own_fr == []


def test_an_insurers_seat_reads_its_own_and_no_figure_of_a_house(opened: Night) -> None:
    opened.publish()
    answers = opened.seat.ask(IncidentAnswers, PAGE, {})
    assert answers.seat == "insurer"
    [item] = answers.items
    assert not item.whole.concerned
    assert item.houses == item.untouched == []


def test_nobody_is_named_and_no_person_is_in_it(opened: Night) -> None:
    opened.publish()
    for who in (opened.thief, opened.served, opened.head, opened.seat):
        body = expect(Paper, who.errand(PAGE, {})).body.decode()
        for secret in (*opened.told, opened.thief.login, "99000"):
            assert secret not in body


def test_who_asks_for_anothers_answer_by_its_id_is_refused(opened: Night) -> None:
    opened.publish()
    for body in ({"establishment": opened.thief.establishment}, {"party": opened.thief.establishment}):
        assert opened.far.refused(PAGE, body).code == "bad-input"
    # The group's head sees the group; a house of it sees neither its sister nor the group as one.
    [item] = opened.read(opened.sister)
    assert (item.houses, item.untouched, item.whole.concerned) == ([], [], False)


def test_row_security_shows_the_cashier_the_answers_of_whom_it_works_for_alone(opened: Night) -> None:
    opened.publish()
    query = "SELECT party FROM incident.answer WHERE incident = %s"
    with psycopg.connect(opened.trade.database.dsn("cashier")) as cashier:
        assert cashier.execute(query, (opened.number,)).fetchall() == []
        for who in (opened.thief, opened.served):
            cashier.execute("SELECT set_config('rempart.parties', %s, true)", (who.establishment,))
            assert cashier.execute(query, (opened.number,)).fetchall() == [(uuid.UUID(who.establishment),)]
        for statement in (
            "INSERT INTO incident.answer SELECT * FROM incident.answer", "DELETE FROM incident.answer",
            "DELETE FROM incident.publication", "UPDATE incident.answer SET answers = 0",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege), cashier.transaction():
                cashier.execute(statement.encode())


def test_the_door_reads_that_it_is_published_and_no_answer(opened: Night) -> None:
    opened.publish()
    with psycopg.connect(opened.trade.database.dsn("door"), autocommit=True) as door:
        [(title,)] = door.execute(
            "SELECT title FROM incident.publication WHERE incident = %s", (opened.number,)
        ).fetchall()
        assert title == "Session volée"
        for statement in ("SELECT party FROM incident.answer", "SELECT nature_fr FROM incident.publication"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                door.execute(statement.encode())


def test_one_that_is_not_published_or_withdrawn_is_absent_like_none(opened: Night) -> None:
    def said(who: Professional) -> bytes:
        return expect(Paper, who.errand(PAGE, {})).body

    never = {who.login: said(who) for who in (opened.thief, opened.far, opened.head)}
    assert msgspec.json.decode(never[opened.thief.login], type=IncidentAnswers).items == []
    opened.count()
    assert said(opened.thief) == never[opened.thief.login]
    opened.publish()
    assert said(opened.thief) != never[opened.thief.login]
    opened.withdraw()
    assert {who.login: said(who) for who in (opened.thief, opened.far, opened.head)} == never
    assert opened.trade.rows("SELECT count(*) FROM incident.answer WHERE incident = %s", opened.number) == [
        (0,)
    ]


def test_published_again_it_is_counted_anew_and_in_the_place_of_the_first(opened: Night) -> None:
    opened.publish()
    with opened.trade.database.connect("operator") as c:
        now = opened.trade.clock()
        acting.say_fact(
            c, Hand("essai", now), Templates.read(), opened.number, "nature", "Deux sessions volées."
        )
    assert opened.read(opened.far)[0].nature_fr == NATURE
    assert opened.publish() == 2
    assert opened.read(opened.far)[0].nature_fr == "Deux sessions volées."
    with opened.trade.database.connect("operator") as c:
        verbs = [act.verb for act in store.acts(c, opened.number)]
        assert store.read_incident(c, opened.number).published == opened.trade.clock()
    assert verbs.count(Verb.PUBLISH) == 2
    opened.withdraw("mauvais intervalle")
    with opened.trade.database.connect("operator") as c:
        assert store.acts(c, opened.number)[-1].value == "mauvais intervalle"
        assert store.read_incident(c, opened.number).published == 0


def test_nobody_is_told_not_concerned_before_it_can_be_said(opened: Night) -> None:
    trade, found = opened.trade, opened.scope()
    negative = opened.negative(found)
    with trade.database.connect("operator") as c:
        incident = store.read_incident(c, opened.number)
        silent = store.open_incident(c, trade.clock(), "essai", "Sans mots", trade.clock())
        with pytest.raises(NothingSaid):
            count_answers(c, store.read_incident(c, silent), found, negative, trade.clock())
        with pytest.raises(NotOver):
            count_answers(c, incident, found, negative, found.question.until + 9 * SECOND)
        # A negative about another interval, or about fewer answers than the scope has, vouches for nobody.
        other = scope(c, Question(found.question.since, found.question.until - 1))
        with pytest.raises(OtherScope):
            count_answers(c, incident, other, negative, trade.clock())
        assert count_answers(c, incident, found, negative, trade.clock()).parties
        with pytest.raises(NotPublished):
            unpublish(c, Hand("essai", trade.clock()), silent, "essai")


def test_a_withdrawal_says_why_and_names_nobody(opened: Night) -> None:
    opened.publish()
    for why in (" ", "voir 2 85 05 99 999 123 04"):
        with pytest.raises(BadInput):
            opened.withdraw(why)
    assert opened.read(opened.far)


def test_a_house_that_has_left_keeps_its_answer_and_nobody_else_gets_it(opened: Night) -> None:
    """Counted by its id in the ledger, whatever became of its seat."""
    trade = opened.trade
    with trade.database.connect() as owner:
        owner.execute(
            "UPDATE vault.establishment SET status = 'suspended' WHERE id = %s",
            (opened.served.establishment,),
        )
    try:
        opened.publish()
        rows = trade.rows(
            "SELECT served FROM incident.answer WHERE incident = %s AND party = %s", opened.number, opened.served.establishment
        )  # fmt: skip
        assert rows == [(1,)]
        assert opened.served.refused(PAGE, {}).code == "session"
    finally:
        with trade.database.connect() as owner:
            owner.execute(
                "UPDATE vault.establishment SET status = 'active' WHERE id = %s",
                (opened.served.establishment,),
            )


def test_the_answer_is_read_while_the_profession_is_closed_and_not_by_a_contained_account(
    opened: Night,
) -> None:
    opened.publish()
    trade = opened.trade
    for name, key, read in (("profession", "pharmacy", True), ("account", opened.far.login, False)):
        throw = ThrowSwitch(name, key, "essai", on=True)
        expect(Done, trade.operate(throw))
        try:
            if read:
                assert view(IncidentAnswers, opened.far.errand(PAGE, {})).items
            else:
                assert opened.far.refused(PAGE, {}).code == "contained"
        finally:
            expect(Done, trade.operate(msgspec.structs.replace(throw, on=False)))
