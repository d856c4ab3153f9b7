"""People of insurers: their seat, what they ask, and references that only their insurer reads."""

import secrets
import uuid
from datetime import date
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rempart.claims.flows import Told, make_flows
from rempart.claims.messages import AskBody, Care, Invoice, InvoiceBody, Line, PriseEnCharge
from rempart.evidence.daily import Made, make_openings
from rempart.evidence.note import VerifierKey
from rempart.foundation.clock import SECOND
from rempart.foundation.vocabulary import Domain, Profession
from rempart.intake.notice import associated_data, pad_reference, wrap_load_key
from rempart.vault.capsule import subject
from rempart.vaultdoor.messages import EnrolEstablishment, Enrolled
from tests.authenticator import expect
from tests.cashier.conftest import Insured, Insurer, Professional, Trade

DRUG = Line(nature="drug-65", price=1_075, base=1_075, boxes=1)
CROWN = Line(nature="dental-prosthesis", price=50_000, base=12_000, basket="free")
WAITS = [CROWN] * 7
"""Dear enough for the insurer to decide."""
_loads = count(100_000)


def clerk(trade: Trade, insurer: Insurer) -> Professional:
    """Somebody of an insurer, signed in; a colleague of whoever has its seat already."""
    known = trade.rows("SELECT id::text FROM vault.establishment WHERE amc = %s", insurer.amc)
    if known:
        return trade.professional(establishment=known[0][0])
    seat = EnrolEstablishment("", Profession.INSURER, amc=insurer.amc)
    return trade.professional(establishment=expect(Enrolled, trade.operate(seat)).id)


def make(trade: Trade, day: date | None = None) -> list[Told]:
    """The day's flows, as the worker makes them, a second later."""
    trade.clock.advance(SECOND)
    with trade.database.connect("worker") as c:
        return make_flows(c, day or trade.today(), trade.clock)


def hand_over(trade: Trade) -> list[Made]:
    """The day's openings of the ledger so far, as the worker makes them."""
    trade.runner.run(trade.vault.checkpoints.sign_if_grown())
    key = VerifierKey.parse(trade.vault.checkpoints.verifier_key)
    with trade.database.connect("worker") as c:
        return make_openings(c, trade.today(), trade.clock() + 1, trade.clock, key)


def bill(
    who: Professional, insured: Insured, number: str, *lines: Line, domain: Domain = Domain.PHAR
) -> Invoice:
    """An accepted invoice of today."""
    care = Care(list(lines) or [DRUG], who.receipt(insured, domain))
    accepted = who.ask(
        Invoice, "/claims/invoice/submit", InvoiceBody(number, care, who.trade.today().isoformat())
    )
    assert accepted.state == "accepted", accepted
    return accepted


def ask(who: Professional, insured: Insured, domain: Domain, *lines: Line) -> PriseEnCharge:
    """A prise en charge."""
    care = Care(list(lines), who.receipt(insured, domain))
    return who.ask(PriseEnCharge, "/claims/prise-en-charge/ask", AskBody(care))


def remember(trade: Trade, insured: Insured, reference: str) -> None:
    """The insurer's own reference beside the capsule, as the sealer writes it: one load, one key, then forgotten."""
    insurer, load, line, key = insured.insurer, next(_loads), 7, secrets.token_bytes(32)
    place = line.to_bytes(4, "big")
    hidden = AESGCM(key).encrypt(
        bytes(8) + place, pad_reference(reference.encode()), associated_data(insurer.amc, load)
    )
    who = subject(trade.keys.prf("subject"), insurer.amc, insured.adherent)
    with trade.database.connect() as owner:
        public = insurer.notice.public_key().public_bytes_raw()
        owner.execute(
            "INSERT INTO intake.load VALUES (%s, %s, %s)",
            (load, insurer.number, wrap_load_key(key, public, insurer.amc)),
        )
        row: Any = owner.execute(
            "SELECT generation FROM vault.insurer WHERE number = %s", (insurer.number,)
        ).fetchone()
        changed = owner.execute(
            f"UPDATE capsule.i{insurer.number}_g{row[0]} SET notice_ref = %s WHERE subject = %s".encode(),
            (load.to_bytes(4, "big") + place + hidden, uuid.UUID(bytes=who)),
        )
        assert changed.rowcount == 1
