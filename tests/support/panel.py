"""The panel with people and data: an account with a store and orders in every state, another account, staff."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask

from is2_core.accounts import users
from is2_core.accounts.models import Account, BrowserSession, Integration, User
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import MemberRole, Role
from is2_core.admin import cart_setup
from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.cases.models import SupportCase
from is2_core.clock import Clock, VirtualClock
from is2_core.items import item_table
from is2_core.platform import Platform
from tests.conftest import make_config
from tests.support.amazon import APPLICATION, NORTHWIND, SimulatedAmazon
from tests.support.browser import PASSWORD, Browser
from tests.support.memory import commits
from tests.support.world import World
from web.app import create_app

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ALICE, BOB, CHARLIE = "alice@example.com", "bob@example.com", "charlie@example.com"
ORDERS = {
    "plain": 6,
    "bundle": 1,
    "pending": 1,
    "unmapped_sku": 1,
    "unmapped_method": 2,
    "missing_address": 1,
    "cancellation_request": 1,
    "cancelled": 1,
    "amazon_fulfilled": 1,
    "gift": 1,
    "unknown_enum": 1,
    "bad": 1,
}
# A table of items that was uploaded and not looked at since.
TABLE = b"cart_sku,title,active,warehouse_sku,quantity\r\nNIGHT,Night set,yes,LAMP-USB,2\r\n"
ADMIN, SUPPORT, PACKER = "root@example.com", "sue@example.com", "walt@example.com"

# By address of who signed in: the cookie, and the row of its session.
_sessions: dict[str, tuple[str, dict[str, Any]]] = {}


@dataclass
class Panel:
    """The panel of a test: Alice owns Northwind, Bob is on her team, Charlie owns Contoso and has no business there.

    `signed_in` is how many commits there had been when somebody signed in last.
    """

    platform: Platform
    clock: VirtualClock
    session_clock: VirtualClock
    app: Flask
    northwind: int
    contoso: int
    signed_in: int = 0

    def browser(self, email: str | None = None) -> Browser:
        """A new browser, signed in as somebody where an address is given."""
        browser = Browser(self.app)
        if email is None:
            return browser
        # Where nothing has happened in the furnished database but sign-ins, an earlier test's cookie is as good as new.
        is_new = self._is_new()
        if is_new and email in _sessions:
            cookie, row = _sessions[email]
            browser.go_on_with(cookie)
            with self.platform.db.write() as db:
                now = self.platform.clock.now()
                db.execute(sa.update(User).where(User.email == email).values(last_sign_in_at=now))
                is_there = sa.select(BrowserSession.id).where(BrowserSession.token_hash == row["token_hash"])
                if db.scalar(is_there) is None:
                    db.execute(sa.insert(BrowserSession).values(row))
        else:
            browser.sign_in(email)
        if is_new:
            if email not in _sessions:
                _sessions[email] = browser.cookie(), self._newest_session()
            self.signed_in = commits[self.platform.db.url]
        return browser

    def _newest_session(self) -> dict[str, Any]:
        columns = [column for column in sa.inspect(BrowserSession).columns if column.name != "id"]
        with self.platform.db.read() as db:
            return dict(db.execute(sa.select(*columns).order_by(BrowserSession.id.desc()).limit(1)).one()._mapping)

    def _is_new(self) -> bool:
        return commits.get(self.platform.db.url) == self.signed_in and self.session_clock.now() == START

    def point_to(self, amazon: SimulatedAmazon) -> None:
        """Have the Amazon cart's settings name this simulator."""
        values = {**APPLICATION, "simulator_url": amazon.address}
        cart_setup.save_cart_settings(self.platform, "amazon", "simulator", values)

    def store(self, account_id: int) -> Integration:
        """The only store of an account."""
        with self.platform.db.read() as db:
            return db.scalars(sa.select(Integration).where(Integration.account_id == account_id)).one()


def _people(platform: Platform, northwind: int) -> tuple[int, int]:
    made = {}
    contoso = users.create_account(platform, "Contoso")
    for email, name, role, account, member in (
        (BOB, "Bob", Role.MERCHANT, northwind, MemberRole.MEMBER),
        (CHARLIE, "Charlie", Role.MERCHANT, contoso, MemberRole.OWNER),
        (ADMIN, "Ada", Role.ADMIN, None, MemberRole.MEMBER),
        (SUPPORT, "Sue", Role.SUPPORT, None, MemberRole.MEMBER),
        (PACKER, "Walt", Role.WAREHOUSE, None, MemberRole.MEMBER),
    ):
        made[email] = users.create_user(
            platform, email=email, name=name, password=PASSWORD, role=role, account_id=account, member_role=member
        )
    return contoso, made[CHARLIE]


def furnish(path: Path, carts: CartRegistry, clock: VirtualClock, amazon: SimulatedAmazon) -> None:
    """Fill an empty database with people, two stores connected at a simulator, items, mappings, stock and orders."""
    platform = build_platform(make_config(f"sqlite:///{path}"), clock=clock, buckets=MemoryBuckets(clock), carts=carts)
    world = World(platform, clock, amazon)
    contoso, charlie = _people(platform, world.account)
    other = _as(world, contoso, charlie)
    for owner, region, seller, nickname in (
        (world, "na", NORTHWIND, "Outdoor"),
        (other, "eu", "A2SIMEU0000001", "Alpen"),
    ):
        owner.stock_up()
        store = owner.connect(region, seller)
        owner.finish(store, nickname=nickname)
        owner.add_item(store, "TENT-2P")
        owner.add_item(store, "BUNDLE-CAMP", ("LAMP-USB", "2"), ("STOVE-MINI", "1"))
        owner.map_methods(store, "STANDARD")
        item_table.preview(
            platform, integration_id=store, scope=account_scope(owner.account), user_id=owner.owner, content=TABLE
        )
        amazon.generate(seller, **ORDERS)
    world.settle()
    with platform.db.write() as db:
        # Of the order that cannot be read; what tests open is then the only one.
        db.execute(sa.delete(SupportCase))
    platform.db.dispose()


def _as(world: World, account: int, owner: int) -> World:
    other = copy.copy(world)
    other.account, other.owner = account, owner
    return other


@cache
def _app(session_secret: str, allow_plain_http: bool) -> Flask:
    """The app of this test process; to draw up its addresses takes longer than to show most pages."""
    nowhere = replace(make_config("sqlite://"), session_secret=session_secret, allow_plain_http=allow_plain_http)
    app = create_app(build_platform(nowhere, clock=VirtualClock(START), carts=CartRegistry()))
    app.testing = True
    return app


def app_over(platform: Platform, session_clock: Clock) -> Flask:
    """The panel over a platform, until it is asked for over another one."""
    app = _app(platform.config.session_secret, platform.config.allow_plain_http)
    app.extensions["is2"], app.extensions["is2_session_clock"] = platform, session_clock
    return app


def open_panel(platform: Platform, clock: VirtualClock) -> Panel:
    """The panel of a platform over a copy of the furnished database."""
    session_clock = VirtualClock(START)
    app = app_over(platform, session_clock)
    with platform.db.read() as db:
        ids = dict(db.execute(sa.select(Account.name, Account.id)).all())
    return Panel(platform, clock, session_clock, app, ids["Northwind"], ids["Contoso"])
