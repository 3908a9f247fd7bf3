"""Orders in the shape of the Orders API v2026-01-01, for the tests of the translation."""

from __future__ import annotations

import copy
from typing import Any

_READY: dict[str, Any] = {
    "orderId": "111-2223334-5556667",
    "createdTime": "2026-11-20T08:15:30.000Z",
    "lastUpdatedTime": "2026-11-20T09:00:00.500Z",
    "programs": ["PRIME"],
    "salesChannel": {"channelName": "AMAZON", "marketplaceId": "ATVPDKIKX0DER", "marketplaceName": "Amazon.com"},
    "buyer": {
        "buyerName": "Grace Simbuyer",
        "buyerEmail": "grace@marketplace.example",
        "buyerCompanyName": "Harbor Ltd",
        "buyerPurchaseOrderNumber": "PO-9",
    },
    "recipient": {
        "deliveryAddress": {
            "name": "Grace Simbuyer",
            "companyName": "Harbor Ltd",
            "addressLine1": "12 Dock Road",
            "addressLine2": " Gate 3 ",
            "addressLine3": "",
            "city": "Portland",
            "districtOrCounty": "Multnomah",
            "stateOrRegion": "OR",
            "postalCode": "97201",
            "countryCode": "US",
            "phone": "+1-555-0142",
            "addressType": "COMMERCIAL",
        },
        "deliveryPreference": {"dropOffLocation": "Reception", "addressInstruction": "Ring twice."},
    },
    "proceeds": {"grandTotal": {"amount": "45.00", "currencyCode": "USD"}},
    "fulfillment": {
        "fulfillmentStatus": "UNSHIPPED",
        "fulfilledBy": "MERCHANT",
        "fulfillmentServiceLevel": "EXPEDITED",
        "shipByWindow": {"earliestDateTime": "2026-11-20T08:00:00Z", "latestDateTime": "2026-11-24T07:59:59Z"},
        "deliverByWindow": {"earliestDateTime": "2026-11-26T08:00:00Z", "latestDateTime": "2026-11-28T07:59:59Z"},
    },
    "orderItems": [
        {
            "orderItemId": "70000000000001",
            "quantityOrdered": 3,
            "product": {
                "asin": "B000000001",
                "title": "Mug",
                "sellerSku": " 000123 Mug",
                "price": {"unitPrice": {"amount": "15.00", "currencyCode": "USD"}},
                "customization": {"customizedUrl": "https://custom.example/1"},
            },
            "fulfillment": {
                "quantityFulfilled": 0,
                "quantityUnfulfilled": 3,
                "packing": {"giftOption": {"giftMessage": "Happy\nBirthday", "giftWrapLevel": "PREMIUM"}},
                "shipping": {"shippingConstraints": {"signatureConfirmation": "MANDATORY"}},
            },
        }
    ],
}


def ready_order(**changes: Any) -> dict[str, Any]:
    """An UNSHIPPED order the merchant fulfills; `changes` replace whole top-level fields, None removes one."""
    order = copy.deepcopy(_READY) | changes
    return {name: value for name, value in order.items() if value is not None}


def with_status(status: str, **changes: Any) -> dict[str, Any]:
    """The same order in another fulfillmentStatus."""
    order = ready_order(**changes)
    order["fulfillment"] = order["fulfillment"] | {"fulfillmentStatus": status}
    return order


def item(number: int = 1, ordered: int = 1, **fields: Any) -> dict[str, Any]:
    """An order item; `fulfilled` and `unfulfilled` are its quantities, left out where not given."""
    quantities = {
        name: fields.pop(key)
        for name, key in (("quantityFulfilled", "fulfilled"), ("quantityUnfulfilled", "unfulfilled"))
        if key in fields
    }
    return {
        "orderItemId": f"7000000000000{number}",
        "quantityOrdered": ordered,
        "product": {"sellerSku": f"SKU-{number}", "title": f"Item {number}"},
        "fulfillment": quantities,
        **fields,
    }


CANCELLED_ITEM = {"cancellationExecution": {"cancelledBy": "MERCHANT", "cancelReason": "No stock"}}
CANCELLATION_ASKED = {"cancellationRequest": {"requester": "BUYER", "cancelReason": "Ordered by mistake"}}
