"""Reading orders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from plugins.conformance.carts.capability import needs
from plugins.conformance.carts.cart_under_test import CartUnderTest
from plugins.conformance.carts.harness import Rig, running
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
    def test_every_order_of_the_window_is_listed(self, rig: Rig, by: QueryBy, states: tuple[OrderState, ...]) -> None:
        seeded = rig.seed(3)
        query = replace(rig.window(by), states=states)
        rig.check_listed(seeded, list(rig.pages(query)))

    def test_the_window_holds_at_both_its_ends(self, rig: Rig) -> None:
        (order,) = rig.orders(1)
        for by, instant in ((QueryBy.CREATED, order.created_at), (QueryBy.UPDATED, order.updated_at)):
            rig.check_listed([order.remote_id], list(rig.pages(OrderQuery(by, instant, instant))))

    def test_an_order_has_what_the_warehouse_needs(self, rig: Rig) -> None:
        for order in rig.orders(2):
            name = f"order {order.remote_id}"
            assert order.state is OrderState.READY, f"{name} is ready to ship and is listed as {order.state}"
            assert order.fulfilled_by is FulfilledBy.MERCHANT, (
                f"{name} is the merchant's, listed as {order.fulfilled_by}"
            )
            assert order.lines and all(line.open for line in order.lines), f"{name} has no line, or none that is open"
            assert order.recipient is not None and order.recipient.country, f"{name} has no recipient with a country"
            assert order.created_at <= order.updated_at, f"{name} was changed before it was made"
            assert not order.unknown, f"{name} holds values the cart has no word for: {order.unknown}"

    def test_the_listing_ends_and_loses_nothing_between_pages(self, rig: Rig) -> None:
        seeded = rig.seed(self.orders_for_pages)
        rig.check_listed(seeded, list(rig.pages(rig.window())))

    def test_a_page_token_outlives_the_process_that_got_it(self, rig: Rig) -> None:
        query, first = self._first_of_several(rig)
        token = json.loads(json.dumps(first.next_page))
        assert isinstance(token, str) and token.encode().decode() == first.next_page, "a page token is kept as text"
        again = [rig.call("fetch_orders", query=replace(query, page=token)) for _ in range(2)]
        assert _ids(again[0]) == _ids(again[1]), "the same page token gave another page the second time"
        assert _ids(again[0]), "the page after the first is empty"

    def test_a_page_that_has_gone_is_said_to_have_expired(self, rig: Rig) -> None:
        rig.seed(1)
        with must_raise(PageExpired, "the page token is none of this listing's"):
            rig.call("fetch_orders", query=replace(rig.window(), page=_UNREADABLE_PAGE))

    def test_one_broken_order_does_not_break_its_page(self, rig: Rig) -> None:
        seeded = rig.seed(3)
        self.break_one_order(rig.shop, seeded[1])
        rig.let_listings_catch_up()
        pages = list(rig.pages(rig.window()))
        rejected = {reject.remote_id for page in pages for reject in page.rejects}
        assert rejected == {seeded[1]}, f"order {seeded[1]} cannot be understood; rejected were {sorted(rejected)}"
        assert all(reject.sentence.strip() for page in pages for reject in page.rejects), "a reject needs a sentence"
        rig.check_listed([seeded[0], seeded[2]], pages)

    def test_one_order_is_read_as_it_was_listed(self, rig: Rig) -> None:
        needs(rig.hooks, "fetch_order")
        (listed,) = rig.orders(1)
        found = rig.call("fetch_order", remote_id=listed.remote_id)
        assert found == listed, "fetch_order shows another order than fetch_orders"

    def test_an_order_the_shop_does_not_know_is_none(self, rig: Rig) -> None:
        needs(rig.hooks, "fetch_order")
        found = rig.call("fetch_order", remote_id=self.unknown_order)
        assert found is None, "fetch_order returns None for an order the shop does not know"

    def test_a_customization_is_fetched(self, rig: Rig) -> None:
        needs(rig.hooks, "fetch_customization")
        url = customization_url(rig)
        if url is None:
            pytest.skip("override seed_customized_order() to have fetch_customization checked")
        assert rig.call("fetch_customization", url=url).content, "the customization is empty"
        with must_raise(Permanent, "there is nothing at the address of the customization"):
            rig.call("fetch_customization", url=f"{url}-gone")

    def test_two_stores_are_kept_apart(self, rig: Rig) -> None:
        wanted = {rig: rig.seed(2)}
        window = rig.window()
        rig.check_listed(wanted[rig], list(rig.pages(window)))
        with running(self, rig.clock, rig.hooks) as other:
            other.connect()
            assert rig.credentials != other.credentials, (
                "shop() gave two stores the same credentials, so a key that is kept and used for the wrong store goes "
                "unseen: make a key of its own for each shop, such as secrets.token_hex()"
            )
            wanted[other] = other.seed(3)
            try:
                self._check_in_turns(wanted, rig.window())
            except CartError as error:
                raise AssertionError(
                    "the address or the key of one store is kept and used for the other: take both from ctx at each "
                    f"call. Once a second store was connected, fetch_orders raised {type(error).__name__}: {error} "
                    f"{error.detail}"
                ) from error

    def _check_in_turns(self, wanted: Mapping[Rig, Sequence[str]], window: OrderQuery) -> None:
        alone = {one: [_ids(page) for page in one.pages(window)] for one in wanted}
        together: dict[Rig, list[set[str]]] = {one: [] for one in wanted}
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

    def _first_of_several(self, rig: Rig) -> tuple[OrderQuery, OrderPage]:
        rig.seed(self.orders_for_pages)
        query = rig.window()
        first = rig.call("fetch_orders", query=query)
        if first.next_page is None:
            pytest.skip(
                f"{self.orders_for_pages} orders fit on one page; set orders_for_pages higher to have it checked"
            )
        return query, first


class ItemChecks(CartUnderTest):
    """The shop's own item list."""

    def test_the_item_list_is_read_to_its_end(self, rig: Rig) -> None:
        needs(rig.hooks, "refresh_cart_items")
        before = len(rig.http.calls)
        pages = list(rig.item_pages())
        if isinstance(pages[0], NotListed):
            assert pages[0].sentence.strip(), "NotListed needs a sentence for the merchant"
            assert len(rig.http.calls) == before, "NotListed is said without any call"
            return
        skus = {item.sku for page in pages if isinstance(page, ItemPage) for item in page.items}
        missing = set(self.skus) - skus
        assert not missing, f"the item list lacks {sorted(missing)}"

    def test_the_shipping_methods_are_known_without_a_call(self, rig: Rig) -> None:
        needs(rig.hooks, "shipping_mapping_ui")
        before = len(rig.http.calls)
        shown = rig.call("shipping_mapping_ui")
        assert len(rig.http.calls) == before, "shipping_mapping_ui makes no call"
        names = [name.strip().casefold() for method in shown.methods for name in {method.code, *method.aliases}]
        twice = sorted({name for name in names if names.count(name) > 1 or not name})
        assert not twice, f"the shipping methods {twice} are empty or stand there twice"
        assert all(method.label.strip() for method in shown.methods), "a shipping method needs a label"


def _ids(page: OrderPage) -> set[str]:
    return {order.remote_id for order in page.orders} | {reject.remote_id for reject in page.rejects}
