"""Noting in the audit log what pages hand out: the one thing a page that only shows may store."""

from __future__ import annotations

from flask import request

from is2_core.audit import Act, record
from web.access import platform


def note_shown(subject: str, account_id: int) -> None:
    """Note that the viewer is shown a buyer's data, before they are; no unit of work may be open.

    Args:
        subject: whose: a noun and its number, such as "received order 12".
        account_id: the merchant whose buyer it is.
    """
    with platform().db.write() as session:
        record(session, Act.BUYER_SHOWN, subject=subject, after={"page": request.endpoint}, account_id=account_id)


def note_export(subject: str, rows: int, account_id: int | None) -> None:
    """Note that the viewer takes rows away as a file or as JSON, before they do; no unit of work may be open.

    Args:
        subject: of what they are, such as "orders of account 3".
    """
    after = {"page": request.endpoint, "rows": rows}
    with platform().db.write() as session:
        record(session, Act.EXPORTED, subject=subject, after=after, account_id=account_id)
