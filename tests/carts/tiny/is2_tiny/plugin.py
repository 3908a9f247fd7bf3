"""The Tiny Shop cart, whole: its shop is `is2_tiny.shop`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from plugins.interface import (
    CONTRACT_VERSION,
    MERCHANT_CHANNEL,
    Acknowledgement,
    Address,
    Applied,
    AskFields,
    AuthorizationLost,
    CartContext,
    CartManifest,
    Connected,
    Effect,
    Environment,
    Field,
    FieldKind,
    FulfilledBy,
    InstallReply,
    InventoryQuantity,
    ItemPage,
    ListedItem,
    Money,
    Order,
    OrderLine,
    OrderPage,
    OrderQuery,
    OrderReject,
    OrderState,
    Package,
    PageExpired,
    Permanent,
    RateLimited,
    Rejected,
    Reply,
    Result,
    Retry,
    ScheduleChoice,
    SchedulePlan,
    Secret,
    SellerIdentity,
    SettingsError,
    ShippingMappingUI,
    ShippingMethod,
    ShownInventory,
    Temporary,
    UnknownValue,
    WriteReply,
    hookimpl,
    utc,
)

STATES = {"new": OrderState.READY, "shipped": OrderState.SHIPPED, "cancelled": OrderState.CANCELLED}
INSTALL_FIELDS = (
    Field("shop_url", "Shop address", FieldKind.SHOP_URL, help="For example https://shop.example.com"),
    Field("api_key", "API key", FieldKind.SECRET, help="Your shop shows it under Settings, API."),
)


@hookimpl
def cart_manifest() -> CartManifest:
    quarter, hour = timedelta(minutes=15), timedelta(hours=1)
    return CartManifest(
        name="tiny",
        label="Tiny Shop",
        contract=CONTRACT_VERSION,
        version="0.1.0",
        environments=(Environment("live", "Live"),),
        order_schedule=SchedulePlan((ScheduleChoice(quarter, "every 15 minutes"),), quarter),
        inventory_schedule=SchedulePlan((ScheduleChoice(None, "Off"), ScheduleChoice(hour, "every hour")), hour, hour),
        read_lag=timedelta(0),
        acknowledge_batch=50,
        inventory_batch=50,
        tracking_batch=50,
        carrier_codes={"UPS": "ups", "FedEx": "fedex"},
    )


@hookimpl
def install(ctx: CartContext, reply: InstallReply | None) -> AskFields | Connected:
    if reply is None:
        return AskFields(INSTALL_FIELDS, "Where is your shop, and what is its API key?")
    key = reply.params["api_key"]
    try:
        identity = _identity(_answer(ctx, "GET", "/api/shop", shop=reply.params["shop_url"], key=key))
    except AuthorizationLost as error:
        raise SettingsError("The shop does not accept this API key.", code="KEY_REFUSED") from error
    return Connected(identity, {"token": Secret(key)})


@hookimpl
def check_connection(ctx: CartContext) -> SellerIdentity:
    return _identity(_answer(ctx, "GET", "/api/shop"))


@hookimpl
def refresh_cart_items(ctx: CartContext, page: str | None) -> ItemPage:
    body = _answer(ctx, "GET", "/api/items", params={"page": page or "1"})
    items = tuple(ListedItem(row["sku"], row["title"], row["id"]) for row in body["items"])
    return ItemPage(items, body["next"])


@hookimpl
def fetch_orders(ctx: CartContext, query: OrderQuery) -> OrderPage:
    if query.page is not None and not query.page.isdigit():
        raise PageExpired("The listing is read again from its start.", detail="not a page of this shop")
    params = {"by": query.by.lower(), "start": query.start.isoformat(), "end": query.end.isoformat()}
    if query.states:
        params["states"] = ",".join(word for word, state in STATES.items() if state in query.states)
    reply = _call(ctx, "GET", "/api/orders", params=params | {"page": query.page or "1"})
    body = reply.json()
    parsed = [_order_or_reject(raw) for raw in body["orders"]]
    orders = tuple(order for order in parsed if isinstance(order, Order))
    rejects = tuple(order for order in parsed if isinstance(order, OrderReject))
    return OrderPage(orders, rejects, body["next"], reply.server_time)


@hookimpl
def fetch_order(ctx: CartContext, remote_id: str) -> Order | OrderReject | None:
    reply = _send(ctx, "GET", f"/api/orders/{_part(remote_id)}")
    return None if reply.status == 404 else _order_or_reject(_checked(ctx, reply).json())


@hookimpl
def acknowledge_orders(ctx: CartContext, acknowledgements: Sequence[Acknowledgement]) -> WriteReply:
    return WriteReply(
        {
            one.key: _write(ctx, f"/api/orders/{_part(one.order_id)}/number", {"number": one.number})
            for one in acknowledgements
        }
    )


@hookimpl
def push_inventory(ctx: CartContext, quantities: Sequence[InventoryQuantity]) -> WriteReply:
    return WriteReply({entry.key: _set_stock(ctx, entry) for entry in quantities})


@hookimpl
def read_inventory(ctx: CartContext, skus: Sequence[str]) -> list[ShownInventory]:
    shown, page = [], "1"
    while page:
        body = _answer(ctx, "GET", "/api/items", params={"page": page})
        shown += [_inventory(row) for row in body["items"] if row["sku"] in skus]
        page = body["next"]
    return shown


@hookimpl
def post_tracking(ctx: CartContext, packages: Sequence[Package]) -> WriteReply:
    return WriteReply({package.key: _post(ctx, package) for package in packages})


@hookimpl
def shipping_mapping_ui(ctx: CartContext) -> ShippingMappingUI:
    return ShippingMappingUI((ShippingMethod("standard", "Standard"), ShippingMethod("express", "Express", ("Fast",))))


def _set_stock(ctx: CartContext, entry: InventoryQuantity) -> Result:
    result = _write(ctx, f"/api/items/{_part(entry.remote_id)}/stock", {"stock": entry.available})
    # The id of the item and not the receipt: it comes back with the next number.
    return Applied(entry.remote_id) if isinstance(result, Applied) else result


def _post(ctx: CartContext, package: Package) -> Result:
    body = {
        "carrier": package.carrier_code or package.carrier_name,
        "tracking": package.tracking_number,
        "shipped": package.shipped_at.isoformat(),
        "lines": [{"id": line.remote_id, "quantity": line.quantity} for line in package.lines],
    }
    return _write(ctx, f"/api/orders/{_part(package.order_id)}/packages/{package.reference}", body)


def _inventory(row: Mapping[str, Any]) -> ShownInventory:
    channel = MERCHANT_CHANNEL if row["shipped_by"] == "merchant" else row["shipped_by"]
    return ShownInventory(row["sku"], {channel: row["stock"]}, remote_id=row["id"])


def _part(text: str) -> str:
    return quote(text, safe="")


def _write(ctx: CartContext, path: str, body: Mapping[str, Any]) -> Result:
    reply = _send(ctx, "PUT", path, json=body)
    if reply.status in (404, 409):
        return Rejected("REFUSED", str(reply.json()["error"]))
    if reply.status == 429:
        return Retry(ctx.clock.now() + timedelta(seconds=int(reply.headers.get("retry-after", "60"))))
    try:
        return Applied(str(_checked(ctx, reply).json()["receipt"]))
    except Temporary as error:
        # It may have been done, whatever became of the answer.
        raise Temporary(error.message, detail=error.detail, code=error.code, unknown=True) from error


def _identity(shop: Mapping[str, Any]) -> SellerIdentity:
    return SellerIdentity(shop["id"], shop["name"])


def _order_or_reject(raw: Mapping[str, Any]) -> Order | OrderReject:
    try:
        return _order(raw)
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        message = f"The shop's order has a broken part ({type(error).__name__})."
        return OrderReject(str(raw.get("id", "?")), "UNREADABLE", message)


def _order(raw: Mapping[str, Any]) -> Order:
    state = STATES.get(raw["state"], OrderState.UNKNOWN)
    to = raw["ship_to"]
    return Order(
        remote_id=raw["id"],
        site="",
        state=state,
        fulfilled_by=FulfilledBy.MERCHANT,
        created_at=utc(datetime.fromisoformat(raw["created"])),
        updated_at=utc(datetime.fromisoformat(raw["updated"])),
        lines=tuple(_line(line, state) for line in raw["lines"]),
        shipping_method=raw["shipping"],
        recipient=Address(name=to["name"], lines=(to["street"],), city=to["city"], postal_code=to["zip"], country="US"),
        cart_order_number=raw.get("number") or "",
        unknown=() if raw["state"] in STATES else (UnknownValue("state", raw["state"]),),
    )


def _line(raw: Mapping[str, Any], state: OrderState) -> OrderLine:
    ordered = raw["quantity"]
    cancelled = ordered if state is OrderState.CANCELLED else 0
    still_open = ordered if state is OrderState.READY else 0
    price = Money(Decimal(raw["price"]), "USD")
    return OrderLine(raw["id"], raw["sku"], raw["title"], ordered, cancelled, still_open, price)


def _answer(ctx: CartContext, method: str, path: str, **more: Any) -> Any:
    return _call(ctx, method, path, **more).json()


def _call(ctx: CartContext, method: str, path: str, **more: Any) -> Reply:
    return _checked(ctx, _send(ctx, method, path, **more))


def _send(
    ctx: CartContext,
    method: str,
    path: str,
    *,
    params: Mapping[str, str] | None = None,
    json: Any = None,
    shop: str | None = None,
    key: str | None = None,
) -> Reply:
    url = (shop or ctx.store.settings["shop_url"]).rstrip("/") + path
    headers = {"authorization": f"Bearer {key or ctx.token.get()}"}
    effect = Effect.READ if method == "GET" else Effect.WRITE
    return ctx.http.call("shop", effect, method, url, params=params, headers=headers, json=json)


def _checked(ctx: CartContext, reply: Reply) -> Reply:
    if reply.status == 401:
        raise AuthorizationLost("The shop no longer accepts the API key. Please reconnect the store.")
    if reply.status == 429:
        pause = timedelta(seconds=int(reply.headers.get("retry-after", "60")))
        raise RateLimited("The shop asks for a pause.", until=ctx.clock.now() + pause)
    if reply.status >= 500:
        raise Temporary("The shop could not answer just now.", detail=f"HTTP {reply.status}")
    if reply.status != 200:
        raise Permanent("The shop refused the request.", detail=f"HTTP {reply.status}")
    return reply
