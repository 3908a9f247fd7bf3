"""The panel: pages over the core's flows. Reads models, writes only through flows, calls no cart."""

from __future__ import annotations

from flask import Flask

from is2_core.clock import Clock, WallClock
from is2_core.platform import Platform
from web import admin, display, errors, health, security, sessions
from web.accounts import auth
from web.admin import people, platform_status
from web.cases import help as help_pages, support
from web.embedded_warehouse import warehouse
from web.install import install
from web.integrations import integrations
from web.inventory import drift, inventory, shared_stock, stock_export
from web.items import item_table, items, shipping_mappings
from web.orders import customizations, orders_export, received_orders


def create_app(platform: Platform, *, session_clock: Clock | None = None) -> Flask:
    """The panel over a platform.

    Args:
        session_clock: what sign-ins age by. It is wall time even where the platform's clock can be moved: a
            session's limits are about the person in front of the browser.
    """
    app = Flask(__name__)
    app.extensions["is2"] = platform
    security.init_app(app, platform.config)
    sessions.init_app(app, session_clock or WallClock())
    display.init_app(app)
    errors.init_app(app)
    for room in (
        health,
        auth,
        help_pages,
        integrations,
        install,
        items,
        inventory,
        drift,
        shared_stock,
        shipping_mappings,
        received_orders,
        customizations,
        orders_export,
        stock_export,
        warehouse,
        admin,
        people,
        platform_status,
        support,
        item_table,
    ):
        app.register_blueprint(room.blueprint)
    return app
