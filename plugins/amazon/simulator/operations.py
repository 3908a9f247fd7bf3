"""The operations served: address, model file, published rates, query parameters (Amazon's model files) and roles."""

import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote

from plugins.amazon.simulator.access.marketplaces import REGIONS
from plugins.amazon.simulator.access.roles import (
    ACCOUNT_ROLES,
    FAR_EAST_PARTICIPATION_ROLES,
    FEED_ROLES,
    LISTINGS_ROLES,
    ORDER_ROLES,
    PARTICIPATION_ROLES,
    RESTRICTED_ELEMENTS,
    SHIPMENT_ROLES,
)

NOTIFICATIONS_SCOPE = "sellingpartnerapi::notifications"
# The name comes from several client libraries; Amazon's page "Grantless Operations" lists the operation only.
ROTATION_SCOPE = "sellingpartnerapi::client_credential:rotation"


@dataclass(frozen=True)
class Operation:
    """One operation.

    `name` is unique here, `operation_id` is the model's name for it: Orders v0 and v2026-01-01 both have a getOrder.
    `rate` is requests a second, `burst` the size of the bucket; `application_rate` the ceiling a second over all
    sellers of one application, where there is one. `roles`: one of them is needed; none named, none needed; in the Far
    East one of `far_east_roles` does as well. `regions` serve it. `scope` marks a grantless operation. `model` is None
    where Amazon publishes no model file.
    """

    name: str
    operation_id: str
    model: str | None
    method: str
    template: str
    rate: float
    burst: int
    parameters: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    application_rate: float | None = None
    scope: str | None = None
    json_body: bool = False
    far_east_roles: frozenset[str] = frozenset()
    regions: tuple[str, ...] = REGIONS

    def takes(self, roles: frozenset[str], region: str) -> bool:
        """Whether a caller with these roles may call it in a region."""
        enough = self.roles | self.far_east_roles if region == "fe" else self.roles
        return region in self.regions and (not enough or bool(enough & roles))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template))

    def match(self, path: str) -> dict[str, str] | None:
        """The path parameters, decoded, when `path` (still percent-encoded) is this operation's."""
        found = self._pattern.fullmatch(path)
        return {name: unquote(value) for name, value in found.groupdict().items()} if found else None


class _Model:
    """Collects the operations of one model file."""

    def __init__(self, model: str | None, root: str, roles: frozenset[str] = frozenset()) -> None:
        self._model, self._root, self._roles = model, root, roles
        self.operations: list[Operation] = []

    def add(
        self,
        operation_id: str,
        call: str,
        rate: float,
        burst: int,
        parameters: str = "",
        *,
        name: str | None = None,
        roles: frozenset[str] | None = None,
        application_rate: float | None = None,
        scope: str | None = None,
        json_body: bool | None = None,
        far_east_roles: frozenset[str] = frozenset(),
        regions: tuple[str, ...] = REGIONS,
    ) -> "_Model":
        """`call` is the method and the rest of the address."""
        method, _, rest = call.partition(" ")
        self.operations.append(
            Operation(
                name or operation_id,
                operation_id,
                self._model,
                method,
                self._root + rest,
                rate,
                burst,
                frozenset(parameters.split()),
                self._roles if roles is None else roles,
                application_rate,
                scope,
                method in ("POST", "PATCH", "PUT") if json_body is None else json_body,
                far_east_roles,
                regions,
            )
        )
        return self


_ORDERS = (
    _Model("orders_2026-01-01", "/orders/2026-01-01/orders", ORDER_ROLES)
    .add(
        "searchOrders",
        "GET ",
        0.0056,
        20,
        "createdAfter createdBefore lastUpdatedAfter lastUpdatedBefore fulfillmentStatuses marketplaceIds"
        " fulfilledBy maxResultsPerPage paginationToken includedData",
    )
    .add("getOrder", "GET /{orderId}", 0.5, 30, "includedData")
)
_ORDERS_V0 = (
    _Model("ordersV0", "/orders/v0/orders", ORDER_ROLES)
    .add(
        "getOrders",
        "GET ",
        0.0167,
        20,
        "CreatedAfter CreatedBefore LastUpdatedAfter LastUpdatedBefore OrderStatuses MarketplaceIds FulfillmentChannels"
        " PaymentMethods BuyerEmail SellerOrderId MaxResultsPerPage EasyShipShipmentStatuses ElectronicInvoiceStatuses"
        " NextToken AmazonOrderIds ActualFulfillmentSupplySourceId IsISPU StoreChainStoreId EarliestDeliveryDateBefore"
        " EarliestDeliveryDateAfter LatestDeliveryDateBefore LatestDeliveryDateAfter",
    )
    .add("getOrder", "GET /{orderId}", 0.5, 30, name="getOrderV0")
    .add("getOrderBuyerInfo", "GET /{orderId}/buyerInfo", 0.5, 30)
    .add("getOrderAddress", "GET /{orderId}/address", 0.5, 30)
    .add("getOrderItems", "GET /{orderId}/orderItems", 0.5, 30, "NextToken")
    .add("getOrderItemsBuyerInfo", "GET /{orderId}/orderItems/buyerInfo", 0.5, 30, "NextToken")
    .add("getOrderRegulatedInfo", "GET /{orderId}/regulatedInfo", 0.5, 30)
    .add("confirmShipment", "POST /{orderId}/shipmentConfirmation", 2, 10, roles=SHIPMENT_ROLES)
)
_FEEDS = (
    _Model("feeds_2021-06-30", "/feeds/2021-06-30", FEED_ROLES)
    .add("createFeedDocument", "POST /documents", 0.5, 15)
    .add("getFeedDocument", "GET /documents/{feedDocumentId}", 0.0222, 10, "enableContentEncodingUrlHeader")
    .add("createFeed", "POST /feeds", 0.0083, 15)
    .add("getFeed", "GET /feeds/{feedId}", 2, 15)
    .add("cancelFeed", "DELETE /feeds/{feedId}", 2, 15)
    .add(
        "getFeeds",
        "GET /feeds",
        0.0222,
        10,
        "feedTypes marketplaceIds pageSize processingStatuses createdSince createdUntil nextToken",
    )
)
# Ceilings per application: Amazon's page "Listings Items API Rate Limits"; for searchListingsItems none was found
# there (unverified).
_LISTINGS = (
    _Model("listingsItems_2021-08-01", "/listings/2021-08-01/items/{sellerId}", LISTINGS_ROLES)
    .add("getListingsItem", "GET /{sku}", 5, 10, "marketplaceIds issueLocale includedData", application_rate=100)
    .add(
        "putListingsItem",
        "PUT /{sku}",
        5,
        10,
        "marketplaceIds includedData mode issueLocale",
        application_rate=100,
    )
    .add(
        "patchListingsItem",
        "PATCH /{sku}",
        5,
        5,
        "marketplaceIds includedData mode issueLocale",
        application_rate=500,
    )
    .add("deleteListingsItem", "DELETE /{sku}", 5, 5, "marketplaceIds issueLocale", application_rate=100)
    .add(
        "searchListingsItems",
        "GET ",
        5,
        5,
        "marketplaceIds issueLocale includedData identifiers identifiersType variationParentSku packageHierarchySku"
        " createdAfter createdBefore lastUpdatedAfter lastUpdatedBefore withIssueSeverity withStatus withoutStatus"
        " sortBy sortOrder pageSize pageToken",
        application_rate=100,
    )
)
# "getAccount: Regions: EU" (Amazon's page "Sellers API"); what it answers elsewhere is not said there (unverified).
_SELLERS = (
    _Model("sellers", "/sellers/v1", PARTICIPATION_ROLES)
    .add(
        "getMarketplaceParticipations",
        "GET /marketplaceParticipations",
        0.016,
        15,
        far_east_roles=FAR_EAST_PARTICIPATION_ROLES,
    )
    .add("getAccount", "GET /account", 0.016, 15, roles=ACCOUNT_ROLES, regions=("eu",))
)
_TOKENS = _Model("tokens_2021-03-01", "/tokens/2021-03-01", ORDER_ROLES).add(
    "createRestrictedDataToken", "POST /restrictedDataToken", 1, 10
)
_APPLICATIONS = _Model(None, "/applications/2023-11-30").add(
    "rotateApplicationClientSecret", "POST /clientSecret", 0.0167, 1, scope=ROTATION_SCOPE, json_body=False
)
_SUBSCRIPTIONS, _DESTINATIONS = "/subscriptions", "/destinations"
# A subscription asks for a role of its type; any that opens orders or feeds will do here (unverified).
_NOTIFICATIONS = (
    _Model("notifications", "/notifications/v1", ORDER_ROLES)
    .add("getSubscriptions", f"GET {_SUBSCRIPTIONS}", 1, 5, "notificationTypes payloadVersion pageSize nextToken")
    .add("getSubscription", f"GET {_SUBSCRIPTIONS}/{{notificationType}}", 1, 5, "payloadVersion")
    .add("createSubscription", f"POST {_SUBSCRIPTIONS}/{{notificationType}}", 1, 5)
    .add(
        "getSubscriptionById",
        f"GET {_SUBSCRIPTIONS}/{{notificationType}}/{{subscriptionId}}",
        1,
        5,
        scope=NOTIFICATIONS_SCOPE,
    )
    .add(
        "deleteSubscriptionById",
        f"DELETE {_SUBSCRIPTIONS}/{{notificationType}}/{{subscriptionId}}",
        1,
        5,
        scope=NOTIFICATIONS_SCOPE,
    )
    .add("getDestinations", f"GET {_DESTINATIONS}", 1, 5, scope=NOTIFICATIONS_SCOPE)
    .add("createDestination", f"POST {_DESTINATIONS}", 1, 5, scope=NOTIFICATIONS_SCOPE)
    .add("getDestination", f"GET {_DESTINATIONS}/{{destinationId}}", 1, 5, scope=NOTIFICATIONS_SCOPE)
    .add("deleteDestination", f"DELETE {_DESTINATIONS}/{{destinationId}}", 1, 5, scope=NOTIFICATIONS_SCOPE)
)

_TABLES = (_ORDERS, _ORDERS_V0, _FEEDS, _LISTINGS, _SELLERS, _TOKENS, _APPLICATIONS, _NOTIFICATIONS)
OPERATIONS = {operation.name: operation for table in _TABLES for operation in table.operations}
# The roles that open anything here, and others of Amazon's page "Role Mappings", which open nothing.
KNOWN_ROLES = frozenset({"Amazon Warehousing and Distribution", "Brand Analytics", "Professional Services"}).union(
    *(operation.roles for operation in OPERATIONS.values()), *RESTRICTED_ELEMENTS.values()
)


def find_operation(method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    """The operation behind a method and path (without the region), with its path parameters."""
    for operation in OPERATIONS.values():
        if operation.method == method and (found := operation.match(path)) is not None:
            return operation, found
    return None
