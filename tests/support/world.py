"""A merchant with a store, driven through the core; tasks run here and now, in the order they are due."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import parse_qsl, urlsplit

import requests
import sqlalchemy as sa
from bs4 import BeautifulSoup
from sqlalchemy.orm import selectinload

from is2_core.accounts import users
from is2_core.accounts.models import Integration
from is2_core.accounts.scope import account_scope
from is2_core.admin import cart_setup
from is2_core.clock import VirtualClock
from is2_core.embedded_warehouse import receiving
from is2_core.embedded_warehouse.models import WarehouseOrder
from is2_core.install import connect as install, settings, trip
from is2_core.items import custom_items, shipping_mappings
from is2_core.jobs import HANDLERS
from is2_core.orders.models import Hold, ReceivedOrder
from is2_core.orders.wording.shown import shown_holds, timeline
from is2_core.platform import Platform
from is2_core.tasks.dispatcher import tick
from is2_core.tasks.models import Schedule, Task
from is2_core.tasks.runner import run_next
from is2_core.tasks.states import TaskState
from tests.support.amazon import APPLICATION, NORTHWIND, SimulatedAmazon
from tests.support.memory import Memory

P, T = ParamSpec("P"), TypeVar("T")
RETURN_URL = "http://127.0.0.1:5000/amazon/authorized"
BROWSER = "one browser's secret"
EXACT, MOST_STEPS = timedelta(hours=1), 12
SKUS = ("TENT-2P", "LAMP-USB", "STOVE-MINI", "000123", "Mug Blue 12oz")


# Built once: every step of every test asks.
_NOW = sa.bindparam("now", type_=Task.run_at.type)
_NEXT_SLOT = sa.select(sa.func.min(Schedule.next_at)).where(Schedule.next_at > _NOW)
_NEXT_TASK = sa.select(sa.func.min(Task.run_at)).where(Task.state == TaskState.READY, Task.run_at > _NOW)
_SLOT = sa.select(sa.literal(1)).where(Schedule.next_at <= _NOW)
_TASK = sa.select(sa.literal(1)).where(
    sa.or_(
        Task.state == TaskState.WAITING,
        sa.and_(Task.state == TaskState.READY, Task.run_at <= _NOW),
        sa.and_(Task.state == TaskState.RUNNING, Task.lease_until < _NOW),
    )
)
_IS_DUE = sa.select(sa.or_(_SLOT.exists(), _TASK.exists()))


class NotedWakeups:
    """The wake-up port that remembers for how many tasks workers were to be woken."""

    def __init__(self) -> None:
        self.count = 0

    def notify(self, count: int) -> int:
        self.count += count
        return count


def remembered(step: Callable[Concatenate[World, P], T]) -> Callable[Concatenate[World, P], T]:
    """Have a step that follows others from an empty database on be taken from memory where it was taken before."""

    @functools.wraps(step)
    def take(self: World, *args: P.args, **kwargs: P.kwargs) -> T:
        if self.memory is None:
            return step(self, *args, **kwargs)
        name = f"{step.__name__} {args} {sorted(kwargs.items())}"
        return self.memory.take(self.platform, name, lambda: step(self, *args, **kwargs))

    return take


class World:
    """One account "Northwind" with its owner, and helpers to look and act."""

    memory: Memory | None = None

    def __init__(
        self, platform: Platform, clock: VirtualClock, amazon: SimulatedAmazon, memory: Memory | None = None
    ) -> None:
        self.platform, self.clock, self.amazon, self.memory = platform, clock, amazon, memory
        self.account, self.owner = self._begin()

    @remembered
    def _begin(self) -> tuple[int, int]:
        account = users.create_account(self.platform, "Northwind")
        owner = users.create_user(
            self.platform, email="alice@example.com", name="Alice", password="A long pass phrase 1", account_id=account
        )
        settings = {**APPLICATION, "simulator_url": self.amazon.address}
        cart_setup.save_cart_settings(self.platform, "amazon", "simulator", settings)
        cart_setup.enable_cart(self.platform, "amazon")
        return account, owner

    @remembered
    def stock_up(self, skus: Sequence[str] = SKUS, units: int = 1000) -> None:
        """Receive units of each SKU."""
        for sku in skus:
            receiving.receive(
                self.platform, account_id=self.account, sku=sku, name=sku, quantity=str(units), user_id=None
            )

    def follow(self, url: str, until: str = RETURN_URL) -> dict[str, str]:
        """Follow redirects until one leads to us; returns its parameters."""
        while True:
            page = self.browser.get(url, timeout=30, allow_redirects=False)
            assert page.is_redirect, page.text
            url = requests.compat.urljoin(page.url, page.headers["location"])
            if url.startswith(until):
                return dict(parse_qsl(urlsplit(url).query))

    def consent(self, url: str, seller: str = NORTHWIND, until: str = RETURN_URL) -> dict[str, str]:
        """Walk the simulator's sign-in and consent pages like a browser; returns the parameters of the way back."""
        browser = self.browser = requests.Session()
        page = browser.get(url, timeout=30)
        while True:
            assert page.ok, page.text
            soup = BeautifulSoup(page.text, "html.parser")
            form = soup.find("form")
            assert form is not None, page.text
            fields = {}
            for entry in form.find_all("input"):
                if entry.get("type") == "radio":
                    if entry.get("value") == seller:
                        fields[entry["name"]] = seller
                elif entry.get("type") == "checkbox":
                    fields[entry["name"]] = entry.get("value", "on")
                elif entry.get("name"):
                    fields[entry["name"]] = entry.get("value", "")
            for button in form.find_all("button"):
                if button.get("name") and button.get("value") == seller:
                    fields[button["name"]] = seller
                elif button.get("name") and "Next" in button.text:
                    fields[button["name"]] = button.get("value", "")
            action = requests.compat.urljoin(page.url, form.get("action") or "")
            page = browser.post(action, data=fields, timeout=30, allow_redirects=False)
            while page.is_redirect:
                target = requests.compat.urljoin(page.url, page.headers["location"])
                if target.startswith(until):
                    return dict(parse_qsl(urlsplit(target).query))
                page = browser.get(target, timeout=30, allow_redirects=False)

    @remembered
    def connect(self, region: str = "na", seller: str = NORTHWIND, wms_target: str = "embedded") -> int:
        """Install a store as far as the settings page; returns its id."""
        store = install.begin(
            self.platform,
            cart="amazon",
            region=region,
            scope=account_scope(self.account),
            account_id=self.account,
            wms_target=wms_target,
        )
        away = install.step(
            self.platform,
            integration_id=store,
            scope=account_scope(self.account),
            user_id=self.owner,
            browser=BROWSER,
            return_url=RETURN_URL,
        )
        assert isinstance(away, trip.GoTo)
        back = install.come_back(
            self.platform, cart="amazon", user_id=self.owner, browser=BROWSER, params=self.consent(away.url, seller)
        )
        assert back == trip.Ready(store, True)
        return store

    @remembered
    def finish(self, store: int, **changes: str) -> settings.Saved:
        """Save the settings with their defaults, and orders from five days ago on."""
        form = settings.settings_form(self.platform, integration_id=store, scope=account_scope(self.account))
        values = {entry.field.key: entry.value for entry in form}
        values["orders_from"] = (self.clock.now() - timedelta(days=5)).date().isoformat()
        return settings.finish_setup(
            self.platform, integration_id=store, scope=account_scope(self.account), values={**values, **changes}
        )

    @remembered
    def map_methods(self, store: int, *methods: str) -> None:
        """Map shipping methods to Ground."""
        for method in methods:
            shipping_mappings.add_shipping_mapping(
                self.platform, integration_id=store, scope=account_scope(self.account), method=method, service="GROUND"
            )

    @remembered
    def add_item(self, store: int, sku: str, *mappings: tuple[str, str]) -> int:
        """List a custom item."""
        return custom_items.add_custom_item(
            self.platform, integration_id=store, scope=account_scope(self.account), sku=sku, mappings=mappings
        )

    @remembered
    def settle(self) -> None:
        """Run every task that is due now, and what they ask for, until nothing is due."""
        for _ in range(1000):
            if not tick(self.platform, NotedWakeups()).due:
                return
            while run_next(self.platform, HANDLERS):
                pass
            # Asking is cheaper than a tick that finds nothing, and most would.
            if not self._is_due():
                return
        raise AssertionError("tasks keep asking for each other")

    def _is_due(self) -> bool:
        """Whether a tick could find something to do."""
        now = self.clock.now()
        with self.platform.db.read() as session:
            return bool(session.scalar(_IS_DUE, {"now": now}))

    @remembered
    def settle_later(self, **later: float) -> None:
        """Move the clock by timedelta(**later), then `settle`."""
        self.clock.advance(timedelta(**later))
        self.settle()

    @remembered
    def pass_time(self, **time: float) -> None:
        """Let time go by, running every task when it is due or, over more than an hour, a while later.

        What is looked at every minute would else cost most of a test.
        """
        length = timedelta(**time)
        end, late = self.clock.now() + length, length / MOST_STEPS if length > EXACT else timedelta(0)
        self.settle()
        while self.clock.now() < end:
            self.clock.advance_to(min(max(self._next_due() or end, self.clock.now() + late), end))
            self.settle()

    def _next_due(self) -> datetime | None:
        with self.platform.db.read() as session:
            now = {"now": self.clock.now()}
            found = (session.scalar(_NEXT_SLOT, now), session.scalar(_NEXT_TASK, now))
            return min((at for at in found if at is not None), default=None)

    def orders(self) -> dict[str, ReceivedOrder]:
        """All received orders by the cart's id, with lines and holds."""
        with self.platform.db.read() as session:
            rows = session.scalars(
                sa.select(ReceivedOrder).options(selectinload(ReceivedOrder.lines), selectinload(ReceivedOrder.holds))
            )
            return {row.remote_id: row for row in rows}

    def holds(self, order_id: str) -> set[str]:
        """The codes of an order's holds."""
        return {hold.code for hold in self.orders()[order_id].holds}

    def hold_texts(self, order_id: str) -> dict[str, str]:
        """Return the texts of an order's holds, by code."""
        order = self.orders()[order_id]
        with self.platform.db.read() as session:
            cart = session.get_one(Integration, order.integration_id).cart
        return {hold.code: hold.text for hold in shown_holds(self.platform, order, cart)}

    def timeline(self, order_id: str) -> list[str]:
        """Return the texts of an order's timeline."""
        order = self.orders()[order_id]
        with self.platform.db.read() as session:
            cart = session.get_one(Integration, order.integration_id).cart
            return [entry.text for entry in timeline(self.platform, session, order, cart)]

    def warehouse_orders(self) -> dict[str, WarehouseOrder]:
        """All warehouse orders by number."""
        with self.platform.db.read() as session:
            return {row.number: row for row in session.scalars(sa.select(WarehouseOrder))}

    def tasks(self, kind: str) -> list[Task]:
        """Tasks of a kind, newest first."""
        with self.platform.db.read() as session:
            return list(session.scalars(sa.select(Task).where(Task.kind == kind).order_by(Task.id.desc())))

    def quarantined(self) -> list[Any]:
        """Return the failed tasks: none in a healthy world."""
        with self.platform.db.read() as session:
            return [
                (row.kind, row.error_code, row.error_detail)
                for row in session.scalars(sa.select(Task).where(Task.state == TaskState.QUARANTINED))
            ]

    def count_holds(self) -> dict[str, int]:
        """How many holds there are, by code."""
        with self.platform.db.read() as session:
            return dict(session.execute(sa.select(Hold.code, sa.func.count()).group_by(Hold.code)).all())
