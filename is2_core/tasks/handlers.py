"""Which function runs which kind of task, and which stores the results of which kind of submission."""

from __future__ import annotations

from functools import partial

from is2_core.flows import acknowledgements, inventory_results, tracking
from is2_core.flows.acknowledgements import send_acknowledgements
from is2_core.flows.customizations import fetch_customizations
from is2_core.flows.drift import DRIFT, compare_with_cart
from is2_core.flows.imports import check_orders, reconcile_orders
from is2_core.flows.inventory import push_inventory
from is2_core.flows.inventory_activity import take_activity
from is2_core.flows.inventory_levels import compare_inventory
from is2_core.flows.inventory_sync import orders_have_come
from is2_core.flows.placing import place_orders
from is2_core.flows.polling import Settler, poll_submission
from is2_core.flows.review import review_orders
from is2_core.flows.shipments import read_warehouse
from is2_core.flows.stopping import stop_orders
from is2_core.flows.submissions import KIND_ACKNOWLEDGE, KIND_INVENTORY, KIND_TRACKING
from is2_core.flows.tracking import post_tracking
from is2_core.tasks.heartbeat import HEARTBEAT, store_heartbeat
from is2_core.tasks.run import Handler

SETTLERS = {
    KIND_ACKNOWLEDGE: Settler(acknowledgements.settle, acknowledgements.settle, acknowledgements.after_submission),
    KIND_INVENTORY: Settler(inventory_results.settle, inventory_results.given_up, inventory_results.after_submission),
    KIND_TRACKING: Settler(tracking.settle, tracking.settle, tracking.after_submission),
}

HANDLERS: dict[str, Handler] = {
    HEARTBEAT: store_heartbeat,
    "orders.check": partial(check_orders, ended=orders_have_come),
    "orders.reconcile": partial(reconcile_orders, ended=orders_have_come),
    "orders.customize": fetch_customizations,
    "orders.review": review_orders,
    "orders.place": place_orders,
    "orders.stop": stop_orders,
    "acknowledgements.send": send_acknowledgements,
    "inventory.activity": take_activity,
    "inventory.push": push_inventory,
    "inventory.compare": compare_inventory,
    DRIFT: compare_with_cart,
    "warehouse.read": read_warehouse,
    "tracking.post": post_tracking,
    "submissions.poll": partial(poll_submission, settlers=SETTLERS),
}
