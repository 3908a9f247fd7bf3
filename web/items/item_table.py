"""The item list of a store as a table: downloaded, uploaded, previewed, applied or dropped."""

from __future__ import annotations

import csv
import io
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts.models import Integration
from is2_core.carts.latency import latency_choices
from is2_core.errors import FlowError
from is2_core.items import item_table
from is2_core.items.models import ItemUpload
from is2_core.items.table_csv import ANSWERS, AS_SETTING, COLUMNS, FURTHER_COLUMNS, MAX_BYTES, MAX_LINES
from is2_core.items.table_parts import applied_message
from is2_core.items.table_plan import What
from is2_core.orders.importing.sent_skus import odd_skus
from web import access
from web.access import platform
from web.audit.notes import note_export
from web.limits.kinds import EXPORT
from web.limits.limiter import limited
from web.paging import page_of

blueprint = Blueprint("item_table", __name__, template_folder="templates")

LABELS = {
    What.ERROR: "Errors, left out",
    What.NEW: "New",
    What.CHANGED: "Changed",
    What.SAME: "As they are",
}
# The file, and what a browser sends around it.
_MAX_REQUEST = MAX_BYTES + 64 * 1024


@blueprint.url_value_preprocessor
def allow_a_file(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Let an upload be larger than other requests. Here, because the check of the CSRF token reads the form before
    any other function of this blueprint is called."""
    if endpoint == "item_table.upload":
        request.max_content_length = _MAX_REQUEST


@blueprint.get("/integrations/<int:integration_id>/items.csv")
@limited(EXPORT)
def download(integration_id: int) -> ResponseReturnValue:
    """The item list as a file for a spreadsheet."""
    integration = access.owned_integration(integration_id)
    text = item_table.download(platform(), integration_id=integration.id, scope=access.read_scope())
    rows = max(0, sum(1 for _ in csv.reader(io.StringIO(text))) - 1)
    note_export(f"items of integration {integration.id}", rows, integration.account_id)
    # With a byte order mark: without it some spreadsheets take UTF-8 for the system's own encoding.
    response = Response(text.encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="items-{integration.id}.csv"'
    return response


@blueprint.get("/integrations/<int:integration_id>/items/table")
def table(integration_id: int) -> ResponseReturnValue:
    """How the table works, and the form that uploads one."""
    return _upload_page(access.owned_integration(integration_id))


@blueprint.post("/integrations/<int:integration_id>/items/table")
def upload(integration_id: int) -> ResponseReturnValue:
    """Take a file and show what it would do."""
    integration = access.owned_integration(integration_id)
    sent = request.files.get("file")
    try:
        kept = item_table.preview(
            platform(),
            integration_id=integration.id,
            scope=access.change_scope(),
            user_id=access.user().id,
            content=sent.read() if sent else b"",
            sent=odd_skus,
        )
    except FlowError as error:
        return _upload_page(integration, error), error.status
    return redirect(url_for(".show", upload_id=kept.upload_id), 303)


def _upload_page(integration: Integration, error: FlowError | None = None) -> str:
    return render_template(
        "items/table.html",
        integration=integration,
        columns=COLUMNS,
        further=FURTHER_COLUMNS,
        answers=ANSWERS,
        latencies=latency_choices(platform().carts.manifest(integration.cart)),
        as_setting=AS_SETTING,
        max_mb=MAX_BYTES // 1024**2,
        max_lines=MAX_LINES,
        error=error,
    )


@blueprint.get("/item-tables/<int:upload_id>")
def show(upload_id: int) -> ResponseReturnValue:
    """Show what an uploaded table would change, by the present state of the list; or how far applying it is."""
    kept = _kept(upload_id)
    if kept.begun_at is None:
        return _preview_page(kept)
    message = applied_message(kept)
    return render_template("items/applying.html", integration=_integration(kept), kept=kept, message=message)


def _kept(upload_id: int) -> ItemUpload:
    with platform().db.read() as db:
        return access.owned(db, ItemUpload, upload_id)


def _preview_page(kept: ItemUpload, error: FlowError | None = None) -> str:
    preview = item_table.read_preview(platform(), upload_id=kept.id, scope=access.read_scope(), sent=odd_skus)
    chosen = request.args.get("show", "")
    rows = [row for row in preview.rows if not chosen or row.what == chosen]
    integration = _integration(kept)
    return render_template(
        "items/preview.html",
        integration=integration,
        latencies=latency_choices(platform().carts.manifest(integration.cart)),
        preview=preview,
        page=page_of(rows, "item_table.show", {"show": chosen} if chosen else {}),
        labels=LABELS,
        chosen=chosen,
        error=error,
    )


def _integration(kept: ItemUpload) -> Integration:
    with platform().db.read() as db:
        return db.get_one(Integration, kept.integration_id)


@blueprint.post("/item-tables/<int:upload_id>/apply")
def apply(upload_id: int) -> ResponseReturnValue:
    """Write the rows of a table that have no error; many of them while the page shows how far that is."""
    kept = _kept(upload_id)
    if kept.items > item_table.AT_ONCE or kept.begun_at is not None:
        item_table.apply_later(platform(), upload_id=kept.id, scope=access.change_scope())
        return redirect(url_for(".show", upload_id=kept.id), 303)
    try:
        message = item_table.apply(platform(), upload_id=kept.id, scope=access.change_scope(), sent=odd_skus)
    except FlowError as error:
        return _preview_page(kept, error), error.status
    flash(message, "success")
    return redirect(url_for("items.list_items", integration_id=kept.integration_id), 303)


@blueprint.post("/item-tables/<int:upload_id>/drop")
def drop(upload_id: int) -> ResponseReturnValue:
    """Forget an uploaded table."""
    kept = _kept(upload_id)
    item_table.drop(platform(), upload_id=kept.id, scope=access.change_scope())
    begun = kept.begun_at is not None
    flash(
        "The table was stopped; what was in place stays." if begun else "The table was dropped; nothing was changed.",
        "success",
    )
    return redirect(url_for("items.list_items", integration_id=kept.integration_id), 303)
