"""`/_sim/`: moves the simulated world and looks into it. JSON in, JSON out; refusals are 400 with a sentence."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from plugins.amazon.simulator import steer_application, steer_orders
from plugins.amazon.simulator.clock import iso, parse_time
from plugins.amazon.simulator.messages import Request, Response, json_response
from plugins.amazon.simulator.sellers import Seller

if TYPE_CHECKING:
    from plugins.amazon.simulator.simulator import Simulator

Answer = dict[str, Any] | list[Any]


class Missing(Exception):
    """404 with a sentence."""


class Steering:
    """The addresses under `/_sim/`."""

    def __init__(self, simulator: "Simulator") -> None:
        self._simulator = simulator
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
                "sellers": [self._seller_json(each) for each in self._state.sellers.values()]
            },
            ("POST", "seller"): self._set_seller,
            ("POST", "authorize"): self._authorize,
            ("GET", "application"): lambda _: steer_application.shown(self._state),
            ("POST", "application"): lambda request: steer_application.change(self._state, _object(request)),
            ("GET", "listings"): self._listings,
            ("POST", "listings"): self._put_listings,
            ("GET", "orders"): lambda request: steer_orders.listed(self._state, request.query),
            ("POST", "orders"): lambda request: steer_orders.add(self._simulator, request.json()),
            ("POST", "orders/generate"): lambda request: steer_orders.add_generated(self._simulator, _object(request)),
        }

    @property
    def _state(self) -> Any:
        return self._simulator.state

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
            steer_orders.change(self._simulator, booked, _object(request))
        return booked.summary() | {"order": booked.order}

    def _clock(self) -> Answer:
        return {"now": iso(self._simulator.clock.now()), "offset_s": self._simulator.clock.offset_s}

    def _advance(self, request: Request) -> Answer:
        self._simulator.clock.advance(float(_object(request)["advance_s"]))
        self._state.feeds.advance()
        return self._clock()

    def _reset(self) -> Answer:
        self._simulator.reset()
        return {"ok": True}

    def _violations(self) -> Answer:
        """What broke Amazon's models, and how often each operation's requests and replies were checked."""
        models = self._simulator.models
        return {"violations": self._state.violations, "checked": models.checked if models else {}}

    def _calls(self, request: Request) -> Answer:
        since = request.query.get("since", "0")
        number = int(since) if since.isdigit() else 0
        calls = self._state.calls.listed(request.query.get("operation"), request.query.get("seller"), number)
        if not since.isdigit():
            moment = iso(parse_time(since))
            calls = [call for call in calls if call["time"] >= moment]
        return {"calls": calls}

    def _arm(self, request: Request) -> Answer:
        self._state.faults.arm(**_object(request))
        return {"faults": self._state.faults.listed()}

    def _disarm(self) -> Answer:
        self._state.faults.clear()
        return {"faults": []}

    def _set_feeds(self, request: Request) -> Answer:
        self._state.feeds.delay_s = float(_object(request)["delay_s"])
        return {"delay_s": self._state.feeds.delay_s}

    def _set_limits(self, request: Request) -> Answer:
        """`enforced` switches all limits; `rates` and, over all sellers of the application, `ceilings` set
        {operation: [requests a second, burst]}; `package_edits` is how often a package can be edited."""
        body = _object(request)
        buckets = self._state.buckets
        self._state.shipments.most_edits = int(body.get("package_edits", self._state.shipments.most_edits))
        self._simulator.rate_limits = bool(body.get("enforced", self._simulator.rate_limits))
        for target in ("rates", "ceilings"):
            buckets.set_all(target, body.get(target, {}))
        return {"enforced": self._simulator.rate_limits, "rates": buckets.rates, "ceilings": buckets.ceilings}

    def _seller_json(self, seller: Seller) -> dict[str, Any]:
        return {
            "seller": seller.id,
            "name": seller.name,
            "region": seller.region,
            "marketplaces": seller.marketplaces,
            "remote_fulfillment": seller.remote_fulfillment,
            "roles": seller.roles,
            "older_token": seller.older_token,
            "rates": {
                operation: {"rate": rate, "burst": burst}
                for operation, (rate, burst) in self._state.buckets.own(seller.id).items()
            },
            "authorized": seller.id in self._state.grants.authorized_sellers(),
        }

    def _seller(self, seller_id: Any) -> Seller:
        if seller_id not in self._state.sellers:
            raise ValueError(f"there is no seller {seller_id!r}")
        seller: Seller = self._state.sellers[seller_id]
        return seller

    def _set_seller(self, request: Request) -> Answer:
        """Keys: seller, and any of remote_fulfillment, roles (null: all the application has), default_lead_days,
        marketplaces, older_token, sales_lower_stock, revoke (true), expire_access_tokens (true), and rates
        {operation: {"rate": requests a second, "burst": size}}, null for the published figures."""
        body = _object(request)
        seller = self._seller(body.pop("seller"))
        for operation, figures in body.pop("rates", {}).items():
            rate = (float(figures["rate"]), int(figures["burst"])) if figures else None
            self._state.buckets.set_own(seller.id, operation, rate)
        if body.pop("revoke", False):
            self._state.grants.revoke(seller.id)
        if body.pop("expire_access_tokens", False):
            self._state.grants.expire_access_tokens(seller.id)
        enrolled = seller.remote_fulfillment
        for name in (
            "remote_fulfillment",
            "roles",
            "default_lead_days",
            "marketplaces",
            "older_token",
            "sales_lower_stock",
        ):
            if name in body:
                setattr(seller, name, body.pop(name))
        if body:
            raise ValueError(f"a seller has no {min(body)!r}")
        if seller.remote_fulfillment:
            self._state.listings.enroll(seller)
        elif enrolled:
            self._state.listings.withdraw(seller)
        return self._seller_json(seller)

    def _authorize(self, request: Request) -> Answer:
        """A consent without its pages, for drivers that do not test them; answers with a refresh token."""
        seller = self._seller(_object(request)["seller"])
        application = steer_application.only_application(self._state)
        code = self._state.grants.consent(application.id, seller.id, "", application.roles)
        self._state.grants.redeem(code, application.id, "")
        token = self._state.grants.new_refresh_token(application.id, seller.id)
        return {"selling_partner_id": seller.id, "region": seller.region, "refresh_token": token}

    def _listings(self, request: Request) -> Answer:
        found = self._state.listings.of(request.query.get("seller"))
        return {"listings": [self._state.listings.summary(each, self._state.sellers[each.seller]) for each in found]}

    def _put_listings(self, request: Request) -> Answer:
        """One listing or a list of them: seller, sku, and any of quantity, fba, channels, lead_days, title,
        marketplaces."""
        body = request.json()
        answers = []
        for fields in body if isinstance(body, list) else [body]:
            seller = self._seller(fields["seller"])
            listing = self._state.listings.put(seller, fields)
            answers.append(self._state.listings.summary(listing, seller))
        return {"listings": answers}


def _object(request: Request) -> dict[str, Any]:
    body = request.json() if request.body else {}
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body
