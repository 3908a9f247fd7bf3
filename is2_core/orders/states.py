"""States of a received order, of its acknowledgement and of its customizations."""

from __future__ import annotations

from enum import StrEnum


class ReceivedState(StrEnum):
    """Where a received order stands."""

    STAGED = "STAGED"
    HELD = "HELD"
    INJECTED = "INJECTED"
    SHIPPED = "SHIPPED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    EXCLUDED = "EXCLUDED"
    QUARANTINED = "QUARANTINED"
    DISMISSED = "DISMISSED"


class AckState(StrEnum):
    """Whether the cart has been told that the warehouse has the order."""

    NONE = "NONE"
    NOT_NEEDED = "NOT_NEEDED"
    DUE = "DUE"
    SENT = "SENT"
    DONE = "DONE"
    REJECTED = "REJECTED"


class CustomizationState(StrEnum):
    """Whether what the buyer had made on a line has been fetched from the cart."""

    NONE = "NONE"
    DUE = "DUE"
    STORED = "STORED"
    FAILED = "FAILED"
