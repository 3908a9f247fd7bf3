"""A thin Flask front: turns HTTP into `Simulator.handle`, one request at a time."""

import re
import threading
import time

from flask import Flask, Response as HttpResponse, request as http_request

from plugins.amazon.simulator.messages import RepeatedParameter, Request
from plugins.amazon.simulator.simulator import Simulator

_ORIGIN = re.compile(r"^https?://[^/?]*", re.I)


class _Answer(HttpResponse):
    """An answer that names a content type only where the simulator does."""

    default_mimetype = None


def create_app(simulator: Simulator) -> Flask:
    """The WSGI application.

    Serve it with waitress's `log_socket_errors=False` (or werkzeug): a ConnectionDropped then closes the socket
    without a byte, which is what the faults refuse and apply_then_drop promise.
    """
    app = Flask("amazon-simulator", static_folder=None)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    lock = threading.Lock()

    # Before any routing: whatever the method and the path, the simulator itself answers.
    @app.before_request
    def answer() -> _Answer:
        request = _request()
        with lock:
            response = simulator.handle(request)
        if response.delay_s:
            time.sleep(response.delay_s)
        return _Answer(response.body, response.status, response.headers)

    return app


def _request() -> Request:
    # REQUEST_URI keeps the percent-encoding that PATH_INFO has lost.
    raw_path = _ORIGIN.sub("", http_request.environ["REQUEST_URI"], count=1).partition("?")[0] or "/"
    query = {
        name: values[0] if len(values) == 1 else RepeatedParameter(",".join(values))
        for name, values in http_request.args.lists()
    }
    return Request(http_request.method, raw_path, query, dict(http_request.headers), http_request.get_data())
