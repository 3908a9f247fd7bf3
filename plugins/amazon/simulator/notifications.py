"""Notifications API v1: destinations and subscriptions (notifications.json). Nothing is ever delivered."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plugins.amazon.simulator.messages import ApiError, invalid_input, not_found

# The types that concern orders and stock, with the one payload version of each.
PAYLOAD_VERSIONS = {
    "ORDER_CHANGE": "1.0",
    "FEED_PROCESSING_FINISHED": "2020-09-04",
    "LISTINGS_ITEM_MFN_QUANTITY_CHANGE": "1.0",
}
_QUEUE = "arn:aws:sqs:"


@dataclass(frozen=True)
class _Subscription:
    """A seller's, made by one application."""

    seller: str
    application: str
    type: str
    shown: dict[str, Any]


class Notifications:
    """Destinations belong to an application, subscriptions to a seller and an application."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._destinations: dict[str, tuple[str, dict[str, Any]]] = {}
        self._subscriptions: dict[str, _Subscription] = {}

    def grantless(self, name: str, application: str, path: Mapping[str, str], body: Any) -> dict[str, Any]:
        """The reply to an operation that needs no seller.

        Raises:
            ApiError: 400 for a malformed body, 404 for what is not the application's, 409 for a queue it has already.
        """
        if name == "createDestination":
            return {"payload": self._create_destination(application, body)}
        if name == "getDestinations":
            return {"payload": [shown for owner, shown in self._destinations.values() if owner == application]}
        if name in ("getDestination", "deleteDestination"):
            owner, destination = self._destinations.get(path["destinationId"], ("", {}))
            if owner != application:
                raise not_found(f"Destination {path['destinationId']} was not found.")
            if name == "getDestination":
                return {"payload": destination}
            del self._destinations[path["destinationId"]]
            return {}
        found = self._subscriptions.get(path["subscriptionId"])
        if found is None or (found.application, found.type) != (application, path["notificationType"]):
            raise not_found(f"Subscription {path['subscriptionId']} was not found.")
        if name == "getSubscriptionById":
            return {"payload": found.shown}
        del self._subscriptions[path["subscriptionId"]]
        return {}

    def of_seller(
        self, name: str, path: Mapping[str, str], query: Mapping[str, str], body: Any, *, seller: str, application: str
    ) -> dict[str, Any]:
        """The reply to an operation on a seller's subscriptions.

        Raises:
            ApiError: 400 for an unknown type, version or destination, 404 for no subscription, 409 for a second one.
        """
        kind = query.get("notificationTypes", "") if name == "getSubscriptions" else path["notificationType"]
        if kind not in PAYLOAD_VERSIONS:
            raise invalid_input(f"notificationType {kind!r} is not supported.")
        mine = [
            each.shown
            for each in self._subscriptions.values()
            if (each.seller, each.application, each.type) == (seller, application, kind)
            and each.shown["payloadVersion"] == query.get("payloadVersion", each.shown["payloadVersion"])
        ]
        if name == "createSubscription":
            if mine:
                raise ApiError(409, "Conflict", f"A subscription to {kind} exists already.")
            return {"payload": self._subscribe(seller, application, kind, body)}
        if name == "getSubscriptions":
            return {"payload": {"subscriptions": mine}}
        if not mine:
            raise not_found(f"There is no subscription to {kind}.")
        return {"payload": mine[0]}

    def _create_destination(self, application: str, body: Any) -> dict[str, Any]:
        name, specification = body.get("name"), body.get("resourceSpecification")
        if not isinstance(name, str) or not name or not isinstance(specification, dict) or len(specification) != 1:
            raise invalid_input("A destination needs a name and one of sqs and eventBridge.")
        resource = _resource(specification)
        if any(owner == application and each["resource"] == resource for owner, each in self._destinations.values()):
            raise ApiError(409, "Conflict", "There is a destination of this resource already.")
        destination: dict[str, Any] = {"name": name, "destinationId": self._new_id(), "resource": resource}
        self._destinations[destination["destinationId"]] = (application, destination)
        return destination

    def _subscribe(self, seller: str, application: str, kind: str, body: Any) -> dict[str, Any]:
        if body.get("payloadVersion") != PAYLOAD_VERSIONS[kind]:
            raise invalid_input(f"payloadVersion of {kind} must be {PAYLOAD_VERSIONS[kind]}.")
        owner, _ = self._destinations.get(str(body.get("destinationId")), ("", {}))
        if owner != application:
            raise invalid_input("destinationId is not one of the application's destinations.")
        shown = {
            name: body[name] for name in ("payloadVersion", "destinationId", "processingDirective") if name in body
        }
        shown["subscriptionId"] = self._new_id()
        self._subscriptions[shown["subscriptionId"]] = _Subscription(seller, application, kind, shown)
        return shown

    def _new_id(self) -> str:
        digits = f"{self._rng.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _resource(specification: Mapping[str, Any]) -> dict[str, Any]:
    (kind,) = specification
    given = specification[kind]
    if kind == "sqs" and isinstance(given, dict) and str(given.get("arn", "")).startswith(_QUEUE):
        return {"sqs": {"arn": given["arn"]}}
    if kind == "eventBridge" and isinstance(given, dict) and given.keys() == {"region", "accountId"}:
        source = f"aws.partner/sellingpartnerapi.amazon.com/{given['accountId']}"
        return {"eventBridge": {"name": source, "region": given["region"], "accountId": given["accountId"]}}
    raise invalid_input("resourceSpecification is invalid.")
