"""The drift report of a store: comparing with the cart now, and the report as a file."""

from __future__ import annotations

import csv
import io
from datetime import datetime

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from is2_core.inventory import drift
from is2_core.inventory.overview import inventory_view
from is2_core.items.table_csv import guard
from web import access
from web.access import platform
from web.audit.notes import note_export
from web.inventory.inventory import do
from web.limits.kinds import EXPORT
from web.limits.limiter import limited

blueprint = Blueprint("drift", __name__, template_folder="templates")

COLUMNS = (
    "cart_sku",
    "title",
    "sent_quantity",
    "sent_latency_days",
    "sent_at",
    "shown_quantity",
    "shown_latency_days",
    "shown_at",
    "difference",
)


@blueprint.post("/integrations/<int:integration_id>/stock/compare")
def compare(integration_id: int) -> ResponseReturnValue:
    """Compare with the cart now rather than at night."""
    return do(integration_id, drift.compare_now)


@blueprint.get("/integrations/<int:integration_id>/stock/drift.csv")
@limited(EXPORT)
def download(integration_id: int) -> ResponseReturnValue:
    """The active SKUs of which the cart shows something else than was sent, as a CSV file; times in UTC."""
    integration = access.owned_integration(integration_id)
    view = inventory_view(platform(), integration_id=integration.id, scope=access.read_scope())
    differing = [row for row in view.rows if row.active and row.drift]
    note_export(f"drift of integration {integration.id}", len(differing), integration.account_id)
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for row in differing:
        sent = (row.sent, row.lead_days_sent, _time(row.sent_at))
        shown = (row.shown, row.shown_lead_days, _time(row.shown_at))
        writer.writerow([guard(row.sku), guard(row.title), *sent, *shown, row.drift])
    response = Response(text.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="drift-{integration.id}.csv"'
    return response


def _time(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""
