"""Bank orders: valid for the bank, the same bytes for the same input, the sum of what is owed."""

import string
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban

from rempart.claims.credit_transfer import (
    MOST_CENTS,
    NAMESPACE,
    BadOrder,
    CreditTransferFile,
    Transfer,
    check_schema,
    latin,
    write,
)

NS = {"i": NAMESPACE}


def french_iban(account: int) -> str:
    """A valid French IBAN of a bank code that no bank has."""
    rib_key = 97 - (89 * 99999 + 3 * account) % 97
    bban = f"9999900000{account:011d}{rib_key:02d}"
    return f"FR{iban.calc_check_digits('FR00' + bban)}{bban}"


ONE = Transfer("RL-000001", 123_456, "Pharmacie de l’Œillet & Fils", french_iban(7), "Relevé RL-000001")
FILE = CreditTransferFile(
    message_id="REG-20260130-1",
    created=datetime(2026, 1, 30, 5, 0, tzinfo=UTC),
    requested_date=date(2026, 1, 30),
    debtor_name="Rempart démonstration",
    debtor_iban=french_iban(1),
    debtor_bic=None,
    transfers=(ONE,),
)


def texts(order: bytes, path: str) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(order).iterfind(f".//{path}", NS)]


def with_one(**changes: object) -> CreditTransferFile:
    return replace(FILE, transfers=(replace(ONE, **changes),))


def test_an_order_says_what_was_asked() -> None:
    order = write(FILE)
    assert texts(order, "i:InstdAmt") == ["1234.56"]
    assert texts(order, "i:EndToEndId") == ["RL-000001"]
    assert texts(order, "i:Cdtr/i:Nm") == ["Pharmacie de l'OEillet + Fils"]
    assert texts(order, "i:CdtrAcct/i:Id/i:IBAN") == [french_iban(7)]
    assert texts(order, "i:DbtrAcct/i:Id/i:IBAN") == [french_iban(1)]
    assert texts(order, "i:CreDtTm") == ["2026-01-30T05:00:00Z"]
    assert texts(order, "i:ReqdExctnDt/i:Dt") == ["2026-01-30"]
    assert texts(order, "i:DbtrAgt/i:FinInstnId/i:Othr/i:Id") == ["NOTPROVIDED"]


def test_a_debtors_bic_is_given_when_known() -> None:
    assert texts(write(replace(FILE, debtor_bic="AGRIFRPP")), "i:BICFI") == ["AGRIFRPP"]


@st.composite
def files(draw: st.DrawFn) -> CreditTransferFile:
    amounts = draw(st.lists(st.integers(1, MOST_CENTS), min_size=1, max_size=12))
    names = st.text(st.characters(codec="utf-8"), max_size=90).map(lambda text: "P" + text)
    return replace(
        FILE,
        transfers=tuple(
            Transfer(f"RL-{number}", cents, draw(names), french_iban(number), "R" + draw(names)[:130])
            for number, cents in enumerate(amounts)
        ),
    )


@given(files())
def test_the_control_sum_is_the_sum_of_the_lines_and_of_what_was_asked(file: CreditTransferFile) -> None:
    order = write(file)
    lines = [Decimal(text) for text in texts(order, "i:InstdAmt")]
    assert [int(line * 100) for line in lines] == [transfer.cents for transfer in file.transfers]
    assert {Decimal(text) for text in texts(order, "i:CtrlSum")} == {sum(lines)}
    assert set(texts(order, "i:NbOfTxs")) == {str(len(file.transfers))}


@given(files())
def test_a_run_killed_and_resumed_writes_the_same_bytes(file: CreditTransferFile) -> None:
    here = replace(file, created=file.created.astimezone(timezone(timedelta(hours=5))))
    assert write(file) == write(replace(file)) == write(here)


@given(st.text(st.characters(codec="utf-8")), st.integers(1, 140))
def test_only_the_sepa_set_leaves(text: str, length: int) -> None:
    kept = latin(text, length)
    assert set(kept) <= set(string.ascii_letters + string.digits + "/-?:().,'+ ")
    assert len(kept) <= length
    assert latin(kept, length) == kept


def test_names_stay_readable() -> None:
    assert (
        latin("Société d’Exercice Ñandú – Cœur & Æther <x>", 70)
        == "Societe d'Exercice Nandu - Coeur + AEther .x."
    )


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (replace(FILE, transfers=()), "no transfer"),
        (replace(FILE, transfers=(ONE, ONE)), "twice"),
        (replace(FILE, message_id="X" * 36), "message_id"),
        (replace(FILE, created=datetime(2026, 1, 30)), "created"),  # noqa: DTZ001
        (replace(FILE, requested_date=date(2026, 1, 29)), "requested_date"),
        (replace(FILE, debtor_bic="AGRI"), "debtor_bic"),
        (replace(FILE, debtor_iban="FR7700000000000000000000000"), "debtor_iban"),
        (with_one(cents=0), "cents"),
        (with_one(cents=-5), "cents"),
        (with_one(cents=MOST_CENTS + 1), "cents"),
        (with_one(end_to_end_id=""), "end_to_end_id"),
        (with_one(end_to_end_id="RL-é"), "end_to_end_id"),
        (with_one(end_to_end_id="/RL"), "end_to_end_id"),
        (with_one(end_to_end_id="RL//1"), "end_to_end_id"),
        (with_one(end_to_end_id="RL\n"), "end_to_end_id"),
        (with_one(creditor_name="药房"), "creditor_name"),
        (with_one(creditor_iban="BR1500000000000010932840814P2"), "SEPA"),
        (with_one(remittance=""), "remittance"),
        (with_one(remittance="x" * 141), "remittance"),
    ],
)
def test_an_order_no_bank_would_take_is_refused(file: CreditTransferFile, says: str) -> None:
    with pytest.raises(BadOrder) as refused:
        write(file)
    assert says in refused.value.detail


def test_a_refusal_and_a_log_never_show_an_account() -> None:
    with pytest.raises(BadOrder) as refused:
        write(with_one(creditor_iban="FR7600000000000000000000123"))
    assert "FR76" not in str(refused.value)
    assert ONE.creditor_iban not in repr(FILE)
    assert FILE.debtor_iban not in repr(FILE)


@pytest.mark.parametrize(
    ("sent", "tampered"),
    [
        (b">1234.56</InstdAmt>", b">-1.00</InstdAmt>"),
        (b'Ccy="EUR"', b'Ccy="euro"'),
        (b"<MsgId>", b"<MsgId><b/>"),
        (b"<PmtMtd>TRF</PmtMtd>", b""),
        (b"</Document>", b""),
    ],
)
def test_the_schema_is_looked_at_and_the_value_is_not_repeated(sent: bytes, tampered: bytes) -> None:
    order = write(FILE)
    check_schema(order)
    assert sent in order
    spoiled = order.replace(sent, tampered)
    with pytest.raises(BadOrder) as refused:
        check_schema(spoiled)
    assert "-1.00" not in refused.value.detail
