"""The panel as a Flask application."""

from __future__ import annotations

from flask import Flask

from is2_core.clock import Clock, WallClock
from is2_core.platform import Platform
from web import display, errors, health, security, sessions
from web.accounts import auth
from web.admin import accounts, carriers, people, platform_status, plugins, tasks
from web.cases import help as help_pages, support
from web.embedded_warehouse import warehouse
from web.install import install
from web.integrations import integrations, settings_page
from web.inventory import drift, inventory, shared_stock, stock_export
from web.items import item_table, items, shipping_mappings
from web.orders import customizations, order_page, orders_export, received_orders

# Modules of one section share its blueprint.
PAGES = (
    health,
    auth,
    help_pages,
    integrations,
    settings_page,
    install,
    items,
    inventory,
    drift,
    shared_stock,
    shipping_mappings,
    received_orders,
    order_page,
    customizations,
    orders_export,
    stock_export,
    warehouse,
    plugins,
    carriers,
    accounts,
    tasks,
    people,
    platform_status,
    support,
    item_table,
)


def create_app(platform: Platform, *, session_clock: Clock | None = None) -> Flask:
    """The panel over a platform.

    Args:
        session_clock: what sign-ins age by. It is wall time even where the platform's clock can be moved: a
            session's limits are about the person in front of the browser.
    """
    app = Flask("web")
    app.extensions["is2"] = platform
    security.init_app(app, platform.config)
    sessions.init_app(app, session_clock or WallClock())
    display.init_app(app)
    errors.init_app(app)
    for blueprint in dict.fromkeys(page.blueprint for page in PAGES):
        app.register_blueprint(blueprint)
    return app
