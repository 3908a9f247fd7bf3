"""How far the warehouse's reports were read, and what a cart calls its carriers."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from is2_core.db.base import Base, Id, reference


class CarrierCode(Base):
    """What an admin set for a carrier of the warehouse: the cart's code for it. `carrier_key` is case-folded."""

    __tablename__ = "carrier_code"
    __table_args__ = (sa.UniqueConstraint("cart", "carrier_key"),)
    id: Mapped[Id]
    cart: Mapped[str]
    carrier: Mapped[str]
    carrier_key: Mapped[str]
    code: Mapped[str]


class WarehouseCursor(Base):
    """How far what an account's warehouse reports has been read: `kind` is activity or shipments."""

    __tablename__ = "warehouse_cursor"
    account_id: Mapped[int] = reference("account.id", primary_key=True, index=False)
    wms_target: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[str] = mapped_column(default="")
    read_at: Mapped[datetime | None]
