"""Long lists in pages of fifty."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa
from flask import request, url_for
from sqlalchemy.orm import Session

PER_PAGE = 50


@dataclass(frozen=True)
class Page:
    """One page of a list: its rows, its number (from 1), and how many rows there are in all.

    `endpoint` and `filters` name the list where the request at hand is not for it: a form of it that was refused.
    """

    rows: Sequence[Any]
    number: int
    total: int
    endpoint: str = ""
    filters: Mapping[str, str] | None = None

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
        filters = request.args.to_dict() if self.filters is None else self.filters
        values = {**(request.view_args or {}), **filters, "page": number}
        return url_for(self.endpoint or str(request.endpoint), **values)


def paged(db: Session, query: sa.Select[*tuple[Any, ...]]) -> Page:
    """The page the request's `page` parameter asks for; a number past the end gives the last page."""
    total = db.scalar(sa.select(sa.func.count()).select_from(query.order_by(None).subquery())) or 0
    number = _number(total)
    rows = db.scalars(query.limit(PER_PAGE).offset((number - 1) * PER_PAGE)).unique().all()
    return Page(rows, number, total)


class Rows(Protocol):
    """Some rows of a list, and how many there are in all."""

    @property
    def rows(self) -> Sequence[Any]:
        """The rows."""

    @property
    def total(self) -> int:
        """How many there are in all."""


def page_from(read: Callable[[int, int], Rows]) -> Page:
    """The page the request's `page` parameter asks for, of a list that is read by the number of its first row, from 0,
    and how many; a number past the end gives the last page."""
    number = max(1, request.values.get("page", 1, type=int))
    found = read((number - 1) * PER_PAGE, PER_PAGE)
    last = _number(found.total)
    if last != number:
        found = read((last - 1) * PER_PAGE, PER_PAGE)
    return Page(found.rows, last, found.total)


def page_of(rows: Sequence[Any], endpoint: str = "", filters: Mapping[str, str] | None = None) -> Page:
    """The same of rows that are computed rather than stored; see `Page` for the rest."""
    number = _number(len(rows))
    return Page(rows[(number - 1) * PER_PAGE : number * PER_PAGE], number, len(rows), endpoint, filters)


def _number(total: int) -> int:
    last = max(1, -(-total // PER_PAGE))
    return min(max(1, request.values.get("page", 1, type=int)), last)
