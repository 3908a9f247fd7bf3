"""What buyers had made on lines of their orders, as files; for who sells or packs them, as the recipient's data."""

from __future__ import annotations

import logging
from io import BytesIO

import sqlalchemy as sa
from flask import Blueprint, abort, send_file
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.utils import secure_filename

from is2_core.embedded_warehouse.models import WarehouseOrder
from is2_core.orders.customizations import customization_of
from is2_core.orders.models import ReceivedLine, ReceivedOrder, Recipient
from web import access
from web.access import platform
from web.embedded_warehouse.access import visible
from web.orders.recipients import may_see

blueprint = Blueprint("customizations", __name__, template_folder="templates")
_log = logging.getLogger(__name__)


@blueprint.get("/received-orders/<int:order_id>/lines/<int:line_id>/customization")
def of_received(order_id: int, line_id: int) -> ResponseReturnValue:
    """The file of a received order's line, for the merchant."""
    with platform().db.read() as db:
        order = access.owned(db, ReceivedOrder, order_id)
        _require_line(db, order.id, line_id)
    return _send(line_id, order.account_id)


@blueprint.get("/warehouse/orders/<int:order_id>/lines/<int:line_id>/customization")
def of_warehouse(order_id: int, line_id: int) -> ResponseReturnValue:
    """The file of a line that a warehouse order ships, for who packs it."""
    with platform().db.read() as db:
        order = visible(db, WarehouseOrder, order_id)
        _require_line(db, db.get_one(Recipient, order.recipient_id).order_id, line_id)
    return _send(line_id, order.account_id)


def _require_line(db: Session, order_id: int, line_id: int) -> None:
    line = db.scalar(sa.select(ReceivedLine.id).where(ReceivedLine.id == line_id, ReceivedLine.order_id == order_id))
    if line is None:
        abort(404)


def _send(line_id: int, account_id: int) -> ResponseReturnValue:
    if not may_see(account_id):
        _log.warning("user %s (%s) may not see what buyers had made", access.user().id, access.user().role)
        abort(403, "Only the merchant and the warehouse see what a buyer had made.")
    found = customization_of(platform(), line_id=line_id, account_id=account_id)
    if found is None:
        abort(404, "There is no such file here: it was not fetched yet, or erased some time after shipping.")
    # Whatever the shop calls it, the browser is to store it and not to open it here.
    return send_file(
        BytesIO(found.content),
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=secure_filename(found.name) or f"customization-{line_id}",
    )
