"""Reading orders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from plugins.conformance.carts.capability import needs
from plugins.conformance.carts.cart_under_test import CartUnderTest
from plugins.conformance.carts.harness import Harness, running
from plugins.conformance.carts.sample_calls import customization_url
from plugins.conformance.expecting import must_raise
from plugins.interface import (
    UNSHIPPED,
    CartError,
    FulfilledBy,
    ItemPage,
    NotListed,
    OrderPage,
    OrderQuery,
    OrderState,
    PageExpired,
    Permanent,
    QueryBy,
)

_UNREADABLE_PAGE = "this is no page of any listing"


class OrderChecks(CartUnderTest):
    """Listings of orders, page by page, and single orders."""

    @pytest.mark.parametrize("by", QueryBy)
    @pytest.mark.parametrize("states", [(), UNSHIPPED], ids=["every state", "what is not shipped"])
    def test_every_order_of_the_window_is_listed(
        self, harness: Harness, by: QueryBy, states: tuple[OrderState, ...]
    ) -> None:
        seeded = harness.seed(3)
        query = replace(harness.window(by), states=states)
        harness.check_listed(seeded, list(harness.pages(query)))

    def test_the_window_holds_at_both_its_ends(self, harness: Harness) -> None:
        (order,) = harness.orders(1)
        for by, instant in ((QueryBy.CREATED, order.created_at), (QueryBy.UPDATED, order.updated_at)):
            harness.check_listed([order.remote_id], list(harness.pages(OrderQuery(by, instant, instant))))

    def test_an_order_has_what_the_warehouse_needs(self, harness: Harness) -> None:
        for order in harness.orders(2):
            name = f"order {order.remote_id}"
            assert order.state is OrderState.READY, f"{name} is ready to ship and is listed as {order.state}"
            assert order.fulfilled_by is FulfilledBy.MERCHANT, (
                f"{name} is the merchant's, listed as {order.fulfilled_by}"
            )
            assert order.lines and all(line.open for line in order.lines), f"{name} has no line, or none that is open"
            assert order.recipient is not None and order.recipient.country, f"{name} has no recipient with a country"
            assert order.created_at <= order.updated_at, f"{name} was changed before it was made"
            assert not order.unknown, f"{name} holds values the cart has no word for: {order.unknown}"

    def test_the_listing_ends_and_loses_nothing_between_pages(self, harness: Harness) -> None:
        seeded = harness.seed(self.orders_for_pages)
        harness.check_listed(seeded, list(harness.pages(harness.window())))

    def test_a_page_token_outlives_the_process_that_got_it(self, harness: Harness) -> None:
        query, first = self._first_of_several(harness)
        token = json.loads(json.dumps(first.next_page))
        assert isinstance(token, str) and token.encode().decode() == first.next_page, "a page token is kept as text"
        again = [harness.call("fetch_orders", query=replace(query, page=token)) for _ in range(2)]
        assert _ids(again[0]) == _ids(again[1]), "the same page token gave another page the second time"
        assert _ids(again[0]), "the page after the first is empty"

    def test_a_page_that_has_gone_is_said_to_have_expired(self, harness: Harness) -> None:
        harness.seed(1)
        with must_raise(PageExpired, "the page token is none of this listing's"):
            harness.call("fetch_orders", query=replace(harness.window(), page=_UNREADABLE_PAGE))

    def test_one_broken_order_does_not_break_its_page(self, harness: Harness) -> None:
        seeded = harness.seed(3)
        self.break_one_order(harness.shop, seeded[1])
        harness.let_listings_catch_up()
        pages = list(harness.pages(harness.window()))
        rejected = {reject.remote_id for page in pages for reject in page.rejects}
        assert rejected == {seeded[1]}, f"order {seeded[1]} cannot be understood; rejected were {sorted(rejected)}"
        assert all(reject.message.strip() for page in pages for reject in page.rejects), "a reject needs a message"
        harness.check_listed([seeded[0], seeded[2]], pages)

    def test_one_order_is_read_as_it_was_listed(self, harness: Harness) -> None:
        needs(harness.hooks, "fetch_order")
        (listed,) = harness.orders(1)
        found = harness.call("fetch_order", remote_id=listed.remote_id)
        assert found == listed, "fetch_order shows another order than fetch_orders"

    def test_an_order_the_shop_does_not_know_is_none(self, harness: Harness) -> None:
        needs(harness.hooks, "fetch_order")
        found = harness.call("fetch_order", remote_id=self.unknown_order)
        assert found is None, "fetch_order returns None for an order the shop does not know"

    def test_a_customization_is_fetched(self, harness: Harness) -> None:
        needs(harness.hooks, "fetch_customization")
        url = customization_url(harness)
        if url is None:
            pytest.skip("override seed_customized_order() to have fetch_customization checked")
        assert harness.call("fetch_customization", url=url).content, "the customization is empty"
        with must_raise(Permanent, "there is nothing at the address of the customization"):
            harness.call("fetch_customization", url=f"{url}-gone")

    def test_two_stores_are_kept_apart(self, harness: Harness) -> None:
        wanted = {harness: harness.seed(2)}
        window = harness.window()
        harness.check_listed(wanted[harness], list(harness.pages(window)))
        with running(self, harness.clock, harness.hooks) as other:
            other.connect()
            assert harness.credentials != other.credentials, (
                "shop() gave two stores the same credentials, so a key that is kept and used for the wrong store goes "
                "unseen: make a key of its own for each shop, such as secrets.token_hex()"
            )
            wanted[other] = other.seed(3)
            try:
                self._check_in_turns(wanted, harness.window())
            except CartError as error:
                raise AssertionError(
                    "the address or the key of one store is kept and used for the other: take both from ctx at each "
                    f"call. Once a second store was connected, fetch_orders raised {type(error).__name__}: {error} "
                    f"{error.detail}"
                ) from error

    def _check_in_turns(self, wanted: Mapping[Harness, Sequence[str]], window: OrderQuery) -> None:
        alone = {one: [_ids(page) for page in one.pages(window)] for one in wanted}
        together: dict[Harness, list[set[str]]] = {one: [] for one in wanted}
        listings = {one: one.pages(window) for one in wanted}
        while listings:
            for one, listing in list(listings.items()):
                page = next(listing, None)
                if page is None:
                    del listings[one]
                else:
                    together[one].append(_ids(page))
        assert together == alone, "a listing of one store changed while another store was listed"
        assert all(set(ids) <= set().union(*alone[one]) for one, ids in wanted.items()), (
            "a listing lacks orders of its store while another store is connected: what is kept of one store was used "
            "for the other"
        )

    def _first_of_several(self, harness: Harness) -> tuple[OrderQuery, OrderPage]:
        harness.seed(self.orders_for_pages)
        query = harness.window()
        first = harness.call("fetch_orders", query=query)
        if first.next_page is None:
            pytest.skip(
                f"{self.orders_for_pages} orders fit on one page; set orders_for_pages higher to have it checked"
            )
        return query, first


class ItemChecks(CartUnderTest):
    """The shop's own item list."""

    def test_the_item_list_is_read_to_its_end(self, harness: Harness) -> None:
        needs(harness.hooks, "refresh_cart_items")
        before = len(harness.http.calls)
        pages = list(harness.item_pages())
        if isinstance(pages[0], NotListed):
            assert pages[0].message.strip(), "NotListed needs a message for the merchant"
            assert len(harness.http.calls) == before, "NotListed is said without any call"
            return
        skus = {item.sku for page in pages if isinstance(page, ItemPage) for item in page.items}
        missing = set(self.skus) - skus
        assert not missing, f"the item list lacks {sorted(missing)}"

    def test_the_shipping_methods_are_known_without_a_call(self, harness: Harness) -> None:
        needs(harness.hooks, "shipping_mapping_ui")
        before = len(harness.http.calls)
        shown = harness.call("shipping_mapping_ui")
        assert len(harness.http.calls) == before, "shipping_mapping_ui makes no call"
        names = [name.strip().casefold() for method in shown.methods for name in {method.code, *method.aliases}]
        twice = sorted({name for name in names if names.count(name) > 1 or not name})
        assert not twice, f"the shipping methods {twice} are empty or stand there twice"
        assert all(method.label.strip() for method in shown.methods), "a shipping method needs a label"


def _ids(page: OrderPage) -> set[str]:
    return {order.remote_id for order in page.orders} | {reject.remote_id for reject in page.rejects}
