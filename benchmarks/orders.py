"""Measures the processor time of an order from the listed page to its acknowledgement due.

It stands beside two others in the same run: the floor (json.loads of the same pages and the driver's executemany of the
same rows), and a script as many write it (python-amazon-sp-api, a list and a call for each order's items, an ORM commit
an order). The simulator is a process of its own, without rate limits, so that only the client's time is counted; of
PostgreSQL the client's side alone.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import requests
import sqlalchemy as sa
from psycopg.types.json import Json
from sp_api.api import Orders
from sp_api.base import Marketplaces
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from benchmarks.rows import Row
from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.calls.transport import Request, RequestsTransport
from is2_core.clock import VirtualClock
from is2_core.config import Config
from is2_core.crypto import Keyring
from is2_core.db.metadata import metadata
from is2_core.db.schema import upgrade
from is2_core.jobs import HANDLERS
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import AckState
from is2_core.tasks.dispatcher import tick
from is2_core.tasks.kinds import TaskKind
from is2_core.tasks.runner import Handler, run_next
from plugins.interface import Reply
from tests.simulator.strangers import ALL_PLACES
from tests.support.amazon import APPLICATION, NORTHWIND, SimulatedAmazon, Stage
from tests.support.postgres import PostgresServer
from tests.support.world import SKUS, NotedWakeups, World

METHODS = ("STANDARD", "EXPEDITED", "SECOND_DAY", "NEXT_DAY")
MEASURED = (TaskKind.ORDERS_CHECK, TaskKind.ORDERS_PLACE)
OLDEST = timedelta(days=25)
ORDERS, SCRIPTED, AT_ONCE = 2000, 500, 500


@dataclass(frozen=True)
class Rows:
    """Rows of a table as the driver gives and takes them, the primary key's columns first."""

    columns: Sequence[str]
    keys: int
    rows: list[tuple[Any, ...]]

    def without(self, others: Rows) -> Rows:
        """The rows whose keys others do not have."""
        known = {row[: self.keys] for row in others.rows}
        return Rows(self.columns, self.keys, [row for row in self.rows if row[: self.keys] not in known])


Tables = Mapping[str, Rows]


@dataclass(frozen=True)
class Cost:
    """Processor time of this process, in milliseconds an order."""

    orders: int
    ours_ms: float
    floor_ms: float

    @property
    def ratio(self) -> float:
        """The floor as a part of ours: 1 would be as fast as the driver."""
        return self.floor_ms / self.ours_ms


def bench() -> list[Row]:
    """Measure both databases, and the script that many write."""
    script_ms = by_script(SCRIPTED)
    rows = []
    for label, cost in (("SQLite", on_sqlite(ORDERS)), ("PostgreSQL", on_postgresql(ORDERS))):
        figures = {"ours_ms": round(cost.ours_ms, 3), "floor_ms": round(cost.floor_ms, 3), "orders": cost.orders}
        rows.append(Row(f"the driver's cost of an order in ours, {label}", cost.ratio, goal=0.1, figures=figures))
        if label == "SQLite":
            figures = {"ours_ms": round(cost.ours_ms, 3), "script_ms": round(script_ms, 3)}
            times = script_ms / cost.ours_ms
            rows.append(Row("python-amazon-sp-api's cost of an order, in ours", times, goal=10, figures=figures))
    return rows


def on_sqlite(count: int) -> Cost:
    """Measure so many orders on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        path, floor = Path(folder) / "is2.db", Path(folder) / "floor.db"
        return _cost(f"sqlite:///{path}", f"sqlite:///{floor}", count, copy=lambda: shutil.copy(path, floor))


def on_postgresql(count: int) -> Cost:
    """Measure so many orders on PostgreSQL."""
    with PostgresServer() as server:
        url, floor = server.create_database("bench"), server.url("floor")
        return _cost(url, floor, count, copy=lambda: server.create_database("floor", template="bench"))


def by_script(count: int) -> float:
    """Measure python-amazon-sp-api with a list, a call for each order's items, and an ORM commit an order on SQLite.

    Returns:
        Milliseconds an order.
    """
    with simulator() as amazon, tempfile.TemporaryDirectory() as folder:
        _generate(amazon, count)
        token = amazon.post("authorize", {"seller": NORTHWIND})["refresh_token"]
        access = _access_token(amazon, token)
        engine = sa.create_engine(f"sqlite:///{Path(folder) / 'script.db'}")
        _Table.metadata.create_all(engine)
        # Given the token, and without TLS: what both would cost is left out.
        client = Orders(Marketplaces.US, credentials=_NO_LOGIN, refresh_token=token, restricted_data_token=access)
        client.endpoint = f"{amazon.address}/na"
        started = time.process_time()
        found = _script(client, engine)
        spent = time.process_time() - started
        client.close()
        engine.dispose()
        assert found == count, f"{found} of {count} orders"
        return 1000 * spent / count


class FarStage(Stage):
    """A simulator in another process."""

    def steer(self, method: str, path: str, query: dict[str, str], body: bytes = b"") -> Any:
        """Ask its `/_sim/`."""
        answer = requests.request(method, f"{self.address}/_sim/{path}", params=query, data=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json()


@contextmanager
def simulator() -> Iterator[SimulatedAmazon]:
    """Run a simulated Amazon in a process of its own, without rate limits and checks against model files."""
    command = [str(Path(sys.executable).with_name("is2")), "amazon-simulator", "--port", "0", "--no-rate-limits"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONUNBUFFERED": "1"}) as process:
        assert process.stdout is not None
        try:
            yield SimulatedAmazon(FarStage(process.stdout.readline().partition(" on ")[2].partition("/,")[0]))
        finally:
            process.terminate()


class KeepsPages(RequestsTransport):
    """The transport, keeping what listings of orders answer."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[bytes] = []

    def send(self, request: Request) -> Reply:
        """Send a request and return the whole answer."""
        reply = super().send(request)
        if request.method == "GET" and request.url.endswith("/orders"):
            self.pages.append(reply.body)
        return reply


def _cost(url: str, floor_url: str, count: int, *, copy: Callable[[], object]) -> Cost:
    upgrade(url)
    with simulator() as amazon, _ready(url, amazon) as (world, transport):
        _generate(amazon, count)
        world.platform.db.dispose()
        before = _read(url)
        copy()
        started = time.process_time()
        _run(world, MEASURED)
        ours = time.process_time() - started
        _all_are_due(world, count)
        world.platform.db.dispose()
    new = {name: rows.without(before[name]) for name, rows in _read(url).items()}
    with closing(_connect(floor_url)) as connection:
        started = time.process_time()
        for page in transport.pages:
            json.loads(page)
        _insert(connection, new)
        floor = time.process_time() - started
    return Cost(count, 1000 * ours / count, 1000 * floor / count)


@contextmanager
def _ready(url: str, amazon: SimulatedAmazon) -> Iterator[tuple[World, KeepsPages]]:
    """An integration just connected, whose SKUs and shipping methods are known."""
    clock, transport = VirtualClock(datetime.fromisoformat(amazon.get("clock")["now"])), KeepsPages()
    config = Config(
        database_url=url,
        redis_url="redis://nobody.invalid",
        keyring=Keyring.parse(Keyring.generate("benchmark")),
        session_secret="nobody signs in during a benchmark",
        allow_private_hosts=True,
    )
    buckets, carts = MemoryBuckets(clock), CartRegistry.load()
    platform = build_platform(config, clock=clock, transport=transport, buckets=buckets, carts=carts)
    try:
        world = World(platform, clock, amazon)
        world.stock_up(SKUS, units=1_000_000)
        integration_id = world.connect()
        world.finish(integration_id, orders_from=(clock.now() - OLDEST).date().isoformat())
        world.map_methods(integration_id, *METHODS)
        _run(world, [TaskKind.WAREHOUSE_READ])
        yield world, transport
    finally:
        platform.db.dispose()


def _generate(amazon: SimulatedAmazon, count: int) -> None:
    for done in range(0, count, AT_ONCE):
        amazon.generate(plain=min(AT_ONCE, count - done))


def _run(world: World, kinds: Sequence[TaskKind]) -> None:
    handlers: dict[str, Handler] = {kind: HANDLERS[kind] for kind in kinds}
    while tick(world.platform, NotedWakeups(), kinds=handlers).due:
        while run_next(world.platform, handlers):
            pass


def _all_are_due(world: World, count: int) -> None:
    statement = sa.select(sa.func.count()).where(ReceivedOrder.ack_state == AckState.DUE)
    with world.platform.db.read() as session:
        due = session.scalar(statement)
    assert due == count, f"the acknowledgement of {due} of {count} orders is due"


def _connect(url: str) -> Any:
    if url.startswith("sqlite:///"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")
        return connection
    return psycopg.connect(url.replace("+psycopg", ""))


def _read(url: str) -> Tables:
    """All rows of all tables."""
    found = {}
    with closing(_connect(url)) as connection:
        for table in metadata.sorted_tables:
            keys = [column.name for column in table.primary_key]
            others = [column.name for column in table.c if not column.primary_key]
            columns = [f'"{name}"' for name in (*keys, *others)]
            # Names out of our own metadata.
            rows = connection.execute(f'SELECT {", ".join(columns)} FROM "{table.name}"').fetchall()  # noqa: S608
            found[table.name] = Rows(columns, len(keys), [tuple(map(_for_the_driver, row)) for row in rows])
    return found


def _for_the_driver(value: Any) -> Any:
    return Json(value) if isinstance(value, dict | list) else value


def _insert(connection: Any, tables: Tables) -> None:
    mark = "?" if isinstance(connection, sqlite3.Connection) else "%s"
    cursor = connection.cursor()
    for name, found in tables.items():
        tags = ", ".join([mark] * len(found.columns))
        statement = f'INSERT INTO "{name}" ({", ".join(found.columns)}) VALUES ({tags})'  # noqa: S608
        cursor.executemany(statement, found.rows)
    connection.commit()


# The client asks for credentials also where it is given a token.
_NO_LOGIN = {"lwa_app_id": "unused", "lwa_client_secret": "unused"}


class _Table(DeclarativeBase):
    pass


class _Order(_Table):
    __tablename__ = "orders"

    id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    raw: Mapped[str]
    lines: Mapped[list[_Line]] = relationship()


class _Line(_Table):
    __tablename__ = "lines"

    id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(sa.ForeignKey("orders.id"))
    sku: Mapped[str]
    quantity: Mapped[int]


def _access_token(amazon: SimulatedAmazon, refresh_token: str) -> str:
    form = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": APPLICATION["client_id"],
        "client_secret": APPLICATION["client_secret"],
    }
    answer = requests.post(f"{amazon.address}/auth/o2/token", data=form, timeout=30)
    assert answer.ok, answer.text
    return str(answer.json()["access_token"])


def _script(client: Orders, engine: sa.Engine) -> int:
    count, token = 0, None
    while True:
        query = (
            {"NextToken": token} if token else {"CreatedAfter": "2020-01-01T00:00:00Z", "MarketplaceIds": ALL_PLACES}
        )
        listed = client.get_orders(**query).payload
        for order in listed["Orders"]:
            items = client.get_order_items(order["AmazonOrderId"]).payload["OrderItems"]
            with Session(engine) as session:
                row = _Order(id=order["AmazonOrderId"], status=order["OrderStatus"], raw=json.dumps(order))
                row.lines = [
                    _Line(id=item["OrderItemId"], sku=item["SellerSKU"], quantity=item["QuantityOrdered"])
                    for item in items
                ]
                session.add(row)
                session.commit()
            count += 1
        token = listed.get("NextToken")
        if not token:
            return count
