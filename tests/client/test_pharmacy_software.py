"""The documented example, run as a program of its own against a real platform; and the client beside it, refused and refusing."""

import dataclasses
import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import IO

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from rempart.cli.counter import Counter
from rempart.client import (
    BadRequest,
    Card,
    Client,
    ConfirmationNeeded,
    Contained,
    DeviceKey,
    EditorDesk,
    EditorKey,
    EditorRefused,
    Exhausted,
    Invoice,
    Line,
    NotAtWork,
    NotInstalled,
    Refused,
    StepUpNeeded,
    Unavailable,
    Vitale,
)
from rempart.client.__main__ import main as client_command
from rempart.client.keys import b64url, keyid
from rempart.client.model import Confirmation
from rempart.client.page import html_page
from rempart.evidence.note import VerifierKey
from rempart.evidence.proof import open_proof
from rempart.vault.policy import editor_limits
from rempart.vaultdoor.messages import (
    Challenge,
    Checkpoint,
    Done,
    Enrolled,
    RegisterEditor,
    ResumeEstablishment,
    SignedCheckpoint,
    SuspendEditor,
    SuspendEstablishment,
    ThrowSwitch,
)
from tests.api.town import ANNE, ENDED, Town, running_town
from tests.conftest import Database
from tests.front.process import wait_until

EXAMPLE = Path(__file__).parents[2] / "examples/pharmacy_software.py"
EDITOR = "Logis Santé"
ANNES_CARD = Card(ANNE.amc, ANNE.adherent, ANNE.birth_date)


@pytest.fixture(scope="module")
def town(module_database: Database) -> Iterator[Town]:
    with running_town(module_database) as running:
        yield running


@pytest.fixture(autouse=True)
def _a_whole_line(town: Town) -> None:
    town.renew_lines()


@pytest.fixture(scope="module")
def editor(town: Town) -> EditorKey:
    """The editor's key, made known by the operator."""
    key = EditorKey.generate()
    assert isinstance(town.operate(RegisterEditor(EDITOR, point(key))), Enrolled)
    return key


@pytest.fixture
def software(town: Town, editor: EditorKey) -> Iterator[Client]:
    """Installed in the pharmacy, and confirmed."""
    with client(town, editor) as installed:
        asked = installed.install(code(town), "Comptoirs")
        confirm(town, asked)
        assert installed.collect(asked) is not None
        yield installed


def point(key: EditorKey) -> bytes:
    numbers = key._private.public_key().public_numbers()
    return b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def client(town: Town, editor: EditorKey, **changes: object) -> Client:
    return Client(town.front.settings.origin, DeviceKey.generate(), editor, **changes)  # type: ignore[arg-type]


def touched(counter: Counter, purpose: str) -> dict[str, object]:
    """An assertion of the pharmacist's passkey."""
    told = counter.act(f"/acts/{purpose}/begin", {})
    challenge = Challenge(**{name: value for name, value in told.items() if name != "type"})
    return {"nonce": challenge.nonce, "credential": counter.passkey.use(challenge, counter.device)}


def code(town: Town, titulaire: Counter | None = None) -> str:
    """The titulaire's code."""
    counter = titulaire or town.counter
    counter.act("/acts/step-up/passkey", touched(counter, "step-up"))
    return str(counter.act("/acts/software/invite", {"establishment": "", "editor": EDITOR})["code"])


def confirm(town: Town, asked: Confirmation, person: Counter | None = None) -> None:
    """What the portal's page does with the address that the software opened."""
    counter = person or town.counter
    number, _, shown = asked.url.partition("#")[2].partition(".")
    counter.act("/acts/software/confirm", {"ask": number, "code": shown} | touched(counter, "software"))


def ledger_editors(town: Town) -> list[str]:
    with town.database.connect() as owner:
        return [
            str(row[0])
            for row in owner.execute("SELECT editor FROM evidence.entry ORDER BY index").fetchall()
        ]


# ── the example ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_example_is_installed_confirmed_told_and_paid(
    town: Town, editor: EditorKey, tmp_path: Path
) -> None:
    editor.save(tmp_path / "editor.pem")
    origin, before = town.front.settings.origin, town.ledger_size()
    command = [sys.executable, str(EXAMPLE), origin, str(tmp_path), "--finess", town.finess]
    with subprocess.Popen(
        [*command, "--install", code(town)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as program:
        assert program.stdout is not None
        url = line_with(program.stdout, "-> ").removeprefix("-> ")
        assert url.startswith(f"{origin}/logiciel#")
        confirm(town, Confirmation("", "", "", 0, url))
        rest = program.stdout.read()
        assert program.wait(30) == 0, rest
    assert "Le droit est ouvert." in rest
    assert "Facture F2026-0001 : Acceptée. Complémentaire : 294 centimes." in rest
    assert town.ledger_size() == before + 1
    assert ledger_editors(town)[-1] != "00000000-0000-0000-0000-000000000000"
    # Later that day nobody needs to confirm; and the same acts are not billed twice.
    again = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "Le droit est ouvert." in again.stdout
    assert "logiciel#" not in again.stdout
    assert (again.returncode, "(number-used " in again.stdout) == (1, True)
    assert all(
        (tmp_path / name).stat().st_mode & 0o077 == 0 for name in ("device.pem", "editor.pem", "session")
    )


def line_with(stream: IO[str], start: str) -> str:
    seen = []
    for line in stream:
        seen.append(line)
        if line.startswith(start):
            return line.strip()
    raise AssertionError(f"no line begins with {start!r}: {''.join(seen)}")


# ── the library ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_decision_is_whole_and_its_engagement_verifies(town: Town, software: Client) -> None:
    decision = software.check_right(ANNES_CARD, "PHAR")
    assert (decision.found, decision.open, decision.lane, decision.domain) == (True, True, "card", "PHAR")
    [contract] = decision.contracts
    assert (contract.product, contract.formula, contract.valid_to) == (
        "CONFORT",
        "100 % BR, AMO comprise",
        "",
    )
    terms = software.verified_terms(decision)
    assert (terms["jti"], terms["amc"]) == (decision.engagement, ANNE.amc)
    assert decision.promise.index == town.ledger_size() - 1
    with town.database.connect() as owner:
        row = owner.execute(
            "SELECT l.commitment FROM evidence.leaf l WHERE l.index = %s", (decision.promise.index,)
        ).fetchone()
    assert row is not None
    # RFC 6962 §2.1: the leaf's hash over what the ledger holds.
    assert decision.promise.leaf == b64url(hashlib.sha256(b"\0" + row[0]).digest())


def test_the_promise_is_kept_by_a_proof_that_stands_alone(town: Town, software: Client) -> None:
    decision = software.check_right(ANNES_CARD, "PHAR")
    wait_until(lambda: software.proof(decision) is not None, "the proof")
    text = software.proof(decision)
    assert text is not None
    checkpoint = town.operate(Checkpoint())
    assert isinstance(checkpoint, SignedCheckpoint)
    proved = open_proof(text.encode(), VerifierKey.parse(checkpoint.verifier_key))
    assert proved.index == decision.promise.index
    assert b64url(hashlib.sha256(b"\0" + proved.commitment).digest()) == decision.promise.leaf


def test_closed_absent_and_by_nir(software: Client) -> None:
    ended = software.check_right(Card(ENDED.amc, ENDED.adherent, ENDED.birth_date), "PHAR")
    assert (ended.found, ended.open, ended.contracts[0].reason, ended.engagement) == (
        True,
        False,
        "ended",
        "",
    )
    absent = software.check_right(Card(ANNE.amc, "00000000", ANNE.birth_date), "PHAR")
    assert (absent.found, absent.open, absent.contracts) == (False, False, ())
    by_nir = software.check_right(Vitale(ANNE.amc, ANNE.nir, ANNE.birth_date), "OPTI", date.today())  # noqa: DTZ011
    assert (by_nir.open, by_nir.lane, by_nir.contracts[0].prise_en_charge) == (True, "vitale", True)


def test_an_exhausted_line_is_said_openly(town: Town, software: Client) -> None:
    with town.database.connect() as owner:
        # Nothing that a person confirms opens the hour's line.
        owner.execute(
            "UPDATE vault.meter SET hour_slot = %s, hour = '{9999,0,0,0,0}'",
            (int(time.time() * 1_000_000) // 900_000_000,),
        )
    with pytest.raises(Exhausted) as refused:
        software.check_right(ANNES_CARD, "PHAR")
    assert (refused.value.code, refused.value.status) == ("exhausted", 429)


def test_an_invoice_beyond_its_engagement_is_refused_with_what_to_do(town: Town, software: Client) -> None:
    decision = software.check_right(ANNES_CARD, "PHAR")
    care_date = date.fromisoformat(decision.care_date)
    bill = Invoice(
        "L-1", (Line("drug-65", 1_000, 1_000, 1),), care_date, town.finess, ANNE.amc, decision.receipt
    )
    assert software.submit_claim(bill).accepted
    found = software.find_claim("L-1")
    assert found is not None
    assert (found.accepted, found.shares["submitted"], found.shares["amo"]) == (True, 1_000, 650)
    assert software.find_claim("L-2") is None
    other_day = Invoice(
        "L-3", (Line("drug-65", 1_000, 1_000, 1),), care_date - timedelta(days=1), town.finess, ANNE.amc, decision.receipt
    )  # fmt: skip
    answer = software.submit_claim(other_day)
    assert (answer.accepted, answer.state, answer.code) == (False, "refused", "care-date-other")
    assert answer.sentence.startswith("La date des soins n'est pas celle de la vérification des droits.")
    with pytest.raises(Refused) as refused:
        software.submit_claim(replace(bill, number="L-4", receipt=""))
    assert (refused.value.code, refused.value.status) == ("engagement-missing", 422)
    assert refused.value.french.startswith("La demande ne porte ni engagement")
    assert refused.value.english.startswith("The request has neither an engagement")


def test_without_a_session_a_person_is_asked_for(town: Town, software: Client, editor: EditorKey) -> None:
    with Client(town.front.settings.origin, software._wire._device, editor) as later:
        with pytest.raises(ConfirmationNeeded) as needed:
            later.check_right(ANNES_CARD, "PHAR")
        # Somebody works on this device already: it is they who must be seen.
        assert needed.value.confirmation.purpose == "step-up"
        confirm(town, needed.value.confirmation)
        session = later.wait(needed.value.confirmation, pause=0.01)
        assert session.value == later.session
        assert later.check_right(ANNES_CARD, "PHAR").open


def test_a_session_that_is_over_asks_for_a_person_anew(town: Town, software: Client) -> None:
    software.check_right(ANNES_CARD, "PHAR")
    software._wire.session = "x" * 43
    with pytest.raises(ConfirmationNeeded) as needed:
        software.check_right(ANNES_CARD, "PHAR")
    assert software.session == ""
    confirm(town, needed.value.confirmation)
    software.wait(needed.value.confirmation, pause=0.01)
    assert software.check_right(ANNES_CARD, "PHAR").open


def test_a_switch_that_asks_for_a_person_is_lifted_by_the_confirmation(town: Town, software: Client) -> None:
    with town.database.connect() as owner:
        owner.execute(
            "INSERT INTO vault.switch (scope, key, reason, thrown, hold) SELECT 'establishment', id::text, 'essai', %s, 'step-up'"
            " FROM vault.establishment WHERE finess = %s",
            (int(time.time() * 1_000_000), town.finess),
        )
        try:
            with pytest.raises(StepUpNeeded) as needed:
                software.check_right(ANNES_CARD, "PHAR")
            assert needed.value.confirmation.purpose == "step-up"
            confirm(town, needed.value.confirmation)
            software.wait(needed.value.confirmation, pause=0.01)
            assert software.check_right(ANNES_CARD, "PHAR").open
        finally:
            owner.execute("DELETE FROM vault.switch")


def test_a_product_in_no_establishment_gets_nothing(town: Town, editor: EditorKey) -> None:
    before = town.ledger_size()
    with client(town, editor) as stranger:
        with pytest.raises(NotInstalled):
            stranger.check_right(ANNES_CARD, "PHAR")
        with pytest.raises(Refused) as refused:
            stranger.install("AAAA-BBBB-CCCC-DDDD", "x")
    assert refused.value.code == "activation"
    assert "titulaire" in refused.value.french
    assert town.ledger_size() == before


def test_a_stolen_session_and_editors_key_without_the_device_get_nothing(
    town: Town, software: Client, editor: EditorKey
) -> None:
    before = town.ledger_size()
    with client(town, editor, session=software.session) as thief, pytest.raises(NotInstalled) as refused:
        thief.check_right(ANNES_CARD, "PHAR")
    assert refused.value.__cause__ is not None
    assert town.ledger_size() == before


def test_the_device_without_the_editors_key_gets_nothing(town: Town, software: Client) -> None:
    before = town.ledger_size()
    other = EditorKey.generate()
    thief = Client(town.front.settings.origin, software._wire._device, other, session=software.session)
    with thief, pytest.raises(EditorRefused) as refused:
        thief.check_right(ANNES_CARD, "PHAR")
    assert refused.value.status == 401
    assert town.ledger_size() == before


def test_a_suspended_editors_product_is_told_nothing_at_once(town: Town, software: Client) -> None:
    assert software.check_right(ANNES_CARD, "PHAR").open
    assert isinstance(town.operate(SuspendEditor(EDITOR, True)), Done)
    try:
        before = town.ledger_size()
        with pytest.raises(EditorRefused):
            software.check_right(ANNES_CARD, "PHAR")
        assert town.ledger_size() == before
    finally:
        assert isinstance(town.operate(SuspendEditor(EDITOR, False)), Done)
    assert software.check_right(ANNES_CARD, "PHAR").open


def test_a_switch_on_the_editor_stops_its_product(town: Town, software: Client) -> None:
    assert isinstance(town.operate(ThrowSwitch("editor", EDITOR, "essai", True)), Done)
    try:
        with pytest.raises(Contained):
            software.check_right(ANNES_CARD, "PHAR")
    finally:
        assert isinstance(town.operate(ThrowSwitch("editor", EDITOR, "essai", False)), Done)
    assert software.check_right(ANNES_CARD, "PHAR").open


def test_a_house_that_is_suspended_is_told_so_and_not_as_a_security_measure(
    town: Town, software: Client
) -> None:
    assert isinstance(town.operate(SuspendEstablishment(town.finess, "papers", 2, "essai")), Done)
    try:
        with pytest.raises(NotAtWork) as refused:
            software.check_right(ANNES_CARD, "PHAR")
    finally:
        assert isinstance(town.operate(ResumeEstablishment(town.finess, "essai")), Done)
    assert refused.value.code == "seat-suspended"
    assert software.check_right(ANNES_CARD, "PHAR").open


def test_what_is_malformed_names_the_element_and_no_value(software: Client) -> None:
    with pytest.raises(BadRequest) as refused:
        software.check_right(Card("99000001", "x" * 21, date(1980, 1, 13)), "PHAR")
    assert "subscriberId" in refused.value.detail
    assert "xxx" not in f"{refused.value} {refused.value.french}"


def test_a_lost_answer_is_asked_for_once_more_signed_anew(town: Town, software: Client) -> None:
    real = software._wire._http
    lost: list[str] = []

    def lose_the_first(request: httpx.Request) -> httpx.Response:
        answer = real.send(request)
        if not lost:
            lost.append(request.headers["signature"])
            raise httpx.ReadTimeout("lost on the way", request=request)
        assert request.headers["signature"] != lost[0]
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    software._wire._http = httpx.Client(transport=httpx.MockTransport(lose_the_first))
    before = town.ledger_size()
    try:
        decision = software.check_right(ANNES_CARD, "PHAR")
    finally:
        software._wire._http = real
    assert (decision.open, decision.cost) == (True, 0)
    assert town.ledger_size() == before + 2


def test_an_act_is_never_sent_twice(software: Client) -> None:
    sent = []

    def lose(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.path)
        raise httpx.ReadTimeout("lost on the way", request=request)

    real = software._wire._http
    software._wire._http = httpx.Client(transport=httpx.MockTransport(lose))
    try:
        with pytest.raises(Unavailable) as lost:
            software.ask()
    finally:
        software._wire._http = real
    assert (sent, lost.value.code) == (["/acts/software/ask"], "unreachable")


def test_a_signer_of_ones_own_is_enough(town: Town, editor: EditorKey) -> None:
    """A TPM, an HSM, a signing server: two members."""

    class Elsewhere:
        def __init__(self) -> None:
            self._key = DeviceKey(ec.generate_private_key(ec.SECP256R1()))
            self.public, self.asked = self._key.public, 0

        def sign(self, message: bytes) -> bytes:
            self.asked += 1
            return self._key.sign(message)

    device = Elsewhere()
    with Client(town.front.settings.origin, device, editor) as installed:
        asked = installed.install(code(town), "HSM")
        confirm(town, asked)
        installed.wait(asked, pause=0.01)
        assert installed.check_right(ANNES_CARD, "PHAR").open
    assert device.asked >= 3


def test_installations_together_never_pass_the_editors_line(
    town: Town, software: Client, editor: EditorKey
) -> None:
    """Two pharmacies, two people, two devices, each with a whole line of its own; the editor's has room for three misses."""
    try:
        with town.newcomer() as (other, _), client(town, editor) as second:
            asked = second.install(code(town, other), "Ailleurs")
            confirm(town, asked, other)
            second.wait(asked, pause=0.01)
            know_the_editor_anew(town)
            assert EditorDesk(town.front.settings.origin, editor).page().limits == editor_limits(2)
            spend_editors_line(town, editor_limits(2)[2] - 15)
            for each in (software, second, software):
                assert not each.check_right(Card(ANNE.amc, "00000000", ANNE.birth_date), "PHAR").found
            before = town.ledger_size()
            for each in (software, second):
                # Nobody's passkey widens an editor's line.
                with pytest.raises(Exhausted):
                    each.check_right(Card(ANNE.amc, "00000000", ANNE.birth_date), "PHAR")
            assert town.ledger_size() == before
            # The browser of the same person, in the same establishment, has its own line.
            assert town.check(ANNE.by_card())[0].status == 200
    finally:
        spend_editors_line(town, 0)


def know_the_editor_anew(town: Town) -> None:
    """The vault keeps an editor for a minute, and how many it serves; what the operator does to it is known at once."""
    for suspended in (True, False):
        assert isinstance(town.operate(SuspendEditor(EDITOR, suspended)), Done)


def spend_editors_line(town: Town, units: int) -> None:
    with town.database.connect() as owner:
        owner.execute(
            "UPDATE vault.meter m SET month_slot = %s, month = ARRAY[%s,0,0,0,0,0,0,0] FROM vault.editor e WHERE m.key = e.id",
            (int(time.time() * 1_000_000) // 345_600_000_000, units),
        )


# ── the editor's page ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_editors_page_counts_what_its_software_spent(
    town: Town, software: Client, editor: EditorKey
) -> None:
    before = EditorDesk(town.front.settings.origin, editor).page()
    software.check_right(ANNES_CARD, "PHAR")
    after = EditorDesk(town.front.settings.origin, editor).page()
    assert (after.name, after.status, after.hold) == (EDITOR, "active", "")
    assert after.spent[0] == before.spent[0] + 1
    assert all(limit > 0 for limit in after.limits)


def test_the_editors_page_is_one_for_a_browser_and_says_no_markup(
    town: Town, software: Client, editor: EditorKey, tmp_path: Path
) -> None:
    key, file = tmp_path / "editor.pem", tmp_path / "page.html"
    editor.save(key)
    assert client_command(["page", town.front.settings.origin, str(key), "--html", str(file)]) == 0
    page = EditorDesk(town.front.settings.origin, editor).page()
    for said in (EDITOR, "en service", str(page.limits[2]), page.keyid, 'lang="fr"'):
        assert said in file.read_text()
    assert "<script" not in html_page(dataclasses.replace(page, name="<script>"))


def test_the_command_shows_the_page_and_replaces_the_key(
    town: Town, software: Client, editor: EditorKey, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    origin = town.front.settings.origin
    made = tmp_path / "made.pem"
    assert client_command(["new-key", str(made)]) == 0
    assert capsys.readouterr().out == EditorKey.load(made).public_pem
    assert client_command(["page", origin, str(made)]) == 1
    assert "(editor)" in capsys.readouterr().err
    editor.save(tmp_path / "editor.pem")
    assert client_command(["page", origin, str(tmp_path / "editor.pem")]) == 0
    assert f"{EDITOR} : actif (active)" in capsys.readouterr().out
    assert client_command(["rotate", origin, str(tmp_path / "editor.pem"), str(made)]) == 0
    assert keyid(EditorKey.load(made)) in capsys.readouterr().out
    # Both keys count for a week; then put the first back for the other tests.
    assert software.check_right(ANNES_CARD, "PHAR").open
    assert isinstance(
        town.operate(RegisterEditor("Éditeur de passage", point(EditorKey.generate()))), Enrolled
    )
