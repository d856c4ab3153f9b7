"""What becomes of the cashier's papers at the portal: a fragment, JSON, or a file that no browser opens in the portal's name."""

import msgspec
import pytest

from rempart.claims.messages import Quote, Shares, StepView
from rempart.portal.fragments import Fragments, environment
from rempart.portal.papers import FRAGMENTS, as_it_is
from rempart.vaultdoor.messages import Paper

SHARES = Shares(140_000, 72_000, 50_000, 18_000, 0, 200)


@pytest.fixture(scope="module")
def fragments() -> Fragments:
    return Fragments(environment("http://localhost", lambda name: f"/static/{name}"))


def paper(view: msgspec.Struct) -> Paper:
    return Paper(type(view).__name__, msgspec.json.encode(view))


def test_a_quote_shows_the_shares_in_figures_and_as_a_bar_that_says_the_same(fragments: Fragments) -> None:
    quote = Quote(SHARES, [SHARES], [StepView("r", "a", 1, "<b>")], False)
    shown = fragments.paper(paper(quote), "fr") or ""
    assert "1\u202f400,00\u00a0€" in shown
    assert 'width="35.714"' in shown
    assert "franchise" in shown
    assert "&lt;b&gt;" in shown
    assert "style=" not in shown


def test_amounts_are_written_as_each_language_does(fragments: Fragments) -> None:
    assert "€1,400.00" in (fragments.paper(paper(Quote(SHARES, [], [], True)), "en") or "")


def test_a_kind_without_a_fragment_is_never_rendered(fragments: Fragments) -> None:
    assert fragments.paper(Paper("Other", b"{}"), "fr") is None
    assert fragments.paper(Paper("Quote", b"%PDF", "application/pdf"), "fr") is None


def test_every_fragment_has_its_template(fragments: Fragments) -> None:
    for _, template in FRAGMENTS.values():
        fragments._env.get_template(f"fragments/{template}")


@pytest.mark.parametrize(
    ("media_type", "told", "name"),
    [
        ("application/pdf", "application/pdf", "rempart.pdf"),
        ("text/csv; charset=utf-8", "text/csv; charset=utf-8", "rempart.csv"),
        ("text/html", "application/octet-stream", "rempart.bin"),
        ("image/svg+xml", "application/octet-stream", "rempart.bin"),
    ],
)
def test_a_file_is_a_download_whatever_it_says_it_is(media_type: str, told: str, name: str) -> None:
    response = as_it_is(Paper("statement", b"<script>", media_type, headers={"Set-Cookie": "x=1"}))
    assert response.headers["content-type"] == told
    assert response.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert "set-cookie" not in response.headers
