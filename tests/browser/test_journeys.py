"""A pharmacist's day, in a real browser with a virtual authenticator."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from rempart.foundation.vocabulary import Role
from tests.browser.conftest import ENGLISH, PHONE, Seat, totp
from tests.browser.platform import BY_NIR, NIR, OPEN, SUSPENDED, UNKNOWN, WAITING, Platform
from tests.browser.test_relay import Caller

pytestmark = pytest.mark.browser
PASSWORD = "Marée-haute 47 sur l'estran"


def test_the_code_in_the_link_leaves_the_address_at_once(seat: Callable[..., Seat]) -> None:
    visitor = seat()
    visitor.go("/activation#ABCD-EFGH")
    expect(visitor.page.locator("[name=activation_code]")).to_have_value("ABCD-EFGH")
    assert visitor.page.url == visitor.platform.origin + "/activation"


def test_a_false_activation_code_is_refused_with_what_to_do(seat: Callable[..., Seat]) -> None:
    visitor = seat()
    visitor.go("/activation#ABCD-EFGH-JKMN-PQRS")
    visitor.page.click("#activation-form [type=submit]")
    expect(visitor.page.locator("#alert .alert")).to_contain_text("demandez-en un autre")


def test_activate_sign_out_and_sign_in_with_a_passkey(pharmacist: Seat) -> None:
    cookies = {cookie["name"]: cookie for cookie in pharmacist.context.cookies()}
    session = cookies["__Host-rempart"]
    assert (session["httpOnly"], session["secure"], session["sameSite"], session["path"]) == (
        True,
        True,
        "Strict",
        "/",
    )
    expect(pharmacist.page.locator("#who")).to_contain_text("Pharmacie du Rempart")
    expect(pharmacist.page.locator("#who")).to_contain_text("Lyon")
    pharmacist.sign_out()
    assert "__Host-rempart" not in {cookie["name"] for cookie in pharmacist.context.cookies()}
    pharmacist.sign_in()


def test_an_open_right_shows_its_engagement_number_and_the_fields_are_empty_again(counter: Seat) -> None:
    page = counter.page
    counter.check(OPEN)
    answer = page.locator("#answer .answer")
    expect(answer.locator("h2")).to_have_text("Droit ouvert")
    expect(answer).to_contain_text("100 % BR, AMO comprise")
    expect(answer).to_contain_text("depuis le 01/01/2024")
    number = answer.locator("[data-slot=engagement]").text_content()
    assert number
    answer.locator("[data-copy=engagement]").click()
    expect(answer.locator("[data-copy=engagement]")).to_have_text("Copié")
    assert page.evaluate("navigator.clipboard.readText()") == number
    for name in ("amc", "adherent", "birth"):
        expect(page.locator(f"[name={name}]")).to_have_value("")
    assert page.url == counter.platform.origin + "/verifier"
    page.keyboard.press("Escape")
    expect(page.locator("#answer .answer")).to_have_count(0)


def test_a_prise_en_charge_and_closed_rights_say_why_and_what_to_do(counter: Seat) -> None:
    answer = counter.page.locator("#answer")
    counter.check(OPEN, "OPTI")
    expect(answer).to_contain_text("prise en charge à demander")
    expect(answer).to_contain_text("420 € par période")
    counter.page.keyboard.press("Escape")
    counter.check(SUSPENDED)
    expect(answer).to_contain_text("Droit non ouvert")
    expect(answer).to_contain_text("suspendu par l'organisme")
    expect(answer.locator("[data-slot=engagement]")).to_have_count(0)
    counter.page.keyboard.press("Escape")
    counter.check(WAITING)
    expect(answer).to_contain_text("délai de carence", ignore_case=True)


def test_an_unknown_card_and_a_wrong_birth_date_are_one_answer(counter: Seat) -> None:
    page = counter.page
    shown = []
    for card in (UNKNOWN, type(OPEN)(OPEN.adherent, birth="18/05/1980")):
        counter.check(card)
        expect(page.locator("#answer h2")).to_have_text("Aucun droit trouvé")
        page.locator("#answer [data-slot=receipt]").evaluate("element => element.remove()")
        shown.append(page.locator("#answer .answer").inner_html())
        page.keyboard.press("Escape")
    assert shown[0] == shown[1]


def test_by_nir_without_the_card(counter: Seat) -> None:
    page = counter.page
    page.check("[name=lane][value=vitale]")
    expect(page.locator("[name=adherent]")).to_be_hidden()
    page.fill("[name=amc]", BY_NIR.amc)
    page.fill("[name=nir]", NIR[:-1] + "0")
    page.fill("[name=birth]", BY_NIR.birth)
    page.press("[name=birth]", "Enter")
    expect(page.locator("[name=nir]")).to_have_attribute("aria-invalid", "true")
    page.fill("[name=nir]", NIR)
    page.press("[name=nir]", "Enter")
    expect(page.locator("#answer h2")).to_have_text("Droit ouvert")
    expect(page.locator("#answer")).to_contain_text("coûté 10")
    assert NIR not in page.content()


def test_a_scanned_text_fills_the_fields_and_another_text_is_named_as_such(counter: Seat) -> None:
    page = counter.page
    page.click("#check summary")
    text = page.locator("#card-text")
    text.fill("DC0420 4M8R…")
    text.press("Enter")
    expect(page.locator("#card-text-problem")).to_contain_text("REMPART1")
    text.fill(OPEN.text + ";couleur=bleu")
    text.press("Enter")
    expect(page.locator("#card-text-problem")).to_contain_text("champ inconnu")
    text.fill(OPEN.text)
    text.press("Enter")
    expect(page.locator("[name=adherent]")).to_have_value(OPEN.adherent)
    expect(text).to_have_value("")
    page.keyboard.press("Enter")
    expect(page.locator("#answer h2")).to_have_text("Droit ouvert")


@pytest.mark.parametrize("place", ["#card-text", "[name=amc]"])
def test_a_scanner_reads_a_card_of_ours_wherever_the_cursor_is(counter: Seat, place: str) -> None:
    page, text = counter.page, counter.platform.scanned
    secret = text.split()[2]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or ""))
    page.click("#check summary")
    page.focus(place)
    page.keyboard.type(text[:-3] + "9" + text[-2:])
    page.keyboard.press("Enter")
    expect(page.locator("#card-text-problem")).to_contain_text("pas été lue en entier")
    page.focus(place)
    page.keyboard.type(text.lower())
    page.keyboard.press("Enter")
    expect(page.locator("#card-text-problem")).to_be_empty()
    expect(page.locator("#scanned-card")).to_be_visible()
    expect(page.locator("[name=adherent]")).to_be_hidden()
    expect(page.locator("[name=amc]")).to_have_value(OPEN.amc)
    assert secret not in page.content()
    page.keyboard.press("Enter")
    expect(page.locator("#answer h2")).to_have_text("Droit ouvert")
    expect(page.locator("#answer")).not_to_contain_text("coûté 10")
    (sent,) = [body for body in asked if "CoverageEligibilityRequest" in body]
    assert secret in sent
    assert "subscriberId" not in sent
    # Nothing of it stays: the next person is typed from the fields.
    expect(page.locator("[name=adherent]")).to_be_visible()
    assert secret not in page.content()


@pytest.mark.parametrize("last", ["Tab", ""])
def test_a_scanner_that_ends_otherwise_is_understood_too(counter: Seat, last: str) -> None:
    page = counter.page
    page.focus("[name=amc]")
    page.keyboard.type(counter.platform.scanned)
    if last:
        page.keyboard.press(last)
        expect(page.locator("#scanned-card")).to_be_visible()
        expect(page.locator("#check [type=submit]")).to_be_focused()
    page.click("#check [type=submit]")
    expect(page.locator("#answer h2")).to_have_text("Droit ouvert")


def test_typing_over_a_scanned_card_asks_by_what_is_typed(counter: Seat) -> None:
    page = counter.page
    page.focus("[name=amc]")
    page.keyboard.type(counter.platform.scanned)
    page.keyboard.press("Enter")
    expect(page.locator("#scanned-card")).to_be_visible()
    page.fill("[name=birth]", "18/05/1980")
    expect(page.locator("#scanned-card")).to_be_hidden()
    expect(page.locator("[name=adherent]")).to_be_visible()


def test_a_form_sent_before_the_script_listens_puts_nothing_into_the_address(counter: Seat) -> None:
    page = counter.page
    page.route("**/check.js", lambda route: route.abort())
    counter.go("/verifier")
    page.fill("[name=amc]", OPEN.amc)
    page.fill("[name=adherent]", OPEN.adherent)
    page.press("[name=adherent]", "Enter")
    expect(page.locator("#check [type=submit]")).to_be_disabled()
    assert page.url == counter.platform.origin + "/verifier"
    page.unroute("**/check.js")
    counter.complaints.clear()


def test_with_the_keyboard_alone(counter: Seat) -> None:
    page = counter.page
    counter.go("/verifier")
    expect(page.locator("[name=amc]")).to_be_focused()
    for text in (OPEN.amc, OPEN.adherent, "17051980"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#answer h2")).to_have_text("Droit ouvert")
    expect(page.locator("#answer")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("[data-copy=engagement]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("[name=amc]")).to_be_focused()


def test_the_journal_tells_what_was_asked_and_what_it_cost(pharmacist: Seat) -> None:
    page = pharmacist.page
    pharmacist.check(UNKNOWN)
    pharmacist.page.keyboard.press("Escape")
    pharmacist.check(OPEN)
    page.click("a[href='/journal']")
    pharmacist.loaded()
    rows = page.locator("#journal tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("Répondu")
    expect(rows.nth(0)).to_contain_text(OPEN.amc)
    expect(rows.nth(1)).to_contain_text("Aucun droit trouvé")
    spent = page.locator("#journal meter").first.get_attribute("value")
    assert spent == str(sum(int(cell) for cell in rows.locator("td.number").all_text_contents())) != "0"
    for secret in (OPEN.adherent, UNKNOWN.adherent, "1980"):
        assert secret not in page.content()


def test_invite_a_colleague_who_activates_on_another_device(
    pharmacist: Seat, seat: Callable[..., Seat]
) -> None:
    page = pharmacist.page
    page.click("a[href='/etablissement']")
    pharmacist.loaded()
    form = page.locator("form[data-act='members/invite']")
    form.locator("[name=display-name]").fill("Luc Petit")
    form.locator("[name=login]").fill("luc.petit")
    form.locator("[type=submit]").dblclick()
    code = page.locator("#one-time-code").text_content() or ""
    link = page.locator("#one-time-link").text_content() or ""
    assert link.endswith(f"/activation#{code}")
    row = page.locator("#members tbody tr", has_text="luc.petit")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Luc Petit")
    expect(row).to_contain_text("Invité")

    luc = seat()
    luc.activate(code)
    luc.check(OPEN)
    expect(luc.page.locator("#answer h2")).to_have_text("Droit ouvert")
    luc.go("/etablissement")
    luc.loaded()
    expect(luc.page.locator("#members")).to_contain_text("Claire Martin")
    expect(luc.page.locator("form[data-act='members/invite']")).to_have_count(0)

    page.reload()
    pharmacist.loaded()
    row.locator("[data-act='members/remove']").click()
    page.click("#confirm [data-answer=no]")
    expect(row).to_contain_text("Actif")
    row.locator("[data-act='members/remove']").click()
    page.click("#confirm [data-answer=yes]")
    expect(row).to_have_count(0)
    expect(page.locator("#code-once")).to_contain_text("luc.petit")

    luc.page.click("a[href='/journal']")
    expect(luc.page.locator("main")).to_contain_text("session est terminée")

    page.click("#code-once [type=submit]")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Luc Petit")


def test_password_and_code_open_on_a_bound_device_only(
    seat: Callable[..., Seat], platform: Platform, pharmacy: str
) -> None:
    login, code = platform.enrol(pharmacy, Role.EMPLOYEE, "Ana Roux")
    ana = seat()
    secret = ana.activate(code, way="password", password=PASSWORD)
    ana.sign_out()

    elsewhere = seat()
    elsewhere.go("/")
    _password_sign_in(elsewhere, login, "not the password", totp(secret, at=0))
    expect(elsewhere.page.locator("#alert .alert")).to_contain_text("ne sont pas valables")
    _fill_posted(elsewhere, login, secret, platform)
    expect(elsewhere.page.locator("#check")).to_be_visible()
    elsewhere.go("/securite")
    elsewhere.loaded()
    expect(elsewhere.page.locator("#security .notices li")).not_to_have_count(0)


def _password_sign_in(who: Seat, login: str, password: str, code: str) -> None:
    if not who.page.locator("#password-sign-in").is_visible():
        who.page.click("#password-way summary")
    who.page.fill("#password-sign-in [name=login]", login)
    who.page.fill("#password-sign-in [name=password]", password)
    who.page.fill("#password-sign-in [name=code]", code)
    who.page.click("#password-sign-in [type=submit]")


def _fill_posted(who: Seat, login: str, secret: str, platform: Platform) -> None:
    """Password and next code on a new device: it waits; the posted code lets it in."""
    _password_sign_in(who, login, PASSWORD, totp(secret, at=time.time() + 30))
    expect(who.page.locator("#pending")).to_contain_text("attend une approbation")
    who.page.click("#pending summary")
    who.page.fill("#pending [name=posted_code]", platform.posted_code(login))
    who.page.click("#pending [type=submit]")


def test_security_shows_factors_devices_and_notices(pharmacist: Seat) -> None:
    page = pharmacist.page
    page.click("a[href='/securite']")
    pharmacist.loaded()
    expect(page.locator("#security")).to_contain_text("Clé d'accès")
    expect(page.locator("#security")).to_contain_text("ce poste")
    page.get_by_role("button", name="Nouveaux codes de secours").click()
    page.click("#confirm [data-answer=yes]")
    expect(page.locator("#once #recovery-codes li")).to_have_count(10)
    page.click("#once [data-once-done]")
    expect(page.locator("#once")).to_be_empty()


def test_a_bound_device_approves_a_new_one(
    seat: Callable[..., Seat], platform: Platform, pharmacy: str
) -> None:
    login, code = platform.enrol(pharmacy, Role.EMPLOYEE, "Ugo Bernard")
    old, new = seat(), seat()
    secret = old.activate(code, way="password", password=PASSWORD)
    new.go("/")
    _password_sign_in(new, login, PASSWORD, totp(secret, at=time.time() + 30))
    shown = new.page.locator("#pending output").text_content() or ""
    old.go("/securite")
    old.loaded()
    old.page.fill("form[data-act='device/approve'] [name=code]", shown)
    old.page.click("form[data-act='device/approve'] [type=submit]")
    expect(old.page.locator("form[data-act='device/approve']")).to_have_count(0)
    expect(new.page.locator("#check")).to_be_visible()


def test_an_old_proof_is_asked_again_then_the_act_goes_on(pharmacist: Seat) -> None:
    page = pharmacist.page
    page.click("a[href='/securite']")
    pharmacist.loaded()
    with pharmacist.platform.database.connect() as connection:
        connection.execute("UPDATE vault.session SET proven = 0")
    page.get_by_role("button", name="Nouveaux codes de secours").click()
    page.click("#confirm [data-answer=yes]")
    page.click("#step-up [data-answer=passkey]")
    expect(page.locator("#once #recovery-codes li")).to_have_count(10)


def test_somebody_with_an_account_joins_a_second_establishment_and_changes_place(
    pharmacist: Seat, platform: Platform
) -> None:
    page = pharmacist.page
    expect(page.locator("#who")).to_contain_text("Lyon – ")
    login = page.locator("#who [data-slot=login]").inner_text()
    place = platform.enrol_pharmacy("Pharmacie des Halles", "Meaux")
    host = Caller(platform)
    host.activate(platform.enrol(place, Role.TITULAIRE)[1])
    body = {"establishment": place, "login": login.split(" – ")[-1], "role": "employee"}
    invited = host.post("/acts/members/invite", body)
    assert invited.status_code == 200, invited.text
    page.click("a[href='/etablissement']")
    pharmacist.loaded()
    page.click("text=Rejoindre un établissement")
    page.fill("form[data-act='members/join'] [name=code]", invited.json()["code"])
    page.click("form[data-act='members/join'] [type=submit]")
    page.select_option("#place-choice", label="Pharmacie des Halles, Meaux")
    expect(page.locator("#members .identity")).to_contain_text("Pharmacie des Halles")


def test_removing_ones_last_factor_is_refused_with_what_to_do(pharmacist: Seat) -> None:
    page = pharmacist.page
    page.click("a[href='/securite']")
    pharmacist.loaded()
    page.locator("[data-act='factor/remove']").first.click()
    page.click("#confirm [data-answer=yes]")
    expect(page.locator("#alert .alert")).to_contain_text("dernier moyen de connexion")


def test_a_session_ended_elsewhere_leads_back_to_the_sign_in(
    pharmacist: Seat, seat: Callable[..., Seat]
) -> None:
    other = seat()
    other.take_passkeys_of(pharmacist)
    other.go("/")
    other.sign_in()
    other.go("/securite")
    other.loaded()
    other.page.click("[data-act='sign-out-elsewhere']")
    expect(other.page.locator("[data-act='sign-out-elsewhere']")).to_have_count(0)
    pharmacist.page.fill("[name=amc]", OPEN.amc)
    pharmacist.page.fill("[name=adherent]", OPEN.adherent)
    pharmacist.page.fill("[name=birth]", OPEN.birth)
    pharmacist.page.press("[name=birth]", "Enter")
    expect(pharmacist.page.locator("main")).to_contain_text("session est terminée")


def test_a_stolen_cookie_opens_nothing_in_another_browser(
    pharmacist: Seat, seat: Callable[..., Seat]
) -> None:
    thief = seat()
    thief.context.add_cookies(
        [cookie for cookie in pharmacist.context.cookies() if cookie["name"] == "__Host-rempart"]
    )  # type: ignore[misc]
    thief.go("/journal")
    expect(thief.page.locator("#passkey-sign-in")).to_be_visible()


def test_a_group_administrator_manages_all_its_establishments(
    seat: Callable[..., Seat], platform: Platform
) -> None:
    group = platform.enrol_group("Laboratoires du Rempart")
    for town in ("Meaux", "Ajaccio"):
        platform.enrol_pharmacy(f"Officine de {town}", town, group)
    _, code = platform.enrol_administrator(group)
    chief = seat()
    chief.activate(code)
    chief.go("/etablissement")
    chief.loaded()
    chief.page.get_by_role("button", name="Officine de Meaux").click()
    expect(chief.page.locator("#members .identity")).to_contain_text("Officine de Meaux")
    chief.page.fill("form[data-act='members/invite'] [name=login]", "lea.roux")
    chief.page.click("form[data-act='members/invite'] [type=submit]")
    expect(chief.page.locator("#one-time-code")).to_be_visible()
    expect(chief.page.locator("a[href='/verifier']")).to_be_hidden()


def test_in_english_by_the_switch_and_by_the_browsers_wish(
    pharmacist: Seat, seat: Callable[..., Seat]
) -> None:
    pharmacist.page.click("a.language")
    expect(pharmacist.page.locator("h1")).to_have_text("Check a right")
    pharmacist.check(UNKNOWN)
    expect(pharmacist.page.locator("#answer h2")).to_have_text("No right found")
    tourist = seat(ENGLISH)
    tourist.go("/")
    expect(tourist.page.locator("h1")).to_have_text("Sign in")


def test_on_a_phone_nothing_overflows_and_a_right_is_checked(
    seat: Callable[..., Seat], platform: Platform, pharmacy: str
) -> None:
    nurse = seat(viewport=PHONE, has_touch=True)
    nurse.activate(platform.enrol(pharmacy, Role.TITULAIRE, "Eva Blanc")[1])
    nurse.check(OPEN)
    for path in ("/verifier", "/journal", "/etablissement", "/securite"):
        if path != "/verifier":
            nurse.go(path)
            nurse.loaded()
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert nurse.page.evaluate(wider) == 0, path


def test_without_script_the_page_says_so(seat: Callable[..., Seat]) -> None:
    visitor = seat(java_script_enabled=False)
    for path in ("/", "/activation"):
        visitor.go(path)
        expect(visitor.page.locator("noscript .alert")).to_contain_text("a besoin de JavaScript")


def test_the_key_cannot_be_exported_and_the_script_never_sees_the_session(pharmacist: Seat) -> None:
    page = pharmacist.page
    refused = page.evaluate(
        """async () => {
          const settled = (request) => new Promise((done) => { request.onsuccess = () => done(request.result); });
          const database = await settled(indexedDB.open("rempart"));
          const pair = await settled(database.transaction("device").objectStore("device").get("key"));
          try { await crypto.subtle.exportKey("jwk", pair.privateKey); return ""; } catch (error) { return error.name; }
        }"""
    )
    assert refused == "InvalidAccessError"
    assert page.evaluate("document.cookie") == ""
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    session = next(
        cookie["value"] for cookie in pharmacist.context.cookies() if cookie["name"] == "__Host-rempart"
    )
    assert session not in kept
    assert re.search(r'"session":', kept) is None
