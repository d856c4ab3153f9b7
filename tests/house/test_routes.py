"""Every route declares who may use it, or is on the short public list. A new route that does neither fails here."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Route

from rempart import api, portal
from rempart.api.application import PREFIXES
from rempart.api.claims import ROUTES
from rempart.api.settings import ApiSettings
from rempart.api.submit import PATHS
from rempart.cashier.__main__ import all_errands
from rempart.cashier.errands import Party
from rempart.desk.application import app as desk_app
from rempart.desk.pages import PAGES as DESK_PAGES
from rempart.foundation.settings import DeskSettings
from rempart.portal import PortalSettings
from rempart.portal.pages import PAGES
from rempart.portal.wording import DEEDS
from rempart.vault.acts import ACTS, Rule, Who
from rempart.vault.desk_acts import TABLE as DESK_TABLE
from rempart.vault.disclose import RIGHTS
from rempart.vaultdoor.client import VaultClient

ORIGIN = "http://localhost:8000"

PUBLIC = {
    "GET /fhir/metadata": "what the door speaks",
    "GET /fhir/{kind:definition}": "profiles, codes",
    "GET /fhir/{kind:definition}/{name}": "one of them",
    "GET /fhir/examples": "where the examples are",
    "GET /fhir/examples/{name}": "one of them: synthetic",
    "GET /.well-known/jwks.json": "public keys",
    "GET /.well-known/offline-cards.json": "keys and lists of bits: which card is whose, nobody reads there",
    "GET /evidence/checkpoint": "the ledger's signed root: commitments only",
    "GET /ledger/checkpoint": "the same, with its witnesses' cosignatures",
    "GET /ledger/tile/{path:path}": "commitments and hashes",
    "GET /ledger/proof": "hashes; whoever asks knows the index already",
    "GET /openapi.json": "the description of the doors",
    "GET /openapi": "the same, to be read",
    "GET /openapi/style.css": "its style",
    "GET /health/live": "does this process answer",
    "GET /health/ready": "can the vault behind it answer",
    "GET /": "the sign-in page",
    "GET /hors-ligne": "a page without data: it judges a card in the browser",
    "GET /etat": "which service works",
    "GET /etat.json": "the same for machines",
    "GET /etat.atom": "the same as a feed",
    "GET /etat.en.atom": "in English",
    "GET /activation": "a page without data; the code is judged by the vault",
    "GET /referencement": "a page without data: a form, and the convention's text",
    "GET /referencement/suivi": "a page without data",
    "POST /referencement/dossier": "an application: whoever sends it has no account yet; the cashier bounds it, and reads nothing back",
    "POST /referencement/piece": "a piece of a document, for whoever holds the application's 100-bit code",
    "POST /referencement/envoi": "the same",
    "POST /referencement/etat": "the same: one of four words",
    "GET /langue/{language}": "remembers a language",
    "GET /static/{fingerprint}/{name:path}": "script, style, icons",
}
SIGNED = {
    "POST /acts/{act:path}": "relayed whole: the vault's table says who may",
    "POST /claims/{errand:path}": "relayed whole: the cashier's table says who may",
    **{f"{method} {path}": "relayed whole: the cashier's table says who may" for method, path in ROUTES},
    "POST /fhir/AuditEvent/_search": "signed by the insurer's key: the vault verifies it before it reads anything",
    "PUT /intake/{amc}/{filename}": "signed by the insurer; the sealer verifies it before it opens anything",
    "GET /intake/{delivery}": "whoever holds the delivery's 128-bit number",
}
SIGNED_IN_PAGES = {f"GET {page.path}" for page in PAGES if page.signed_in}
WITHOUT_SESSION = {
    "/acts/sign-in/begin",
    "/acts/sign-in/passkey",
    "/acts/sign-in/password",
    "/acts/sign-in/pending",
    "/acts/sign-in/posted",
    "/acts/activation/begin",
    "/acts/activation/passkey",
    "/acts/activation/totp",
    "/acts/activation/password",
    # A practice software, signed by its own device key and its editor's; it gets a session once a person has confirmed it.
    "/acts/software/install",
    "/acts/software/ask",
    "/acts/software/collect",
    # An editor, by its own key: its own figures, its own key.
    "/acts/editor",
    "/acts/editor/rotate",
}
"""All that somebody who is not signed in may ask of the vault: to sign in, to turn a code into an account, to be confirmed."""
MEMBERS = "/acts/members/"
TOUCHES_FACTORS = ("/acts/passkey/", "/acts/factor/", "/acts/password/", "/acts/totp/", "/acts/recovery/")


def served(application: Starlette) -> set[str]:
    """METHOD path of every route of an application; HEAD goes with GET."""
    routes = [route for route in application.routes if isinstance(route, Route)]
    assert len(routes) == len(application.routes), "a mount or a socket: say here who may use it"
    return {f"{method} {route.path}" for route in routes for method in (route.methods or set()) - {"HEAD"}}


def test_every_route_of_the_doors_is_public_by_name_or_says_who_may(tmp_path: Path) -> None:
    client = VaultClient(tmp_path / "absent.sock")
    doors = [
        api.app(ApiSettings(ORIGIN, spool_folder=tmp_path), client, client),
        portal.app(PortalSettings(ORIGIN), client, client),
    ]
    everything = set().union(*(served(door) for door in doors))
    assert everything == PUBLIC.keys() | SIGNED.keys() | SIGNED_IN_PAGES


def test_every_route_of_the_desk_is_public_by_name_signed_or_a_shell(tmp_path: Path) -> None:
    settings = DeskSettings(mode="demo", dsn="", run_folder=tmp_path, origin="http://desk.localhost:8010")
    pages = {f"GET {page.path}" for page in DESK_PAGES if page.signed_in}
    public = {
        "GET /",
        "GET /activation",
        "GET /langue/{language}",
        "GET /static/{fingerprint}/{name:path}",
        "GET /health/ready",
    }
    signed = {"POST /acts/{act:path}", "POST /desk/{act:path}"}
    application = desk_app(settings, VaultClient(tmp_path / "absent.sock"), lambda: 0)
    assert served(application) == public | signed | pages


def test_at_the_desk_only_a_passkey_and_an_activation_code_need_no_session() -> None:
    assert {path for path, rule in DESK_TABLE.items() if rule.who is Who.ANYONE} == {
        "/acts/sign-in/begin", "/acts/sign-in/passkey", "/acts/activation/begin", "/acts/activation/passkey",
    }  # fmt: skip
    # What is done again by a second person, and what touches factors, needs a proof by its rule; a deed by what it is (deeds.py).
    fresh = {
        "/desk/dossier/open",
        "/desk/proposal/approve",
        "/desk/proposal/code",
        # What silences a clock, what leaves for insurers or as proofs, and what nobody reads any more.
        "/desk/answers/withdraw",
        "/desk/incident/done",
        "/desk/incident/waive",
        "/desk/packages/resume",
        "/desk/packages/remind",
        "/desk/scope/proofs",
        *(path for path in DESK_TABLE if path.startswith(TOUCHES_FACTORS)),
    }
    assert {path for path, rule in DESK_TABLE.items() if rule.who is Who.STEP_UP} == fresh


def test_no_route_of_the_api_hides_behind_the_portals() -> None:
    public_of_api = {route.partition(" ")[2] for route in PUBLIC | SIGNED}
    assert {path for path in public_of_api if path.startswith(PREFIXES)} == public_of_api - {
        "/", "/activation", "/referencement", "/referencement/suivi", "/referencement/dossier", "/referencement/piece",
        "/referencement/envoi", "/referencement/etat", "/hors-ligne", "/etat", "/etat.json", "/etat.atom", "/etat.en.atom",
        "/langue/{language}", "/static/{fingerprint}/{name:path}", "/acts/{act:path}", "/claims/{errand:path}",
    }  # fmt: skip


def test_the_hot_path_is_one_signed_request_under_two_spellings() -> None:
    assert set(RIGHTS) == PATHS


def test_every_act_has_its_rule_and_only_signing_in_needs_no_session() -> None:
    assert all(isinstance(rule, Rule) and isinstance(rule.who, Who) for rule in ACTS.values())
    assert {path for path, rule in ACTS.items() if rule.who is Who.ANYONE} == WITHOUT_SESSION


def test_what_touches_factors_or_members_needs_a_fresh_proof() -> None:
    fresh = {Who.STEP_UP, Who.MANAGER}
    assert {
        path for path, rule in ACTS.items() if path.startswith(TOUCHES_FACTORS) and rule.who not in fresh
    } == set()
    changes = {path for path in ACTS if path.startswith(MEMBERS)} - {"/acts/members/join"}
    assert {path for path in changes if ACTS[path].who is not Who.MANAGER} == set()
    assert ACTS["/acts/device/approve"].who is Who.STEP_UP
    # What asks for a person, or makes them touch their passkey, is no proof of itself.
    touches = ("/acts/presence/", "/acts/software/begin", "/acts/software/confirm")
    assert {ACTS[path].who for path in ACTS if path.startswith(touches)} == {Who.SESSION}


def test_whoever_is_asked_for_a_proof_reads_what_for() -> None:
    """The page's dialog names each act; a touch that only lets look-ups go on has no name there."""
    of_vault = {path for path, rule in ACTS.items() if rule.who in {Who.STEP_UP, Who.MANAGER}}
    table = all_errands().table
    of_cashier = {key.partition(" ")[2] for key, errand in table.items() if errand.proof == "step-up"}
    assert set(DEEDS) == {path.removeprefix("/acts/").removeprefix("/") for path in of_vault | of_cashier}


def test_every_claims_route_of_the_api_is_an_errand_of_the_cashiers() -> None:
    errands = all_errands().table
    of_fhir = {key for key in errands if key.partition(" ")[2].startswith("/fhir/")}
    assert {f"{method} {path.replace('{id}', '*')}" for method, path in ROUTES} == of_fhir
    assert {errands[key].party for key in of_fhir} == {Party.PROFESSIONAL}
