"""Practice software is a party: two keys sign, neither opens anything alone. Each test is an attack, or the honest way beside it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec
import pytest

from rempart.client.keys import EditorKey, keyid
from rempart.client.signing import signed_headers
from rempart.foundation.clock import DAY, HOUR, MINUTE, SECOND
from rempart.foundation.vocabulary import Role
from rempart.vault.editors import OVERLAP
from rempart.vault.signature import public_key_of
from rempart.vaultdoor.browser import DeviceKey, SoftwarePasskey
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import (
    Act,
    Challenge,
    Done,
    EditorPage,
    Editors,
    Enrolled,
    EnrolProfessional,
    IssueSoftwareCode,
    JournalPage,
    ListEditors,
    Members,
    MemberView,
    Refused,
    RegisterEditor,
    Reply,
    SignedIn,
    SoftwareAsked,
    SoftwarePending,
    Softwares,
    SuspendAccount,
    SuspendEditor,
    ThrowSwitch,
    Vouch,
    Vouched,
)
from tests.authenticator import ORIGIN, SoftwareBrowser, expect
from tests.vault.accounts.conftest import Person, Vault, activated

ERRAND = "/fhir/Claim/$submit"


def point(key: EditorKey) -> bytes:
    numbers = public_key_of(key.public["x"], key.public["y"]).public_numbers()
    return b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


@dataclass
class Software:
    """One installation of an editor's product."""

    vault: Vault
    editor: EditorKey | None
    key: EditorKey
    session: str = ""

    def signed(self, path: str, body: Any, method: str = "POST") -> Act:
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        created = self.vault.clock() // SECOND
        headers = signed_headers(
            method, ORIGIN + path, content, created=created, device=self.key, editor=self.editor
        )
        return Act(
            method,
            path,
            headers["Content-Digest"],
            headers["Signature-Input"],
            headers["Signature"],
            self.session,
            content,
        )

    def ask(self, path: str, **body: Any) -> Reply:
        reply = self.vault.call(self.signed(f"/acts/{path}", body))
        if isinstance(reply, SignedIn):
            self.session = reply.session
        return reply

    def introduce(self, path: str, **body: Any) -> Reply:
        return self.ask(path, device_key=self.key.public, **body)

    def refused(self, path: str, **body: Any) -> str:
        return expect(Refused, self.ask(path, **body)).code

    def install(self, code: str) -> SoftwarePending:
        return expect(
            SoftwarePending, self.introduce("software/install", device_label="Comptoirs", code=code)
        )

    def errand(self) -> Reply:
        """What the cashier asks of the vault when this software sends an invoice."""
        return vouch(self.vault, self.signed(ERRAND, b"{}"))


def vouch(vault: Vault, act: Act, proof: Literal["session", "step-up"] = "session") -> Reply:
    async def once() -> Reply:
        client = VaultClient(vault.zone.settings.run_folder / "cashier.sock")
        try:
            return await client.call(Vouch(act, proof))
        finally:
            await client.close()

    return vault.runner.run(once())


def register(vault: Vault, name: str) -> EditorKey:
    key = EditorKey.generate()
    expect(Enrolled, vault.operate(RegisterEditor(name, point(key))))
    return key


def code_for(person: Person, editor: str) -> str:
    return person.browser.expect(Enrolled, "software/invite", establishment="", editor=editor).code


def confirm(person: Person, pending: SoftwarePending, **changes: str) -> Reply:
    challenge = person.browser.expect(Challenge, "software/begin")
    body = {"ask": pending.ask, "code": pending.code} | changes
    return person.browser.ask(
        "software/confirm",
        **body,
        nonce=challenge.nonce,
        credential=person.passkey.use(challenge, person.browser.key),
    )


@pytest.fixture
def logis(vault: Vault) -> EditorKey:
    """An editor's key."""
    return register(vault, "Logis Santé")


@pytest.fixture
def software(vault: Vault, claire: Person, logis: EditorKey) -> Software:
    """Installed, confirmed by Claire, at work."""
    installed = Software(vault, logis, EditorKey.generate())
    pending = installed.install(code_for(claire, "Logis Santé"))
    expect(Done, confirm(claire, pending))
    expect(SignedIn, installed.introduce("software/collect", ask=pending.ask))
    return installed


# ── the honest way ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_software_is_installed_confirmed_and_works(
    vault: Vault, claire: Person, software: Software
) -> None:
    expect(JournalPage, software.ask("journal", before=0, limit=10))
    vouched = expect(Vouched, software.errand())
    assert (vouched.login, vouched.establishment, vouched.proven) == ("claire", claire.establishment, 0)
    told = claire.browser.expect(Softwares, "software", establishment="")
    [seen] = told.installed
    assert (seen.editor, seen.label, seen.status) == ("Logis Santé", "Comptoirs", "active")
    assert seen.fresh_until == vault.clock() + 12 * HOUR
    assert {"software:install", "device:bind"} <= set(claire.browser.notices())
    assert "software:confirm" in vault.journal()


def test_it_lapses_after_twelve_hours_and_a_colleague_confirms_it(
    vault: Vault, claire: Person, software: Software
) -> None:
    vault.time.advance(12 * HOUR)
    assert software.refused("journal", before=0, limit=10) == "session"
    paul = activated(vault, "paul", claire.establishment, Role.EMPLOYEE)
    pending = expect(SoftwarePending, software.introduce("software/ask"))
    assert pending.purpose == "work"
    assert expect(SoftwarePending, software.introduce("software/collect", ask=pending.ask)) == pending
    asked = paul.browser.expect(SoftwareAsked, "software/asked", ask=pending.ask)
    assert (asked.editor, asked.label, asked.purpose) == ("Logis Santé", "Comptoirs", "work")
    expect(Done, confirm(paul, pending))
    assert expect(SignedIn, software.introduce("software/collect", ask=pending.ask)).login == "paul"
    assert expect(Vouched, software.errand()).login == "paul"


def test_a_person_is_seen_while_it_works_and_only_then_is_the_session_stepped_up(
    vault: Vault, claire: Person, software: Software
) -> None:
    assert vault.rows("SELECT stepped FROM vault.session WHERE proven = 0") == [(0,)]
    vault.time.advance(HOUR)
    pending = expect(SoftwarePending, software.introduce("software/ask"))
    assert pending.purpose == "step-up"
    expect(Done, confirm(claire, pending))
    expect(SignedIn, software.introduce("software/collect", ask=pending.ask))
    assert vault.rows("SELECT stepped FROM vault.session WHERE proven = 0") == [(vault.clock(),)]


def test_the_operator_can_issue_the_code_too(vault: Vault, claire: Person, logis: EditorKey) -> None:
    code = expect(Enrolled, vault.operate(IssueSoftwareCode("Logis Santé", claire.establishment))).code
    Software(vault, logis, EditorKey.generate()).install(code)
    [view] = expect(Editors, vault.operate(ListEditors())).editors
    assert (view.name, view.keyid, view.establishments, view.devices) == ("Logis Santé", keyid(logis), 1, 1)


def test_an_uninstalled_software_gets_nothing_at_once(
    vault: Vault, claire: Person, software: Software
) -> None:
    [seen] = claire.browser.expect(Softwares, "software", establishment="").installed
    claire.browser.expect(Done, "software/remove", establishment="", device=seen.device)
    assert software.refused("journal", before=0, limit=10) == "session"
    assert expect(Refused, software.introduce("software/ask")).code == "not-found"


# ── attacks ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_editors_key_without_a_bound_device_gets_nothing(
    vault: Vault, logis: EditorKey, claire: Person
) -> None:
    stranger = Software(vault, logis, EditorKey.generate())
    assert expect(Refused, stranger.introduce("software/ask")).code == "not-found"
    assert stranger.refused("journal", before=0, limit=10) == "session"
    guess = stranger.introduce("software/install", device_label="x", code="AAAA-BBBB-CCCC-DDDD")
    assert expect(Refused, guess).code == "activation"
    # Nor with a session that it has seen: the device is another.
    stranger.session = claire.browser.session
    assert stranger.refused("journal", before=0, limit=10) == "device"


def test_a_software_without_its_editors_signature_gets_nothing(vault: Vault, software: Software) -> None:
    alone = replace(software, editor=None)
    assert alone.refused("journal", before=0, limit=10) == "editor"
    assert expect(Refused, alone.errand()).code == "editor"
    assert expect(Refused, alone.introduce("software/ask")).code == "editor"


def test_a_device_of_editor_a_signed_by_editor_b_is_refused(
    vault: Vault, claire: Person, software: Software
) -> None:
    other = replace(software, editor=register(vault, "Autre Logiciel"))
    assert other.refused("journal", before=0, limit=10) == "editor"
    assert expect(Refused, other.errand()).code == "editor"
    assert expect(Refused, other.introduce("software/ask")).code == "editor"
    # Nor does a code for A install B's software.
    code = code_for(claire, "Logis Santé")
    fresh = Software(vault, other.editor, EditorKey.generate())
    assert (
        expect(Refused, fresh.introduce("software/install", device_label="x", code=code)).code == "activation"
    )


def test_a_strangers_editor_key_is_refused(vault: Vault, software: Software) -> None:
    assert replace(software, editor=EditorKey.generate()).refused("journal", before=0, limit=10) == "editor"


def test_an_editors_signature_moved_to_another_request_is_refused(vault: Vault, software: Software) -> None:
    seen = software.signed("/acts/journal", {"before": 0, "limit": 10})
    other = software.signed("/acts/journal", {"before": 0, "limit": 11})
    assert refusal(vault, grafted(other, seen)) == "signature"


def test_an_editors_signature_moved_beside_another_devices_is_refused(
    vault: Vault, claire: Person, logis: EditorKey, software: Software
) -> None:
    # Another installation of the same editor, the same request to the byte: only the device differs.
    second = Software(vault, logis, EditorKey.generate())
    pending = second.install(code_for(claire, "Logis Santé"))
    expect(Done, confirm(claire, pending))
    expect(SignedIn, second.introduce("software/collect", ask=pending.ask))
    body = {"before": 0, "limit": 10}
    stolen = grafted(second.signed("/acts/journal", body), software.signed("/acts/journal", body))
    assert refusal(vault, stolen) == "signature"


def test_both_signatures_replayed_are_stale(vault: Vault, software: Software) -> None:
    act = software.signed("/acts/journal", {"before": 0, "limit": 10})
    expect(JournalPage, vault.call(act))
    assert refusal(vault, act) == "stale"


def test_an_editors_nonce_is_used_once(vault: Vault, software: Software) -> None:
    """The device signs anew each time; an editor that repeats itself is refused all the same."""

    def repeating() -> Callable[[], bytes]:
        drawn = iter(
            [vault.zone.keys.prf("codes")(str(vault.rows("SELECT random()")).encode())[:16], bytes(16)]
        )
        return lambda: next(drawn)

    def act() -> Act:
        headers = signed_headers(
            "POST", f"{ORIGIN}/acts/journal", b'{"before":0,"limit":1}', created=vault.clock() // SECOND,
            device=software.key, editor=software.editor, nonce=repeating(),
        )  # fmt: skip
        return Act(
            "POST", "/acts/journal", headers["Content-Digest"], headers["Signature-Input"], headers["Signature"],
            software.session, b'{"before":0,"limit":1}',
        )  # fmt: skip

    expect(JournalPage, vault.call(act()))
    assert refusal(vault, act()) == "stale"


@pytest.mark.parametrize(
    "change",
    [
        lambda a: replace_headers(a, a.signature_input.partition(", ")[0], a.signature),
        lambda a: replace_headers(a, a.signature_input, a.signature.partition(", ")[0]),
        lambda a: replace_headers(a, *(", ".join(reversed(h.split(", "))) for h in (a.signature_input, a.signature))),
        lambda a: replace_headers(a, a.signature_input.replace("rempart-editor-v1", "rempart-v1"), a.signature),
        lambda a: replace_headers(a, a.signature_input.replace(', editor=', ',editor='), a.signature),
        lambda a: replace_headers(a, a.signature_input + ", x=()", a.signature),
        lambda a: replace_headers(
            a, a.signature_input.replace(' "signature-input";key="rempart" "signature";key="rempart"', ""), a.signature
        ),
    ],
    ids=["one input", "one signature", "editor first", "another tag", "no space", "a third", "covers less"],
)  # fmt: skip
def test_any_other_form_of_two_signatures_is_refused(
    vault: Vault, software: Software, change: Callable[[Act], Act]
) -> None:
    act = software.signed("/acts/journal", {"before": 0, "limit": 10})
    assert refusal(vault, change(act)) == "signature"


def test_a_suspended_editors_product_is_told_nothing_at_once(
    vault: Vault, claire: Person, software: Software
) -> None:
    expect(JournalPage, software.ask("journal", before=0, limit=10))
    expect(Done, vault.operate(SuspendEditor("Logis Santé", True)))
    assert software.refused("journal", before=0, limit=10) == "editor"
    assert expect(Refused, software.errand()).code == "editor"
    assert expect(Refused, software.introduce("software/ask")).code == "editor"
    # The portal stays open to the person.
    expect(JournalPage, claire.browser.ask("journal", before=0, limit=10))
    expect(Done, vault.operate(SuspendEditor("Logis Santé", False)))
    expect(JournalPage, software.ask("journal", before=0, limit=10))


def test_a_suspension_by_another_vault_counts_though_memory_says_otherwise(
    vault: Vault, software: Software
) -> None:
    expect(JournalPage, software.ask("journal", before=0, limit=10))
    with vault.database.connect() as owner:
        owner.execute("UPDATE vault.editor SET status = 'suspended'")
    assert software.refused("journal", before=0, limit=10) == "editor"
    assert expect(Refused, software.errand()).code == "editor"


def test_a_switch_on_the_editor_stops_its_software_and_no_browser(
    vault: Vault, claire: Person, software: Software
) -> None:
    expect(Done, vault.operate(ThrowSwitch("editor", "Logis Santé", "essai", True)))
    assert expect(Refused, software.errand()).code == "contained"
    expect(Vouched, vouch(vault, claire.browser.signed(ERRAND, b"{}")))


def test_a_browser_that_brings_an_editors_signature_is_refused(
    vault: Vault, claire: Person, logis: EditorKey
) -> None:
    act = claire.browser.signed("/acts/journal", {"before": 0, "limit": 10})
    browser = Software(vault, logis, key_of(claire.browser), claire.browser.session)
    assert browser.refused("journal", before=0, limit=10) == "editor"
    expect(JournalPage, vault.call(act))


def test_a_software_touches_no_factor_no_device_no_member(
    vault: Vault, claire: Person, software: Software
) -> None:
    expect(JournalPage, software.ask("journal", before=0, limit=10))
    for path in (
        "security",
        "sign-out-elsewhere",
        "step-up/begin",
        "presence/begin",
        "software/begin",
        "passkey/begin",
        "recovery/renew",
        "software",
    ):
        body = {"establishment": ""} if path == "software" else {}
        assert software.refused(path, **body) == "forbidden", path
    assert (
        software.refused("members/invite", establishment="", login="mallory", role="titulaire") == "forbidden"
    )
    assert software.refused("software/invite", establishment="", editor="Logis Santé") == "forbidden"
    # And no errand that needs a person's proof (a bank account).
    refused = expect(Refused, vouch(vault, software.signed("/claims/rib/change", b"{}"), "step-up"))
    assert refused.code == "step-up"


def test_a_softwares_key_is_no_browser_even_with_a_passkey(
    vault: Vault, claire: Person, software: Software
) -> None:
    """Whoever copied the software's device key, and gets a passkey used on it, still needs the editor's signature."""
    thief = SoftwareBrowser(vault, key=device_key_of(software.key))
    opened = expect(SignedIn, thief.sign_in(claire.passkey))
    assert thief.session == opened.session
    assert thief.refused("journal", before=0, limit=10) == "editor"


def test_somebody_of_another_establishment_confirms_nothing(
    vault: Vault, claire: Person, software: Software
) -> None:
    stranger = activated(vault, "mallory", vault.establishment(2))
    pending = expect(SoftwarePending, software.introduce("software/ask"))
    assert stranger.browser.refused("software/asked", ask=pending.ask) == "not-found"
    assert expect(Refused, confirm(stranger, pending)).code == "not-found"
    assert expect(SoftwarePending, software.introduce("software/collect", ask=pending.ask)) == pending


def test_a_confirmation_takes_a_passkey_and_the_code_shown(
    vault: Vault, claire: Person, software: Software
) -> None:
    pending = expect(SoftwarePending, software.introduce("software/ask"))
    assert expect(Refused, confirm(claire, pending, code="0000-0000")).code == "credentials"
    foreign = replace(claire, passkey=SoftwarePasskey(ORIGIN))
    assert expect(Refused, confirm(foreign, pending)).code == "credentials"
    assert expect(SoftwarePending, software.introduce("software/collect", ask=pending.ask)) == pending


def test_a_confirmation_serves_one_software_once_and_in_time(
    vault: Vault, claire: Person, software: Software
) -> None:
    pending = expect(SoftwarePending, software.introduce("software/ask"))
    expect(Done, confirm(claire, pending))
    second = Software(vault, software.editor, EditorKey.generate())
    second.install(code_for(claire, "Logis Santé"))
    assert expect(Refused, second.introduce("software/collect", ask=pending.ask)).code == "session"
    expect(SignedIn, software.introduce("software/collect", ask=pending.ask))
    assert expect(Refused, software.introduce("software/collect", ask=pending.ask)).code == "session"
    late = expect(SoftwarePending, software.introduce("software/ask"))
    expect(Done, confirm(claire, late))
    vault.time.advance(10 * MINUTE)
    assert expect(Refused, software.introduce("software/collect", ask=late.ask)).code == "session"


def test_a_code_installs_one_software_once_and_in_time(
    vault: Vault, claire: Person, logis: EditorKey
) -> None:
    code = code_for(claire, "Logis Santé")
    Software(vault, logis, EditorKey.generate()).install(code)
    again = Software(vault, logis, EditorKey.generate())
    assert (
        expect(Refused, again.introduce("software/install", device_label="x", code=code)).code == "activation"
    )
    old = code_for(claire, "Logis Santé")
    vault.time.advance(7 * DAY)
    claire.browser.sign_in(claire.passkey)
    assert (
        expect(Refused, again.introduce("software/install", device_label="x", code=old)).code == "activation"
    )


@pytest.mark.parametrize("hours", [0, 12], ids=["while it works", "in the morning"])
def test_who_was_suspended_is_worked_for_no_more(
    vault: Vault, claire: Person, software: Software, hours: int
) -> None:
    vault.time.advance(hours * HOUR)
    paul = activated(vault, "paul", claire.establishment, Role.EMPLOYEE)
    pending = expect(SoftwarePending, software.introduce("software/ask"))
    expect(Done, confirm(paul, pending))
    expect(Done, vault.operate(SuspendAccount("paul", True)))
    assert expect(Refused, software.introduce("software/collect", ask=pending.ask)).code == "session"


def test_who_was_removed_is_worked_for_no_more(vault: Vault, claire: Person, software: Software) -> None:
    paul = activated(vault, "paul", claire.establishment, Role.EMPLOYEE)
    vault.time.advance(12 * HOUR)
    claire.browser.sign_in(claire.passkey)
    paul.browser.sign_in(paul.passkey)
    pending = expect(SoftwarePending, software.introduce("software/ask"))
    expect(Done, confirm(paul, pending))
    [account] = [m.account for m in members(claire) if m.login == "paul"]
    claire.browser.step_up(claire.passkey)
    claire.browser.expect(Done, "members/remove", establishment="", account=account)
    assert expect(Refused, software.introduce("software/collect", ask=pending.ask)).code == "session"
    # And at work: the one who was confirmed before loses the seat.
    expect(Done, vault.operate(SuspendAccount("claire", True)))
    assert software.refused("journal", before=0, limit=10) == "session"


def test_a_software_works_where_it_stands_whoever_confirms_it(
    vault: Vault, claire: Person, logis: EditorKey
) -> None:
    """Claire's first place is another; a session on the software's key for that place is worth nothing."""
    second = vault.establishment(2)
    vault.time.advance(MINUTE)
    joining = expect(Enrolled, vault.operate(EnrolProfessional("claire", Role.TITULAIRE, second))).code
    claire.browser.expect(SignedIn, "members/join", code=joining)
    installed = Software(vault, logis, EditorKey.generate())
    code = expect(Enrolled, vault.operate(IssueSoftwareCode("Logis Santé", second))).code
    pending = installed.install(code)
    expect(Done, confirm(claire, pending))
    opened = expect(SignedIn, installed.introduce("software/collect", ask=pending.ask))
    assert opened.establishment == second
    assert expect(Vouched, installed.errand()).establishment == second
    elsewhere = SoftwareBrowser(vault, key=device_key_of(installed.key))
    assert expect(SignedIn, elsewhere.sign_in(claire.passkey)).establishment == claire.establishment
    assert replace(installed, session=elsewhere.session).refused("journal", before=0, limit=10) == "session"


# ── the editor's own page and key ────────────────────────────────────────────────────────────────────────────────────


def test_an_editors_page_tells_counts_to_its_key_alone(
    vault: Vault, logis: EditorKey, software: Software
) -> None:
    page = expect(EditorPage, Software(vault, None, logis).introduce("editor"))
    assert (page.name, page.status, page.hold, page.keyid) == ("Logis Santé", "active", "", keyid(logis))
    assert (page.establishments, page.devices, page.spent) == (1, 1, [0, 0, 0])
    assert replace(software, editor=None).refused("journal", before=0, limit=10) == "editor"
    vault.runner.run(vault.zone.events.settle())
    assert expect(EditorPage, Software(vault, None, logis).introduce("editor")).refusals == {"signature": 1}
    expect(Done, vault.operate(ThrowSwitch("editor", "Logis Santé", "essai", True)))
    assert expect(EditorPage, Software(vault, None, logis).introduce("editor")).hold == "closed"
    assert expect(Refused, Software(vault, None, EditorKey.generate()).introduce("editor")).code == "editor"


def test_an_editor_replaces_its_key_and_the_former_counts_for_a_week(
    vault: Vault, logis: EditorKey, software: Software
) -> None:
    new = EditorKey.generate()
    page = expect(EditorPage, Software(vault, logis, new).introduce("editor/rotate"))
    assert (page.keyid, page.former_until) == (keyid(new), vault.clock() + OVERLAP)
    expect(JournalPage, software.ask("journal", before=0, limit=10))
    expect(JournalPage, replace(software, editor=new).ask("journal", before=0, limit=10))
    # Whoever holds the former key rolls nothing back.
    assert (
        expect(Refused, Software(vault, logis, EditorKey.generate()).introduce("editor/rotate")).code
        == "editor"
    )
    vault.time.advance(OVERLAP)
    assert expect(Refused, software.introduce("software/ask")).code == "editor"
    expect(SoftwarePending, replace(software, editor=new).introduce("software/ask"))


def test_a_stolen_key_that_the_operator_replaces_is_void_at_once(
    vault: Vault, logis: EditorKey, software: Software
) -> None:
    expect(JournalPage, software.ask("journal", before=0, limit=10))
    new = EditorKey.generate()
    assert expect(Refused, vault.operate(RegisterEditor("Logis Santé", point(new)))).code == "conflict"
    expect(Enrolled, vault.operate(RegisterEditor("Logis Santé", point(new), replace=True)))
    assert software.refused("journal", before=0, limit=10) == "editor"
    expect(JournalPage, replace(software, editor=new).ask("journal", before=0, limit=10))


def test_a_new_key_that_signs_alone_replaces_nothing(vault: Vault, logis: EditorKey) -> None:
    assert (
        expect(Refused, Software(vault, None, EditorKey.generate()).introduce("editor/rotate")).code
        == "editor"
    )
    assert expect(Refused, Software(vault, logis, logis).introduce("editor/rotate")).code == "conflict"


def test_what_is_no_key_and_no_name_is_refused(vault: Vault, logis: EditorKey) -> None:
    for name, key in (
        ("X", point(logis)),
        ("A\nB" * 40, point(logis)),
        ("Bien", b"\x04" + bytes(64)),
        ("Bien", b""),
    ):
        assert expect(Refused, vault.operate(RegisterEditor(name, key))).code == "bad-input"
    assert expect(Refused, vault.operate(RegisterEditor("Autre", point(logis)))).code == "conflict"
    assert expect(Refused, vault.operate(SuspendEditor("Personne", True))).code == "not-found"


# ── what the attacks are made of ─────────────────────────────────────────────────────────────────────────────────────


def members(person: Person) -> list[MemberView]:
    return person.browser.expect(Members, "members", establishment="").members


def grafted(act: Act, donor: Act) -> Act:
    """`act`, with the editor's half of `donor`."""
    inputs = act.signature_input.partition(", ")[0], donor.signature_input.partition(", ")[2]
    signatures = act.signature.partition(", ")[0], donor.signature.partition(", ")[2]
    return replace_headers(act, ", ".join(inputs), ", ".join(signatures))


def replace_headers(act: Act, signature_input: str, signature: str) -> Act:
    return msgspec.structs.replace(act, signature_input=signature_input, signature=signature)


def refusal(vault: Vault, act: Act) -> str:
    return expect(Refused, vault.call(act)).code


def key_of(browser: SoftwareBrowser) -> EditorKey:
    """A browser's key, in another's hands."""
    return EditorKey(browser.key._private)


def device_key_of(key: EditorKey) -> DeviceKey:
    return DeviceKey(key._private)
