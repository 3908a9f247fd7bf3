"""Faults armed by steering and met by the next calls."""

import json
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, fields as dataclass_fields
from datetime import datetime, timedelta
from typing import Any, cast

from plugins.amazon.simulator.access.lwa import oauth_error
from plugins.amazon.simulator.access.refusals import OUTSIDE, TOKEN, refused
from plugins.amazon.simulator.clock import Clock, parse_time
from plugins.amazon.simulator.messages import ConnectionDropped, Response, access_denied, json_response, quota_exceeded
from plugins.amazon.simulator.operations import OPERATIONS
from plugins.amazon.simulator.orders.order_view import INCLUDED_DATA
from plugins.amazon.simulator.steering import given

KINDS = frozenset(
    "refuse apply_then_drop forget delay 429 5xx html_200 truncate dup_page omit reorder stale 400 403 404 "
    "one_marketplace".split()
)
FORGETFUL = "confirmShipment"
# Of operation token alone: the refresh token is refused as if the seller had revoked it.
INVALID_GRANT = "invalid_grant"
# What may befall a feed when it is worked off; operation FEED_PROCESSED.
FEED_PROCESSED = "feedProcessed"
FEED_KINDS = frozenset({"fatal", "fatal_text_report", "apply_then_fatal", "reject"})
_HTML = b"<html><head><title>Service</title></head><body><h1>We are sorry, an error occurred.</h1></body></html>"


@dataclass
class Fault:
    """One armed fault.

    `times` is how many calls it still strikes, `skip` how many it lets pass before; with `lasts_s` it strikes every
    call for so many seconds of the simulator's clock instead. `status` is for kind 5xx, `seconds` for kind delay,
    `order_id` or `sku` for kind omit (the first of the page when not given; with `older_than_s` all orders that were
    created longer ago). With `dataset` it strikes only calls whose includedData names that one
    (amzn/selling-partner-api-models issue 5365). `message` is the text of kind 400. Kind one_marketplace answers 400 to
    calls whose marketplaceIds names several. Kind forget, of confirmShipment, answers 204 and books nothing. Kind 404
    does not find what there is, and invalid_grant, of operation token, refuses an authorization that is good. Operation
    feedProcessed has kinds of its own: fatal, fatal_text_report (FATAL with a report that is plain text),
    apply_then_fatal, and reject of the line with `order_id` or `sku` (every line when neither is given).
    """

    operation: str
    kind: str
    times: int = 1
    skip: int = 0
    seller: str | None = None
    status: int = 503
    seconds: float = 5
    order_id: str | None = None
    sku: str | None = None
    dataset: str | None = None
    message: str = "Invalid Input"
    older_than_s: float | None = None
    lasts_s: float | None = None
    armed_at: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether its time is up."""
        return self.lasts_s is not None and now >= cast(datetime, self.armed_at) + timedelta(seconds=self.lasts_s)


class Faults:
    """The armed faults, in the order they were armed, and the replies kept for kind stale."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._armed: list[Fault] = []
        self._last: dict[tuple[str, ...], Response] = {}

    def arm(self, **fields: Any) -> Fault:
        """Arm a fault; raises ValueError for one that cannot be."""
        names = [each.name for each in dataclass_fields(Fault) if each.name != "armed_at"]
        given.only(fields, "a fault", names)
        given.one_of(fields.get("operation"), "operation", ("*", FEED_PROCESSED, *OUTSIDE, *OPERATIONS))
        fields["kind"] = str(fields.get("kind", ""))
        if fields["kind"] in ("500", "502", "503", "504"):
            fields |= {"kind": "5xx", "status": int(fields["kind"])}
        fault = Fault(**fields, armed_at=self._clock.now())
        _check(fault)
        self._armed.append(fault)
        return fault

    def listed(self) -> list[dict[str, Any]]:
        """The faults still armed."""
        return [
            {name: value for name, value in asdict(fault).items() if name != "armed_at"}
            for fault in self._armed
            if not fault.is_over(self._clock.now())
        ]

    def disarm(self, fault: Fault) -> bool:
        """Disarm one that is to strike once; returns whether it has struck already."""
        left = [each for each in self._armed if each is not fault]
        struck = len(left) == len(self._armed)
        self._armed = left
        return struck

    def clear(self) -> None:
        """Disarm all."""
        self._armed.clear()

    def strike(
        self, operation: str, seller: str | None, datasets: Collection[str] = (), places: int = 1
    ) -> Fault | None:
        """The fault that this call meets, if any; uses it up by one. `datasets` are those its includedData names,
        `places` how many marketplaces it is about."""
        now = self._clock.now()
        self._armed = [fault for fault in self._armed if not fault.is_over(now)]
        for fault in self._armed:
            anything = fault.operation == "*" and operation != FEED_PROCESSED
            if not (anything or fault.operation == operation) or fault.seller not in (None, seller):
                continue
            if fault.dataset is not None and fault.dataset not in datasets:
                continue
            if fault.kind == "one_marketplace" and places < 2:
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            if fault.lasts_s is None:
                fault.times -= 1
                if not fault.times:
                    self._armed.remove(fault)
            return fault
        return None

    def through(
        self, fault: Fault | None, operation: str, key: tuple[str, ...] | None, answer: Callable[[], Response]
    ) -> Response:
        """The answer as the fault leaves it; `key` names a question that kind stale may answer as it did before.

        Raises:
            ConnectionDropped: no answer goes out; the call may have had its effect (apply_then_drop) or not (refuse).
        """
        kind = fault.kind if fault else None
        if kind == "refuse":
            raise ConnectionDropped("refused by an armed fault")
        if fault and (early := _instead(fault, operation)) is not None:
            return early
        if kind == "stale" and key is not None and key in self._last:
            return self._last[key]
        response = answer()
        if key is not None and response.status == 200:
            self._last[key] = response
        if kind == "apply_then_drop":
            raise ConnectionDropped("dropped after the effect by an armed fault")
        return _damaged(fault, response) if fault else response


def _check(fault: Fault) -> None:
    known = {FEED_PROCESSED: FEED_KINDS, TOKEN: KINDS | {INVALID_GRANT}}.get(fault.operation, KINDS)
    given.one_of(fault.kind, "kind", known)
    given.count(fault.times, "times", 1)
    given.count(fault.skip, "skip")
    given.count(fault.status, "status", 500, 599)
    if fault.kind == "forget":
        given.one_of(fault.operation, "operation", (FORGETFUL,))
    given.number(fault.seconds, "seconds", most=given.YEAR_S)
    for name in ("lasts_s", "older_than_s"):
        if getattr(fault, name) is not None:
            given.number(getattr(fault, name), name, most=given.YEAR_S)
    given.text(fault.message, "message")
    for name in ("order_id", "sku"):
        if getattr(fault, name) is not None:
            given.text(getattr(fault, name), name)
    if fault.dataset is not None:
        given.one_of(fault.dataset, "dataset", INCLUDED_DATA)


def _instead(fault: Fault, operation: str) -> Response | None:
    if fault.kind == "429":
        return refused(operation, 429, "QuotaExceeded", quota_exceeded().message)
    if fault.kind == "400":
        return refused(operation, 400, "", fault.message)
    if fault.kind == "one_marketplace":
        return refused(operation, 400, "InvalidInput", "marketplaceIds takes 1 value at most.")
    if fault.kind == "403":
        # As where a role is gone for a while: the envelope without details.
        return refused(operation, 403, "Unauthorized", access_denied().message)
    if fault.kind == "404":
        return refused(operation, 404, "NotFound", "The resource specified does not exist.")
    if fault.kind == INVALID_GRANT:
        return oauth_error(400, INVALID_GRANT, "The request has an invalid grant parameter : refresh_token")
    if fault.kind == "5xx":
        code = "ServiceUnavailable" if fault.status == 503 else "InternalFailure"
        return refused(operation, fault.status, code, "We encountered an internal error. Please try again.")
    if fault.kind == "forget":
        return Response(204)
    if fault.kind == "html_200":
        return Response(200, {"Content-Type": "text/html; charset=utf-8"}, _HTML)
    return None


def _damaged(fault: Fault, response: Response) -> Response:
    if fault.kind == "delay":
        return Response(response.status, response.headers, response.body, delay_s=fault.seconds)
    if fault.kind == "truncate":
        return Response(response.status, response.headers, response.body[: len(response.body) // 2])
    if fault.kind in ("omit", "reorder") and response.status == 200:
        payload = json.loads(response.body)
        orders, items = payload.get("orders"), payload.get("items")
        if items and fault.kind == "omit":
            payload["items"] = [item for item in items if item["sku"] != (fault.sku or items[0]["sku"])]
        elif orders and fault.kind == "omit":
            payload["orders"] = [order for order in orders if not _is_left_out(fault, order, orders[0])]
        elif orders:
            orders.reverse()
        return json_response(200, payload)
    return response


def _is_left_out(fault: Fault, order: dict[str, Any], first: dict[str, Any]) -> bool:
    if fault.older_than_s is not None:
        age = cast(datetime, fault.armed_at) - parse_time(order["createdTime"])
        return age > timedelta(seconds=fault.older_than_s)
    return bool(order["orderId"] == (fault.order_id or first["orderId"]))
