"""A cart's codes for the carriers of a warehouse."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from is2_core.db.base import Base, Id


class CarrierCode(Base):
    """The cart's code for a carrier of the warehouse, set by an admin. `carrier_key`: see
    `carrier_names.given_key`."""

    __tablename__ = "carrier_code"
    __table_args__ = (sa.UniqueConstraint("cart", "carrier_key"),)
    id: Mapped[Id]
    cart: Mapped[str]
    carrier: Mapped[str]
    carrier_key: Mapped[str]
    code: Mapped[str]
