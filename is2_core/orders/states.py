"""States of a received order, of its acknowledgement and of its customizations; which belong together, and where an
order may go from where."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


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


# They go to the warehouse: at once, or when nothing holds them any more.
TO_PLACE: Final = (ReceivedState.STAGED, ReceivedState.HELD)
# The warehouse was not given them, and nobody has ended them: they need stock. A quarantined one is unreadable, not
# undone.
UNPLACED: Final = (*TO_PLACE, ReceivedState.QUARANTINED)
# The warehouse has them; the next three follow from their packages.
IN_WAREHOUSE: Final = (ReceivedState.INJECTED, ReceivedState.SHIPPED, ReceivedState.COMPLETED)
NOT_COMPLETE: Final = (ReceivedState.INJECTED, ReceivedState.SHIPPED)
HAS_SHIPPED: Final = (ReceivedState.SHIPPED, ReceivedState.COMPLETED)
# What is ready to ship of them is not free for other orders.
HOLDS_UNITS: Final = (*TO_PLACE, *NOT_COMPLETE)
# Nothing of them is shipped, so what a buyer had made is still of use.
USES_CUSTOMIZATION: Final = (*TO_PLACE, ReceivedState.INJECTED)
# An unreadable revision from the cart takes their place.
MAY_BE_QUARANTINED: Final = (*UNPLACED, ReceivedState.EXCLUDED)
# As long as the warehouse does not have them, what the cart shows says what becomes of them.
CLASSIFIED: Final = (*MAY_BE_QUARANTINED, ReceivedState.CANCELLED)
# The warehouse will not ship them: nothing of the buyer is kept.
WITHOUT_RECIPIENT: Final = (ReceivedState.EXCLUDED, ReceivedState.CANCELLED)
# Over: the clock of the buyer's data runs. It runs for one whose packages have all of it, too.
ENDED: Final = (ReceivedState.COMPLETED, ReceivedState.CANCELLED, ReceivedState.EXCLUDED, ReceivedState.DISMISSED)
# Not to be shipped from here, by a person's word or by the cart's: the warehouse is to stop what it may have of them.
NOT_FROM_HERE: Final = (ReceivedState.DISMISSED, ReceivedState.EXCLUDED)
# The same where the cart shows them as cancelled.
STOPPED_WHEN_CANCELLED: Final = (*NOT_COMPLETE, ReceivedState.CANCELLED)
# Ended here with a reason, or waiting for a person because they cannot be read.
EXPLAINED: Final = (ReceivedState.EXCLUDED, ReceivedState.QUARANTINED, ReceivedState.CANCELLED)

# By target: from where an order may go there (orders/transition.py).
ALLOWED_FROM: Final[Mapping[ReceivedState, tuple[ReceivedState, ...]]] = {
    # From DISMISSED: its integration was disconnected, and is connected again.
    ReceivedState.STAGED: (
        ReceivedState.HELD,
        ReceivedState.QUARANTINED,
        ReceivedState.EXCLUDED,
        ReceivedState.CANCELLED,
        ReceivedState.DISMISSED,
    ),
    ReceivedState.HELD: (
        ReceivedState.STAGED,
        ReceivedState.QUARANTINED,
        ReceivedState.EXCLUDED,
        ReceivedState.CANCELLED,
    ),
    # From SHIPPED and COMPLETED: the warehouse took back every package.
    ReceivedState.INJECTED: (*TO_PLACE, *HAS_SHIPPED),
    ReceivedState.SHIPPED: (ReceivedState.INJECTED, ReceivedState.COMPLETED),
    ReceivedState.COMPLETED: NOT_COMPLETE,
    ReceivedState.CANCELLED: (*MAY_BE_QUARANTINED, *IN_WAREHOUSE),
    ReceivedState.EXCLUDED: (*UNPLACED, ReceivedState.CANCELLED),
    ReceivedState.QUARANTINED: (*TO_PLACE, ReceivedState.EXCLUDED),
    # From CANCELLED and once the warehouse has it: it stopped an order that somebody else had shipped.
    ReceivedState.DISMISSED: (*UNPLACED, *IN_WAREHOUSE, ReceivedState.CANCELLED),
}

# The cart's word on an acknowledgement is to come.
ACK_OPEN: Final = (AckState.DUE, AckState.SENT)
# The cart was not told, and need not be as far as is known.
ACK_NOT_SENT: Final = (AckState.NONE, AckState.NOT_NEEDED)

# What the buyer had made is not here.
CUSTOMIZATION_MISSING: Final = (CustomizationState.DUE, CustomizationState.FAILED)
