"""The examples that the server publishes: claims of five trades, and the answers, written by the functions that write real ones."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

from rempart.claims.fhir.claim import ReadClaim, Use, claim_resource
from rempart.claims.fhir.response import (
    agreement_response,
    invoice_response,
    quote_response,
    reconciliation,
    searchset,
)
from rempart.claims.messages import (
    AskBody,
    Care,
    Invoice,
    InvoiceBody,
    Line,
    NumberBody,
    Payment,
    PriseEnCharge,
    Quote,
    QuoteBody,
    Shares,
    StatementRow,
    StatementView,
    StepView,
)
from rempart.foundation.clock import SECOND

AMC, FINESS = "99000001", "010000602"
_RECEIPT = "eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiIwMDAwLTAxQUItQyJ9.c2lnbmF0dXJl"
_DAY = date(2026, 1, 5)
_AT = 1_767_600_000 * SECOND
_INVOICE_ID = "0b5e8f0e-6f5b-4c1e-9a52-0d9f3b7a1c11"
_NUMBER, _PEC = "F2026-0017", "P01AB-2CD3-4"
_PAYMENT = Payment("RP20260107-000042", "executed", "", 1_630, _AT, _AT + 86_400 * SECOND, 1)


@cache
def examples() -> Mapping[str, dict[str, Any]]:
    """Name → resource."""
    return {f"claim-{name}": each for name, each in _claims().items()} | _answers()


def _claim(use: Use, body: InvoiceBody | AskBody | QuoteBody | NumberBody) -> dict[str, Any]:
    return claim_resource(ReadClaim(use, body, AMC, FINESS), _DAY)


def _billed(*lines: Line, number: str = _NUMBER, pec: str = "", corrects: str = "") -> InvoiceBody:
    care = Care(lines=list(lines), receipt="" if pec else _RECEIPT, prise_en_charge=pec)
    return InvoiceBody(number, care, _DAY.isoformat(), corrects)


_DRUGS = (
    Line("drug-65", 1_200, 1_200, exonerations=[], boxes=2),
    Line("drug-30", 1_000, 1_000, boxes=1),
)
_GLASSES = (
    Line("optics-lens", 18_000, 5, glazing_class="B", lens_category="c"),
    Line("optics-lens", 18_000, 5, glazing_class="B", lens_category="c"),
    Line("optics-frame", 10_000, 5, glazing_class="B"),
)


def _claims() -> dict[str, dict[str, Any]]:
    crown = Line("dental-prosthesis", 55_000, 12_000, basket="moderated")
    audio = Line("audio", 95_000, 40_000, glazing_class="I", ear="left")
    stay = Line("hospital-stay", 300_000, 300_000, days=3, heavy_act=True)
    visit = Line("doctor", 4_500, 3_000, pathway="coordinated", optam=True, exonerations=["ald"])
    nurse = Line("auxiliary", 2_520, 2_520, acts=4)
    return {
        "pharmacy": _claim("claim", _billed(*_DRUGS)),
        "pharmacy-correction": _claim("claim", _billed(_DRUGS[0], number="F2026-0018", corrects=_NUMBER)),
        "pharmacy-cancelled": _claim("claim", NumberBody(_NUMBER)),
        "doctor": _claim("claim", _billed(visit)),
        "nurse": _claim("claim", _billed(nurse)),
        "optics-preauthorization": _claim(
            "preauthorization", AskBody(Care(lines=list(_GLASSES), receipt=_RECEIPT))
        ),
        "optics": _claim("claim", _billed(*_GLASSES, pec=_PEC)),
        "optics-cancelled": _claim("preauthorization", NumberBody(_PEC)),
        "dental-predetermination": _claim(
            "predetermination", QuoteBody(Care(lines=[crown], receipt=_RECEIPT))
        ),
        "audio-preauthorization": _claim("preauthorization", AskBody(Care(lines=[audio], receipt=_RECEIPT))),
        "hospital-preauthorization": _claim(
            "preauthorization",
            AskBody(Care(lines=[stay], receipt=_RECEIPT, regime="alsace-moselle", territory="67")),
        ),
    }


def _answers() -> dict[str, dict[str, Any]]:
    accepted = _accepted()
    invoice = invoice_response(accepted, _INVOICE_ID, "fr")
    base = "https://api.exemple.fr/fhir/ClaimResponse"
    return {
        "claim-response-accepted": invoice,
        "claim-response-refused": invoice_response(_refused(), _INVOICE_ID, "en"),
        "claim-response-agreed": agreement_response(_agreed(), _PEC, "", "fr"),
        "claim-response-quote": quote_response(_quote(), AMC, "DENT", _AT, "fr"),
        "payment-reconciliation": reconciliation(_statement(), "", "fr"),
        "searchset": searchset(base, [invoice], [("created", "2026-01-05")], "1767600000000000", _AT),
    }


def _accepted() -> Invoice:
    steps = [StepView("amo-share", "R160-5", 1_080, "L'assurance maladie obligatoire paie 10,80 €.")]
    return Invoice(
        number=_NUMBER, state="accepted", code="", detail="", cause="", remedy="", domain="PHAR", insurer=AMC, care_date="2026-01-05",
        received=_AT, shares=Shares(2_200, 1_080, 1_120, 0, 0, 300), steps=steps, engagement="0000-01AB-C", prise_en_charge="", corrects="",
        payment="", money="due", lines=[Shares(1_200, 780, 420, 0, 0, 200), Shares(1_000, 300, 700, 0, 0, 100)],
    )  # fmt: skip


def _refused() -> Invoice:
    return Invoice(
        number=_NUMBER, state="refused", code="late", detail="care_date", cause="The care is more than two years old.",
        remedy="It can no longer be paid this way: check the care date.", domain="PHAR", insurer=AMC, care_date="2023-01-05", received=_AT,
        shares=Shares(2_200, 0, 0, 2_200, 0, 0), steps=[], engagement="0000-01AB-C", prise_en_charge="", corrects="", payment="", money="",
    )  # fmt: skip


def _agreed() -> PriseEnCharge:
    return PriseEnCharge(
        number=_PEC, state="accordee", reason="", decided_by="rule", domain="OPTI", insurer=AMC, asked=_AT, decided=_AT,
        valid_from="2026-01-05", valid_to="2026-04-05", expired=False, shares=Shares(46_000, 9, 39_991, 6_000, 0, 0), lines=list(_GLASSES),
        amends="", invoice="",
    )  # fmt: skip


def _quote() -> Quote:
    shares = Shares(55_000, 7_200, 28_800, 19_000, 0, 0)
    return Quote(shares, [shares], [], prise_en_charge_needed=True, left_of_ceiling=50_000)


def _statement() -> StatementView:
    rows = [
        StatementRow(_NUMBER, "invoice", "2026-01-05", AMC, "Mutuelle des Remparts", "0000-01AB-C", 2_000),
        StatementRow("F2025-0991", "cancellation", "2025-12-20", AMC, "Mutuelle des Remparts", "", -370),
    ]
    return StatementView(_PAYMENT, _AT - 86_400 * SECOND, rows)
