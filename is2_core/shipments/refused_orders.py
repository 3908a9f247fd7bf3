"""Reading orders again of which the cart refused a package: what it refuses it may have otherwise, or want no more."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from is2_core.accounts.models import Integration
from is2_core.carts.method_vocabulary import vocabulary
from is2_core.errors import PluginBug
from is2_core.orders.importing.staging import stage
from is2_core.platform import Platform
from is2_core.tasks.run import TaskRun
from plugins.interface import CartContext, Order, OrderReject, Permanent, RateLimited, Temporary

_log = logging.getLogger(__name__)


def read_refused(
    platform: Platform, run: TaskRun, integration: Integration, context: CartContext, remote_ids: Iterable[str]
) -> None:
    """Stage these orders as the cart shows them now: their packages are then posted for what is still open there, and
    what is not is stopped or told. What cannot be read waits for the next listing.

    Args:
        remote_ids: the cart's ids of the orders.

    Raises:
        AuthorizationLost, SettingsError: nothing can be read.
    """
    if not platform.carts.has(integration.cart, "fetch_order"):
        return
    for remote_id in sorted(remote_ids):
        if not run.has_time():
            return
        try:
            answer: Order | OrderReject | None = platform.carts.call(
                integration.cart, "fetch_order", ctx=context, remote_id=remote_id
            )
        except (Permanent, PluginBug, RateLimited, Temporary) as error:
            detail = error.trace if isinstance(error, PluginBug) else error.message
            _log.warning("integration %s: order %s was not read again: %s", integration.id, remote_id, detail)
            continue
        if isinstance(answer, Order):
            ui = vocabulary(platform, integration)
            with run.write() as session:
                stage(platform, session, session.get_one(Integration, integration.id), ui, [answer])
