"""Hostile bodies, signed by a real device: each is the sender's fault, said as such, and leaves nothing."""

import json
from typing import Any

import pytest

from rempart.foundation.vocabulary import Domain
from rempart.vaultdoor.messages import Refused
from tests.authenticator import expect
from tests.cashier.conftest import Professional, Trade

SUBMIT = "/claims/invoice/submit"


@pytest.fixture(scope="module")
def pharmacist(trade: Trade) -> Professional:
    return trade.professional()


def invoice(number: str = "F1", **changes: Any) -> dict[str, Any]:
    line = {"nature": "drug-65", "price": 1_075, "base": 1_075}
    care = {"lines": [line | changes.pop("line", {})], "receipt": changes.pop("receipt", "")} | changes.pop(
        "care", {}
    )
    return {"number": number, "care": care, "care_date": "2026-11-24"} | changes


PAGE_ERRANDS = ["/claims/invoice/list", "/claims/payment/list", "/claims/prise-en-charge/list"]
HOSTILE = [
    *((path, {"before": value}) for path in PAGE_ERRANDS for value in (2**63, -(2**63) - 1, 10**30)),
    *((path, {"cents": value}) for path in PAGE_ERRANDS[:2] for value in (2**63, 10**30)),
    *((path, {"first_day": value}) for path in PAGE_ERRANDS[:2] for value in ("2026-W48-2", "20261124", "0000-00-00", "2026-02-29", "x")),
    ("/claims/invoice/list", {"number": "\x00"}), ("/claims/invoice/list", {"state": "\x00"}),
    ("/claims/payment/list", {"invoice": "\x00"}),
    ("/claims/prise-en-charge/list", {"state": "\x00"}), ("/claims/prise-en-charge/list", {"domain": "\x00"}),
    (SUBMIT, invoice("F1\n")), (SUBMIT, invoice(corrects="\x00")), (SUBMIT, invoice(corrects="F" * 5_000)),
    (SUBMIT, invoice(care={"prise_en_charge": "\x00"})), (SUBMIT, invoice(care_date="2026-11-24\n")),
    (SUBMIT, invoice(care_date="２０２６-11-24")), (SUBMIT, invoice(line={"price": 10**30})), (SUBMIT, invoice(line={"price": -1})),
    ("/claims/invoice/cancel", {"number": "F1\n"}), ("/claims/statement/pdf", {"number": "RP20261124-000001\n"}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body"), HOSTILE, ids=lambda value: str(value)[:60])
def test_a_hostile_value_is_the_senders_fault(
    pharmacist: Professional, path: str, body: dict[str, Any]
) -> None:
    reply = pharmacist.errand(path, body)
    assert expect(Refused, reply).code == "bad-input"


@pytest.mark.parametrize(
    "form",
    [
        b"identifier=%00",
        b"identifier=" + b"F" * 5_000,
        b"page=%D9%A1",
        b"page=" + b"9" * 30,
        b"created=lt9999-12-31&created=0000-01-01",
    ],
)
def test_a_hostile_search_is_the_senders_fault(pharmacist: Professional, form: bytes) -> None:
    assert expect(Refused, pharmacist.errand("/fhir/ClaimResponse/_search", form)).code in {
        "bad-input",
        "fhir",
    }


@pytest.mark.parametrize(
    "body",
    [
        b'{"number": "\\ud800x"}', b'{"number": "\\udc00"}', b'{"number": "\xff"}', b"[" * 60_000, b'{"number":' + b"[" * 60_000,
        b'{"before": NaN}', b'{"before": Infinity}', b'{"before": 1e3}', b'{"before": "1"}', b"", b"null", b"{} {}", b'{"x": 1}',
    ],
)  # fmt: skip
def test_what_is_no_json_of_ours_is_the_senders_fault(pharmacist: Professional, body: bytes) -> None:
    reply = pharmacist.errand("/claims/invoice/list", body)
    assert expect(Refused, reply).code == "bad-input"


def test_a_key_given_twice_counts_once_as_it_was_signed(trade: Trade, pharmacist: Professional) -> None:
    """The last one, as every JSON reader here takes it: what is priced is what is owed."""
    receipt = pharmacist.receipt(trade.insure(trade.insurer()), Domain.PHAR)
    plain = json.dumps(invoice("TWICE", receipt=receipt, care_date=trade.today().isoformat()))
    twice = plain.replace('"price": 1075', '"price": 99999, "price": 1075')
    pharmacist.errand(SUBMIT, twice.encode())
    found = trade.rows("SELECT total FROM claims.invoice WHERE number = 'TWICE' AND state = 'accepted'")
    assert found == [(1_075,)]
