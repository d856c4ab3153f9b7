"""The bank's reports: believed to the letter, or not at all."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rempart.claims.bank_reasons import reason, table
from rempart.claims.bank_report import MOST_BYTES, BadReport, BankReport, Fate, Outcome, read

PAGE = Path(__file__).parents[2] / "docs/files/bank.md"


def status_report(group: str = "", payments: str = "", version: str = "10") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.{version}"><CstmrPmtStsRpt>'
        "<GrpHdr><MsgId>BANK-1</MsgId><CreDtTm>2026-01-30T07:00:00Z</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>REG-1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{group}</OrgnlGrpInfAndSts>"
        f"{payments}</CstmrPmtStsRpt></Document>"
    ).encode()


def payment(inside: str) -> str:
    return f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>REG-1</OrgnlPmtInfId>{inside}</OrgnlPmtInfAndSts>"


def line(name: str, status: str, code: str = "", amount: str = "") -> str:
    why = f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>" if code else ""
    said = f'<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">{amount}</InstdAmt></Amt></OrgnlTxRef>' if amount else ""
    return f"<TxInfAndSts><OrgnlEndToEndId>{name}</OrgnlEndToEndId><TxSts>{status}</TxSts>{why}{said}</TxInfAndSts>"


def notification(entries: str, version: str = "08") -> bytes:
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.{version}"><BkToCstmrDbtCdtNtfctn>'
        "<GrpHdr><MsgId>BANK-2</MsgId><CreDtTm>2026-02-03T07:00:00Z</CreDtTm></GrpHdr>"
        f"<Ntfctn><Id>N</Id>{entries}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
    ).encode()


def entry(details: str, amount: str = "12.30", status: str = "<Cd>BOOK</Cd>", side: str = "CRDT") -> str:
    return f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts>{status}</Sts><NtryDtls>{details}</NtryDtls></Ntry>'


def returned(name: str, code: str = "AC04", amount: str = "") -> str:
    own = f'<Amt Ccy="EUR">{amount}</Amt>' if amount else ""
    return (
        f"<TxDtls><Refs><MsgId>X</MsgId><EndToEndId>{name}</EndToEndId></Refs>{own}"
        f"<RtrInf><Rsn><Cd>{code}</Cd></Rsn></RtrInf></TxDtls>"
    )


# ── status reports ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("version", ["03", "10"])
def test_each_named_transfer_has_its_fate(version: str) -> None:
    lines = line("A", "ACSC") + line("B", "RJCT", "AC01", "12.3") + line("C", "ACSP")
    assert read(status_report("<GrpSts>PART</GrpSts>", payment(lines), version)) == BankReport(
        "pain.002",
        "BANK-1",
        "REG-1",
        (Outcome("A", Fate.PAID), Outcome("B", Fate.REJECTED, "AC01", 1230), Outcome("C", Fate.UNDERWAY)),
    )


def test_a_whole_order_is_rejected_at_group_level() -> None:
    report = read(
        status_report(
            "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>FF01</Cd></Rsn><AddtlInf>x</AddtlInf></StsRsnInf>"
        )
    )
    assert (report.rest, report.rest_reason, report.outcomes) == (Fate.REJECTED, "FF01", ())


def test_a_whole_order_is_rejected_at_payment_level_with_the_banks_own_code() -> None:
    inside = "<PmtInfSts>RJCT</PmtInfSts><StsRsnInf><Rsn><Prtry>LIM-2</Prtry></Rsn></StsRsnInf>"
    report = read(status_report(payments=payment(inside)))
    assert (report.rest, report.rest_reason) == (Fate.REJECTED, "LIM-2")


def test_a_payment_level_status_is_nearer_than_the_groups() -> None:
    assert (
        read(status_report("<GrpSts>ACTC</GrpSts>", payment("<PmtInfSts>ACSC</PmtInfSts>"))).rest is Fate.PAID
    )


def test_a_partial_report_says_nothing_of_those_it_does_not_name() -> None:
    assert read(status_report("<GrpSts>PART</GrpSts>", payment(line("B", "RJCT", "AC04")))).rest is None


def test_a_rejected_order_with_an_executed_transfer_is_not_believed() -> None:
    with pytest.raises(BadReport, match="one of its transfers is not"):
        read(status_report("<GrpSts>RJCT</GrpSts>", payment(line("A", "ACSC"))))


def test_a_transfer_named_twice_is_not_believed() -> None:
    with pytest.raises(BadReport, match="twice"):
        read(status_report(payments=payment(line("A", "RJCT", "AC04") + line("A", "ACSC"))))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (status_report(payments=payment(line("A", "ZZZZ"))), "status"),
        (status_report(payments=payment(line("", "RJCT"))), "OrgnlEndToEndId"),
        (status_report(payments=payment(line("A", ""))), "TxSts"),
        (status_report(payments=payment(line("A", "RJCT")) * 2), "OrgnlPmtInfAndSts"),
        (status_report(payments=payment(line("A" * 36, "RJCT"))), "35"),
        (status_report(payments=payment(line("A", "RJCT", amount="1.005"))), "euros"),
        (status_report(payments=payment(line("A", "RJCT", amount="-1.00"))), "euros"),
        (
            status_report(payments=payment(line("A", "RJCT", amount="1.00"))).replace(b'"EUR"', b'"USD"'),
            "euros",
        ),
        (status_report(payments=payment(line("A", "RJCT"))).replace(b"pain.001", b"pain.008"), "pain.001"),
        (status_report(version="99"), "neither"),
        (status_report().replace(b"<OrgnlMsgId>REG-1</OrgnlMsgId>", b""), "OrgnlMsgId"),
        (status_report()[:-4], "not XML"),
        (b"", "not XML"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_what_cannot_be_believed_is_refused_whole(data: bytes, says: str) -> None:
    with pytest.raises(BadReport) as refused:
        read(data)
    assert says in refused.value.detail


# ── returns ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("version", "status"), [("02", "BOOK"), ("08", "<Cd>BOOK</Cd>")])
def test_a_returned_transfer_is_named_with_its_reason_and_amount(version: str, status: str) -> None:
    report = read(notification(entry(returned("A"), status=status), version))
    assert report == BankReport("camt.054", "BANK-2", "", (Outcome("A", Fate.RETURNED, "AC04", 1230),))


def test_returns_booked_together_keep_their_own_amounts() -> None:
    together = returned("A", amount="10.00") + returned("B", "MD07", "2.3")
    report = read(notification(entry(together)))
    assert report.outcomes == (
        Outcome("A", Fate.RETURNED, "AC04", 1000),
        Outcome("B", Fate.RETURNED, "MD07", 230),
    )


def test_returns_booked_together_without_their_amounts_are_refused() -> None:
    with pytest.raises(BadReport, match="its own amount"):
        read(notification(entry(returned("A") + returned("B"))))


@pytest.mark.parametrize(
    "other",
    [
        entry(returned("A"), side="DBIT"),
        entry(returned("A"), status="<Cd>PDNG</Cd>"),
        entry(returned("NOTPROVIDED")),
        entry("<TxDtls><Refs><EndToEndId>A</EndToEndId></Refs></TxDtls>"),
        entry(""),
    ],
)
def test_what_is_no_booked_return_of_a_named_transfer_is_counted_apart(other: str) -> None:
    report = read(notification(entry(returned("B")) + other))
    assert ([outcome.end_to_end_id for outcome in report.outcomes], report.others) == (["B"], 1)


@given(
    st.lists(
        st.tuples(st.integers(1, 10**11), st.sampled_from(["AC04", "MD07", "MS03"])), min_size=1, max_size=20
    )
)
def test_the_sum_of_the_returns_is_the_entrys(lines: list[tuple[int, str]]) -> None:
    def euros(cents: int) -> str:
        return f"{cents // 100}.{cents % 100:02d}"

    details = "".join(returned(f"T{n}", code, euros(cents)) for n, (cents, code) in enumerate(lines))
    report = read(notification(entry(details, euros(sum(cents for cents, _ in lines)))))
    assert [(outcome.cents, outcome.reason_code) for outcome in report.outcomes] == lines


# ── hostile files ────────────────────────────────────────────────────────────────────────────────────────────────────

LAUGHS = "<!DOCTYPE d [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {this} '{f'&{last};' * 10}'>" for last, this in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "document_type",
    [
        LAUGHS + "]>",
        '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE d SYSTEM "http://127.0.0.1:9/evil.dtd">',
    ],
)
def test_attack_a_document_type_with_entities(document_type: str) -> None:
    hostile = document_type.encode() + status_report().split(b"?>", 1)[1].replace(b"BANK-1", b"&x;")
    with pytest.raises(BadReport, match="document type"):
        read(hostile)


@pytest.mark.parametrize("encoding", ["UTF-7", "UTF-16", "UTF-32", "ISO-8859-1"])
def test_attack_a_document_type_hidden_by_the_declared_encoding(encoding: str) -> None:
    hidden = "+ADwAIQ-DOCTYPE d [+ADwAIQ-ENTITY x 'ha'+AD4]+AD4"
    hostile = (
        f'<?xml version="1.0" encoding="{encoding}"?>{hidden}'.encode() + status_report().split(b"?>", 1)[1]
    )
    with pytest.raises(BadReport, match="not XML"):
        read(hostile)
    with pytest.raises(BadReport, match=r"UTF-8|not XML"):
        read(('<!DOCTYPE d [<!ENTITY x "ha">]>' + status_report().decode()).encode("utf-16"))


def test_attack_a_very_deep_file() -> None:
    with pytest.raises(BadReport, match="deeper"):
        read(b"<a>" * 200 + b"</a>" * 200)


def test_attack_a_file_of_a_million_elements() -> None:
    with pytest.raises(BadReport, match="elements"):
        read(b"<a>" + b"<b/>" * 1_000_001 + b"</a>")


def test_attack_a_file_that_is_too_large() -> None:
    with pytest.raises(BadReport, match="MiB"):
        read(b" " * (MOST_BYTES + 1))


def test_attack_elements_of_another_namespace_are_not_ours() -> None:
    foreign = payment(line("A", "RJCT", "AC04")).replace("<TxInfAndSts>", '<TxInfAndSts xmlns="urn:other">')
    assert read(status_report("<GrpSts>ACSC</GrpSts>", foreign)).outcomes == ()


@given(st.binary(max_size=400) | st.text(max_size=300).map(str.encode))
def test_attack_any_bytes_are_a_report_or_a_refusal(data: bytes) -> None:
    with pytest.raises(BadReport):
        read(data)


@given(st.data())
def test_attack_a_report_with_any_byte_changed_is_a_report_or_a_refusal(data: st.DataObject) -> None:
    whole = bytearray(status_report("<GrpSts>PART</GrpSts>", payment(line("A", "RJCT", "AC04", "1.00"))))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(BadReport):  # anything else, a crash of the parser included, fails
        assert read(bytes(whole)).kind == "pain.002"


# ── reasons ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "code", ["AC01", "AC04", "AC06", "AG01", "AM04", "BE05", "MD07", "MS03", "RR01", "RR02", "RR03", "RR04"]
)
def test_the_reasons_sepa_names_are_explained(code: str) -> None:
    known = reason(code)
    assert known.code == code
    assert known.french.endswith(".")
    assert known.remedy_french.endswith(".")


def test_a_refused_account_is_paid_no_more_and_empty_funds_do_not_blame_it() -> None:
    assert reason("AC04").rib
    assert not reason("AM04").rib
    assert reason("AM04").who == "operator"


@pytest.mark.parametrize("code", ["", "XX99", "a bank's own code"])
def test_an_unknown_reason_is_said_to_be_unknown(code: str) -> None:
    unknown = reason(code)
    assert (unknown.code, unknown.french) == (code, reason("MS03").french)


def test_the_page_lists_each_reason_and_no_other() -> None:
    rows = dict(
        re.findall(
            r"^\| `([A-Z]{2}[A-Z0-9]{2})` \| (.+?) \|",
            PAGE.read_text().split("## Reason codes")[1],
            re.MULTILINE,
        )
    )
    assert rows == {code: known.english for code, known in table().items()}
