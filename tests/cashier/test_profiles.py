"""Security profiles at the one act and at the cashier: who is held to less takes less. Each ends by what the ledger shows."""

from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from rempart.claims.messages import PaymentFilter
from rempart.foundation.clock import SECOND
from rempart.foundation.vocabulary import Domain, Lane
from rempart.vault.disclose import RIGHTS
from rempart.vaultdoor.fhir import Presentation, write_request
from rempart.vaultdoor.insurer import INCIDENTS, WHO_CONSULTED, sign_as_insurer
from rempart.vaultdoor.messages import (
    Act,
    Answer,
    Consultations,
    Paper,
    ProfileView,
    Refused,
    Reply,
    SetProfile,
)
from tests.authenticator import ORIGIN, expect
from tests.browser.platform import NIR
from tests.cashier.conftest import Insured, Professional, Trade


@pytest.fixture
def pharmacist(trade: Trade) -> Professional:
    return trade.professional()


def hold(trade: Trade, scope: str, key: str, **changes: Any) -> None:
    expect(ProfileView, trade.operate(SetProfile(scope, key, "a weak affiliate", **changes)))


def ask(who: Professional, presentation: Presentation, address: str = "") -> Reply:
    act = who.browser.key.act(
        ORIGIN, RIGHTS[0], write_request(presentation), who.trade.clock() // SECOND, who.browser.session
    )
    return who.trade.call(msgspec.structs.replace(act, address=address))


def refused(reply: Reply) -> str:
    return expect(Refused, reply).code


def leaves(who: Professional) -> list[tuple[Any, ...]]:
    return who.trade.rows(
        "SELECT lane, outcome, cost FROM evidence.entry WHERE establishment = %s::uuid ORDER BY index",
        who.establishment,
    )


def by_nir(insured: Insured) -> Presentation:
    return Presentation(Lane.VITALE, insured.insurer.amc, "", NIR, insured.born, 1, Domain.PHAR)


def test_a_weak_affiliate_is_bounded_by_its_own_profile(trade: Trade, pharmacist: Professional) -> None:
    """January 2024 came in by the weakest: its own line ends long before the policy's, and its neighbour's is whole."""
    insurer = trade.insurer()
    people = [trade.insure(insurer) for _ in range(16)]
    hold(trade, "establishment", pharmacist.establishment, lanes=["card"], percent=10)
    assert refused(ask(pharmacist, by_nir(people[0]))) == "lane-closed"
    answers = [ask(pharmacist, each.presentation(Domain.PHAR)) for each in people]
    told = sum(isinstance(answer, Answer) for answer in answers)
    # A tenth of a pharmacy's pace of 30 units an hour: then a person is asked for, and a touch opens a tenth of what it opens elsewhere.
    assert told == 3
    assert {refused(answer) for answer in answers[told:]} == {"step-up"}
    pharmacist.browser.confirm(pharmacist.passkey)
    more = [ask(pharmacist, each.presentation(Domain.PHAR)) for each in people[told:]]
    assert sum(isinstance(answer, Answer) for answer in more) == 1
    assert leaves(pharmacist) == [(Lane.CARD, 1, 1)] * 4
    neighbour = trade.professional()
    assert all(isinstance(ask(neighbour, each.presentation(Domain.PHAR)), Answer) for each in people)
    assert [lane for lane, _, _ in leaves(neighbour)] == [Lane.CARD] * len(people)


def test_a_stolen_session_is_worth_nothing_from_another_network(
    trade: Trade, pharmacist: Professional
) -> None:
    insured = trade.insure(trade.insurer())
    hold(trade, "establishment", pharmacist.establishment, networks=["192.0.2.0/24", "2001:db8:7::/48"])
    shown = insured.presentation(Domain.PHAR)
    for address in ("198.51.100.7", "2001:db8:8:1::/64", "", "192.0.2", "192.0.0.0/8"):
        assert refused(ask(pharmacist, shown, address)) == "network"
        errand = msgspec.structs.replace(
            pharmacist.signed("/claims/payment/list", PaymentFilter()), address=address
        )
        assert refused(trade.at_cashier(errand)) == "network"
    assert leaves(pharmacist) == []
    assert expect(Answer, ask(pharmacist, shown, "192.0.2.9")).decision.open
    assert expect(Answer, ask(pharmacist, shown, "2001:db8:7:1::/64")).decision.open
    assert len(leaves(pharmacist)) == 2


def test_what_an_insurer_asks_for_is_asked_of_whoever_asks_for_its_people(
    trade: Trade, pharmacist: Professional
) -> None:
    strict, other = trade.insurer(), trade.insurer()
    mine, theirs = trade.insure(strict), trade.insure(other)
    hold(trade, "insurer", strict.amc, assurance="passkey", lanes=["vitale", "secret"])
    # The insurer's own closed lane is an absence like any other, at its price.
    assert not expect(Answer, ask(pharmacist, mine.presentation(Domain.PHAR))).decision.open
    hold(trade, "insurer", strict.amc, lanes=["card"])
    assert expect(Answer, ask(pharmacist, mine.presentation(Domain.PHAR))).decision.open
    with trade.database.connect() as owner:
        owner.execute("UPDATE vault.session SET assurance = 1")
    assert refused(ask(pharmacist, mine.presentation(Domain.PHAR))) == "passkey-only"
    absent = msgspec.structs.replace(mine.presentation(Domain.PHAR), adherent="99999997")
    # Decided before anybody is looked for.
    assert refused(ask(pharmacist, absent)) == "passkey-only"
    assert expect(Answer, ask(pharmacist, theirs.presentation(Domain.PHAR))).decision.open
    assert leaves(pharmacist) == [(Lane.CARD, 2, 5), (Lane.CARD, 1, 1), (Lane.CARD, 1, 1)]


def test_a_password_session_that_was_open_before_the_profile_asks_in_vain(
    trade: Trade, pharmacist: Professional
) -> None:
    insured = trade.insure(trade.insurer())
    hold(trade, "establishment", pharmacist.establishment, assurance="passkey")
    # As if it had been opened in the very instant: whatever the sign-in let pass, the one SQL call does not.
    with trade.database.connect() as owner:
        owner.execute("UPDATE vault.session SET assurance = 1")
    assert refused(ask(pharmacist, insured.presentation(Domain.PHAR))) in {"passkey-only", "session"}
    assert leaves(pharmacist) == []
    errand: Act = pharmacist.signed("/claims/payment/list", PaymentFilter())
    assert refused(trade.at_cashier(errand)) == "session"


def test_an_insurers_stolen_key_signs_nothing_from_elsewhere(trade: Trade) -> None:
    insurer = trade.insurer()
    hold(trade, "insurer", insurer.amc, networks=["192.0.2.0/24"])

    def signed(path: str, body: bytes, address: str) -> Act:
        headers = sign_as_insurer(path, ORIGIN, body, insurer.signing, trade.clock())
        return Act(
            "POST", path, headers["Content-Digest"], headers["Signature-Input"], headers["Signature"], "", body, address=address
        )  # fmt: skip

    member = urlencode({"patient:identifier": "urn:x|12345678"}).encode()
    assert refused(trade.call(signed(WHO_CONSULTED, member, "198.51.100.1"))) == "network"
    assert expect(Consultations, trade.call(signed(WHO_CONSULTED, member, "192.0.2.1"))).items == []
    assert refused(trade.at_cashier(signed(INCIDENTS, b"{}", "198.51.100.1"))) == "network"
    expect(Paper, trade.at_cashier(signed(INCIDENTS, b"{}", "192.0.2.1")))
