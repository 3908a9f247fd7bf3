"""Both warehouses prove themselves by the conformance kit."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from is2_core.accounts import users
from is2_core.accounts.models import Account
from is2_core.bootstrap import build_platform
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.db.metadata import metadata
from is2_core.embedded_warehouse import order_handling, order_queries, packing, receiving
from is2_core.embedded_warehouse.port import EmbeddedWarehouse
from is2_core.platform import Platform
from plugins.testkit import StillClock, WarehouseConformance
from plugins.warehouse import WarehouseContext
from tests.conftest import make_config
from tests.support.bay import Bay


class TestBay(WarehouseConformance):
    """In memory, no unique number, answers Pending."""

    service = "TRUCK"

    @contextmanager
    def warehouse(self, clock: StillClock) -> Iterator[Bay]:
        yield Bay()

    def receive(self, plugin: Bay, ctx: WarehouseContext, sku: str, units: int) -> None:
        plugin.receive(ctx.account, sku, units)

    def ship(self, plugin: Bay, ctx: WarehouseContext, number: str, units: Mapping[str, int], tracking: str) -> None:
        plugin.ship(ctx.account, number, units, tracking, ctx.clock.now())

    def decide(self, plugin: Bay, ctx: WarehouseContext, number: str, *, accept: bool) -> None:
        plugin.decide(ctx.account, number, accept=accept)

    def end(self, plugin: Bay, ctx: WarehouseContext, number: str, message: str) -> None:
        plugin.end(ctx.account, number, message)


class Embedded(EmbeddedWarehouse):
    """The embedded warehouse with the platform its pages need."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform.db)
        self.platform = platform

    def account(self, ctx: WarehouseContext) -> int:
        """Account.id."""
        with self.platform.db.read() as session:
            return session.scalars(sa.select(Account.id).where(Account.code == ctx.account)).one()

    def order(self, ctx: WarehouseContext, number: str) -> int:
        """The id of an order."""
        found = order_queries.id_of_order(self.platform, self.account(ctx), number)
        assert found is not None
        return found


class TestEmbedded(WarehouseConformance):
    """Own tables, unique number, answers at once."""

    @contextmanager
    def warehouse(self, clock: StillClock) -> Iterator[Embedded]:
        with tempfile.TemporaryDirectory() as folder:
            config = make_config(f"sqlite:///{Path(folder) / 'is2.db'}")
            platform = build_platform(config, clock=clock, buckets=MemoryBuckets(clock))
            metadata.create_all(platform.db.engine)
            for name in ("Northwind", "Contoso"):
                users.create_account(platform, name)
            yield Embedded(platform)
            platform.db.dispose()

    def receive(self, plugin: Embedded, ctx: WarehouseContext, sku: str, units: int) -> None:
        receiving.receive(
            plugin.platform, account_id=plugin.account(ctx), sku=sku, name="", quantity=str(units), user_id=None
        )

    def ship(
        self, plugin: Embedded, ctx: WarehouseContext, number: str, units: Mapping[str, int], tracking: str
    ) -> None:
        packing.ship(
            plugin.platform,
            order_id=plugin.order(ctx, number),
            carrier="A carrier",
            service="",
            tracking_number=tracking,
            lines={sku: str(quantity) for sku, quantity in units.items()},
            user_id=None,
        )

    def end(self, plugin: Embedded, ctx: WarehouseContext, number: str, message: str) -> None:
        order_handling.stop_order(plugin.platform, order_id=plugin.order(ctx, number), reason=message, user_id=None)
