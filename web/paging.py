"""Long lists in pages of fifty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import request, url_for
from sqlalchemy.orm import Session

PER_PAGE = 50


@dataclass(frozen=True)
class Page:
    """One page of a list: its rows, its number (from 1), and how many rows there are in all."""

    rows: Sequence[Any]
    number: int
    total: int

    @property
    def last(self) -> int:
        """The number of the last page."""
        return max(1, -(-self.total // PER_PAGE))

    @property
    def first_row(self) -> int:
        """The place of the first row shown, from 1; 0 where the list is empty."""
        return (self.number - 1) * PER_PAGE + 1 if self.rows else 0

    @property
    def last_row(self) -> int:
        """The place of the last row shown."""
        return (self.number - 1) * PER_PAGE + len(self.rows)

    def url(self, number: int) -> str:
        """The address of another page of this list, with the same filters."""
        values = {**(request.view_args or {}), **request.args.to_dict(), "page": number}
        return url_for(str(request.endpoint), **values)


def paged(db: Session, query: sa.Select[Any]) -> Page:
    """The page the request's `page` parameter asks for; a number past the end gives the last page."""
    total = db.scalar(sa.select(sa.func.count()).select_from(query.order_by(None).subquery())) or 0
    last = max(1, -(-total // PER_PAGE))
    number = min(max(1, request.args.get("page", 1, type=int)), last)
    rows = db.scalars(query.limit(PER_PAGE).offset((number - 1) * PER_PAGE)).unique().all()
    return Page(rows, number, total)
