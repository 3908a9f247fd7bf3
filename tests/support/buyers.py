"""Reading and changing what is sealed of an order's buyer, and sealing as releases before did."""

from __future__ import annotations

import base64
import os
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.orm import Session

from is2_core.crypto import Keyring
from is2_core.db.types import seal
from is2_core.orders.models import ReceivedOrder, Recipient


def people_of(session: Session, recipient: Recipient) -> dict[str, Any]:
    """Return what is sealed, opened: {"address", "buyer", "lines"}."""
    order = session.get_one(ReceivedOrder, recipient.order_id)
    assert recipient.sealed is not None
    opened: dict[str, Any] = recipient.sealed.open(order.integration_id, order.remote_id)
    return opened


def change_people(session: Session, recipient: Recipient, **parts: Any) -> None:
    """Seal it anew with these parts changed."""
    order = session.get_one(ReceivedOrder, recipient.order_id)
    people = {**people_of(session, recipient), **parts}
    recipient.sealed = seal(Recipient.sealed, people, order.integration_id, order.remote_id)


def sealed_before(keyring: Keyring, purpose: str, value: bytes) -> str:
    """Seal by the first rule: bound to the column, whatever the row is."""
    nonce = os.urandom(12)
    sealed = AESGCM(keyring.keys[keyring.current]).encrypt(nonce, value, purpose.encode())
    return f"{keyring.current}.{base64.b64encode(nonce + sealed).decode()}"
