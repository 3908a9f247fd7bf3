"""The stores of a run: what they list, and how they get connected."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol

import sqlalchemy as sa

from is2_core.accounts.models import Credential, Integration
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import IntegrationState
from is2_core.config import Config
from is2_core.crypto import Keyring
from is2_core.db.types import seal
from is2_core.install import settings
from is2_core.items import custom_items, shipping_mappings
from is2_core.items.models import CartItem
from is2_core.platform import Platform
from plugins.amazon.simulator.orders.generate import BUNDLE, SKUS
from plugins.amazon.simulator.state import FBA_SKU

SIMULATOR_URL = "http://127.0.0.1:8765"
SELLERS = (("A2SIMNA0000001", "na"), ("A2SIMEU0000001", "eu"), ("A2SIMFE0000001", "fe"))
APPLICATION = {
    "application_id": "amzn1.sp.solution.is2-demo",
    "client_id": "amzn1.application-oa2-client.is2demo",
    "client_secret": "is2-demo-client-secret-0123456789",
    "draft": "no",
    "simulator_url": SIMULATOR_URL,
}
# Guards nothing: the database lives and dies with the run.
_KEYS = Keyring({"explorer": base64.b64decode("A" * 43 + "=")}, "explorer")
CONFIG = Config(
    "sqlite://",
    "redis://nobody.invalid",
    _KEYS,
    "the explorer shows no pages, so no cookies",
    allow_private_hosts=True,
)
# What the merchants list: cart SKU -> what it is made of; nothing where the warehouse has the same SKU.
ITEMS: dict[str, list[tuple[str, str]]] = {
    **{sku: [] for sku in SKUS},
    BUNDLE[0]: [("TENT-2P", "1"), ("LAMP-USB", "2")],
    FBA_SKU: [("STOVE-MINI", "1")],
}
EMBEDDED = ("embedded", "GROUND")
# Older than listings look back, with the age that some orders are given.
_OLDEST_ORDERS = timedelta(days=40)


class NewCart(Protocol):
    """The part of a further cart that connecting it needs (`exploration.further.FurtherCart`)."""

    name: str
    seller: str
    settings: Mapping[str, str]
    credentials: Mapping[str, str]
    methods: Sequence[str]

    def sell(self, skus: Sequence[str]) -> None: ...


class Steer(Protocol):
    """Asks the simulator's `/_sim/`."""

    def __call__(self, method: str, path: str, body: Any = None) -> Any: ...


@dataclass(frozen=True)
class Connected:
    """A connected integration; `service` is one of the warehouse that ships for it."""

    id: int
    account: int
    seller: str
    service: str = "GROUND"

    @property
    def fields(self) -> dict[str, Any]:
        """The arguments by which functions of the core name an integration."""
        return {"integration_id": self.id, "scope": account_scope(self.account)}


def list_items(steer: Steer, seller: str, sites: int) -> None:
    """The seller's listings at Amazon, in its first marketplaces only."""
    (places,) = [each["marketplaces"] for each in steer("GET", "sellers")["sellers"] if each["seller"] == seller]
    shown = {"seller": seller, "marketplaces": places[:sites]}
    listings = [{**shown, "sku": sku, "quantity": 9} for sku in ITEMS if sku != FBA_SKU]
    # At home only: sold elsewhere too, it would be a sign of Remote Fulfillment.
    fba = {"seller": seller, "marketplaces": places[:1], "sku": FBA_SKU, "fba": True, "quantity": 40}
    steer("POST", "listings", [*listings, fba])


def connect(
    platform: Platform, steer: Steer, seller: tuple[str, str], account: int, *, ships: tuple[str, str] = EMBEDDED
) -> Connected:
    """A seller of Amazon's has agreed.

    Args:
        seller: its id and region.
        ships: the warehouse, and a service of it.
    """
    seller_id, region = seller
    granted = steer("POST", "authorize", {"seller": seller_id})
    sellers = {entry["seller"]: entry for entry in steer("GET", "sellers")["sellers"]}
    row = Integration(
        cart="amazon",
        wms_target=ships[0],
        region=region,
        seller_id=seller_id,
        seller_name=seller_id,
        sites=sellers[seller_id]["marketplaces"],
        settings={},
    )
    return replace(_insert(platform, row, account, {"refresh_token": granted["refresh_token"]}), service=ships[1])


def connect_further(platform: Platform, cart: NewCart, account: int) -> Connected:
    """Connect a store to the shop of a further cart, where every SKU of the warehouse is on sale."""
    cart.sell(sorted(SKUS))
    row = Integration(
        cart=cart.name,
        wms_target="embedded",
        region="",
        seller_id=cart.seller,
        seller_name=cart.seller,
        sites=[],
        settings=dict(cart.settings),
    )
    integration = _insert(platform, row, account, dict(cart.credentials))
    for method in cart.methods:
        shipping_mappings.add_shipping_mapping(
            platform,
            integration_id=integration.id,
            scope=account_scope(account),
            method=method,
            service=integration.service,
        )
    custom_items.refresh_cart_items(platform, integration_id=integration.id, scope=account_scope(account))
    with platform.db.read() as session:
        rows = sa.select(CartItem.id).where(CartItem.integration_id == integration.id).order_by(CartItem.id)
        items = session.scalars(rows).all()
    for item in items:
        custom_items.set_active(platform, item_id=item, scope=account_scope(account), active=True)
    return integration


def _insert(platform: Platform, row: Integration, account: int, credentials: dict[str, str]) -> Connected:
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


def finish_setup(platform: Platform, integration: Connected, *, order_minutes: int = 0) -> None:
    """Send the settings form; from now on the store's orders are read, so often or as its cart proposes."""
    form = settings.settings_form(platform, integration_id=integration.id, scope=account_scope(integration.account))
    values = {entry.field.key: entry.value for entry in form}
    values["orders_from"] = (platform.clock.now() - _OLDEST_ORDERS).date().isoformat()
    if order_minutes:
        values["orders_every"] = str(order_minutes * 60)
    settings.finish_setup(
        platform, integration_id=integration.id, scope=account_scope(integration.account), values=values
    )
