"""Whole numbers as people type them: one rule for every form, table and address; pure."""

from __future__ import annotations

TOO_LARGE = 10**18
"""Stands for every number of more digits: no bound allows it, and it fits a column of the database."""


def whole_number(typed: str) -> int | None:
    """Return the number typed: digits 0 to 9, perhaps with a minus before and blanks around them.

    Returns:
        None for anything else (1_000, 2.0, digits of other scripts); TOO_LARGE, or that below 0, for more digits than
        it has.
    """
    text = typed.strip()
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        return None
    number = TOO_LARGE if len(digits.lstrip("0")) > 18 else int(digits.lstrip("0") or "0")
    return -number if text.startswith("-") else number
