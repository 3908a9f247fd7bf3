"""The tables of every slice, for migrations and for tests: importing this module makes the metadata complete."""

from __future__ import annotations

from is2_core.db.base import Base

__all__ = ["metadata"]

metadata = Base.metadata
