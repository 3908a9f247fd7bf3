"""The base of all tables."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from is2_core.db.types import UtcTime

Id = Annotated[int, mapped_column(sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)]


class Base(DeclarativeBase):
    """Every table's base, with constraint names that migrations can refer to."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: UtcTime(),
        str: sa.Text(),
        int: sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        dict[str, Any]: sa.JSON(),
        list[str]: sa.JSON(),
        list[dict[str, Any]]: sa.JSON(),
    }


class Owned(Base):
    """A table whose rows belong to an account, and are found through it only."""

    __abstract__ = True
    id: Mapped[Id]
    account_id: Mapped[int]


def reference(column: str, *, ondelete: str | None = None, **options: Any) -> Any:
    """A foreign key column that is indexed unless a unique constraint already leads with it."""
    options.setdefault("index", True)
    return mapped_column(sa.ForeignKey(column, ondelete=ondelete), **options)
