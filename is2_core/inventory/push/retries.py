"""How often in a row the stock of an item came to nothing together with all that was sent with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from is2_core.accounts.display_name import integration_name
from is2_core.accounts.models import Integration
from is2_core.inventory.models import InventoryPush, InventoryPushLine
from is2_core.inventory.push.plan import due_condition
from is2_core.inventory.states import ANSWERED, SENT_AGAIN
from is2_core.items.models import CartItem
from is2_core.submissions.batch_backoff import SMALLER, TELL_AFTER, most_after, tell

ALONE = "What was sent for this SKU came to nothing time and again, even all by itself; the next push tries it again."


@dataclass(frozen=True)
class Tries:
    """An active item that is due, how often it was lost, and since when."""

    sku: str
    count: int
    since: datetime


def tries_of(session: Session, integration_id: int) -> dict[int, Tries]:
    """Item id -> its tries since the cart last said of it what became of it; none for items never lost."""
    told = (
        sa.select(InventoryPushLine.cart_item_id, sa.func.max(InventoryPushLine.id).label("line_id"))
        .join(InventoryPush, InventoryPush.id == InventoryPushLine.push_id)
        .where(
            InventoryPush.integration_id == integration_id,
            InventoryPushLine.result.in_(ANSWERED),
        )
        .group_by(InventoryPushLine.cart_item_id)
        .subquery()
    )
    rows = session.execute(
        sa.select(CartItem.id, CartItem.sku, sa.func.count(), sa.func.min(InventoryPush.computed_at))
        .join(InventoryPushLine, InventoryPushLine.cart_item_id == CartItem.id)
        .join(InventoryPush, InventoryPush.id == InventoryPushLine.push_id)
        .outerjoin(told, told.c.cart_item_id == CartItem.id)
        .where(
            *due_condition(integration_id),
            InventoryPushLine.result.in_(SENT_AGAIN),
            InventoryPushLine.id > sa.func.coalesce(told.c.line_id, 0),
        )
        .group_by(CartItem.id, CartItem.sku)
    )
    return {row[0]: Tries(*row[1:]) for row in rows}


def stuck(tries: Mapping[int, Tries]) -> list[Tries]:
    """A loss that a person is told of."""
    return [entry for entry in tries.values() if entry.count >= TELL_AFTER]


def sizes(item_ids: Sequence[int], tries: Mapping[int, Tries], most: int) -> Iterator[tuple[int, list[int]]]:
    """(how many fit into a write, the places of these items), those lost least first.

    What was lost goes apart from the rest. The first time the cart may just have failed; from the second on it is also
    spread over `SMALLER` writes at least, since in a small store even a small share of `most` holds everything; and
    over so many of them at most that they do not use up the cart's budget.
    """
    counts = [tries[item_id].count if item_id in tries else 0 for item_id in item_ids]
    for count, items in sorted(Counter(counts).items()):
        size = most_after(most, count)
        if count > 1:
            size = max(min(size, -(-items // SMALLER)), -(-items // SMALLER**2))
        yield size, [place for place, tried in enumerate(counts) if tried == count]


def tell_of_tries(session: Session, integration_id: int, now: datetime) -> None:
    """Open or end the case about what a store loses time and again."""
    integration = session.get_one(Integration, integration_id)
    found = stuck(tries_of(session, integration_id))
    message = (
        f"The shop has lost the stock of {len(found)} SKUs of {integration_name(integration)} {TELL_AFTER} times or "
        "more, with all that was sent together with it. It is sent again in smaller parts, in the end one by one."
    )
    tell(session, integration, "stock", message if found else "", now)
