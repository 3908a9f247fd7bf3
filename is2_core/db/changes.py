"""How many rows a statement changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session


def rows_changed(session: Session, statement: sa.UpdateBase, parameters: Mapping[str, Any] | None = None) -> int:
    """Run an INSERT, UPDATE or DELETE without RETURNING; the number of rows it changed."""
    result = session.execute(statement, parameters)
    assert isinstance(result, sa.CursorResult), statement
    return result.rowcount
