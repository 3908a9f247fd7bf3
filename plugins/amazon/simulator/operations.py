"""The operations served: address, model file, published rate and query parameters (Amazon's model files)."""

import re
from dataclasses import dataclass
from urllib.parse import unquote


@dataclass(frozen=True)
class Operation:
    """One operation. `rate` is requests a second, `burst` the size of the bucket."""

    name: str
    model: str
    method: str
    template: str
    rate: float
    burst: int
    parameters: frozenset[str] = frozenset()
    json_body: bool = False

    def match(self, path: str) -> dict[str, str] | None:
        """The path parameters, decoded, when `path` (still percent-encoded) is this operation's."""
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template), path)
        return {name: unquote(value) for name, value in found.groupdict().items()} if found else None


def _operation(name: str, model: str, call: str, rate: float, burst: int, parameters: str = "") -> Operation:
    method, template = call.split()
    body = method in ("POST", "PATCH", "PUT")
    return Operation(name, model, method, template, rate, burst, frozenset(parameters.split()), body)


_ORDERS, _FEEDS, _LISTINGS = "/orders/2026-01-01/orders", "/feeds/2021-06-30", "/listings/2021-08-01/items/{sellerId}"

OPERATIONS = {
    operation.name: operation
    for operation in (
        _operation(
            "searchOrders",
            "orders_2026-01-01",
            f"GET {_ORDERS}",
            0.0056,
            20,
            "createdAfter createdBefore lastUpdatedAfter lastUpdatedBefore fulfillmentStatuses marketplaceIds"
            " fulfilledBy maxResultsPerPage paginationToken includedData",
        ),
        _operation("getOrder", "orders_2026-01-01", f"GET {_ORDERS}/{{orderId}}", 0.5, 30, "includedData"),
        _operation("confirmShipment", "ordersV0", "POST /orders/v0/orders/{orderId}/shipmentConfirmation", 2, 10),
        _operation("createFeedDocument", "feeds_2021-06-30", f"POST {_FEEDS}/documents", 0.5, 15),
        _operation(
            "getFeedDocument",
            "feeds_2021-06-30",
            f"GET {_FEEDS}/documents/{{feedDocumentId}}",
            0.0222,
            10,
            "enableContentEncodingUrlHeader",
        ),
        _operation("createFeed", "feeds_2021-06-30", f"POST {_FEEDS}/feeds", 0.0083, 15),
        _operation("getFeed", "feeds_2021-06-30", f"GET {_FEEDS}/feeds/{{feedId}}", 2, 15),
        _operation("cancelFeed", "feeds_2021-06-30", f"DELETE {_FEEDS}/feeds/{{feedId}}", 2, 15),
        _operation(
            "getFeeds",
            "feeds_2021-06-30",
            f"GET {_FEEDS}/feeds",
            0.0222,
            10,
            "feedTypes marketplaceIds pageSize processingStatuses createdSince createdUntil nextToken",
        ),
        _operation("getMarketplaceParticipations", "sellers", "GET /sellers/v1/marketplaceParticipations", 0.016, 15),
        _operation(
            "createRestrictedDataToken", "tokens_2021-03-01", "POST /tokens/2021-03-01/restrictedDataToken", 1, 10
        ),
        _operation(
            "getListingsItem",
            "listingsItems_2021-08-01",
            f"GET {_LISTINGS}/{{sku}}",
            5,
            10,
            "marketplaceIds issueLocale includedData",
        ),
        _operation(
            "patchListingsItem",
            "listingsItems_2021-08-01",
            f"PATCH {_LISTINGS}/{{sku}}",
            5,
            5,
            "marketplaceIds includedData mode issueLocale",
        ),
        _operation(
            "searchListingsItems",
            "listingsItems_2021-08-01",
            f"GET {_LISTINGS}",
            5,
            5,
            "marketplaceIds issueLocale includedData identifiers identifiersType variationParentSku packageHierarchySku"
            " createdAfter createdBefore lastUpdatedAfter lastUpdatedBefore withIssueSeverity withStatus withoutStatus"
            " sortBy sortOrder pageSize pageToken",
        ),
    )
}


def find_operation(method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    """The operation behind a method and path (without the region), with its path parameters."""
    for operation in OPERATIONS.values():
        if operation.method == method and (found := operation.match(path)) is not None:
            return operation, found
    return None
