"""Every page's module, by the section and tab it stands in: what the panel serves, and what leads to it."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from flask import Flask, current_app, g, request, url_for

from is2_core.accounts.states import READS_ALL, SEES_WAREHOUSE, Role
from web import access, health
from web.accounts import auth, passwords, second_factor, sessions_page, station, team_page
from web.admin import (
    access_review,
    accounts,
    carriers,
    people,
    platform_status,
    plugins,
    section as admin,
    sign_in_help,
    tasks,
    warehouses,
)
from web.audit import log_page
from web.cases import help as help_pages, support
from web.embedded_warehouse import packing, warehouse
from web.install import install
from web.integrations import integrations, settings_page
from web.inventory import drift, inventory, shared_stock, stock_export
from web.items import item_table, items, shipping_mappings, unknown_skus
from web.orders import address_page, customizations, order_page, orders_export, received_orders
from web.privacy import privacy


@dataclass(frozen=True)
class Tab:
    """A page that the tabs of its section lead to.

    Args:
        modules: of the pages below it and, but for those that have a tab of their own, of itself.
        start_of: the role that the section's own link leads here; the first tab is everybody else's.
    """

    label: str
    endpoint: str
    modules: tuple[ModuleType, ...]
    start_of: Role | None = None


@dataclass(frozen=True)
class Section:
    """A section of the panel. Its tabs are shown where there are several.

    Args:
        roles: who sees it whatever they do.
        of_account: whether it is seen by whoever looks at an account.
    """

    label: str
    tabs: tuple[Tab, ...]
    roles: tuple[Role, ...] = ()
    of_account: bool = False


@dataclass(frozen=True)
class Link:
    """A link of the navigation. `current` is "page" on the very page, "true" on those below it, "" elsewhere."""

    label: str
    url: str
    current: str


SECTIONS = (
    Section(
        "Integration",
        (
            Tab(
                "View Integrations",
                "integrations.view_integrations",
                (integrations, settings_page, inventory, drift, shared_stock, stock_export, shipping_mappings),
            ),
            Tab("+ Add", "integrations.add", (install,)),
            Tab("Custom Items", "items.choose_integration", (items, item_table, unknown_skus)),
            Tab("Audit log", "audit_log.of_account", (log_page,)),
        ),
        of_account=True,
    ),
    Section(
        "Received Orders",
        (
            Tab(
                "Orders",
                "received_orders.list_orders",
                (received_orders, order_page, address_page, customizations, orders_export),
            ),
        ),
        of_account=True,
    ),
    Section(
        "Warehouse",
        (
            Tab("Stock", "warehouse.stock", (warehouse,)),
            Tab("Orders", "warehouse.orders", (packing,), start_of=Role.WAREHOUSE),
        ),
        roles=SEES_WAREHOUSE,
        of_account=True,
    ),
    Section("Support", (Tab("Cases", "support.cases", (support,)),), roles=READS_ALL),
    Section(
        "Admin",
        (
            Tab("Plugins", "admin.plugins", (admin, plugins, carriers, warehouses)),
            Tab("Accounts", "admin.list_accounts", (accounts,)),
            Tab("People", "people.list_people", (people, sign_in_help)),
            Tab("Access review", "access_review.show", (access_review,)),
            Tab("Buyers' data", "privacy.show", (privacy,)),
            Tab("Tasks", "admin.tasks", (tasks,)),
            Tab("Audit log", "audit_log.of_all", (log_page,)),
            Tab("Platform", "platform_status.show", (platform_status,)),
        ),
        roles=(Role.ADMIN,),
    ),
)
OUTSIDE = (health, auth, passwords, second_factor, sessions_page, station, team_page, help_pages)
PAGES = (*OUTSIDE, *(module for section in SECTIONS for tab in section.tabs for module in tab.modules))


def init_app(app: Flask) -> None:
    """Serve every page, and give the frame what leads to them."""
    for blueprint in dict.fromkeys(module.blueprint for module in PAGES):
        app.register_blueprint(blueprint)
    app.jinja_env.globals.update(section_links=section_links, tab_links=tab_links)


def section_links() -> list[Link]:
    """The sections the viewer sees."""
    here = _here()
    return [
        Link(section.label, url_for(_start(section).endpoint), "true" if here in section.tabs else "")
        for section in SECTIONS
        if _is_seen(section)
    ]


def tab_links() -> list[Link]:
    """The tabs of the section the page stands in, where there are several and the viewer sees it."""
    here = _here()
    section = next((each for each in SECTIONS if here in each.tabs and _is_seen(each)), None)
    tabs = [tab for tab in section.tabs if access.may_open(tab.endpoint)] if section else []
    below = "page" if here and here.endpoint == request.endpoint else "true"
    return [Link(tab.label, url_for(tab.endpoint), below if tab is here else "") for tab in tabs if len(tabs) > 1]


def _here() -> Tab | None:
    """The tab whose page this is, or stands below."""
    tabs = [tab for section in SECTIONS for tab in section.tabs]
    view = current_app.view_functions.get(request.endpoint or "")
    own = (tab for tab in tabs if tab.endpoint == request.endpoint)
    below = (tab for tab in tabs if view and view.__module__ in {module.__name__ for module in tab.modules})
    return next(own, None) or next(below, None)


def _start(section: Section) -> Tab:
    return next((tab for tab in section.tabs if tab.start_of and access.has_role(tab.start_of)), section.tabs[0])


def _is_seen(section: Section) -> bool:
    return access.has_role(*section.roles) or (section.of_account and g.get("account") is not None)
