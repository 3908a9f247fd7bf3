import os
import socket
import threading
from collections.abc import Iterator

import pytest
import requests

from plugins.amazon.simulator import Simulator
from plugins.amazon.simulator.serving import Server
from tests.amazon.simulator.driver import Driver, Store


@pytest.fixture
def amazon() -> Driver:
    return Driver(rate_limits=False)


@pytest.fixture
def store(amazon: Driver) -> Store:
    return amazon.connect()


@pytest.fixture
def live() -> Iterator[str]:
    """The address of a simulator served over real HTTP."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        simulator = Simulator(base_url=address, models=os.environ.get("IS2_SPAPI_MODELS") or None)
        server = Server(simulator, listener)
        thread = threading.Thread(target=server.run)
        thread.start()
        # The socket listens already: the first request waits in its queue until the server runs.
        assert requests.get(f"{address}/_sim/clock", timeout=10).ok
        yield address
        server.stop()
        thread.join(timeout=10)
        assert not thread.is_alive()
