"""The stores of a run: what they list, and how they get connected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from is2_core.accounts.models import Credential, Integration
from is2_core.accounts.states import IntegrationState
from is2_core.db.types import seal
from is2_core.install import settings
from is2_core.platform import Platform
from plugins.amazon.simulator.orders.generate import BUNDLE, SKUS
from plugins.amazon.simulator.state import FBA_SKU

# What the merchants list: cart SKU -> what it is made of; nothing where the warehouse has the same SKU.
ITEMS: dict[str, list[tuple[str, str]]] = {
    **{sku: [] for sku in SKUS},
    BUNDLE[0]: [("TENT-2P", "1"), ("LAMP-USB", "2")],
    FBA_SKU: [("STOVE-MINI", "1")],
}
_OLDEST_ORDERS = timedelta(days=3)


class Steer(Protocol):
    """Asks the simulator's `/_sim/`."""

    def __call__(self, method: str, path: str, body: Any = None) -> Any: ...


@dataclass(frozen=True)
class Connected:
    """A connected integration."""

    id: int
    account: int
    seller: str

    @property
    def fields(self) -> dict[str, int]:
        """The arguments by which functions of the core name an integration."""
        return {"integration_id": self.id, "account_id": self.account}


def list_items(steer: Steer, seller: str, sites: int) -> None:
    """The seller's listings at Amazon, in its first marketplaces only."""
    (places,) = [each["marketplaces"] for each in steer("GET", "sellers")["sellers"] if each["seller"] == seller]
    shown = {"seller": seller, "marketplaces": places[:sites]}
    listings = [{**shown, "sku": sku, "quantity": 9} for sku in ITEMS if sku != FBA_SKU]
    # At home only: sold elsewhere too, it would be a sign of Remote Fulfillment.
    fba = {"seller": seller, "marketplaces": places[:1], "sku": FBA_SKU, "fba": True, "quantity": 40}
    steer("POST", "listings", [*listings, fba])


def connect(platform: Platform, steer: Steer, *, seller: str, region: str, account: int) -> Connected:
    """A seller of Amazon's has agreed."""
    granted = steer("POST", "authorize", {"seller": seller})
    sellers = {entry["seller"]: entry for entry in steer("GET", "sellers")["sellers"]}
    row = Integration(
        cart="amazon",
        wms_target="embedded",
        region=region,
        seller_id=seller,
        seller_name=seller,
        sites=sellers[seller]["marketplaces"],
        settings={},
    )
    return insert(platform, row, account, {"refresh_token": granted["refresh_token"]})


def insert(platform: Platform, row: Integration, account: int, credentials: dict[str, str]) -> Connected:
    """Store what the consent pages end in; walking them is not what the explorer is after."""
    now = platform.clock.now()
    row.account_id, row.state, row.created_at = account, IntegrationState.SETUP, now
    with platform.db.write() as session:
        session.add(row)
        session.flush()
        sealed = seal(Credential.credentials, credentials, row.id)
        session.add(Credential(integration_id=row.id, credentials=sealed, authorized_at=now))
        assert row.seller_id is not None
        return Connected(row.id, account, row.seller_id)


def finish_setup(platform: Platform, integration: Connected, *, order_minutes: int) -> None:
    """Send the settings form; from now on the store's orders are read."""
    form = settings.settings_form(platform, integration_id=integration.id, account_id=integration.account)
    values = {entry.field.key: entry.value for entry in form}
    values["orders_from"] = (platform.clock.now() - _OLDEST_ORDERS).date().isoformat()
    values["orders_every"] = str(order_minutes * 60)
    settings.finish_setup(platform, integration_id=integration.id, account_id=integration.account, values=values)
