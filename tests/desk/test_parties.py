"""Parties at the desk: profiles, editors, insurers and their lane. Counted first, and by as many people as the command takes."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rempart.foundation.clock import MINUTE, SECOND
from rempart.foundation.vocabulary import Role
from rempart.vaultdoor.messages import (
    Done,
    Editors,
    Effect,
    Enrolled,
    Insurers,
    Profiles,
    ProfileView,
    Proposals,
    Proposed,
    RegisterInsurer,
    SetVitale,
)
from tests.authenticator import expect
from tests.desk.conftest import Operator, Room
from tests.vault.accounts.conftest import Person, activated

AMC = "99999997"
KEYS = {name: base64.b64encode(letter * 32).decode() for name, letter in (("signing_key", b"s"), ("notice_key", b"n"))}  # fmt: skip
INSURER = {"amc": AMC, "name": "Mutuelle du Ponant", **KEYS, "dry_run": False}


def pem() -> str:
    """A new editor's key, as its tool prints it."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
def claire(room: Room) -> Person:
    return activated(room, "claire", room.establishment())


@pytest.fixture
def clerk(room: Room, claire: Person) -> Operator:
    """A clerk, whose passkey was used a while ago."""
    nora = room.operator("nora", Role.ONBOARDING_CLERK)
    room.time.advance(6 * MINUTE)
    return nora


@pytest.fixture
def second(clerk: Operator, room: Room) -> Operator:
    return room.operator("sami", Role.SECURITY_LEAD)


def approve(room: Room, who: Operator, number: int, told: type) -> None:
    room.time.advance(SECOND)
    who.touch()
    who.expect(told, "proposal/approve", id=number)


def test_a_profile_is_shown_counted_and_made_stricter_by_one_with_a_passkey(
    room: Room, claire: Person, clerk: Operator, second: Operator
) -> None:
    narrow = {
        "scope": "establishment", "key": claire.establishment, "reason": "a weak affiliate", "assurance": "passkey",
        "lanes": ["card", "secret"], "percent": 50, "networks": ["192.0.2.0/24"],
    }  # fmt: skip
    counted = clerk.expect(Effect, "profile/set", **narrow)
    assert (counted.second, counted.establishments, counted.accounts) == (False, 1, 1)
    assert clerk.expect(Profiles, "profiles").profiles == []
    assert clerk.refused("profile/set", **narrow, dry_run=False) == "step-up"
    clerk.touch()
    done = clerk.expect(ProfileView, "profile/set", **narrow, dry_run=False)
    assert (done.assurance, done.lanes, done.percent, done.networks) == (
        "passkey", ["card", "secret"], 50, ["192.0.2.0/24"],
    )  # fmt: skip
    assert '"actor": "nora", "act": "profile:set"' in room.journal()
    asked = {"scope": "establishment", "key": claire.establishment}
    assert clerk.expect(ProfileView, "profile", **asked) == done
    # Wider in one word of four: not alone, however fresh the passkey.
    wide = narrow | {"percent": 60}
    assert clerk.expect(Effect, "profile/set", **wide).second
    number = clerk.expect(Proposed, "profile/set", **wide, dry_run=False).id
    assert clerk.expect(ProfileView, "profile", **asked).percent == 50
    approve(room, second, number, ProfileView)
    assert clerk.expect(ProfileView, "profile", **asked).percent == 60


@pytest.mark.parametrize(
    "wrong",
    [{"percent": 5}, {"percent": 500}, {"lanes": ["card"] * 4}, {"lanes": ["nir"]}, {"networks": ["10.0.0.1/8"]}, {"scope": "platform"},
     {"assurance": "none"}, {"networks": ["192.0.2.0/24"] * 21}, {"lanes": "card"}, {"more": 1}],
)  # fmt: skip
def test_a_hostile_profile_is_refused_before_anything_is_counted(
    claire: Person, clerk: Operator, wrong: dict[str, object]
) -> None:
    body = {"scope": "establishment", "key": claire.establishment, "reason": "to see"} | wrong
    assert clerk.refused("profile/set", **body) == "bad-input"


def test_one_operator_registers_no_insurer_and_moves_no_lane_by_any_hand(
    room: Room, clerk: Operator, second: Operator
) -> None:
    clerk.touch()
    assert clerk.expect(Effect, "insurer/register", **(INSURER | {"dry_run": True})).second
    number = clerk.expect(Proposed, "insurer/register", **INSURER).id
    by_command = room.operate(RegisterInsurer(AMC, "Mutuelle du Ponant", b"x" * 32, b"n" * 32))
    assert isinstance(by_command, Proposed)
    shown = {one.id: one.told for one in second.expect(Proposals, "proposals").proposals}
    # The second person reads the keys as they stand on the contract, and whose are others.
    assert shown[number]["signing_key"] == KEYS["signing_key"] != shown[by_command.id]["signing_key"]
    assert clerk.expect(Insurers, "insurers").insurers == []
    approve(room, second, number, Enrolled)
    (known,) = clerk.expect(Insurers, "insurers").insurers
    assert (known.amc, known.signing_key, known.vitale_open) == (AMC, KEYS["signing_key"], True)
    # The command that registers it, typed again, changes nothing and asks nobody.
    expect(Enrolled, room.operate(RegisterInsurer(AMC, "Mutuelle du Ponant", b"s" * 32, b"n" * 32)))
    # Other keys for the same n° AMC are nobody's to register.
    again = INSURER | {"notice_key": KEYS["signing_key"]}
    assert clerk.refused("insurer/register", **again) == "conflict"

    lane = {"amc": AMC, "open": False, "reason": "at its request"}
    clerk.touch()
    counted = clerk.expect(Effect, "insurer/vitale", **lane)
    assert (counted.second, counted.insurers) == (True, 1)
    number = clerk.expect(Proposed, "insurer/vitale", **lane, dry_run=False).id
    expect(Proposed, room.operate(SetVitale(AMC, False, "by a shell")))
    assert clerk.expect(Insurers, "insurers").insurers[0].vitale_open
    approve(room, second, number, Done)
    assert not clerk.expect(Insurers, "insurers").insurers[0].vitale_open
    assert '"actor": "nora sami", "act": "vitale:close"' in room.journal()


def test_an_editor_is_registered_alone_with_a_passkey_and_its_key_replaced_by_two(
    room: Room, clerk: Operator, second: Operator
) -> None:
    new = {"name": "Logis Santé", "public_key": pem(), "dry_run": False}
    assert clerk.refused("editor/register", **new) == "step-up"
    clerk.touch()
    clerk.expect(Enrolled, "editor/register", **new)
    (known,) = clerk.expect(Editors, "editors").editors
    other = new | {"public_key": pem(), "replace": True}
    assert clerk.refused("editor/register", **(other | {"replace": False})) == "conflict"
    number = clerk.expect(Proposed, "editor/register", **other).id
    assert clerk.expect(Editors, "editors").editors == [known]
    approve(room, second, number, Enrolled)
    assert clerk.expect(Editors, "editors").editors[0].keyid != known.keyid


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("editor/register", {"name": "Logis", "public_key": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"}),
        ("editor/register", {"name": "Logis", "public_key": ""}),
        ("editor/register", {"name": "Logis", "public_key": "\u0000" * 5_000}),
        ("insurer/register", {"amc": AMC, "name": "M", "signing_key": "AAAA", "notice_key": KEYS["notice_key"]}),
        ("insurer/register", {"amc": AMC, "name": "M", "signing_key": "é" * 44, "notice_key": KEYS["notice_key"]}),
        ("insurer/register", {"amc": "1", "name": "M", **KEYS}),
        ("insurer/vitale", {"amc": AMC, "open": "no", "reason": "x"}),
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused_before_it_is_proposed(
    clerk: Operator, path: str, body: dict[str, object]
) -> None:
    clerk.touch()
    assert clerk.refused(path, **body, dry_run=False) in {"bad-input", "amc-number"}
    assert clerk.expect(Proposals, "proposals").proposals == []


def test_who_only_reads_changes_no_party(room: Room, claire: Person) -> None:
    rita = room.operator("rita", Role.AUDITOR)
    rita.expect(Insurers, "insurers")
    rita.expect(Profiles, "profiles")
    deeds: dict[str, dict[str, object]] = {
        "insurer/register": INSURER,
        "insurer/vitale": {"amc": AMC, "open": False, "reason": "x"},
        "editor/register": {"name": "Logis", "public_key": pem()},
        "profile/set": {"scope": "establishment", "key": claire.establishment, "reason": "x"},
    }
    for path, body in deeds.items():
        assert rita.refused(path, **body) == "forbidden"
        assert f'"act": "desk:refuse", "object": "/desk/{path}"' in room.journal()
