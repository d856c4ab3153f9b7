"""Attacks on the cashier, named after what the thief does. Each ends by what the claims zone kept."""

import base64
import dataclasses
import hashlib
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from rempart.claims.messages import (
    AskBody,
    Care,
    InvoiceBody,
    InvoiceFilter,
    InvoicePage,
    Line,
    PriseEnCharge,
)
from rempart.foundation.vocabulary import Domain, Profession
from rempart.vaultdoor.messages import Refused
from tests.authenticator import expect
from tests.cashier.conftest import Professional, Trade

SUBMIT = "/claims/invoice/submit"
DRUG = Line(nature="drug-65", price=1_075, base=1_075, boxes=1)


@pytest.fixture
def pharmacist(trade: Trade) -> Professional:
    return trade.professional()


def attempt(who: Professional, receipt: str) -> Refused:
    """Bill on this receipt; nothing may be kept of it."""
    body = InvoiceBody("F1", Care([DRUG], receipt), who.trade.today().isoformat())
    refused = who.refused(SUBMIT, body)
    assert who.trade.rows("SELECT 1 FROM claims.invoice WHERE establishment = %s", who.establishment) == []
    return refused


def _b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def parts(receipt: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    head, claims, signature = receipt.split(".")
    return (
        json.loads(base64.urlsafe_b64decode(head + "==")),
        json.loads(base64.urlsafe_b64decode(claims + "==")),
        signature,
    )


def forged(
    head: dict[str, Any], claims: dict[str, Any], key: ec.EllipticCurvePrivateKey | None, signature: str = ""
) -> str:
    signed = ".".join(_b64(json.dumps(part).encode()) for part in (head, claims))
    if key is not None:
        r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        signature = _b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return f"{signed}.{signature}"


def stolen_key(trade: Trade) -> ec.EllipticCurvePrivateKey:
    """The vault's own signing key, in a thief's hands."""
    return trade.vault.signer._key._key


def test_alg_none_is_no_signature(trade: Trade, pharmacist: Professional) -> None:
    head, claims, _ = parts(pharmacist.receipt(trade.insure(trade.insurer()), Domain.PHAR))
    assert attempt(pharmacist, forged(head | {"alg": "none"}, claims, None)).code == "engagement-invalid"


def test_the_public_key_as_a_shared_secret_is_no_signature(trade: Trade, pharmacist: Professional) -> None:
    head, claims, signature = parts(pharmacist.receipt(trade.insure(trade.insurer()), Domain.PHAR))
    assert (
        attempt(pharmacist, forged(head | {"alg": "HS256"}, claims, None, signature)).code
        == "engagement-invalid"
    )


@pytest.mark.parametrize("kid", ["its own", "the vault's"])
def test_a_thiefs_own_key_signs_nothing(trade: Trade, pharmacist: Professional, kid: str) -> None:
    head, claims, _ = parts(pharmacist.receipt(trade.insure(trade.insurer()), Domain.PHAR))
    own = forged(
        head | ({"kid": "mine"} if kid == "its own" else {}), claims, ec.generate_private_key(ec.SECP256R1())
    )
    assert attempt(pharmacist, own).code == "engagement-invalid"


@pytest.mark.parametrize(
    "change",
    [
        lambda claims: claims["contracts"][0]["guarantee"].update(percent=900),
        lambda claims: claims.update(date="2026-01-04"),
        lambda claims: claims.update(amc="99000099"),
        lambda claims: claims.update(domain="OPTI"),
        lambda claims: claims["contracts"][0].update(pec=False, responsible=False),
    ],
)
def test_tampered_terms_are_refused(
    trade: Trade, pharmacist: Professional, change: Callable[[dict[str, Any]], None]
) -> None:
    head, claims, signature = parts(pharmacist.receipt(trade.insure(trade.insurer()), Domain.PHAR))
    change(claims)
    assert attempt(pharmacist, forged(head, claims, None, signature)).code == "engagement-invalid"


def test_another_platforms_engagement_is_refused(trade: Trade, pharmacist: Professional) -> None:
    head, claims, _ = parts(pharmacist.receipt(trade.insure(trade.insurer()), Domain.PHAR))
    claims["iss"] = "https://elsewhere.example"
    assert attempt(pharmacist, forged(head, claims, stolen_key(trade))).detail == "iss"


def test_the_receipt_of_an_absence_guarantees_nothing(trade: Trade, pharmacist: Professional) -> None:
    nobody = dataclasses.replace(trade.insure(trade.insurer()), adherent="00000000")
    answer = pharmacist.check_right(nobody, Domain.PHAR)
    assert not answer.decision.found
    assert attempt(pharmacist, answer.receipt).code == "engagement-invalid"


def test_an_engagement_given_to_another_establishment_is_refused(
    trade: Trade, pharmacist: Professional
) -> None:
    theirs = trade.professional().receipt(trade.insure(trade.insurer()), Domain.PHAR)
    assert attempt(pharmacist, theirs).code == "engagement-elsewhere"


def test_a_stolen_signing_key_without_the_ledger_makes_no_engagement(
    trade: Trade, pharmacist: Professional
) -> None:
    head, claims, _ = parts(pharmacist.receipt(trade.insure(trade.insurer()), Domain.PHAR))
    for log in (
        {"index": claims["log"]["index"] + 1_000},
        {"leaf": _b64(hashlib.sha256(b"\x00invented").digest())},
    ):
        made = forged(head, claims | {"log": claims["log"] | log}, stolen_key(trade))
        assert attempt(pharmacist, made).detail == "ledger"


def test_a_pseudonym_moved_to_another_engagement_does_not_open(
    trade: Trade, pharmacist: Professional
) -> None:
    insurer = trade.insurer()
    _, rich, _ = parts(pharmacist.receipt(trade.insure(insurer), Domain.PHAR))
    head, claims, _ = parts(pharmacist.receipt(trade.insure(insurer), Domain.PHAR))
    moved = forged(head, claims | {"psn": rich["psn"]}, stolen_key(trade))
    assert attempt(pharmacist, moved).detail == "psn"


def test_a_receipt_is_worth_nothing_for_another_domain_or_date(
    trade: Trade, pharmacist: Professional
) -> None:
    receipt = pharmacist.receipt(trade.insure(trade.insurer()), Domain.LABO)
    day = trade.today()
    for number, care_date, code in (
        ("F1", day, "nature"),
        ("F2", trade.today(-1), "nature"),
        ("F3", trade.today(1), "nature"),
    ):
        body = InvoiceBody(number, Care([DRUG], receipt), care_date.isoformat())
        refused = pharmacist.ask_invoice(body)
        assert (refused.state, refused.code) == ("refused", code)
    analysis = Line(nature="biology", price=2_000, base=2_000)
    body = InvoiceBody("F4", Care([analysis], receipt), trade.today(-1).isoformat())
    assert pharmacist.ask_invoice(body).code == "care-date-other"
    assert trade.rows("SELECT 1 FROM claims.due WHERE establishment = %s", pharmacist.establishment) == []


@pytest.mark.parametrize("receipt", ["x", "..", "a.b.c", "é.é.é", "." * 50, "e30.e30.e30"])
def test_what_is_no_engagement_at_all_is_refused(pharmacist: Professional, receipt: str) -> None:
    assert attempt(pharmacist, receipt).code == "engagement-invalid"


def test_an_invoice_without_any_engagement_is_refused(pharmacist: Professional) -> None:
    assert attempt(pharmacist, "").code == "engagement-missing"


def test_a_signed_invoice_replayed_by_a_door_is_stale(trade: Trade, pharmacist: Professional) -> None:
    receipt = pharmacist.receipt(trade.insure(trade.insurer()), Domain.PHAR)
    act = pharmacist.signed(SUBMIT, InvoiceBody("F1", Care([DRUG], receipt), trade.today().isoformat()))
    trade.at_cashier(act)
    assert expect(Refused, trade.at_cashier(act)).code == "stale"


def test_a_door_cannot_change_what_was_signed(trade: Trade, pharmacist: Professional) -> None:
    receipt = pharmacist.receipt(trade.insure(trade.insurer()), Domain.PHAR)
    act = pharmacist.signed(SUBMIT, InvoiceBody("F1", Care([DRUG], receipt), trade.today().isoformat()))
    dearer = msgspec.structs.replace(act, body=act.body.replace(b"1075", b"9075"))
    assert expect(Refused, trade.at_cashier(dearer)).code == "signature"
    assert trade.rows("SELECT 1 FROM claims.invoice WHERE establishment = %s", pharmacist.establishment) == []


def test_nothing_that_names_the_person_is_kept_anywhere(trade: Trade) -> None:
    """Every row of schema claims, after a whole scenario: no card number, no birth date, no act in clear."""
    optician, anne = trade.professional(Profession.OPTICIAN), trade.insure(trade.insurer())
    frame = Line(nature="optics-frame", price=9_173, base=5, glazing_class="B")
    care = Care([frame], optician.receipt(anne, Domain.OPTI))
    agreed = optician.ask(PriseEnCharge, "/claims/prise-en-charge/ask", AskBody(care))
    billed = InvoiceBody("F1", Care([frame], prise_en_charge=agreed.number), trade.today().isoformat())
    assert optician.ask_invoice(billed).state == "accepted"
    pharmacist = trade.professional()
    pharmacist.ask_invoice(
        InvoiceBody("F1", Care([DRUG], pharmacist.receipt(anne, Domain.PHAR)), trade.today().isoformat())
    )
    assert len(pharmacist.ask(InvoicePage, "/claims/invoice/list", InvoiceFilter()).items) == 1
    tables = [name for (name,) in trade.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'claims'")]
    kept = {name: str(trade.rows(f"SELECT to_jsonb(t) FROM claims.{name} t")) for name in tables}
    assert "F1" in kept["invoice"]
    for table, text in kept.items():
        for secret in (anne.adherent, anne.born.isoformat(), anne.born.strftime("%Y%m%d"), "drug-65"):
            assert secret not in text, (table, secret)
        if table != "prise_en_charge":
            assert "optics-frame" not in text, table
