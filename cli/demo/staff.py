"""The warehouse company's staff at the panel: the administrator and the packer."""

from __future__ import annotations

from collections.abc import Mapping

from bs4 import BeautifulSoup

from cli.demo.driver import Panel, text_of
from cli.demo.errors import DemoError


class Admin(Panel):
    """The administrator."""

    def set_up_cart(self, cart: str, environment: str, settings: Mapping[str, str]) -> None:
        """Type a cart's platform settings and enable it."""
        self.open(f"/admin/plugins/{cart}/settings")
        self.submit("main form", {"environment": environment, **settings})
        self.submit(f'form[action="/admin/plugins/{cart}/enable"]', {})

    def begin_migration(self, cart: str) -> None:
        """Say that the cart's older API generation is being left."""
        self._switch_migration(cart)

    def end_migration(self, cart: str) -> None:
        """Say that the older generation is not needed any more."""
        self._switch_migration(cart)

    def _switch_migration(self, cart: str) -> None:
        # One form, whose button is named for what it does next.
        self.open("/admin/plugins")
        self.submit(f'form[action="/admin/plugins/{cart}/migration"]', {})


class Packer(Panel):
    """Warehouse staff."""

    def receive_stock(self, account: str, sku: str, name: str, quantity: int) -> None:
        """Book units that arrived."""
        page = self.open("/warehouse/stock")
        offered = page.select('form[action="/warehouse/receive"] [name="account_id"] option')
        choice = next((option for option in offered if text_of(option) == account), None)
        if choice is None:
            raise DemoError(f"The stock page does not offer to receive for {account}.")
        self.submit(
            'form[action="/warehouse/receive"]',
            {"account_id": choice["value"], "sku": sku, "name": name, "quantity": str(quantity)},
        )

    def ship(self, number: str, carrier: str, tracking: str, units: Mapping[str, int] | None = None) -> None:
        """Ship a package of an order: with all that is left, or with `units` by warehouse SKU."""
        self._open_order(number)
        self.submit('form[action$="/ship"]', self._parcel(carrier, tracking, units))

    def correct(self, number: str, package: int, carrier: str, tracking: str) -> None:
        """Correct carrier and tracking number of an order's n-th package."""
        page = self._open_order(number)
        entry = page.select_one(f'article[aria-label="Package {package}"]')
        link = entry.select_one('a[href*="package="]') if entry is not None else None
        if link is None:
            raise DemoError(f"{self.at}: package {package} cannot be corrected.")
        self.open(str(link["href"]))
        self.submit('form[action$="/correct"]', self._parcel(carrier, tracking, None))

    def void(self, number: str, package: int, reason: str) -> None:
        """Take back an order's n-th package."""
        page = self._open_order(number)
        form = page.select_one(f'article[aria-label="Package {package}"] form[action$="/void"]')
        if form is None:
            raise DemoError(f"{self.at}: package {package} cannot be voided.")
        self.submit(form, {"reason": reason})

    def stop(self, number: str, reason: str) -> None:
        """End an order from the warehouse's side."""
        self._open_order(number)
        self.submit('form[action$="/stop"]', {"reason": reason})

    def units_left(self, number: str) -> dict[str, int]:
        """Return the units the form for a package proposes: all that are left to ship, by warehouse SKU."""
        page = self._open_order(number)
        fields = page.select('form[action$="/ship"] input[name^="quantity:"]')
        return {str(field["name"]).removeprefix("quantity:"): int(str(field["value"])) for field in fields}

    def _open_order(self, number: str) -> BeautifulSoup:
        page = self.open(f"/warehouse/orders?q={number}")
        link = next((link for link in page.select("main table a") if text_of(link) == number), None)
        if link is None:
            raise DemoError(f"The warehouse has no order {number}.")
        return self.open(str(link["href"]))

    @staticmethod
    def _parcel(carrier: str, tracking: str, units: Mapping[str, int] | None) -> dict[str, str]:
        quantities = {f"quantity:{sku}": str(count) for sku, count in (units or {}).items()}
        return {"carrier": carrier, "tracking_number": tracking, **quantities}
