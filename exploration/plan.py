"""The choices of a seed before its run starts (swarm testing: each run leaves many things out and overdoes others)."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from exploration.ports.faults import draw_some

LAYOUTS = 16
BRANCHES = tuple(
    """plain multi_line non_ascii amazon_fulfilled pending cancelled bundle unmapped_sku unmapped_method missing_address
    cancellation_request unknown_enum duplicate partially_shipped bad customized""".split()
)


@dataclass(frozen=True)
class Plan:
    """One seed's choices.

    Args:
        warm: orders that the warehouse has before anything goes wrong.
        first: orders that come in just before.
        under_way: whether they are placed before, and Amazon is being told of it.
        steps: actions before the world is healed.
        stores: how many connected stores, of two accounts.
        one_account: whether all stores are of the first account and so share its stock.
        sites: how many of its marketplaces a seller lists its SKUs in.
        workers: how many tasks run at once.
        page_size: orders per listing page.
        order_minutes: the stores' order schedule.
        read_minutes: how often the warehouse is asked for news where nothing wakes it.
        feed_page: how many changes the warehouse tells of in one answer (embedded: 500).
        feed_delay_s: how long Amazon works on a feed.
        slow_feed_s: how long it works on those of its slow hours; 0 where it has none.
        step_s: the longest time an action may take.
        wait_h: the longest time that passes at once now and then, in hours; 0 for never.
        mapped_first: whether the merchants map everything before the first order comes.
        cancel_weight: how often orders change after they were placed, beside 2 for new ones.
        pack_weight: how often something happens in the warehouse.
        seller_weight: how often somebody does something at the cart's own pages.
        review_weight: how often a merchant decides about an order.
        connect_weight: how often a merchant ends or mends a connection.
        faults: what may befall a call, by who is called and by call.
        fault_rate: how many calls meet a fault.
        kill_rate, freeze_rate: how many commits a task is killed at, or frozen beyond its lease.
        lost_wakeup_rate, double_wakeup_rate: how often. All rates go from 0 to 1.
        with_cart: whether a store of a further cart sells from the first account's stock, where there is such a cart.
        with_yard: whether one store ships through a further warehouse, where there is one.
        ahead_h: by how many hours at most the machine's clock is ahead before it is put back; 0 where it never is.
        branches: kinds of orders to draw from.
        late_rate: how often an order shows up only after its time (a listing that lags).
    """

    warm: int
    first: int
    under_way: bool
    steps: int
    stores: int
    one_account: bool
    sites: int
    workers: int
    page_size: int
    order_minutes: int
    read_minutes: int
    feed_page: int
    feed_delay_s: int
    slow_feed_s: int
    step_s: float
    wait_h: float
    mapped_first: bool
    cancel_weight: int
    pack_weight: int
    seller_weight: int
    review_weight: int
    connect_weight: int
    faults: Mapping[str, Mapping[str, tuple[str, ...]]]
    fault_rate: float
    kill_rate: float
    freeze_rate: float
    lost_wakeup_rate: float
    double_wakeup_rate: float
    branches: tuple[str, ...]
    late_rate: float
    with_cart: bool
    with_yard: bool
    ahead_h: float

    @staticmethod
    def draw(seed: int) -> Plan:
        """Choose. What a world is made with is common to one seed in `LAYOUTS`, so that they can share its making."""
        rng, made = random.Random(seed), random.Random(f"layout {seed % LAYOUTS}")
        return Plan(
            warm=made.choice((0, 3, 6)),
            stores=made.choice((1, 1, 1, 1, 2, 3)),
            one_account=made.random() < 0.6,
            sites=made.choice((1, 1, 2)),
            order_minutes=made.choice((15, 15, 60)),
            read_minutes=made.choice((5, 60, 240)),
            feed_page=made.choice((1, 3, 500)),
            mapped_first=made.random() < 0.6,
            with_cart=made.random() < 0.6,
            with_yard=made.random() < 0.6,
            first=rng.choice((2, 4, 6)),
            under_way=rng.random() < 0.6,
            steps=rng.choice((120, 170, 240)),
            workers=rng.randint(1, 4),
            page_size=rng.choice((1, 2, 5, 100)),
            feed_delay_s=rng.choice((20, 20, 120)),
            slow_feed_s=rng.choice((0, 0, 3600, 14_400)),
            step_s=rng.choice((20, 120, 900)),
            wait_h=rng.choice((0, 3, 13)),
            cancel_weight=rng.choice((0, 1, 2)),
            pack_weight=rng.choice((1, 2, 4)),
            seller_weight=rng.choice((0, 1, 2)),
            review_weight=rng.choice((0, 1, 2)),
            connect_weight=rng.choice((0, 0, 1)),
            faults=draw_some(rng),
            fault_rate=rng.choice((0.15, 0.3, 0.5)),
            kill_rate=rng.choice((0, 0.02, 0.05)),
            freeze_rate=rng.choice((0, 0.02)),
            lost_wakeup_rate=rng.choice((0, 0.2)),
            double_wakeup_rate=rng.choice((0, 0.2)),
            branches=tuple(rng.sample(BRANCHES, rng.randint(3, len(BRANCHES)))),
            late_rate=rng.choice((0, 0.2)),
            ahead_h=rng.choice((0, 0, 0.5, 3)),
        )
