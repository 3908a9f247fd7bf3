"""First steps: stores are connected, their orders read, held, released, placed and acknowledged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cli.demo import setup
from cli.demo.participants import Demo, DemoStore
from cli.demo.verification.expected import SetUp
from cli.demo.verification.packages import references
from cli.trial import APPLICATION, SIMULATED_CART, SIMULATOR_ENVIRONMENT
from is2_core.tasks.kinds import TaskKind

FIRST_ORDERS_FROM = timedelta(days=2)
KILL_DELAY_S = 6.0


def prepare_platform(demo: Demo) -> None:
    """The platform knows Amazon, and the warehouse has stock of everybody."""
    demo.show.step("The admin types the settings of Amazon; the warehouse receives stock of four merchants.")
    demo.sign_in()
    settings = {**APPLICATION, "simulator_url": demo.stack.simulator}
    demo.admin.set_up_cart(SIMULATED_CART, SIMULATOR_ENVIRONMENT, settings)
    for account in demo.merchants:
        for sku, name in setup.STOCK.items():
            demo.packer.receive_stock(account, sku, name, setup.UNITS)
    demo.packer.receive_stock(setup.NORTHWIND, setup.FBA_SKU, setup.FBA_NAME, setup.UNITS)


def offer_orders(demo: Demo) -> list[dict[str, str]]:
    """Amazon has orders of every store; returns the example orders, where some were asked for."""
    options = demo.options
    for store in demo.stores:
        count = None if store.plan.mix else options.count
        store.branches = demo.amazon.generate(store.plan.seller, options.seed, count, store.plan.mix)
    packages = {str(order["orderId"]): references(order["packages"]) for order in demo.amazon.orders()}
    for store in demo.stores:
        store.shipped_before = {order_id: packages[order_id] for order_id in store.ids}
    for seller, marketplaces in setup.FEW_MARKETPLACES.items():
        for listing in demo.amazon.listings(seller):
            if not listing["fba"]:
                demo.amazon.put_listing(seller, listing["sku"], marketplaces=marketplaces)
    for store in demo.stores:
        store.listings_before = demo.listings_of(store)
    # Before the stores are connected: whoever has an order in a marketplace sells there.
    return demo.amazon.load_examples(options.model_file) if options.model_file else []


def connect(demo: Demo) -> None:
    """Every merchant connects their stores, and sets up what is ready to be set up."""
    demo.show.step("Four merchants connect six stores: region, consent, settings, Finish Setup.")
    main = demo.store(setup.MAIN)

    def slow_down() -> None:
        if demo.options.kill_worker:
            demo.amazon.arm(operation="searchOrders", kind="delay", seconds=KILL_DELAY_S, seller=main.plan.seller)

    orders_from = (datetime.now(UTC) - FIRST_ORDERS_FROM).date().isoformat()
    # The largest store last: its orders are read from Finish Setup on.
    for store in reversed(demo.stores):
        settings = setup.store_settings(store.plan, orders_from)
        ready = slow_down if store is main else lambda: None
        store.integration = demo.merchant(store).install(
            SIMULATED_CART, store.plan.region, store.plan.seller, settings, before_finish=ready
        )
    if demo.options.kill_worker:
        _kill_worker(demo)
    for store in demo.stores:
        for method, service in setup.SHIPPING.items():
            demo.merchant(store).add_shipping_mapping(store.integration, method, service)
    # What Finish Setup sends at once would take the first items along and leave the others for 12 hours.
    demo.rest("the stores had looked for stock to send", only=(TaskKind.INVENTORY_PUSH,))
    for store in demo.stores:
        for sku in store.plan.items:
            demo.merchant(store).add_custom_item(store.integration, sku, {})


def _kill_worker(demo: Demo) -> None:
    while not demo.stack.kill_busy_worker():
        demo.in_time("a worker was busy")
    demo.show.step("A worker was killed in the middle of the import.")


def read_orders(demo: Demo) -> None:
    """Check now, in every store."""
    demo.show.step("Check now: Amazon's orders are read.")
    for store in demo.stores:
        demo.merchant(store).check_now(store.integration)
    demo.rest("all orders are read", only=(TaskKind.ORDERS_CHECK,))


def fix_holds(demo: Demo) -> None:
    """The largest store's missing mappings are added, which frees what waits for them."""
    store = demo.store(setup.MAIN)
    merchant = demo.merchant(store)
    orders = demo.orders_of(store)
    held = {(hold["code"], hold["subject"]) for order in orders for hold in order["holds"]}
    waiting = sum(bool(order["holds"]) for order in orders)
    demo.show.step(f"{waiting} orders are held; the missing mappings are added, which frees what waits for them.")
    for method, service in setup.LATE_SHIPPING.items():
        merchant.add_shipping_mapping(store.integration, method, service)
    for sku, components in late_items(demo, store).items():
        if ("SKU_UNKNOWN", sku) in held:
            merchant.add_custom_item(store.integration, sku, components)
    demo.rest("everything is placed and acknowledged")


def let_a_night_pass(demo: Demo) -> None:
    """Move the clocks past a night: then orders are listed in every state, with what Amazon made of the packages."""
    demo.show.step("Both clocks move on by 11 hours: in the night every order is read once more.")
    # With the 6 and 7 hours before it makes more than a day, which has a night whenever the demo was started, and after
    # which orders that no listing shows are asked for by their id; and after the second stock it is less than the 12
    # hours in which no other may follow.
    demo.advance("670m")
    demo.rest("every order is read once more")


def late_items(demo: Demo, store: DemoStore) -> dict[str, dict[str, int]]:
    """Return the items the merchant maps once orders wait for them."""
    mystery = {
        item["product"]["sellerSku"]
        for order_id in store.branches.get("unmapped_sku", [])
        for item in demo.amazon.order(order_id)["orderItems"]
    } - setup.STOCK.keys()
    mystery -= store.not_from_here
    return {**setup.BUNDLE, **dict.fromkeys(sorted(mystery), setup.LATE_MYSTERY)}


def set_up_of(demo: Demo, store: DemoStore) -> SetUp:
    """Return the mappings a store has by the end, and the orders stopped."""
    late = store.plan == setup.MAIN
    skus = {*setup.STOCK, *(late_items(demo, store) if late else ())}
    methods = {*setup.SHIPPING, *(setup.LATE_SHIPPING if late else ())}
    return SetUp(skus, methods, frozenset(store.stopped), frozenset(store.by_hand), frozenset(store.not_from_here))
