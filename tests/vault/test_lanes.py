"""The lanes at the real door: a scanned card, its absences, and a lane that its insurer closed. Each ends by what the ledger shows."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from rempart.cli.counter import Counter, DoorRefused
from rempart.foundation.vocabulary import Domain, Lane
from rempart.vaultdoor.card_text import read_card_text
from rempart.vaultdoor.fhir import Presentation
from rempart.vaultdoor.messages import Call, Done, ProfileView, Refused, Reply, SetProfile, SetVitale
from tests.browser.platform import AMC, BORN, BY_NIR, NIR, Platform, _run_aside, running_platform
from tests.conftest import TestCluster

VITALE = Presentation(Lane.VITALE, AMC, "", NIR, BORN, 1, Domain.PHAR)


@pytest.fixture(scope="module")
def platform(cluster: TestCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    database = cluster.fresh_database()
    with running_platform(database, tmp_path_factory.mktemp("p")) as started:
        yield started
    cluster.drop(database)


@pytest.fixture
def counter(platform: Platform) -> Iterator[Counter]:
    """A pharmacist at a counter, signed in by passkey."""
    _, code = platform.enrol(platform.enrol_pharmacy("Pharmacie du Rempart"))
    signed_in = Counter(platform.origin)
    signed_in.activate(code)
    yield signed_in
    signed_in.close()


def operate(platform: Platform, call: Call) -> Reply:
    from rempart.vaultdoor.client import VaultClient

    async def once() -> Reply:
        client = VaultClient(platform.run_folder / "operator.sock")
        try:
            return await client.call(call)
        finally:
            await client.close()

    reply: Reply = _run_aside(once())
    return reply


def open_lines(platform: Platform) -> None:
    """Another month: a miss by NIR takes most of a newcomer's line."""
    with platform.database.connect() as connection:
        connection.execute(
            "UPDATE vault.meter SET hour = '{0,0,0,0,0}', day = '{0,0,0,0,0,0,0}', month = '{0,0,0,0,0,0,0,0}'"
        )
        connection.execute("DELETE FROM vault.told")


def told(answer: dict[str, Any]) -> tuple[bool, str, int]:
    """Is the right open, by which lane, at what cost?"""
    said = {each["url"]: each for each in answer["extension"]}
    return (
        any(each["inforce"] for each in answer["insurance"]),
        said["urn:rempart:lane"]["valueCode"],
        said["urn:rempart:cost"]["valueInteger"],
    )


def last_entries(platform: Platform, many: int) -> list[tuple[int, int, int]]:
    """Lane, outcome, cost of the ledger's last entries, oldest first."""
    with platform.database.connect() as connection:
        rows = connection.execute(
            "SELECT lane, outcome, cost FROM evidence.entry ORDER BY index DESC LIMIT %s", (many,)
        ).fetchall()
    return rows[::-1]


def comparable(answer: dict[str, Any]) -> str:
    """What an answer says, without what is of one request only, and how it was presented."""
    own = {"created", "request", "extension", "insurer", "contained"}
    return json.dumps({key: value for key, value in answer.items() if key not in own}, sort_keys=True)


def test_a_scanned_card_is_told_by_the_wide_lane_at_a_cost_of_one_at_most(
    platform: Platform, counter: Counter
) -> None:
    shown = read_card_text(platform.scanned).presentation(Domain.PHAR)
    first = counter.check(shown)
    assert first["insurance"][0]["inforce"]
    assert first["preAuthRef"]
    found, lane, cost = told(first)
    assert (found, lane) == (True, "secret")
    assert cost <= 1
    assert told(counter.check(shown)) == (True, "secret", 0)
    assert last_entries(platform, 2) == [(Lane.SECRET, 1, cost), (Lane.SECRET, 1, 0)]


def test_a_secret_guessed_borrowed_or_revoked_is_a_stranger(platform: Platform, counter: Counter) -> None:
    shown = read_card_text(platform.scanned).presentation(Domain.PHAR)
    stranger = Presentation(Lane.CARD, AMC, "INCONNU", "", BORN, 1, Domain.PHAR)
    wrong = {
        "a bit off": msgspec.structs.replace(shown, secret=bytes([shown.secret[0] ^ 1]) + shown.secret[1:]),
        "of nothing": msgspec.structs.replace(shown, secret=bytes(16)),
        "another insurer": msgspec.structs.replace(shown, amc="99000002"),
        "another birth date": msgspec.structs.replace(shown, birth_date=BORN.replace(day=1)),
        "another rank": msgspec.structs.replace(shown, rank=2),
    }
    asked = counter.check(stranger)
    answers = []
    for each in wrong.values():
        open_lines(platform)
        answers.append(counter.check(each))
    assert {comparable(answer) for answer in answers} == {comparable(asked)}
    assert not any(told(answer)[0] for answer in answers)
    entries = last_entries(platform, len(wrong))
    assert [(lane, outcome) for lane, outcome, _ in entries] == [(Lane.SECRET, 2)] * len(wrong)


def test_a_closed_lane_answers_like_an_absence(platform: Platform, counter: Counter) -> None:
    elsewhere = msgspec.structs.replace(VITALE, birth_date=BORN.replace(day=2))
    absent = counter.check(elsewhere)
    open_lines(platform)
    assert told(counter.check(VITALE))[:2] == (True, "vitale")
    assert isinstance(operate(platform, SetVitale(AMC, False, "a robot tries NIRs")), Done)
    try:
        open_lines(platform)
        closed = counter.check(msgspec.structs.replace(VITALE, domain=Domain.LABO))
        open_lines(platform)
        again = counter.check(VITALE)
    finally:
        operate(platform, SetVitale(AMC, True, "over"))
    assert told(closed)[0] is told(again)[0] is False
    # Which domain was asked for is in no absence: the three are one answer, and cost the same.
    assert comparable(closed) == comparable(again) == comparable(absent)
    assert told(closed) == told(absent)
    lanes = [(lane, outcome) for lane, outcome, _ in last_entries(platform, 4)]
    assert lanes == [(Lane.VITALE, 2), (Lane.VITALE, 1), (Lane.VITALE, 2), (Lane.VITALE, 2)]
    open_lines(platform)
    # The card's lane is as it was, and the NIR's after it was opened again.
    assert told(counter.check(Presentation(Lane.CARD, AMC, BY_NIR.adherent, "", BORN, 1, Domain.PHAR)))[0]
    assert told(counter.check(VITALE))[0]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (SetVitale(AMC, True, "why"), "conflict"),
        (SetVitale("99999999", False, "why"), "not-found"),
        (SetVitale("no", False, "why"), "amc-number"),
        (SetVitale(AMC, False, " "), "bad-input"),
    ],
)
def test_a_lane_is_not_moved_by_what_makes_no_sense(platform: Platform, call: Call, code: str) -> None:
    refused = operate(platform, call)
    assert isinstance(refused, Refused)
    assert refused.code == code


def test_opening_and_closing_a_lane_is_in_the_journal(platform: Platform) -> None:
    operate(platform, SetVitale(AMC, False, "at its request"))
    operate(platform, SetVitale(AMC, True, "at its request too"))
    with platform.database.connect() as connection:
        rows = connection.execute(
            "SELECT actor, act, object, detail FROM vault.journal WHERE act LIKE 'vitale:%%' ORDER BY id DESC LIMIT 2"
        ).fetchall()
    assert rows == [
        ("operator", "vitale:open", AMC, "at its request too"), ("operator", "vitale:close", AMC, "at its request"),
    ]  # fmt: skip


def test_a_stolen_browser_elsewhere_is_refused_by_its_establishments_networks(
    platform: Platform, counter: Counter
) -> None:
    """Over HTTP: the front tells the vault the peer's own address, and believes no header of a stranger."""
    shown = read_card_text(platform.scanned).presentation(Domain.PHAR)
    assert told(counter.check(shown))[0]
    here = str(counter.act("/acts/here", {})["establishment"])
    agreed = SetProfile("establishment", here, "agreed", networks=["192.0.2.0/24"])
    assert isinstance(operate(platform, agreed), ProfileView)
    before = last_entries(platform, 1_000)
    counter._http.headers["X-Forwarded-For"] = "192.0.2.7"
    with pytest.raises(DoorRefused, match="403"):
        counter.check(shown)
    with pytest.raises(DoorRefused, match="network"):
        counter.act("/acts/journal", {"before": 0, "limit": 10})
    assert last_entries(platform, 1_000) == before
    agreed = msgspec.structs.replace(agreed, networks=["127.0.0.0/8"])
    assert isinstance(operate(platform, agreed), ProfileView)
    assert told(counter.check(shown))[0]
