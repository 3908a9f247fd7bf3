"""Second act: stock is sent, at most every 12 hours, and what must not be written is left alone."""

from __future__ import annotations

from datetime import UTC, datetime

from cli.demo import setup
from cli.demo.errors import Refused
from cli.demo.participants import Cast, Check, Shop
from cli.demo.verification.comparison import Row
from cli.demo.verification.stock import runs_of

REMOTE_FULFILLMENT = "Remote Fulfillment With FBA: told to set it to Yes"
_SHARED_FIRST = "confirm the shared stock first"
_SET_IT = "Remote Fulfillment With FBA to Yes"


def send_first_time(cast: Cast) -> None:
    """Every merchant presses Push now, once what two stores share is confirmed."""
    cast.show.step("Stock: what two stores share is confirmed, then every merchant presses Push now.")
    newcomer = cast.shop(setup.NEWCOMER)
    merchant = cast.merchant(newcomer)
    items = merchant.stock(newcomer.store)["items"]
    waiting = {item["sku"] for item in items if _SHARED_FIRST in item["withheld"]}
    shared = set(setup.NEWCOMER.items) & set(setup.MAIN.items)
    cast.checks.append(
        Check("Shared stock waits until it is confirmed", waiting == shared, f"waiting: {sorted(waiting)}")
    )
    merchant.confirm_shared_stock(newcomer.store)
    cast.rest("what the confirmation set going is done")
    for shop in cast.shops:
        if cast.merchant(shop).stock(shop.store)["accepted_at"] is None:
            cast.merchant(shop).push_now(shop.store)
    cast.rest("Amazon has taken the first stock")


def set_remote_fulfillment(cast: Cast) -> list[Row]:
    """Whoever is enrolled in Remote Fulfillment with FBA reads what to do, and does it."""
    sellers = cast.amazon.sellers()
    rows = []
    for shop in cast.shops:
        merchant, seller = cast.merchant(shop), frozenset({shop.plan.seller})
        told = _SET_IT in merchant.stock_page(shop.store)
        enrolled = bool(sellers[shop.plan.seller]["remote_fulfillment"])
        if told:
            merchant.change_settings(shop.store, {"remote_fulfillment": "yes"})
        if told or enrolled:
            none: frozenset[str] = frozenset()
            rows.append(
                Row(REMOTE_FULFILLMENT, seller if told else none, seller if enrolled else none, shop.plan.nickname)
            )
    cast.rest("Amazon has taken the stock of who had to set an option")
    return rows


def sell_one(cast: Cast) -> None:
    """A buyer buys from the largest store, which is activity for that SKU."""
    main = cast.shop(setup.MAIN)
    main.branches["sold"] = cast.amazon.generate(main.plan.seller, cast.wishes.seed + 1, None, {"plain": 1})["plain"]
    # A generated order was last changed long ago, and a listing of what changed since would leave it out.
    bought = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    for order_id in main.branches["sold"]:
        cast.amazon.change(order_id, {"createdTime": bought})


def not_within_the_floor(cast: Cast) -> None:
    """A push that comes too soon is refused, and none comes by itself for six hours."""
    cast.show.step("One more order is sold; both clocks move on by 6 hours: no stock is sent before 12 hours are over.")
    main = cast.shop(setup.MAIN)
    try:
        cast.merchant(main).push_now(main.store)
        refusal = ""
    except Refused as error:
        refusal = str(error)
    cast.checks.append(Check("Push now within 12 hours is refused", bool(refusal), refusal or "It was accepted."))
    runs = _runs(cast)
    cast.advance("6h")
    cast.rest("the orders sold meanwhile are in")
    cast.checks.append(Check("No stock is sent after 6 hours", _runs(cast) == runs, f"pushes by then: {_runs(cast)}"))


def send_second_time(cast: Cast) -> None:
    """After 12 hours, what had activity is sent by itself."""
    cast.show.step("Both clocks move on by 7 hours: what had activity is sent, by itself.")
    runs = _runs(cast)
    cast.advance("7h")
    cast.rest("Amazon has taken the second stock")
    while waiting := [shop.plan.nickname for shop in cast.shops if _is_due(cast, shop)]:
        cast.in_time("what had activity was sent", f"due: {', '.join(waiting)}")
        cast.rest("Amazon has taken the second stock")
    main = setup.MAIN.nickname
    cast.checks.append(
        Check("Stock with activity is sent after 12 hours", _runs(cast)[main] == runs[main] + 1, f"{_runs(cast)}")
    )


def _is_due(cast: Cast, shop: Shop) -> bool:
    items = cast.merchant(shop).stock(shop.store)["items"]
    return any(item["due"] and item["active"] and not item["withheld"] for item in items)


def _runs(cast: Cast) -> dict[str, int]:
    """How many pushes Amazon has seen of each store."""
    return {shop.plan.nickname: len(runs_of(cast.amazon.calls(shop.plan.seller))) for shop in cast.shops}
