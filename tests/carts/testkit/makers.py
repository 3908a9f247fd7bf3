"""Makes carts of Tiny: its hooks, with some of them changed or added."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from is2_tiny import plugin as tiny

from plugins import interface
from plugins.interface import (
    AccessToken,
    Acknowledgement,
    AskFields,
    AuthorizationLost,
    CartContext,
    CartError,
    CartManifest,
    Connected,
    Customization,
    Effect,
    InstallReply,
    Order,
    OrderPage,
    OrderQuery,
    PendingSubmission,
    RateLimited,
    Redirect,
    Rejected,
    Secret,
    SellerIdentity,
    Submission,
    Temporary,
    WriteReply,
    hookimpl,
)


def cart(*hooks: Callable[..., Any], **others: Callable[..., Any]) -> SimpleNamespace:
    """Tiny with some hooks in place of its own, or added; `others` are functions of another name, not marked yet."""
    own = {name: hook for name, hook in vars(tiny).items() if hasattr(hook, f"{interface.PROJECT}_impl")}
    named = {hook.__name__: hook for hook in hooks} | {name: hookimpl(other) for name, other in others.items()}
    return SimpleNamespace(**own | named)


def manifest(**changes: Any) -> SimpleNamespace:
    """Tiny with another manifest."""

    @hookimpl
    def cart_manifest() -> CartManifest:
        return replace(tiny.cart_manifest(), **changes)

    return cart(cart_manifest)


def failing(raised: Callable[[CartContext], Exception]) -> SimpleNamespace:
    """Tiny with an error of its own wherever its listing of orders fails."""

    @hookimpl
    def fetch_orders(ctx: CartContext, query: OrderQuery) -> OrderPage:
        try:
            return tiny.fetch_orders(ctx, query)
        except (RateLimited, Temporary) as error:
            raise raised(ctx) from error

    return cart(fetch_orders)


def listing(page_of: Callable[[CartContext, OrderQuery, OrderPage], OrderPage]) -> SimpleNamespace:
    """Tiny with pages changed on their way out."""

    @hookimpl
    def fetch_orders(ctx: CartContext, query: OrderQuery) -> OrderPage:
        return page_of(ctx, query, tiny.fetch_orders(ctx, query))

    return cart(fetch_orders)


def connecting(change: Callable[[Connected], Connected]) -> SimpleNamespace:
    """Tiny with its connection changed on its way out."""

    @hookimpl
    def install(ctx: CartContext, reply: InstallReply | None) -> Any:
        step = tiny.install(ctx, reply)
        return change(step) if isinstance(step, Connected) else step

    return cart(install)


def checking(beforehand: Callable[[CartContext], object]) -> SimpleNamespace:
    """Tiny that does something before it tests the connection."""

    @hookimpl
    def check_connection(ctx: CartContext) -> SellerIdentity:
        beforehand(ctx)
        return tiny.check_connection(ctx)

    return cart(check_connection)


def acknowledging(answer: Callable[[CartContext, Sequence[Acknowledgement]], WriteReply]) -> SimpleNamespace:
    """Tiny that acknowledges in its own way."""

    @hookimpl
    def acknowledge_orders(ctx: CartContext, acknowledgements: Sequence[Acknowledgement]) -> WriteReply:
        return answer(ctx, acknowledgements)

    return cart(acknowledge_orders)


def one_order(order_of: Callable[[CartContext, str], Any]) -> SimpleNamespace:
    """Tiny that reads one order in its own way."""

    @hookimpl
    def fetch_order(ctx: CartContext, remote_id: str) -> Any:
        return order_of(ctx, remote_id)

    return cart(fetch_order)


def asking(step: Redirect | AskFields) -> SimpleNamespace:
    """Tiny whose install begins in another way."""

    @hookimpl
    def install(ctx: CartContext, reply: InstallReply | None) -> Any:
        return step if reply is None else tiny.install(ctx, reply)

    return cart(install)


def calling_it_an_outage() -> SimpleNamespace:
    """Tiny that takes a refused key for something that passes."""

    @hookimpl
    def fetch_orders(ctx: CartContext, query: OrderQuery) -> OrderPage:
        try:
            return tiny.fetch_orders(ctx, query)
        except AuthorizationLost as error:
            raise Temporary(error.message) from error

    return cart(fetch_orders)


def customized(fetch: Callable[[CartContext, str], Customization]) -> SimpleNamespace:
    """Tiny whose lines carry the address of what the buyer had made."""

    @hookimpl
    def fetch_customization(ctx: CartContext, url: str) -> Customization:
        return fetch(ctx, url)

    def with_address(ctx: CartContext, query: OrderQuery, page: OrderPage) -> OrderPage:
        return replace(page, orders=tuple(_customized(ctx, order) for order in page.orders))

    return cart(listing(with_address).fetch_orders, fetch_customization)


def _customized(ctx: CartContext, order: Order) -> Order:
    address = f"{ctx.store.settings['shop_url']}/api/items"
    return replace(order, lines=tuple(replace(line, customization_url=address) for line in order.lines))


def slow(poll: Callable[[CartContext, Submission], WriteReply], handle: Any = None) -> SimpleNamespace:
    """Tiny that says of each acknowledgement that it will take a while."""

    @hookimpl
    def acknowledge_orders(ctx: CartContext, acknowledgements: Sequence[Acknowledgement]) -> WriteReply:
        reply = tiny.acknowledge_orders(ctx, acknowledgements)
        if interface.Retry in {type(result) for result in reply.results.values()}:
            return reply
        refused = [key for key, result in reply.results.items() if isinstance(result, Rejected)]
        keys = tuple(reply.results)
        ask_at = ctx.clock.now() + timedelta(minutes=1)
        return WriteReply(pending=(PendingSubmission(handle or json.dumps(refused), keys, ask_at),))

    @hookimpl
    def poll_submission(ctx: CartContext, submission: Submission) -> WriteReply:
        return poll(ctx, submission)

    return cart(acknowledge_orders, poll_submission)


def minting(life: timedelta = timedelta(hours=1), lost: type[CartError] = AuthorizationLost) -> SimpleNamespace:
    """Tiny whose key buys a token that ends; the shop takes the key itself for one."""

    @hookimpl
    def mint_access_token(ctx: CartContext, credentials: Mapping[str, Secret]) -> AccessToken:
        key = credentials["token"].value
        reply = ctx.http.call(
            "shop",
            Effect.READ,
            "GET",
            f"{ctx.store.settings['shop_url']}/api/shop",
            headers={"authorization": f"Bearer {key}"},
        )
        if reply.status == 401:
            raise lost("The shop no longer accepts the key.")
        if reply.status == 429:
            raise RateLimited("Wait.", until=ctx.clock.now() + timedelta(seconds=7))
        if reply.status != 200:
            raise Temporary("The shop could not answer.")
        reply.json()
        return AccessToken(Secret(key), ctx.clock.now() + life)

    return cart(mint_access_token)
