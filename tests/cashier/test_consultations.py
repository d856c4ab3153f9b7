"""*Who consulted me*: the insurer's own members alone, exactly what a scan of the ledger finds, and every asking on record."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rempart.evidence import store
from rempart.foundation.clock import DAY, HOUR, MINUTE, SECOND
from rempart.foundation.vocabulary import DOMAIN_BY_CODE, Domain, Lane, Profession
from rempart.intake.upload import sign_upload
from rempart.vault import consultations
from rempart.vault.capsule import subject
from rempart.vault.keystore import KeyStore
from rempart.vaultdoor.insurer import WHO_CONSULTED, sign_as_insurer
from rempart.vaultdoor.messages import (
    Act,
    Consultation,
    Consultations,
    JournalLines,
    Refused,
    Reply,
    ThrowSwitch,
)
from rempart.vaultdoor.messages import Journal as AskJournal
from tests.authenticator import ORIGIN, expect
from tests.cashier.clerks import clerk
from tests.cashier.conftest import Insured, Insurer, Professional, Trade, running_trade
from tests.conftest import Database, TestClock

PATH = "/acts/insurer/consultations"
DOMAINS = (Domain.PHAR, Domain.MED, Domain.OPTI)


@dataclass
class Town:
    """Two insurers, each with somebody at its desk and three members; two establishments."""

    trade: Trade
    insurers: list[Insurer]
    desks: list[Professional]
    members: list[list[Insured]]
    askers: list[Professional]
    asked: int = field(default=0)

    def ask(self, which: int, member: str, before: int = 0) -> Reply:
        """By the person at an insurer's desk, who has just proved who they are."""
        desk = self.desks[which]
        desk.step_up()
        return self.trade.call(desk.signed(PATH, {"member": member, "before": before}))

    def told(self, which: int, member: str, before: int = 0) -> Consultations:
        return expect(Consultations, self.ask(which, member, before))

    def by_key(
        self, insurer: Insurer, member: str, key: Ed25519PrivateKey | None = None, body: bytes | None = None
    ) -> Act:
        """By an insurer's systems."""
        content = body if body is not None else urlencode({"patient:identifier": f"urn:x|{member}"}).encode()
        headers = sign_as_insurer(WHO_CONSULTED, ORIGIN, content, key or insurer.signing, self.trade.clock())
        return Act(
            "POST", WHO_CONSULTED, headers["Content-Digest"], headers["Signature-Input"], headers["Signature"], "", content,
        )  # fmt: skip

    def scan(self, insurer: Insurer, member: str) -> list[Consultation]:
        """The slow way: every entry of the ledger, checked against its leaf."""
        who = uuid.UUID(bytes=subject(self.trade.keys.prf("subject"), insurer.amc, member))
        [(size,)] = self.trade.rows("SELECT size FROM evidence.log")
        places = {
            place: (finess, profession)
            for place, finess, profession in self.trade.rows(
                "SELECT id, finess, profession FROM vault.establishment"
            )
        }
        roles = dict(self.trade.rows("SELECT account, role FROM vault.membership"))
        found = []
        with store.reading(self.trade.database.dsn("operator")) as c:
            for index in range(size):
                o = store.read_entry(c, index).opening
                if o.subject == who:
                    finess, profession = places[o.establishment]
                    found.append(
                        Consultation(
                            index, o.at, finess, profession, roles[o.account], DOMAIN_BY_CODE[o.domain],
                            Lane(o.lane).name.lower(), o.answer_class, "",
                        )
                    )  # fmt: skip
        return found[::-1]


@pytest.fixture(scope="module")
def town(
    module_database: Database, claims_keys: tuple[KeyStore, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    with running_trade(module_database, claims_keys, tmp_path_factory.mktemp("run"), TestClock()) as trade:
        insurers = [trade.insurer(), trade.insurer()]
        yield Town(
            trade,
            insurers,
            [clerk(trade, insurer) for insurer in insurers],
            [[trade.insure(insurer) for _ in range(3)] for insurer in insurers],
            [trade.professional(), trade.professional(Profession.DOCTOR)],
        )


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 2), st.sampled_from(DOMAINS)),
        max_size=8,
    )
)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_answer_is_that_of_a_scan_of_the_ledger(
    town: Town, looks: list[tuple[int, int, int, Domain]]
) -> None:
    for asker, insurer, member, domain in looks:
        town.askers[asker].check_right(town.members[insurer][member], domain)
        town.trade.clock.advance(MINUTE)
    town.trade.clock.advance(DAY)
    for which, insurer in enumerate(town.insurers):
        for member in town.members[which]:
            by_person = town.told(which, member.adherent)
            assert by_person.items == town.scan(insurer, member.adherent)
            by_systems = expect(Consultations, town.trade.call(town.by_key(insurer, member.adherent)))
            assert by_systems.items == by_person.items


def test_an_insurer_that_asks_for_another_insurers_member_finds_nobody(town: Town) -> None:
    theirs = town.members[1][0]
    town.askers[0].check_right(theirs, Domain.PHAR)
    town.trade.clock.advance(DAY)
    assert town.told(1, theirs.adherent).items
    # The other insurer's reference is one that this insurer does not have: the answer of a reference that nobody has.
    nothing, unknown = town.told(0, theirs.adherent), town.told(0, "NOBODY")
    assert nothing.items == unknown.items == []
    assert expect(Consultations, town.trade.call(town.by_key(town.insurers[0], theirs.adherent))).items == []
    # Even where both insurers use the same reference, each sees its own member.
    twins = [
        Insured(i, "SAME-REF", m[0].born, m[0].contracts)
        for i, m in zip(town.insurers, town.members, strict=True)
    ]
    with town.trade.database.connect() as owner:
        for twin in twins:
            town.trade._seal(owner, twin)
    town.askers[0].check_right(twins[0], Domain.PHAR)
    assert [len(town.told(which, "SAME-REF").items) for which in (0, 1)] == [1, 0]


def test_a_long_list_comes_in_pages_without_a_gap(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consultations, "PAGE", 2)
    member = town.trade.insure(town.insurers[0])
    for domain in (Domain.PHAR, Domain.LABO, Domain.MED, Domain.OPTI, Domain.AUDI):
        town.askers[0].check_right(member, domain)
    pages, before = [], 0
    while True:
        page = town.told(0, member.adherent, before)
        pages.append([each.domain for each in page.items])
        before = page.next
        if not before:
            break
    assert pages == [["AUDI", "OPTI"], ["MED", "LABO"], ["PHAR"]]
    town.trade.clock.advance(DAY)


def test_nobody_but_an_insurers_people_may_ask_and_only_with_a_fresh_proof(town: Town) -> None:
    pharmacist = town.askers[0]
    pharmacist.step_up()
    assert expect(Refused, town.trade.call(pharmacist.signed(PATH, {"member": "X"}))).code == "forbidden"
    desk = town.desks[0]
    desk.step_up()
    town.trade.clock.advance(6 * MINUTE)
    assert expect(Refused, town.trade.call(desk.signed(PATH, {"member": "X"}))).code == "step-up"


def test_a_thief_at_an_insurers_desk_asks_a_hundred_times_at_most_and_each_is_on_record(town: Town) -> None:
    member = town.members[0][0].adherent
    desk, before = town.desks[0], town.trade.rows("SELECT count(*) FROM vault.inquiry")[0][0]
    town.trade.clock.advance(2 * DAY)
    desk.step_up()
    codes = []
    for _ in range(consultations.SEAT_LIMIT + 1):
        reply = town.trade.call(desk.signed(PATH, {"member": member}))
        codes.append(reply.code if isinstance(reply, Refused) else "")
    assert codes == [""] * consultations.SEAT_LIMIT + ["inquiries"]
    assert town.trade.rows("SELECT count(*) FROM vault.inquiry")[0][0] == before + consultations.SEAT_LIMIT
    lines = expect(JournalLines, town.trade.operate(AskJournal(5))).lines
    assert all("consultations:ask" in line and town.insurers[0].amc in line for line in lines)
    # Neither reference nor pseudonym is written anywhere.
    who = subject(town.trade.keys.prf("subject"), town.insurers[0].amc, member)
    for table in ("vault.inquiry", "vault.journal"):
        for row in town.trade.rows(f"SELECT * FROM {table}"):
            assert member not in str(row)
            assert str(uuid.UUID(bytes=who)) not in str(row)
            assert who.hex() not in str(row)
    town.trade.clock.advance(2 * DAY)


def test_a_switch_closes_it(town: Town) -> None:
    amc = town.insurers[1].amc
    town.trade.operate(ThrowSwitch("insurer", amc, "test", on=True))
    try:
        assert expect(Refused, town.ask(1, "X")).code == "contained"
        assert expect(Refused, town.trade.call(town.by_key(town.insurers[1], "X"))).code == "contained"
    finally:
        town.trade.operate(ThrowSwitch("insurer", amc, "test", on=False))
    assert town.told(1, "X").items == []


def test_a_request_that_is_not_the_insurers_own_is_refused(town: Town) -> None:
    insurer, member = town.insurers[0], town.members[0][0].adherent

    def refused(act: Act) -> str:
        return expect(Refused, town.trade.call(act)).code

    good = town.by_key(insurer, member)
    stranger = town.by_key(insurer, member, Ed25519PrivateKey.generate())
    other_body = town.by_key(insurer, "ANOTHER").body
    upload = sign_upload(WHO_CONSULTED, ORIGIN, b"\0" * 32, insurer.signing, town.trade.clock())
    assert refused(stranger) == "signature"
    assert refused(msgspec.structs.replace(good, body=other_body)) == "signature"
    assert (
        refused(
            msgspec.structs.replace(good, signature_input=upload.signature_input, signature=upload.signature)
        )
        == "signature"
    )
    assert refused(msgspec.structs.replace(good, target=f"{WHO_CONSULTED}?x")) == "not-found"
    for form in (
        b"",
        b"member=1",
        b"patient:identifier=",
        b"patient:identifier=a&patient:identifier=b",
        b"\xff",
        b"patient:identifier=a&page=-1",
    ):
        assert refused(town.by_key(insurer, "", body=form)) == "bad-input"
    assert expect(Consultations, town.trade.call(good)).amc == insurer.amc
    assert refused(good) == "stale"
    town.trade.clock.advance(2 * MINUTE)
    late = town.by_key(insurer, member)
    town.trade.clock.advance(2 * MINUTE)
    assert refused(late) == "stale"


def test_an_insurers_systems_ask_so_often_an_hour_and_no_more(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.trade.clock.advance(2 * HOUR)
    monkeypatch.setattr(consultations, "KEY_LIMIT", 3)
    replies = [town.trade.call(town.by_key(town.insurers[0], "X")) for _ in range(4)]
    assert [getattr(reply, "code", "") for reply in replies] == ["", "", "", "inquiries"]
    assert isinstance(town.trade.call(town.by_key(town.insurers[1], "X")), Consultations)
    town.trade.clock.advance(HOUR + SECOND)
    assert isinstance(town.trade.call(town.by_key(town.insurers[0], "X")), Consultations)


def test_askings_that_race_for_the_last_one_are_not_all_told(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.trade.clock.advance(2 * HOUR)
    monkeypatch.setattr(consultations, "KEY_LIMIT", 2)
    acts = [town.by_key(town.insurers[0], "X") for _ in range(8)]

    async def together() -> list[Reply]:
        return list(await asyncio.gather(*(town.trade.door.call(act) for act in acts)))

    told = [reply for reply in town.trade.runner.run(together()) if isinstance(reply, Consultations)]
    assert len(told) == 2
