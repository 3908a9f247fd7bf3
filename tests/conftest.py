"""Shared fixtures: real databases, a real Redis, a platform on a virtual clock, the simulator over HTTP.

What they need is imported when they are asked for: a run of unit tests asks for none, and loads no database, no web
framework and no simulator.
"""

from __future__ import annotations

import functools
import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import sqlalchemy as sa
    from argon2 import PasswordHasher

    from is2_core.calls.carts import CartRegistry
    from is2_core.clock import VirtualClock
    from is2_core.config import Config
    from is2_core.platform import Platform
    from tests.support.amazon import SimulatedAmazon, Stage
    from tests.support.panel import Panel
    from tests.support.postgres import PostgresServer
    from tests.support.world import World

pytest_plugins = ["tests.support.no_skips"]

Engines = Callable[[str], "sa.Engine"]

# Where there is a file system in memory, no test waits for a disk at each commit.
IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

# A keyring as the settings give it, 32 bytes of key in base64.
KEYS = "test:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def pytest_configure() -> None:
    """Let the garbage collector look less often."""
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that are given most time, so that none of them is left to one process at the end."""

    def limit(item: pytest.Item) -> float:
        marker = item.get_closest_marker("timeout")
        return float(marker.args[0]) if marker else 0

    items.sort(key=limit, reverse=True)


def pytest_collection_finish() -> None:
    """What is loaded by now stays: let the garbage collector never look at it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _cheaper(request: pytest.FixtureRequest) -> None:
    """What makes this test process cheaper; a run of unit tests has nothing of it."""
    if not all(item.get_closest_marker("unit") for item in request.session.items):
        for fixture in ("product_hasher", "_compiled_templates", "_installed_once", "engines"):
            request.getfixturevalue(fixture)


@pytest.fixture(scope="session")
def product_hasher() -> Iterator[PasswordHasher]:
    """The product's own password hasher; the tests' hashes by the cheapest figures, or they would do little else."""
    from argon2 import PasswordHasher

    from is2_core.accounts import passwords

    product = passwords._hasher
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield product


@pytest.fixture(scope="session")
def sqlite_template() -> Iterator[Path]:
    """A migrated, empty SQLite file; each test copies it."""
    from is2_core.db.schema import upgrade

    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        path = Path(folder) / "template.db"
        upgrade(f"sqlite:///{path}")
        yield path


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test process, with a migrated database `test_is2`."""
    from is2_core.db.schema import upgrade
    from tests.support.postgres import PostgresServer

    with PostgresServer() as server:
        upgrade(server.create_database("test_is2"))
        yield server


@pytest.fixture(scope="session")
def _compiled_templates() -> Iterator[None]:
    """Every app of this test process shares its compiled templates: most tests of pages did little else."""
    from flask import Flask

    from tests.support.templates import CompiledTemplates

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": CompiledTemplates()})
        yield


@pytest.fixture(scope="session")
def _installed_once() -> Iterator[None]:
    """What is installed is looked for once in this test process, not for every platform that a test makes. Of plugins
    only this project's: another warehouse that its author has installed here would be asked about at every install."""
    import importlib.metadata

    found = importlib.metadata.entry_points

    @functools.cache
    def entry_points(**which: str) -> importlib.metadata.EntryPoints:
        entries = found(**which)
        if not which.get("group", "").startswith("is2."):
            return entries
        return importlib.metadata.EntryPoints(
            entry for entry in entries if entry.dist is not None and entry.dist.name in ("is2", "is2-tiny")
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.metadata, "entry_points", entry_points)
        yield


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """One engine for an address in this test process, so that statements are compiled once, not in every test."""
    from is2_core.db import engine
    from tests.support.memory import count_commits

    product = engine._make_engine

    @functools.cache
    def made(url: str) -> sa.Engine:
        engine = product(url)
        count_commits(url, engine)
        # A child has its own: an earlier test may have left one here.
        os.register_at_fork(after_in_child=lambda: engine.dispose(close=False))
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_make_engine", made)
        yield made


@pytest.fixture
def sqlite_url(sqlite_template: Path, engines: Engines) -> str:
    """A fresh SQLite database, always under the same address."""
    return copy_sqlite(sqlite_template, engines)


def copy_sqlite(template: Path, engines: Engines) -> str:
    """A copy of a template in the place where this test process always has its database; returns its address."""
    from tests.support.memory import commits

    path = template.with_name("is2.db")
    url = f"sqlite:///{path}"
    engines(url).dispose()
    for left in path.parent.glob("is2.db*"):
        left.unlink()
    shutil.copy(template, path)
    commits[url] = 0
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, engines: Engines) -> str:
    """A fresh database on each of the two kinds in turn."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    return empty_postgres(request.getfixturevalue("postgres"), engines)


def empty_postgres(server: PostgresServer, engines: Engines) -> str:
    """The database this test process has at its server, emptied; returns its address."""
    from tests.support.memory import commits

    url = server.url("test_is2")
    server.empty_database("test_is2", spare=idle_connection(engines(url)))
    commits[url] = 0
    return url


def idle_connection(engine: sa.Engine) -> int:
    """The process id, at the server, of the one connection that an earlier test has left in the pool, which knows all
    tables by now; 0, with all closed, where there is another number of them."""
    import sqlalchemy as sa

    pool = engine.pool
    assert isinstance(pool, sa.QueuePool)
    if pool.checkedout() == 0 and pool.checkedin() == 1:
        connection = engine.raw_connection()
        pid = int(connection.driver_connection.info.backend_pid)  # type: ignore[union-attr]
        connection.close()
        return pid
    engine.dispose()
    return 0


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The address of a Redis of this test process."""
    from cli.embedded_redis import EmbeddedRedis

    with tempfile.TemporaryDirectory() as folder, EmbeddedRedis(folder) as server:
        yield server.url


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The same Redis, emptied."""
    import redis

    with redis.Redis.from_url(redis_server) as connection:
        connection.flushall()
    return redis_server


@pytest.fixture(scope="session")
def carts() -> CartRegistry:
    """All installed carts; they are stateless."""
    from is2_core.calls.carts import CartRegistry

    return CartRegistry.load()


@pytest.fixture
def clock() -> VirtualClock:
    """A clock that stands still until a test moves it."""
    from is2_core.clock import VirtualClock

    return VirtualClock(datetime(2026, 11, 23, 12, 0, tzinfo=UTC))


def make_config(database_url: str, redis_url: str = "redis://127.0.0.1:1") -> Config:
    """A configuration for tests; the default Redis answers nobody."""
    from is2_core.config import Config
    from is2_core.crypto import Keyring

    return Config(
        database_url=database_url,
        redis_url=redis_url,
        keyring=Keyring.parse(KEYS),
        session_secret="a session secret for tests, 40 letters",
        allow_private_hosts=True,
        allow_plain_http=True,
        limits=0,
        second_factor=False,
    )


@pytest.fixture
def platform(database_url: str, clock: VirtualClock, carts: CartRegistry) -> Iterator[Platform]:
    """A platform on a real database, virtual time and buckets in memory; its HTTP is real."""
    from is2_core.bootstrap import build_platform
    from is2_core.calls.rate_limits import MemoryBuckets

    made = build_platform(make_config(database_url), clock=clock, buckets=MemoryBuckets(clock), carts=carts)
    yield made
    if made.db.is_sqlite:
        made.db.dispose()


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """The server on which the tests of this process have their simulated Amazons, one after the other."""
    from tests.support.amazon import amazon_stage

    with amazon_stage() as made:
        yield made


@pytest.fixture
def amazon(request: pytest.FixtureRequest, stage: Stage, clock: VirtualClock) -> Iterator[SimulatedAmazon]:
    """A simulated Amazon over HTTP, on the test's clock. A test of pages has its panel's settings name it; it knows
    nothing of the furnished stores."""
    with stage.play(clock) as running:
        if "panel" in request.fixturenames:
            request.getfixturevalue("panel").point_to(running)
        yield running


@pytest.fixture(scope="session")
def models() -> str:
    """The folder with Amazon's published model files."""
    folder = os.environ.get("IS2_SPAPI_MODELS", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("IS2_SPAPI_MODELS names no folder with Amazon's model files")
    return folder


@pytest.fixture
def world(
    request: pytest.FixtureRequest,
    platform: Platform,
    clock: VirtualClock,
    amazon: SimulatedAmazon,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    """A merchant whose store is about to be connected."""
    from tests.support.memory import Memory
    from tests.support.world import World

    # What a step logs is not restored with it.
    listens = "caplog" in request.fixturenames
    return World(platform, clock, amazon, None if listens else Memory(platform, clock, amazon, monkeypatch))


@pytest.fixture(scope="session")
def amazon_for_template() -> Iterator[tuple[VirtualClock, SimulatedAmazon]]:
    """The simulator the furnished stores were connected at."""
    from is2_core.clock import VirtualClock
    from tests.support.amazon import simulated_amazon
    from tests.support.panel import START

    clock = VirtualClock(START)
    with simulated_amazon(clock) as amazon:
        yield clock, amazon


@pytest.fixture(scope="session")
def furnished(
    sqlite_template: Path, carts: CartRegistry, amazon_for_template: tuple[VirtualClock, SimulatedAmazon]
) -> Iterator[Path]:
    """A database with people, two stores, items, mappings, stock and orders; each test copies it."""
    from tests.support.panel import furnish

    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        path = Path(folder) / "furnished.db"
        shutil.copy(sqlite_template, path)
        furnish(path, carts, *amazon_for_template)
        yield path


@pytest.fixture
def panel(furnished: Path, engines: Engines, clock: VirtualClock, carts: CartRegistry) -> Iterator[Panel]:
    """The panel over a copy of the furnished database."""
    from is2_core.bootstrap import build_platform
    from is2_core.calls.rate_limits import MemoryBuckets
    from tests.support.panel import open_panel

    url = copy_sqlite(furnished, engines)
    platform = build_platform(make_config(url), clock=clock, buckets=MemoryBuckets(clock), carts=carts)
    yield open_panel(platform, clock)
    platform.db.dispose()
