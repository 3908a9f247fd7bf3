"""States of a package on its way to the cart."""

from __future__ import annotations

from enum import StrEnum


class PostState(StrEnum):
    """WAITING: completes no unit of the cart yet. DUE: to be posted. DONE: the cart has it as it is now.
    NOT_NEEDED: the cart takes no tracking. VOIDED: taken back by the warehouse."""

    WAITING = "WAITING"
    DUE = "DUE"
    DONE = "DONE"
    REJECTED = "REJECTED"
    NOT_NEEDED = "NOT_NEEDED"
    VOIDED = "VOIDED"
