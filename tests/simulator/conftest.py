from collections.abc import Iterator

import pytest

from tests.simulator.driver import Driver, Store


@pytest.fixture
def amazon() -> Driver:
    return Driver(rate_limits=False)


@pytest.fixture
def store(amazon: Driver) -> Store:
    return amazon.connect()


@pytest.fixture
def live() -> Iterator[str]:
    """The address of a simulator served over real HTTP."""
    from tests.simulator.strangers import model_folder, over_http

    with over_http(models=model_folder()) as running:
        yield running.address
