"""Results of a push, line by line."""

from __future__ import annotations

from enum import StrEnum


class PushResult(StrEnum):
    """What became of one SKU of a push. UNSENT: stored, not sent yet. LOST: the answer never came, newer numbers
    followed. RETRY: it came to nothing with the whole write; ALONE: so it did even by itself."""

    UNSENT = "UNSENT"
    SENT = "SENT"
    APPLIED = "APPLIED"
    REJECTED = "REJECTED"
    RETRY = "RETRY"
    LOST = "LOST"
    ALONE = "ALONE"
