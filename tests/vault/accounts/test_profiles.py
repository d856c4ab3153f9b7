"""Security profiles and accounts: a party held to passkeys is entered by no password, from nowhere else, by no other place of work."""

from typing import Any

import msgspec
import pytest

from rempart.foundation.vocabulary import Role
from rempart.vaultdoor.messages import (
    EnrolGroup,
    Enrolled,
    EnrolProfessional,
    Here,
    JournalPage,
    LineState,
    ListProfiles,
    Profiles,
    ProfileView,
    Refused,
    Reply,
    SetProfile,
    ShowLine,
    ShowProfile,
    SignedIn,
    TotpSecret,
)
from tests.authenticator import PASSWORD, expect
from tests.vault.accounts.conftest import Person, Vault
from tests.vault.accounts.test_editors import Software, logis, software  # noqa: F401 (fixtures)
from tests.vault.accounts.test_factors import add_password_and_app


def hold(vault: Vault, scope: str, key: str, **changes: Any) -> ProfileView:
    return expect(ProfileView, vault.operate(SetProfile(scope, key, "agreed by contract", **changes)))


def looked_up(vault: Vault) -> int:
    return int(vault.rows("SELECT count(*) FROM evidence.entry")[0][0])


def test_a_phished_password_opens_no_session_where_passkeys_alone_are_admitted(
    vault: Vault, claire: Person
) -> None:
    app = add_password_and_app(vault, claire)
    expect(SignedIn, claire.browser.sign_in_with_password("claire", app.code()))
    hold(vault, "establishment", claire.establishment, assurance="passkey")
    # What was open by password is over at once, and nothing opens it again, on the very device that is bound.
    assert claire.browser.refused("here") == "session"
    vault.time.advance(30_000_000)
    reply = claire.browser.sign_in_with_password("claire", app.code())
    assert expect(Refused, reply).code == "passkey-only"
    expect(SignedIn, claire.browser.sign_in(claire.passkey))
    claire.browser.expect(Here, "here")
    assert looked_up(vault) == 0


def test_a_session_of_another_place_is_no_way_into_a_stricter_one(vault: Vault, claire: Person) -> None:
    """By a phished password at the weaker seat, a thief would add a passkey of his own, or a colleague, and sit in the stricter one."""
    app = add_password_and_app(vault, claire)
    other = vault.establishment(2)
    code = expect(Enrolled, vault.operate(EnrolProfessional("claire", Role.EMPLOYEE, other))).code
    claire.browser.ask("members/join", code=code)
    thief = vault.browser()
    thief.key = claire.browser.key
    vault.time.advance(30_000_000)
    expect(SignedIn, thief.sign_in_with_password("claire", app.code()))
    thief.expect(SignedIn, "establishment/choose", establishment=other)
    hold(vault, "establishment", claire.establishment, assurance="passkey")
    assert thief.refused("passkey/begin") == "session"
    vault.time.advance(30_000_000)
    assert expect(Refused, thief.sign_in_with_password("claire", app.code())).code == "passkey-only"
    # Her own passkey opens both.
    expect(SignedIn, claire.browser.sign_in(claire.passkey))
    claire.browser.expect(SignedIn, "establishment/choose", establishment=other)
    assert looked_up(vault) == 0


def test_a_groups_administrator_enters_no_stricter_house_by_a_password(vault: Vault) -> None:
    group = expect(Enrolled, vault.operate(EnrolGroup("Laboratoires du Rempart"))).id
    place = vault.establishment(3, group)
    enrolled = expect(Enrolled, vault.operate(EnrolProfessional("anne", Role.ADMINISTRATOR, group=group)))
    browser = vault.browser()
    _, app = browser.activate_with_password(enrolled.code)
    browser.expect(Here, "here")
    hold(vault, "establishment", place, assurance="passkey")
    assert browser.refused("here") == "session"
    vault.time.advance(30_000_000)
    assert expect(Refused, browser.sign_in_with_password("anne", app.code())).code == "passkey-only"
    assert looked_up(vault) == 0


def test_an_activation_code_stolen_from_the_post_sets_no_password_there(vault: Vault, pharmacy: str) -> None:
    hold(vault, "establishment", pharmacy, assurance="passkey")
    thief, code = vault.browser(), vault.enrol("claire", pharmacy)
    known = {"activation_code": code}
    secret = thief.introduce("activation/totp", **known)
    assert isinstance(secret, TotpSecret)
    from tests.authenticator import CodeApp

    reply = thief.introduce(
        "activation/password",
        device_label="x",
        password=PASSWORD,
        code=CodeApp(secret, vault).code(),
        **known,
    )
    assert expect(Refused, reply).code == "passkey-only"
    assert vault.rows("SELECT count(*) FROM vault.session") == [(0,)]


def test_an_editors_software_works_from_its_own_networks_alone(
    vault: Vault,
    claire: Person,
    software: Software,  # noqa: F811
) -> None:
    hold(vault, "editor", "Logis Santé", networks=["192.0.2.0/24"])

    def ask(address: str) -> Reply:
        body = {"before": 0, "limit": 10}
        return vault.call(
            msgspec.structs.replace(
                software.signed("/acts/journal", msgspec.json.encode(body)), address=address
            )
        )

    assert expect(Refused, ask("198.51.100.1")).code == "network"
    expect(JournalPage, ask("192.0.2.1"))
    # The pharmacy's own browser is not the editor's.
    claire.browser.expect(JournalPage, "journal", before=0, limit=10)
    assert looked_up(vault) == 0


def test_a_profile_is_shown_listed_and_undone_and_journaled(vault: Vault, claire: Person) -> None:
    place = vault.rows("SELECT finess FROM vault.establishment")[0][0]
    whole = LineState([0, 0, 0], [300, 1_000, 720])
    assert vault.operate(ShowLine("establishment", place)) == whole
    wanted = ProfileView("establishment", place, "passkey", ["card", "secret"], 50, ["192.0.2.0/24"])
    assert (
        hold(
            vault, "establishment", place, assurance="passkey", lanes=["secret", "card"], percent=50, networks=["192.0.2.0/24"]
        )
        == wanted
    )  # fmt: skip
    assert vault.operate(ShowProfile("establishment", place)) == wanted
    assert vault.operate(ListProfiles()) == Profiles([wanted])
    assert vault.operate(ShowLine("account", "claire")) == LineState([0, 0, 0], [80, 150, 60])
    assert "passkey, lanes card+secret, 50 %, 192.0.2.0/24: agreed by contract" in vault.journal()
    hold(
        vault, "establishment", place, assurance="password", lanes=["card", "vitale", "secret"], percent=100, networks=["anywhere"]
    )  # fmt: skip
    assert vault.operate(ListProfiles()) == Profiles([])
    assert vault.operate(ShowLine("establishment", place)) == whole


@pytest.mark.parametrize(
    ("scope", "changes", "field"),
    [
        ("platform", {}, "scope"),
        ("establishment", {"assurance": "none"}, "assurance"),
        ("establishment", {"lanes": ["card", "door"]}, "lanes"),
        ("establishment", {"percent": 9}, "percent"),
        ("establishment", {"percent": 101}, "percent"),
        ("establishment", {"networks": ["192.0.2.1/24"]}, "networks"),
        ("establishment", {"networks": ["2001:db8::/65"]}, "networks"),
        ("establishment", {"networks": ["anywhere", "192.0.2.0/24"]}, "networks"),
        ("establishment", {"reason": " "}, "reason"),
    ],
)
def test_a_profile_that_means_nothing_is_refused(
    vault: Vault, pharmacy: str, scope: str, changes: dict[str, Any], field: str
) -> None:
    call = SetProfile(scope, pharmacy, **{"reason": "x", **changes})
    assert vault.operate(call) == Refused("bad-input", field)
    assert vault.operate(ListProfiles()) == Profiles([])
