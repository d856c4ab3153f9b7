"""Who signed an errand: the vault's word to the cashier. Each attack is what a hostile door, or a thief behind an honest one, would try."""

import asyncio
from typing import Literal

import msgspec
import pytest

from rempart.foundation.clock import MINUTE, SECOND
from rempart.foundation.vocabulary import Profession, Role
from rempart.vault.disclose import RIGHTS
from rempart.vaultdoor.browser import SoftwarePasskey
from rempart.vaultdoor.client import CashierUnreachable, VaultClient, VaultUnreachable
from rempart.vaultdoor.messages import (
    Act,
    Call,
    Done,
    EnrolGroup,
    Enrolled,
    EnrolProfessional,
    Health,
    Healthy,
    Jwks,
    Notify,
    PublicKeys,
    Refused,
    Reply,
    SuspendAccount,
    Thrown,
    ThrowSwitch,
    Vouch,
    Vouched,
)
from tests.authenticator import ORIGIN, SoftwareBrowser, expect
from tests.vault.accounts.conftest import Person, Vault, activated
from tests.vault.signers import by_two

ERRAND = "/claims/invoice"
SPEND = {"number": "F-1"}


@pytest.fixture
def errand(claire: Person) -> Act:
    """One that Claire signed."""
    return claire.browser.signed(ERRAND, SPEND)


def ask(vault: Vault, call: Call) -> Reply:
    """One call on the cashier's socket."""

    async def once() -> Reply:
        client = VaultClient(vault.zone.settings.run_folder / "cashier.sock")
        try:
            return await client.call(call)
        finally:
            await client.close()

    return vault.runner.run(once())


def vouched(vault: Vault, act: Act, proof: Literal["session", "step-up"] = "session") -> Vouched:
    return expect(Vouched, ask(vault, Vouch(act, proof)))


def refused(vault: Vault, act: Act, proof: Literal["session", "step-up"] = "session") -> str:
    return expect(Refused, ask(vault, Vouch(act, proof))).code


def read(vault: Vault, browser: SoftwareBrowser, target: str, body: bytes = b"") -> Act:
    """A signed GET."""
    headers = browser.key.sign("GET", ORIGIN + target, body, vault.clock() // SECOND)
    return Act(
        method="GET",
        target=target,
        content_digest=headers["Content-Digest"],
        signature_input=headers["Signature-Input"],
        signature=headers["Signature"],
        session=browser.session,
        body=body,
    )


def test_the_signer_is_named_with_place_rank_and_proof(vault: Vault, claire: Person, errand: Act) -> None:
    who = vouched(vault, errand)
    assert (who.login, who.establishment) == ("claire", claire.establishment)
    assert (who.profession, who.role, who.amc, who.insurer) == (Profession.PHARMACY, Role.TITULAIRE, "", 0)
    assert who.finess.startswith("75000001")
    assert who.at == vault.clock()
    assert who.proven <= who.at


def test_a_signed_reading_is_vouched_for_with_its_query(vault: Vault, claire: Person) -> None:
    act = read(vault, claire.browser, "/fhir/ClaimResponse?_count=10")
    assert vouched(vault, act).login == "claire"
    assert refused(vault, act) == "stale"
    with_body = read(vault, claire.browser, "/fhir/ClaimResponse", b"{}")
    assert refused(vault, with_body) == "bad-input"
    assert refused(vault, msgspec.structs.replace(act, method="DELETE")) == "not-found"


def test_a_replayed_errand_is_refused(vault: Vault, errand: Act) -> None:
    vouched(vault, errand)
    assert refused(vault, errand) == "stale"


def test_an_errand_replayed_after_a_restart_of_the_vault_is_refused(vault: Vault, errand: Act) -> None:
    vouched(vault, errand)
    vault.zone.nonces._young.clear()
    assert refused(vault, errand) == "stale"


def test_an_errand_replayed_at_once_is_vouched_for_once(vault: Vault, errand: Act) -> None:
    async def together() -> list[Reply]:
        client = VaultClient(vault.zone.settings.run_folder / "cashier.sock")
        try:
            return await asyncio.gather(*(client.call(Vouch(errand, "session")) for _ in range(8)))
        finally:
            await client.close()

    replies = vault.runner.run(together())
    assert sum(isinstance(reply, Vouched) for reply in replies) == 1


def test_an_errand_signed_by_another_device_is_refused(vault: Vault, claire: Person) -> None:
    thief = vault.browser()
    thief.session = claire.browser.session
    assert refused(vault, thief.signed(ERRAND, SPEND)) == "device"


def test_a_cookie_alone_vouches_for_nobody(vault: Vault, errand: Act) -> None:
    unsigned = msgspec.structs.replace(errand, signature_input="", signature="", content_digest="")
    assert refused(vault, unsigned) == "signature"
    assert refused(vault, msgspec.structs.replace(errand, session="")) == "session"


def test_an_errand_changed_on_its_way_is_refused(vault: Vault, errand: Act) -> None:
    for changed in (
        msgspec.structs.replace(errand, body=b'{"number":"F-2"}'),
        msgspec.structs.replace(errand, target="/claims/cancel"),
        msgspec.structs.replace(errand, method="GET", body=b""),
    ):
        assert refused(vault, changed) == "signature"
    vouched(vault, errand)


def test_an_act_of_the_vault_is_nobodys_errand(vault: Vault, claire: Person) -> None:
    """A door that relays to the cashier what was signed for the vault gets no word for it."""
    for target in (
        "/acts/security",
        "/acts/members/invite",
        "/acts/security?x",
        "/%61cts/security",
        *RIGHTS,
        RIGHTS[0] + "?x",
    ):
        assert refused(vault, claire.browser.signed(target, {})) == "not-found"


def test_a_suspended_account_is_not_vouched_for(vault: Vault, errand: Act) -> None:
    expect(Done, vault.operate(SuspendAccount("claire", True)))
    assert refused(vault, errand) == "session"


def test_a_suspended_establishment_is_not_vouched_for(vault: Vault, claire: Person, errand: Act) -> None:
    with vault.database.connect() as owner:
        owner.execute(
            "UPDATE vault.establishment SET status = 'suspended' WHERE id = %s", [claire.establishment]
        )
    assert refused(vault, errand) == "session"


@pytest.mark.parametrize("scope", ["establishment", "account", "device"])
def test_a_thrown_switch_stops_errands_too(vault: Vault, claire: Person, scope: str) -> None:
    who = vouched(vault, claire.browser.signed(ERRAND, SPEND))
    key = {"establishment": who.finess, "account": "claire"}
    switch = ThrowSwitch(scope, key.get(scope, who.device), "exercise", True)
    expect(Done, vault.operate(switch))
    assert refused(vault, claire.browser.signed(ERRAND, SPEND)) == "contained"
    assert refused(vault, read(vault, claire.browser, "/claims/statements")) == "contained"
    expect(Done, vault.operate(msgspec.structs.replace(switch, on=False)))
    vouched(vault, claire.browser.signed(ERRAND, SPEND))


@pytest.mark.parametrize("scope", ["platform", "profession"])
def test_a_wide_switch_lets_the_honest_see_their_own_and_tells_the_cashier(
    vault: Vault, claire: Person, scope: str
) -> None:
    key = {"platform": "", "profession": Profession.PHARMACY}[scope]
    expect(Done, by_two(vault.operate, ThrowSwitch(scope, key, "exercise", True)))
    assert vouched(vault, claire.browser.signed(ERRAND, SPEND)).thrown == [Thrown(scope, "closed")]


def test_a_proof_older_than_the_alert_changes_no_bank_account(vault: Vault, claire: Person) -> None:
    vault.time.advance(MINUTE)
    expect(Done, vault.operate(ThrowSwitch("account", "claire", "a doubt", True, hold="step-up")))
    assert refused(vault, claire.browser.signed("/claims/rib", {}), "step-up") == "step-up"
    vault.time.advance(1)
    claire.browser.step_up(claire.passkey)
    vouched(vault, claire.browser.signed("/claims/rib", {}), "step-up")


def test_a_switch_on_another_stops_nobody(vault: Vault, errand: Act) -> None:
    expect(Done, vault.operate(ThrowSwitch("profession", Profession.OPTICIAN, "exercise", True)))
    expect(Done, vault.operate(ThrowSwitch("lane", "card", "exercise", True)))
    vouched(vault, errand)


def test_a_thief_of_an_open_browser_changes_no_bank_account(vault: Vault, claire: Person) -> None:
    vault.time.now += 6 * MINUTE
    assert refused(vault, claire.browser.signed("/claims/rib", {}), "step-up") == "step-up"
    claire.browser.step_up(claire.passkey)
    vouched(vault, claire.browser.signed("/claims/rib", {}), "step-up")


def test_an_errand_of_an_hour_ago_is_refused(vault: Vault, errand: Act) -> None:
    vault.time.now += 60 * MINUTE
    assert refused(vault, errand) == "stale"


def test_a_large_errand_is_refused(vault: Vault, claire: Person) -> None:
    assert refused(vault, claire.browser.signed(ERRAND, b"x" * (64 * 1024 + 1))) == "too-large"


def test_the_administrator_of_a_group_is_vouched_for_without_a_place(vault: Vault) -> None:
    group = expect(Enrolled, vault.operate(EnrolGroup("Labos du Sud"))).id
    code = expect(Enrolled, vault.operate(EnrolProfessional("anne", Role.ADMINISTRATOR, group=group))).code
    browser = vault.browser()
    browser.activate(code, SoftwarePasskey(ORIGIN))
    who = vouched(vault, browser.signed(ERRAND, SPEND))
    assert (who.establishment, who.profession, who.finess, who.role) == ("", "", "", Role.ADMINISTRATOR)


@pytest.mark.parametrize("socket", ["door", "operator", "probe"])
def test_only_the_cashier_may_ask_who_signed(vault: Vault, errand: Act, socket: str) -> None:
    for call in (Vouch(errand, "session"), Notify("", "rib:ask", "")):
        client = VaultClient(vault.zone.settings.run_folder / f"{socket}.sock")
        with pytest.raises(VaultUnreachable):
            vault.runner.run(client.call(call))
        vault.runner.run(client.close())


def test_the_cashier_may_not_act_for_anybody(vault: Vault, errand: Act) -> None:
    for call in (errand, SuspendAccount("claire", True)):
        with pytest.raises(VaultUnreachable):
            ask(vault, call)
    assert isinstance(ask(vault, Jwks()), PublicKeys)
    assert isinstance(ask(vault, Health()), Healthy)


def test_an_establishment_is_told_on_every_device_and_its_groups_administrator_too(vault: Vault) -> None:
    group = expect(Enrolled, vault.operate(EnrolGroup("Labos du Nord"))).id
    place = vault.establishment(group=group)
    claire = activated(vault, "claire", place)
    paul = activated(vault, "paul", place, Role.EMPLOYEE)
    elsewhere = activated(vault, "luc", vault.establishment(2))
    code = expect(Enrolled, vault.operate(EnrolProfessional("anne", Role.ADMINISTRATOR, group=group))).code
    anne = vault.browser()
    anne.activate(code, SoftwarePasskey(ORIGIN))

    expect(Done, ask(vault, Notify(place, "rib:ask", "à effet dans 48 h")))
    for browser in (claire.browser, paul.browser, anne):
        told = browser.security().notices[0]
        assert (told.kind, told.detail, told.seen) == ("rib:ask", "à effet dans 48 h", False)
    assert all(notice.kind != "rib:ask" for notice in elsewhere.browser.security().notices)
    assert vault.journal().count('"act": "rib:ask"') == 1
    assert "48 h" not in vault.journal()


def test_the_cashier_forges_no_other_notice(vault: Vault, pharmacy: str) -> None:
    assert expect(Refused, ask(vault, Notify(pharmacy, "passkey:add", ""))).code == "bad-input"
    assert expect(Refused, ask(vault, Notify(pharmacy, "anything", ""))).code == "bad-input"
    nobody = "00000000-0000-4000-8000-000000000000"
    assert expect(Refused, ask(vault, Notify(nobody, "rib:ask", ""))).code == "not-found"


def test_an_absent_cashier_is_said_in_its_own_words(vault: Vault) -> None:
    client = VaultClient(vault.zone.settings.run_folder / "claims-door.sock", unreachable=CashierUnreachable)
    with pytest.raises(CashierUnreachable) as refusal:
        vault.runner.run(client.call(Health()))
    assert refusal.value.code == "outage"
    assert "caisse" in refusal.value.french
