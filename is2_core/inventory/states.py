"""Results of a push, line by line."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class PushResult(StrEnum):
    """The result of one SKU of a push. UNSENT: stored, not sent yet. LOST: the answer never came, newer numbers
    followed. RETRY: it came to nothing with the whole write; ALONE: so it did even by itself."""

    UNSENT = "UNSENT"
    SENT = "SENT"
    APPLIED = "APPLIED"
    REJECTED = "REJECTED"
    RETRY = "RETRY"
    LOST = "LOST"
    ALONE = "ALONE"


# The cart has not said what became of it.
UNANSWERED: Final = (PushResult.SENT, PushResult.UNSENT)
# The cart has.
ANSWERED: Final = (PushResult.APPLIED, PushResult.REJECTED)
# It came to nothing, and is sent again.
SENT_AGAIN: Final = (PushResult.RETRY, PushResult.ALONE)
