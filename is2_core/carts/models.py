"""An admin's settings of a cart for the whole platform."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from is2_core.db.base import Base
from is2_core.db.types import Sealed, SealedValue


class CartSetting(Base):
    """Whether a cart is enabled, its environment and its platform-wide settings.

    `former` has secrets as they were before their last change: {key: {"value", "until", "set_at" (ISO, UTC)}}.
    `migration` tells how far the move from the cart's older API generation is: "" (none), RUNNING or ENDED.
    """

    __tablename__ = "cart_setting"
    cart: Mapped[str] = mapped_column(primary_key=True)
    enabled: Mapped[bool] = mapped_column(default=False)
    environment: Mapped[str] = mapped_column(default="")
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    secrets: Mapped[SealedValue | None] = mapped_column(Sealed("cart_setting.secrets", key=("cart_setting.cart",)))
    former: Mapped[SealedValue | None] = mapped_column(Sealed("cart_setting.former", key=("cart_setting.cart",)))
    migration: Mapped[str] = mapped_column(default="")
    updated_at: Mapped[datetime]
