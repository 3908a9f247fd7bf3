"""`/_sim/`: moves the simulated world and looks into it. JSON in, JSON out; refusals are 400 with a message."""

import math
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from plugins.amazon.simulator.access.buckets import Rate
from plugins.amazon.simulator.clock import iso, parse_time
from plugins.amazon.simulator.messages import Request, Response, json_response
from plugins.amazon.simulator.reading import whole_number
from plugins.amazon.simulator.state import State
from plugins.amazon.simulator.steering import application as steer_application, given, listings, orders, sellers

Answer = dict[str, Any] | list[Any]


class Missing(Exception):
    """404 with a message."""


class Steering:
    """The addresses under `/_sim/`."""

    def __init__(self, state: State, reset: Callable[[], None]) -> None:
        self._state, self._reset_all = state, reset
        self._routes: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "clock"): lambda _: self._clock(),
            ("POST", "clock"): self._advance,
            ("POST", "reset"): lambda _: self._reset(),
            ("GET", "violations"): lambda _: self._violations(),
            ("GET", "calls"): self._calls,
            ("GET", "faults"): lambda _: {"faults": self._state.faults.listed()},
            ("POST", "faults"): self._arm,
            ("DELETE", "faults"): lambda _: self._disarm(),
            ("GET", "feeds"): lambda _: {"feeds": self._state.feeds.all()},
            ("POST", "feeds"): self._set_feeds,
            ("POST", "limits"): self._set_limits,
            ("GET", "sellers"): lambda _: {
                "sellers": [sellers.shown(self._state, each) for each in self._state.sellers.values()]
            },
            ("POST", "seller"): lambda request: sellers.change(self._state, _object(request)),
            ("POST", "authorize"): self._authorize,
            ("GET", "application"): lambda _: steer_application.shown(self._state),
            ("POST", "application"): lambda request: steer_application.change(self._state, _object(request)),
            ("GET", "listings"): lambda request: listings.listed(self._state, request.query),
            ("POST", "listings"): lambda request: listings.put(self._state, request.json()),
            ("GET", "orders"): lambda request: orders.listed(self._state, request.query),
            ("POST", "orders"): lambda request: orders.add(self._state, request.json()),
            ("POST", "orders/generate"): lambda request: orders.add_generated(self._state, _object(request)),
        }

    def handle(self, request: Request) -> Response:
        """Answer one steering request."""
        path = request.path.removeprefix("/_sim/")
        try:
            if (request.method, path) in self._routes:
                return json_response(200, self._routes[request.method, path](request))
            if path.startswith("orders/"):
                return json_response(200, self._one_order(request, unquote(path.removeprefix("orders/"))))
        except Missing as problem:
            return json_response(404, {"error": str(problem)})
        except (ValueError, TypeError, KeyError, AttributeError, OSError) as problem:
            text = f"{problem} is missing" if isinstance(problem, KeyError) else str(problem)
            return json_response(400, {"error": text})
        return json_response(404, {"error": f"There is no {request.method} /_sim/{path}."})

    def _one_order(self, request: Request, order_id: str) -> Answer:
        booked = self._state.book.get(order_id)
        if booked is None:
            raise Missing(f"There is no order {order_id}.")
        if request.method == "POST":
            orders.change(self._state, booked, _object(request))
        return {**booked.summary(), "order": booked.order}

    def _clock(self) -> Answer:
        return {"now": iso(self._state.clock.now()), "offset_s": self._state.clock.offset_s}

    def _advance(self, request: Request) -> Answer:
        seconds = _object(request).get("advance_s")
        self._state.clock.advance(given.number(seconds, "advance_s", -math.inf, math.inf))
        self._state.feeds.advance()
        return self._clock()

    def _reset(self) -> Answer:
        self._reset_all()
        return {"ok": True}

    def _violations(self) -> Answer:
        """Return what broke Amazon's models, and how often each operation's requests and replies were checked."""
        models = self._state.models
        return {"violations": self._state.violations, "checked": models.checked if models else {}}

    def _calls(self, request: Request) -> Answer:
        since, moment, number = request.query.get("since", "0"), "", 0
        if "T" in since:
            moment = iso(parse_time(since))
        else:
            number = whole_number(since, 0)
        calls = self._state.calls.listed(request.query.get("operation"), request.query.get("seller"), number)
        return {"calls": [call for call in calls if call["time"] >= moment]}

    def _arm(self, request: Request) -> Answer:
        body = _object(request)
        if body.get("seller") is not None:
            sellers.known_seller(self._state, body["seller"])
        self._state.faults.arm(**body)
        return {"faults": self._state.faults.listed()}

    def _disarm(self) -> Answer:
        self._state.faults.clear()
        return {"faults": []}

    def _set_feeds(self, request: Request) -> Answer:
        self._state.feeds.delay_s = given.number(_object(request).get("delay_s"), "delay_s", most=given.YEAR_S)
        return {"delay_s": self._state.feeds.delay_s}

    def _set_limits(self, request: Request) -> Answer:
        """`enforced` switches all limits; `rates` and, over all sellers of the application, `ceilings` set
        {operation: [requests a second, burst]}; `package_edits` is how often a package can be edited."""
        body, buckets, shipments = _object(request), self._state.buckets, self._state.shipments
        given.only(body, "limits", ("enforced", "rates", "ceilings", "package_edits"))
        edits = given.count(body.get("package_edits", shipments.most_edits), "package_edits")
        enforced = given.flag(body.get("enforced", self._state.rate_limits), "enforced")
        figures = {target: self._figures(body.get(target, {}), target) for target in ("rates", "ceilings")}
        shipments.most_edits, self._state.rate_limits = edits, enforced
        for target, wanted in figures.items():
            buckets.set_all(target, wanted)
        return {"enforced": self._state.rate_limits, "rates": buckets.rates, "ceilings": buckets.ceilings}

    def _figures(self, body: Any, target: str) -> dict[str, Rate]:
        figures = {}
        for operation, pair in given.table(body, target).items():
            given.one_of(operation, f"an operation of {target}", self._state.buckets.rates)
            if not isinstance(pair, list) or len(pair) != 2:
                raise ValueError(f"{target}.{operation} must be [requests a second, burst]")
            per_second, burst = pair
            figures[operation] = given.rate(per_second, burst, operation)
        return figures

    def _authorize(self, request: Request) -> Answer:
        """A consent without its pages, for drivers that do not test them; answers with a refresh token."""
        seller = sellers.known_seller(self._state, _object(request).get("seller"))
        application = steer_application.only_application(self._state)
        code = self._state.grants.consent(application.id, seller.id, "", application.roles)
        self._state.grants.redeem(code, application.id, "")
        token = self._state.grants.new_refresh_token(application.id, seller.id)
        return {"selling_partner_id": seller.id, "region": seller.region, "refresh_token": token}


def _object(request: Request) -> dict[str, Any]:
    body = request.json() if request.body else {}
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body
