"""The headers of every answer of every route, in production and outside, whether it succeeds or refuses. The routes are walked, so that
a new one is asked here without being told."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from rempart.api.application import app as api_app
from rempart.api.settings import ApiSettings
from rempart.api.submit import PATHS
from rempart.doorway.session_cookie import forget_session, keep_session
from rempart.foundation.clock import system_clock
from rempart.foundation.settings import FrontSettings
from rempart.front.__main__ import open_front
from rempart.portal import PortalSettings
from rempart.portal import app as portal_app
from rempart.portal.relay import COOKIE
from rempart.vaultdoor.client import CashierUnreachable, VaultClient
from rempart.vaultdoor.messages import Done, SignedIn

ORIGIN = "https://portail.exemple.fr"
VALUES = {
    "amc": "99000001",
    "filename": "a.csv",
    "kind": "StructureDefinition",
    "delivery": "0" * 32,
    "language": "en",
}


@pytest.fixture
def ask(tmp_path: Path) -> Any:
    """Ask a front whose vault and cashier do not answer."""
    settings = FrontSettings("production", "", tmp_path, ORIGIN, tmp_path)
    vault = VaultClient(tmp_path / "absent.sock")
    cashier = VaultClient(tmp_path / "gone.sock", unreachable=CashierUnreachable)
    front = open_front(settings, vault, cashier, system_clock)

    def once(method: str, path: str, **options: Any) -> httpx.Response:
        async def run() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(front), base_url=ORIGIN) as client:
                return await client.request(method, path, **options)

        return asyncio.run(run())

    return once


def every_route(folder: Path) -> Iterator[tuple[str, str]]:
    """Method and an address of each; a parameter is filled with something that may exist, or with a word that does not."""
    client = VaultClient(folder / "absent.sock")
    doors: list[Starlette] = [
        api_app(ApiSettings(ORIGIN, production=True, spool_folder=folder), client, client),
        portal_app(PortalSettings(ORIGIN, production=True), client, client),
    ]
    for door in doors:
        for route in door.routes:
            assert isinstance(route, Route)
            path = re.sub(r"\{(\w+)[^}]*\}", lambda found: VALUES.get(found[1], "something"), route.path)
            for method in sorted((route.methods or set()) | {"DELETE"}):
                yield method, path
    yield from (("POST", path) for path in sorted(PATHS))
    yield from (
        ("GET", path) for path in ("/nowhere", "/fhir/nowhere", "/health/", "/verifier/", "/acts", "/intake/")
    )


def assert_secure(response: httpx.Response) -> None:
    headers = response.headers
    policy = dict(
        part.split(" ", 1) for part in headers["content-security-policy"].split("; ") if " " in part
    )
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["server"] == "rempart"
    assert "x-powered-by" not in headers
    assert "access-control-allow-origin" not in headers
    for cookie in headers.get_list("set-cookie"):
        assert_cookie(cookie)


def assert_cookie(cookie: str) -> None:
    assert cookie.startswith("__Host-")
    lowered = cookie.lower()
    assert {"; secure", "; httponly", "; path=/"} <= set(
        re.findall(r"; (?:secure|httponly|path=/(?=;|$))", lowered)
    )
    assert "domain" not in lowered
    # The language may come along when somebody follows a link to us; the session never does.
    assert ("samesite=lax" if cookie.startswith("__Host-rempart-langue=") else "samesite=strict") in lowered


def test_every_answer_of_every_route_carries_them(ask: Any, tmp_path: Path) -> None:
    asked = sorted(set(every_route(tmp_path)))
    assert len(asked) > 80
    for method, path in asked:
        for session in ({}, {"Cookie": "__Host-rempart=whatever"}):
            response = ask(method, path, headers={"Content-Type": "application/json", **session})
            assert_secure(response)
            assert "no-store" in response.headers["cache-control"], path
            assert response.status_code not in {500, 501, 502, 504}, path


def test_only_files_under_their_fingerprint_are_kept(ask: Any) -> None:
    addresses = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', ask("GET", "/").text))
    assert addresses
    for address in addresses:
        response = ask("GET", address)
        assert_secure(response)
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"


REFUSED_AT_THE_FRONT = [
    ("GET", "/?" + "a" * 9000, {}),
    ("GET", "/openapi.json?" + "a" * 9000, {}),
    ("POST", "/acts/x", {"Content-Encoding": "br"}),
    ("POST", "/fhir/Claim/$submit", {"Content-Encoding": "br"}),
    ("POST", "/fhir/CoverageEligibilityRequest/$submit", {"X": "y" * 20_000}),
]


@pytest.mark.parametrize(("method", "path", "headers"), REFUSED_AT_THE_FRONT)
def test_what_no_door_has_seen_carries_them_too(
    ask: Any, method: str, path: str, headers: dict[str, str]
) -> None:
    response = ask(method, path, headers=headers)
    assert response.status_code in {414, 415, 431}
    assert response.headers["connection"] == "close"
    assert "no-store" in response.headers["cache-control"]
    assert_secure(response)


def test_the_sessions_cookie_goes_to_this_host_over_https_and_to_no_script() -> None:
    opened, ended, forgotten = Response(), Response(), Response()
    signed_in = SignedIn("0" * 43, "login", "id", [], "titulaire", 2, 0)
    keep_session(opened, signed_in, "/acts/sign-in/passkey", COOKIE)
    keep_session(ended, Done(), "/acts/sign-out", COOKIE)
    forget_session(forgotten, COOKIE)
    assert "__Host-rempart=" + "0" * 43 in opened.headers["set-cookie"]
    for response in (opened, ended, forgotten):
        assert_cookie(response.headers["set-cookie"])
