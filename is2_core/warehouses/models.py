"""How far the reports of the warehouses were read, and what is set for them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from is2_core.db.base import Base, reference
from is2_core.db.types import Sealed, SealedValue


class WarehouseCursor(Base):
    """How far what an account's warehouse reports has been read: `kind` is skus, activity or shipments."""

    __tablename__ = "warehouse_cursor"
    account_id: Mapped[int] = reference("account.id", primary_key=True, index=False)
    wms_target: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[str] = mapped_column(default="")
    read_at: Mapped[datetime | None]


class WarehouseSetting(Base):
    """The values an administrator filled in for a warehouse, by the keys of its declared fields.

    `secrets_set` has when each secret got its present value (ISO, UTC), None in a row of a release before, until
    `resealing` fills it.
    """

    __tablename__ = "warehouse_setting"
    warehouse: Mapped[str] = mapped_column(primary_key=True)
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    secrets: Mapped[SealedValue | None] = mapped_column(
        Sealed("warehouse_setting.secrets", key=("warehouse_setting.warehouse",))
    )
    secrets_set: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    updated_at: Mapped[datetime]
