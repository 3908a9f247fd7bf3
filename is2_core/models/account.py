"""Who may sign in, and for which merchant company."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from is2_core.models.base import Base, Id, reference


class Role(StrEnum):
    """What a user is on the platform; a merchant's rights come from memberships."""

    MERCHANT = "merchant"
    WAREHOUSE = "warehouse"
    SUPPORT = "support"
    ADMIN = "admin"


class MemberRole(StrEnum):
    """What a user is in an account."""

    OWNER = "owner"
    MEMBER = "member"


class Account(Base):
    """A merchant company."""

    __tablename__ = "account"
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]


class User(Base):
    """A person who signs in. `email` is stored lower-case; `session_epoch` rises to end all sessions."""

    __tablename__ = "user_account"
    id: Mapped[Id]
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[str] = mapped_column(default=Role.MERCHANT)
    disabled: Mapped[bool] = mapped_column(default=False)
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    session_epoch: Mapped[int] = mapped_column(default=1)
    last_sign_in_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Membership(Base):
    """A user's place in an account."""

    __tablename__ = "membership"
    __table_args__ = (sa.UniqueConstraint("account_id", "user_id"),)
    id: Mapped[Id]
    account_id: Mapped[int] = reference("account.id", index=False)
    user_id: Mapped[int] = reference("user_account.id")
    role: Mapped[str] = mapped_column(default=MemberRole.MEMBER)
