"""Campaigns: what is demanded, of whom, and that there is no way around it: what a thief would try, and somebody in a hurry."""

from dataclasses import replace

import pytest

from rempart.client.keys import EditorKey, keyid
from rempart.foundation.clock import DAY, SECOND
from rempart.foundation.vocabulary import Profession, Role
from rempart.vault.acts import ACTS
from rempart.vault.campaigns import ALWAYS, WHILE_DUE
from rempart.vaultdoor.browser import SoftwarePasskey
from rempart.vaultdoor.campaigns import BLOCKING, STARTS_WITHIN
from rempart.vaultdoor.messages import (
    CampaignCount,
    CampaignProgress,
    Campaigns,
    CampaignStarted,
    CountCampaign,
    DevicePending,
    Done,
    EditorPage,
    EndCampaign,
    EnrolGroup,
    Enrolled,
    EnrolProfessional,
    Here,
    IssueCode,
    ListCampaigns,
    Members,
    Refused,
    RegisterEditor,
    ShowCampaign,
    SignedIn,
    StartCampaign,
    ToDo,
    TotpSecret,
    Vouch,
    Vouched,
)
from tests.authenticator import ORIGIN, PASSWORD, CodeApp, SoftwareBrowser, expect
from tests.vault.accounts.conftest import Person, Vault, activated
from tests.vault.accounts.test_editors import Software, logis, point, software  # noqa: F401 (fixtures)
from tests.vault.accounts.test_factors import OTHER, add_password_and_app
from tests.vault.accounts.test_vouching import ask

REASONS = {"reason_fr": "Des mots de passe ont été hameçonnés.", "reason_en": "Passwords were phished."}


def started(vault: Vault, kind: str, scope: str, key: str, days: int = 0) -> CampaignStarted:
    return expect(CampaignStarted, vault.operate(StartCampaign(kind, scope, key, days=days, **REASONS)))


def progress(vault: Vault, number: int) -> list[tuple[str, int, int]]:
    shown = expect(CampaignProgress, vault.operate(ShowCampaign(number)))
    return [(place.number, place.done, place.total) for place in shown.places]


def kinds_due(browser: SoftwareBrowser) -> list[str]:
    return [demand.kind for demand in browser.expect(ToDo, "to-do").demands if not demand.done]


@pytest.fixture
def app(vault: Vault, claire: Person) -> CodeApp:
    """Claire has a password and a code application too."""
    return add_password_and_app(vault, claire)


# ── the four kinds for people ────────────────────────────────────────────────────────────────────────────────────────


def test_a_password_campaign_leaves_nothing_open_but_its_change(
    vault: Vault, claire: Person, app: CodeApp
) -> None:
    campaign = started(vault, "password", "platform", "")
    assert campaign.concerned == 1
    assert claire.browser.expect(Here, "here").due
    # What she was in the middle of, as well as what she begins after a sign-in.
    assert claire.browser.refused("members", establishment="") == "campaign-due"
    expect(SignedIn, claire.browser.sign_in_with_password("claire", app.code()))
    assert claire.browser.refused("journal", before=0, limit=10) == "campaign-due"
    assert kinds_due(claire.browser) == ["password"]
    claire.browser.step_up(claire.passkey)
    claire.browser.expect(Done, "password/change", old=PASSWORD, new=OTHER)
    assert kinds_due(claire.browser) == []
    assert not claire.browser.expect(Here, "here").due
    claire.browser.expect(Members, "members", establishment="")
    assert progress(vault, campaign.number)[0][1:] == (1, 1)


def test_signing_out_everywhere_ends_every_session_at_once(vault: Vault, claire: Person) -> None:
    elsewhere = vault.browser()
    expect(SignedIn, elsewhere.sign_in(claire.passkey))
    campaign = started(vault, "sign-out", "account", "claire")
    assert claire.browser.refused("here") == "session"
    assert elsewhere.refused("here") == "session"
    assert progress(vault, campaign.number)[0][1:] == (0, 1)
    expect(SignedIn, claire.browser.sign_in(claire.passkey))
    assert progress(vault, campaign.number)[0][1:] == (1, 1)


def test_devices_are_bound_again_by_a_passkey_or_a_posted_code_alone(
    vault: Vault, claire: Person, app: CodeApp
) -> None:
    campaign = started(vault, "devices", "establishment", claire.establishment)
    assert claire.browser.refused("here") == "session"
    # Password and code on the very device that was bound a minute ago: it waits like any other.
    waiting = expect(DevicePending, claire.browser.sign_in_with_password("claire", app.code()))
    assert progress(vault, campaign.number)[0][1:] == (0, 1)
    posted = expect(Enrolled, vault.operate(IssueCode("claire", "device"))).code
    reply = claire.browser.introduce("sign-in/posted", pending=waiting.pending, posted_code=posted)
    expect(SignedIn, reply)
    assert progress(vault, campaign.number)[0][1:] == (1, 1)


def test_a_device_that_waited_when_devices_were_unbound_waits_no_more(
    vault: Vault, claire: Person, app: CodeApp
) -> None:
    thief = vault.browser()
    waiting = expect(DevicePending, thief.sign_in_with_password("claire", app.code()))
    claire.browser.expect(Done, "device/approve", pending=waiting.pending, code=waiting.code)
    started(vault, "devices", "account", "claire")
    refused = expect(Refused, thief.introduce("sign-in/pending", pending=waiting.pending))
    assert refused.code == "session"


def test_a_code_application_is_set_up_again(vault: Vault, claire: Person, app: CodeApp) -> None:
    started(vault, "totp", "account", "claire")
    assert claire.browser.refused("password/change", old=PASSWORD, new=OTHER) == "campaign-due"
    fresh = CodeApp(claire.browser.expect(TotpSecret, "totp/begin"), vault)
    claire.browser.expect(Done, "totp/confirm", code=fresh.code())
    assert kinds_due(claire.browser) == []
    vault.time.advance(30 * SECOND)
    expect(Refused, claire.browser.sign_in_with_password("claire", app.code()))
    expect(SignedIn, claire.browser.sign_in_with_password("claire", fresh.code()))


def test_two_demands_are_both_open_and_both_needed(vault: Vault, claire: Person, app: CodeApp) -> None:
    started(vault, "totp", "account", "claire")
    started(vault, "password", "account", "claire")
    assert expect(Refused, claire.browser.ask("members", establishment="")).detail == "password totp"
    claire.browser.expect(Done, "password/change", old=PASSWORD, new=OTHER)
    assert expect(Refused, claire.browser.ask("members", establishment="")).detail == "totp"


def test_who_has_no_password_is_not_asked_for_one(vault: Vault, claire: Person) -> None:
    refused = vault.operate(StartCampaign("password", "account", "claire", **REASONS))
    assert expect(Refused, refused).code == "conflict"
    assert expect(Campaigns, vault.operate(ListCampaigns())).campaigns == []


# ── what a new password may be ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("new", "rule"),
    [
        (PASSWORD + "!", "similar"),
        (PASSWORD.swapcase(), "similar"),
        (PASSWORD.replace("loutres", "l0utr3s").replace("parapluie", "p4raplu1e"), "similar"),
        (PASSWORD, "similar"),
    ],
)
def test_what_resembles_the_old_one_is_refused(
    vault: Vault, claire: Person, app: CodeApp, new: str, rule: str
) -> None:
    started(vault, "password", "account", "claire")
    refused = expect(Refused, claire.browser.ask("password/change", old=PASSWORD, new=new))
    assert (refused.code, refused.detail) == ("password-weak", rule)
    assert kinds_due(claire.browser) == ["password"]


def test_a_password_given_up_before_never_comes_back(vault: Vault, claire: Person, app: CodeApp) -> None:
    claire.browser.expect(Done, "password/change", old=PASSWORD, new=OTHER)
    started(vault, "password", "account", "claire")
    refused = expect(Refused, claire.browser.ask("password/change", old=OTHER, new=PASSWORD))
    assert (refused.code, refused.detail) == ("password-weak", "reused")
    # Nor by starting the account afresh.
    code = expect(Enrolled, vault.operate(IssueCode("claire", "activation"))).code
    browser = vault.browser()
    afresh = CodeApp(expect(TotpSecret, browser.introduce("activation/totp", activation_code=code)), vault)
    refused = expect(
        Refused,
        browser.introduce(
            "activation/password", device_label="x", activation_code=code, password=OTHER, code=afresh.code()
        ),
    )
    assert (refused.code, refused.detail) == ("password-weak", "reused")


# ── ways around it ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_act_is_closed_while_something_is_due_but_those_of_one_short_table() -> None:
    assert ALWAYS | frozenset().union(*WHILE_DUE.values()) <= ACTS.keys()
    assert WHILE_DUE.keys() == BLOCKING
    # A software may do none of the demanded: a person at a browser does.
    assert not any(
        path.startswith(("/acts/software", "/acts/members", "/acts/establishment")) for path in ALWAYS
    )


def test_a_thief_with_the_old_password_gains_nothing_from_a_password_campaign(
    vault: Vault, claire: Person, app: CodeApp
) -> None:
    started(vault, "password", "platform", "")
    thief = vault.browser("Thief")
    # Password and one-time code, phished live: a device that nobody knows waits, and is not told of any campaign.
    waiting = expect(DevicePending, thief.sign_in_with_password("claire", app.code()))
    assert (
        expect(Refused, thief.introduce("sign-in/posted", pending=waiting.pending, posted_code="AAAA")).code
        == "credentials"
    )
    for path, body in (("password/change", {"old": PASSWORD, "new": OTHER}), ("to-do", {})):
        assert thief.refused(path, **body) == "session"
    # With her cookie too: it is worth nothing on another device.
    thief.session = claire.browser.session
    assert thief.refused("password/change", old=PASSWORD, new=OTHER) == "device"
    claire.browser.expect(Done, "password/change", old=PASSWORD, new=OTHER)
    vault.time.advance(30 * SECOND)
    assert expect(Refused, thief.sign_in_with_password("claire", app.code())).code == "credentials"
    assert vault.rows("SELECT count(*) FROM evidence.entry") == [(0,)]


def test_another_place_of_work_is_no_way_around_a_campaign(
    vault: Vault, claire: Person, app: CodeApp
) -> None:
    other = vault.establishment(2)
    code = expect(Enrolled, vault.operate(EnrolProfessional("claire", Role.EMPLOYEE, other))).code
    assert not isinstance(claire.browser.ask("members/join", code=code), Refused)
    started(vault, "password", "establishment", claire.establishment)
    assert claire.browser.refused("establishment/choose", establishment=other) == "campaign-due"
    # Somebody already there when it began.
    assert claire.browser.refused("members", establishment=other) == "campaign-due"


def test_an_errand_at_the_cashiers_is_no_way_around_a_campaign(
    vault: Vault, claire: Person, app: CodeApp
) -> None:
    expect(Vouched, ask(vault, Vouch(claire.browser.signed("/claims/invoice", {}), "session")))
    started(vault, "password", "account", "claire")
    refused = expect(Refused, ask(vault, Vouch(claire.browser.signed("/claims/invoice", {}), "session")))
    assert refused.code == "campaign-due"


def test_a_software_is_no_way_around_a_campaign(
    vault: Vault,
    claire: Person,
    app: CodeApp,
    software: Software,  # noqa: F811
) -> None:
    assert expect(Vouched, software.errand()).editor
    started(vault, "password", "account", "claire")
    assert expect(Refused, software.errand()).code == "campaign-due"
    assert software.refused("journal", before=0, limit=10) == "campaign-due"


def test_time_alone_ends_a_campaign_only_where_it_was_given_an_end(
    vault: Vault, claire: Person, app: CodeApp
) -> None:
    started(vault, "password", "account", "claire")
    started(vault, "totp", "account", "claire", days=2)
    vault.time.advance(3 * DAY)
    expect(SignedIn, claire.browser.sign_in(claire.passkey))
    assert expect(Refused, claire.browser.ask("members", establishment="")).detail == "password"


# ── editors ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_editors_software_is_refused_until_the_operator_has_its_new_key_and_the_old_one_is_void_at_once(
    vault: Vault,
    claire: Person,
    software: Software,  # noqa: F811
    logis: EditorKey,  # noqa: F811
) -> None:
    campaign = started(vault, "editor-keys", "editor", "Logis Santé")
    assert expect(Refused, software.errand()).code == "editor-key-due"
    assert software.refused("journal", before=0, limit=10) == "editor-key-due"
    assert progress(vault, campaign.number) == [("Logis Santé", 0, 1)]
    new = EditorKey.generate()
    expect(Enrolled, vault.operate(RegisterEditor("Logis Santé", point(new), replace=True)))
    assert progress(vault, campaign.number) == [("Logis Santé", 1, 1)]
    # The key that may be stolen has no week left.
    assert expect(Refused, software.errand()).code == "editor"
    expect(Vouched, replace(software, editor=new).errand())


def test_the_thief_of_an_editors_key_who_rotates_first_fulfils_no_campaign(
    vault: Vault,
    claire: Person,
    software: Software,  # noqa: F811
    logis: EditorKey,  # noqa: F811
) -> None:
    """The stolen key proves nothing of who asks: under a campaign it replaces nothing, and the true one is not void by its doing."""
    thiefs, genuine = EditorKey.generate(), EditorKey.generate()
    # Read a moment before the campaign, and remembered.
    expect(EditorPage, Software(vault, None, logis).introduce("editor"))
    campaign = started(vault, "editor-keys", "editor", "Logis Santé")
    assert expect(Refused, Software(vault, logis, thiefs).introduce("editor/rotate")).code == "editor-key-due"
    assert progress(vault, campaign.number) == [("Logis Santé", 0, 1)]
    assert expect(EditorPage, Software(vault, None, logis).introduce("editor")).keyid == keyid(logis)
    expect(Enrolled, vault.operate(RegisterEditor("Logis Santé", point(genuine), replace=True)))
    assert progress(vault, campaign.number) == [("Logis Santé", 1, 1)]
    expect(Vouched, replace(software, editor=genuine).errand())
    assert expect(Refused, Software(vault, logis, thiefs).introduce("editor/rotate")).code == "editor"
    assert [act for (act,) in vault.rows("SELECT act FROM vault.journal WHERE act = 'editor:rotate'")] == [
        "editor:rotate"
    ], "the operator's alone"


def test_the_thief_of_an_editors_key_who_rotated_before_a_campaign_is_replaced_by_it(
    vault: Vault,
    claire: Person,
    software: Software,  # noqa: F811
    logis: EditorKey,  # noqa: F811
) -> None:
    thiefs, genuine = EditorKey.generate(), EditorKey.generate()
    expect(EditorPage, Software(vault, logis, thiefs).introduce("editor/rotate"))
    campaign = started(vault, "editor-keys", "editor", "Logis Santé")
    for key in (logis, thiefs):
        assert expect(Refused, replace(software, editor=key).errand()).code == "editor-key-due"
    expect(Enrolled, vault.operate(RegisterEditor("Logis Santé", point(genuine), replace=True)))
    assert progress(vault, campaign.number) == [("Logis Santé", 1, 1)]
    for key in (logis, thiefs):
        assert expect(Refused, replace(software, editor=key).errand()).code == "editor"
    expect(Vouched, replace(software, editor=genuine).errand())


# ── whom, and by whom ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_group_is_asked_with_its_administrators_and_nobody_else(vault: Vault) -> None:
    group = expect(Enrolled, vault.operate(EnrolGroup("Labos du Sud"))).id
    inside, outside = vault.establishment(3, group), vault.establishment(4)
    activated(vault, "paul", inside)
    activated(vault, "zoe", outside)
    code = expect(Enrolled, vault.operate(EnrolProfessional("ines", Role.ADMINISTRATOR, group=group))).code
    vault.browser().activate(code, SoftwarePasskey(ORIGIN))
    counted = expect(CampaignCount, vault.operate(CountCampaign("sign-out", "group", "Labos du Sud")))
    assert (counted.concerned, counted.sessions, counted.second) == (2, 2, True)
    started(vault, "sign-out", "group", "Labos du Sud")
    assert vault.rows("SELECT login FROM vault.session JOIN vault.account a ON a.id = account") == [("zoe",)]


def test_counting_does_nothing(vault: Vault, claire: Person) -> None:
    counted = expect(CampaignCount, vault.operate(CountCampaign("devices", "platform", "")))
    assert (counted.concerned, counted.establishments, counted.sessions, counted.devices) == (1, 1, 1, 1)
    claire.browser.expect(Here, "here")
    assert expect(Campaigns, vault.operate(ListCampaigns())).campaigns == []


@pytest.mark.parametrize(
    ("kind", "scope", "key"),
    [
        ("everything", "platform", ""),
        ("password", "lane", "CARD"),
        ("password", "profession", Profession.OPERATOR),
        ("rib", "account", "claire"),
        ("editor-keys", "establishment", "750000011"),
    ],
)
def test_a_campaign_that_makes_no_sense_is_refused(
    vault: Vault, claire: Person, kind: str, scope: str, key: str
) -> None:
    assert expect(Refused, vault.operate(CountCampaign(kind, scope, key))).code == "bad-input"


def test_an_ended_campaign_asks_no_more_and_both_are_in_the_journal(
    vault: Vault, claire: Person, app: CodeApp
) -> None:
    campaign = started(vault, "password", "account", "claire")
    expect(Done, vault.operate(EndCampaign(campaign.number, "Fausse alerte.")))
    claire.browser.expect(Members, "members", establishment="")
    assert "campaign:start" in vault.journal()
    assert "campaign:end" in vault.journal()
    assert expect(Refused, vault.operate(EndCampaign(campaign.number, "x"))).code == "conflict"


def test_a_campaign_over_the_country_is_given_longer_than_a_request(
    vault: Vault, claire: Person, app: CodeApp
) -> None:
    with vault.database.connect() as owner:
        owner.execute("CREATE SCHEMA watched CREATE TABLE statement (may_last interval)")
        owner.execute(
            "CREATE FUNCTION watched.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
            " INSERT INTO watched.statement VALUES (current_setting('statement_timeout')::interval); RETURN NULL; END $$"
        )
        for table in ("demand", "account"):
            owner.execute(
                f"CREATE TRIGGER noted AFTER INSERT OR UPDATE ON vault.{table} EXECUTE FUNCTION watched.note()"
            )
        try:
            campaign = started(vault, "password", "account", "claire")
            expect(Done, vault.operate(EndCampaign(campaign.number, "Fausse alerte.")))
            seen = owner.execute("SELECT DISTINCT may_last FROM watched.statement").fetchall()
            assert [lasts.total_seconds() for (lasts,) in seen] == [STARTS_WITHIN]
        finally:
            owner.execute("DROP SCHEMA watched CASCADE")
    # Whoever asks for less than that waits no longer than before.
    assert vault.rows(
        "SELECT 1 FROM pg_roles WHERE rolname = 'rempart_vault' AND 'statement_timeout=10s' = ANY (rolconfig)"
    )


def test_a_titulaire_sees_how_far_their_own_people_are_and_an_employee_nobody(
    vault: Vault, claire: Person, app: CodeApp
) -> None:
    employee = activated(vault, "marc", claire.establishment, Role.EMPLOYEE)
    activated(vault, "zoe", vault.establishment(5))
    started(vault, "sign-out", "platform", "")
    expect(SignedIn, claire.browser.sign_in(claire.passkey))
    shown = claire.browser.expect(ToDo, "to-do")
    assert [(each.login, each.done, each.total) for each in shown.colleagues] == [
        ("claire", 1, 1),
        ("marc", 0, 1),
    ]
    expect(SignedIn, employee.browser.sign_in(employee.passkey))
    assert employee.browser.expect(ToDo, "to-do").colleagues == []
