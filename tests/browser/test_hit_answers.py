"""*Sommes-nous concernés ?* as people see it: the notice, one house's answer, another's, the group's, an insurer's seat."""

import dataclasses
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Locator, expect

from rempart.evidence.note import VerifierKey
from rempart.foundation.clock import HOUR, SECOND, system_clock
from rempart.foundation.vocabulary import Profession, Role
from rempart.incident import acting, store_case
from rempart.incident.acting import Hand
from rempart.incident.exposure import Question
from rempart.incident.notices.templates import Templates
from rempart.incident.publishing import count_answers, publish, unpublish
from rempart.incident.scope import scope
from rempart.incident.scope_negative import Depth, state_negative
from rempart.incident.scope_proofs import read_published
from rempart.vaultdoor.messages import Checkpoint, EnrolEstablishment, RegisterInsurer, SignedCheckpoint
from tests.browser.conftest import ENGLISH, FRENCH, PHONE, Seat
from tests.browser.platform import OPEN, Platform
from tests.browser.test_accessibility import flawless
from tests.browser.test_insurer import sit

pytestmark = pytest.mark.browser
NATURE = "Une session volée a interrogé la plate-forme pendant une heure."


@contextmanager
def published(platform: Platform, establishment: str, title: str) -> Iterator[None]:
    """An incident about whatever was asked there in the last hour."""
    now = system_clock()
    question = Question(now - HOUR, now, establishments=frozenset({uuid.UUID(establishment)}))
    key = VerifierKey.parse(platform.ask(Checkpoint(), SignedCheckpoint).verifier_key)
    with platform.database.connect("operator") as c:
        number = store_case.open_incident(c, now, "essai", title, now - HOUR)
        by = Hand("essai", now)
        for name, said in (
            ("nature", NATURE), ("nature:en", "A stolen session asked the platform for an hour."),
            ("measures_taken", "L'accès a été coupé en une minute."), ("public_contact", "rempart.example/incident"),
        ):  # fmt: skip
            acting.say_fact(c, by, Templates.read(), number, name, said)
        acting.put_question(c, by, number, question)
        found = scope(c, question)
        negative = state_negative(c, found, read_published(c, key), Depth.COUNTED)
        incident = store_case.read_incident(c, number)
        answers = count_answers(c, incident, found, negative, now + 10 * SECOND)
        # As if those ten seconds had passed.
        publish(c, dataclasses.replace(answers, shown=dataclasses.replace(answers.shown, at=now)), "essai")
        try:
            yield
        finally:
            unpublish(c, Hand("essai", system_clock()), number, "essai")


def about(who: Seat, title: str) -> Locator:
    """The card of one incident, on the page that the notice leads to."""
    who.go("/securite")
    notice = who.page.locator("#messages .message", has_text=title)
    expect(notice).to_be_visible()
    notice.locator("a").click()
    card = who.page.locator("article.incident", has=who.page.get_by_role("heading", name=title, exact=True))
    expect(card).to_be_visible()
    return card


@pytest.mark.parametrize("locale", [FRENCH, ENGLISH])
def test_each_house_reads_its_own_answer_and_the_groups_head_each(
    seat: Callable[..., Seat], platform: Platform, locale: str
) -> None:
    # axe writes HTML into the page by itself, which the portal's Trusted Types forbid.
    french = locale == FRENCH
    title = f"Session volée {locale}"
    group = platform.enrol_group(f"Groupe {locale}")
    robbed = platform.enrol_pharmacy(f"Pharmacie du Phare {locale}", group=group)
    platform.enrol_pharmacy(f"Pharmacie du Môle {locale}", group=group)
    elsewhere = platform.enrol_pharmacy(f"Pharmacie des Dunes {locale}")
    house, far, head = (seat(locale, bypass_csp=True) for _ in range(3))
    house.activate(platform.enrol(robbed, Role.TITULAIRE)[1])
    house.check(OPEN)
    far.activate(platform.enrol(elsewhere, Role.TITULAIRE)[1])
    head.activate(platform.enrol_administrator(group)[1])
    with published(platform, robbed, title):
        card = about(house, title)
        expect(card).to_have_attribute("data-concerned", "yes")
        expect(card.locator("[data-slot=verdict]")).to_contain_text("Concerné" if french else "Concerned")
        expect(card.locator("[data-count=answers]")).to_contain_text("1")
        expect(card).to_contain_text(NATURE if french else "A stolen session")
        expect(card.locator("[data-slot=own]")).to_contain_text("RIB" if french else "bank account")
        expect(card.locator("a[href='/securite']")).to_be_visible()
        flawless(house.page, "a house that was hit")

        card = about(far, title)
        expect(card).to_have_attribute("data-concerned", "no")
        expect(card.locator("[data-slot=verdict]")).to_contain_text(
            "Non concerné" if french else "Not concerned"
        )
        flawless(far.page, "a house that was not")

        card = about(head, title)
        expect(card.locator("tbody tr")).to_have_count(1)
        expect(card.locator("tbody tr")).to_contain_text("Pharmacie du Phare")
        card.locator("[data-slot=untouched] summary").press("Enter")
        expect(card.locator("[data-slot=untouched] li")).to_contain_text(["Pharmacie du Môle"])
        flawless(head.page, "a group")
    house.go("/incidents")
    expect(house.page.locator("#incidents .empty")).to_be_visible()
    expect(house.page.locator("#messages .message", has_text=title)).to_have_count(0)


def test_an_insurers_seat_reads_it_beside_its_packages(
    seat: Callable[..., Seat], platform: Platform, pharmacy: str
) -> None:
    platform.operate(RegisterInsurer("99000778", "Mutuelle des Dunes", b"\3" * 32, b"\4" * 32))
    place = platform.operate(EnrolEstablishment("", Profession.INSURER, amc="99000778")).id
    who = sit(seat(bypass_csp=True), platform, place)
    with published(platform, pharmacy, "Nuit agitée"):
        card = about(who, "Nuit agitée")
        expect(who.page).to_have_url(f"{platform.origin}/assureur/incidents")
        expect(card).to_have_attribute("data-concerned", "no")
        flawless(who.page, "an insurer's seat")


def test_the_page_fits_a_telephone(seat: Callable[..., Seat], platform: Platform) -> None:
    who = seat(viewport=PHONE)
    robbed = platform.enrol_pharmacy("Pharmacie du Petit Écran", group=platform.enrol_group("Petits écrans"))
    who.activate(platform.enrol(robbed, Role.TITULAIRE)[1])
    who.check(OPEN)
    with published(platform, robbed, "Petit écran"):
        about(who, "Petit écran")
        assert who.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
