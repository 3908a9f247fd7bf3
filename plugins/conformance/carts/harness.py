"""A cart, its shop and a store of it, put together as the core does it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from plugins.conformance.carts import samples
from plugins.conformance.carts.cart_under_test import CartUnderTest
from plugins.conformance.carts.hooks import WRITES, Hooks
from plugins.conformance.carts.reading import explain_missing, orders_in
from plugins.conformance.carts.replies import check_reply
from plugins.conformance.clock import StillClock
from plugins.conformance.http import ShopHttp
from plugins.conformance.leak_guard import check_nothing_is_given_away, holds
from plugins.conformance.paging import walked
from plugins.conformance.tokens import KeptToken, NoToken
from plugins.interface import (
    Applied,
    AskFields,
    CartContext,
    CartManifest,
    Connected,
    FieldKind,
    InstallReply,
    ItemPage,
    NotListed,
    Order,
    OrderPage,
    OrderQuery,
    PlatformSettings,
    QueryBy,
    Redirect,
    Result,
    Retry,
    Secret,
    SellerIdentity,
    Store,
    Submission,
    WriteReply,
)

_STEPS_MAX = 10
_REACH = timedelta(days=8)
_SETTLED_AFTER = timedelta(minutes=1)


class Harness:
    """A store of the cart under test; not connected until `connect`."""

    def __init__(
        self, author: CartUnderTest, shop: Any, clock: StillClock, hooks: Hooks, ways_out: tuple[ShopHttp, ShopHttp]
    ) -> None:
        self.author = author
        self.shop = shop
        self.clock = clock
        self.hooks = hooks
        self.manifest: CartManifest = hooks.call("cart_manifest")
        self.app: PlatformSettings = author.platform(shop, self.manifest)
        # Tokens are minted by a way of their own, so that faults and counts are about the hook that is called.
        self.http, self._http_of_tokens = ways_out
        first = self.manifest.regions[0].code if self.manifest.regions else ""
        region = author.region if author.region is not None else first
        chosen = {field.key: field.default for field in self.manifest.store_fields if field.default}
        self.store = Store(None, region, settings={**chosen, **author.store_settings})
        self.credentials: Mapping[str, Secret] = {}
        self.token: KeptToken | NoToken = NoToken("the store is not connected yet")
        self._secret: list[Secret | str] = list(self.app.secrets.values())
        self._allow()

    @property
    def ctx(self) -> CartContext:
        """A context as fresh as the core's for each call."""
        return self._context(self.http, self.store, self.token)

    def has(self, hook: str) -> bool:
        """Whether the cart implements a hook."""
        return hook in self.hooks.names

    def call(self, hook: str, **arguments: Any) -> Any:
        """One call of a hook about this store."""
        result = self.hooks.call(hook, ctx=self.ctx, **arguments)
        for order in orders_in(result):
            self._secret += [*samples.pii_texts(order), *self.author.pii(self.shop, order)]
        return result

    def steps(self) -> Iterator[Redirect | AskFields | Connected]:
        """The steps of an install, with the merchant's answers between them; at the end of it the last is Connected."""
        reply, store = None, self.store
        for _ in range(_STEPS_MAX):
            no_token = NoToken("install asked for a token before it had one")
            step = self.hooks.call("install", ctx=self._context(self.http, store, no_token), reply=reply)
            yield step
            if isinstance(step, Connected):
                return
            answers = self.author.install_answer(self.shop, step)
            store = self._typing(step, answers)
            reply = InstallReply(answers, self.author.return_url)
        raise AssertionError(f"install asked {_STEPS_MAX} times and never returned Connected")

    def connect(self) -> Connected:
        """Install the store; the Connected step."""
        connected = list(self.steps())[-1]
        assert isinstance(connected, Connected)
        self._become(connected.identity)
        self.credentials = connected.credentials
        self._secret += connected.credentials.values()
        mint = self.mint if self.has("mint_access_token") else None
        self.token = KeptToken(self.credentials, mint, self.clock)
        if self.has("prove_seller"):
            self._become(self.call("prove_seller"))
        return connected

    def _become(self, identity: SellerIdentity) -> None:
        home = self.store.settings.get("home_site") or next(iter(identity.sites), "")
        self.store = replace(self.store, remote_id=identity.remote_id, sites=identity.sites, home_site=home)

    def mint(self, credentials: Mapping[str, Secret] | None = None, http: ShopHttp | None = None) -> Any:
        """Return the result of `mint_access_token`; it must not ask for a token itself."""
        no_token = NoToken("mint_access_token asked for an access token")
        context = self._context(http or self._http_of_tokens, self.store, no_token)
        given = credentials or self.credentials
        self._secret += given.values()
        token = self.hooks.call("mint_access_token", ctx=context, credentials=given)
        self._secret.append(token.value)
        return token

    def answer(self, step: Redirect | AskFields, params: Mapping[str, str]) -> Redirect | AskFields | Connected:
        """The step after an answer the kit made up."""
        no_token = NoToken("install asked for a token before it had one")
        context = self._context(self.http, self._typing(step, params), no_token)
        reply = InstallReply(params, self.author.return_url)
        following: Redirect | AskFields | Connected = self.hooks.call("install", ctx=context, reply=reply)
        return following

    def seed(self, count: int) -> list[str]:
        """Have orders placed, and wait until listings show them; their ids."""
        ids = list(self.author.seed_orders(self.shop, count))
        assert len(set(ids)) == count, f"seed_orders was asked for {count} orders and returned {len(set(ids))} ids"
        self.let_listings_catch_up()
        return ids

    def let_listings_catch_up(self) -> None:
        """Move the clock until a listing shows what changed just now."""
        self.clock.advance((self.manifest.read_lag + _SETTLED_AFTER).total_seconds())

    def window(self, by: QueryBy = QueryBy.UPDATED) -> OrderQuery:
        """The widest window a listing may have now."""
        end = self.clock.now() - self.manifest.read_lag
        return OrderQuery(by, end - _REACH, end)

    def pages(self, query: OrderQuery) -> Iterator[OrderPage]:
        """The pages of a listing of orders, from the first to the last."""
        return walked("fetch_orders", lambda token: self.call("fetch_orders", query=replace(query, page=token)))

    def item_pages(self) -> Iterator[ItemPage | NotListed]:
        """The pages of the shop's own item list, from the first to the last."""
        return walked("refresh_cart_items", lambda token: self.call("refresh_cart_items", page=token))

    def orders(self, count: int) -> list[Order]:
        """So many new orders, as the cart lists them."""
        return self.listed(self.seed(count))

    def listed(self, ids: Sequence[str]) -> list[Order]:
        """Orders the shop has, as the cart lists them."""
        pages = list(self.pages(self.window()))
        self.check_listed(ids, pages)
        listed = {order.remote_id: order for page in pages for order in page.orders}
        return [listed[order_id] for order_id in ids]

    def check_listed(self, ids: Sequence[str], pages: Sequence[OrderPage]) -> None:
        """Check that the pages of a listing hold these orders."""
        missing = sorted(set(ids) - {order.remote_id for page in pages for order in page.orders})
        assert not missing, explain_missing(missing, pages, self.hooks.refused)

    def remote_ids(self, skus: Sequence[str]) -> dict[str, str]:
        """Map these SKUs to the cart's own ids, as far as it tells them."""
        if self.has("read_inventory"):
            shown = self.call("read_inventory", skus=skus)
            return {entry.sku: getattr(entry, "remote_id", "") for entry in shown}
        pages = self.item_pages() if self.has("refresh_cart_items") else ()
        return {item.sku: item.remote_id for page in pages if isinstance(page, ItemPage) for item in page.items}

    def write(self, hook: str, entries: Sequence[Any]) -> WriteReply:
        """One write, its reply checked against the keys that were sent."""
        reply: WriteReply = self.call(hook, **{WRITES[hook]: list(entries)})
        check_reply(hook, [entry.key for entry in entries], reply, self.clock.now())
        return reply

    def settle(self, hook: str, entries: Sequence[Any]) -> dict[str, Result]:
        """Write until every entry has been applied or rejected, waiting as the cart asks; the results by key."""
        results: dict[str, Result] = {}
        left = list(entries)
        for _ in range(self.author.asks):
            reply = self.write(hook, left)
            results |= dict(reply.results)
            assert not reply.pending or self.has("poll_submission"), (
                f"{hook} leaves work, and no poll_submission asks on"
            )
            for pending in reply.pending:
                results |= self.poll(Submission(pending.handle, hook, pending.keys, self.clock.now()), pending.ask_at)
            again = [result.when for result in results.values() if isinstance(result, Retry)]
            if not again:
                return results
            self.clock.advance_to(max(again))
            left = [entry for entry in entries if isinstance(results[entry.key], Retry)]
        raise AssertionError(f"{hook} answered Retry {self.author.asks} times, though nothing stood in its way")

    def poll(self, submission: Submission, ask_at: Any) -> dict[str, Result]:
        """Ask about slow work, as often as the cart wants, until every key has its result."""
        results: dict[str, Result] = {}
        open_work = [(submission, ask_at)]
        for _ in range(self.author.asks):
            if not open_work:
                return results
            asked, when = open_work.pop(0)
            self.clock.advance_to(when)
            reply = self.call("poll_submission", submission=asked)
            check_reply("poll_submission", asked.keys, reply, self.clock.now())
            results |= dict(reply.results)
            open_work += [(replace(asked, handle=more.handle, keys=more.keys), more.ask_at) for more in reply.pending]
        raise AssertionError(
            f"poll_submission said pending {self.author.asks} times. Does the shop live by the clock it was given?"
        )

    def apply(self, hook: str, entries: Sequence[Any], reason: str) -> dict[str, Result]:
        """`settle` for entries nothing is wrong with: every one must be applied."""
        results = self.settle(hook, entries)
        refused = {key: result for key, result in results.items() if not isinstance(result, Applied)}
        assert not refused, f"{hook}, {reason}: {refused}"
        return results

    def found_in(self, texts: Mapping[str, str]) -> list[str]:
        """Describe which of the named texts hold a key or the address of this store."""
        keys = [one for one in self._secret if isinstance(one, Secret)]
        addresses = [Secret(url) for url in self._own_urls() if url]
        return [
            f"{name} holds {what}"
            for name, text in sorted(texts.items())
            for what, wanted in (("a key or a token", keys), ("the address", addresses))
            if any(holds(text, one) for one in wanted)
        ]

    def check_nothing_was_given_away(self) -> None:
        """Check that no text holds credentials, tokens, or buyers' data of the orders read so far."""
        check_nothing_is_given_away(self.hooks.outputs, self._secret)

    def _typing(self, step: Redirect | AskFields | Connected, answers: Mapping[str, str]) -> Store:
        """The store while its install goes on with what was typed; the address of a shop stays with it."""
        if not isinstance(step, AskFields):
            return self.store
        secret = {field.key for field in step.fields if field.kind is FieldKind.SECRET}
        self._secret += [Secret(answers[key]) for key in secret if answers.get(key)]
        typed = replace(self.store, settings={**self.store.settings, **answers})
        kept = {key: value for key, value in answers.items() if key not in secret}
        self.store = replace(self.store, settings={**self.store.settings, **kept})
        self._allow()
        return typed

    def _allow(self) -> None:
        urls = [
            self.app.values.get(field.key, "") for field in self.manifest.platform_fields if field.kind is FieldKind.URL
        ]
        urls += self._own_urls()
        chosen = [entry for entry in self.manifest.environments if entry.code == self.app.environment]
        hosts = {host for entry in chosen for host in entry.hosts} | {
            urlsplit(url).netloc.lower() for url in urls if url
        }
        for way_out in (self.http, self._http_of_tokens):
            way_out.hosts = frozenset(hosts)

    def _own_urls(self) -> list[str]:
        # The key "shop_url" is known to the core before it is among the declared store fields.
        keys = {field.key for field in self.manifest.store_fields if field.kind is FieldKind.SHOP_URL} | {"shop_url"}
        return [self.store.settings.get(key, "") for key in keys]

    def _context(self, http: ShopHttp, store: Store, token: KeptToken | NoToken) -> CartContext:
        log = logging.LoggerAdapter(logging.getLogger(f"is2.cart.{self.manifest.name}"), {"integration": 1})
        return CartContext(store, self.app, http, token, self.clock, log)


@contextmanager
def running(author: CartUnderTest, clock: StillClock, hooks: Hooks) -> Iterator[Harness]:
    """A fresh shop with a store that is not connected yet; at the end, what the cart has said is checked."""
    with ExitStack() as stack:
        shop = stack.enter_context(author.shop(clock))
        ways_out = (stack.enter_context(ShopHttp(clock)), stack.enter_context(ShopHttp(clock)))
        harness = Harness(author, shop, clock, hooks, ways_out)
        yield harness
        harness.check_nothing_was_given_away()
