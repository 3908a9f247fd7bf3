"""The operations of the Selling Partner API, once the caller is known and admitted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from plugins.amazon.simulator.access.admission import Caller
from plugins.amazon.simulator.access.restricted_tokens import create_restricted_token
from plugins.amazon.simulator.calls import Call
from plugins.amazon.simulator.feeds.feeds import JSON_LISTINGS
from plugins.amazon.simulator.messages import ApiError, Request, Response, invalid_input, json_response, quota_exceeded
from plugins.amazon.simulator.operations import Operation
from plugins.amazon.simulator.state import LISTINGS_FEED_BUCKET, PREVIEW_BUCKET, State

# Several client libraries name seven days; Amazon's page "Rotate your LWA client secret" none.
OLD_SECRET_LIFE = timedelta(days=7)
# The two operations whose 429 says which limit was met (Amazon's changelog of 2025-06-25).
_SAYS_WHICH = ("putListingsItem", "patchListingsItem")


@dataclass(frozen=True)
class Ask:
    """One call, taken apart. `repeat`: a fault wants the page of a listing to lead to itself again."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    call: Call
    repeat: bool = False


class Api:
    """Runs operations against a state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._sellers: dict[str, Callable[[Caller, Ask], Response]] = {
            "searchOrders": self._search_orders,
            "getOrder": self._get_order,
            "confirmShipment": self._confirm,
            "createFeedDocument": self._create_document,
            "createFeed": self._create_feed,
            "getFeed": self._get_feed,
            "cancelFeed": self._cancel_feed,
            "getFeeds": self._get_feeds,
            "getFeedDocument": self._get_document,
            "getMarketplaceParticipations": self._participations,
            "getAccount": self._account,
            "createRestrictedDataToken": self._restricted_token,
        }

    def run(self, operation: Operation, caller: Caller, ask: Ask) -> Response:
        """The answer to a call on behalf of a seller; raises ApiError for Amazon's refusals."""
        if operation.name in self._sellers:
            return self._sellers[operation.name](caller, ask)
        if operation.model == "ordersV0":
            found = self._state.orders_v0.answer(
                operation.name, caller.seller.id, ask.path, ask.query, roles=caller.roles, restricted=caller.restricted
            )
            return json_response(200, {"payload": found})
        if operation.model == "notifications":
            found = self._state.notifications.of_seller(
                operation.name, ask.path, ask.query, ask.body, seller=caller.seller.id, application=caller.application
            )
            return json_response(200, found)
        return self._listings(operation.name, caller, ask)

    def run_grantless(self, operation: Operation, application: str, ask: Ask) -> Response:
        """The answer to a grantless call; raises ApiError."""
        if operation.model == "notifications":
            return json_response(
                200, self._state.notifications.grantless(operation.name, application, ask.path, ask.body)
            )
        return self._rotate(application)

    def take(self, operation: Operation, seller: str, application: str, request: Request) -> None:
        """Count a call against its buckets.

        Raises:
            ApiError: 429 when the seller's or the application's is empty.
        """
        empty = self._state.buckets.take(seller, application, _bucket(operation, request))
        if empty == "application" and operation.name in _SAYS_WHICH:
            raise ApiError(
                429, "QuotaExceeded", "The frequency of requests was greater than what is allowed for the application."
            )
        if empty:
            raise quota_exceeded()

    def _rotate(self, application_id: str) -> Response:
        """rotateApplicationClientSecret: the new secret goes to the developer's queue, here to `/_sim/application`."""
        application = self._state.applications[application_id]
        if not application.rotation_notices:
            raise invalid_input(
                "Application is not enrolled for rotation notification. Please update application notification "
                "preference in Developer console."
            )
        secret = f"amzn1.oa2-cs.v1.{self._state.rng.getrandbits(256):064x}"
        now = self._state.clock.now()
        application.rotate(secret, now, now + OLD_SECRET_LIFE)
        return Response(204)

    def _search_orders(self, caller: Caller, ask: Ask) -> Response:
        found = self._state.search.search(caller.seller.id, ask.query, caller.roles, repeat=ask.repeat)
        return json_response(200, found)

    def _get_order(self, caller: Caller, ask: Ask) -> Response:
        found = self._state.search.get(caller.seller.id, ask.path["orderId"], ask.query, caller.roles)
        return json_response(200, found)

    def _participations(self, caller: Caller, ask: Ask) -> Response:
        return json_response(200, {"payload": caller.seller.participations()})

    def _account(self, caller: Caller, ask: Ask) -> Response:
        return json_response(200, {"payload": caller.seller.account()})

    def _restricted_token(self, caller: Caller, ask: Ask) -> Response:
        token = create_restricted_token(
            self._state.grants,
            ask.body,
            application=caller.application,
            seller=caller.seller.id,
            roles=caller.roles,
            registered=self._state.applications,
        )
        return json_response(200, token)

    def _confirm(self, caller: Caller, ask: Ask) -> Response:
        booked = self._state.shipments.confirm(caller.seller.id, ask.path["orderId"], ask.body)
        ask.call.packages = [f"{booked.id}/{ask.body['packageDetail']['packageReferenceId']}"]
        return Response(204)

    def _create_document(self, caller: Caller, ask: Ask) -> Response:
        return json_response(201, self._state.feeds.create_document(caller.seller, ask.body))

    def _create_feed(self, caller: Caller, ask: Ask) -> Response:
        created = self._state.feeds.create(caller.seller, ask.body, caller.roles)
        ask.call.feed = created["feedId"]
        return json_response(202, created)

    def _get_feed(self, caller: Caller, ask: Ask) -> Response:
        return json_response(200, self._state.feeds.get(caller.seller, ask.path["feedId"]).as_json())

    def _cancel_feed(self, caller: Caller, ask: Ask) -> Response:
        self._state.feeds.cancel(caller.seller, ask.path["feedId"])
        return Response(200)

    def _get_feeds(self, caller: Caller, ask: Ask) -> Response:
        return json_response(200, self._state.feeds.listed(caller.seller, ask.query))

    def _get_document(self, caller: Caller, ask: Ask) -> Response:
        document = self._state.feeds.get_document(caller.seller, ask.path["feedDocumentId"], ask.query)
        return json_response(200, document)

    def _listings(self, name: str, caller: Caller, ask: Ask) -> Response:
        items, seller = self._state.listings_items, caller.seller
        ask.call.skus = [ask.path["sku"]] if "sku" in ask.path else []
        if name == "getListingsItem":
            return json_response(200, items.get(seller, ask.path, ask.query))
        if name == "patchListingsItem":
            return json_response(200, items.patch(seller, ask.path, ask.query, ask.body))
        if name == "putListingsItem":
            return json_response(200, items.put(seller, ask.path, ask.query, ask.body))
        if name == "deleteListingsItem":
            return json_response(200, items.delete(seller, ask.path, ask.query))
        return json_response(200, items.search(seller, ask.path, ask.query))


def _bucket(operation: Operation, request: Request) -> str:
    if operation.name == "patchListingsItem" and request.query.get("mode") == "VALIDATION_PREVIEW":
        return PREVIEW_BUCKET
    if operation.name == "createFeed" and _feed_type(request) == JSON_LISTINGS:
        return LISTINGS_FEED_BUCKET
    return operation.name


def _feed_type(request: Request) -> Any:
    try:
        body = request.json()
    except ValueError:
        return None
    return body.get("feedType") if isinstance(body, dict) else None
