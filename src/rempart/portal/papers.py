"""The cashier's papers at this door: a view is rendered where it has a fragment, or passed on as JSON; a file is only ever a download."""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from rempart.claims.messages import (
    AskedPage,
    DeliveryPage,
    FlowPage,
    FundsPage,
    IncidentAnswers,
    IncidentPage,
    InsurerDesk,
    Invoice,
    InvoicePage,
    OpeningsPage,
    PaymentPage,
    PriseEnCharge,
    PriseEnChargePage,
    Quote,
    RibView,
    StatementView,
    View,
)
from rempart.vaultdoor.messages import Paper

FRAGMENTS: Mapping[str, tuple[type[View], str]] = {
    "AskedPage": (AskedPage, "insurer-prises-en-charge.html"),
    "DeliveryPage": (DeliveryPage, "insurer-files.html"),
    "FlowPage": (FlowPage, "insurer-flows.html"),
    "FundsPage": (FundsPage, "insurer-funds.html"),
    "IncidentAnswers": (IncidentAnswers, "incidents.html"),
    "IncidentPage": (IncidentPage, "insurer-incidents.html"),
    "InsurerDesk": (InsurerDesk, "insurer-home.html"),
    "Invoice": (Invoice, "invoice.html"),
    "InvoicePage": (InvoicePage, "invoices.html"),
    "OpeningsPage": (OpeningsPage, "insurer-openings.html"),
    "PaymentPage": (PaymentPage, "payments.html"),
    "PriseEnCharge": (PriseEnCharge, "prise-en-charge.html"),
    "PriseEnChargePage": (PriseEnChargePage, "prises-en-charge.html"),
    "Quote": (Quote, "quote.html"),
    "RibView": (RibView, "rib.html"),
    "StatementView": (StatementView, "statement.html"),
}
"""Kind of a paper → the view it holds, and its template. A kind that is not here is never rendered."""
JSON = "application/json"
_EXTENSIONS: Mapping[str, str] = {"application/pdf": "pdf", "text/csv": "csv"}


def view_and_template(paper: Paper) -> tuple[View, str] | None:
    """What a paper is rendered from; None when it has no fragment."""
    known = FRAGMENTS.get(paper.kind)
    if known is None or paper.media_type != JSON:
        return None
    return msgspec.json.decode(paper.body, type=known[0]), known[1]


def as_it_is(paper: Paper) -> Response:
    """JSON for the script, or a file to save: no browser shows it in the portal's name, whatever is in it."""
    if paper.media_type == JSON:
        return Response(paper.body, paper.status, media_type=JSON)
    media_type = paper.media_type.partition(";")[0].strip()
    extension = _EXTENSIONS.get(media_type)
    return Response(
        paper.body,
        paper.status,
        {"Content-Disposition": f'attachment; filename="rempart.{extension or "bin"}"'},
        media_type if extension else "application/octet-stream",
    )
