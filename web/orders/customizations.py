"""Customizations of lines, as files; for who sells or packs them, as the recipient's data."""

from __future__ import annotations

import logging
from io import BytesIO

import sqlalchemy as sa
from flask import Blueprint, abort, send_file
from flask.typing import ResponseReturnValue
from werkzeug.utils import secure_filename

from is2_core.embedded_warehouse import order_queries
from is2_core.orders.customizations import customization_of
from is2_core.orders.models import ReceivedLine, ReceivedOrder
from web import access
from web.access import platform
from web.audit.notes import note_shown
from web.embedded_warehouse.access import visible_order
from web.orders.recipients import may_see

blueprint = Blueprint("customizations", __name__, template_folder="templates")
_log = logging.getLogger(__name__)


@blueprint.get("/received-orders/<int:order_id>/lines/<int:line_id>/customization")
def of_received(order_id: int, line_id: int) -> ResponseReturnValue:
    """The file of a received order's line, for the merchant."""
    with platform().db.read() as db:
        order = access.owned(db, ReceivedOrder, order_id)
        line = db.scalar(
            sa.select(ReceivedLine.id).where(ReceivedLine.id == line_id, ReceivedLine.order_id == order.id)
        )
    if line is None:
        abort(404)
    _require_may_see(order.account_id)
    found = customization_of(platform(), line_id=line_id, scope=access.read_scope())
    if found:
        note_shown(f"received order {order.id}, line {line_id}", order.account_id)
    return _send(found.content if found else None, found.name if found else "", line_id)


@blueprint.get("/warehouse/orders/<int:order_id>/lines/<int:line_id>/customization")
def of_warehouse(order_id: int, line_id: int) -> ResponseReturnValue:
    """Send the customization of units of a warehouse order to who packs it; `line_id` is the warehouse's."""
    order = visible_order(order_id)
    file = next((each for each in order_queries.files_of(platform(), order.id) if each.id == line_id), None)
    if file is None:
        abort(404)
    _require_may_see(order.account_id)
    content = order_queries.content_of(platform(), order.id, file.id)
    if content is not None:
        note_shown(f"warehouse order {order.id}, file {file.id}", order.account_id)
    return _send(content, file.name, file.id)


def _require_may_see(account_id: int) -> None:
    if not may_see(account_id):
        _log.warning("user %s (%s) may not see what buyers had made", access.user().id, access.user().role)
        abort(403, "Only the merchant and the warehouse see what a buyer had made.")


def _send(content: bytes | None, name: str, number: int) -> ResponseReturnValue:
    if content is None:
        abort(404, "There is no such file here: it was not fetched yet, or erased some time after shipping.")
    # Whatever the shop calls it, the browser is to store it and not to open it here.
    return send_file(
        BytesIO(content),
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=secure_filename(name) or f"customization-{number}",
    )
