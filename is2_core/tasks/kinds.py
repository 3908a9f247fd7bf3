"""Names of the kinds of background work. Rows hold them, so they stay as they are; all else about a kind is one entry
of `jobs.py`."""

from __future__ import annotations

from enum import StrEnum


class TaskKind(StrEnum):
    """Name a kind of task."""

    HEARTBEAT = "platform.heartbeat"
    CLOCK_PUT_BACK = "platform.clock"
    RESEAL = "platform.reseal"
    AUDIT_SEAL = "audit.seal"
    CLEAN_UP = "platform.clean_up"
    ITEMS_APPLY = "items.apply"
    INTEGRATIONS_RETRY = "integrations.retry"
    ORDERS_CHECK = "orders.check"
    ORDERS_RECONCILE = "orders.reconcile"
    ORDERS_COMPARE = "orders.compare"
    ORDERS_CUSTOMIZE = "orders.customize"
    ORDERS_REVIEW = "orders.review"
    ORDERS_REOPEN = "orders.reopen"
    ORDERS_PLACE = "orders.place"
    ORDERS_STOP = "orders.stop"
    ACKNOWLEDGEMENTS_SEND = "acknowledgements.send"
    INVENTORY_ACTIVITY = "inventory.activity"
    INVENTORY_PUSH = "inventory.push"
    INVENTORY_COMPARE = "inventory.compare"
    INVENTORY_DRIFT = "inventory.drift"
    WAREHOUSE_READ = "warehouse.read"
    TRACKING_POST = "tracking.post"
    SUBMISSIONS_POLL = "submissions.poll"
    PRIVACY_PURGE = "privacy.purge"
    PRIVACY_FORGET = "privacy.forget"
