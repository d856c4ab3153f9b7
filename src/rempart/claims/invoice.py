"""An invoice judged: accepted with its amounts, or refused for a cause of the closed list. Pure: values in, values out.

Within its terms (same establishment, date, domain; sent in time; not billed twice) an engaged invoice has no way to be refused: the judge
is given what was signed or frozen, and never sees the contract.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import date

import msgspec

from rempart.claims.care import PricedCare, Taking, cap, price_care, read_lines
from rempart.claims.counters import years_later
from rempart.claims.engagement import Engagement
from rempart.claims.messages import Care, InvoiceBody, Line
from rempart.claims.prise_en_charge import Agreement, has_expired, needs_prise_en_charge
from rempart.claims.rejects import Reject, Rejected

YEARS_TO_SEND = 2


def judge_engaged(
    body: InvoiceBody, terms: Engagement, taken: Sequence[Taking], today: date, twin: str = ""
) -> PricedCare:
    """An invoice on an engagement alone. `twin`: the establishment's own number under which the same is already billed, or "".

    Raises Rejected."""
    read_lines(body.care, terms.domain)
    _require_date(body, today)
    if body.care_date != terms.care_date.isoformat():
        raise Rejected(Reject.CARE_DATE_OTHER, "care_date")
    if needs_prise_en_charge(terms):
        raise Rejected(Reject.PEC_NEEDED, "prise_en_charge")
    _require_single(twin)
    return price_care(body.care, terms, terms.care_date, today, taken)


def judge_agreed(body: InvoiceBody, agreement: Agreement, today: date, twin: str = "") -> PricedCare:
    """An invoice on a prise en charge: priced on what it froze, never above what it agreed. Raises Rejected."""
    terms = agreement.frozen.terms(agreement.pseudonym)
    read_lines(body.care, terms.domain)
    _require_date(body, today)
    if agreement.state != "accordee":
        raise Rejected(Reject.PEC_NOT_AGREED, "prise_en_charge")
    if agreement.billed:
        raise Rejected(Reject.PEC_USED, "prise_en_charge")
    care_date = date.fromisoformat(body.care_date)
    if not agreement.valid_from <= care_date <= agreement.valid_to:
        raise Rejected(Reject.PEC_PERIOD, "care_date")
    if agreement.lines is None or has_expired(agreement.valid_to, today):
        raise Rejected(Reject.PEC_EXPIRED, "prise_en_charge")
    _require_within(body.care.lines, agreement.lines)
    _require_single(twin)
    frozen = agreement.frozen
    care = msgspec.structs.replace(body.care, regime=frozen.regime, territory=frozen.territory)
    return cap(price_care(care, terms, care_date, frozen.counted_on, frozen.taken), agreement.shares.amc)


def content_digest(body: InvoiceBody) -> bytes:
    """What tells whether the same number comes with the same content."""
    return hashlib.sha256(msgspec.json.encode(body)).digest()


def fingerprint(insurer: int, pseudonym: bytes, domain: str, care_date: str, care: Care) -> bytes:
    """What was done to whom and when, whatever the invoice's number, the order of its lines and the way they are written."""
    lines = sorted(msgspec.json.encode(_plain(line)) for line in care.lines)
    parts = (str(insurer).encode(), pseudonym, domain.encode(), care_date.encode(), *lines)
    return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()


def _plain(line: Line) -> Line:
    """The one way of writing a line: two programs leave out different defaults, and bill the same care."""
    return msgspec.structs.replace(
        line, pathway=line.pathway or "coordinated", boxes=line.boxes or 1, acts=line.acts or 1,
        exonerations=sorted(set(line.exonerations)),
    )  # fmt: skip


def _require_date(body: InvoiceBody, today: date) -> None:
    try:
        care_date = date.fromisoformat(body.care_date)
    except ValueError:
        raise Rejected(Reject.LINES, "care_date") from None
    if care_date > today:
        raise Rejected(Reject.CARE_DATE_FUTURE, "care_date")
    if years_later(care_date, YEARS_TO_SEND) < today:
        raise Rejected(Reject.LATE, "care_date")


def _require_single(twin: str) -> None:
    if twin:
        raise Rejected(Reject.DOUBLE_BILLING, twin)


def _require_within(billed: Sequence[Line], agreed: Sequence[Line]) -> None:
    """No more of any nature than was agreed, by price."""
    room = _by_nature(agreed)
    for nature, price in _by_nature(billed).items():
        if price > room[nature]:
            raise Rejected(Reject.PEC_EXCEEDED, nature)


def _by_nature(lines: Sequence[Line]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for line in lines:
        sums[line.nature] += line.price
    return sums
