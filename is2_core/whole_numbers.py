"""Whole numbers as people type them: one rule for every form, table and address; pure."""

from __future__ import annotations

import re

TOO_LARGE = 10**18
"""Stands for every number of more digits: no bound allows it, and it fits a column of the database."""

# One or two zeros behind the decimal sign of any country; three would be thousands in half of them.
_TYPED = re.compile(r"(-?)0*([0-9]+)(?:[.,]0{1,2})?")


def whole_number(typed: str) -> int | None:
    """Return the number typed: digits 0 to 9, perhaps with a minus before, blanks around them, and the `.0` or `,00`
    that spreadsheets put behind a whole number.

    Returns:
        None for anything else (1_000, 1,000, 2.5, digits of other scripts); TOO_LARGE, or that below 0, for more digits
        than it has.
    """
    found = _TYPED.fullmatch(typed.strip())
    if found is None:
        return None
    number = TOO_LARGE if len(found[2]) > 18 else int(found[2])
    return -number if found[1] else number
