"""Tokens API 2021-03-01: restricted data tokens."""

from collections.abc import Collection, Container
from typing import Any

from plugins.amazon.simulator.access.grants import TOKEN_LIFE, Grants, Restriction
from plugins.amazon.simulator.access.roles import RESTRICTED_ELEMENTS
from plugins.amazon.simulator.messages import ApiError, invalid_input
from plugins.amazon.simulator.operations import Operation, find_operation

_METHODS = ("GET", "PUT", "POST", "DELETE")
# The operations that take dataElements, and those whose whole answer is one restricted element.
_BY_ELEMENTS = frozenset({"getOrders", "getOrderV0", "getOrderItems"})
_WHOLE = {
    "getOrderAddress": "shippingAddress",
    "getOrderBuyerInfo": "buyerInfo",
    "getOrderItemsBuyerInfo": "buyerInfo",
}


def create_restricted_token(
    grants: Grants,
    body: dict[str, Any],
    *,
    application: str,
    seller: str,
    roles: Collection[str],
    registered: Container[str],
) -> dict[str, Any]:
    """createRestrictedDataToken: a token good for the named paths only, for the target application where one is named.

    Raises:
        ApiError: 400 InvalidRequest for resources that cannot be, 400 InvalidInput for data the roles do not open.
    """
    resources = body.get("restrictedResources")
    if not isinstance(resources, list) or not 1 <= len(resources) <= 50:
        raise _invalid("restrictedResources must hold 1 to 50 resources.")
    target = body.get("targetApplication", application)
    if not isinstance(target, str) or target not in registered:
        raise _invalid("targetApplication names no registered application.")
    restrictions = tuple(_restriction(resource, roles) for resource in resources)
    token = grants.new_access_token(target, seller, restricted_to=restrictions)
    return {"restrictedDataToken": token, "expiresIn": int(TOKEN_LIFE.total_seconds())}


def _restriction(resource: Any, roles: Collection[str]) -> Restriction:
    path = resource.get("path") if isinstance(resource, dict) else None
    if not isinstance(path, str) or not path.startswith("/") or "?" in path:
        raise _invalid("path must be an address without a query string.")
    if resource.get("method") not in _METHODS:
        raise _invalid("method must be GET, PUT, POST or DELETE.")
    found = find_operation(resource["method"], path)
    if found is None:
        raise _invalid(f"{resource['method']} {path} is no operation that is served here.")
    operation = found[0]
    elements = _elements(resource.get("dataElements"), operation)
    # Both texts are those developers report (amzn/selling-partner-api-docs issues 1201 and 702).
    if refused := [each for each in elements if not RESTRICTED_ELEMENTS[each] & set(roles)]:
        if operation.name in _WHOLE:
            raise invalid_input("Application do not have access to some or all requested resource")
        names = ", ".join(refused)
        raise invalid_input(f"Application does not have access to one or more requested data elements: [{names}]")
    return Restriction(resource["method"], path, frozenset(elements))


def _elements(given: Any, operation: Operation) -> list[str]:
    name = operation.name
    if name in _BY_ELEMENTS and not given:
        raise _invalid("dataElements are required for getOrders, getOrder and getOrderItems of version 0.")
    if given is None:
        return [_WHOLE[name]] if name in _WHOLE else []
    known = list(RESTRICTED_ELEMENTS)
    if not isinstance(given, list) or not all(each in known for each in given):
        raise _invalid(f"dataElements must be a list of {', '.join(RESTRICTED_ELEMENTS)}.")
    if name not in _BY_ELEMENTS:
        raise _invalid("dataElements are for getOrders, getOrder and getOrderItems of version 0 only.")
    return list(given)


def _invalid(message: str) -> ApiError:
    return ApiError(400, "InvalidRequest", message)
