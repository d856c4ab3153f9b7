"""The portal's pages and headers, through its ASGI application. No vault is needed: the pages hold nobody's data."""

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from rempart.doorway.files import FOLDER
from rempart.portal import PortalSettings, app
from rempart.portal.application import FOLDER as OWN_FOLDER
from rempart.portal.pages import PAGES
from rempart.vaultdoor.client import CashierUnreachable, VaultClient

ORIGIN = "http://localhost:8000"
SIGNED_IN = {"Cookie": "__Host-rempart=whatever"}
ENGLISH = {"Accept-Language": "de;q=0.9, en-GB, fr;q=0.8"}


@pytest.fixture
def request_portal(tmp_path):
    """Ask the portal, whose vault and cashier do not answer."""

    def ask(method: str, path: str, *, production: bool = False, **options: Any) -> httpx.Response:
        origin = "https://portail.exemple.fr" if production else ORIGIN
        portal = app(
            PortalSettings(origin, production=production),
            VaultClient(tmp_path / "absent.sock"),
            VaultClient(tmp_path / "gone.sock", unreachable=CashierUnreachable),
        )

        async def run() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(portal), base_url=origin) as client:
                return await client.request(method, path, **options)

        return asyncio.run(run())

    return ask


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_page_speaks_the_readers_language_and_says_what_it_needs(request_portal, page, language):
    headers = {**(SIGNED_IN if page.signed_in else {}), **(ENGLISH if language == "en" else {})}
    response = request_portal("GET", page.path, headers=headers)
    assert response.status_code == 200
    assert f'<html lang="{language}"' in response.text
    assert response.headers["content-language"] == language
    assert "<noscript>" in response.text
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_a_page_has_no_inline_script_or_style_and_names_no_other_host(request_portal, page):
    html = request_portal("GET", page.path, headers=SIGNED_IN if page.signed_in else {}).text
    assert not re.search(r"<script(?![^>]*\ssrc=)", html)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", html)
    assert {
        found for found in re.findall(r'https?://[^"\s<]+', html) if not found.startswith(ORIGIN)
    } == set()


def test_the_policy_lets_nothing_inline_foreign_or_framed_in(request_portal):
    policy = dict(
        part.split(" ", 1)
        for part in request_portal("GET", "/").headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert (
        policy["script-src"] == policy["style-src"] == policy["img-src"] == policy["connect-src"] == "'self'"
    )
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"


@pytest.mark.parametrize("path", ["/", "/static/nothing/here.js", "/nowhere", "/acts/security"])
def test_every_answer_carries_the_security_headers(request_portal, path):
    response = request_portal("POST" if path.startswith("/acts") else "GET", path, json=None)
    for name in (
        "content-security-policy",
        "referrer-policy",
        "permissions-policy",
        "x-content-type-options",
    ):
        assert name in response.headers
    assert response.headers["cross-origin-opener-policy"] == "same-origin"
    assert response.headers["cache-control"] == "no-store"


def test_production_announces_https_and_refuses_to_be_served_without(request_portal):
    assert "max-age=" in request_portal("GET", "/", production=True).headers["strict-transport-security"]
    assert "strict-transport-security" not in request_portal("GET", "/").headers
    with pytest.raises(ValueError, match="https"):
        PortalSettings("http://localhost:8000", production=True)


@pytest.mark.parametrize("origin", ["https://a.fr/", "a.fr", "http://portail.exemple.fr", "ftp://a.fr"])
def test_an_origin_that_browsers_could_not_sign_is_refused(origin):
    with pytest.raises(ValueError, match="origin"):
        PortalSettings(origin)


def test_without_a_session_the_inner_pages_lead_to_the_sign_in(request_portal):
    for page in PAGES:
        if page.signed_in:
            response = request_portal("GET", page.path)
            assert (response.status_code, response.headers["location"]) == (303, "/")


def test_the_sign_in_page_says_why_one_is_there_and_drops_the_dead_session(request_portal):
    response = request_portal("GET", "/?motif=session", headers=SIGNED_IN)
    assert "Votre session est terminée" in response.text
    assert '__Host-rempart=""' in response.headers["set-cookie"]
    assert request_portal("GET", "/", headers=SIGNED_IN).headers["location"] == "/verifier"


def test_a_reason_outside_the_list_is_never_repeated(request_portal):
    assert "1960-01-02" not in request_portal("GET", "/?motif=1960-01-02").text


def test_the_language_is_remembered_by_a_host_cookie_and_leads_back_to_our_pages_only(request_portal):
    response = request_portal("GET", "/langue/en?page=/journal")
    assert response.headers["location"] == "/journal"
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("__Host-rempart-langue=en;")
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    chosen = request_portal(
        "GET", "/", headers={"Cookie": "__Host-rempart-langue=en", "Accept-Language": "fr"}
    )
    assert '<html lang="en"' in chosen.text
    assert request_portal("GET", "/langue/en?page=https://elsewhere.example/").headers["location"] == "/"


def test_files_are_served_under_their_fingerprint_and_kept_for_ever(request_portal):
    html = request_portal("GET", "/").text
    addresses = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', html))
    assert len(addresses) >= 4
    for address in addresses:
        response = request_portal("GET", address)
        assert response.status_code == 200
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    old = re.sub(r"/static/[0-9a-f]+/", "/static/0000000000000000/", addresses.pop())
    assert request_portal("GET", old).status_code == 404
    assert request_portal("GET", "/static/x/../../settings.py").status_code == 404


def test_the_script_imports_and_the_styles_point_to_files_that_exist():
    for source in (*FOLDER.rglob("*.js"), *OWN_FOLDER.rglob("*.js")):
        for target in re.findall(r'(?:from|import\()\s*"(\./[^"]+)"', source.read_text()):
            here = [folder / target for folder in (FOLDER, OWN_FOLDER)]
            assert any(file.is_file() for file in here), f"{source.name} imports {target}"
    for source in (*(FOLDER / "style").glob("*.css"), *(OWN_FOLDER / "style").glob("*.css")):
        for target in re.findall(r'url\("([^"]+)"\)', source.read_text()):
            assert (source.parent / target).is_file(), f"{source.name} points to {target}"


def test_the_vendored_style_sheet_is_the_one_noted():
    note = (FOLDER / "vendor" / "README.md").read_text()
    assert hashlib.sha256((FOLDER / "vendor" / "pico.min.css").read_bytes()).hexdigest() in note


def test_every_icon_of_the_framework_is_replaced_by_a_file():
    # The framework's own are data: addresses, which the policy refuses.
    wanted = set(re.findall(r"(--pico-icon-[a-z]+):url\(", (FOLDER / "vendor" / "pico.min.css").read_text()))
    ours = set(re.findall(r"(--pico-icon-[a-z]+): url\(", (FOLDER / "style" / "icons.css").read_text()))
    assert wanted
    assert wanted <= ours


def test_an_unknown_address_has_a_page(request_portal):
    response = request_portal("GET", "/patients?nir=295109912611193")
    assert response.status_code == 404
    assert "295109912611193" not in response.text
    assert "Cette adresse n&#39;existe pas ici." in response.text


SAME_ORIGIN = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}


@pytest.mark.parametrize(
    "change",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Content-Type": "text/plain"},
    ],
    ids=str,
)
def test_forged_by_a_foreign_page_an_act_does_not_reach_the_vault(request_portal, change):
    # The vault of this portal does not answer: what reaches it is told as an outage, what does not is told as bad input.
    assert request_portal("POST", "/acts/security", headers=SAME_ORIGIN, content=b"{}").status_code == 503
    response = request_portal("POST", "/acts/security", headers={**SAME_ORIGIN, **change}, content=b"{}")
    expected = (415, "media-type") if "Content-Type" in change else (400, "bad-input")
    assert (response.status_code, response.json()["code"]) == expected
    assert response.headers["rempart-code"] == expected[1]


def test_a_body_above_the_limit_is_refused_and_one_at_the_limit_is_relayed(request_portal):
    assert request_portal("POST", "/acts/x", headers=SAME_ORIGIN, content=b" " * 65_536).status_code == 503
    assert request_portal("POST", "/acts/x", headers=SAME_ORIGIN, content=b" " * 65_537).status_code == 413


def test_an_outage_is_told_in_the_readers_language_with_a_reference_and_without_what_was_sent(
    request_portal, caplog
):
    for accept in ("application/json", "text/html"):
        response = request_portal(
            "POST",
            "/acts/sign-in/password",
            headers={**SAME_ORIGIN, **ENGLISH, "Accept": accept},
            content=b'{"password": "tr0ub4dor"}',
        )
        assert response.status_code == 503
        assert "The vault does not answer for now" in response.text
        assert re.search(r"[0-9a-f]{8}", response.text)
        assert "tr0ub4dor" not in response.text + caplog.text


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_an_errand_lost_on_the_way_is_never_said_to_be_undone(request_portal, accept):
    french, english = (
        request_portal(
            "POST", "/claims/invoice/submit", headers={**SAME_ORIGIN, **more, "Accept": accept}, content=b"{}"
        )
        for more in ({}, ENGLISH)
    )
    assert french.status_code == english.status_code == 503
    assert "La caisse ne répond pas" in french.text
    assert "The cashier does not answer" in english.text
    assert "divulgué" not in french.text
    assert "disclosed" not in english.text


def test_no_page_and_no_script_keeps_what_was_typed():
    templates = Path(OWN_FOLDER).parent / "templates"
    check = (templates / "check.html").read_text()
    for field in ("amc", "adherent", "nir", "birth", "rank", "serviced"):
        assert re.search(rf'name="{field}" autocomplete="off"', check), field
    for source in (*FOLDER.rglob("*.js"), *OWN_FOLDER.rglob("*.js")):
        text = source.read_text()
        assert "localStorage" not in text
        # One thing is kept for the time of a tab: who is signed in.
        assert set(re.findall(r'sessionStorage\.\w+\("([^"]+)"', text)) <= {"who"}
