"""What a practice software does: it is installed once, a person confirms it each day, it checks rights and sends invoices."""

import json
import time
from collections.abc import Callable
from datetime import date
from typing import Any, Self
from urllib.parse import quote

import httpx

from rempart.client import fhir
from rempart.client.errors import ConfirmationNeeded, NotInstalled, Refused, StepUpNeeded
from rempart.client.keys import Signer
from rempart.client.model import Confirmation, Decision, Invoice, InvoiceAnswer, Presentation, Session
from rempart.client.receipt import verified_terms
from rempart.client.wire import Wire

RIGHTS = "/fhir/CoverageEligibilityRequest/$submit"
CLAIMS = "/fhir/Claim/$submit"
_FHIR = "application/fhir+json"
_OVER = frozenset({"session", "device"})


class Client:
    """One installation of a software at one platform. Not for several threads at once; one client a counter is cheap."""

    def __init__(
        self,
        origin: str,
        device: Signer,
        editor: Signer,
        *,
        session: str = "",
        language: str = "fr",
        http: httpx.Client | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`session`: the value that `collect` gave today. `http`: for a proxy or a certificate of one's own. `language`: fr or en."""
        self._wire = Wire(origin, device, editor, session=session, language=language, http=http, clock=clock)
        self._device_key, self._clock = dict(device.public), clock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._wire.close()

    @property
    def session(self) -> str:
        """To be kept for the day, beside the device's key."""
        return self._wire.session

    # ── a person ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def install(self, code: str, label: str) -> Confirmation:
        """Once: the titulaire's code makes this device key the establishment's. `label`: how people call it, e.g. « Comptoirs »."""
        body = {"device_key": self._device_key, "device_label": label, "code": code}
        return self._confirmation(self._wire.act("/acts/software/install", body))

    def ask(self) -> Confirmation:
        """Ask for a person: at the day's beginning, or when a look-up needs one. Raises NotInstalled."""
        try:
            return self._confirmation(self._wire.act("/acts/software/ask", {"device_key": self._device_key}))
        except Refused as error:
            if error.code == "not-found":
                raise NotInstalled(error.code, error.status) from error
            raise

    def collect(self, confirmation: Confirmation) -> Session | None:
        """The session, once the person has confirmed; None while they have not: ask again in a second or two."""
        body = {"device_key": self._device_key, "ask": confirmation.ask}
        told = self._wire.act("/acts/software/collect", body)
        if "login" not in told:
            return None
        return Session(self._wire.session, told["login"], told["establishment"], told["expires"])

    def wait(
        self,
        confirmation: Confirmation,
        *,
        seconds: float = 600,
        pause: float = 2,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Session:
        """`collect` until it is there. Raises TimeoutError."""
        for _ in range(max(1, int(seconds / pause))):
            session = self.collect(confirmation)
            if session is not None:
                return session
            sleep(pause)
        raise TimeoutError("nobody confirmed")

    def sign_out(self) -> None:
        """The day is over."""
        self._wire.act("/acts/sign-out", {})
        self._wire.session = ""

    # ── the counter ──────────────────────────────────────────────────────────────────────────────────────────────────

    def check_right(self, shown: Presentation, domain: str, care_date: date | None = None) -> Decision:
        """Is the right open, for one domain (docs/fhir.md lists them), on one date (today when None)?

        Raises ConfirmationNeeded, StepUpNeeded, Exhausted, Contained, EditorRefused, BadRequest, Unavailable. When no answer came it is
        asked once more: somebody already told of costs nothing.
        """
        body = fhir.write_check(shown, domain, care_date, self._today())
        return fhir.read_decision(self._signed_in("POST", RIGHTS, body, again=True))

    def submit_claim(self, invoice: Invoice) -> InvoiceAnswer:
        """Send an invoice: accepted or refused at once. Raises alike.

        To send the same again is safe, and is done once when no answer came.
        """
        body = fhir.write_claim(invoice, self._today())
        return fhir.read_claim_answer(self._signed_in("POST", CLAIMS, body, again=True))

    def find_claim(self, number: str) -> InvoiceAnswer | None:
        """What became of an invoice, by its own number; None when it never arrived."""
        path = f"/fhir/ClaimResponse?identifier={quote(f'urn:rempart:invoice|{number}', safe='')}"
        bundle = self._signed_in("GET", path, b"", again=True)
        entries = bundle.get("entry", [])
        return fhir.read_claim_answer(entries[0]["resource"]) if entries else None

    def verified_terms(self, decision: Decision) -> dict[str, Any]:
        """The engagement's terms, once the platform's signature on them holds. Raises ValueError."""
        return verified_terms(decision.receipt, json.loads(self._wire.get_text("/.well-known/jwks.json")))

    def proof(self, decision: Decision) -> str | None:
        """The proof that this answer is in the platform's ledger (C2SP tlog-proof, text); None for the first second or two.

        It stands alone: `rempart evidence verify-proof`, or anybody's C2SP verifier, judges it without asking the platform.
        """
        try:
            return self._wire.get_text(f"/ledger/proof?index={decision.promise.index}")
        except Refused as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _signed_in(self, method: str, path: str, body: bytes, *, again: bool) -> dict[str, Any]:
        if not self.session:
            raise ConfirmationNeeded("session", 0, self.ask())
        try:
            return self._wire.send(method, path, body, _FHIR, again=again)
        except Refused as error:
            self._need_a_person(error)
            raise

    def _need_a_person(self, error: Refused) -> None:
        """A refusal that a person lifts says which, and begins to wait for them."""
        if error.code == "step-up":
            raise StepUpNeeded(error.code, error.status, self.ask()) from error
        if error.code in _OVER:
            self._wire.session = ""
            raise ConfirmationNeeded(error.code, error.status, self.ask()) from error

    def _confirmation(self, told: dict[str, Any]) -> Confirmation:
        url = f"{self._wire.origin}/logiciel#{told['ask']}.{told['code']}"
        return Confirmation(told["ask"], told["code"], told["purpose"], told["expires"], url)

    def _today(self) -> date:
        return date.fromtimestamp(self._clock())  # noqa: DTZ012 (the day on the counter's own wall)
