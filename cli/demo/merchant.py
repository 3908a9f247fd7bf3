"""The merchants at the panel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bs4 import BeautifulSoup

from cli.demo.driver import Panel, text_of
from cli.demo.errors import DemoError

# Where the export begins that is asked for its open work only.
_BEYOND_ALL = 2**53


@dataclass(frozen=True)
class Integration:
    """A connected integration, as the addresses of its pages name it."""

    id: int
    name: str

    @property
    def path(self) -> str:
        """Where its pages are."""
        return f"/integrations/{self.id}"


class Merchant(Panel):
    """The owner of an account."""

    def install(
        self,
        cart: str,
        region: str,
        seller: str,
        settings: Mapping[str, str],
        *,
        before_finish: Callable[[], None] = lambda: None,
    ) -> Integration:
        """The way from the public link to **Finish Setup**.

        Args:
            before_finish: called when the settings page, which asks the cart for open orders, has been drawn.
        """
        self.open(f"/{cart}/install")
        page = self.submit("main form", {"region": region})
        # Where another warehouse is installed besides, it is asked which one ships.
        target = {"wms_target": "embedded"} if page.select_one("#wms_target") else {}
        page = self.submit(f'form[action="/{cart}/install/begin"]', target)
        onward = page.select_one("#continue")
        if onward is None:
            raise DemoError(f"{self.at}: no way on to the cart.")
        self.follow(str(onward["href"]))
        page = self.submit("#sign-in", {"seller": seller})
        boxes = [str(box["name"]) for box in page.select('#consent input[type="checkbox"]')]
        self.submit("#consent", dict.fromkeys(boxes, True), button="next")
        parts = urlsplit(self.at).path.split("/")
        if parts[1] != "integrations" or parts[-1] != "setup":
            raise DemoError(f"The consent led to {self.at} and not to the settings.")
        integration = Integration(int(parts[2]), settings["nickname"])
        before_finish()
        self.submit(self.form_with("Finish Setup"), settings)
        return integration

    def change_settings(self, integration: Integration, settings: Mapping[str, str]) -> None:
        """Save the integration's settings with these changed."""
        self.open(f"{integration.path}/settings")
        self.submit(self.form_with("Save settings"), settings)

    def add_shipping_mapping(self, integration: Integration, method: str, service: str) -> None:
        """**Add Mapping** behind the envelope icon."""
        path = f"{integration.path}/shipping"
        self.open(path)
        self.submit(f'#add form[action="{path}"]', {"method": method, "service": service})

    def add_custom_item(self, integration: Integration, sku: str, mappings: Mapping[str, int]) -> None:
        """List and activate a cart SKU, with what one unit of it is made of where that differs."""
        path = f"{integration.path}/items"
        self.open(path)
        values = {"sku": sku, "warehouse_sku": list(mappings), "quantity": [str(units) for units in mappings.values()]}
        self.submit(f'#add form[action="{path}"]', values, button="Add item", lists=True)

    def ship_not_from_here(self, order_id: str, sku: str) -> None:
        """Press **Not shipped from here** at an order that waits for its SKU.

        Raises:
            DemoError: the order is not listed, or does not offer it.
        """
        link = self.open(f"/received-orders?q={order_id}").select_one("a.number")
        if link is None:
            raise DemoError(f"The order {order_id} is not listed.")
        page = self.press(str(link["href"]), "Not shipped from here")
        if sku not in text_of(page):
            raise DemoError(f"{self.at}: it is not said what becomes of {sku}.")

    def check_now(self, integration: Integration) -> None:
        """Press **Check now**."""
        self.open("/integrations")
        self.submit(f'form[action="{integration.path}/check"]', {})

    def push_now(self, integration: Integration) -> None:
        """Press **Push now** on the stock page."""
        self.press(f"{integration.path}/stock", "Push now")

    def stock_page(self, integration: Integration) -> str:
        """Return the text of the stock page."""
        return _main_text(self.open(f"{integration.path}/stock"))

    def settings_page(self, integration: Integration) -> str:
        """Return the text of the settings page."""
        return _main_text(self.open(f"{integration.path}/settings"))

    def confirm_shared_stock(self, integration: Integration) -> None:
        """Confirm what the shared-stock page proposes."""
        self.open(f"{integration.path}/shared-stock")
        self.submit(self.form_with("Confirm"), {"understood": True})

    def received_orders(self) -> dict[str, Any]:
        """All received orders of the account and what is still being worked on."""
        orders: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = self.json("/received-orders.json", after=after)
            orders += page["orders"]
            after = page["next"]
        return {**page, "orders": orders}

    def open_tasks(self) -> dict[str, int]:
        """Count the open tasks by kind."""
        open_tasks: dict[str, int] = self.json("/received-orders.json", after=_BEYOND_ALL)["open_tasks"]
        return open_tasks

    def checked_at(self, integration: Integration) -> str | None:
        """Return when an integration's orders were last read to the end."""
        page = self.json("/received-orders.json", after=_BEYOND_ALL, integration=integration.id)
        return str(page["checked_at"]) if page["checked_at"] else None

    def stock(self, integration: Integration) -> dict[str, Any]:
        """Return an integration's `stock.json`: quantities sent, and items that wait."""
        return self.json(f"{integration.path}/stock.json")


def _main_text(page: BeautifulSoup) -> str:
    return text_of(page.select_one("main") or page)
