"""How far the reports of the warehouses were read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from is2_core.db.base import Base, reference


class WarehouseCursor(Base):
    """How far what an account's warehouse reports has been read: `kind` is skus, activity or shipments."""

    __tablename__ = "warehouse_cursor"
    account_id: Mapped[int] = reference("account.id", primary_key=True, index=False)
    wms_target: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[str] = mapped_column(default="")
    read_at: Mapped[datetime | None]
