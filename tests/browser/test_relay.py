"""What a browser relies on, over HTTP: the session's value stays in its cookie, fragments are rendered, names go where they belong."""

import time
from typing import Any

import httpx
import msgspec
import pytest

from rempart.foundation.vocabulary import Role
from rempart.vaultdoor.browser import DeviceKey, SoftwarePasskey
from rempart.vaultdoor.messages import Challenge
from tests.browser.platform import Platform

COOKIE = "__Host-rempart"


class Caller:
    """A browser in software: signs, and keeps the cookie."""

    def __init__(self, platform: Platform) -> None:
        self.origin = platform.origin
        self.device, self.passkey = DeviceKey.generate(), SoftwarePasskey(platform.origin)
        self.session = ""

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        content = msgspec.json.encode(body)
        signed = self.device.sign("POST", self.origin + path, content, int(time.time()))
        cookie = {"Cookie": f"{COOKIE}={self.session}"} if self.session else {}
        return httpx.post(
            self.origin + path,
            content=content,
            headers={**signed, **cookie, "Content-Type": "application/json", **headers},
            trust_env=False,
        )

    def activate(self, code: str, **headers: str) -> httpx.Response:
        known = {"device_key": self.device.public, "activation_code": code}
        begun = self.post("/acts/activation/begin", known).json()
        challenge = msgspec.convert(begun, Challenge)
        credential = self.passkey.create(challenge, self.device)
        more = {"device_label": "Comptoir", "nonce": challenge.nonce, "credential": credential, "label": ""}
        response = self.post("/acts/activation/passkey", known | more, **headers)
        assert response.status_code == 200, response.text
        self.session = response.cookies[COOKIE]
        return response


@pytest.fixture
def titulaire(platform: Platform, pharmacy: str) -> Caller:
    caller = Caller(platform)
    caller.activate(platform.enrol(pharmacy, Role.TITULAIRE)[1])
    return caller


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_the_sessions_value_is_in_the_cookie_and_nowhere_else(
    platform: Platform, pharmacy: str, accept: str
) -> None:
    caller = Caller(platform)
    response = caller.activate(platform.enrol(pharmacy, Role.TITULAIRE)[1], Accept=accept)
    cookie = response.headers["set-cookie"]
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
    assert len(caller.session) > 20
    assert caller.session not in response.text


def test_signing_out_ends_the_session_and_deletes_the_cookie(titulaire: Caller) -> None:
    assert titulaire.post("/acts/security", {}).status_code == 200
    response = titulaire.post("/acts/sign-out", {})
    assert f'{COOKIE}=""' in response.headers["set-cookie"]
    refused = titulaire.post("/acts/security", {})
    assert (refused.status_code, refused.headers["rempart-code"]) == (401, "session")


def test_an_altered_body_is_refused(titulaire: Caller) -> None:
    content = b'{"before": 0, "limit": 5}'
    signed = titulaire.device.sign("POST", f"{titulaire.origin}/acts/journal", content, int(time.time()))
    headers = {**signed, "Cookie": f"{COOKIE}={titulaire.session}", "Content-Type": "application/json"}
    altered = httpx.post(
        f"{titulaire.origin}/acts/journal",
        content=content.replace(b"5", b"9"),
        headers=headers,
        trust_env=False,
    )
    assert (altered.status_code, altered.headers["rempart-code"]) == (401, "signature")


def test_what_the_vault_tells_is_escaped_in_a_fragment(platform: Platform, pharmacy: str) -> None:
    caller = Caller(platform)
    caller.activate(platform.enrol(pharmacy, Role.TITULAIRE, name="<img src=x> Martin")[1])
    html = caller.post("/acts/members", {"establishment": ""}, Accept="text/html").text
    assert "&lt;img src=x&gt; Martin" in html
    assert "<img" not in html


def test_the_name_of_a_colleague_is_written_only_once_the_vault_has_enrolled_them(
    platform: Platform, pharmacy: str, titulaire: Caller
) -> None:
    def names() -> set[str]:
        with platform.database.connect("operator") as connection:
            return {
                name for (name,) in connection.execute("SELECT name FROM identity.professional").fetchall()
            }

    body = {"establishment": pharmacy, "login": "zoe.noel", "role": "employee"}
    invited = titulaire.post("/acts/members/invite", body, **{"Rempart-Display-Name": "Zo%C3%A9%20No%C3%ABl"})
    assert invited.status_code == 200, invited.text
    assert "Zoé Noël" in names()

    stranger = Caller(platform)
    stranger.activate(platform.enrol(platform.enrol_pharmacy("Autre pharmacie", "Nice"), Role.TITULAIRE)[1])
    refused = stranger.post(
        "/acts/members/invite", body | {"login": "max.muller"}, **{"Rempart-Display-Name": "Max"}
    )
    assert refused.status_code in {401, 403}
    assert "Max" not in names()

    removed = titulaire.post(
        "/acts/members/remove", {"establishment": pharmacy, "account": invited.json()["id"]}
    )
    assert removed.status_code == 200, removed.text
    assert "Zoé Noël" not in names()
