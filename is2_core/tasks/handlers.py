"""Which function runs which kind of task."""

from __future__ import annotations

from is2_core.flows.acknowledgements import send_acknowledgements
from is2_core.flows.customizations import fetch_customizations
from is2_core.flows.drift import DRIFT, compare_with_cart
from is2_core.flows.imports import check_orders, reconcile_orders
from is2_core.flows.inventory import push_inventory
from is2_core.flows.inventory_activity import take_activity
from is2_core.flows.inventory_levels import compare_inventory
from is2_core.flows.placing import place_orders
from is2_core.flows.polling import poll_submission
from is2_core.flows.review import review_orders
from is2_core.flows.shipments import read_warehouse
from is2_core.flows.stopping import stop_orders
from is2_core.flows.tracking import post_tracking
from is2_core.tasks.run import Handler

HANDLERS: dict[str, Handler] = {
    "orders.check": check_orders,
    "orders.reconcile": reconcile_orders,
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
    "submissions.poll": poll_submission,
}
