"""States of a package on its way to the cart."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class PostState(StrEnum):
    """WAITING: completes no unit of the cart yet. DUE: to be posted. DONE: the cart has it as it is now.
    NOT_NEEDED: the cart takes no tracking. VOIDED: taken back by the warehouse."""

    WAITING = "WAITING"
    DUE = "DUE"
    DONE = "DONE"
    REJECTED = "REJECTED"
    NOT_NEEDED = "NOT_NEEDED"
    VOIDED = "VOIDED"


# A version of the package that the cart does not have.
UNTOLD: Final = (PostState.DUE, PostState.REJECTED)
# Nothing more is to be told of the package.
SETTLED: Final = (PostState.DONE, PostState.NOT_NEEDED)
