"""A person at the panel: pages and forms over HTTP, with their CSRF tokens, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import mechanicalsoup
import requests
from bs4 import BeautifulSoup, Tag

from cli.demo.errors import DemoError

TIMEOUT_S = 60


@dataclass(frozen=True)
class Store:
    """A connected store, as the addresses of its pages name it."""

    integration: int
    name: str


class Panel:
    """One browser in which one person is signed in."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._browser = mechanicalsoup.StatefulBrowser(soup_config={"features": "html.parser"})
        # The panel and the simulator are on the loopback address, whatever proxy the environment names.
        self._browser.session.trust_env = False

    def open(self, path: str) -> BeautifulSoup:
        """Go to a page of the panel.

        Raises:
            DemoError: it is refused.
        """
        return self._went(self._browser.open(self._address + path, timeout=TIMEOUT_S))

    def submit(self, form: str, values: Mapping[str, Any], button: str | None = None) -> BeautifulSoup:
        """Fill in a form of the present page and send it.

        Args:
            form: CSS selector of the form.
            values: by field name; True ticks a box.
            button: value of the button to press, where a form has several.

        Raises:
            DemoError: there is no such form or field, or it is refused.
        """
        try:
            selected = self._browser.select_form(form)
            for name, value in values.items():
                selected.set(name, value)
        except (mechanicalsoup.LinkNotFoundError, mechanicalsoup.InvalidFormMethod) as error:
            raise DemoError(f"{self._browser.url}: the form {form} is not as expected ({error})") from error
        if button is not None:
            selected.choose_submit(selected.form.find("button", {"value": button}))
        return self._went(self._browser.submit_selected(timeout=TIMEOUT_S))

    def sign_in(self, email: str, password: str) -> None:
        """Sign in on the sign-in page."""
        self.open("/sign-in")
        self.submit('form[action="/sign-in"]', {"email": email, "password": password})

    def set_up_cart(self, cart: str, environment: str, settings: Mapping[str, str]) -> None:
        """Type a cart's platform settings and enable it."""
        self.open(f"/admin/plugins/{cart}/settings")
        self.submit("main form", {"environment": environment, **settings})
        self.submit(f'form[action="/admin/plugins/{cart}/enable"]', {})

    def receive_stock(self, sku: str, name: str, quantity: int) -> None:
        """Book units that arrived, as warehouse staff."""
        page = self.open("/warehouse/stock")
        choice = page.select_one('form[action="/warehouse/receive"] [name="account_id"] option[value]:not([value=""])')
        if choice is None:
            raise DemoError("The stock page offers no account to receive for.")
        self.submit(
            'form[action="/warehouse/receive"]',
            {"account_id": choice["value"], "sku": sku, "name": name, "quantity": str(quantity)},
        )

    def install(self, cart: str, region: str, seller: str, settings: Mapping[str, str]) -> Store:
        """The merchant's road from the public link to **Finish Setup**."""
        self.open(f"/{cart}/install")
        self.submit("main form", {"region": region})
        page = self.submit(f'form[action="/{cart}/install/begin"]', {})
        onward = page.select_one("#continue")
        if onward is None:
            raise DemoError(f"{self._browser.url}: no way on to the cart.")
        self._went(self._browser.open(str(onward["href"]), timeout=TIMEOUT_S))
        self.submit("#sign-in", {"seller": seller})
        page = self._browser.page
        boxes = [str(box["name"]) for box in page.select('#consent input[type="checkbox"]')]
        self.submit("#consent", dict.fromkeys(boxes, True), button="next")
        parts = urlsplit(self._browser.url).path.split("/")
        if parts[1] != "integrations" or parts[-1] != "setup":
            raise DemoError(f"The consent led to {self._browser.url} and not to the settings.")
        store = Store(int(parts[2]), seller)
        self.submit("main form", settings)
        return store

    def add_shipping_mapping(self, store: Store, method: str, service: str) -> None:
        """**Add Mapping** behind the envelope icon."""
        path = f"/integrations/{store.integration}/shipping"
        self.open(path)
        self.submit(f'#add form[action="{path}"]', {"method": method, "service": service})

    def add_custom_item(self, store: Store, sku: str, mappings: Mapping[str, int]) -> None:
        """List and activate a cart SKU, with what one unit of it is made of where that differs."""
        path = f"/integrations/{store.integration}/items"
        self.open(path)
        selected = self._browser.select_form(f'#add form[action="{path}"]')
        selected.set("sku", sku)
        names, quantities = (selected.form.find_all("input", {"name": name}) for name in ("warehouse_sku", "quantity"))
        for row, (warehouse_sku, quantity) in enumerate(mappings.items()):
            names[row]["value"], quantities[row]["value"] = warehouse_sku, str(quantity)
        self._went(self._browser.submit_selected(selected.form.find("button", string="Add item"), timeout=TIMEOUT_S))

    def check_now(self, store: Store) -> None:
        """Press **Check now**."""
        self.open("/integrations")
        self.submit(f'form[action="/integrations/{store.integration}/check"]', {})

    def received_orders(self) -> dict[str, Any]:
        """All received orders of the account and what is still being worked on."""
        orders: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            answer = self._browser.session.get(
                f"{self._address}/received-orders.json", params={"after": after}, timeout=TIMEOUT_S
            )
            if answer.status_code != 200 or answer.headers["Content-Type"] != "application/json":
                raise DemoError(f"The panel does not list the received orders (HTTP {answer.status_code}).")
            page = answer.json()
            orders += page["orders"]
            after = page["next"]
        return {**page, "orders": orders}

    def _went(self, answer: requests.Response) -> BeautifulSoup:
        page = self._browser.page
        if answer.status_code >= 400 or page is None:
            problems = page.select('[role="alert"], .alert-danger, .invalid-feedback') if page is not None else []
            why = " ".join(_text(problem) for problem in problems)
            raise DemoError(f"{answer.url} answered {answer.status_code}. {why}".strip())
        return page


def _text(tag: Tag) -> str:
    return " ".join(tag.get_text(" ").split())
