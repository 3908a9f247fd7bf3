"""What each operation of the Selling Partner API does, once the caller is known and admitted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plugins.amazon.simulator.applications import DIRECT_TO_CONSUMER, INVENTORY_AND_ORDERS, ORDER_ROLES, PRODUCT_LISTING
from plugins.amazon.simulator.calls import Call
from plugins.amazon.simulator.feeds import JSON_LISTINGS
from plugins.amazon.simulator.messages import ApiError, Response, access_denied, json_response
from plugins.amazon.simulator.operations import Operation
from plugins.amazon.simulator.restricted_tokens import create_restricted_token
from plugins.amazon.simulator.sellers import Seller
from plugins.amazon.simulator.state import LISTINGS_FEED_BUCKET, State

_LISTINGS_ROLES = frozenset({PRODUCT_LISTING, INVENTORY_AND_ORDERS})
ROLES = {
    "searchOrders": ORDER_ROLES,
    "getOrder": ORDER_ROLES,
    "confirmShipment": frozenset({DIRECT_TO_CONSUMER, INVENTORY_AND_ORDERS}),
    "getListingsItem": _LISTINGS_ROLES,
    "patchListingsItem": _LISTINGS_ROLES,
    "searchListingsItems": _LISTINGS_ROLES,
}


@dataclass(frozen=True)
class Caller:
    """Who asks, with what roles."""

    seller: Seller
    application: str
    roles: frozenset[str]


class Api:
    """Runs operations against a state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def run(
        self,
        operation: Operation,
        caller: Caller,
        path: Mapping[str, str],
        query: Mapping[str, str],
        body: Any,
        call: Call,
        *,
        repeat: bool = False,
    ) -> Response:
        """The answer of an operation; raises ApiError for Amazon's refusals."""
        needed = ROLES.get(operation.name)
        if needed is not None and not needed & caller.roles:
            raise access_denied()
        if operation.name == "searchOrders":
            found = self._state.search.search(caller.seller.id, query, caller.roles, repeat=repeat)
            return json_response(200, found)
        if operation.name == "getOrder":
            found = self._state.search.get(caller.seller.id, path["orderId"], query, caller.roles)
            return json_response(200, found)
        if operation.name == "getMarketplaceParticipations":
            return json_response(200, {"payload": caller.seller.participations()})
        if operation.name == "confirmShipment":
            return self._confirm(caller, path["orderId"], body, call)
        if operation.name == "createRestrictedDataToken":
            token = create_restricted_token(self._state.grants, caller.application, caller.seller.id, body)
            return json_response(200, token)
        if operation.model == "feeds_2021-06-30":
            return self._feeds(operation.name, caller, path, query, body, call)
        return self._listings(operation.name, caller, path, query, body, call)

    def _confirm(self, caller: Caller, order_id: str, body: Any, call: Call) -> Response:
        booked = self._state.shipments.confirm(caller.seller.id, order_id, body)
        call.packages = [f"{booked.id}/{body['packageDetail']['packageReferenceId']}"]
        return Response(204)

    def _feeds(
        self, name: str, caller: Caller, path: Mapping[str, str], query: Mapping[str, str], body: Any, call: Call
    ) -> Response:
        feeds, seller = self._state.feeds, caller.seller
        if name == "createFeedDocument":
            return json_response(201, feeds.create_document(seller, body))
        if name == "createFeed":
            if body.get("feedType") == JSON_LISTINGS and not self._state.buckets.take(
                seller.id, caller.application, LISTINGS_FEED_BUCKET
            ):
                raise ApiError(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
            created = feeds.create(seller, body, caller.roles)
            call.feed = created["feedId"]
            return json_response(202, created)
        if name == "getFeed":
            return json_response(200, feeds.get(seller, path["feedId"]).as_json())
        if name == "cancelFeed":
            feeds.cancel(seller, path["feedId"])
            return Response(200)
        if name == "getFeeds":
            return json_response(200, feeds.listed(seller, query))
        return json_response(200, feeds.get_document(seller, path["feedDocumentId"]))

    def _listings(
        self, name: str, caller: Caller, path: Mapping[str, str], query: Mapping[str, str], body: Any, call: Call
    ) -> Response:
        items = self._state.listings_items
        call.skus = [path["sku"]] if "sku" in path else []
        if name == "getListingsItem":
            return json_response(200, items.get(caller.seller, path, query))
        if name == "patchListingsItem":
            return json_response(200, items.patch(caller.seller, path, query, body))
        return json_response(200, items.search(caller.seller, path, query))
