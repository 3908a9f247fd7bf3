"""The merchants of a run at their orders: they let them go on, correct them or end them."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence

import sqlalchemy as sa

from exploration.actors.doings import Doings, within_reach
from exploration.world import World
from is2_core.accounts.scope import account_scope
from is2_core.comparison.actions import compare_now
from is2_core.items import unknown_skus
from is2_core.items.models import CartItem
from is2_core.items.states import UnknownSku
from is2_core.orders import actions
from is2_core.orders.holds.reasons import REASONS, HoldCode, is_waivable, waiver
from is2_core.orders.models import Hold, ReceivedOrder
from is2_core.orders.not_from_here.answering import ship_not_from_here
from is2_core.orders.states import NOT_COMPLETE, UNPLACED, ReceivedState

_ADDRESS = (HoldCode.ADDRESS_MISSING, HoldCode.ADDRESS_IMPOSSIBLE, HoldCode.ADDRESS_INCOMPLETE)
TYPED = {
    "name": "Typed Here",
    "line1": "1 Corrected Street",
    "city": "Seattle",
    "region": "WA",
    "postal_code": "98101",
    "country": "US",
}


class Reviewers:
    """Decide about single orders by luck."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world = world
        self._rng = rng
        weights = {
            # What is seldom possible is drawn the more often.
            self._approve: 8,
            self._correct_an_address: 10,
            self._dismiss: 1,
            self._not_to_ship: 1,
            self._shipped_elsewhere: 1,
            self._ask_to_stop: 1,
            self._not_from_here: 12,
            self._from_here_again: 12,
            self._compare_now: 1,
        }
        self.act = Doings("reviewer", weights, world, rng).act

    def _approve(self) -> bool:
        rows = self._held()
        rows = [row for row in rows if all(is_waivable(hold.code) for hold in row[1])]
        if not rows:
            return False
        order, holds = self._rng.choice(rows)
        codes = sorted({waiver(hold.code, hold.params.get(REASONS[hold.code].about, "")) for hold in holds})
        done = self._press(actions.approve, order, codes=codes)
        if done:
            self._world.deeds.waived.setdefault(order.remote_id, set()).update(hold.code for hold in holds)
        return done

    def _correct_an_address(self) -> bool:
        rows = [order for order, holds in self._held() if any(hold.code in _ADDRESS for hold in holds)]
        return self._one(rows, actions.correct_address, self._world.deeds.addressed, values=TYPED)

    def _dismiss(self) -> bool:
        return self._end(actions.dismiss, reason="Sold out")

    def _not_to_ship(self) -> bool:
        return self._end(actions.do_not_ship)

    def _shipped_elsewhere(self) -> bool:
        return self._end(actions.shipped_elsewhere, note="From the shop around the corner")

    def _end(self, button: Callable[..., object], **fields: object) -> bool:
        return self._one(self._orders(UNPLACED), button, self._world.deeds.ended, **fields)

    def _ask_to_stop(self) -> bool:
        rows = [order for order in self._orders(NOT_COMPLETE) if actions.may_be_stopped(order)]
        return self._one(rows, actions.ask_to_stop, self._world.deeds.stop_wanted)

    def _one(
        self, rows: Sequence[ReceivedOrder], button: Callable[..., object], noted: set[str], **fields: object
    ) -> bool:
        if not rows:
            return False
        order = self._rng.choice(rows)
        done = self._press(button, order, **fields)
        if done:
            noted.add(order.remote_id)
        return done

    def _not_from_here(self) -> bool:
        """A SKU that nobody has mapped is shipped from somewhere else."""
        found = [
            (order, str(hold.params["sku"]))
            for order, holds in self._held()
            for hold in holds
            if hold.code == HoldCode.SKU_UNKNOWN and hold.params.get("sku")
        ]
        if not found:
            return False
        order, sku = self._rng.choice(found)
        with_it = {"order_id": order.id, "scope": account_scope(order.account_id), "sku": sku}
        done = self._world.press("reviewer", ship_not_from_here, **with_it)
        if done:
            self._world.deeds.not_from_here.add((order.integration_id, sku))
        return done

    def _from_here_again(self) -> bool:
        """That is taken back: its orders wait again."""
        with self._world.platform.db.read() as session:
            answered = sa.select(CartItem).where(CartItem.unknown_sku == UnknownSku.NOT_FROM_HERE).order_by(CartItem.id)
            items = session.scalars(answered).all()
        if not items:
            return False
        item = self._rng.choice(items)
        done = self._world.press(
            "reviewer",
            unknown_skus.answer_items,
            integration_id=item.integration_id,
            scope=account_scope(item.account_id),
            item_ids=[item.id],
            answer=UnknownSku.HOLD.value,
        )
        if done:
            self._world.deeds.not_from_here.discard((item.integration_id, item.sku))
        return done

    def _compare_now(self) -> bool:
        integration = self._rng.choice(within_reach(self._world))
        return self._world.press("reviewer", compare_now, **integration.fields, user_id=None)

    def _held(self) -> list[tuple[ReceivedOrder, list[Hold]]]:
        """Return the orders that wait, each with what holds it."""
        orders = {order.id: order for order in self._orders((ReceivedState.HELD,))}
        with self._world.platform.db.read() as session:
            holds = session.scalars(sa.select(Hold).where(Hold.order_id.in_(orders)).order_by(Hold.id)).all()
        found: dict[int, list[Hold]] = {}
        for hold in holds:
            found.setdefault(hold.order_id, []).append(hold)
        return [(orders[order_id], of_it) for order_id, of_it in sorted(found.items())]

    def _orders(self, states: Collection[ReceivedState]) -> Sequence[ReceivedOrder]:
        ours = ReceivedOrder.integration_id.in_([integration.id for integration in within_reach(self._world)])
        with self._world.platform.db.read() as session:
            rows = sa.select(ReceivedOrder).where(ours, ReceivedOrder.state.in_(states)).order_by(ReceivedOrder.id)
            return session.scalars(rows).all()

    def _press(self, button: Callable[..., object], order: ReceivedOrder, **fields: object) -> bool:
        order_of = {"order_id": order.id, "scope": account_scope(order.account_id), "user_id": None}
        return self._world.press("reviewer", button, **order_of, **fields)
