"""Links to choose a password by, passwords of before, recovery codes, and tries that failed."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from is2_core.db.base import Base, Id, reference
from is2_core.db.instants import future


class AccessLink(Base):
    """The one link by which a user may choose a password without the present one; `set_at` is when it was made."""

    __tablename__ = "access_link"
    user_id: Mapped[int] = reference("user_account.id", primary_key=True, index=False)
    token_hash: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime] = mapped_column(info=future())
    set_at: Mapped[datetime]


class PastPassword(Base):
    """A password that a user had, as it was hashed."""

    __tablename__ = "past_password"
    id: Mapped[Id]
    user_id: Mapped[int] = reference("user_account.id")
    password_hash: Mapped[str]


class RecoveryCode(Base):
    """A code that takes the place of one from the user's app, once: the row goes when it is used."""

    __tablename__ = "recovery_code"
    __table_args__ = (sa.UniqueConstraint("user_id", "code_hash"),)
    id: Mapped[Id]
    user_id: Mapped[int] = reference("user_account.id", index=False)
    code_hash: Mapped[str]


class FailedTries(Base):
    """Tries that failed, of one place or at one thing, see `lockout`; `user_id` is whose, None where nobody's."""

    __tablename__ = "failed_tries"
    id: Mapped[Id]
    subject: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int | None] = reference("user_account.id")
    failed_logins: Mapped[int] = mapped_column(default=0)
    lock_rounds: Mapped[int] = mapped_column(default=0)
    failed_at: Mapped[datetime | None] = mapped_column(index=True)
    locked_until: Mapped[datetime | None] = mapped_column(info=future())
    set_at: Mapped[datetime | None]
