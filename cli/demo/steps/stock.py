"""Second steps: stock is sent, at most every 12 hours, and what must not be written is left alone."""

from __future__ import annotations

from datetime import UTC, datetime

from cli.demo import setup
from cli.demo.errors import Refused
from cli.demo.participants import Check, Demo, DemoStore
from cli.demo.verification.comparison import Row
from cli.demo.verification.stock import runs_of

REMOTE_FULFILLMENT = "Remote Fulfillment With FBA: told to set it to Yes"
_SHARED_FIRST = "confirm the shared stock first"
_SET_IT = "Remote Fulfillment With FBA to Yes"


def send_first_time(demo: Demo) -> None:
    """Every merchant presses Push now, once what two stores share is confirmed."""
    demo.show.step("Stock: what two stores share is confirmed, then every merchant presses Push now.")
    newcomer = demo.store(setup.NEWCOMER)
    merchant = demo.merchant(newcomer)
    items = merchant.stock(newcomer.integration)["items"]
    waiting = {item["sku"] for item in items if _SHARED_FIRST in item["withheld"]}
    shared = set(setup.NEWCOMER.items) & set(setup.MAIN.items)
    demo.checks.append(
        Check("Shared stock waits until it is confirmed", waiting == shared, f"waiting: {sorted(waiting)}")
    )
    merchant.confirm_shared_stock(newcomer.integration)
    demo.rest("what the confirmation set going is done")
    for store in demo.stores:
        if demo.merchant(store).stock(store.integration)["accepted_at"] is None:
            demo.merchant(store).push_now(store.integration)
    demo.rest("Amazon has taken the first stock")


def set_remote_fulfillment(demo: Demo) -> list[Row]:
    """Whoever is enrolled in Remote Fulfillment with FBA reads what to do, and does it."""
    sellers = demo.amazon.sellers()
    rows = []
    for store in demo.stores:
        merchant, seller = demo.merchant(store), frozenset({store.plan.seller})
        told = _SET_IT in merchant.stock_page(store.integration)
        enrolled = bool(sellers[store.plan.seller]["remote_fulfillment"])
        if told:
            merchant.change_settings(store.integration, {"remote_fulfillment": "yes"})
        if told or enrolled:
            none: frozenset[str] = frozenset()
            rows.append(
                Row(REMOTE_FULFILLMENT, seller if told else none, seller if enrolled else none, store.plan.nickname)
            )
    demo.rest("Amazon has taken the stock of who had to set an option")
    return rows


def sell_one(demo: Demo) -> None:
    """A buyer buys from the largest store, which is activity for that SKU."""
    main = demo.store(setup.MAIN)
    main.branches["sold"] = demo.amazon.generate(main.plan.seller, demo.options.seed + 1, None, {"plain": 1})["plain"]
    # A generated order was last changed long ago, and a listing of what changed since would leave it out.
    bought = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    for order_id in main.branches["sold"]:
        demo.amazon.change(order_id, {"createdTime": bought})


def not_within_the_floor(demo: Demo) -> None:
    """A push that comes too soon is refused, and none comes by itself for six hours."""
    demo.show.step("One more order is sold; both clocks move on by 6 hours: no stock is sent before 12 hours are over.")
    main = demo.store(setup.MAIN)
    try:
        demo.merchant(main).push_now(main.integration)
        refusal = ""
    except Refused as error:
        refusal = str(error)
    demo.checks.append(Check("Push now within 12 hours is refused", bool(refusal), refusal or "It was accepted."))
    runs = _runs(demo)
    demo.advance("6h")
    demo.rest("the orders sold meanwhile are in")
    demo.checks.append(Check("No stock is sent after 6 hours", _runs(demo) == runs, f"pushes by then: {_runs(demo)}"))


def send_second_time(demo: Demo) -> None:
    """After 12 hours, what had activity is sent by itself."""
    demo.show.step("Both clocks move on by 7 hours: what had activity is sent, by itself.")
    runs = _runs(demo)
    demo.advance("7h")
    demo.rest("Amazon has taken the second stock")
    while waiting := [store.plan.nickname for store in demo.stores if _is_due(demo, store)]:
        demo.in_time("what had activity was sent", f"due: {', '.join(waiting)}")
        demo.rest("Amazon has taken the second stock")
    main = setup.MAIN.nickname
    demo.checks.append(
        Check("Stock with activity is sent after 12 hours", _runs(demo)[main] == runs[main] + 1, f"{_runs(demo)}")
    )


def _is_due(demo: Demo, store: DemoStore) -> bool:
    items = demo.merchant(store).stock(store.integration)["items"]
    return any(item["due"] and item["active"] and not item["withheld"] for item in items)


def _runs(demo: Demo) -> dict[str, int]:
    """How many pushes Amazon has seen of each store."""
    return {store.plan.nickname: len(runs_of(demo.amazon.calls(store.plan.seller))) for store in demo.stores}
