"""Reading, changing and making what is sealed of an order, and sealing as releases before did."""

from __future__ import annotations

import base64
import os
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.orm import Session

from is2_core.crypto import Keyring
from is2_core.db.types import SealedValue, seal
from is2_core.orders.fulfillment.models import Package
from is2_core.orders.models import ReceivedOrder, Recipient
from is2_core.orders.wording.events import worded
from is2_core.orders.wording.sealing import opened_params


def pii_of(session: Session, recipient: Recipient) -> dict[str, Any]:
    """Return what is sealed, opened: {"address", "buyer", "lines"}."""
    order = session.get_one(ReceivedOrder, recipient.order_id)
    assert recipient.sealed is not None
    opened: dict[str, Any] = recipient.sealed.open(order.integration_id, order.remote_id)
    return opened


def change_pii(session: Session, recipient: Recipient, **parts: Any) -> None:
    """Seal it anew with these parts changed."""
    order = session.get_one(ReceivedOrder, recipient.order_id)
    pii = {**pii_of(session, recipient), **parts}
    recipient.sealed = seal(Recipient.sealed, pii, order.integration_id, order.remote_id)


def why(order: ReceivedOrder) -> str:
    """Return why an order is in its state, worded; of a cart that is called Amazon."""
    params = opened_params(order.sealed_reason, order.integration_id, order.remote_id)
    return worded(order.reason_code, params, {"cart": "Amazon"}) if order.reason_code else ""


def ack_refused(order: ReceivedOrder, message: str) -> SealedValue:
    """Seal why the cart refused an order's acknowledgement."""
    return seal(ReceivedOrder.sealed_ack_message, message, order.integration_id, order.remote_id)


def post_refused(order_id: int, warehouse_ref: str, message: str) -> SealedValue:
    """Seal why the cart refused a package."""
    return seal(Package.sealed_post_message, message, order_id, warehouse_ref)


def sealed_before(keyring: Keyring, purpose: str, value: bytes) -> str:
    """Seal by the first rule: bound to the column, whatever the row is."""
    nonce = os.urandom(12)
    sealed = AESGCM(keyring.keys[keyring.current]).encrypt(nonce, value, purpose.encode())
    return f"{keyring.current}.{base64.b64encode(nonce + sealed).decode()}"
