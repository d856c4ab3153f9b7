"""Signing out where the server cannot be told."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Seat

pytestmark = pytest.mark.browser


def test_signing_out_without_a_network_leaves_nothing_in_the_tab(pharmacist: Seat) -> None:
    page = pharmacist.page
    pharmacist.go("/verifier")
    expect(page.locator("#who")).to_be_visible()
    assert page.evaluate("sessionStorage.length") > 0
    page.context.set_offline(True)
    page.click("[data-act=sign-out]")
    expect(page.locator("#alert .alert")).to_have_text(re.compile("serveur ne répond pas"))
    assert page.evaluate("sessionStorage.length") == 0
    page.context.set_offline(False)
    assert len(pharmacist.complaints) == 1
    pharmacist.complaints.clear()
    pharmacist.sign_out()
