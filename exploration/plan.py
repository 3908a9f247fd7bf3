"""The choices of a seed before its run starts (swarm testing: each run leaves many things out and overdoes others)."""

from __future__ import annotations

import random
from dataclasses import dataclass

READ_FAULTS = ("429", "5xx", "html_200", "truncate", "delay", "refuse", "400")
LISTING_FAULTS = (*READ_FAULTS, "dup_page", "omit", "reorder", "stale")
WRITE_FAULTS = ("429", "5xx", "html_200", "truncate", "delay", "refuse", "apply_then_drop")
FAULTS = {
    "searchOrders": LISTING_FAULTS,
    "getOrder": READ_FAULTS,
    "createFeedDocument": WRITE_FAULTS,
    "uploadDocument": ("5xx", "delay", "refuse", "apply_then_drop"),
    "createFeed": WRITE_FAULTS,
    "searchListingsItems": READ_FAULTS,
    "confirmShipment": WRITE_FAULTS,
    "feedProcessed": ("fatal", "apply_then_fatal", "reject"),
    "getFeed": (*READ_FAULTS, "stale"),
    "getFeedDocument": READ_FAULTS,
    "downloadDocument": READ_FAULTS,
    "downloadCustomization": ("429", "5xx", "html_200", "delay", "refuse"),
    "token": ("5xx", "delay", "refuse", "apply_then_drop", "truncate", "html_200"),
}
CRASH_POINTS = ("commit.before", "commit.after", "http.before", "http.after")
BRANCHES = tuple(
    """plain multi_line non_ascii amazon_fulfilled pending cancelled bundle unmapped_sku unmapped_method missing_address
    cancellation_request unknown_enum duplicate partially_shipped bad customized""".split()
)


@dataclass(frozen=True)
class Plan:
    """One seed's choices.

    Args:
        warm: orders that the warehouse has before anything goes wrong.
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
        cancel_weight: how often orders change after they were placed, beside 3 for new ones.
        pack_weight: how often something happens in the warehouse.
        port_fault_rate: how often a call to the warehouse goes wrong, from 0 to 1.
        faults: the armed faults to draw from, as (operation, kind).
        fault_rate, crash_rate, lost_wakeup_rate, double_wakeup_rate: how often, from 0 to 1.
        crash_points: the fault points at which tasks are killed.
        branches: kinds of orders to draw from.
        late_rate: how often an order shows up only after its time (a listing that lags).
    """

    warm: int
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
    port_fault_rate: float
    faults: tuple[tuple[str, str], ...]
    fault_rate: float
    crash_rate: float
    crash_points: tuple[str, ...]
    lost_wakeup_rate: float
    double_wakeup_rate: float
    branches: tuple[str, ...]
    late_rate: float

    @staticmethod
    def draw(rng: random.Random) -> Plan:
        """Choose."""
        possible = [(operation, kind) for operation, kinds in FAULTS.items() for kind in kinds]
        some = rng.sample(possible, rng.randint(0, len(possible) // 2))
        return Plan(
            warm=rng.choice((0, 3, 6)),
            steps=rng.choice((80, 150, 250)),
            stores=rng.choice((1, 1, 1, 2, 2, 3)),
            one_account=rng.random() < 0.6,
            sites=rng.choice((1, 1, 2)),
            workers=rng.randint(1, 4),
            page_size=rng.choice((1, 2, 5, 100)),
            order_minutes=rng.choice((15, 60, 60)),
            read_minutes=rng.choice((5, 60, 240)),
            feed_page=rng.choice((1, 3, 500)),
            feed_delay_s=rng.choice((20, 20, 120)),
            slow_feed_s=rng.choice((0, 0, 3600, 14_400)),
            step_s=rng.choice((20, 120, 900)),
            wait_h=rng.choice((0, 3, 13)),
            mapped_first=rng.random() < 0.6,
            cancel_weight=rng.choice((0, 1, 4)),
            pack_weight=rng.choice((4, 12, 24)),
            port_fault_rate=rng.choice((0, 0, 0.1, 0.3)),
            faults=tuple(some),
            fault_rate=rng.choice((0, 0.05, 0.2)) if some else 0,
            crash_rate=rng.choice((0, 0.2, 0.6)),
            crash_points=tuple(rng.sample(CRASH_POINTS, rng.randint(1, len(CRASH_POINTS)))),
            lost_wakeup_rate=rng.choice((0, 0.2)),
            double_wakeup_rate=rng.choice((0, 0.2)),
            branches=tuple(rng.sample(BRANCHES, rng.randint(3, len(BRANCHES)))),
            late_rate=rng.choice((0, 0.2)),
        )
