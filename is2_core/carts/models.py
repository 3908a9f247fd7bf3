"""An admin's settings of a cart for the whole platform."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from is2_core.db.base import Base
from is2_core.db.types import Sealed, SealedValue


class CartSetting(Base):
    """Whether a cart is enabled, its environment and its platform-wide settings.

    `former` has secrets as they were before their last change: {key: {"value", "until", "set_at" (ISO, UTC)}}.
    `secrets_set` has when each secret got its present value, and `former_until` until when each former one is used
    (ISO, UTC; by key): pages read these, and open nothing. None in a row of an earlier release, until `resealing` fills
    it.
    `migration` tells how far the move from the cart's older API generation is: "" (none), RUNNING or ENDED.
    `keep_buyers_days` and `keep_orders_days` are how long buyers' data and the rest of an order are kept where the cart
    does not declare it, None for the default.
    """

    __tablename__ = "cart_setting"
    cart: Mapped[str] = mapped_column(primary_key=True)
    enabled: Mapped[bool] = mapped_column(default=False)
    environment: Mapped[str] = mapped_column(default="")
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    secrets: Mapped[SealedValue | None] = mapped_column(Sealed("cart_setting.secrets", key=("cart_setting.cart",)))
    former: Mapped[SealedValue | None] = mapped_column(Sealed("cart_setting.former", key=("cart_setting.cart",)))
    secrets_set: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    former_until: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    migration: Mapped[str] = mapped_column(default="")
    keep_buyers_days: Mapped[int | None]
    keep_orders_days: Mapped[int | None]
    updated_at: Mapped[datetime]
