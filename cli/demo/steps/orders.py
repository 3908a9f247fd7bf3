"""First act: stores are connected, their orders read, held, released, placed and acknowledged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cli.demo import setup
from cli.demo.participants import Cast, Shop
from cli.demo.verification.expected import SetUp
from cli.demo.verification.packages import references
from cli.trial import APPLICATION, SIMULATED_CART, SIMULATOR_ENVIRONMENT
from is2_core.tasks.kinds import TaskKind

FIRST_ORDERS_FROM = timedelta(days=2)
KILL_DELAY_S = 6.0


def prepare_platform(cast: Cast) -> None:
    """The platform knows Amazon, and the warehouse has stock of everybody."""
    cast.show.step("The admin types the settings of Amazon; the warehouse receives stock of four merchants.")
    cast.sign_in()
    settings = {**APPLICATION, "simulator_url": cast.stack.simulator}
    cast.admin.set_up_cart(SIMULATED_CART, SIMULATOR_ENVIRONMENT, settings)
    for account in cast.merchants:
        for sku, name in setup.STOCK.items():
            cast.packer.receive_stock(account, sku, name, setup.UNITS)
    cast.packer.receive_stock(setup.NORTHWIND, setup.FBA_SKU, setup.FBA_NAME, setup.UNITS)


def offer_orders(cast: Cast) -> list[dict[str, str]]:
    """Amazon has orders of every store; returns the example orders, where some were asked for."""
    wishes = cast.wishes
    for shop in cast.shops:
        count = None if shop.plan.mix else wishes.count
        shop.branches = cast.amazon.generate(shop.plan.seller, wishes.seed, count, shop.plan.mix)
    packages = {str(order["orderId"]): references(order["packages"]) for order in cast.amazon.orders()}
    for shop in cast.shops:
        shop.shipped_before = {order_id: packages[order_id] for order_id in shop.ids}
    for seller, marketplaces in setup.FEW_MARKETPLACES.items():
        for listing in cast.amazon.listings(seller):
            if not listing["fba"]:
                cast.amazon.put_listing(seller, listing["sku"], marketplaces=marketplaces)
    for shop in cast.shops:
        shop.listings_before = cast.listings_of(shop)
    # Before the stores are connected: whoever has an order in a marketplace sells there.
    return cast.amazon.load_examples(wishes.model_file) if wishes.model_file else []


def connect(cast: Cast) -> None:
    """Every merchant connects their stores, and sets up what is ready to be set up."""
    cast.show.step("Four merchants connect six stores: region, consent, settings, Finish Setup.")
    main = cast.shop(setup.MAIN)

    def slow_down() -> None:
        if cast.wishes.kill_worker:
            cast.amazon.arm(operation="searchOrders", kind="delay", seconds=KILL_DELAY_S, seller=main.plan.seller)

    orders_from = (datetime.now(UTC) - FIRST_ORDERS_FROM).date().isoformat()
    # The largest store last: its orders are read from Finish Setup on.
    for shop in reversed(cast.shops):
        settings = setup.store_settings(shop.plan, orders_from)
        ready = slow_down if shop is main else lambda: None
        shop.store = cast.merchant(shop).install(
            SIMULATED_CART, shop.plan.region, shop.plan.seller, settings, before_finish=ready
        )
    if cast.wishes.kill_worker:
        _kill_worker(cast)
    for shop in cast.shops:
        for method, service in setup.SHIPPING.items():
            cast.merchant(shop).add_shipping_mapping(shop.store, method, service)
    # What Finish Setup sends at once would take the first items along and leave the others for 12 hours.
    cast.rest("the stores had looked for stock to send", only=(TaskKind.INVENTORY_PUSH,))
    for shop in cast.shops:
        for sku in shop.plan.items:
            cast.merchant(shop).add_custom_item(shop.store, sku, {})


def _kill_worker(cast: Cast) -> None:
    while not cast.stack.kill_busy_worker():
        cast.in_time("a worker was busy")
    cast.show.step("A worker was killed in the middle of the import.")


def read_orders(cast: Cast) -> None:
    """Check now, in every store."""
    cast.show.step("Check now: Amazon's orders are read.")
    for shop in cast.shops:
        cast.merchant(shop).check_now(shop.store)
    cast.rest("all orders are read", only=(TaskKind.ORDERS_CHECK,))


def fix_holds(cast: Cast) -> None:
    """The largest store's missing mappings are added, which frees what waits for them."""
    shop = cast.shop(setup.MAIN)
    merchant = cast.merchant(shop)
    orders = cast.orders_of(shop)
    held = {(hold["code"], hold["subject"]) for order in orders for hold in order["holds"]}
    waiting = sum(bool(order["holds"]) for order in orders)
    cast.show.step(f"{waiting} orders are held; the missing mappings are added, which frees what waits for them.")
    for method, service in setup.LATE_SHIPPING.items():
        merchant.add_shipping_mapping(shop.store, method, service)
    for sku, components in late_items(cast, shop).items():
        if ("SKU_UNKNOWN", sku) in held:
            merchant.add_custom_item(shop.store, sku, components)
    cast.rest("everything is placed and acknowledged")


def let_a_night_pass(cast: Cast) -> None:
    """What Amazon made of the packages is read at night, when orders are listed whatever their state."""
    cast.show.step("Both clocks move on by 11 hours: in the night every order is read once more.")
    # With the 6 and 7 hours before it makes a day, which has a night whenever the demo was started; and after the
    # second stock it is less than the 12 hours in which no other may follow.
    cast.advance("665m")
    cast.rest("every order is read once more")


def late_items(cast: Cast, shop: Shop) -> dict[str, dict[str, int]]:
    """What the merchant maps once orders wait for it."""
    mystery = {
        item["product"]["sellerSku"]
        for order_id in shop.branches.get("unmapped_sku", [])
        for item in cast.amazon.order(order_id)["orderItems"]
    } - setup.STOCK.keys()
    return {**setup.BUNDLE, **dict.fromkeys(sorted(mystery), setup.LATE_MYSTERY)}


def set_up_of(cast: Cast, shop: Shop) -> SetUp:
    """What a store has set up by the end."""
    late = shop.plan == setup.MAIN
    skus = {*setup.STOCK, *(late_items(cast, shop) if late else ())}
    return SetUp(skus, {*setup.SHIPPING, *(setup.LATE_SHIPPING if late else ())}, frozenset(shop.stopped))
