"""The simulator's front door: sends each request to the part that answers it and finishes the answer."""

import json
import logging
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from plugins.amazon.simulator.access.admission import Admission
from plugins.amazon.simulator.access.refusals import (
    CONSENT,
    CUSTOMIZATION,
    DOWNLOAD,
    TOKEN,
    UPLOAD,
    bad_parameter,
    wrong_media_type,
)
from plugins.amazon.simulator.api import Api, Ask
from plugins.amazon.simulator.calls import Call
from plugins.amazon.simulator.clock import Clock
from plugins.amazon.simulator.messages import (
    ApiError,
    ConnectionDropped,
    RepeatedParameter,
    Request,
    Response,
)
from plugins.amazon.simulator.models import Models, UnknownName
from plugins.amazon.simulator.operations import Operation, find_operation
from plugins.amazon.simulator.pages import page
from plugins.amazon.simulator.state import Options, State
from plugins.amazon.simulator.steering.routes import Steering

_log = logging.getLogger(__name__)

# "The header is on 20x, 400 and 404 only" (Amazon's page "Usage Plans and Rate Limits").
_TELLS_THE_LIMIT = (200, 201, 202, 204, 400, 404)
_GIVES_ORDERS = ("searchOrders", "getOrder", "getOrders", "getOrderV0", "getOrderItems", "getOrderAddress")
_REGION = re.compile(r"/(na|eu|fe)(/.*)")
_DOCUMENT = re.compile(r"/documents/([^/]+)")
_CUSTOM = re.compile(r"/custom/([^/]+)")
_CONSENT = re.compile(r"/sellercentral/([a-z]{2})/apps/authorize/([a-z-]+)")


class Simulator:
    """A whole simulated Amazon behind one call, `handle`. Not thread-safe: the caller serializes.

    Args:
        seed: same seed, same clock and same requests give the same answers, ids and tokens.
        clock: source of aware UTC times; None means the machine's. `/_sim/clock` adds to it.
        models: folder with Amazon's model files, or None for no check against them.
        lenient: names in a request that the model files do not know are noted only, as without them.
        base_url: address under which the simulator is reached, for links it hands out.
        feed_delay_s: seconds on the clock from createFeed to DONE.
        rate_limits: whether the published rates are enforced.
        rates: (requests a second, burst) by operation, instead of the published ones.
    """

    def __init__(
        self,
        seed: int = 1,
        *,
        clock: Callable[[], datetime] | None = None,
        models: str | None = None,
        lenient: bool = False,
        base_url: str = "http://127.0.0.1:8765",
        feed_delay_s: float = 60,
        rate_limits: bool = True,
        rates: Mapping[str, tuple[float, int]] | None = None,
    ) -> None:
        self.clock = Clock(clock)
        self.models = Models(models, lenient=lenient) if models else None
        self._options = Options(seed, base_url, feed_delay_s, rate_limits, rates or {})
        self.reset()

    def reset(self) -> None:
        """Forget everything but the options and the clock."""
        if self.models is not None:
            self.models.forget()
        self.begin(State(self._options, self.clock, self.models))

    def begin(self, state: State) -> None:
        """Go on with this state of the world."""
        self.state = state
        self._api = Api(state)
        self._admission = Admission(state, self.clock)
        self._steering = Steering(state, self.reset)

    def handle(self, request: Request) -> Response:
        """Answer one request.

        Raises:
            ConnectionDropped: an armed fault wants the caller to get no answer.
        """
        response = self._answered(lambda: self._route(request))
        response.headers.setdefault("Date", format_datetime(self.clock.now(), usegmt=True))
        if "x-amzn-ErrorType" in response.headers and "x-amzn-RequestId" not in response.headers:
            response.headers["x-amzn-RequestId"] = self._request_id()
        return response

    @staticmethod
    def _answered(answer: Callable[[], Response]) -> Response:
        """Return the reply of `answer`, or a refusal where it raises; only a fault leaves a caller without one."""
        try:
            return answer()
        except ApiError as problem:
            return problem.response()
        except ConnectionDropped:
            raise
        except Exception:
            _log.exception("The simulator failed")
            return ApiError(500, "InternalFailure", "The simulator failed; its log says where.").response()

    def _route(self, request: Request) -> Response:
        path = request.path
        # What is about to be forgotten need not be worked off, and must not stand in the way.
        if path != "/_sim/reset":
            self.state.feeds.advance()
        if path.startswith("/_sim/"):
            return self._steering.handle(request)
        if path == "/auth/o2/token":
            return self._outside(TOKEN, request, lambda: self.state.login.token(request))
        if found := _DOCUMENT.fullmatch(path):
            document = found[1]
            operation = UPLOAD if request.method == "PUT" else DOWNLOAD
            return self._outside(operation, request, lambda: self.state.documents.transfer(request, document))
        if found := _CUSTOM.fullmatch(path):
            token = found[1]
            return self._outside(CUSTOMIZATION, request, lambda: self.state.links.download(request, token))
        if found := _CONSENT.fullmatch(path):
            country, step = found.groups()
            return self._outside(CONSENT, request, lambda: self.state.consent.handle(request, country, step))
        if found := _REGION.fullmatch(path):
            return self._selling_partner(request, *found.groups())
        if path == "/":
            return page("home.html", sellers=self.state.sellers.values(), now=self.clock.now())
        raise _no_such_operation()

    def _outside(self, operation: str, request: Request, answer: Callable[[], Response]) -> Response:
        """A call beside the Selling Partner API: logged and open to faults, without tokens or buckets."""
        call = self.state.calls.open(self.clock.now(), operation, request.method, request.path)
        return self._through_faults(call, None, None, lambda _: answer())

    def _selling_partner(self, request: Request, region: str, path: str) -> Response:
        call = self.state.calls.open(self.clock.now(), "unknown", request.method, path, query=dict(request.query))
        call.request_id = self._request_id()
        call.user_agent_names_language = "Language=" in request.headers.get("user-agent", "")

        def answer() -> Response:
            found = find_operation(request.method, path)
            if found is None:
                raise _no_such_operation()
            return self._admitted(request, *found, call, region=region, path=path)

        response = self._answered(answer)
        call.status = response.status
        response.headers["x-amzn-RequestId"] = call.request_id
        return response

    def _admitted(
        self, request: Request, operation: Operation, params: Mapping[str, str], call: Call, *, region: str, path: str
    ) -> Response:
        """The answer to a caller who is let in, faults included."""
        call.operation = operation.name
        key = None
        if operation.scope is not None:
            call.application = self._admission.application(request, operation)

            def answer(ask: Ask) -> Response:
                return self._api.run_grantless(operation, str(call.application), ask)
        else:
            caller = self._admission.seller(request, operation, region, path)
            call.seller, call.application = caller.seller.id, caller.application
            question = (operation.name, call.seller, path, urlencode(sorted(request.query.items())))
            key = question if request.method == "GET" else None

            def answer(ask: Ask) -> Response:
                return self._api.run(operation, caller, ask)

        def run(fault: str | None) -> Response:
            return self._run(request, operation, params, call, fault=fault, answer=answer)

        response = self._through_faults(call, call.seller, key, run)
        if response.status in _TELLS_THE_LIMIT:
            limit = self.state.buckets.limit_text(call.seller or "", operation.name)
            response.headers["x-amzn-RateLimit-Limit"] = limit
        return response

    def _through_faults(
        self, call: Call, seller: str | None, key: tuple[str, ...] | None, answer: Callable[[str | None], Response]
    ) -> Response:
        datasets = call.query.get("includedData", "").split(",")
        places = call.query.get("marketplaceIds", "").count(",") + 1
        fault = self.state.faults.strike(call.operation, seller, datasets, places)
        call.fault = fault.kind if fault else None
        try:
            found = self.state.faults.through(fault, call.operation, key, lambda: answer(call.fault))
        except ConnectionDropped:
            call.orders_given = []
            raise
        response = Response(found.status, dict(found.headers), found.body, found.delay_s)
        call.status = response.status
        call.orders_given = _orders_in(response) if call.operation in _GIVES_ORDERS else []
        return response

    def _run(
        self,
        request: Request,
        operation: Operation,
        path: Mapping[str, str],
        call: Call,
        *,
        fault: str | None,
        answer: Callable[[Ask], Response],
    ) -> Response:
        try:
            if self.state.rate_limits:
                self._api.take(operation, call.seller or "", str(call.application), request)
            body = self._checked_body(request, operation, path, call)
            response = answer(Ask(path, request.query, body, call, repeat=fault == "dup_page"))
        except ApiError as problem:
            response = problem.response()
        if self.models is not None:
            problems = self.models.reply_problems(operation, response.status, response.body)
            if problems:
                self._record(call, "reply", problems)
                text = f"The simulator's own reply breaks Amazon's model: {'; '.join(problems[:5])}"
                return ApiError(500, "InternalFailure", text).response()
        return response

    def _checked_body(self, request: Request, operation: Operation, path: Mapping[str, str], call: Call) -> Any:
        # Amazon passes over names it does not know, and clients that work with it send some. Checked against the model
        # files they are refused; without them, or with lenient ones, they are only noted.
        problems: list[str] = [
            UnknownName(f"query parameter {name} is unknown")
            for name in request.query
            if name not in operation.parameters
        ]
        problems += [
            f"query parameter {name} is repeated; lists are separated by commas"
            for name, value in request.query.items()
            if isinstance(value, RepeatedParameter) and name in operation.parameters
        ]
        body = None
        if operation.json_body:
            if request.content_type != "application/json":
                raise wrong_media_type(operation)
            try:
                body = request.json()
            except ValueError as problem:
                raise bad_parameter(operation, f"The body is not valid JSON: {problem}.") from problem
            if not isinstance(body, dict):
                raise bad_parameter(operation, "The body must be a JSON object.")
        if self.models is not None:
            problems += [
                problem
                for problem in self.models.request_problems(operation, path, request.query, body)
                if problem not in problems
            ]
        strict = self.models is not None and not self.models.lenient
        refused = [problem for problem in problems if strict or not isinstance(problem, UnknownName)]
        if problems:
            self._record(call, "request", problems, noted=not refused)
        if refused:
            raise bad_parameter(operation, "Invalid Input", "; ".join(refused[:5]))
        return body

    def _request_id(self) -> str:
        return f"{self.state.rng.getrandbits(128):032x}"

    def _record(self, call: Call, side: str, problems: list[str], *, noted: bool = False) -> None:
        found = {"call": call.number, "operation": call.operation, "side": side, "noted": noted, "problems": problems}
        self.state.violations.append(found)


def _no_such_operation() -> ApiError:
    return ApiError(403, "MissingAuthenticationToken", "Missing Authentication Token")


def _orders_in(response: Response) -> list[str]:
    """The orders whose data a caller can read out of this answer."""
    if response.status != 200:
        return []
    try:
        payload = json.loads(response.body)
    except ValueError:
        return []
    inner = payload.get("payload", {})
    if "AmazonOrderId" in inner:
        return [inner["AmazonOrderId"]]
    if "Orders" in inner:
        return [order["AmazonOrderId"] for order in inner["Orders"]]
    orders = [payload["order"]] if "order" in payload else payload.get("orders", [])
    return [order["orderId"] for order in orders]
