"""The Amazon cart: the contract's hooks, each in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plugins.amazon import auth, seller_proof, tokens
from plugins.amazon.feeds import submissions
from plugins.amazon.feeds.acknowledgements import acknowledge
from plugins.amazon.listings import inventory, read
from plugins.amazon.manifest import MANIFEST
from plugins.amazon.orders import search
from plugins.amazon.orders.customization import download
from plugins.amazon.shipping import tracking
from plugins.amazon.shipping.methods import shipping_methods
from plugins.interface import (
    AccessToken,
    Acknowledgement,
    AskFields,
    CartContext,
    CartManifest,
    Connected,
    Customization,
    InstallReply,
    InventoryQuantity,
    ItemPage,
    NotListed,
    NotRead,
    Order,
    OrderPage,
    OrderQuery,
    OrderReject,
    Package,
    Redirect,
    Secret,
    SellerIdentity,
    ShippingMappingUI,
    ShownInventory,
    Submission,
    WriteReply,
    hookimpl,
)


@hookimpl
def cart_manifest() -> CartManifest:
    return MANIFEST


@hookimpl
def install(ctx: CartContext, reply: InstallReply | None) -> Redirect | AskFields | Connected:
    return auth.begin(ctx) if reply is None else auth.go_on(ctx, reply)


@hookimpl
def check_connection(ctx: CartContext) -> SellerIdentity:
    return auth.identify(ctx)


@hookimpl
def prove_seller(ctx: CartContext) -> SellerIdentity:
    return seller_proof.prove(ctx)


@hookimpl
def mint_access_token(ctx: CartContext, credentials: Mapping[str, Secret]) -> AccessToken:
    return tokens.mint(ctx, credentials)


@hookimpl
def refresh_cart_items(ctx: CartContext, page: str | None) -> ItemPage | NotListed:
    return NotListed(
        "This integration cannot see the items in your Amazon store, so Refresh Cart Items does nothing; "
        "list them under Custom Items."
    )


@hookimpl
def fetch_orders(ctx: CartContext, query: OrderQuery) -> OrderPage:
    return search.fetch_page(ctx, query)


@hookimpl
def fetch_order(ctx: CartContext, remote_id: str) -> Order | OrderReject | None:
    return search.fetch_one(ctx, remote_id)


@hookimpl
def fetch_customization(ctx: CartContext, url: str) -> Customization:
    return download(ctx, url)


@hookimpl
def acknowledge_orders(ctx: CartContext, acknowledgements: Sequence[Acknowledgement]) -> WriteReply:
    return acknowledge(ctx, acknowledgements)


@hookimpl
def push_inventory(ctx: CartContext, quantities: Sequence[InventoryQuantity]) -> WriteReply:
    return inventory.push(ctx, quantities)


@hookimpl
def read_inventory(ctx: CartContext, skus: Sequence[str]) -> Sequence[ShownInventory | NotRead]:
    return read.read(ctx, skus)


@hookimpl
def post_tracking(ctx: CartContext, packages: Sequence[Package]) -> WriteReply:
    return tracking.post(ctx, packages)


@hookimpl
def poll_submission(ctx: CartContext, submission: Submission) -> WriteReply:
    return submissions.poll(ctx, submission)


@hookimpl
def shipping_mapping_ui(ctx: CartContext) -> ShippingMappingUI:
    return shipping_methods()
