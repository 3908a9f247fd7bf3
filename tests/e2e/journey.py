"""People with browsers, the clock and the simulated Amazon beside them, for the tests of the merchant's journey."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask

from is2_core.accounts import users
from is2_core.accounts.states import MemberRole, Role
from is2_core.clock import VirtualClock
from tests.e2e.seller_central import SellerCentral
from tests.support.amazon import NORTHWIND, SimulatedAmazon
from tests.support.browser import PASSWORD, Browser, Page
from tests.support.panel import app_over
from tests.support.world import World

ALICE = "alice@example.com"
# Every pair of calls to look at feeds, channels or orders is over well within this.
A_WHILE = 5


class Journey:
    """A platform with its panel, before any store is connected: Alice owns the account Northwind."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.amazon: SimulatedAmazon = world.amazon
        # Sign-ins age by a clock of their own, which stands still while the platform's moves by days.
        self.app: Flask = app_over(world.platform, VirtualClock(world.clock.now()))
        self.merchant = self.browser()

    def browser(self, email: str = "") -> Browser:
        """A new browser, signed in where an address is given."""
        browser = Browser(self.app)
        if email:
            browser.sign_in(email)
        return browser

    def listings(self) -> list[dict[str, Any]]:
        """The calls that listed orders to take them in; setup only looks how many are not shipped."""
        looks = "PENDING,PENDING_AVAILABILITY,UNSHIPPED,PARTIALLY_SHIPPED"
        return [call for call in self.amazon.calls("searchOrders") if call["query"].get("fulfillmentStatuses") != looks]

    def staff(self, role: Role) -> Browser:
        """The browser of somebody who works for the warehouse or the platform."""
        email = f"{role.lower()}@example.com"
        users.create_user(self.world.platform, email=email, name=role.title(), password=PASSWORD, role=role)
        return self.browser(email)

    def owner_of(self, account: str) -> Browser:
        """The browser of the owner of another account."""
        email = f"owner@{account.lower()}.example"
        users.create_user(
            self.world.platform,
            email=email,
            name=f"Owner of {account}",
            password=PASSWORD,
            account_id=users.create_account(self.world.platform, account),
            member_role=MemberRole.OWNER,
        )
        return self.browser(email)

    def leave(self, region: str = "na") -> SellerCentral:
        """Go from the starting link to Amazon, signing in on the way where that is asked."""
        browser = self.merchant
        browser.get("/amazon/install")
        page = browser.press("Submit", region=region)
        if page.heading.startswith("Sign in"):
            browser.press("Sign in", email=ALICE, password=PASSWORD)
        page = browser.press("Continue to Amazon")
        return SellerCentral(page.link("Continue to Amazon"))

    def connect(self, seller: str = NORTHWIND, region: str = "na") -> Page:
        """Go as far as the settings page of a new store."""
        visit = self.leave(region)
        visit.sign_in(seller)
        return self.merchant.get(visit.agree())

    def add_store(self, seller: str = NORTHWIND, region: str = "na", **settings: str) -> int:
        """Connect a store and press **Finish Setup**; gives its id. No task has run then."""
        page = self.connect(seller, region)
        store = int(page.path.split("/")[2])
        page = self.merchant.press("Finish Setup", **settings)
        assert "Success" in page.messages, page.text
        return store

    def change_settings(self, store: int, **settings: str) -> Page:
        """Save the settings of a store."""
        self.merchant.get(f"/integrations/{store}/settings")
        return self.merchant.press("Save settings", **settings)

    def add_item(self, store: int, sku: str, *mappings: tuple[str, str], active: bool = True) -> Page:
        """List a custom item of a store."""
        self.merchant.get(f"/integrations/{store}/items")
        values: dict[str, Any] = {} if active else {"active": None}
        if mappings:
            values["warehouse_sku"] = [warehouse_sku for warehouse_sku, _ in mappings]
            values["quantity"] = [quantity for _, quantity in mappings]
        page = self.merchant.press("Add item", sku=sku, **values)
        assert f"The item {sku} was added" in page.messages, page.text
        return page

    def map_methods(self, store: int, *methods: str) -> None:
        """Map shipping methods of a store to Ground."""
        for method in methods:
            self.merchant.get(f"/integrations/{store}/shipping")
            page = self.merchant.press("Add Mapping", method=method, service="GROUND")
            assert "was added" in page.messages, page.text

    def order_page(self, order_id: str) -> Page:
        """Alice's page of an order, found by Amazon's id."""
        page = self.merchant.get(f"/received-orders?q={order_id}")
        return self.merchant.get(page.link(order_id))

    def wait(self, **time: float) -> None:
        """Let much time go by at once, then a while in which every task runs when it is due."""
        if time:
            self.world.settle_later(**time)
        self.world.pass_time(minutes=A_WHILE)

    def list_at_amazon(self, *skus: str, seller: str = NORTHWIND, **more: Any) -> None:
        """Put SKUs on sale at Amazon, 7 of each."""
        self.amazon.post("listings", [{"seller": seller, "sku": sku, "quantity": 7, **more} for sku in skus])

    def shown(self, *skus: str, seller: str = NORTHWIND) -> dict[str, tuple[int | None, int | None]]:
        """SKU -> quantity and latency at Amazon, None where no latency was ever sent; of all SKUs without `skus`."""
        listings = self.amazon.get("listings", seller=seller)["listings"]
        return {
            entry["sku"]: (entry["quantity"], entry["lead_days"])
            for entry in listings
            if entry["sku"] in (skus or (entry["sku"],))
        }

    def fed(self) -> list[set[str]]:
        """The SKUs of each stock feed Amazon has worked off, in their order."""
        return [set(call["skus"]) for call in self.amazon.calls("feedProcessed") if call["skus"]]

    def sell(self, sku: str, quantity: int = 1, method: str = "STANDARD", seller: str = NORTHWIND) -> str:
        """Somebody bought a SKU at Amazon some minutes ago; gives Amazon's id of the order."""
        (order_id,) = self.amazon.generate(seller, leading_zero=1)["leading_zero"]
        bought = (self.world.clock.now() - timedelta(minutes=A_WHILE)).isoformat()
        order = self.amazon.order(order_id)["order"]
        (line,) = order["orderItems"]
        line["product"]["sellerSku"] = sku
        line["quantityOrdered"] = line["fulfillment"]["quantityUnfulfilled"] = quantity
        changes = {
            "orderItems": [line],
            "fulfillment": {"fulfillmentServiceLevel": method},
            "createdTime": bought,
            "lastUpdatedTime": bought,
        }
        self.amazon.post(f"orders/{order_id}", {"set": changes})
        return order_id

    def acknowledged(self) -> set[str]:
        """The orders Amazon has an acknowledgement of."""
        return {entry for call in self.amazon.calls("feedProcessed") for entry in call["orders_acknowledged"]}
