"""A thin Flask front: turns HTTP into `Simulator.handle`, one request at a time."""

import threading
import time
from urllib.parse import urlsplit

from flask import Flask, Response as HttpResponse, request as http_request

from plugins.amazon.simulator.messages import RepeatedParameter, Request
from plugins.amazon.simulator.simulator import Simulator

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def create_app(simulator: Simulator) -> Flask:
    """The WSGI application.

    Serve it with waitress's `log_socket_errors=False` (or werkzeug): a ConnectionDropped then closes the socket
    without a byte, which is what the faults refuse and apply_then_drop promise.
    """
    app = Flask("amazon-simulator", static_folder=None)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    lock = threading.Lock()

    @app.route("/", defaults={"path": ""}, methods=_METHODS, provide_automatic_options=False)
    @app.route("/<path:path>", methods=_METHODS, provide_automatic_options=False)
    def answer(path: str) -> HttpResponse:
        request = _request()
        with lock:
            response = simulator.handle(request)
        if response.delay_s:
            time.sleep(response.delay_s)
        return HttpResponse(response.body, response.status, response.headers)

    return app


def _request() -> Request:
    # REQUEST_URI keeps the percent-encoding that PATH_INFO has lost.
    raw_path = urlsplit(http_request.environ["REQUEST_URI"]).path or "/"
    query = {
        name: values[0] if len(values) == 1 else RepeatedParameter(",".join(values))
        for name, values in http_request.args.lists()
    }
    return Request(http_request.method, raw_path, query, dict(http_request.headers), http_request.get_data())
