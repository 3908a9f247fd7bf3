"""The contract between the IS2 core and a cart plugin: everything a cart may import.

A cart is a module registered under the entry point group `is2.carts` whose functions carry `@hookimpl`. The
core calls one cart at a time, in one place, and passes a fresh `CartContext` to every call. A cart keeps no
state: what it must remember rides in a `remote_id`, a page token or a submission's handle.

A hook a cart leaves out is a capability it lacks; the core says so instead of failing. Only `cart_manifest`,
`install` and `fetch_orders` are needed by every cart.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import pluggy

from plugins.errors import (
    AuthorizationLost,
    CartError,
    PageExpired,
    Permanent,
    RateLimited,
    SettingsError,
    Temporary,
)
from plugins.types.forms import (
    AccessToken,
    AskFields,
    Connected,
    Field,
    FieldKind,
    InstallReply,
    Redirect,
    SellerIdentity,
)
from plugins.types.handling import HandlingKind
from plugins.types.manifest import (
    CONTRACT_VERSION,
    CartManifest,
    Environment,
    LegacyAuthorization,
    RatePlan,
    Region,
    ScheduleChoice,
    SchedulePlan,
    ShippingMappingUI,
    ShippingMethod,
    Site,
)
from plugins.types.orders import (
    CONFIRMED,
    CUSTOMIZATION_MAX,
    ENDED,
    TO_SHIP,
    UNSHIPPED,
    ConfirmedPackage,
    Customization,
    FulfilledBy,
    Order,
    OrderLine,
    OrderPage,
    OrderQuery,
    OrderReject,
    OrderState,
    QueryBy,
    UnknownValue,
)
from plugins.types.stores import ItemPage, ListedItem, NotListed, PlatformSettings, Store
from plugins.types.values import Address, Buyer, Money, Secret, utc
from plugins.types.writes import (
    MERCHANT_CHANNEL,
    AcknowledgedLine,
    Acknowledgement,
    Applied,
    Effect,
    InventoryQuantity,
    NotRead,
    Package,
    PackageLine,
    PendingSubmission,
    Rejected,
    Result,
    Retry,
    ShownInventory,
    Submission,
    WriteReply,
)

PROJECT = "is2"
ENTRY_POINTS = "is2.carts"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True)
class Reply:
    """A cart's HTTP answer. `headers` have lower-case names; `server_time` is the Date header in UTC."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    server_time: datetime | None = None

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            Temporary: the body is no JSON (an HTML error page, a cut answer).
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Temporary(
                "The shop answered with something unreadable.",
                detail=f"status {self.status}, {len(self.body)} bytes that are no JSON",
                code="UNREADABLE_ANSWER",
            ) from error


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The present, aware UTC."""
        ...


class TokenSource(Protocol):
    """The store's access token, cached, stored and refreshed by the core."""

    def get(self, refused: str | None = None) -> str:
        """A token believed good. Pass the one a call was just `refused` with to have it replaced.

        A cart without `mint_access_token` gets the "token" entry of its credentials.

        Raises:
            AuthorizationLost: there is none, or minting said so.
            Temporary, RateLimited: try the whole call later.
        """
        ...


class CartHttp(Protocol):
    """The only way out. Hosts are those the manifest and the URL settings name; redirects are not followed."""

    def call(
        self,
        operation: str,
        effect: Effect,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | Mapping[str, str] | None = None,
    ) -> Reply:
        """One HTTP call, whatever its status; the cart says what an answer means.

        Args:
            operation: a name of the manifest's rate plans, or any other name for an unlimited call.
            effect: WRITE where the call changes something at the cart.
            data: bytes, or a mapping sent as a form.

        Raises:
            RateLimited: the budget of this operation is spent; nothing was sent.
            Temporary: no answer within 30 s or the connection broke; `unknown` is set for a WRITE.
            Permanent: the host is not one the manifest or the settings name.
        """
        ...


@dataclass(frozen=True)
class CartContext:
    """All a cart has to work with during one call."""

    store: Store
    app: PlatformSettings
    http: CartHttp
    token: TokenSource
    clock: Clock
    log: logging.LoggerAdapter[logging.Logger]


@hookspec(firstresult=True)
def cart_manifest() -> CartManifest:
    """Describe this cart. Called once when it is loaded; must not do any I/O."""
    raise NotImplementedError


@hookspec(firstresult=True)
def install(ctx: CartContext, reply: InstallReply | None) -> Redirect | AskFields | Connected:
    """Connect a store, step by step; called again with each reply until it returns Connected.

    The region is already in `ctx.store`. `reply` is None at the first step. Raise SettingsError with a
    message where the merchant declined or something does not fit.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def check_connection(ctx: CartContext) -> SellerIdentity:
    """Who this store is at the cart and where it sells: at install, reconnect and "Test connection", and once a day."""
    raise NotImplementedError


@hookspec(firstresult=True)
def prove_seller(ctx: CartContext) -> SellerIdentity:
    """Who the seller is whose authorization `ctx.token` is, proved by a call that the shop answers for this seller
    alone.

    For carts whose `install` takes the seller's id from the browser: anybody can type one there. `ctx.store.remote_id`
    is the id to be proved, and nothing is stored as that seller's before. Name and sites are taken from here, so that
    such an `install` needs no call once it has the credentials: what fails here can be tried again without a new
    consent. Raise SettingsError, with a message that names the seller and what may be missing, where the shop refuses;
    RateLimited or Temporary where it did not answer, which proves nothing either way. A cart that reads the id from an
    authenticated answer leaves this hook out.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def mint_access_token(ctx: CartContext, credentials: Mapping[str, Secret]) -> AccessToken:
    """A fresh access token from the credentials `install` returned. The core calls it once at a time per
    store. Raise AuthorizationLost where the credentials are no longer good."""
    raise NotImplementedError


@hookspec(firstresult=True)
def refresh_cart_items(ctx: CartContext, page: str | None) -> ItemPage | NotListed:
    """One page of the cart's own item list, or NotListed (without any call) where the cart has none."""
    raise NotImplementedError


@hookspec(firstresult=True)
def fetch_orders(ctx: CartContext, query: OrderQuery) -> OrderPage:
    """One page of a window of orders, details included; what is listed may exceed the window, never fall
    short of it. An order that cannot be understood is a reject of the page, not an error."""
    raise NotImplementedError


@hookspec(firstresult=True)
def fetch_order(ctx: CartContext, remote_id: str) -> Order | OrderReject | None:
    """One order as it is now; None where the cart does not know it."""
    raise NotImplementedError


@hookspec(firstresult=True)
def fetch_customization(ctx: CartContext, url: str) -> Customization:
    """Fetch what the buyer had made of a line, from its `customization_url`. Raise Permanent where the address is not
    good (any more): the core reads the order again for a newer one."""
    raise NotImplementedError


@hookspec(firstresult=True)
def acknowledge_orders(ctx: CartContext, acknowledgements: Sequence[Acknowledgement]) -> WriteReply:
    """Tell the cart that these orders are in the warehouse, under our numbers. Sending one twice must do
    no harm: after a lost answer the core sends the same again."""
    raise NotImplementedError


@hookspec(firstresult=True)
def push_inventory(ctx: CartContext, quantities: Sequence[InventoryQuantity]) -> WriteReply:
    """Set absolute quantities (and lead days) of these SKUs. After a lost answer the core sends newer ones. Where the
    budget ends half-way, answer Retry for what was not sent: it follows then, with the numbers of that time.

    Raise SettingsError where a setting of the store keeps its stock from being sent: the stock waits, with the
    message on the store's pages, and everything else of the store goes on.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def read_inventory(ctx: CartContext, skus: Sequence[str]) -> Sequence[ShownInventory | NotRead]:
    """The stock and channels of these SKUs as the cart shows them; an unknown SKU is left out. Where the budget ends
    half-way, answer what was read and NotRead for the rest. SettingsError as in `push_inventory`."""
    raise NotImplementedError


@hookspec(firstresult=True)
def post_tracking(ctx: CartContext, packages: Sequence[Package]) -> WriteReply:
    """Post shipped packages; the same reference again corrects the package posted before. After a lost answer the
    core sends the same again. Where the budget ends half-way, answer Retry for the rest."""
    raise NotImplementedError


@hookspec(firstresult=True)
def poll_submission(ctx: CartContext, submission: Submission) -> WriteReply:
    """Ask about slow work: results by key, or the same keys pending again with a later `ask_at`."""
    raise NotImplementedError


@hookspec(firstresult=True)
def shipping_mapping_ui(ctx: CartContext) -> ShippingMappingUI:
    """The shipping methods this cart can have on an order, with labels and aliases; no calls."""
    raise NotImplementedError


__all__ = [
    "CONFIRMED",
    "CONTRACT_VERSION",
    "CUSTOMIZATION_MAX",
    "ENDED",
    "ENTRY_POINTS",
    "MERCHANT_CHANNEL",
    "PROJECT",
    "TO_SHIP",
    "UNSHIPPED",
    "AccessToken",
    "AcknowledgedLine",
    "Acknowledgement",
    "Address",
    "Applied",
    "AskFields",
    "AuthorizationLost",
    "Buyer",
    "CartContext",
    "CartError",
    "CartHttp",
    "CartManifest",
    "Clock",
    "ConfirmedPackage",
    "Connected",
    "Customization",
    "Effect",
    "Environment",
    "Field",
    "FieldKind",
    "FulfilledBy",
    "HandlingKind",
    "InstallReply",
    "InventoryQuantity",
    "ItemPage",
    "LegacyAuthorization",
    "ListedItem",
    "Money",
    "NotListed",
    "NotRead",
    "Order",
    "OrderLine",
    "OrderPage",
    "OrderQuery",
    "OrderReject",
    "OrderState",
    "Package",
    "PackageLine",
    "PageExpired",
    "PendingSubmission",
    "Permanent",
    "PlatformSettings",
    "QueryBy",
    "RateLimited",
    "RatePlan",
    "Redirect",
    "Region",
    "Rejected",
    "Reply",
    "Result",
    "Retry",
    "ScheduleChoice",
    "SchedulePlan",
    "Secret",
    "SellerIdentity",
    "SettingsError",
    "ShippingMappingUI",
    "ShippingMethod",
    "ShownInventory",
    "Site",
    "Store",
    "Submission",
    "Temporary",
    "TokenSource",
    "UnknownValue",
    "WriteReply",
    "acknowledge_orders",
    "cart_manifest",
    "check_connection",
    "fetch_customization",
    "fetch_order",
    "fetch_orders",
    "hookimpl",
    "hookspec",
    "install",
    "mint_access_token",
    "poll_submission",
    "post_tracking",
    "prove_seller",
    "push_inventory",
    "read_inventory",
    "refresh_cart_items",
    "shipping_mapping_ui",
    "utc",
]
