"""Carts with faults. Each of these breaks one rule of the contract."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import requests
from is2_tiny import plugin as tiny

from plugins import interface
from plugins.conformance.tokens import KeptToken
from plugins.interface import (
    MERCHANT_CHANNEL,
    Acknowledgement,
    Applied,
    AuthorizationLost,
    CartContext,
    CartError,
    Connected,
    Customization,
    Effect,
    InstallReply,
    InventoryQuantity,
    ItemPage,
    Money,
    NotListed,
    Order,
    OrderPage,
    OrderQuery,
    OrderReject,
    PendingSubmission,
    Permanent,
    QueryBy,
    RateLimited,
    Rejected,
    Secret,
    SellerIdentity,
    SettingsError,
    ShippingMappingUI,
    ShownInventory,
    Submission,
    Temporary,
    WriteReply,
    hookimpl,
)
from tests.carts.testkit.makers import cart

SEEN: list[str] = []


def without_last_key(ctx: CartContext, acknowledgements: Sequence[Acknowledgement]) -> WriteReply:
    return tiny.acknowledge_orders(ctx, acknowledgements[:-1])


def always_applied(ctx: CartContext, acknowledgements: Sequence[Acknowledgement]) -> WriteReply:
    with suppress(CartError):
        tiny.acknowledge_orders(ctx, acknowledgements)
    return WriteReply({one.key: Applied() for one in acknowledgements})


def rejected_when_unwell(ctx: CartContext, acknowledgements: Sequence[Acknowledgement]) -> WriteReply:
    try:
        return tiny.acknowledge_orders(ctx, acknowledgements)
    except CartError:
        return WriteReply({one.key: Rejected("FAILED", "It did not work.") for one in acknowledgements})


def sure_of_nothing_done(ctx: CartContext, acknowledgements: Sequence[Acknowledgement]) -> WriteReply:
    try:
        return tiny.acknowledge_orders(ctx, acknowledgements)
    except Temporary as error:
        raise Temporary(error.message) from error


def only_once(ctx: CartContext, acknowledgements: Sequence[Acknowledgement]) -> WriteReply:
    found = {one.key: tiny.fetch_order(ctx, one.order_id) for one in acknowledgements}
    known = {key for key, order in found.items() if isinstance(order, Order) and order.cart_order_number}
    results = tiny.acknowledge_orders(ctx, acknowledgements).results
    return WriteReply({**results, **dict.fromkeys(known, Rejected("TWICE", "The shop has this already."))})


def all_for_one(ctx: CartContext, acknowledgements: Sequence[Acknowledgement]) -> WriteReply:
    reply = tiny.acknowledge_orders(ctx, acknowledgements)
    refused = next((result for result in reply.results.values() if isinstance(result, Rejected)), None)
    return WriteReply({key: refused or result for key, result in reply.results.items()})


def answered_and_pending(ctx: CartContext, acknowledgements: Sequence[Acknowledgement]) -> WriteReply:
    keys = (acknowledgements[0].key,)
    pending = PendingSubmission("batch-1", keys, ctx.clock.now() + timedelta(minutes=1))
    return WriteReply(tiny.acknowledge_orders(ctx, acknowledgements).results, (pending,))


def retry_of_the_past(ctx: CartContext, acknowledgements: Sequence[Acknowledgement]) -> WriteReply:
    return WriteReply({one.key: interface.Retry(ctx.clock.now()) for one in acknowledgements})


def rejected_by_name(ctx: CartContext, acknowledgements: Sequence[Acknowledgement]) -> WriteReply:
    results = dict(tiny.acknowledge_orders(ctx, acknowledgements).results)
    for key in [key for key, result in results.items() if isinstance(result, Rejected)]:
        results[key] = Rejected("REFUSED", "The shop refused the order of Ada Simbuyer.")
    return WriteReply(results)


def hurried(ctx: CartContext, acknowledgements: Sequence[Acknowledgement]) -> WriteReply:
    """As a read: after a lost answer nobody knows that it may have worked."""
    headers = {"authorization": f"Bearer {ctx.token.get()}"}
    for one in acknowledgements:
        url = f"{ctx.store.settings['shop_url']}/api/orders/{one.order_id}/number"
        ctx.http.call("shop", Effect.READ, "PUT", url, headers=headers, json={"number": one.number})
    return WriteReply({one.key: Applied() for one in acknowledgements})


def talkative(ctx: CartContext, remote_id: str) -> Any:
    found = tiny.fetch_order(ctx, remote_id)
    if isinstance(found, Order) and found.recipient:
        ctx.log.debug("an order for %s", found.recipient.name)
    return found


def with_extra_fields(ctx: CartContext, remote_id: str) -> Any:
    found = tiny.fetch_order(ctx, remote_id)
    if isinstance(found, Order) and found.recipient:
        ctx.log.logger.info("an order", extra={"street": found.recipient.lines[0]})
    return found


def printing(ctx: CartContext, remote_id: str) -> Any:
    print(ctx.token.get())
    return tiny.fetch_order(ctx, remote_id)


def quoting(ctx: CartContext, remote_id: str) -> Any:
    url = f"{ctx.store.settings['shop_url']}/api/orders/{remote_id}"
    reply = ctx.http.call("shop", Effect.READ, "GET", url, headers={"authorization": f"Bearer {ctx.token.get()}"})
    if reply.status in (400, 403):
        raise Permanent("The shop refused it.", detail=reply.body.decode())
    return tiny.fetch_order(ctx, remote_id)


def naming_the_key(ctx: CartContext, remote_id: str) -> Any:
    try:
        return tiny.fetch_order(ctx, remote_id)
    except AuthorizationLost as error:
        raise AuthorizationLost(f"The shop no longer accepts the key {ctx.token.get()}.") from error


def nothing_when_refused(ctx: CartContext, remote_id: str) -> Any:
    try:
        return tiny.fetch_order(ctx, remote_id)
    except Permanent:
        return None


def newer_each_time(ctx: CartContext, remote_id: str) -> Any:
    found = tiny.fetch_order(ctx, remote_id)
    return replace(found, shipping_method="express") if isinstance(found, Order) else found


def never_unknown(ctx: CartContext, remote_id: str) -> Any:
    found = tiny.fetch_order(ctx, remote_id)
    if found is None:
        raise Permanent("There is no such order.")
    return found


@hookimpl
def push_inventory(ctx: CartContext, quantities: Sequence[InventoryQuantity]) -> WriteReply:
    """Adds to what is there."""
    shown = {
        entry.sku: entry.fulfillment_channels[MERCHANT_CHANNEL]
        for entry in tiny.read_inventory(ctx, [x.sku for x in quantities])
    }
    return tiny.push_inventory(
        ctx, [replace(entry, available=entry.available + shown.get(entry.sku, 0)) for entry in quantities]
    )


ADDS_STOCK = cart(push_inventory)


@hookimpl
def read_inventory(ctx: CartContext, skus: Sequence[str]) -> list[ShownInventory]:
    """Knows every SKU."""
    shown = tiny.read_inventory(ctx, skus)
    missing = set(skus) - {level.sku for level in shown}
    return [*shown, *(ShownInventory(sku, {MERCHANT_CHANNEL: 0}) for sku in sorted(missing))]


INVENTS_STOCK = cart(read_inventory)


@hookimpl
def shipping_mapping_ui(ctx: CartContext) -> ShippingMappingUI:
    """Asks the shop first."""
    tiny.check_connection(ctx)
    return tiny.shipping_mapping_ui(ctx)


ASKS_FOR_SHIPPING = cart(shipping_mapping_ui)


@hookimpl
def refresh_cart_items(ctx: CartContext, page: str | None) -> NotListed:
    """Has no list, and calls all the same."""
    tiny.check_connection(ctx)
    return NotListed("This shop has no list.")


CALLS_FOR_NO_LIST = cart(refresh_cart_items)


def leave_one_out(ctx: CartContext, page: str | None) -> ItemPage:
    shown = tiny.refresh_cart_items(ctx, page)
    return replace(shown, items=shown.items[1:])


LEAVES_ONE_OUT = cart(refresh_cart_items=leave_one_out)


def new_items_for_ever(ctx: CartContext, page: str | None) -> ItemPage:
    return replace(tiny.refresh_cart_items(ctx, "1"), next_page=str(int(page or "1") + 1))


def same_items_for_ever(ctx: CartContext, page: str | None) -> ItemPage:
    return replace(tiny.refresh_cart_items(ctx, "1"), next_page="2")


def needing_the_list(refresh_cart_items: Callable[..., ItemPage]) -> SimpleNamespace:
    """A cart that shows no stock, so that what the shop calls a SKU is found in its item list."""
    changed = cart(refresh_cart_items=refresh_cart_items)
    del changed.read_inventory
    return changed


@hookimpl
def install(ctx: CartContext, reply: InstallReply | None) -> Any:
    """Believes whatever was typed."""
    if reply is None:
        return tiny.install(ctx, reply)
    return Connected(SellerIdentity("shop-1", "Tiny Shop"), {"token": Secret(reply.params["api_key"])})


BELIEVES = cart(install)


def naming_the_refused_key(ctx: CartContext, reply: InstallReply | None) -> Any:
    try:
        return tiny.install(ctx, reply)
    except SettingsError as error:
        key = reply.params["api_key"] if reply else ""
        raise SettingsError(f"The shop does not accept the key {key}.") from error


def typed_key_as_default(ctx: CartContext, reply: InstallReply | None) -> Any:
    """Asks again for what was refused, with what was typed already in the form."""
    try:
        return tiny.install(ctx, reply)
    except SettingsError:
        typed = reply.params if reply else {}
        fields = tuple(replace(field, default=typed.get(field.key, "")) for field in tiny.INSTALL_FIELDS)
        return interface.AskFields(fields, "The shop does not accept this key.")


def ask_and_ask(ctx: CartContext, reply: InstallReply | None) -> Any:
    return tiny.install(ctx, None)


NEVER_CONTENT = cart(install=ask_and_ask)


@hookimpl
def check_connection(ctx: CartContext) -> SellerIdentity:
    """Names somebody else."""
    return SellerIdentity("shop-2", tiny.check_connection(ctx).name)


NAMES_ANOTHER = cart(check_connection)


def another_seller(step: Connected) -> Connected:
    SEEN.append("connected")
    return replace(step, identity=SellerIdentity(f"shop-{len(SEEN)}", step.identity.name))


def customization(ctx: CartContext, url: str) -> Customization:
    reply = ctx.http.call("shop", Effect.READ, "GET", url, headers={"authorization": f"Bearer {ctx.token.get()}"})
    if reply.status == 404:
        raise Permanent("The customization is gone.")
    return Customization("engraving.json", "application/json", reply.body)


def whatever_comes(ctx: CartContext, url: str) -> Customization:
    reply = ctx.http.call("shop", Effect.READ, "GET", url)
    return Customization("engraving.json", "application/json", reply.body)


def calls_by_itself(ctx: CartContext) -> None:
    requests.get(ctx.store.settings["shop_url"], timeout=5)


def calls_from_a_thread(ctx: CartContext) -> None:
    with ThreadPoolExecutor(1) as pool, suppress(OSError):
        pool.submit(calls_by_itself, ctx).result()


def starts_a_program(ctx: CartContext) -> None:
    with suppress(OSError):
        subprocess.run(["curl", ctx.store.settings["shop_url"]], check=False)


def tells_the_log_from_a_thread(ctx: CartContext) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(tells_the_log, ctx).result()


def tells_the_log(ctx: CartContext) -> None:
    ctx.log.info("authorized by %s", ctx.token.get())


@hookimpl
def fetch_order(ctx: CartContext, remote_id: str) -> Any:
    """Remembers what it was asked."""
    SEEN.append(remote_id)
    return tiny.fetch_order(ctx, remote_id)


REMEMBERS = cart(fetch_order)


class Session:
    """Made once, filled at an install."""

    __slots__ = ("key", "shop_url")


SESSION = Session()


def with_a_session(ctx: CartContext, reply: InstallReply | None) -> Any:
    """Keeps what it was connected with."""
    step = tiny.install(ctx, reply)
    if isinstance(step, Connected) and reply is not None:
        SESSION.key, SESSION.shop_url = reply.params["api_key"], reply.params["shop_url"]
    return step


def by_the_key_of_the_session(ctx: CartContext, query: OrderQuery) -> OrderPage:
    token = KeptToken({"token": Secret(SESSION.key)}, None, ctx.clock)
    return tiny.fetch_orders(replace(ctx, token=token), query)


def at_the_address_of_the_session(ctx: CartContext, query: OrderQuery) -> OrderPage:
    return tiny.fetch_orders(replace(ctx, store=replace(ctx.store, settings={"shop_url": SESSION.shop_url})), query)


KEEPS_THE_KEY = cart(install=with_a_session, fetch_orders=by_the_key_of_the_session)
KEEPS_THE_ADDRESS = cart(install=with_a_session, fetch_orders=at_the_address_of_the_session)


@lru_cache
def headers_of(key: str) -> dict[str, str]:
    """The same for all, and a store's key with it."""
    return {"authorization": f"Bearer {key}"}


def with_cached_headers(ctx: CartContext) -> SellerIdentity:
    headers_of(ctx.token.get())
    return tiny.check_connection(ctx)


class Counter:
    """Counts in a slot."""

    __slots__ = ("calls",)

    def __init__(self) -> None:
        self.calls = 0


CALLS = Counter()


def counting(ctx: CartContext) -> SellerIdentity:
    CALLS.calls += 1
    return tiny.check_connection(ctx)


def from_the_first_store(ctx: CartContext, query: OrderQuery, page: OrderPage) -> OrderPage:
    SEEN.append(ctx.store.settings["shop_url"])
    store = replace(ctx.store, settings={"shop_url": SEEN[0]})
    return tiny.fetch_orders(replace(ctx, store=store), query)


def a_token_good_once(ctx: CartContext, query: OrderQuery, page: OrderPage) -> OrderPage:
    """The place in the listing is kept here; the token is only a name for it."""
    if query.page in SEEN:
        return OrderPage(())
    SEEN.append(str(query.page))
    return page


def without_an_address(ctx: CartContext, query: OrderQuery, page: OrderPage) -> OrderPage:
    return replace(page, orders=tuple(replace(order, recipient=None) for order in page.orders))


def with_the_request_in_its_detail(ctx: CartContext, query: OrderQuery) -> OrderPage:
    try:
        return tiny.fetch_orders(ctx, query)
    except Permanent as error:
        raise Permanent(error.message, detail=f"authorization: Bearer {ctx.token.get()}") from error


def with_every_order_twice(ctx: CartContext, query: OrderQuery, page: OrderPage) -> OrderPage:
    return replace(page, orders=page.orders * 2)


def with_its_rejects_listed(ctx: CartContext, query: OrderQuery, page: OrderPage) -> OrderPage:
    rejects = tuple(OrderReject(order.remote_id, "ODD", "This order is odd.") for order in page.orders)
    return replace(page, rejects=rejects)


def priced(price_of: Callable[[], Any]) -> Callable[[CartContext, OrderQuery, OrderPage], OrderPage]:
    """Pages with a price of the cart's own making; an order it cannot make is a reject without a reason."""

    def with_a_price(ctx: CartContext, query: OrderQuery, page: OrderPage) -> OrderPage:
        try:
            price = Money(price_of(), "USD")
        except ValueError:
            return replace(page, orders=(), rejects=tuple(_unreadable(order) for order in page.orders))
        lines = {order: tuple(replace(line, unit_price=price) for line in order.lines) for order in page.orders}
        return replace(page, orders=tuple(replace(order, lines=lines[order]) for order in page.orders))

    return with_a_price


def at_a_naive_time(ctx: CartContext, query: OrderQuery, page: OrderPage) -> OrderPage:
    naive = query.end.replace(tzinfo=None)
    try:
        return replace(page, orders=tuple(replace(order, ship_by=naive) for order in page.orders))
    except ValueError:
        return replace(page, orders=(), rejects=tuple(_unreadable(order) for order in page.orders))


def _unreadable(order: Order) -> OrderReject:
    return OrderReject(order.remote_id, "BAD", "This order cannot be read.")


def by_update_only(ctx: CartContext, query: OrderQuery, page: OrderPage) -> OrderPage:
    return page if query.by is QueryBy.UPDATED else OrderPage(())


def without_its_last(ctx: CartContext, query: OrderQuery, page: OrderPage) -> OrderPage:
    return replace(page, next_page=None)


def with_an_empty_token(ctx: CartContext, query: OrderQuery, page: OrderPage) -> OrderPage:
    return replace(page, next_page=page.next_page or "")


def without_an_end(ctx: CartContext, query: OrderQuery, page: OrderPage) -> OrderPage:
    return replace(page, next_page=page.next_page or "1")


def with_new_pages_for_ever(ctx: CartContext, query: OrderQuery, page: OrderPage) -> OrderPage:
    return replace(page, next_page=str(int(query.page or "1") + 1))


def without_the_latest(ctx: CartContext, query: OrderQuery, page: OrderPage) -> OrderPage:
    return replace(page, orders=tuple(order for order in page.orders if order.updated_at < query.end))


def broken_at_its_worst(ctx: CartContext, query: OrderQuery, page: OrderPage) -> OrderPage:
    if page.rejects:
        raise ValueError("an order has a broken part")
    return page


def forgetting_rejects(ctx: CartContext, query: OrderQuery, page: OrderPage) -> OrderPage:
    return replace(page, rejects=())


@hookimpl
def fetch_orders(ctx: CartContext, query: OrderQuery) -> OrderPage:
    """Takes any page token for the first page."""
    page = query.page if query.page and query.page.isdigit() else None
    return tiny.fetch_orders(ctx, replace(query, page=page))


TAKES_ANY_PAGE = cart(fetch_orders)


def told_when_asked(ctx: CartContext, submission: Submission) -> WriteReply:
    try:
        refused = json.loads(submission.handle)
    except ValueError as error:
        raise Permanent("The shop cannot be asked about this.") from error
    tiny.check_connection(ctx)
    no = Rejected("REFUSED", "The shop refused it.")
    return WriteReply({key: no if key in refused else Applied() for key in submission.keys})


def never_done(ctx: CartContext, submission: Submission) -> WriteReply:
    again = PendingSubmission(submission.handle, submission.keys, ctx.clock.now() + timedelta(minutes=1))
    return WriteReply(pending=(again,))


def trusting_its_handle(ctx: CartContext, submission: Submission) -> WriteReply:
    refused = json.loads(submission.handle)
    return WriteReply({key: Rejected("NO", "No.") if key in refused else Applied() for key in submission.keys})


def half_told(ctx: CartContext, submission: Submission) -> WriteReply:
    return WriteReply({submission.keys[0]: Applied()})


def temporarily_gone(ctx: CartContext) -> Exception:
    return Temporary("The shop could not answer.")


def gone_for_good(ctx: CartContext) -> Exception:
    return Permanent("The shop could not answer.")


def a_wrong_setting(ctx: CartContext) -> Exception:
    return SettingsError("Something is wrong.")


def a_key_error(ctx: CartContext) -> Exception:
    return KeyError("orders")


def without_a_word(ctx: CartContext) -> Exception:
    return Temporary("")


def until_a_naive_time(ctx: CartContext) -> Exception:
    return RateLimited("Wait.", until=ctx.clock.now().replace(tzinfo=None))


def until_long_ago(ctx: CartContext) -> Exception:
    return RateLimited("Wait.", until=ctx.clock.now() - timedelta(minutes=1))
