"""Tokens API 2021-03-01: restricted data tokens."""

from typing import Any

from plugins.amazon.simulator.grants import TOKEN_LIFE, Grants
from plugins.amazon.simulator.messages import ApiError

_ORDERS_V0 = "/orders/v0/orders"
_ELEMENTS = frozenset({"buyerInfo", "shippingAddress", "buyerTaxInformation"})
_METHODS = ("GET", "PUT", "POST", "DELETE")


def create_restricted_token(grants: Grants, application: str, seller: str, body: dict[str, Any]) -> dict[str, Any]:
    """createRestrictedDataToken: a token good for the named paths only.

    Raises:
        ApiError: 400 InvalidRequest for resources that cannot be.
    """
    resources = body.get("restrictedResources")
    if not isinstance(resources, list) or not 1 <= len(resources) <= 50:
        raise _invalid("restrictedResources must hold 1 to 50 resources.")
    paths = []
    for resource in resources:
        path = resource.get("path") if isinstance(resource, dict) else None
        if not isinstance(path, str) or not path.startswith("/") or "?" in path:
            raise _invalid("path must be an address without a query string.")
        if resource.get("method") not in _METHODS:
            raise _invalid("method must be GET, PUT, POST or DELETE.")
        elements = resource.get("dataElements")
        if elements is not None:
            if not isinstance(elements, list) or not set(elements) <= _ELEMENTS:
                raise _invalid("dataElements must be a list of buyerInfo, shippingAddress, buyerTaxInformation.")
            if not path.startswith(_ORDERS_V0):
                raise _invalid("dataElements are for the order reads of version 0 only.")
        paths.append(path)
    token = grants.new_access_token(application, seller, restricted_to=tuple(paths))
    return {"restrictedDataToken": token, "expiresIn": int(TOKEN_LIFE.total_seconds())}


def _invalid(message: str) -> ApiError:
    return ApiError(400, "InvalidRequest", message)
